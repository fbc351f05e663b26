#include "trace_model/trace/trace_builder.h"

#include "trace_model/base/parallel.h"
#include "trace_model/report/utf8.h"
#include "trace_model/trace/column_sets.h"
#include "trace_model/trace/counter_levels.h"
#include "trace_model/trace/file_alignment.h"
#include "trace_model/trace/nvtx_projection.h"
#include "trace_model/trace/track_builder.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <numeric>
#include <unordered_map>

namespace gantry::trace {
namespace {

using importing::TextId;

/// Ids of texts are one more than their place in the string table, so that 0 is none.
StringId stringOf(TextId text)
{
    return text <= 0 ? StringId() : StringId(static_cast<std::uint32_t>(text - 1));
}

/// Of events of all kinds, in whatever order they are.
TimestampNs latestEnd(const Trace& trace)
{
    TimestampNs end = std::numeric_limits<TimestampNs>::min();
    for (int kind = 0; kind < kEventKindCount; ++kind) {
        const EventColumns& columns = trace.columns(static_cast<EventKind>(kind));
        for (std::size_t row = 0; row < columns.size(); ++row)
            end = std::max(end, columns.end(row));
    }
    return end;
}

} // namespace

/// The rows of one thread.
class TraceBuilder::Part final : public importing::RowSink
{
public:
    Part(StringId unknown, const std::filesystem::path& spillFolder) : m_unknown(unknown)
    {
        if (spillFolder.empty())
            return;
        for (int kind = 0; kind < kEventKindCount; ++kind)
            Trace::visit(events, static_cast<EventKind>(kind), [&](auto& columns) { spillTo(columns, spillFolder); });
        samples.spillTo(spillFolder);
    }

    void add(const report::KernelRow& row) override
    {
        KernelColumns& c = events.kernels;
        addWork(c, row);
        const StringId demangled = named(row.demangledName ? row.demangledName : row.mangledName ? row.mangledName : row.shortName);
        c.nameNumber.push_back(c.names.add({row.shortName ? stringOf(row.shortName) : demangled, demangled}));
        c.shapeNumber.push_back(
            c.shapes.add({row.grid, row.block, row.registersPerThread, row.staticSharedMemory, row.dynamicSharedMemory}));
        c.graphNode.add(c.size() - 1, row.graphNodeId);
    }
    void add(const report::MemcpyRow& row) override
    {
        addWork(events.memcpys, row);
        events.memcpys.bytes.push_back(row.bytes);
        events.memcpys.route.push_back({bounded(row.copyKind, CopyKind::UvmDtoD, CopyKind::Unknown),
                                        bounded(row.srcKind, MemoryKind::Unknown, MemoryKind::Unknown),
                                        bounded(row.dstKind, MemoryKind::Unknown, MemoryKind::Unknown)});
    }
    void add(const report::MemsetRow& row) override
    {
        addWork(events.memsets, row);
        events.memsets.bytes.push_back(row.bytes);
        events.memsets.value.push_back(row.value);
        events.memsets.memoryKind.push_back(bounded(row.memKind, MemoryKind::Unknown, MemoryKind::Unknown));
    }
    void add(const report::SynchronizationRow& row) override
    {
        addWork(events.synchronizations, row);
        events.synchronizations.type.push_back(bounded(row.syncType, SyncType::ContextSync, SyncType::Unknown));
    }
    void add(const report::OverheadRow& row) override
    {
        addThreadTimes(events.overheads, row.start, row.end, row.globalTid);
        events.overheads.name.push_back(named(row.nameId));
    }
    void add(const importing::CallRow& row) override
    {
        CallColumns& c = row.kind == importing::CallKind::OsRuntime ? events.osCalls
                         : row.kind == importing::CallKind::Library ? events.libraryCalls
                                                                    : events.apiCalls;
        addThreadTimes(c, row.start, row.end, row.globalTid);
        c.calleeNumber.push_back(c.callees.add({named(row.nameId), row.returnValue, row.kind == importing::CallKind::CudaDriver}));
        c.correlation.add(c.size() - 1, row.correlationId);
    }
    void add(const importing::RangeRow& row) override
    {
        addNvtx(events.nvtxRanges, row, row.start, row.end.value_or(row.start),
                {stringOf(row.textId), stringOf(row.domainId), row.category, row.color, row.isStartEnd, !row.end, hasPayload(row),
                 row.payloadText != 0});
    }
    void add(const importing::MarkRow& row) override
    {
        addNvtx(events.nvtxMarks, row, row.time, row.time,
                {stringOf(row.textId), stringOf(row.domainId), row.category, row.color, 0, 0, hasPayload(row), row.payloadText != 0});
    }
    void add(const importing::GraphRow& row) override
    {
        addWork(events.graphLaunches, row);
        events.graphLaunches.graph.push_back(row.graphId);
    }
    void add(const importing::GpuRangeRow& row) override
    {
        GpuRangeColumns& c = events.gpuRanges;
        c.addTimes(row.start, row.end);
        c.correlation.push_back(0);
        c.placeNumber.push_back(c.places.add({row.globalPid, row.deviceId, row.contextId, row.streamId, 0}));
        c.text.push_back(named(row.textId));
    }
    void add(const importing::CounterSample& sample) override { samples.push_back(sample); }

