#include "remote_server/capture/cupti_session.h"

#include "remote_server/capture/cupti_decode.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <iterator>
#include <link.h>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

#ifdef GANTRY_HAVE_CUPTI
#include <cupti.h>

namespace gantry::capture {
namespace {

// CUPTI guide, "Activity API": buffers of 1 to 10 MB. CUPTI 13 fills one per thread, so there are more than two for each
// launching thread of an ordinary server. The memory is untouched, hence free, until CUPTI writes to it.
constexpr std::size_t kBufferSize = 2 << 20;
constexpr int kBufferCount = 64;
constexpr int kMostLastFlushes = 10; // when a window closes and buffers are missing
constexpr useconds_t kBetweenLastFlushesUs = 2'000;
constexpr std::int64_t kFlushPeriodNs = 200'000'000;

constexpr std::int64_t kFollowedByNs = 10'000'000'000;     ///< later than that no window is expected
// Another profiler had CUPTI, or the application called nothing: the next attempts are twice as far apart each.
constexpr std::int64_t kLeaveAgainAfterNs = 5'000'000'000, kMostLeaveAgainAfterNs = 300'000'000'000;
constexpr std::int64_t kLeavePatienceNs = 1'000'000'000;
// Before CUDA 12.6 programs with CUDA graphs crashed when CUPTI came back (pytorch/pytorch#151124).
constexpr std::uint32_t kLeavesSinceVersion = 24;

enum class BufferState
{
    Free,
    WithCupti,
    Complete
};

struct Buffer
{
    std::atomic<BufferState> state;
    std::size_t validBytes;
};

Buffer g_buffers[kBufferCount];
std::byte* g_bufferMemory = nullptr;
CaptureState* g_state = nullptr;
CuptiDecoder* g_decoder = nullptr;

/// The CUPTI functions that are used, resolved by name.
struct CuptiApi
{
    decltype(&cuptiGetVersion) getVersion;
    decltype(&cuptiGetResultString) getResultString;
    decltype(&cuptiSubscribe) subscribe;
    decltype(&cuptiUnsubscribe) unsubscribe;
    decltype(&cuptiActivityRegisterCallbacks) registerCallbacks;
    decltype(&cuptiActivityEnable) enable;
    decltype(&cuptiActivityDisable) disable;
    decltype(&cuptiActivityFlushAll) flushAll;
    decltype(&cuptiActivityGetNextRecord) getNextRecord;
    decltype(&cuptiActivityGetNumDroppedRecords) getNumDroppedRecords;
    decltype(&cuptiActivitySetAttribute) setAttribute;
    decltype(&cuptiGetThreadIdType) getThreadIdType;
    decltype(&cuptiSetThreadIdType) setThreadIdType;
    decltype(&cuptiGetCallbackName) getCallbackName;
    decltype(&cuptiEnableCallback) enableCallback;
    decltype(&cuptiEnableDomain) enableDomain;
    decltype(&cuptiFinalize) finalize;
    // Optional: absent in older libraries.
    decltype(&cuptiActivityEnableAndDump) enableAndDump;
    decltype(&cuptiActivityEnableRuntimeApi) enableRuntimeApi;
    decltype(&cuptiActivityEnableDriverApi) enableDriverApi;
    bool loaded;
} g_api;

/// Path of a libcupti that the process has mapped already: two copies in one process fight over the driver's hook.
int findMappedCupti(dl_phdr_info* info, std::size_t, void* path)
{
    if (!info->dlpi_name || !std::strstr(info->dlpi_name, "libcupti.so"))
        return 0;
    std::snprintf(static_cast<char*>(path), 512, "%s", info->dlpi_name);
    return 1;
}

void* openCupti()
{
    char path[512] = {};
    dl_iterate_phdr(findMappedCupti, path);
    if (path[0])
        return dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    for (const char* name : {"libcupti.so.13", "libcupti.so.12", "libcupti.so"})
        if (void* library = dlopen(name, RTLD_NOW | RTLD_NODELETE))
            return library;
    // Beside the CUDA runtime that the process uses, or in the toolkit's usual place.
    Dl_info runtime{};
    if (void* symbol = dlsym(RTLD_DEFAULT, "cudaRuntimeGetVersion"); symbol && dladdr(symbol, &runtime) && runtime.dli_fname) {
        std::snprintf(path, sizeof path, "%s", runtime.dli_fname);
        if (char* slash = std::strrchr(path, '/')) {
            for (const char* tail :
                 {"/libcupti.so.13", "/libcupti.so.12", "/../../cuda_cupti/lib/libcupti.so.12", "/../extras/CUPTI/lib64/libcupti.so"}) {
                std::snprintf(slash, sizeof path - static_cast<std::size_t>(slash - path), "%s", tail);
                if (void* library = dlopen(path, RTLD_NOW | RTLD_NODELETE))
                    return library;
            }
        }
    }
    for (const char* fixed : {"/usr/local/cuda/lib64/libcupti.so", "/usr/local/cuda/extras/CUPTI/lib64/libcupti.so"})
        if (void* library = dlopen(fixed, RTLD_NOW | RTLD_NODELETE))
            return library;
    return nullptr;
}

bool loadCupti()
{
    if (g_api.loaded)
        return true;
    void* library = openCupti();
    if (!library)
        return false;
    bool complete = true;
    const auto required = [&](auto& function, const char* symbol) {
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, symbol));
        complete = complete && function;
    };
    const auto optional = [&](auto& function, const char* symbol) {
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, symbol));
    };
    required(g_api.getVersion, "cuptiGetVersion");
    required(g_api.getResultString, "cuptiGetResultString");
    required(g_api.subscribe, "cuptiSubscribe");
    required(g_api.unsubscribe, "cuptiUnsubscribe");
    required(g_api.registerCallbacks, "cuptiActivityRegisterCallbacks");
    required(g_api.enable, "cuptiActivityEnable");
    required(g_api.disable, "cuptiActivityDisable");
    required(g_api.flushAll, "cuptiActivityFlushAll");
    required(g_api.getNextRecord, "cuptiActivityGetNextRecord");
    required(g_api.getNumDroppedRecords, "cuptiActivityGetNumDroppedRecords");
    required(g_api.setAttribute, "cuptiActivitySetAttribute");
    required(g_api.getThreadIdType, "cuptiGetThreadIdType");
    required(g_api.setThreadIdType, "cuptiSetThreadIdType");
    required(g_api.getCallbackName, "cuptiGetCallbackName");
    required(g_api.enableCallback, "cuptiEnableCallback");
    required(g_api.enableDomain, "cuptiEnableDomain");
    required(g_api.finalize, "cuptiFinalize");
    optional(g_api.enableAndDump, "cuptiActivityEnableAndDump");
    optional(g_api.enableRuntimeApi, "cuptiActivityEnableRuntimeApi");
    optional(g_api.enableDriverApi, "cuptiActivityEnableDriverApi");
    g_api.loaded = complete;
    return complete;
}

