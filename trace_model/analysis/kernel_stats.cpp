#include "trace_model/analysis/kernel_stats.h"

#include "trace_model/analysis/grouped_durations.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <tuple>

namespace gantry::analysis {
namespace {

using trace::EventKind;
using trace::Trace;

/// The rows of a table, as groups of events come in.
class Table
{
public:
    Table(const Trace& trace, std::optional<TimeRange> window, const RowsByKind* only = nullptr)
        : m_trace(trace), m_window(window.value_or(kAlways)), m_only(only)
    {
    }

    /// Events in groups of equal names: `nameOf(number)` of what `numbers` are the numbers of, of which there are `count`.
    template <typename Name>
    void take(EventKind kind, const trace::Column<std::uint32_t>& numbers, std::size_t count, Name nameOf, std::span<const std::uint64_t> bytes = {})
    {
        std::map<std::string, std::uint32_t> groups;
        std::vector<std::uint32_t> groupOf(count);
        for (std::uint32_t number = 0; number < count; ++number)
            groupOf[number] = groups.try_emplace(nameOf(number), static_cast<std::uint32_t>(groups.size())).first->second;
        const trace::EventColumns& columns = m_trace.columns(kind);
        const trace::RowSelection selected = rowsOf(kind);
        const std::vector<DurationGroup> sums = groupDurations(columns, selected, numbers, groupOf, groups.size(), bytes);
        for (const auto& [name, group] : groups)
            add(name, {}, sums[group].duration, sums[group].bytes, trace::EventId(kind, sums[group].longestRow), sums[group].histogram);
    }

    /// Events of few rows in groups that `keyOf(row)` names.
    template <typename Key, typename Name>
    void takeEach(EventKind kind, Key keyOf, Name nameOf, std::span<const std::uint64_t> bytes = {})
    {
        using KeyType = decltype(keyOf(std::uint32_t{}));
        std::map<KeyType, std::uint32_t> keys;
        const trace::EventColumns& columns = m_trace.columns(kind);
        trace::Column<std::uint32_t> numbers;
        numbers.reserve(columns.size());
        for (std::uint32_t row = 0; row < columns.size(); ++row)
            numbers.push_back(keys.try_emplace(keyOf(row), static_cast<std::uint32_t>(keys.size())).first->second);
        std::vector<KeyType> byNumber(keys.size());
        for (const auto& [key, number] : keys)
            byNumber[number] = key;
        take(kind, numbers, keys.size(), [&](std::uint32_t number) { return nameOf(byNumber[number]); }, bytes);
    }

    /// The phases of requests, by model; what a request spends outside its phases is one duration, however many pieces it has.
    void takePhases()
    {
        struct Outside
        {
            DurationNs total = 0;
            trace::EventId longest;
        };
        std::map<std::uint32_t, Outside> outside; // by request
        const trace::RowSelection rows = rowsOf(EventKind::Phase);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::uint32_t row = rows[i];
            const trace::EventId event(EventKind::Phase, row);
            const DurationNs duration = m_trace.phases.duration(row);
            if (m_trace.phases.phase[row] != records::RequestPhase::Outside) {
                addPhase(m_trace.phases.phase[row], m_trace.phases.request[row], event, duration);
                continue;
            }
            Outside& of = outside[m_trace.phases.request[row].value];
            of.total += duration;
            if (of.longest.isNone() || duration > m_trace.timeOf(of.longest).duration())
                of.longest = event;
        }
        for (const auto& [request, of] : outside)
            addPhase(records::RequestPhase::Outside, trace::RequestIndex(request), of.longest, of.total);
        for (auto& [key, group] : m_phases)
            addEach(std::string(records::name(key.second)), std::string(m_trace.strings[key.first]), group.durations, 0, group.longest);
    }