    Trace events; ///< its columns alone
    Column<importing::CounterSample> samples;

private:
    [[nodiscard]] StringId named(TextId text) const { return text <= 0 ? m_unknown : stringOf(text); }

    template <typename Columns, typename Row>
    static void addWork(Columns& c, const Row& row)
    {
        c.addTimes(row.start, row.end);
        c.correlation.push_back(row.correlationId);
        c.placeNumber.push_back(c.places.add({row.globalPid, row.deviceId, row.contextId, row.streamId, 0}));
    }
    static void addThreadTimes(ThreadEventColumns& c, TimestampNs start, TimestampNs end, std::uint64_t globalTid)
    {
        c.addTimes(start, end);
        c.threadNumber.push_back(c.threads.add(globalTid));
    }
    template <typename Row>
    static void addNvtx(NvtxColumns& c, const Row& row, TimestampNs start, TimestampNs end, const NvtxLabel& label)
    {
        addThreadTimes(c, start, end, row.globalTid);
        c.labelNumber.push_back(c.labels.add(label));
        c.payloadValue.add(c.size() - 1, row.payloadText != 0 ? stringOf(row.payloadText).value : row.payload.value_or(0));
    }
    template <typename Row>
    static bool hasPayload(const Row& row)
    {
        return row.payload.has_value() || row.payloadText != 0;
    }