std::byte* bufferAddress(int index)
{
    return g_bufferMemory + static_cast<std::size_t>(index) * kBufferSize;
}

/// Application threads, in the launch path: takes a free buffer, nothing else.
void CUPTIAPI onBufferRequested(std::uint8_t** buffer, std::size_t* size, std::size_t* maxRecords)
{
    *maxRecords = 0;
    for (int i = 0; i < kBufferCount; ++i) {
        BufferState expected = BufferState::Free;
        if (g_buffers[i].state.compare_exchange_strong(expected, BufferState::WithCupti, std::memory_order_acquire)) {
            *buffer = reinterpret_cast<std::uint8_t*>(bufferAddress(i));
            *size = kBufferSize;
            return;
        }
    }
    g_state->region.count(records::LossCounter::CuptiNoBuffer);
    *buffer = nullptr; // CUPTI drops the records and counts them
    *size = 0;
}

/// Application or CUPTI threads: marks the buffer, the control thread reads it.
void CUPTIAPI onBufferCompleted(CUcontext, std::uint32_t, std::uint8_t* buffer, std::size_t, std::size_t validBytes)
{
    if (!buffer)
        return;
    const auto index = static_cast<std::size_t>(reinterpret_cast<std::byte*>(buffer) - g_bufferMemory) / kBufferSize;
    g_buffers[index].validBytes = validBytes;
    g_buffers[index].state.store(BufferState::Complete, std::memory_order_release);
}