    /// Kernels, memcpys, memsets and whole graphs of each stream together.
    void takeStreams()
    {
        std::map<StreamKey, Stream> streams;
        const auto takeKind = [&](EventKind kind, const trace::GpuEventColumns& columns, const trace::Column<std::uint64_t>* bytes) {
            std::vector<Stream*> streamOf; // by place
            for (const trace::GpuPlace& place : columns.places.values())
                streamOf.push_back(&streams[{place, false}]);
            const trace::RowSelection rows = rowsOf(kind);
            for (std::size_t i = 0; i < rows.size(); ++i) {
                const std::uint32_t row = rows[i];
                const bool isUnified =
                    kind == EventKind::Memcpy && columns.place(row).context == 0 && isUnifiedMemory(m_trace.memcpys.route[row].kind);
                Stream& stream = isUnified ? streams[unifiedMemoryOf(columns.place(row))] : *streamOf[columns.placeNumber[row]];
                const DurationNs duration = columns.duration(row);
                stream.durations.push_back(duration);
                stream.bytes += bytes ? (*bytes)[row] : 0;
                if (duration > stream.longestDuration) {
                    stream.longest = trace::EventId(kind, row);
                    stream.longestDuration = duration;
                }
            }
        };
        takeKind(EventKind::Kernel, m_trace.kernels, nullptr);
        takeKind(EventKind::Memcpy, m_trace.memcpys, &m_trace.memcpys.bytes);
        takeKind(EventKind::Memset, m_trace.memsets, &m_trace.memsets.bytes);
        takeKind(EventKind::GraphLaunch, m_trace.graphLaunches, nullptr);
        std::erase_if(streams, [](const auto& entry) { return entry.second.durations.empty(); });
        const std::vector<std::string> titles = titlesOf(streams);
        std::size_t number = 0;
        for (const auto& [key, stream] : streams)
            addEach(titles[number++], {}, stream.durations, stream.bytes, stream.longest);
    }

    std::vector<ActivityRow> rows() &&
    {
        double total = 0;
        for (const ActivityRow& row : m_rows)
            total += static_cast<double>(row.duration.total);
        for (ActivityRow& row : m_rows)
            row.share = total > 0 ? static_cast<double>(row.duration.total) / total : 0.0;
        std::sort(m_rows.begin(), m_rows.end(), [](const ActivityRow& a, const ActivityRow& b) {
            return a.duration.total != b.duration.total ? a.duration.total > b.duration.total : std::tie(a.name, a.model) < std::tie(b.name, b.model);
        });
        return std::move(m_rows);
    }

private:
    struct PhaseGroup
    {
        std::vector<DurationNs> durations;
        trace::EventId longest;
        DurationNs longestDuration = -1;
    };

    /// What makes a stream one; streams of several processes may have the same numbers and names.
    struct StreamKey
    {
        trace::GpuPlace place;
        bool isUnifiedMemory = false; ///< the migrations of a device, which run on no stream
        auto operator<=>(const StreamKey&) const = default;
    };
    struct Stream
    {
        std::vector<DurationNs> durations;
        std::uint64_t bytes = 0;
        trace::EventId longest;
        DurationNs longestDuration = -1;
    };

    static StreamKey unifiedMemoryOf(const trace::GpuPlace& place) { return {{place.globalPid, place.device, 0, 0, 0}, true}; }

    /// With the name that the program gave it, if it did. `detail`: 1 adds the number to a name, 2 the process too, 3 its file.
    std::string streamTitle(const StreamKey& key, int detail) const
    {
        const trace::GpuPlace& place = key.place;
        std::string process = detail < 2 ? "" : fmt::format(" · process {}", Trace::pidOf(place.globalPid));
        if (detail > 2)
            process += fmt::format(" of file {}", Trace::fileOf(place.globalPid) + 1);
        if (key.isUnifiedMemory)
            return fmt::format("GPU {} unified memory{}", place.device, process);
        const std::string* name = m_trace.streamName(place.globalPid, place.device, place.context, place.stream);
        if (!name || name->starts_with("Stream "))
            return fmt::format("GPU {} context {} stream {}{}", place.device, place.context, place.stream, process);
        const std::string number = detail < 1 ? "" : fmt::format(" · stream {}", place.stream);
        return fmt::format("GPU {} context {} · {}{}{}", place.device, place.context, *name, number, process);
    }

    /// As short as tells them apart, in their order.
    std::vector<std::string> titlesOf(const std::map<StreamKey, Stream>& streams) const
    {
        std::vector<std::string> titles(streams.size());
        for (int detail = 0; detail <= 3; ++detail) {
            std::map<std::string, int> uses;
            for (const std::string& title : titles)
                ++uses[title];
            std::size_t number = 0;
            for (const auto& [key, stream] : streams) {
                if (uses[titles[number]] > 1 || detail == 0)
                    titles[number] = streamTitle(key, detail);
                ++number;
            }
        }
        return titles;
    }

    [[nodiscard]] trace::RowSelection rowsOf(EventKind kind) const
    {
        if (m_only)
            return {(*m_only)[static_cast<std::size_t>(kind)], 0, 0};
        return trace::rowsIn(m_trace.columns(kind), m_window);
    }

    void add(std::string name, std::string model, const Distribution& duration, std::uint64_t bytes, trace::EventId longest, const DurationHistogram& histogram)
    {
        if (duration.count > 0)
            m_rows.push_back({std::move(name), std::move(model), duration, bytes, 0, longest, histogram});
    }