    StringId m_unknown;
};

TraceBuilder::TraceBuilder(std::string cacheKey, std::filesystem::path spillFolder)
    : m_spillFolder(std::move(spillFolder)), m_trace(std::make_shared<Trace>())
{
    m_trace->cacheKey = std::move(cacheKey);
    m_unknown = m_trace->strings.intern("(unknown)");
}

void TraceBuilder::beginFile(const std::filesystem::path& path, std::optional<DurationNs> offset)
{
    File& file = m_files.emplace_back();
    file.meta.title = path.filename().string();
    file.offset = offset;
    file.firstPart = m_parts.size();
    file.firstRequest = m_trace->requests.size();
    file.firstExecution = m_trace->executions.size();
    importing::ImportReport& report = m_trace->imports.emplace_back();
    report.file = path.filename().string();
    std::error_code unknown;
    const std::uintmax_t bytes = std::filesystem::file_size(path, unknown);
    report.fileBytes = unknown ? 0 : bytes;
}

/// A process or thread of the current file. The highest bits tell files apart: Nsight Systems has the machine there.
std::uint64_t TraceBuilder::keyed(std::uint64_t process) const
{
    return process + (static_cast<std::uint64_t>(m_files.size() - 1) << kFileShift);
}

TraceBuilder::~TraceBuilder() = default;

TextId TraceBuilder::intern(std::string_view text)
{
    std::string scratch;
    const std::string_view valid = report::validUtf8(text, scratch);
    const std::lock_guard lock(m_internMutex);
    return static_cast<TextId>(m_trace->strings.intern(valid).value) + 1;
}

importing::RowSink& TraceBuilder::rows()
{
    return m_parts.emplace_back(m_unknown, m_spillFolder);
}

std::uint32_t TraceBuilder::define(const importing::CounterDefinition& counter)
{
    m_counters.push_back(counter);
    if (counter.globalTid != 0)
        m_counters.back().globalTid = keyed(counter.globalTid);
    return static_cast<std::uint32_t>(m_counters.size() - 1);
}

void TraceBuilder::nameCategory(std::uint64_t globalPid, TextId domain, std::uint32_t category, TextId name)
{
    m_categories.push_back({keyed(globalPid), domain, category, name});
}

void TraceBuilder::nameThread(std::uint64_t globalTid, TextId name)
{
    m_trace->threadNames[keyed(globalTid)] = m_trace->strings[stringOf(name)];
}

void TraceBuilder::add(const report::RequestRow& row)
{
    Request request;
    request.id = row.requestId;
    request.clientId = row.clientId ? stringOf(*row.clientId) : StringId();
    request.model = row.model ? stringOf(row.model) : m_unknown;
    request.version = stringOf(row.version);
    request.cutByWindow = !row.start || !row.end;
    request.time = {row.start.value_or(kNoTime), row.end.value_or(kNoTime)};
    request.failed = row.failed;
    request.parentId = row.parentId;
    request.phases = row.phases;
    m_trace->requests.push_back(request);
    if (!row.earlierBatches.empty())
        m_earlierBatches.emplace(m_batchOf.size(), row.earlierBatches);
    m_batchOf.emplace_back(keyed(row.globalPid), row.batchId);
}

void TraceBuilder::add(const report::ExecutionRow& row)
{
    Execution execution;
    execution.batchId = row.batchId;
    execution.globalTid = keyed(row.globalTid);
    execution.model = row.model ? stringOf(row.model) : m_unknown;
    execution.version = stringOf(row.version);
    execution.instance = stringOf(row.instance);
    execution.time = {row.start, row.end.value_or(kNoTime)};
    m_trace->executions.push_back(execution);
}

Result<std::shared_ptr<const Trace>> TraceBuilder::finish(const importing::ReadControl& control)
{
    const auto stage = [&](double fraction, std::string_view name) {
        if (control.progress)
            control.progress(fraction, name);
        return !control.stop.stop_requested();
    };
    const Error cancelled{ErrorCode::Cancelled, "opening the report was cancelled", {}};
    if (!stage(kReadingShare, "sorting"))
        return cancelled;
    alignAll();
    joinMeta();
    GANTRY_CHECK(joinParts(control.stop));
    if (!stage(0.93, "projecting NVTX ranges"))
        return cancelled;
    if (!projectNvtx(*m_trace, control.stop))
        return cancelled;
    if (!stage(0.94, "joining requests"))
        return cancelled;
    joinExecutions();
    addPhases();
    std::vector<Track> counters = counterTracks();
    measureTime(counters);
    if (!stage(0.95, "arranging tracks"))
        return cancelled;
    buildTracks(*m_trace, std::move(counters), requestWindows());
    m_trace->strings.freeze();
    for (importing::ImportReport& file : m_trace->imports) {
        std::erase_if(file.tables, [](const importing::TableTally& table) { return table.rows == 0; });
        if (file.time.isEmpty())
            file.time = m_trace->time;
    }
    if (!stage(1.0, "done"))
        return cancelled;
    return std::shared_ptr<const Trace>(std::move(m_trace));
}

/// From the first to the last thing of a file, as it tells time; empty when it has none.
TimeRange TraceBuilder::extentOf(std::size_t file) const
{
    TimeRange extent{std::numeric_limits<TimestampNs>::max(), std::numeric_limits<TimestampNs>::min()};
    const auto cover = [&](TimestampNs start, TimestampNs end) {
        if (start != kNoTime)
            extent.start = std::min(extent.start, start);
        if (end != kNoTime)
            extent.end = std::max(extent.end, end);
    };
    const auto [lastPart, lastRequest, lastExecution] = endOf(file);
    for (std::size_t i = m_files[file].firstPart; i < lastPart; ++i) {
        for (int kind = 0; kind < kEventKindCount; ++kind) {
            const EventColumns& columns = m_parts[i].events.columns(static_cast<EventKind>(kind));
            for (std::size_t row = 0; row < columns.size(); ++row)
                cover(columns.start[row], columns.end(row));
        }
        for (const importing::CounterSample& sample : m_parts[i].samples)
            if (m_counters[sample.counter].globalTid == 0) // threads may be of the whole machine and of any time
                cover(sample.time, sample.time);
    }
    for (std::size_t i = m_files[file].firstRequest; i < lastRequest; ++i)
        cover(m_trace->requests[i].time.start, m_trace->requests[i].time.end);
    for (std::size_t i = m_files[file].firstExecution; i < lastExecution; ++i)
        cover(m_trace->executions[i].time.start, m_trace->executions[i].time.end);
    return extent.end < extent.start ? TimeRange{} : extent;
}

/// Finds what to add to the times of a file to have them on the clock of the first one.
void TraceBuilder::align(std::size_t file)
{
    using importing::Alignment;
    importing::ImportReport& report = m_trace->imports[file];
    FileAlignment found;
    if (m_files[file].offset)
        found = {Alignment::ByHand, *m_files[file].offset, {}};
    else if (file > 0)
        found = alignFiles(m_files.front().meta, m_trace->imports.front().time, m_files[file].meta, report.time);
    report.alignment = found.alignment;
    report.offset = found.offset;
    report.zone = found.zone;
    report.alignmentErrorNs = found.errorNs;
}

void TraceBuilder::alignAll()
{
    for (std::size_t i = 0; i < m_files.size(); ++i) {
        importing::ImportReport& report = m_trace->imports[i];
        if (m_files.size() > 1)
            report.time = extentOf(i);
        align(i);
        moveFile(i, report.offset);
        if (!report.time.isEmpty())
            report.time = {report.time.start + report.offset, report.time.end + report.offset};
        if (TimeRange& window = m_files[i].window; !window.isEmpty()) {
            window = {window.start + report.offset, window.end + report.offset};
            m_window = m_window.isEmpty() ? window : TimeRange{std::min(m_window.start, window.start), std::max(m_window.end, window.end)};
        }
    }
}

/// What of the alignment makes times of one file say nothing about those of the other.
void TraceBuilder::warnOfAlignment(std::size_t file)
{
    const importing::ImportReport& first = m_trace->imports.front();
    const importing::ImportReport& other = m_trace->imports[file];
    std::vector<std::string>& warnings = m_trace->meta.warnings;
    if (other.alignment == importing::Alignment::Starts)
        warnings.push_back(fmt::format("{} and {} know no common clock: their first events are drawn at one time, which is a guess. Set "
                                       "the offset by hand (--offset).",
                                       first.file, other.file));
    else if (other.alignment == importing::Alignment::LocalTime)
        warnings.push_back(other.file + ": " + importing::alignmentText(other));
    if (other.alignment != importing::Alignment::Starts && !first.time.isEmpty() && !other.time.isEmpty() &&
        (first.time.end < other.time.start || other.time.end < first.time.start))
        warnings.push_back(fmt::format(
            "{} and {} were not recorded at the same time: {} lie between them.", first.file, other.file,
            formatDuration(first.time.end < other.time.start ? other.time.start - first.time.end : first.time.start - other.time.end)));
}

/// Where the parts, requests and executions of a file end.
std::tuple<std::size_t, std::size_t, std::size_t> TraceBuilder::endOf(std::size_t file) const
{
    if (file + 1 < m_files.size())
        return {m_files[file + 1].firstPart, m_files[file + 1].firstRequest, m_files[file + 1].firstExecution};
    return {m_parts.size(), m_trace->requests.size(), m_trace->executions.size()};
}

/// Moves the times of a file, and makes its processes its own.
void TraceBuilder::moveFile(std::size_t file, DurationNs offset)
{
    const auto [lastPart, lastRequest, lastExecution] = endOf(file);
    const std::uint64_t key = static_cast<std::uint64_t>(file) << kFileShift;
    for (std::size_t i = m_files[file].firstPart; i < lastPart; ++i) {
        Part& part = m_parts[i];
        for (int kind = 0; kind < kEventKindCount; ++kind)
            Trace::visit(part.events, static_cast<EventKind>(kind), [&](auto& columns) {
                if (offset != 0)
                    for (TimestampNs& start : columns.start)
                        start += offset;
                if constexpr (requires { columns.places; })
                    for (GpuPlace& place : columns.places.values())
                        place.globalPid += key;
                if constexpr (requires { columns.threads; })
                    for (std::uint64_t& thread : columns.threads.values())
                        thread += key;
            });
        for (importing::CounterSample& sample : part.samples)
            sample.time += offset;
    }
    if (offset == 0)
        return;
    const auto move = [offset](TimestampNs& time) { time += time == kNoTime ? 0 : offset; };
    for (std::size_t i = m_files[file].firstRequest; i < lastRequest; ++i) {
        Request& request = m_trace->requests[i];
        move(request.time.start);
        move(request.time.end);
        for (auto& phase : request.phases)
            if (phase)
                phase = TimeRange{phase->start + offset, phase->end + offset};
    }
    for (std::size_t i = m_files[file].firstExecution; i < lastExecution; ++i) {
        move(m_trace->executions[i].time.start);
        move(m_trace->executions[i].time.end);
    }
}

/// What the files say about themselves as one: the first one's word, the others' names, GPUs and warnings.
void TraceBuilder::joinMeta()
{
    for (std::size_t i = 0; i < m_files.size(); ++i) {
        TraceMeta& meta = m_files[i].meta;
        m_trace->imports[i].producer = meta.producer;
        for (GpuInfo& gpu : meta.gpus)
            gpu.file = static_cast<std::uint32_t>(i);
        std::stable_sort(meta.gpus.begin(), meta.gpus.end(), [](const GpuInfo& a, const GpuInfo& b) { return a.device < b.device; });
        if (i == 0) {
            m_trace->meta = meta;
            continue;
        }
        TraceMeta& all = m_trace->meta;
        all.title += " + " + meta.title;
        all.gpus.insert(all.gpus.end(), meta.gpus.begin(), meta.gpus.end());
        for (const std::string& warning : meta.warnings)
            all.warnings.push_back(m_trace->imports[i].file + ": " + warning);
        for (const std::string& why : meta.whyIncomplete)
            all.spoil(m_trace->imports[i].file + ": " + why);
        all.targetExited = all.targetExited || meta.targetExited;
        warnOfAlignment(i);
    }
}

/// Puts the rows of all threads together, kind by kind, in order.
Result<void> TraceBuilder::joinParts(const std::stop_token& stop)
{
    Trace& t = *m_trace;
    for (int i = 0; i < kEventKindCount; ++i) {
        const auto kind = static_cast<EventKind>(i);
        std::size_t rows = 0;
        for (const Part& part : m_parts)
            rows += part.events.columns(kind).size();
        if (rows > kMostRows)
            return Error{ErrorCode::BadInput,
                         fmt::format("the file holds {} events of kind {}, more than the {} that can be shown: export a shorter time of it",
                                     rows, name(kind), kMostRows),
                         {}};
    }
    const auto eachKind = [&](auto work) {
        std::vector<std::function<void()>> tasks;
        for (int i = 0; i < kEventKindCount; ++i)
            tasks.emplace_back([&work, &stop, kind = static_cast<EventKind>(i)] {
                if (!stop.stop_requested())
                    work(kind);
            });
        inParallel(std::move(tasks));
    };
    eachKind([&](EventKind kind) {
        Trace::visit(t, kind, [&](auto& all) {
            for (Part& part : m_parts)
                Trace::visit(part.events, kind, [&](auto& columns) {
                    if constexpr (std::is_same_v<decltype(columns), decltype(all)>) {
                        if (all.size() == 0)
                            all = std::move(columns);
                        else if (columns.size() > 0)
                            appendRows(all, columns);
                        columns = {};
                    }
                });
        });
    });
    closeOpenRanges();
    applyDomains();
    const PageRecycling recycling;
    eachKind([&](EventKind kind) {
        Trace::visit(t, kind, [](auto& columns) {
            sortByStart(columns);
            freeze(columns);
        });
    });
    return {};
}

void TraceBuilder::applyDomains()
{
    std::map<StringId, StringId> meanings;
    for (const auto& [text, meaning] : m_domains)
        meanings[stringOf(text)] = stringOf(meaning);
    const auto meaningOf = [&](StringId domain) {
        const auto found = meanings.find(domain);
        return found == meanings.end() ? domain : found->second;
    };
    for (const auto& [globalPid, domain, category, name] : m_categories)
        m_trace->categoryNames[{globalPid, meaningOf(stringOf(domain)).value, category}] = m_trace->strings[stringOf(name)];
    if (meanings.empty())
        return;
    for (NvtxColumns* columns : {&m_trace->nvtxRanges, &m_trace->nvtxMarks})
        for (NvtxLabel& label : columns->labels.values())
            label.domain = meaningOf(label.domain);
}

/// Ranges that never ended reach to the end of their file's window, or of what was recorded.
void TraceBuilder::closeOpenRanges()
{
    NvtxColumns& ranges = m_trace->nvtxRanges;
    bool anyOpen = false;
    for (const NvtxLabel& label : ranges.labels.values())
        anyOpen = anyOpen || label.isOpen != 0;
    if (!anyOpen)
        return;
    std::vector<TimestampNs> ends; // by file
    for (std::size_t file = 0; file < m_files.size(); ++file)
        ends.push_back(!m_files[file].window.isEmpty() ? m_files[file].window.end
                       : m_files.size() > 1            ? m_trace->imports[file].time.end
                                                       : latestEnd(*m_trace));
    for (std::size_t row = 0; row < ranges.size(); ++row)
        if (ranges.isOpen(row))
            ranges.setEnd(row, std::max(ends[Trace::fileOf(ranges.globalTid(row)) % ends.size()], ranges.start[row]));
}

/// The window of the file that a process is of, on the clock of the first one.
TimeRange TraceBuilder::windowOf(std::uint64_t process) const
{
    return m_files[Trace::fileOf(process) % m_files.size()].window;
}

/// When the files that have requests were recorded, in order; those that touch are one. Another file says nothing of requests.
std::vector<TimeRange> TraceBuilder::requestWindows() const
{
    if (m_files.size() == 1)
        return {m_trace->time};
    std::vector<bool> hasRequests(m_files.size());
    for (const auto& [process, batch] : m_batchOf)
        hasRequests[Trace::fileOf(process) % m_files.size()] = true;
    for (const Execution& execution : m_trace->executions)
        hasRequests[Trace::fileOf(execution.globalTid) % m_files.size()] = true;
    std::vector<TimeRange> windows;
    for (std::size_t file = 0; file < m_files.size(); ++file) {
        const TimeRange events = m_trace->imports[file].time, window = m_files[file].window;
        if (hasRequests[file])
            windows.push_back(window.isEmpty() ? events
                                               : TimeRange{std::min(events.start, window.start), std::max(events.end, window.end)});
    }
    std::sort(windows.begin(), windows.end(), [](const TimeRange& a, const TimeRange& b) { return a.start < b.start; });
    std::vector<TimeRange> apart;
    for (const TimeRange& window : windows) {
        if (apart.empty() || window.start > apart.back().end)
            apart.push_back(window);
        else
            apart.back().end = std::max(apart.back().end, window.end);
    }
    return apart;
}

/// Fills in the sides that the window cut off, orders requests by start and joins them to their executions.
void TraceBuilder::joinExecutions()
{
    Trace& t = *m_trace;
    for (Execution& execution : t.executions)
        if (execution.time.end == kNoTime)
            execution.time.end = std::max(windowOf(execution.globalTid).end, execution.time.start);
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> executionOf; // by process and batch
    std::stable_sort(t.executions.begin(), t.executions.end(), [](const auto& a, const auto& b) { return a.time.start < b.time.start; });
    for (std::uint32_t i = 0; i < t.executions.size(); ++i)
        executionOf[{Trace::processOf(t.executions[i].globalTid), t.executions[i].batchId}] = i;
    for (std::size_t i = 0; i < t.requests.size(); ++i) {
        Request& request = t.requests[i];
        const TimeRange window = windowOf(m_batchOf[i].first);
        // What lies outside the window is not known; where there is none, neither is what lies outside the request's phases.
        TimestampNs first = request.time.end == kNoTime ? std::numeric_limits<TimestampNs>::max() : request.time.end;
        TimestampNs last = request.time.start == kNoTime ? std::numeric_limits<TimestampNs>::min() : request.time.start;
        if (!window.isEmpty()) {
            first = std::min(first, window.start);
            last = std::max(last, window.end);
        }
        for (const auto& phase : request.phases)
            if (phase) {
                first = std::min(first, phase->start);
                last = std::max(last, phase->end);
            }
        if (first > last)
            first = last = window.start; // nothing is known of it
        if (request.time.start == kNoTime)
            request.time.start = first;
        if (request.time.end == kNoTime)
            request.time.end = std::max(last, request.time.start);
    }
    std::vector<std::uint32_t> order(t.requests.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return t.requests[a].time.start < t.requests[b].time.start; });
    Column<Request> sorted;
    sorted.reserve(order.size());
    for (const std::uint32_t old : order) {
        Request request = t.requests[old];
        const auto& [process, batch] = m_batchOf[old];
        if (const auto execution = batch ? executionOf.find({process, *batch}) : executionOf.end(); execution != executionOf.end()) {
            request.execution = ExecutionIndex(execution->second);
            ++t.executions[execution->second].memberCount;
        }
        if (const auto earlier = m_earlierBatches.find(old); earlier != m_earlierBatches.end()) {
            request.firstEarlier = static_cast<std::uint32_t>(t.earlierExecutions.size());
            for (const std::uint64_t number : earlier->second)
                if (const auto execution = executionOf.find({process, number});
                    execution != executionOf.end() && ExecutionIndex(execution->second) != request.execution) {
                    t.earlierExecutions.push_back(ExecutionIndex(execution->second));
                    ++request.earlierCount;
                    ++t.executions[execution->second].memberCount;
                }
        }
        sorted.push_back(request);
    }
    t.requests = std::move(sorted);
    std::uint32_t next = 0;
    for (Execution& execution : t.executions) {
        execution.firstMember = next;
        next += std::exchange(execution.memberCount, 0);
    }
    t.executionMembers.resize(next);
    for (std::uint32_t i = 0; i < t.requests.size(); ++i) {
        const auto addTo = [&](ExecutionIndex index) {
            Execution& execution = t.executions[index.value];
            t.executionMembers[execution.firstMember + execution.memberCount++] = RequestIndex(i);
        };
        for (const ExecutionIndex earlier : t.earlierExecutionsOf(t.requests[i]))
            addTo(earlier);
        if (!t.requests[i].execution.isNone())
            addTo(t.requests[i].execution);
    }
}