CuptiSession::ProfilerCalls g_profilerCalls{};
std::atomic<std::uint32_t> g_moduleWindow{0}; ///< window that records modules, else 0

/// Of the driver's two functions alone: those of the runtime call them, and each range would be seen twice.
constexpr CUpti_CallbackId kProfilerFunctions[] = {CUPTI_DRIVER_TRACE_CBID_cuProfilerStart, CUPTI_DRIVER_TRACE_CBID_cuProfilerStop};

/// There is no activity that says when a module was loaded (cupti_activity.h, CUPTI_ACTIVITY_KIND_MODULE).
constexpr CUpti_CallbackId kModuleEvents[] = {CUPTI_CBID_RESOURCE_MODULE_LOADED, CUPTI_CBID_RESOURCE_MODULE_UNLOAD_STARTING};

/// CUDA graphs that meet a window, whatever it records of them.
constexpr CUpti_CallbackId kGraphEvent = CUPTI_CBID_RESOURCE_GRAPHEXEC_CREATE_STARTING;
constexpr CUpti_CallbackId kGraphLaunches[] = {CUPTI_DRIVER_TRACE_CBID_cuGraphLaunch, CUPTI_DRIVER_TRACE_CBID_cuGraphLaunch_ptsz};
std::atomic<bool> g_hasGraphs{false}; ///< one was instantiated or launched while a window was open

void watchGraphs(bool isWatched, CUpti_SubscriberHandle subscriber)
{
    g_api.enableCallback(isWatched, subscriber, CUPTI_CB_DOMAIN_RESOURCE, kGraphEvent);
    for (const CUpti_CallbackId function : kGraphLaunches)
        g_api.enableCallback(isWatched, subscriber, CUPTI_CB_DOMAIN_DRIVER_API, function);
}

/// Application threads, which load or unload the module.
void recordModule(bool isUnloaded, const CUpti_ModuleResourceData& module)
{
    const std::uint32_t window = g_moduleWindow.load(std::memory_order_acquire);
    if (window == 0 || !state()) // no window, or a forked child
        return;
    records::ModuleRecord record{};
    record.timeRealtimeNs = clockNs(CLOCK_REALTIME);
    record.codeBytes = module.cubinSize;
    record.tid = currentThreadId();
    record.moduleId = module.moduleId;
    record.isUnloaded = isUnloaded;
    if (!threadCursor().append(g_state->region, window, record.tid, records::RecordType::Module, record))
        g_state->region.count(records::LossCounter::CuptiNoChunk);
}

enum class Leave
{
    No,
    Wanted,
    Running,
    Done
};
std::atomic<Leave> g_leave{Leave::No};

/// Application threads, at the end of a call: the place where CUPTI can be taken out safely (cupti_activity.h, cuptiFinalize).
void leaveIfWanted()
{
    if (Leave wanted = Leave::Wanted; g_leave.compare_exchange_strong(wanted, Leave::Running)) {
        g_api.finalize();
        g_leave.store(Leave::Done);
    }
}

