#include "trace_model/report/schema.h"

#include <fmt/format.h>

#include <iterator>

namespace gantry::report {

namespace {

constexpr char kInt[] = "INTEGER";
constexpr char kIntNotNull[] = "INTEGER NOT NULL";
constexpr char kKey[] = "INTEGER NOT NULL PRIMARY KEY";
constexpr char kText[] = "TEXT";
constexpr char kTextNotNull[] = "TEXT NOT NULL";
constexpr char kReal[] = "REAL";
constexpr char kRealNotNull[] = "REAL NOT NULL";

constexpr char kStart[] = "Begin of the event, ns since the session start";
constexpr char kEnd[] = "End of the event, ns since the session start";
constexpr char kDevice[] = "CUDA device ordinal as the process sees it, TARGET_INFO_CUDA_DEVICE.cudaId";
constexpr char kContext[] = "CUDA context, unique in its process";
constexpr char kGreen[] = "Green context; NULL: not recorded";
constexpr char kStream[] = "CUDA stream, unique in its context";
constexpr char kCorrelation[] = "Number shared with the API call that asked for this, unique in its process";
constexpr char kGlobalPid[] = "Process: pid << 24";
constexpr char kGlobalTid[] = "Thread: pid << 24 | tid";
constexpr char kString[] = "StringIds.id";
constexpr char kGraphNode[] = "Node of a CUDA graph; NULL: not launched by a graph";

constexpr Column kStringIds[] = {
    {"id", kKey, "Number other tables refer to"},
    {"value", kTextNotNull, "The text"},
};

constexpr Column kKernel[] = {
    {"start", kIntNotNull, kStart},
    {"end", kIntNotNull, kEnd},
    {"deviceId", kIntNotNull, kDevice},
    {"contextId", kIntNotNull, kContext},
    {"greenContextId", kInt, kGreen},
    {"streamId", kIntNotNull, kStream},
    {"correlationId", kInt, kCorrelation},
    {"globalPid", kInt, kGlobalPid},
    {"demangledName", kIntNotNull, "StringIds.id of the name with template arguments"},
    {"shortName", kIntNotNull, "StringIds.id of the bare function name"},
    {"mangledName", kInt, "StringIds.id of the symbol"},
    {"launchType", kInt, "ENUM_CUDA_KERNEL_LAUNCH_TYPE.id; NULL: not recorded"},
    {"cacheConfig", kInt, "ENUM_CUDA_FUNC_CACHE_CONFIG.id; NULL: not recorded"},
    {"registersPerThread", kIntNotNull, "Registers of each thread"},
    {"gridX", kIntNotNull, "Blocks in X"},
    {"gridY", kIntNotNull, "Blocks in Y"},
    {"gridZ", kIntNotNull, "Blocks in Z"},
    {"blockX", kIntNotNull, "Threads of a block in X"},
    {"blockY", kIntNotNull, "Threads of a block in Y"},
    {"blockZ", kIntNotNull, "Threads of a block in Z"},
    {"staticSharedMemory", kIntNotNull, "Shared memory of a block fixed at compile time, bytes"},
    {"dynamicSharedMemory", kIntNotNull, "Shared memory of a block asked for at launch, bytes"},
    {"localMemoryPerThread", kInt, "Local memory of each thread, bytes; NULL: not known"},
    {"localMemoryTotal", kInt, "Local memory of the whole launch, bytes; NULL: not known"},
    {"gridId", kInt, "Number of the launch given by the driver; NULL: not known"},
    {"sharedMemoryExecuted", kInt, "Shared memory size the driver chose, bytes; NULL: not recorded"},
    {"graphNodeId", kInt, kGraphNode},
    {"sharedMemoryLimitConfig", kInt, "Opt-in for more shared memory; NULL: not recorded"},
    {"graphId", kInt, "CUDA graph of the node; NULL: not launched by a graph"},
};

constexpr Column kMemcpy[] = {
    {"start", kIntNotNull, kStart},
    {"end", kIntNotNull, kEnd},
    {"deviceId", kIntNotNull, kDevice},
    {"contextId", kIntNotNull, kContext},
    {"greenContextId", kInt, kGreen},
    {"streamId", kIntNotNull, kStream},
    {"correlationId", kInt, kCorrelation},
    {"globalPid", kInt, kGlobalPid},
    {"bytes", kIntNotNull, "Amount copied, bytes"},
    {"copyKind", kIntNotNull, "Direction, ENUM_CUDA_MEMCPY_OPER.id"},
    {"deprecatedSrcId", kInt, "Always NULL"},
    {"srcKind", kInt, "Memory copied from, ENUM_CUDA_MEM_KIND.id"},
    {"dstKind", kInt, "Memory copied to, ENUM_CUDA_MEM_KIND.id"},
    {"srcDeviceId", kInt, "Device copied from; NULL: not recorded"},
    {"srcContextId", kInt, "Context copied from; NULL: not recorded"},
    {"dstDeviceId", kInt, "Device copied to; NULL: not recorded"},
    {"dstContextId", kInt, "Context copied to; NULL: not recorded"},
    {"migrationCause", kInt, "Why unified memory moved; NULL: not a migration"},
    {"graphNodeId", kInt, kGraphNode},
    {"virtualAddress", kInt, "Address of the pages that moved; NULL: not a migration"},
};

constexpr Column kMemset[] = {
    {"start", kIntNotNull, kStart},          {"end", kIntNotNull, kEnd},
    {"deviceId", kIntNotNull, kDevice},      {"contextId", kIntNotNull, kContext},
    {"greenContextId", kInt, kGreen},        {"streamId", kIntNotNull, kStream},
    {"correlationId", kInt, kCorrelation},   {"globalPid", kInt, kGlobalPid},
    {"value", kIntNotNull, "Value written"}, {"bytes", kIntNotNull, "Amount written, bytes"},
    {"graphNodeId", kInt, kGraphNode},       {"memKind", kInt, "Memory written, ENUM_CUDA_MEM_KIND.id"},
};

constexpr Column kRuntime[] = {
    {"start", kIntNotNull, kStart},
    {"end", kIntNotNull, kEnd},
    {"eventClass", kIntNotNull, "0 runtime API, 1 driver API, ENUM_NSYS_EVENT_CLASS.id"},
    {"globalTid", kInt, kGlobalTid},
    {"correlationId", kInt, "Number shared with the GPU work the call asked for, unique in its process"},
    {"nameId", kIntNotNull, "StringIds.id of the function name"},
    {"returnValue", kIntNotNull, "CUDA error number, 0 success"},
    {"callchainId", kInt, "Always NULL: no call chains are recorded"},
};

constexpr Column kSynchronization[] = {
    {"start", kIntNotNull, kStart},
    {"end", kIntNotNull, kEnd},
    {"deviceId", kIntNotNull, kDevice},
    {"contextId", kIntNotNull, kContext},
    {"greenContextId", kInt, kGreen},
    {"streamId", kIntNotNull, "CUDA stream waited for; 4294967295: not one stream"},
    {"correlationId", kInt, kCorrelation},
    {"globalPid", kInt, kGlobalPid},
    {"syncType", kIntNotNull, "ENUM_CUPTI_SYNC_TYPE.id"},
    {"eventId", kInt, "CUDA event waited for; 4294967295: none; NULL: not known"},
};

constexpr Column kGraphTrace[] = {
    {"start", kIntNotNull, kStart},
    {"end", kIntNotNull, kEnd},
    {"deviceId", kIntNotNull, kDevice},
    {"contextId", kIntNotNull, kContext},
    {"greenContextId", kInt, kGreen},
    {"streamId", kIntNotNull, kStream},
    {"correlationId", kInt, kCorrelation},
    {"globalPid", kInt, kGlobalPid},
    {"graphId", kIntNotNull, "CUDA graph that was launched"},
    {"graphExecId", kInt, "Always NULL: not recorded"},
};

constexpr Column kMemoryUsage[] = {
    {"start", kIntNotNull, "When it happened, ns since the session start"},
    {"globalPid", kIntNotNull, kGlobalPid},
    {"deviceId", kIntNotNull, kDevice},
    {"contextId", kIntNotNull, kContext},
    {"address", kIntNotNull, "Virtual address, an unsigned number stored as signed 64 bit"},
    {"pc", kIntNotNull, "Address of the code that asked for it"},
    {"bytes", kIntNotNull, "Amount allocated or released, bytes"},
    {"memKind", kIntNotNull, "ENUM_CUDA_MEM_KIND.id"},
    {"memoryOperationType", kIntNotNull, "ENUM_CUDA_DEV_MEM_EVENT_OPER.id"},
    {"name", kText, "Variable that lies there; NULL: none"},
    {"correlationId", kInt, kCorrelation},
    {"streamId", kInt, "CUDA stream; NULL: not an asynchronous operation"},
    {"localMemoryPoolAddress", kInt, "NULL: in no pool of the process"},
    {"localMemoryPoolReleaseThreshold", kInt, "Bytes that the pool keeps; NULL: in no pool of the process"},
    {"localMemoryPoolSize", kInt, "Bytes that the pool has of the GPU; NULL: in no pool of the process"},
    {"localMemoryPoolUtilizedSize", kInt, "Bytes of the pool that are allocated; NULL: in no pool of the process"},
    {"importedMemoryPoolAddress", kInt, "NULL: in no pool of another process"},
    {"importedMemoryPoolProcessId", kInt, "Process id of the pool's owner; NULL: in no pool of another process"},
};

constexpr Column kLibraryCall[] = {
    {"start", kIntNotNull, kStart},
    {"end", kIntNotNull, kEnd},
    {"eventClass", kIntNotNull, "ENUM_NSYS_EVENT_CLASS.id"},
    {"globalTid", kInt, kGlobalTid},
    {"nameId", kIntNotNull, "StringIds.id of the function name"},
};

constexpr Column kOsCall[] = {
    {"start", kIntNotNull, kStart},
    {"end", kIntNotNull, kEnd},
    {"eventClass", kInt, "Always NULL: not known, there are several of OS calls"},
    {"globalTid", kInt, kGlobalTid},
    {"nameId", kIntNotNull, "StringIds.id of the function name"},
    {"returnValue", kIntNotNull, "What the call returned"},
    {"nestingLevel", kInt, "NULL: not recorded"},
    {"callchainId", kInt, "Always NULL: no call chains are recorded"},
};

constexpr Column kScheduling[] = {
    {"start", kIntNotNull, "Time, ns since the session start; 0: the state in which the window found the thread"},
    {"cpu", kIntNotNull, "Processor"},
    {"isSchedIn", kIntNotNull, "1: the thread runs from here on, 0: it does not"},
    {"globalTid", kInt, kGlobalTid},
    {"threadState", kInt, "Always NULL: not recorded"},
    {"threadBlock", kInt, "Always NULL: not recorded"},
};

constexpr Column kOverhead[] = {
    {"start", kIntNotNull, kStart},
    {"end", kIntNotNull, kEnd},
    {"eventClass", kIntNotNull, "Always 103, ENUM_NSYS_EVENT_CLASS.id"},
    {"globalTid", kInt, kGlobalTid},
    {"correlationId", kInt, "Always NULL"},
    {"nameId", kInt, "StringIds.id of a name for the overhead"},
    {"overheadType", kInt, "ENUM_CUPTI_OVERHEAD_TYPE.id; NULL: not known"},
};

constexpr Column kNvtx[] = {
    {"start", kIntNotNull, kStart},
    {"end", kInt, "End, ns since the session start; NULL: a mark, or a range that never ended"},
    {"eventType", kIntNotNull, "ENUM_NSYS_EVENT_TYPE.id"},
    {"rangeId", kInt, "Number of a start/end range, from nvtxRangeStart"},
    {"category", kInt, "Category, named by an event of type 33 of the same domain; NULL: none"},
    {"color", kInt, "0xAARRGGBB; NULL: none given"},
    {"text", kText, "Message that is not in StringIds"},
    {"globalTid", kInt, kGlobalTid},
    {"endGlobalTid", kInt, "Thread that ended a start/end range"},
    {"textId", kInt, "StringIds.id of the message, domain, category or thread name"},
    {"domainId", kInt, "Domain, named by an event of type 75 of the same process; NULL or 0: the default domain"},
    {"uint64Value", kInt, "Payload given as unsigned 64-bit integer"},
    {"int64Value", kInt, "Payload given as signed 64-bit integer"},
    {"doubleValue", kReal, "Payload given as double"},
    {"uint32Value", kInt, "Payload given as unsigned 32-bit integer"},
    {"int32Value", kInt, "Payload given as signed 32-bit integer"},
    {"floatValue", kReal, "Payload given as float"},
    {"jsonTextId", kInt, "StringIds.id of a payload given as JSON"},
    {"jsonText", kText, "Payload given as JSON"},
    {"binaryData", kText, "Always NULL"},
};

constexpr Column kProcesses[] = {
    {"globalPid", kInt, kGlobalPid},
    {"pid", kInt, "Process id on its node"},
    {"name", kText, "Name of the program"},
};

constexpr Column kThreadNames[] = {
    {"nameId", kIntNotNull, "StringIds.id of the thread's name"},
    {"priority", kInt, "Priority; NULL: not recorded"},
    {"globalTid", kInt, kGlobalTid},
};

constexpr Column kGpu[] = {
    {"vmId", kIntNotNull, "Always 0: one machine"},
    {"id", kIntNotNull, "Number of the GPU on its node"},
    {"name", kText, "Name as the driver gives it"},
    {"busLocation", kText, "PCI address"},
    {"isDiscrete", kInt, "1: a card of its own; NULL: not recorded"},
    {"l2CacheSize", kInt, "bytes; NULL: not recorded"},
    {"totalMemory", kInt, "GPU memory, bytes"},
    {"memoryBandwidth", kInt, "bytes/s; NULL: not recorded"},
    {"clockRate", kInt, "Hz; NULL: not recorded"},
    {"smCount", kInt, "Streaming multiprocessors; NULL: not recorded"},
    {"uuid", kText, "GPU-…, as the driver gives it"},
    {"chipName", kText, "NULL: not recorded"},
    {"cuDevice", kInt, "CUDA ordinal without CUDA_VISIBLE_DEVICES"},
    {"threadsPerWarp", kInt, "NULL: not recorded"},
    {"maxWarpsPerSm", kInt, "NULL: not recorded"},
    {"computeMajor", kInt, "Compute capability, major"},
    {"computeMinor", kInt, "Compute capability, minor"},
    {"smMajor", kInt, "The same as computeMajor"},
    {"smMinor", kInt, "The same as computeMinor"},
};

constexpr Column kCudaDevice[] = {
    {"gpuId", kInt, "TARGET_INFO_GPU.id"},
    {"cudaId", kIntNotNull, "CUDA ordinal in the process (deviceId of the activity tables)"},
    {"pid", kIntNotNull, "Process id"},
};

constexpr Column kCudaStream[] = {
    {"streamId", kIntNotNull, "CUDA stream, unique in its context"},
    {"hwId", kIntNotNull, "Always 0: one machine"},
    {"vmId", kIntNotNull, "Always 0: one machine"},
    {"processId", kIntNotNull, "Process id"},
    {"contextId", kIntNotNull, kContext},
    {"priority", kIntNotNull, "CUDA stream priority, a signed number stored as unsigned 32 bit"},
    {"flag", kIntNotNull, "ENUM_CUPTI_STREAM_TYPE.id"},
};

constexpr Column kCudaContext[] = {
    {"nullStreamId", kIntNotNull, "Default stream of the context"},
    {"hwId", kIntNotNull, "Always 0: one machine"},
    {"vmId", kIntNotNull, "Always 0: one machine"},
    {"processId", kIntNotNull, "Process id"},
    {"deviceId", kIntNotNull, kDevice},
    {"contextId", kIntNotNull, kContext},
};

constexpr Column kDiagnostic[] = {
    {"timestamp", kIntNotNull, "ns since the session start; 0: of the report as a whole"},
    {"timestampType", kIntNotNull, "Always 0: unknown"},
    {"source", kIntNotNull, "Always 3: analysis"},
    {"severity", kIntNotNull, "2: warning"},
    {"text", kTextNotNull, "What was repaired or is not shown, one sentence"},
    {"globalPid", kInt, "Process; NULL: none in particular"},
};

constexpr Column kSessionStart[] = {
    {"utcEpochNs", kInt, "UTC of session time 0, ns since 1970"},
    {"utcTime", kText, "The same as text"},
    {"localTime", kText, "Always NULL: a report does not tell where it was made"},
    {"systemClockNs", kInt, "CLOCK_MONOTONIC of session time 0, ns"},
};

constexpr Column kAnalysisDetails[] = {
    {"globalVid", kIntNotNull, "Always 0: one machine"},
    {"duration", kIntNotNull, "Length of the window, ns"},
    {"startTime", kIntNotNull, "Begin of the window, ns since the session start"},
    {"stopTime", kIntNotNull, "End of the window, ns since the session start"},
};

constexpr Column kMetaData[] = {
    {"name", kTextNotNull, "Key, see meta_keys.h"},
    {"value", kText, "Value as text"},
};

constexpr Column kRequests[] = {
    {"requestId", kIntNotNull, "Number the server gave the request, unique in its process"},
    {"globalPid", kIntNotNull, kGlobalPid},
    {"clientId", kInt, "StringIds.id of the id the client sent; NULL: none"},
    {"model", kIntNotNull, kString},
    {"version", kIntNotNull, kString},
    {"start", kInt, "Received, ns since the session start; NULL: before the window"},
    {"end", kInt, "Answered, ns since the session start; NULL: after the window"},
    {"failed", kIntNotNull, "1: answered with an error"},
    {"batchId", kInt,
     "GANTRY_EXECUTIONS.batchId of the same process; NULL: not executed in the window. Members of a batch are the requests with its "
     "number"},
    {"parentId", kInt, "requestId of the ensemble's request that this one is a step of; NULL: of none"},
};

constexpr Column kRequestPhases[] = {
    {"requestId", kIntNotNull, "GANTRY_REQUESTS.requestId"},
    {"globalPid", kIntNotNull, kGlobalPid},
    {"phase", kIntNotNull, "ENUM_GANTRY_REQUEST_PHASE.id"},
    {"start", kIntNotNull, "Begin of the phase, ns since the session start"},
    {"end", kIntNotNull, "End of the phase, ns since the session start"},
};

constexpr Column kEarlierBatches[] = {
    {"requestId", kIntNotNull, "GANTRY_REQUESTS.requestId"},
    {"globalPid", kIntNotNull, kGlobalPid},
    {"batchId", kIntNotNull, "GANTRY_EXECUTIONS.batchId of the same process"},
};

constexpr Column kExecutions[] = {
    {"batchId", kIntNotNull, "Number the server gave the batch, unique in its process"},
    {"globalTid", kIntNotNull, "Thread of the model instance: pid << 24 | tid"},
    {"model", kIntNotNull, kString},
    {"version", kIntNotNull, kString},
    {"instance", kIntNotNull, "StringIds.id of the instance's name"},
    {"start", kIntNotNull, kStart},
    {"end", kInt, "End, ns since the session start; NULL: after the window"},
};

constexpr Column kSeries[] = {
    {"id", kKey, "Number samples refer to"},
    {"name", kTextNotNull, "Name of the metric"},
    {"unit", kTextNotNull, "Unit of the values"},
    {"kind", kIntNotNull,
     "0 gauge, 1 counter, 2 a line as it is shown, 3 one whose values hold until the next, ENUM_GANTRY_SERIES_KIND.id"},
    {"labels", kTextNotNull, "Labels as in the Prometheus text format: key=\"value\", separated by commas"},
    {"help", kTextNotNull, "What it means, one sentence"},
};

constexpr Column kSamples[] = {
    {"seriesId", kIntNotNull, "GANTRY_SERIES.id"},
    {"time", kIntNotNull, "ns since the session start"},
    {"value", kRealNotNull, "In the series' unit; a missing sample has no row"},
};

constexpr Column kGpuRanges[] = {
    {"start", kIntNotNull, kStart},
    {"end", kIntNotNull, kEnd},
    {"deviceId", kIntNotNull, kDevice},
    {"contextId", kIntNotNull, kContext},
    {"streamId", kIntNotNull, kStream},
    {"globalPid", kInt, kGlobalPid},
    {"textId", kIntNotNull, "StringIds.id of the range's text"},
};

constexpr Column kStreamNames[] = {
    {"deviceId", kIntNotNull, "CUDA device ordinal"},
    {"contextId", kIntNotNull, kContext},
    {"streamId", kIntNotNull, kStream},
    {"name", kTextNotNull, "What the stream is called"},
    {"globalPid", "INTEGER", "Process: pid << 24; 0: whichever"},
};

constexpr Column kSummaries[] = {
    {"name", kTextNotNull, "Name of a table that has no times, as a load generator printed it"},
    {"row", kIntNotNull, "0: the names of its columns"},
    {"cell", kIntNotNull, "Place in the row, from 0"},
    {"value", kText, "NULL: absent"},
};

constexpr Column kLosses[] = {
    {"name", kTextNotNull, "Name of the counter"},
    {"severity", kIntNotNull, "0 info, 1 warning, 2 error, ENUM_GANTRY_LOSS_SEVERITY.id"},
    {"count", kIntNotNull, "How many were lost; 0: looked, none"},
    {"help", kTextNotNull, "What was lost and what to do"},
};

constexpr Column kClockSamples[] = {
    {"globalPid", kIntNotNull, kGlobalPid},
    {"monotonicNs", kIntNotNull, "CLOCK_MONOTONIC, ns"},
    {"realtimeNs", kIntNotNull, "CLOCK_REALTIME, ns since 1970"},
    {"rawNs", kIntNotNull, "CLOCK_MONOTONIC_RAW, ns"},
};

constexpr Column kLogMarks[] = {
    {"time", kIntNotNull, "ns since the session start"},
    {"source", kTextNotNull, "Who said it: target, daemon, ..."},
    {"text", kTextNotNull, "The line"},
};

constexpr Column kGantryMeta[] = {
    {"name", kTextNotNull, "Key, see meta_keys.h"},
    {"value", kText, "Value as text"},
};

constexpr Table kTables[] = {
    {"StringIds", "Texts, each once", kStringIds},
    {"CUPTI_ACTIVITY_KIND_KERNEL", "Kernels", kKernel},
    {"CUPTI_ACTIVITY_KIND_MEMCPY", "Memory copies", kMemcpy},
    {"CUPTI_ACTIVITY_KIND_MEMSET", "Memory sets", kMemset},
    {"CUPTI_ACTIVITY_KIND_RUNTIME", "CUDA runtime and driver API calls", kRuntime},
    {"CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", "Waits for streams, events and contexts", kSynchronization},
    {"CUPTI_ACTIVITY_KIND_OVERHEAD", "Time the profiler and the driver took for themselves", kOverhead},
    {"CUPTI_ACTIVITY_KIND_GRAPH_TRACE", "Launches of CUDA graphs recorded as a whole", kGraphTrace, true},
    {"CUDA_GPU_MEMORY_USAGE_EVENTS", "Allocations and releases of memory", kMemoryUsage, true},
    {"CUBLAS_EVENTS", "Calls of libraries other than cuDNN", kLibraryCall, true},
    {"CUDNN_EVENTS", "Calls of cuDNN", kLibraryCall, true},
    {"OSRT_API", "Calls of the operating system and libc", kOsCall, true},
    {"SCHED_EVENTS", "When threads ran on a processor, where that was asked for", kScheduling, true},
    {"NVTX_EVENTS", "NVTX ranges and marks, and the names of domains, categories and threads", kNvtx},
    {"PROCESSES", "Processes", kProcesses},
    {"ThreadNames", "Names of threads", kThreadNames},
    {"TARGET_INFO_GPU", "GPUs of the node", kGpu},
    {"TARGET_INFO_CUDA_DEVICE", "Which GPU is which CUDA ordinal in which process", kCudaDevice},
    {"TARGET_INFO_CUDA_STREAM", "CUDA streams", kCudaStream},
    {"TARGET_INFO_CUDA_CONTEXT_INFO", "CUDA contexts", kCudaContext, true},
    {"DIAGNOSTIC_EVENT", "What is to be known of the report before trusting it", kDiagnostic, true},
    {"TARGET_INFO_SESSION_START_TIME", "What session time 0 is on other clocks; one row", kSessionStart},
    {"ANALYSIS_DETAILS", "The capture window; one row", kAnalysisDetails},
    {"META_DATA_EXPORT", "Who wrote the report, and in which format", kMetaData},
    {"META_DATA_CAPTURE", "How it was captured, and where", kMetaData},
    {"GANTRY_REQUESTS", "Requests the server worked on in the window", kRequests},
    {"GANTRY_REQUEST_PHASES", "Phases of those requests; compute phases are the batch's, repeated for each member", kRequestPhases},
    {"GANTRY_EARLIER_BATCHES",
     "Of requests that take part in several executions (batched in flight): those before the last one, which GANTRY_REQUESTS names",
     kEarlierBatches},
    {"GANTRY_EXECUTIONS", "Batches executed by model instances", kExecutions},
    {"GANTRY_SERIES", "Metrics sampled beside the events", kSeries},
    {"GANTRY_SAMPLES", "Their samples", kSamples},
    {"GANTRY_GPU_RANGES", "Ranges as the tool that recorded them projected them onto streams", kGpuRanges, true},
    {"GANTRY_STREAM_NAMES", "Names of streams", kStreamNames, true},
    {"GANTRY_SUMMARIES", "Tables of a load generator, cell by cell", kSummaries, true},
    {"GANTRY_LOSSES", "What did not make it into the report", kLosses},
    {"GANTRY_CLOCK_SAMPLES", "Clock readings taken together, absolute times", kClockSamples},
    {"GANTRY_LOG_MARKS", "Lines of logs inside the window", kLogMarks},
    {"GANTRY_META", "Window and row counts, for the reader to check", kGantryMeta},
};

constexpr EnumValue kMemcpyOper[] = {
    {0, "CUDA_MEMCPY_KIND_UNKNOWN", "Unknown"},
    {1, "CUDA_MEMCPY_KIND_HTOD", "Host-to-Device"},
    {2, "CUDA_MEMCPY_KIND_DTOH", "Device-to-Host"},
    {3, "CUDA_MEMCPY_KIND_HTOA", "Host-to-Array"},
    {4, "CUDA_MEMCPY_KIND_ATOH", "Array-to-Host"},
    {5, "CUDA_MEMCPY_KIND_ATOA", "Array-to-Array"},
    {6, "CUDA_MEMCPY_KIND_ATOD", "Array-to-Device"},
    {7, "CUDA_MEMCPY_KIND_DTOA", "Device-to-Array"},
    {8, "CUDA_MEMCPY_KIND_DTOD", "Device-to-Device"},
    {9, "CUDA_MEMCPY_KIND_HTOH", "Host-to-Host"},
    {10, "CUDA_MEMCPY_KIND_PTOP", "Peer-to-Peer"},
    {11, "CUDA_MEMCPY_KIND_UVM_HTOD", "Unified Host-to-Device"},
    {12, "CUDA_MEMCPY_KIND_UVM_DTOH", "Unified Device-to-Host"},
    {13, "CUDA_MEMCPY_KIND_UVM_DTOD", "Unified Device-to-Device"},
};

constexpr EnumValue kMemKind[] = {
    {0, "CUDA_MEMOPR_MEMORY_KIND_PAGEABLE", "Pageable"},
    {1, "CUDA_MEMOPR_MEMORY_KIND_PINNED", "Pinned"},
    {2, "CUDA_MEMOPR_MEMORY_KIND_DEVICE", "Device"},
    {3, "CUDA_MEMOPR_MEMORY_KIND_ARRAY", "Array"},
    {4, "CUDA_MEMOPR_MEMORY_KIND_MANAGED", "Managed"},
    {5, "CUDA_MEMOPR_MEMORY_KIND_DEVICE_STATIC", "Device Static"},
    {6, "CUDA_MEMOPR_MEMORY_KIND_MANAGED_STATIC", "Managed Static"},
    {7, "CUDA_MEMOPR_MEMORY_KIND_UNKNOWN", "Unknown"},
};

constexpr EnumValue kMemoryOperation[] = {
    {0, "CUDA_DEV_MEM_EVENT_OPR_ALLOCATION", "Allocation"},
    {1, "CUDA_DEV_MEM_EVENT_OPR_DEALLOCATION", "Deallocation"},
};

constexpr EnumValue kSyncType[] = {
    {0, "CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_UNKNOWN", "Unknown"},
    {1, "CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_EVENT_SYNCHRONIZE", "Event sync"},
    {2, "CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_STREAM_WAIT_EVENT", "Stream wait sync"},
    {3, "CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_STREAM_SYNCHRONIZE", "Stream sync"},
    {4, "CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_CONTEXT_SYNCHRONIZE", "Context sync"},
};

constexpr EnumValue kStreamType[] = {
    {0, "CUPTI_ACTIVITY_STREAM_CREATE_FLAG_UNKNOWN", "Unknown stream type"},
    {1, "CUPTI_ACTIVITY_STREAM_CREATE_FLAG_DEFAULT", "Default stream"},
    {2, "CUPTI_ACTIVITY_STREAM_CREATE_FLAG_NON_BLOCKING", "Non-blocking stream"},
    {3, "CUPTI_ACTIVITY_STREAM_CREATE_FLAG_NULL", "Null stream"},
};

constexpr EnumValue kLaunchType[] = {
    {0, "CUDA_KERNEL_LAUNCH_TYPE_UNKNOWN", "Unknown"},
    {1, "CUDA_KERNEL_LAUNCH_TYPE_REGULAR", "Regular"},
    {2, "CUDA_KERNEL_LAUNCH_TYPE_COOPERATIVE_SINGLE_DEVICE", "Coop Single Device"},
    {3, "CUDA_KERNEL_LAUNCH_TYPE_COOPERATIVE_MULTI_DEVICE", "Coop Multi Device"},
};

constexpr EnumValue kCacheConfig[] = {
    {0, "CUDA_FUNC_CACHE_CONFIG_PREFER_NONE", "None"},
    {1, "CUDA_FUNC_CACHE_CONFIG_PREFER_SHARED", "Shared"},
    {2, "CUDA_FUNC_CACHE_CONFIG_PREFER_L1", "L1"},
    {3, "CUDA_FUNC_CACHE_CONFIG_PREFER_EQUAL", "Equal"},
};

constexpr EnumValue kOverheadType[] = {
    {0, "OVERHEAD_UNDEFINED", "Undefined"},
    {1, "OVERHEAD_UNKNOWN", "Unknown"},
    {2, "OVERHEAD_DRIVER_COMPILER", "Driver JIT compiler (CUDA)"},
    {3, "OVERHEAD_CUPTI_BUFFER_FLUSH", "Buffer flush (Profiler)"},
    {4, "OVERHEAD_CUPTI_INSTRUMENTATION", "Instrumentation (Profiler)"},
    {5, "OVERHEAD_CUPTI_RESOURCE", "Resource creation/destruction (Profiler)"},
    {6, "OVERHEAD_RUNTIME_TRIGGERED_MODULE_LOADING", "Runtime module loading (CUDA)"},
    {7, "OVERHEAD_LAZY_FUNCTION_LOADING", "Lazy function loading (CUDA)"},
    {8, "OVERHEAD_COMMAND_BUFFER_FULL", "Command buffer full (CUDA)"},
};

constexpr EnumValue kEventType[] = {
    {33, "NvtxCategory", "NvtxCategory"},
    {34, "NvtxMark", "NvtxMark"},
    {39, "NvtxThread", "NvtxThread"},
    {59, "NvtxPushPopRange", "NvtxPushPopRange"},
    {60, "NvtxStartEndRange", "NvtxStartEndRange"},
    {75, "NvtxDomainCreate", "NvtxDomainCreate"},
};

constexpr EnumValue kEventClass[] = {
    {0, "TRACE_PROCESS_EVENT_CUDA_RUNTIME", "CUDA runtime"},
    {1, "TRACE_PROCESS_EVENT_CUDA_DRIVER", "CUDA driver"},
    {27, "TRACE_PROCESS_EVENT_OS_RUNTIME", "OS runtime"},
    {28, "TRACE_PROCESS_EVENT_CUDNN", "cuDNN"},
    {29, "TRACE_PROCESS_EVENT_CUBLAS", "cuBLAS"},
    {103, "TRACE_PROCESS_EVENT_CUDA_OVERHEAD", "CUDA overhead"},
};

constexpr EnumValue kRequestPhase[] = {
    {0, "queue", "Queue"},
    {1, "cache", "Cache lookup"},
    {2, "compute_input", "Compute input"},
    {3, "compute_infer", "Compute infer"},
    {4, "compute_output", "Compute output"},
};

constexpr EnumValue kSeriesKind[] = {
    {0, "gauge", "Gauge"},
    {1, "counter", "Counter"},
    {2, "line", "A line as it is shown"},
    {3, "exact_line", "A line whose values hold until the next"},
};

constexpr EnumValue kLossSeverity[] = {
    {0, "info", "Info"},
    {1, "warning", "Warning"},
    {2, "error", "Error"},
};

constexpr EnumTable kEnumTables[] = {
    {"ENUM_CUDA_MEMCPY_OPER", kMemcpyOper},
    {"ENUM_CUDA_MEM_KIND", kMemKind},
    {"ENUM_CUDA_DEV_MEM_EVENT_OPER", kMemoryOperation},
    {"ENUM_CUPTI_SYNC_TYPE", kSyncType},
    {"ENUM_CUPTI_STREAM_TYPE", kStreamType},
    {"ENUM_CUDA_KERNEL_LAUNCH_TYPE", kLaunchType},
    {"ENUM_CUDA_FUNC_CACHE_CONFIG", kCacheConfig},
    {"ENUM_CUPTI_OVERHEAD_TYPE", kOverheadType},
    {"ENUM_NSYS_EVENT_TYPE", kEventType},
    {"ENUM_NSYS_EVENT_CLASS", kEventClass},
    {"ENUM_GANTRY_REQUEST_PHASE", kRequestPhase},
    {"ENUM_GANTRY_SERIES_KIND", kSeriesKind},
    {"ENUM_GANTRY_LOSS_SEVERITY", kLossSeverity},
};

constexpr Column kEnumColumns[] = {
    {"id", kKey, "The number"},
    {"name", kText, "Symbol"},
    {"label", kText, "Name for people"},
};

} // namespace

std::span<const Table> tables()
{
    return kTables;
}

std::span<const EnumTable> enumTables()
{
    return kEnumTables;
}

std::string createStatement(const Table& table)
{
    std::string sql = fmt::format("CREATE TABLE {} (\n    -- {}\n\n", table.name, table.comment);
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const Column& column = table.columns[i];
        const std::string declaration = fmt::format("{:<27} {}{}", column.name, column.type, i + 1 < table.columns.size() ? "," : "");
        fmt::format_to(std::back_inserter(sql), "    {:<60} -- {}\n", declaration, column.comment);
    }
    return sql + ")";
}

std::string createStatement(const EnumTable& table)
{
    return createStatement(Table{table.name, "Meaning of numbers", kEnumColumns});
}

} // namespace gantry::report
