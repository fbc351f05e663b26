#include "trace_model/trace/gpu_tracks.h"

#include "trace_model/trace/trace_words.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace gantry::trace {

/// Walks one kind of GPU work in order, knowing for each of its places the rows that it belongs to.
class WorkCursor
{
public:
    WorkCursor(const GpuEventColumns& columns, EventKind kind, GpuRows& rows) : m_columns(&columns), m_kind(kind)
    {
        for (const GpuPlace& place : columns.places.values()) {
            GpuRows::ContextRows& context = rows.contextOf(place);
            m_targets.emplace_back(&context, &context.streams[place.stream]);
        }
        read();
    }
    [[nodiscard]] bool isAtEnd() const { return m_row == m_columns->size(); }
    [[nodiscard]] const LooseSpan& span() const { return m_span; }
    [[nodiscard]] std::size_t row() const { return m_row; }
    [[nodiscard]] EventKind kind() const { return m_kind; }
    [[nodiscard]] GpuRows::ContextRows& context() const { return *m_targets[m_columns->placeNumber[m_row]].first; }
    [[nodiscard]] GpuRows::StreamRows& stream() const { return *m_targets[m_columns->placeNumber[m_row]].second; }
    [[nodiscard]] bool isBefore(const WorkCursor& other) const
    {
        return m_span.start != other.m_span.start ? m_span.start < other.m_span.start : m_span.end > other.m_span.end;
    }
    void next()
    {
        ++m_row;
        read();
    }

private:
    void read()
    {
        if (!isAtEnd())
            m_span = {m_columns->start[m_row], m_columns->end(m_row), EventId(m_kind, static_cast<std::uint32_t>(m_row))};
    }

    const GpuEventColumns* m_columns;
    EventKind m_kind;
    std::vector<std::pair<GpuRows::ContextRows*, GpuRows::StreamRows*>> m_targets; ///< by place
    std::size_t m_row = 0;
    LooseSpan m_span;
};

GpuRows::ContextRows& GpuRows::contextOf(const GpuPlace& place)
{
    return m_contexts[{Trace::fileOf(place.globalPid), place.device, place.context, place.globalPid}];
}

void GpuRows::findMixedStreams(const Trace& trace)
{
    std::set<std::tuple<std::uint64_t, std::uint32_t, std::uint32_t, std::uint32_t>> computing;
    const auto keyOf = [](const GpuPlace& place) { return std::tuple(place.globalPid, place.device, place.context, place.stream); };
    for (const GpuEventColumns* columns :
         {static_cast<const GpuEventColumns*>(&trace.kernels), static_cast<const GpuEventColumns*>(&trace.graphLaunches)})
        for (const GpuPlace& place : columns->places.values())
            computing.insert(keyOf(place));
    for (const GpuEventColumns* columns :
         {static_cast<const GpuEventColumns*>(&trace.memcpys), static_cast<const GpuEventColumns*>(&trace.memsets)})
        for (const GpuPlace& place : columns->places.values())
            if (computing.contains(keyOf(place)))
                contextOf(place).streams[place.stream].isMixed = true;
}

/// CUPTI gives migrations of unified memory the context and stream 0, where no program's work is.
void GpuRows::findUnifiedMemory(const Trace& trace)
{
    const auto isNone = [](const GpuPlace& place) { return place.context == 0 && place.stream == 0; };
    for (std::uint32_t row = 0; row < trace.memcpys.size(); ++row)
        if (isUnifiedMemory(trace.memcpys.route[row].kind) && isNone(trace.memcpys.place(row)))
            contextOf(trace.memcpys.place(row)).isUnified = true;
    const auto setOrdinary = [this](const GpuPlace& place) {
        if (place.context == 0)
            contextOf(place).isUnified = false;
    };
    for (const GpuEventColumns* columns :
         {static_cast<const GpuEventColumns*>(&trace.kernels), static_cast<const GpuEventColumns*>(&trace.memsets),
          static_cast<const GpuEventColumns*>(&trace.synchronizations), static_cast<const GpuEventColumns*>(&trace.graphLaunches)})
        for (const GpuPlace& place : columns->places.values())
            setOrdinary(place);
    for (std::uint32_t row = 0; row < trace.memcpys.size(); ++row)
        if (!isUnifiedMemory(trace.memcpys.route[row].kind))
            setOrdinary(trace.memcpys.place(row));
}