    void addEach(std::string name, std::string model, std::span<const DurationNs> durations, std::uint64_t bytes, trace::EventId longest)
    {
        const Distribution duration = distributionOfMany(durations);
        add(std::move(name), std::move(model), duration, bytes, longest, durationHistogram(durations, {duration.min, duration.max}));
    }

    void addPhase(records::RequestPhase phase, trace::RequestIndex request, trace::EventId event, DurationNs duration)
    {
        PhaseGroup& group = m_phases[{m_trace.requests[request.value].model, phase}];
        group.durations.push_back(duration);
        if (duration > group.longestDuration) {
            group.longest = event;
            group.longestDuration = duration;
        }
    }

    const Trace& m_trace;
    TimeRange m_window;
    const RowsByKind* m_only;
    std::vector<ActivityRow> m_rows;
    std::map<std::pair<trace::StringId, records::RequestPhase>, PhaseGroup> m_phases;
};

} // namespace

std::optional<GroupBy> groupByFromName(std::string_view name)
{
    static constexpr std::pair<std::string_view, GroupBy> kNames[] = {{"kernel", GroupBy::Kernel}, {"memcpy", GroupBy::Memcpy}, {"api", GroupBy::Api},
                                                                      {"nvtx", GroupBy::Nvtx},     {"stream", GroupBy::Stream}, {"phase", GroupBy::Phase},
                                                                      {"library", GroupBy::Library}, {"os", GroupBy::Os},
                                                                      {"synchronization", GroupBy::Synchronization}};
    for (const auto& [text, value] : kNames)
        if (text == name)
            return value;
    return {};
}

std::vector<ActivityRow> graphTable(const Trace& trace, std::optional<TimeRange> window)
{
    Table table(trace, window);
    table.takeEach(
        EventKind::GraphLaunch, [&](std::uint32_t row) { return trace.graphLaunches.graph[row]; },
        [](std::uint32_t graph) { return fmt::format("graph {}", graph); });
    return std::move(table).rows();
}

std::vector<ActivityRow> activityTable(const Trace& trace, GroupBy by, std::optional<TimeRange> window, KernelNames names,
                                       const RowsByKind* only)
{
    Table table(trace, window, only);
    const auto text = [&](trace::StringId id) { return std::string(trace.strings[id]); };
    const auto takeCalls = [&](EventKind kind, const trace::CallColumns& c) {
        table.take(kind, c.calleeNumber, c.callees.size(), [&](std::uint32_t number) { return text(c.callees[number].name); });
    };
    switch (by) {
    case GroupBy::Kernel:
        table.take(EventKind::Kernel, trace.kernels.nameNumber, trace.kernels.names.size(), [&](std::uint32_t number) {
            const auto& name = trace.kernels.names[number];
            return text(names == KernelNames::Full && !name.demangledName.isNone() ? name.demangledName : name.shortName);
        });
        break;
    case GroupBy::Memcpy:
        table.takeEach(EventKind::Memcpy, [&](std::uint32_t row) { return trace.memcpys.route[row]; },
                       [](const trace::CopyRoute& route) { return fmt::format("{} {} to {}", name(route.kind), name(route.source), name(route.destination)); },
                       std::span(trace.memcpys.bytes.data(), trace.memcpys.size()));
        table.takeEach(EventKind::Memset, [](std::uint32_t) { return 0; }, [](int) { return std::string("memset"); },
                       std::span(trace.memsets.bytes.data(), trace.memsets.size()));
        break;
    case GroupBy::Api: takeCalls(EventKind::ApiCall, trace.apiCalls); break;
    case GroupBy::Library: takeCalls(EventKind::LibraryCall, trace.libraryCalls); break;
    case GroupBy::Os: takeCalls(EventKind::OsCall, trace.osCalls); break;
    case GroupBy::Nvtx:
        table.take(EventKind::NvtxRange, trace.nvtxRanges.labelNumber, trace.nvtxRanges.labels.size(), [&](std::uint32_t number) {
            const trace::NvtxLabel& label = trace.nvtxRanges.labels[number];
            const std::string domain = text(label.domain);
            return (domain.empty() ? std::string() : domain + ": ") + text(label.text);
        });
        break;
    case GroupBy::Stream: table.takeStreams(); break;
    case GroupBy::Phase: table.takePhases(); break;
    case GroupBy::Synchronization:
        table.takeEach(
            EventKind::Synchronization, [&](std::uint32_t row) { return trace.synchronizations.type[row]; },
            [](trace::SyncType type) { return std::string(name(type)); });
        break;
    }
    return std::move(table).rows();
}

} // namespace gantry::analysis