/// Calls of the profiler's functions while cudaProfilerStart is waited for, modules while a window records them; else the subscriber just
/// reserves CUPTI for a window. Recording begins when cudaProfilerStart returns, and ends before cudaProfilerStop does anything.
void CUPTIAPI onCallback(void*, CUpti_CallbackDomain domain, CUpti_CallbackId function, const void* data)
{
    if (!state()) // a forked child: this CUPTI is its parent's
        return;
    if (domain == CUPTI_CB_DOMAIN_RESOURCE && function == kGraphEvent)
        g_hasGraphs.store(true, std::memory_order_relaxed);
    if (domain == CUPTI_CB_DOMAIN_RESOURCE) {
        const void* module = static_cast<const CUpti_ResourceData*>(data)->resourceDescriptor;
        if (module && std::find(std::begin(kModuleEvents), std::end(kModuleEvents), function) != std::end(kModuleEvents))
            recordModule(function == CUPTI_CBID_RESOURCE_MODULE_UNLOAD_STARTING, *static_cast<const CUpti_ModuleResourceData*>(module));
        return;
    }
    if (domain != CUPTI_CB_DOMAIN_DRIVER_API)
        return;
    const bool isReturning = static_cast<const CUpti_CallbackData*>(data)->callbackSite == CUPTI_API_EXIT;
    if (g_leave.load(std::memory_order_relaxed) != Leave::No) { // then nothing else is wanted
        if (isReturning)
            leaveIfWanted();
        return;
    }
    if (std::find(std::begin(kGraphLaunches), std::end(kGraphLaunches), function) != std::end(kGraphLaunches))
        g_hasGraphs.store(true, std::memory_order_relaxed);
    else if (function == CUPTI_DRIVER_TRACE_CBID_cuProfilerStart && isReturning)
        g_profilerCalls.started();
    else if (function == CUPTI_DRIVER_TRACE_CBID_cuProfilerStop && !isReturning)
        g_profilerCalls.stopping();
}

struct KindOfContent
{
    CUpti_ActivityKind kind;
    std::uint32_t content; ///< one of these wants it
    const char* name;
};

// Kernels first, also before what there is: where anything else was enabled before them while the program launched kernels, sooner or
// later a window had none, nor any window after it (CUPTI 13.0 on an H200: 699 of 700 windows; none of 12,000 in this order).
constexpr KindOfContent kKinds[] = {
    {CUPTI_ACTIVITY_KIND_GRAPH_TRACE, ContentWholeGraphs, "launches of CUDA graphs"},
    {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, ContentKernels, "kernels"},
    {CUPTI_ACTIVITY_KIND_SYNCHRONIZATION, ContentSynchronization, "synchronization"},
    {CUPTI_ACTIVITY_KIND_OVERHEAD, ContentOverhead | ContentModules, "overhead"}, // lazy loading is overhead, too
    {CUPTI_ACTIVITY_KIND_JIT, ContentModules, "JIT compilation"},
    {CUPTI_ACTIVITY_KIND_MEMORY2, ContentMemoryAllocations, "memory allocations"},
    {CUPTI_ACTIVITY_KIND_MEMCPY, ContentMemcpy, "memory copies"},
    {CUPTI_ACTIVITY_KIND_MEMCPY2, ContentMemcpy, "copies between devices"},
    {CUPTI_ACTIVITY_KIND_MEMSET, ContentMemcpy, "memory sets"},
    {CUPTI_ACTIVITY_KIND_RUNTIME, ContentRuntimeApi, "the runtime API"},
    {CUPTI_ACTIVITY_KIND_DRIVER, ContentDriverApi, "the driver API"},
};

/// What was there before the window, and what comes in it. Devices besides until they are known: they take a millisecond, four times as
/// long as all else that opens a window.
constexpr CUpti_ActivityKind kWhatThereIs[] = {CUPTI_ACTIVITY_KIND_CONTEXT, CUPTI_ACTIVITY_KIND_STREAM};