void TraceBuilder::addPhases()
{
    std::vector<std::pair<TimeRange, std::pair<RequestIndex, records::RequestPhase>>> rows;
    for (std::uint32_t i = 0; i < m_trace->requests.size(); ++i)
        addPhasesOf(RequestIndex(i), rows);
    PhaseColumns& c = m_trace->phases;
    for (const auto& [time, of] : rows) {
        c.addTimes(time.start, time.end);
        c.request.push_back(of.first);
        c.phase.push_back(of.second);
    }
    sortByStart(c);
    c.latestEnds = {};
    freeze(c);
}

/// The phases of a request and the gaps around them, so that all of its time is there. What lies outside the window is unknown:
/// a request that it cuts has gaps only when nothing else is known of it.
void TraceBuilder::addPhasesOf(RequestIndex index,
                               std::vector<std::pair<TimeRange, std::pair<RequestIndex, records::RequestPhase>>>& rows) const
{
    const Request& request = m_trace->requests[index.value];
    bool hasPhases = false;
    for (std::size_t phase = 0; phase < request.phases.size(); ++phase)
        if (const auto& time = request.phases[phase]) {
            rows.push_back({*time, {index, static_cast<records::RequestPhase>(phase)}});
            hasPhases = true;
        }
    if (request.cutByWindow && hasPhases)
        return;
    for (const TimeRange& gap : request.outsidePhases())
        rows.push_back({gap, {index, records::RequestPhase::Outside}});
}