/// Nsight Systems gives those of each context the first device: the context's work says which one it is on.
void GpuRows::takeSynchronizations(const Trace& trace)
{
    std::map<std::pair<std::uint64_t, std::uint32_t>, ContextRows*> contexts; // by process and number
    for (auto& [key, rows] : m_contexts)
        contexts[{key.process, key.context}] = &rows;
    for (std::uint32_t row = 0; row < trace.synchronizations.size(); ++row) {
        const GpuPlace& place = trace.synchronizations.place(row);
        const auto known = contexts.find({place.globalPid, place.context});
        const bool isThere = m_contexts.contains({Trace::fileOf(place.globalPid), place.device, place.context, place.globalPid});
        ContextRows& context = isThere || known == contexts.end() ? contextOf(place) : *known->second;
        context.syncs.nest({trace.synchronizations.start[row], trace.synchronizations.end(row), EventId(EventKind::Synchronization, row)});
    }
}

GpuRows::GpuRows(const Trace& trace) : m_trace(trace)
{
    findMixedStreams(trace);
    findUnifiedMemory(trace);
    m_work.emplace_back(trace.kernels, EventKind::Kernel, *this);
    m_work.emplace_back(trace.memcpys, EventKind::Memcpy, *this);
    m_work.emplace_back(trace.memsets, EventKind::Memset, *this);
    m_work.emplace_back(trace.graphLaunches, EventKind::GraphLaunch, *this);
    std::erase_if(m_work, [](const WorkCursor& cursor) { return cursor.isAtEnd(); });
    takeSynchronizations(trace);
    for (std::uint32_t row = 0; row < trace.gpuRanges.size(); ++row)
        rangesOf(trace.gpuRanges.place(row))
            .nest({trace.gpuRanges.start[row], trace.gpuRanges.end(row), EventId(EventKind::GpuRange, row)});
}

GpuRows::~GpuRows() = default;

/// Those of the stream, or of its context when nothing ran on it.
RowBuilder& GpuRows::rangesOf(const GpuPlace& place)
{
    ContextRows& context = contextOf(place);
    const auto stream = context.streams.find(place.stream);
    return stream == context.streams.end() ? context.ranges : stream->second.ranges;
}

/// Calls `place(cursor)` for each piece of work, in order.
template <typename Place>
void GpuRows::eachWork(Place place) const
{
    std::vector<WorkCursor> cursors = m_work;
    while (!cursors.empty()) {
        const auto first = std::min_element(cursors.begin(), cursors.end(), [](const auto& a, const auto& b) { return a.isBefore(b); });
        // Work comes in runs of one kind: as long as it starts before what is next of the others, only one cursor has to be looked at.
        TimestampNs others = std::numeric_limits<TimestampNs>::max();
        for (const WorkCursor& cursor : cursors)
            if (&cursor != &*first)
                others = std::min(others, cursor.span().start);
        do {
            place(*first);
            first->next();
        } while (!first->isAtEnd() && first->span().start < others);
        if (first->isAtEnd())
            cursors.erase(first);
    }
}

void GpuRows::arrangeStreams()
{
    eachWork([this](const WorkCursor& work) {
        StreamRows& stream = work.stream();
        stream.all.nestInStream(work.span());
        if (!stream.isMixed)
            return;
        if (work.kind() == EventKind::Memcpy)
            stream.copies[m_trace.memcpys.route[work.row()].ofHost()].nestInStream(work.span());
        else if (work.kind() == EventKind::Memset)
            stream.memsets.nestInStream(work.span());
        else
            stream.kernels.add(work.span());
    });
}

void GpuRows::arrangeContexts()
{
    eachWork([](const WorkCursor& work) {
        if (ContextRows& context = work.context(); context.streams.size() > 1)
            context.all.nest(work.span());
    });
}

void GpuRows::addTo(TrackList& list)
{
    const auto gpuName = [&](const ContextKey& key) {
        for (const GpuInfo& gpu : list.trace().meta.gpus)
            if (gpu.device == key.device && !gpu.name.empty() && (gpu.file == key.file || list.trace().imports.size() == 1)) {
                constexpr std::string_view kVendor = "NVIDIA "; // of every one of them
                const std::string_view name = gpu.name;
                return fmt::format("GPU {} · {}", key.device, name.starts_with(kVendor) ? name.substr(kVendor.size()) : name);
            }
        return fmt::format("GPU {}", key.device);
    };
    TrackId gpu;
    std::optional<std::pair<std::uint32_t, std::uint32_t>> last;     // file and device
    std::vector<std::pair<const ContextKey*, ContextRows*>> unified; // of that device, which its contexts come before
    const auto endDevice = [&] {
        for (const auto& [key, rows] : unified)
            addUnified(list, gpu, *key, *rows);
        unified.clear();
    };
    for (auto& [key, rows] : m_contexts) {
        if (last != std::pair(key.file, key.device)) {
            endDevice();
            gpu = list.addGroup({}, gpuName(key), list.fileName(key.file));
        }
        last = {key.file, key.device};
        if (rows.isUnified) {
            unified.emplace_back(&key, &rows);
            continue;
        }
        const bool isKnown = list.trace().processNames.contains(key.process) || Trace::pidOf(key.process) < importing::kFirstMadeUpId;
        const std::string process = isKnown ? " · " + list.processName(key.process) : std::string();
        addContext(list, list.addGroup(gpu, fmt::format("Context {}{}", key.context, process)), key, rows);
    }
    endDevice();
}