/// Functions that only ask, which libraries call several times for each launch: with PyTorch they were 85 % of all calls, and most of
/// what recording cost. Names without the versions that CUPTI puts behind them.
constexpr std::string_view kQueries[] = {
    "cudaGetDevice",
    "cudaGetLastError",
    "cudaPeekAtLastError",
    "cudaGetErrorString",
    "cudaGetErrorName",
    "cudaEventQuery",
    "cudaStreamQuery",
    "cudaStreamIsCapturing",
    "cudaStreamGetCaptureInfo",
    "cudaDriverGetVersion",
    "cudaRuntimeGetVersion",
    "cudaPointerGetAttributes",
    "cuDevicePrimaryCtxGetState",
    "cuDeviceGet",
    "cuDeviceGetAttribute",
    "cuDriverGetVersion",
    "cuCtxGetCurrent",
    "cuCtxGetDevice",
    "cuCtxGetLimit",
    "cuGetErrorString",
    "cuGetErrorName",
    "cuKernelGetAttribute",
    "cuKernelSetAttribute",
    "cuKernelGetName",
    "cuKernelGetFunction",
    "cuFuncGetAttribute",
    "cuFuncGetName",
    "cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags",
    "cuStreamIsCapturing",
    "cuStreamGetCaptureInfo",
    "cuStreamQuery",
    "cuStreamGetCtx",
    "cuEventQuery",
    "cuPointerGetAttribute",
    "cuPointerGetAttributes",
    "cuGetProcAddress",
};

bool isQuery(std::string_view name)
{
    for (const std::string_view suffix : {"_ptsz", "_v"})
        if (const std::size_t at = name.find(suffix); at != std::string_view::npos)
            name = name.substr(0, at);
    return std::find(std::begin(kQueries), std::end(kQueries), name) != std::end(kQueries);
}

/// Ids of the functions that only ask, by the loaded library's own numbering.
struct QueryIds
{
    static constexpr CUpti_CallbackId kIds = 1024; // more than either API has
    CUpti_CallbackId ids[128];
    std::size_t count = 0;

    explicit QueryIds(CUpti_CallbackDomain domain)
    {
        for (CUpti_CallbackId id = 1; id < kIds && count < std::size(ids); ++id) {
            const char* name = nullptr;
            if (g_api.getCallbackName(domain, id, &name) == CUPTI_SUCCESS && name && isQuery(name))
                ids[count++] = id;
        }
    }
};

void leaveOutQueries(std::uint32_t content)
{
    static const QueryIds runtime(CUPTI_CB_DOMAIN_RUNTIME_API), driver(CUPTI_CB_DOMAIN_DRIVER_API);
    if (g_api.enableRuntimeApi && content & ContentRuntimeApi)
        for (std::size_t i = 0; i < runtime.count; ++i)
            g_api.enableRuntimeApi(runtime.ids[i], 0);
    if (g_api.enableDriverApi && content & ContentDriverApi)
        for (std::size_t i = 0; i < driver.count; ++i)
            g_api.enableDriverApi(driver.ids[i], 0);
}

void describe(char (&detail)[192], const char* doing, CUptiResult result, const char* object = "")
{
    const char* text = nullptr;
    g_api.getResultString(result, &text);
    std::snprintf(detail, sizeof detail, "%s%s: %s", doing, object, text ? text : "unknown CUPTI error");
}

} // namespace

bool CuptiSession::subscribe(Opened& result)
{
    if (m_isSubscribed)
        return true;
    CUpti_SubscriberHandle subscriber = nullptr;
    const CUptiResult status = g_api.subscribe(&subscriber, onCallback, nullptr);
    if (status != CUPTI_SUCCESS) {
        result.outcome = status == CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED ? OpenOutcome::CudaBusy : OpenOutcome::CudaFailed;
        describe(result.detail, "cuptiSubscribe", status);
        return false;
    }
    m_subscriber = subscriber;
    m_isSubscribed = m_isAttached = true;
    return true;
}

/// When neither a window nor a trigger needs it any more: another profiler of the process may be next.
void CuptiSession::unsubscribe()
{
    if (!m_isSubscribed || m_isWatching || isOpen())
        return;
    if (!m_isFollowed && canLeave()) {
        askToLeave();
        return;
    }
    giveBack();
    m_leaveDueNs = clockNs(CLOCK_MONOTONIC) + kFollowedByNs;
}

void CuptiSession::giveBack()
{
    g_api.unsubscribe(static_cast<CUpti_SubscriberHandle>(m_subscriber));
    m_subscriber = nullptr;
    m_isSubscribed = false;
}

