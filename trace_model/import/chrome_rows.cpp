#include "trace_model/import/chrome_rows.h"

#include "trace_model/import/json_text.h"
#include "trace_model/import/kernel_name.h"

#include <algorithm>
#include <utility>

namespace gantry::importing {
namespace {

// GPU rows wait in memory until the launching process is known, or there are so many (about 60 MB) that it must be decided.
constexpr std::size_t kMostWaiting = 400'000;
constexpr std::size_t kMostMemories = 64;       // devices whose counters are found without looking for them by name
constexpr std::size_t kMostShortNames = 1'000'000;
constexpr std::uint32_t kNoStream = 0xFFFFFFFF; // as the Nsight Systems export has it where a wait is for no stream

constexpr std::uint64_t globalPidOf(std::uint64_t globalTid)
{
    return globalTid & ~std::uint64_t{0xFFFFFF};
}

/// A value of a 32-bit column: what does not fit is cut, the same way each time, so that joins still hold.
std::uint32_t narrow(std::int64_t value)
{
    return static_cast<std::uint32_t>(value);
}

std::uint32_t valueOr(const TraceEvent& event, Number number, std::uint32_t otherwise)
{
    return event.has(number) ? narrow(event.number(number)) : otherwise;
}

/// Kinds of memory copies and memories, as the Nsight Systems export numbers them.
constexpr std::pair<std::string_view, std::uint8_t> kCopyKinds[] = {
    {"UVM HtoD", 11}, {"UVM DtoH", 12},    {"UVM DtoD", 13},    {"HtoD", 1},           {"DtoH", 2},       {"HtoA", 3},
    {"AtoH", 4},      {"AtoA", 5},         {"AtoD", 6},         {"DtoA", 7},           {"DtoD", 8},       {"HtoH", 9},
    {"PtoP", 10},     {"HostToDevice", 1}, {"DeviceToHost", 2}, {"DeviceToDevice", 8}, {"HostToHost", 9}, {"PeerToPeer", 10},
};
constexpr std::pair<std::string_view, std::uint8_t> kMemoryKinds[] = {
    {"Pageable", 0}, {"Pinned", 1}, {"Device", 2}, {"Array", 3}, {"Managed", 4}, {"Device Static", 5}, {"Managed Static", 6},
};
constexpr std::uint8_t kUnknownMemory = 7;

std::uint8_t copyKindOf(std::string_view name)
{
    for (const auto& [text, kind] : kCopyKinds)
        if (name.find(text) != std::string_view::npos)
            return kind;
    return 0;
}

std::uint8_t memoryKindOf(std::string_view text)
{
    for (const auto& [name, kind] : kMemoryKinds)
        if (name == text)
            return kind;
    return kUnknownMemory;
}

/// "Memset (Device)", "Memcpy HtoD (Pageable -> Device)": what is in the brackets.
std::string_view bracketed(std::string_view name)
{
    const std::size_t open = name.rfind('('), close = name.rfind(')');
    return open == std::string_view::npos || close == std::string_view::npos || close < open ? std::string_view{}
                                                                                             : name.substr(open + 1, close - open - 1);
}

std::uint8_t syncTypeOf(std::string_view kind)
{
    constexpr std::string_view kNames[] = {"", "Event Sync", "Stream Wait Event", "Stream Sync", "Context Sync"};
    for (std::size_t type = 1; type < std::size(kNames); ++type)
        if (kind == kNames[type])
            return static_cast<std::uint8_t>(type);
    return 0;
}

std::uint8_t overheadTypeOf(std::string_view name)
{
    constexpr std::string_view kNames[] = {
        "",
        "Unknown",
        "Driver Compiler",
        "Buffer Flush",
        "Instrumentation",
        "Resource",
        "Runtime Triggered Module Loading",
        "Lazy Function Loading",
        "Command Buffer Full",
    };
    for (std::size_t type = 1; type < std::size(kNames); ++type)
        if (name == kNames[type])
            return static_cast<std::uint8_t>(type);
    return 0;
}

/// Whether a call is of the driver's interface: "cuLaunchKernel" is, "cudaLaunchKernel" is not.
bool isDriverCall(std::string_view name)
{
    return name.size() > 2 && name.starts_with("cu") && name[2] >= 'A' && name[2] <= 'Z';
}

constexpr std::uint32_t kTrackNumbers = bitOf(Number::Pid) | bitOf(Number::Tid);
constexpr std::uint32_t kTrackTexts = bitOf(Text::Pid) | bitOf(Text::Tid);
constexpr std::uint32_t kNvtxNumbers = bitOf(Number::NvtxCategory) | bitOf(Number::NvtxColor) | bitOf(Number::NvtxPayload);

/// Takes what NVTX gives a range or mark besides its text. `row`: what has members category, color and payload.
template <typename Row>
void takeNvtx(const TraceEvent& event, Row& row, std::uint32_t Row::*category)
{
    if ((event.numbersPresent & kNvtxNumbers) == 0)
        return;
    row.*category = valueOr(event, Number::NvtxCategory, 0);
    row.color = valueOr(event, Number::NvtxColor, 0);
    if (event.has(Number::NvtxPayload))
        row.payload = static_cast<std::uint64_t>(event.number(Number::NvtxPayload));
}

} // namespace

bool noteName(const TraceEvent& event, TrackFinder& tracks)
{
    const std::string_view kind = event.text(Text::Name);
    if (kind != "process_name" && kind != "thread_name")
        return false;
    std::optional<std::string> name;
    json::forEachMember(event.args, [&](const json::Member& member) {
        if (member.key == "name" && member.kind == json::Member::Kind::String)
            name = json::unescaped(member.value);
    });
    if (!name)
        return false;
    const std::uint64_t globalTid = tracks.globalTidOf(event);
    if (kind == "process_name")
        tracks.nameProcess(globalTid, std::move(*name));
    else
        tracks.nameThread(globalTid, std::move(*name));
    return true;
}

ChromeRows::ChromeRows(EventSink& sink, TrackIds& ids, const ChromeContext& context)
    : m_rows(sink.rows()),
      m_texts(sink),
      m_categories(sink),
      m_tracks(ids, context.names),
      m_timeZero(context.timeZero),
      m_launchingPid(context.launchingPid)
{
    m_streamsMet.fill({kNoStream, kNoStream, kNoStream});
}

EventInterest ChromeRows::interestOf(char phase, CategoryKind kind)
{
    constexpr std::uint32_t kTimes = bitOf(Number::Time) | bitOf(Number::Duration);
    constexpr std::uint32_t kPlace =
        bitOf(Number::Device) | bitOf(Number::Context) | bitOf(Number::Stream) | bitOf(Number::Correlation) | bitOf(Number::Process);
    constexpr std::uint32_t kLaunch = bitOf(Number::Registers) | bitOf(Number::SharedMemory) | bitOf(Number::GridX) | bitOf(Number::GridY) |
                                      bitOf(Number::GridZ) | bitOf(Number::BlockX) | bitOf(Number::BlockY) | bitOf(Number::BlockZ) |
                                      bitOf(Number::GraphNode) | bitOf(Number::Graph) | bitOf(Number::StaticSharedMemory);
    constexpr std::uint32_t kName = bitOf(Text::Name);
    if (phase == 's' || phase == 't' || phase == 'f')
        return {bitOf(Number::Id), 0};
    if (phase == 'X') {
        // Of GPU work pid and tid are the device and the stream, which args say too: looked at where they do not.
        switch (kind) {
        case CategoryKind::Kernel:
        case CategoryKind::GraphLaunch:
            return {kTimes | kTrackNumbers | kPlace | kLaunch, kName | bitOf(Text::ShortName)};
        case CategoryKind::Memcpy:
        case CategoryKind::Memset:
            return {kTimes | kTrackNumbers | kPlace | bitOf(Number::Bytes) | bitOf(Number::GraphNode) | bitOf(Number::MemsetValue), kName};
        case CategoryKind::Synchronization:
            return {kTimes | kTrackNumbers | kPlace | bitOf(Number::SyncedEvent), kName | bitOf(Text::SyncKind)};
        case CategoryKind::GpuAnnotation:
            return {kTimes | kTrackNumbers | kPlace, kName};
        case CategoryKind::RuntimeCall:
        case CategoryKind::DriverCall:
        case CategoryKind::LegacyCall:
        case CategoryKind::LibraryCall:
        case CategoryKind::OsCall:
            return {kTimes | kTrackNumbers | bitOf(Number::Correlation) | bitOf(Number::ReturnValue), kName | kTrackTexts};
        case CategoryKind::Overhead:
        case CategoryKind::HostRange:
        case CategoryKind::Trace:
            return {kTimes | kTrackNumbers | kNvtxNumbers, kName | kTrackTexts};
        case CategoryKind::Shown:
            return {kTimes, 0};
        case CategoryKind::CudaEvent:
        case CategoryKind::Memory:
        case CategoryKind::Other:
            return {kTimes | kTrackNumbers | kPlace | kLaunch | kNvtxNumbers, kName | kTrackTexts};
        }
    }
    return {kTimes | kTrackNumbers | bitOf(Number::Id) | bitOf(Number::MemoryDeviceType) | bitOf(Number::MemoryDevice) |
                bitOf(Number::Allocated) | bitOf(Number::Reserved) | kNvtxNumbers,
            kName | kTrackTexts | bitOf(Text::Id) | bitOf(Text::Scope)};
}

std::string_view ChromeRows::nameText(const TraceEvent& event)
{
    if (!event.has(Text::Name))
        return {};
    if ((event.textsEscaped & bitOf(Text::Name)) == 0)
        return event.text(Text::Name);
    m_scratch = json::unescaped(event.text(Text::Name));
    return m_scratch;
}

TextId ChromeRows::nameId(const TraceEvent& event)
{
    return m_texts.id(nameText(event));
}

void ChromeRows::widenTime(TimestampNs start, TimestampNs end)
{
    m_time.start = std::min(m_time.start, start);
    m_time.end = std::max(m_time.end, end);
}

std::optional<TimestampNs> ChromeRows::timeOf(const TraceEvent& event, EventCategory& category)
{
    if (!event.has(Number::Time)) {
        category.skip(SkipReason::NoTime);
        return std::nullopt;
    }
    if (!m_timeZero)
        m_timeZero = event.number(Number::Time);
    TimestampNs time = 0;
    if (__builtin_sub_overflow(event.number(Number::Time), *m_timeZero, &time) || !areEventTimes(time, time)) {
        category.skip(SkipReason::TimeOutOfRange);
        return std::nullopt;
    }
    return time;
}

void ChromeRows::add(const TraceEvent& event, char phase, std::size_t categoryIndex)
{
    EventCategory& category = m_categories.at(categoryIndex);
    switch (phase) {
    case 'X':
        addComplete(event, category);
        return;
    case 's':
    case 't':
    case 'f':
        // An arrow from a call to its work is the link that their correlation tells as well.
        if (LaunchArrows::isLaunch(category.name) && event.has(Number::Id))
            m_arrows.addArrow(categoryIndex, narrow(event.number(Number::Id)));
        else
            category.skip(SkipReason::Arrow);
        return;
    case 'M':
        addMetadata(event, category);
        return;
    case 'T':
    case 'p':
        category.skip(SkipReason::AsyncStep);
        return;
    case 'B':
    case 'E':
    case 'b':
    case 'e':
    case 'n':
    case 'S':
    case 'F':
    case 'i':
    case 'I':
    case 'R':
    case 'C':
        break;
    default:
        ++category.unknownPhases[phase];
        return;
    }
    const auto time = timeOf(event, category);
    if (!time)
        return;
    if (phase == 'C')
        addCounter(event, category, *time);
    else if (phase == 'i' || phase == 'I' || phase == 'n' || phase == 'R')
        addInstant(event, category, *time);
    else
        addPairPart(event, phase, categoryIndex, *time);
}

void ChromeRows::addComplete(const TraceEvent& event, EventCategory& category)
{
    const auto start = timeOf(event, category);
    if (!start)
        return;
    if (!event.has(Number::Duration)) {
        category.skip(SkipReason::NoDuration);
        return;
    }
    if (event.number(Number::Duration) < 0) {
        category.skip(SkipReason::NegativeDuration);
        return;
    }
    TimestampNs end = 0;
    if (__builtin_add_overflow(*start, event.number(Number::Duration), &end) || !areEventTimes(*start, end)) {
        category.skip(SkipReason::TimeOutOfRange);
        return;
    }
    const bool isWork = category.kind == CategoryKind::Kernel || category.kind == CategoryKind::Memcpy || category.kind == CategoryKind::Memset;
    const auto isNegative = [&](Number number) { return event.has(number) && event.number(number) < 0; };
    if (isWork && (isNegative(Number::Device) || isNegative(Number::Bytes))) {
        category.skip(SkipReason::NegativeNumber);
        return;
    }
    switch (category.kind) {
    case CategoryKind::Kernel:
        addKernel(event, *start, end, placeOf(event));
        break;
    case CategoryKind::Memcpy:
        addMemcpy(event, *start, end);
        break;
    case CategoryKind::Memset:
        addMemset(event, *start, end);
        break;
    case CategoryKind::Synchronization:
        addSynchronization(event, *start, end);
        break;
    case CategoryKind::GraphLaunch:
        addGraphLaunch(event, *start, end);
        break;
    case CategoryKind::CudaEvent:
        category.skip(SkipReason::NoGpuRow);
        return;
    case CategoryKind::Shown:
        break;
    case CategoryKind::RuntimeCall:
        addCall(event, *start, end, CallKind::CudaRuntime);
        break;
    case CategoryKind::DriverCall:
        addCall(event, *start, end, CallKind::CudaDriver);
        break;
    case CategoryKind::LegacyCall:
        addCall(event, *start, end, isDriverCall(event.text(Text::Name)) ? CallKind::CudaDriver : CallKind::CudaRuntime);
        break;
    case CategoryKind::LibraryCall:
        addCall(event, *start, end, CallKind::Library);
        break;
    case CategoryKind::OsCall:
        addCall(event, *start, end, CallKind::OsRuntime);
        break;
    case CategoryKind::Overhead:
        m_rows.add(report::OverheadRow{*start, end, m_tracks.threadOf(event), nameId(event), overheadTypeOf(nameText(event))});
        break;
    case CategoryKind::GpuAnnotation: {
        const GpuPlace place = placeOf(event);
        m_gpuRanges.push_back({*start, end, place.device, place.context, place.stream, place.globalPid.value_or(0), nameId(event)});
        break;
    }
    case CategoryKind::Trace:
        m_window = m_window ? TimeRange{std::min(m_window->start, *start), std::max(m_window->end, end)} : TimeRange{*start, end};
        [[fallthrough]];
    case CategoryKind::HostRange:
    case CategoryKind::Memory:
    case CategoryKind::Other: {
        if (category.kind == CategoryKind::Other && event.has(Number::Device) && event.has(Number::Stream)) {
            addKernel(event, *start, end, placeOf(event)); // work of another kind of accelerator
            break;
        }
        const Track track = category.kind == CategoryKind::Other ? m_tracks.trackOf(event) : Track{};
        if (track.device)
            addKernel(event, *start, end,
                      {*track.device, 0, static_cast<std::uint32_t>(track.globalTid & 0xFFFFFF), valueOr(event, Number::Correlation, 0)});
        else
            addHostRange(event, category, *start, end);
        break;
    }
    }
    ++category.kept;
    widenTime(*start, end);
}

ChromeRows::GpuPlace ChromeRows::placeOf(const TraceEvent& event)
{
    GpuPlace place;
    place.device = event.has(Number::Device) ? narrow(event.number(Number::Device)) : valueOr(event, Number::Pid, 0);
    place.context = valueOr(event, Number::Context, 0);
    place.stream = event.has(Number::Stream) ? narrow(event.number(Number::Stream)) : valueOr(event, Number::Tid, 0);
    if (event.has(Number::Process) && event.number(Number::Process) > 0 && event.number(Number::Process) < (1 << 24))
        place.globalPid = static_cast<std::uint64_t>(event.number(Number::Process)) << 24;
    // -1: of no call.
    place.correlation =
        event.has(Number::Correlation) && event.number(Number::Correlation) > 0 ? narrow(event.number(Number::Correlation)) : 0;
    return place;
}

void ChromeRows::noteStream(std::uint32_t device, std::uint32_t context, std::uint32_t stream)
{
    const StreamKey key{device, context, stream};
    StreamKey& met = m_streamsMet[(stream * 31 + device * 7 + context) % m_streamsMet.size()];
    if (met == key)
        return;
    met = key;
    m_streams.insert(key);
}

template <typename Row>
void ChromeRows::addGpuRow(Row& row, std::vector<Row>& waiting, const GpuPlace& place)
{
    row.deviceId = place.device;
    row.contextId = place.context;
    row.streamId = place.stream;
    row.correlationId = place.correlation;
    noteStream(place.device, place.context, place.stream);
    m_arrows.addWork(place.correlation);
    m_hasWorkOfUnknownProcess = m_hasWorkOfUnknownProcess || !place.globalPid;
    if (place.globalPid || m_launchingPid) {
        row.globalPid = place.globalPid ? *place.globalPid : *m_launchingPid;
        m_rows.add(row);
        return;
    }
    waiting.push_back(row);
    if (++m_waiting >= kMostWaiting)
        decideLaunchingPid(m_callingPids.size() == 1 ? m_callingPids.front() : 0);
}

void ChromeRows::decideLaunchingPid(std::uint64_t globalPid)
{
    if (!m_launchingPid)
        m_launchingPid = globalPid;
    const auto deliver = [&](auto& waiting) {
        for (auto& row : waiting) {
            row.globalPid = *m_launchingPid;
            m_rows.add(row);
        }
        waiting.clear();
        waiting.shrink_to_fit();
    };
    deliver(m_waitingKernels);
    deliver(m_waitingMemcpys);
    deliver(m_waitingMemsets);
    deliver(m_waitingSynchronizations);
    deliver(m_waitingGraphs);
    m_waiting = 0;
}

TextId ChromeRows::shortNameId(TextId id, std::string_view name)
{
    if (m_shortNames.size() >= kMostShortNames)
        m_shortNames.clear();
    const auto [found, isNew] = m_shortNames.try_emplace(id, 0);
    if (isNew)
        if (const std::string_view shortName = shortKernelName(name); shortName != name)
            found->second = m_texts.id(shortName);
    return found->second;
}

void ChromeRows::addKernel(const TraceEvent& event, TimestampNs start, TimestampNs end, const GpuPlace& place)
{
    report::KernelRow row;
    row.start = start;
    row.end = end;
    const std::string_view name = nameText(event);
    // Work of AMD GPUs comes with the linker's names.
    TextId& id = name.starts_with("_Z") ? row.mangledName : row.demangledName;
    id = m_texts.id(name);
    row.registersPerThread = valueOr(event, Number::Registers, 0);
    if (!event.has(Text::ShortName))
        row.shortName = shortNameId(id, name);
    else
        row.shortName = m_texts.id((event.textsEscaped & bitOf(Text::ShortName)) ? json::unescaped(event.text(Text::ShortName))
                                                                                 : std::string(event.text(Text::ShortName)));
    // PyTorch writes static and dynamic together.
    const std::uint32_t shared = valueOr(event, Number::SharedMemory, 0);
    row.staticSharedMemory = std::min(valueOr(event, Number::StaticSharedMemory, 0), shared);
    row.dynamicSharedMemory = shared - row.staticSharedMemory;
    row.grid = {valueOr(event, Number::GridX, 1), valueOr(event, Number::GridY, 1), valueOr(event, Number::GridZ, 1)};
    row.block = {valueOr(event, Number::BlockX, 1), valueOr(event, Number::BlockY, 1), valueOr(event, Number::BlockZ, 1)};
    row.graphNodeId = event.has(Number::GraphNode) ? static_cast<std::uint64_t>(event.number(Number::GraphNode)) : 0;
    row.graphId = valueOr(event, Number::Graph, 0);
    addGpuRow(row, m_waitingKernels, place);
}

void ChromeRows::addMemcpy(const TraceEvent& event, TimestampNs start, TimestampNs end)
{
    report::MemcpyRow row;
    row.start = start;
    row.end = end;
    row.bytes = event.has(Number::Bytes) ? static_cast<std::uint64_t>(event.number(Number::Bytes)) : 0;
    const std::string_view name = event.text(Text::Name);
    row.copyKind = copyKindOf(name);
    const std::string_view memories = bracketed(name);
    if (const std::size_t arrow = memories.find(" -> "); arrow != std::string_view::npos) {
        row.srcKind = memoryKindOf(memories.substr(0, arrow));
        row.dstKind = memoryKindOf(memories.substr(arrow + 4));
    }
    row.graphNodeId = event.has(Number::GraphNode) ? static_cast<std::uint64_t>(event.number(Number::GraphNode)) : 0;
    addGpuRow(row, m_waitingMemcpys, placeOf(event));
}

void ChromeRows::addMemset(const TraceEvent& event, TimestampNs start, TimestampNs end)
{
    report::MemsetRow row;
    row.start = start;
    row.end = end;
    row.bytes = event.has(Number::Bytes) ? static_cast<std::uint64_t>(event.number(Number::Bytes)) : 0;
    row.memKind = memoryKindOf(bracketed(event.text(Text::Name)));
    row.value = valueOr(event, Number::MemsetValue, 0);
    row.graphNodeId = event.has(Number::GraphNode) ? static_cast<std::uint64_t>(event.number(Number::GraphNode)) : 0;
    addGpuRow(row, m_waitingMemsets, placeOf(event));
}

void ChromeRows::addGraphLaunch(const TraceEvent& event, TimestampNs start, TimestampNs end)
{
    report::GraphRow row;
    row.start = start;
    row.end = end;
    row.graphId = valueOr(event, Number::Graph, 0);
    addGpuRow(row, m_waitingGraphs, placeOf(event));
}

void ChromeRows::addSynchronization(const TraceEvent& event, TimestampNs start, TimestampNs end)
{
    report::SynchronizationRow row;
    row.start = start;
    row.end = end;
    row.syncType = syncTypeOf(event.has(Text::SyncKind) ? event.text(Text::SyncKind) : event.text(Text::Name));
    row.eventId = valueOr(event, Number::SyncedEvent, kNoStream);
    addGpuRow(row, m_waitingSynchronizations, placeOf(event));
}

void ChromeRows::addCall(const TraceEvent& event, TimestampNs start, TimestampNs end, CallKind kind)
{
    CallRow row;
    row.start = start;
    row.end = end;
    row.globalTid = m_tracks.threadOf(event);
    row.correlationId =
        event.has(Number::Correlation) && event.number(Number::Correlation) > 0 ? narrow(event.number(Number::Correlation)) : 0;
    row.nameId = nameId(event);
    row.kind = kind;
    m_arrows.addCall(row.correlationId);
    if (event.has(Number::ReturnValue))
        row.returnValue = static_cast<std::int32_t>(event.number(Number::ReturnValue));
    m_rows.add(row);
    if (kind == CallKind::OsRuntime)
        return;
    const std::uint64_t pid = globalPidOf(row.globalTid);
    if (m_callingPids.size() < 2 && std::find(m_callingPids.begin(), m_callingPids.end(), pid) == m_callingPids.end())
        m_callingPids.push_back(pid);
}

void ChromeRows::addHostRange(const TraceEvent& event, const EventCategory& category, TimestampNs start, TimestampNs end)
{
    RangeRow row;
    row.start = start;
    row.end = end;
    row.globalTid = m_tracks.threadOf(event);
    row.textId = nameId(event);
    row.domainId = category.domain;
    takeNvtx(event, row, &RangeRow::category);
    addRanges({&row, 1}, m_threadPairs.innermost(row.globalTid));
}

void ChromeRows::addInstant(const TraceEvent& event, EventCategory& category, TimestampNs time)
{
    if (category.kind == CategoryKind::Memory && event.text(Text::Name) == "[memory]") {
        addMemory(event, category, time);
        return;
    }
    MarkRow row;
    row.time = time;
    row.globalTid = m_tracks.threadOf(event);
    row.textId = nameId(event);
    row.domainId = category.domain;
    takeNvtx(event, row, &MarkRow::category);
    m_rows.add(row);
    ++category.kept;
    widenTime(time, time);
}

const ChromeRows::MemoryCounters& ChromeRows::memoryCountersOf(std::uint32_t deviceType, std::uint32_t device)
{
    for (const MemoryCounters& known : m_memoryCounters)
        if (known.deviceType == deviceType && known.device == device)
            return known;
    // c10::DeviceType: 0 is the CPU, all others are accelerators.
    const std::string group = deviceType == 0 ? std::string("CPU") : memoryGroupOf(device);
    const std::size_t allocated = m_counters.indexOf({0, group, "Allocated", "bytes", "[memory] Total Allocated"});
    const std::size_t reserved = m_counters.indexOf({0, group, "Reserved", "bytes", "[memory] Total Reserved"});
    if (m_memoryCounters.size() == kMostMemories)
        m_memoryCounters.clear();
    return m_memoryCounters.emplace_back(MemoryCounters{deviceType, device, allocated, reserved});
}

void ChromeRows::addMemory(const TraceEvent& event, EventCategory& category, TimestampNs time)
{
    if (!event.has(Number::Allocated) && !event.has(Number::Reserved)) {
        category.skip(SkipReason::NoValue);
        return;
    }
    const MemoryCounters& counters = memoryCountersOf(valueOr(event, Number::MemoryDeviceType, 0), valueOr(event, Number::MemoryDevice, 0));
    if (event.has(Number::Allocated))
        m_counters.add(counters.allocated, {time, static_cast<double>(event.number(Number::Allocated))});
    if (event.has(Number::Reserved))
        m_counters.add(counters.reserved, {time, static_cast<double>(event.number(Number::Reserved))});
    ++category.kept;
    ++category.samples;
    widenTime(time, time);
}

void ChromeRows::addCounter(const TraceEvent& event, EventCategory& category, TimestampNs time)
{
    CounterSeries::Key key;
    key.globalPid = globalPidOf(m_tracks.globalTidOf(event));
    std::string name(nameText(event));
    if (event.has(Text::Id))
        name += " [" + std::string(event.text(Text::Id)) + "]";
    else if (event.has(Number::Id))
        name += " [" + std::to_string(event.number(Number::Id)) + "]";
    bool hasValue = false;
    json::forEachMember(event.args, [&](const json::Member& member) {
        const auto value = member.kind == json::Member::Kind::Container ? std::nullopt : json::doubleOf(member.value);
        if (!value)
            return;
        hasValue = true;
        const std::string series = json::unescaped(member.key);
        key.name = series.empty() || series == "value" || series == name ? name : name + ": " + series;
        key.source = series;
        m_counters.add(m_counters.indexOf(key), {time, *value});
    });
    if (!hasValue) {
        category.skip(SkipReason::NoValue);
        return;
    }
    ++category.kept;
    widenTime(time, time);
}

void ChromeRows::addMetadata(const TraceEvent& event, EventCategory& category)
{
    if (noteName(event, m_tracks) || m_records.take(event, m_tracks.globalTidOf(event), m_texts))
        ++category.kept;
    else
        category.skip(SkipReason::Metadata);
}

void ChromeRows::addPairPart(const TraceEvent& event, char phase, std::size_t categoryIndex, TimestampNs time)
{
    EventCategory& category = m_categories.at(categoryIndex);
    const std::uint64_t globalTid = m_tracks.threadOf(event);
    const bool isAsync = phase != 'B' && phase != 'E';
    const bool isBegin = phase == 'B' || phase == 'b' || phase == 'S';
    std::uint64_t pairKey = globalTid;
    if (isAsync) {
        // Ids are global unless they say "local"; those of the old S and F are told apart by their names too.
        std::string identity = category.name + '\0' + std::string(event.text(Text::Scope));
        const std::string id =
            event.has(Text::Id) ? std::string(event.text(Text::Id)) : std::to_string(event.has(Number::Id) ? event.number(Number::Id) : 0);
        identity += '\0' + id;
        if (id.find("local") != std::string::npos)
            identity += '\0' + std::to_string(globalPidOf(globalTid));
        if (phase == 'S' || phase == 'F')
            identity += '\0' + std::string(nameText(event));
        pairKey = hashOf(identity);
    }
    RangePairs& pairs = isAsync ? m_asyncPairs : m_threadPairs;
    if (isBegin) {
        RangePairs::Begin opened{time, globalTid, nameId(event), category.domain, categoryIndex, 0, 0, {}, {}};
        takeNvtx(event, opened, &RangePairs::Begin::nvtxCategory);
        pairs.begin(pairKey, std::move(opened));
        return;
    }
    RangePairs::Begin begin;
    if (!pairs.end({pairKey, time, categoryIndex}, begin))
        return;
    if (time < begin.time) {
        m_categories.at(begin.category).skip(SkipReason::EndBeforeBegin);
        category.skip(SkipReason::EndBeforeBegin);
        addRanges(begin.inside, pairs.innermost(pairKey));
        return;
    }
    ++m_categories.at(begin.category).kept;
    ++category.kept;
    addRange(begin, time, isAsync, pairs.innermost(pairKey));
}

void ChromeRows::addRange(const RangePairs::Begin& begin, std::optional<TimestampNs> end, bool isAsync, RangePairs::Begin* outer)
{
    RangeRow row;
    row.start = begin.time;
    row.end = end;
    row.globalTid = begin.globalTid;
    row.textId = begin.name;
    row.domainId = begin.domain;
    row.category = begin.nvtxCategory;
    row.color = begin.color;
    row.payload = begin.payload;
    row.isStartEnd = isAsync;
    widenTime(begin.time, end.value_or(begin.time));
    addRanges({&row, 1}, outer);
    addRanges(begin.inside, outer);
}

void ChromeRows::addRanges(std::span<const RangeRow> rows, RangePairs::Begin* outer)
{
    const bool areToWait = outer && !rows.empty() && outer->time == rows.front().start;
    for (const RangeRow& row : rows) {
        if (areToWait)
            outer->inside.push_back(row);
        else
            m_rows.add(row);
    }
}

void ChromeRows::addGpuRanges(const std::set<StreamKey>& streams)
{
    for (GpuRangeRow& row : m_gpuRanges) {
        if (row.globalPid == 0)
            row.globalPid = m_launchingPid.value_or(0);
        if (row.contextId == 0) {
            for (auto stream = streams.lower_bound({row.deviceId, 0, 0}); stream != streams.end() && std::get<0>(*stream) == row.deviceId;
                 ++stream) {
                if (std::get<2>(*stream) == row.streamId) {
                    row.contextId = std::get<1>(*stream);
                    break;
                }
            }
        }
        m_rows.add(row);
    }
    m_gpuRanges.clear();
}

} // namespace gantry::importing