/// One row for what the driver moved for a process, below the GPU.
void GpuRows::addUnified(TrackList& list, TrackId gpu, const ContextKey& key, ContextRows& context)
{
    const bool isKnown = list.trace().processNames.contains(key.process) || Trace::pidOf(key.process) < importing::kFirstMadeUpId;
    for (auto& [stream, rows] : context.streams) {
        Track track;
        track.kind = TrackKind::GpuStream;
        track.parent = gpu;
        track.name = "Unified memory";
        track.detail = isKnown ? list.processName(key.process) : std::string();
        track.device = key.device;
        track.context = key.context;
        track.stream = stream;
        track.rows = rows.all.takeRows();
        list.add(std::move(track));
    }
}

/// The ranges, "All streams", and one row for each stream of a context.
void GpuRows::addContext(TrackList& list, TrackId parent, const ContextKey& key, ContextRows& context)
{
    Track track;
    track.parent = parent;
    track.device = key.device;
    track.context = key.context;
    addRanges(list, track, key.file, context.ranges);
    DurationNs ofContext = 0;
    for (const auto& [stream, rows] : context.streams)
        ofContext += rows.all.busy();
    if (context.streams.size() > 1) {
        Track all = track;
        all.kind = TrackKind::GpuAllStreams;
        all.name = "All streams";
        all.detail = list.busyShare(context.all.busy());
        all.rows = context.all.takeRows();
        list.add(std::move(all));
    }
    for (auto& [stream, rows] : context.streams) {
        track.stream = stream;
        const std::string* name = list.trace().streamName(key.process, key.device, key.context, stream);
        track.name = name ? *name : fmt::format("Stream {}", stream);
        addStream(list, track, key.file, rows, ofContext);
    }
    if (context.syncs.isEmpty())
        return;
    track.kind = TrackKind::GpuSync;
    track.name = "Synchronization";
    track.detail.clear();
    track.stream = 0;
    track.rows = context.syncs.takeRows();
    list.add(std::move(track));
}

void GpuRows::addRanges(TrackList& list, Track track, std::uint32_t file, RowBuilder& ranges)
{
    if (ranges.isEmpty())
        return;
    track.kind = TrackKind::GpuRanges;
    track.name = gpuRangesName(list.trace(), file);
    track.rows = ranges.takeRows();
    list.add(std::move(track));
}

/// A stream with its share of the context's busy time, as Nsight Systems prints it; below it the ranges that launched its work, and its
/// memory operations by direction and memory, each with its share of the stream's.
void GpuRows::addStream(TrackList& list, Track track, std::uint32_t file, StreamRows& rows, DurationNs ofContext)
{
    const DurationNs ofStream = rows.all.busy();
    Track part = track;
    part.kind = TrackKind::GpuMemory;
    track.kind = TrackKind::GpuStream;
    track.detail = percentOf(ofStream, ofContext);
    if (rows.isMixed)
        track.detail += fmt::format(", kernels {:.0f} %",
                                    ofStream > 0 ? 100.0 * static_cast<double>(rows.kernels.busy()) / static_cast<double>(ofStream) : 0.0);
    track.rows = rows.all.takeRows();
    part.parent = list.add(std::move(track));
    addRanges(list, part, file, rows.ranges);
    const auto addPart = [&](std::string name, RowBuilder& from) {
        Track memory = part;
        memory.name = std::move(name);
        memory.detail = percentOf(from.busy(), ofStream);
        memory.rows = from.takeRows();
        list.add(std::move(memory));
    };
    for (auto& [route, copies] : rows.copies)
        addPart(Trace::nameOf(route), copies);
    if (!rows.memsets.isEmpty())
        addPart("Memset", rows.memsets);
}

} // namespace gantry::trace