/// CUPTI loaded and subscribed to. False: `result` says why not.
bool CuptiSession::prepare(CaptureState& state, Opened& result)
{
    if (!state.cudaLoaded.load(std::memory_order_acquire))
        return false;
    result.outcome = OpenOutcome::CudaFailed;
    if (!loadCupti()) {
        std::snprintf(result.detail, sizeof result.detail,
                      "libcupti.so was not found: install the CUDA toolkit's CUPTI or put its folder into the target's LD_LIBRARY_PATH");
        return false;
    }
    g_api.getVersion(&result.cuptiVersion);
    stay();
    return subscribe(result);
}

bool CuptiSession::canLeave() const
{
    std::uint32_t version = 0;
    return m_isAttached && m_buffersTaken == 0 && !g_hasGraphs.load(std::memory_order_relaxed) &&
           !(g_decoder && g_decoder->hasSeenGraphs()) && g_api.getVersion(&version) == CUPTI_SUCCESS && version >= kLeavesSinceVersion;
}

/// Subscribed: nobody else uses CUPTI, who would lose it.
void CuptiSession::askToLeave()
{
    m_isLeaving = true;
    m_leaveDueNs = clockNs(CLOCK_MONOTONIC) + kLeavePatienceNs;
    g_leave.store(Leave::Wanted);
    g_api.enableDomain(1, static_cast<CUpti_SubscriberHandle>(m_subscriber), CUPTI_CB_DOMAIN_DRIVER_API);
}

void CuptiSession::leave()
{
    if (!m_isAttached || isOpen() || m_isWatching)
        return;
    const std::int64_t now = clockNs(CLOCK_MONOTONIC);
    if (m_isLeaving) {
        if (g_leave.load() == Leave::Done || now >= m_leaveDueNs)
            stay();
        return;
    }
    if (now < m_leaveDueNs || !canLeave())
        return;
    m_leaveAgainAfterNs = std::clamp(2 * m_leaveAgainAfterNs, kLeaveAgainAfterNs, kMostLeaveAgainAfterNs);
    m_leaveDueNs = now + m_leaveAgainAfterNs;
    if (Opened ignored; subscribe(ignored))
        askToLeave();
}

void CuptiSession::stay()
{
    if (!std::exchange(m_isLeaving, false))
        return;
    if (Leave wanted = Leave::Wanted; g_leave.compare_exchange_strong(wanted, Leave::No)) {
        g_api.enableDomain(0, static_cast<CUpti_SubscriberHandle>(m_subscriber), CUPTI_CB_DOMAIN_DRIVER_API);
        giveBack();
        m_leaveDueNs = clockNs(CLOCK_MONOTONIC) + std::max(kLeaveAgainAfterNs, m_leaveAgainAfterNs);
        return;
    }
    while (g_leave.load() != Leave::Done) // a thread of the application is at it, for a few milliseconds
        usleep(100);
    g_leave.store(Leave::No);
    m_subscriber = nullptr; // gone with everything else of CUPTI's
    m_isSubscribed = m_isAttached = false;
    for (Buffer& buffer : g_buffers) // nobody writes to them any more
        if (BufferState lost = BufferState::WithCupti; buffer.state.compare_exchange_strong(lost, BufferState::Free))
            --m_buffersTaken;
}

void forgetCuptiOfParent()
{
    g_leave.store(Leave::No);
    for (Buffer& buffer : g_buffers)
        buffer.state.store(BufferState::Free);
}

CuptiSession::Opened CuptiSession::watchProfilerCalls(CaptureState& state, ProfilerCalls calls)
{
    Opened result;
    if (!prepare(state, result))
        return result;
    g_profilerCalls = calls;
    m_isWatching = true;
    for (const CUpti_CallbackId function : kProfilerFunctions)
        g_api.enableCallback(1, static_cast<CUpti_SubscriberHandle>(m_subscriber), CUPTI_CB_DOMAIN_DRIVER_API, function);
    result.outcome = OpenOutcome::Capturing;
    return result;
}