std::vector<Track> TraceBuilder::counterTracks()
{
    std::vector<Track> tracks(m_counters.size());
    for (std::size_t i = 0; i < tracks.size(); ++i) {
        const importing::CounterDefinition& definition = m_counters[i];
        tracks[i].name = definition.group.empty() ? definition.name : definition.group + ' ' + definition.name;
        tracks[i].counter.unit = definition.unit;
        tracks[i].counter.source = definition.source;
        tracks[i].counter.isExact = definition.isExact;
        tracks[i].globalTid = definition.globalTid;
    }
    for (Part& part : m_parts) {
        for (const importing::CounterSample& sample : part.samples)
            if (sample.counter < tracks.size()) {
                tracks[sample.counter].counter.time.push_back(sample.time);
                tracks[sample.counter].counter.value.push_back(sample.value);
            }
        part.samples = {};
    }
    std::erase_if(tracks, [](const Track& track) { return track.counter.time.empty(); });
    for (Track& track : tracks)
        sortAndIndex(track.counter);
    return tracks;
}

void TraceBuilder::measureTime(const std::vector<Track>& counters)
{
    std::optional<TimeRange> range;
    const auto cover = [&](TimestampNs start, TimestampNs end) {
        range = range ? TimeRange{std::min(range->start, start), std::max(range->end, end)} : TimeRange{start, end};
    };
    for (int kind = 0; kind < kEventKindCount; ++kind) {
        const EventColumns& columns = m_trace->columns(static_cast<EventKind>(kind));
        if (columns.size() > 0)
            cover(columns.start.front(), *std::max_element(columns.latestEnds.begin(), columns.latestEnds.end()));
    }
    // What was measured before a window that is known leads up to it, and is not recorded time.
    const auto inWindow = [&](TimestampNs time) { return m_window.isEmpty() ? time : std::clamp(time, m_window.start, m_window.end); };
    for (const Track& counter : counters)
        if (counter.globalTid == 0)
            cover(inWindow(counter.counter.time.front()), inWindow(counter.counter.time.back()));
    if (m_files.size() == 1 && range) // of several, each has its own
        m_trace->imports.front().time = *range;
    if (!m_window.isEmpty())
        cover(m_window.start, m_window.end);
    m_trace->time = range.value_or(TimeRange{});
    m_trace->window = m_window;
}

} // namespace gantry::trace
