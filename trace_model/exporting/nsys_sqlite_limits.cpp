#include "trace_model/exporting/nsys_sqlite.h"

#include <algorithm>
#include <initializer_list>

namespace gantry::exporting {
namespace {

using trace::Trace;

/// Read from a file with the schema of what is written: only of such a one can tables and columns be lost.
bool isOfReport(const Trace& trace)
{
    return trace.meta.format == "gantry" || trace.meta.format == "nsys-sqlite";
}

bool isOfNsys(const Trace& trace)
{
    return trace.meta.format == "nsys-sqlite";
}

/// Whether a file that the trace was read from has rows in one of these tables.
bool hasAny(const Trace& trace, std::initializer_list<std::string_view> tables)
{
    for (const importing::ImportReport& file : trace.imports)
        for (const importing::TableTally& table : file.tables)
            if (table.rows > 0 && std::find(tables.begin(), tables.end(), table.name) != tables.end())
                return true;
    return false;
}

/// What is lost of a table that has rows, by column. A test compares this with real exports.
constexpr FormatLimit kLimits[] = {
    {"the format of the file it was read from, and what was skipped there",
     [](const Trace& trace) { return trace.meta.format != "gantry"; }},
    {"columns of CUPTI_ACTIVITY_KIND_KERNEL: greenContextId, mangledName, launchType, cacheConfig, localMemoryPerThread, localMemoryTotal, "
     "gridId, "
     "graphId, "
     "sharedMemoryExecuted, sharedMemoryLimitConfig, clusterX, clusterY, clusterZ, clusterSchedulingPolicy, maxPotentialClusterSize, "
     "maxActiveClusters, "
     "tensorSizeMinusOneElements",
     [](const Trace& trace) { return isOfReport(trace) && trace.kernels.size() > 0; }},
    {"columns of CUPTI_ACTIVITY_KIND_MEMCPY: greenContextId, srcDeviceId, srcContextId, dstDeviceId, dstContextId, migrationCause, "
     "virtualAddress, "
     "graphNodeId, copyCount",
     [](const Trace& trace) { return isOfReport(trace) && trace.memcpys.size() > 0; }},
    {"columns of CUPTI_ACTIVITY_KIND_MEMSET: greenContextId, graphNodeId",
     [](const Trace& trace) { return isOfReport(trace) && trace.memsets.size() > 0; }},
    {"columns of CUPTI_ACTIVITY_KIND_SYNCHRONIZATION: greenContextId, eventId, eventSyncId",
     [](const Trace& trace) { return isOfReport(trace) && trace.synchronizations.size() > 0; }},
    {"columns of CUPTI_ACTIVITY_KIND_GRAPH_TRACE: greenContextId, graphExecId",
     [](const Trace& trace) { return isOfReport(trace) && trace.graphLaunches.size() > 0; }},
    {"CUDA_GPU_MEMORY_USAGE_EVENTS: what its rows add up to is in GANTRY_SERIES",
     [](const Trace& trace) { return hasAny(trace, {"CUDA_GPU_MEMORY_USAGE_EVENTS"}); }},
    {"columns of CUPTI_ACTIVITY_KIND_RUNTIME: callchainId, and eventClass but for whether it is the driver's",
     [](const Trace& trace) { return isOfNsys(trace) && trace.apiCalls.size() > 0; }},
    {"columns of CUPTI_ACTIVITY_KIND_OVERHEAD: correlationId, overheadType",
     [](const Trace& trace) { return isOfReport(trace) && trace.overheads.size() > 0; }},
    {"PROFILER_OVERHEAD: its rows are in CUPTI_ACTIVITY_KIND_OVERHEAD, without overheadType",
     [](const Trace& trace) { return hasAny(trace, {"PROFILER_OVERHEAD"}); }},
    {"columns of OSRT_API: eventClass, nestingLevel, callchainId, argumentsId, correlationId",
     [](const Trace& trace) { return isOfNsys(trace) && trace.osCalls.size() > 0; }},
    {"columns of NVTX_EVENTS: rangeId, endGlobalTid, text and jsonText (they are in StringIds), binaryData, payloads but for "
     "uint64Value, "
     "start of rows that name "
     "domains, and rows that name categories or threads",
     [](const Trace& trace) { return isOfReport(trace) && trace.nvtxRanges.size() + trace.nvtxMarks.size() > 0; }},
    {"NVTX_PAYLOAD_SCHEMAS, NVTX_PAYLOAD_SCHEMA_ENTRIES",
     [](const Trace& trace) { return isOfNsys(trace) && trace.nvtxRanges.size() + trace.nvtxMarks.size() > 0; }},
    {"stacks, samples and scheduling of the CPU: CUDA_CALLCHAINS, OSRT_CALLCHAINS, SAMPLING_CALLCHAINS, COMPOSITE_EVENTS, SCHED_EVENTS, "
     "UnwindMethodType",
     [](const Trace& trace) {
         return hasAny(
             trace, {"CUDA_CALLCHAINS", "OSRT_CALLCHAINS", "SAMPLING_CALLCHAINS", "COMPOSITE_EVENTS", "SCHED_EVENTS", "UnwindMethodType"});
     }},
    {"events that are not shown: CUPTI_ACTIVITY_KIND_CUDA_EVENT, CUDA_GRAPH_EVENTS, OSRT_FILE_ACCESS_EVENTS, OSRT_FILE_ACCESS_DESCRIPTORS",
     [](const Trace& trace) {
         return hasAny(trace,
                       {"CUPTI_ACTIVITY_KIND_CUDA_EVENT", "CUDA_GRAPH_EVENTS", "OSRT_FILE_ACCESS_EVENTS", "OSRT_FILE_ACCESS_DESCRIPTORS"});
     }},
    {"columns of TARGET_INFO_GPU but for id, cuDevice, name, uuid",
     [](const Trace& trace) { return isOfReport(trace) && !trace.meta.gpus.empty(); }},
    {"TARGET_INFO_CUDA_STREAM, TARGET_INFO_CUDA_NULL_STREAM, TARGET_INFO_CUDA_CONTEXT_INFO, and of TARGET_INFO_CUDA_DEVICE devices without "
     "work and numMultiprocessors",
     [](const Trace& trace) { return isOfReport(trace) && trace.kernels.size() + trace.memcpys.size() + trace.memsets.size() > 0; }},
    {"TARGET_INFO_SYSTEM_ENV, TARGET_INFO_NIC_INFO, EXPORT_META_DATA, ANALYSIS_FILE, ProcessStreams, META_DATA_EXPORT as it was, of "
     "META_DATA_CAPTURE rows of a name that "
     "others have, of PROCESSES those without events, of ANALYSIS_DETAILS globalVid and, where they count from another zero than the rows, "
     "startTime, stopTime and duration, of ThreadNames priority, of "
     "TARGET_INFO_SESSION_START_TIME localTime",
     isOfNsys},
    {"rows of DIAGNOSTIC_EVENT that are no warnings, and its columns timestamp, timestampType, source, severity, globalPid",
     [](const Trace& trace) { return isOfNsys(trace) && (hasAny(trace, {"DIAGNOSTIC_EVENT"}) || !trace.meta.warnings.empty()); }},
    {"GANTRY_CLOCK_SAMPLES, GANTRY_LOG_MARKS, and metrics as they were measured: they are in GANTRY_SERIES as they are shown",
     [](const Trace& trace) { return trace.meta.format == "gantry"; }},
};

} // namespace

std::span<const FormatLimit> nsysSqliteLimits()
{
    return kLimits;
}

} // namespace gantry::exporting