void CuptiSession::ignoreProfilerCalls()
{
    if (!m_isWatching)
        return;
    for (const CUpti_CallbackId function : kProfilerFunctions)
        g_api.enableCallback(0, static_cast<CUpti_SubscriberHandle>(m_subscriber), CUPTI_CB_DOMAIN_DRIVER_API, function);
    m_isWatching = false;
    unsubscribe();
}

CuptiSession::Opened CuptiSession::open(CaptureState& state, const Window& window)
{
    Opened result;
    std::uint32_t content = window.content;
    // CUDA 13.0 crashes in the launch of a graph that was instantiated before graphs were recorded (seen on an H200).
    const bool isTooLate = content & ContentWholeGraphs && !window.isBeforeContexts;
    if (isTooLate)
        content &= ~std::uint32_t{ContentWholeGraphs};
    if (!prepare(state, result))
        return result;
    if (!g_bufferMemory) {
        void* memory =
            mmap(nullptr, kBufferSize * kBufferCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        g_bufferMemory = memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
        g_decoder = new (std::nothrow) CuptiDecoder; // never deleted: late callbacks may come while the process exits
    }
    if (!g_bufferMemory || !g_decoder) {
        std::snprintf(result.detail, sizeof result.detail, "no memory for CUPTI's buffers");
        unsubscribe();
        return result;
    }

    m_state = g_state = &state;
    g_decoder->begin(state, window.id, content, [](int domain, std::uint32_t id, const char** name) {
        return static_cast<int>(g_api.getCallbackName(static_cast<CUpti_CallbackDomain>(domain), id, name));
    });
    g_api.registerCallbacks(onBufferRequested, onBufferCompleted);
    CUpti_ActivityThreadIdType threadIdType = CUPTI_ACTIVITY_THREAD_ID_TYPE_DEFAULT;
    g_api.getThreadIdType(&threadIdType);
    m_threadIdTypeBefore = threadIdType;
    g_api.setThreadIdType(CUPTI_ACTIVITY_THREAD_ID_TYPE_SYSTEM); // API records then join NVTX and /proc by Linux thread id
    for (const KindOfContent& entry : kKinds) {
        if (!(content & entry.content))
            continue;
        const CUptiResult status = g_api.enable(entry.kind);
        if (status != CUPTI_SUCCESS && result.detail[0] == '\0')
            describe(result.detail, "cannot record ", status, entry.name);
    }
    if (g_api.enableAndDump) {
        if (!g_decoder->knowsDevices())
            g_api.enableAndDump(CUPTI_ACTIVITY_KIND_DEVICE);
        for (const CUpti_ActivityKind kind : kWhatThereIs)
            g_api.enableAndDump(kind);
    }
    watchGraphs(true, static_cast<CUpti_SubscriberHandle>(m_subscriber));
    if (content & ContentModules) {
        g_moduleWindow.store(window.id, std::memory_order_release);
        for (const CUpti_CallbackId event : kModuleEvents)
            g_api.enableCallback(1, static_cast<CUpti_SubscriberHandle>(m_subscriber), CUPTI_CB_DOMAIN_RESOURCE, event);
    }
    if (!(content & ContentApiQueries))
        leaveOutQueries(content);
    m_lastFlushNs = clockNs(CLOCK_MONOTONIC);
    m_leaveAgainAfterNs = 0;
    m_windowId = window.id;
    m_content = content;
    m_isFollowed = window.isFollowed;
    result.outcome = OpenOutcome::Capturing;
    if (isTooLate && result.detail[0] == '\0')
        std::snprintf(result.detail, sizeof result.detail,
                      "CUDA graphs are recorded by their nodes; as a whole they can be where the window is open before CUDA is used");
    return result;
}

void CuptiSession::pump()
{
    if (!isOpen())
        return;
    if (const std::int64_t now = clockNs(CLOCK_MONOTONIC); now - m_lastFlushNs >= kFlushPeriodNs) {
        m_lastFlushNs = now;
        g_api.flushAll(0); // whose records are all complete; the others stay with CUPTI
    }
    readBuffers();
}

void CuptiSession::readBuffers()
{
    for (int i = 0; i < kBufferCount; ++i) {
        if (g_buffers[i].state.load(std::memory_order_acquire) != BufferState::Complete)
            continue;
        auto* bytes = reinterpret_cast<std::uint8_t*>(bufferAddress(i));
        CUpti_Activity* activity = nullptr;
        while (g_api.getNextRecord(bytes, g_buffers[i].validBytes, &activity) == CUPTI_SUCCESS)
            g_decoder->decode(activity);
        g_buffers[i].state.store(BufferState::Free, std::memory_order_release);
    }
    std::size_t dropped = 0;
    if (g_api.getNumDroppedRecords(nullptr, 0, &dropped) == CUPTI_SUCCESS && dropped)
        m_state->region.count(records::LossCounter::CuptiDropped, dropped);
}

/// A forced flush gives all buffers back, to whoever has registered last. Where graphs run, some only come with a later one.
void CuptiSession::takeLastBuffers()
{
    std::ptrdiff_t missing = 0;
    for (int flushes = 0; flushes < kMostLastFlushes; ++flushes) {
        if (flushes > 0)
            usleep(kBetweenLastFlushesUs);
        g_api.flushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
        readBuffers();
        missing = std::count_if(std::begin(g_buffers), std::end(g_buffers),
                                [](const Buffer& buffer) { return buffer.state.load() == BufferState::WithCupti; });
        if (missing <= m_buffersTaken)
            break;
    }
    if (missing > m_buffersTaken)
        m_state->region.count(records::LossCounter::CuptiTaken, static_cast<std::uint64_t>(missing - m_buffersTaken));
    m_buffersTaken = static_cast<int>(missing);
}

void CuptiSession::close()
{
    if (!isOpen())
        return;
    watchGraphs(false, static_cast<CUpti_SubscriberHandle>(m_subscriber));
    if (m_content & ContentModules)
        for (const CUpti_CallbackId event : kModuleEvents)
            g_api.enableCallback(0, static_cast<CUpti_SubscriberHandle>(m_subscriber), CUPTI_CB_DOMAIN_RESOURCE, event);
    g_moduleWindow.store(0, std::memory_order_release);
    // With an API goes the choice among its functions: the kind overrides it, whoever enables it next
    // (cupti_activity.h, cuptiActivityEnableRuntimeApi).
    for (const KindOfContent& entry : kKinds)
        if (m_content & entry.content)
            g_api.disable(entry.kind);
    for (const CUpti_ActivityKind kind : kWhatThereIs)
        g_api.disable(kind);
    g_api.disable(CUPTI_ACTIVITY_KIND_DEVICE);
    takeLastBuffers();
    g_api.setThreadIdType(static_cast<CUpti_ActivityThreadIdType>(m_threadIdTypeBefore));
    m_windowId = 0;
    unsubscribe();
}

} // namespace gantry::capture

#else

namespace gantry::capture {

bool CuptiSession::prepare(CaptureState& state, Opened& result)
{
    if (state.cudaLoaded.load(std::memory_order_acquire)) {
        result.outcome = OpenOutcome::CudaFailed;
        std::snprintf(result.detail, sizeof result.detail, "this capture library was built without the CUPTI headers");
    }
    return false;
}

CuptiSession::Opened CuptiSession::open(CaptureState& state, const Window&)
{
    Opened result;
    prepare(state, result);
    return result;
}

CuptiSession::Opened CuptiSession::watchProfilerCalls(CaptureState& state, ProfilerCalls)
{
    return open(state, {});
}

void CuptiSession::ignoreProfilerCalls() {}

void forgetCuptiOfParent() {}
void CuptiSession::leave() {}
void CuptiSession::stay() {}
void CuptiSession::pump() {}
void CuptiSession::close() {}

} // namespace gantry::capture

#endif
