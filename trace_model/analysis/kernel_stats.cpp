#include "trace_model/analysis/kernel_stats.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <tuple>
#include <unordered_map>

namespace gantry::analysis {
namespace {

using trace::EventKind;
using trace::Trace;

/// Collects durations under keys that are cheap to compare, and names a key once.
class Groups
{
public:
    Groups(const Trace& trace, std::optional<TimeRange> window) : m_trace(trace), m_window(window) {}

    template <typename Columns, typename Key, typename Name>
    void take(EventKind kind, const Columns& columns, Key keyOf, Name nameOf, const std::vector<std::uint64_t>* bytes = nullptr)
    {
        for (std::size_t row = 0; row < columns.size(); ++row) {
            if (!isInWindow(columns, row))
                continue;
            Group& group = add(keyOf(row), [&] { return nameOf(row); }, trace::EventId(kind, static_cast<std::uint32_t>(row)), columns.end[row] - columns.start[row]);
            if (bytes)
                group.bytes += (*bytes)[row];
        }
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
        const auto& c = m_trace.phases;
        for (std::size_t row = 0; row < c.size(); ++row) {
            if (!isInWindow(c, row))
                continue;
            const trace::EventId event(EventKind::Phase, static_cast<std::uint32_t>(row));
            const DurationNs duration = c.end[row] - c.start[row];
            if (c.phase[row] != records::RequestPhase::Outside) {
                addPhase(c.phase[row], c.request[row], event, duration);
                continue;
            }
            Outside& of = outside[c.request[row].value];
            of.total += duration;
            if (of.longest.isNone() || duration > m_trace.timeOf(of.longest).duration())
                of.longest = event;
        }
        for (const auto& [request, of] : outside)
            addPhase(records::RequestPhase::Outside, trace::RequestIndex(request), of.longest, of.total);
    }

    std::vector<ActivityRow> rows() &&
    {
        std::vector<ActivityRow> rows;
        double total = 0;
        for (auto& [key, group] : m_groups) {
            rows.push_back({std::move(group.name), std::move(group.model), distributionOf(std::move(group.durations)), group.bytes, 0, group.longest});
            total += static_cast<double>(rows.back().duration.total);
        }
        for (ActivityRow& row : rows)
            row.share = total > 0 ? static_cast<double>(row.duration.total) / total : 0.0;
        std::sort(rows.begin(), rows.end(), [](const ActivityRow& a, const ActivityRow& b) {
            return a.duration.total != b.duration.total ? a.duration.total > b.duration.total : std::tie(a.name, a.model) < std::tie(b.name, b.model);
        });
        return rows;
    }

private:
    struct Group
    {
        std::string name, model;
        std::vector<DurationNs> durations;
        std::uint64_t bytes = 0;
        trace::EventId longest;
        DurationNs longestDuration = -1;
    };

    /// An event of no length lies in the window that holds it.
    template <typename Columns>
    bool isInWindow(const Columns& columns, std::size_t row) const
    {
        return !m_window || (columns.start[row] < m_window->end && (columns.end[row] > m_window->start || columns.start[row] >= m_window->start));
    }

    template <typename Name>
    Group& add(std::uint64_t key, Name name, trace::EventId event, DurationNs duration)
    {
        const auto [entry, isNew] = m_groups.try_emplace(key);
        Group& group = entry->second;
        if (isNew)
            group.name = name();
        group.durations.push_back(duration);
        if (duration > group.longestDuration) {
            group.longest = event;
            group.longestDuration = duration;
        }
        return group;
    }

    void addPhase(records::RequestPhase phase, trace::RequestIndex request, trace::EventId event, DurationNs duration)
    {
        const trace::StringId model = m_trace.requests[request.value].model;
        const std::uint64_t key = std::uint64_t{model.value} << 8 | static_cast<std::uint8_t>(phase);
        Group& group = add(key, [&] { return std::string(records::name(phase)); }, event, duration);
        if (group.model.empty())
            group.model = m_trace.strings[model];
    }

    const Trace& m_trace;
    std::optional<TimeRange> m_window;
    std::unordered_map<std::uint64_t, Group> m_groups;
};

} // namespace

std::optional<GroupBy> groupByFromName(std::string_view name)
{
    static constexpr std::pair<std::string_view, GroupBy> kNames[] = {{"kernel", GroupBy::Kernel}, {"memcpy", GroupBy::Memcpy}, {"api", GroupBy::Api},
                                                                      {"nvtx", GroupBy::Nvtx},     {"stream", GroupBy::Stream}, {"phase", GroupBy::Phase}};
    for (const auto& [text, value] : kNames)
        if (text == name)
            return value;
    return {};
}

std::vector<ActivityRow> activityTable(const Trace& trace, GroupBy by, std::optional<TimeRange> window)
{
    Groups groups(trace, window);
    const auto nameOf = [&](EventKind kind) {
        return [&trace, kind](std::size_t row) { return trace.nameOf(trace::EventId(kind, static_cast<std::uint32_t>(row))); };
    };
    switch (by) {
    case GroupBy::Kernel:
        groups.take(EventKind::Kernel, trace.kernels, [&](std::size_t row) { return trace.kernels.shortName[row].value; }, nameOf(EventKind::Kernel));
        break;
    case GroupBy::Memcpy: {
        const auto& c = trace.memcpys;
        groups.take(EventKind::Memcpy, c, [&](std::size_t row) {
            return std::uint64_t{static_cast<std::uint8_t>(c.copyKind[row])} << 16 | std::uint64_t{static_cast<std::uint8_t>(c.sourceKind[row])} << 8
                | static_cast<std::uint8_t>(c.destinationKind[row]);
        }, [&](std::size_t row) { return fmt::format("{} {} to {}", name(c.copyKind[row]), name(c.sourceKind[row]), name(c.destinationKind[row])); }, &c.bytes);
        groups.take(EventKind::Memset, trace.memsets, [](std::size_t) { return std::uint64_t{1} << 32; }, [](std::size_t) { return std::string("memset"); }, &trace.memsets.bytes);
        break;
    }
    case GroupBy::Api:
        groups.take(EventKind::ApiCall, trace.apiCalls, [&](std::size_t row) { return trace.apiCalls.name[row].value; }, nameOf(EventKind::ApiCall));
        break;
    case GroupBy::Nvtx: {
        const auto& c = trace.nvtxRanges;
        groups.take(EventKind::NvtxRange, c, [&](std::size_t row) { return std::uint64_t{c.domain[row].value} << 32 | c.text[row].value; }, [&](std::size_t row) {
            const std::string_view domain = trace.strings[c.domain[row]];
            return (domain.empty() ? std::string() : std::string(domain) + ": ") + std::string(trace.strings[c.text[row]]);
        });
        break;
    }
    case GroupBy::Stream: {
        const auto take = [&](EventKind kind, const auto& c, const std::vector<std::uint64_t>* bytes) {
            groups.take(kind, c, [&](std::size_t row) { return std::uint64_t{c.device[row]} << 52 | std::uint64_t{c.context[row] & 0xFFFFFu} << 32 | c.stream[row]; },
                        [&](std::size_t row) { return fmt::format("GPU {} context {} stream {}", c.device[row], c.context[row], c.stream[row]); }, bytes);
        };
        take(EventKind::Kernel, trace.kernels, nullptr);
        take(EventKind::Memcpy, trace.memcpys, &trace.memcpys.bytes);
        take(EventKind::Memset, trace.memsets, &trace.memsets.bytes);
        break;
    }
    case GroupBy::Phase:
        groups.takePhases();
        break;
    }
    return std::move(groups).rows();
}

} // namespace gantry::analysis
