#include "trace_model/trace/event_search.h"

#include "trace_model/base/parallel.h"
#include "trace_model/trace/name_matcher.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace gantry::trace {

namespace {

constexpr std::uint32_t kStopCheckMask = 0xFFFF; // a look at the token each 65 536 events

/// What matches among the strings of a trace.
class StringMatches
{
public:
    StringMatches(const Trace& trace, NameMatcher matcher) : m_matcher(std::move(matcher)), m_matches(m_matcher.matchesOf(trace.strings)) {}

    [[nodiscard]] bool operator()(StringId id) const { return id.value < m_matches.size() && m_matches[id.value] != 0; }
    [[nodiscard]] bool matches(std::string_view name) const { return m_matcher.matches(name); }
    [[nodiscard]] const std::string& text() const { return m_matcher.text(); }

private:
    NameMatcher m_matcher;
    std::vector<std::uint8_t> m_matches; ///< by string
};

using Rows = std::vector<EventId>;

/// Rows whose number in a dictionary matches; `matches(value)` of each value of the dictionary.
template <typename V, typename Matches>
Rows rowsOf(EventKind kind, const Column<std::uint32_t>& numbers, const Dictionary<V>& values, const std::stop_token& stop, Matches matches)
{
    std::vector<std::uint8_t> isMatch(values.size() + 1); // the last: of numbers that there are none of
    bool any = false;
    for (std::uint32_t number = 0; number < values.size(); ++number)
        any |= (isMatch[number] = matches(values[number])) != 0;
    Rows rows;
    if (!any)
        return rows;
    const auto last = static_cast<std::uint32_t>(values.size());
    std::size_t found = 0; // written without a branch: matches come in no order that could be guessed
    for (std::uint32_t row = 0; row < numbers.size(); ++row) {
        if ((row & kStopCheckMask) == 0) {
            if (stop.stop_requested())
                break;
            rows.resize(found + kStopCheckMask + 1);
        }
        rows[found] = EventId(kind, row);
        found += isMatch[std::min(numbers[row], last)];
    }
    rows.resize(found);
    return rows;
}

template <typename Test>
Rows rowsThat(EventKind kind, std::size_t count, const std::stop_token& stop, Test test)
{
    Rows rows;
    for (std::uint32_t row = 0; row < count; ++row) {
        if ((row & kStopCheckMask) == 0 && stop.stop_requested())
            break;
        if (test(row))
            rows.emplace_back(kind, row);
    }
    return rows;
}

/// A request is found by its first phase: that is where its bar begins.
Rows requestRows(const Trace& trace, const StringMatches& matcher, const std::stop_token& stop)
{
    std::vector<bool> wanted(trace.requests.size());
    for (std::size_t i = 0; i < trace.requests.size(); ++i) {
        const Request& request = trace.requests[i];
        wanted[i] = matcher(request.clientId) || std::to_string(request.id) == matcher.text() ||
                    "request " + std::to_string(request.id) == matcher.text();
    }
    return rowsThat(EventKind::Phase, trace.phases.size(), stop, [&](std::uint32_t row) {
        const std::uint32_t request = trace.phases.request[row].value;
        if (request >= wanted.size() || !wanted[request])
            return false;
        wanted[request] = false;
        return true;
    });
}

Rows copyRows(const Trace& trace, const StringMatches& matcher, const std::stop_token& stop)
{
    std::map<CopyRoute, bool> known;
    return rowsThat(EventKind::Memcpy, trace.memcpys.size(), stop, [&](std::uint32_t row) {
        const auto [entry, isNew] = known.try_emplace(trace.memcpys.route[row], false);
        if (isNew)
            entry->second = matcher.matches(Trace::nameOf(entry->first));
        return entry->second;
    });
}

} // namespace

std::vector<EventId> mergedByStart(const Trace& trace, std::vector<std::vector<EventId>> lists)
{
    std::erase_if(lists, [](const Rows& rows) { return rows.empty(); });
    const auto isBefore = [&](EventId a, EventId b) {
        const TimestampNs startA = trace.columns(a.kind()).start[a.row()], startB = trace.columns(b.kind()).start[b.row()];
        return startA != startB ? startA < startB : a < b;
    };
    while (lists.size() > 1) {
        std::sort(lists.begin(), lists.end(), [](const Rows& a, const Rows& b) { return a.size() > b.size(); });
        const Rows shorter = std::move(lists.back()), longer = std::move(lists[lists.size() - 2]);
        lists.resize(lists.size() - 2);
        Rows both(shorter.size() + longer.size());
        std::merge(longer.begin(), longer.end(), shorter.begin(), shorter.end(), both.begin(), isBefore);
        lists.push_back(std::move(both));
    }
    return lists.empty() ? Rows() : std::move(lists.front());
}

Result<std::vector<EventId>> findEvents(const Trace& trace, const NameQuery& query, const std::stop_token& stop)
{
    if (query.text.empty())
        return std::vector<EventId>();
    GANTRY_TRY(NameMatcher byName, NameMatcher::create(query));
    const StringMatches matcher(trace, std::move(byName));
    std::vector<Rows> found(kEventKindCount);
    const auto at = [&](EventKind kind) -> Rows& { return found[static_cast<std::size_t>(kind)]; };
    const auto calls = [&](EventKind kind, const CallColumns& c) {
        at(kind) = rowsOf(kind, c.calleeNumber, c.callees, stop, [&](const Callee& callee) { return matcher(callee.name); });
    };
    const auto labels = [&](EventKind kind, const NvtxColumns& c) {
        at(kind) = rowsOf(kind, c.labelNumber, c.labels, stop, [&](const NvtxLabel& label) { return matcher(label.text); });
    };
    const auto texts = [&](EventKind kind, const Column<StringId>& names) {
        at(kind) = rowsThat(kind, names.size(), stop, [&](std::uint32_t row) { return matcher(names[row]); });
    };
    inParallel({
        [&] {
            at(EventKind::Kernel) = rowsOf(EventKind::Kernel, trace.kernels.nameNumber, trace.kernels.names, stop,
                                           [&](const KernelName& name) { return matcher(name.shortName) || matcher(name.demangledName); });
        },
        [&] { calls(EventKind::ApiCall, trace.apiCalls); },
        [&] { labels(EventKind::NvtxRange, trace.nvtxRanges); },
        [&] { labels(EventKind::NvtxMark, trace.nvtxMarks); },
        [&] { calls(EventKind::LibraryCall, trace.libraryCalls); },
        [&] { calls(EventKind::OsCall, trace.osCalls); },
        [&] { at(EventKind::Memcpy) = copyRows(trace, matcher, stop); },
        [&] {
            at(EventKind::Memset) = rowsThat(EventKind::Memset, trace.memsets.size(), stop, [&](std::uint32_t row) {
                return matcher.matches(trace.nameOf(EventId(EventKind::Memset, row)));
            });
        },
        [&] {
            at(EventKind::Synchronization) =
                rowsThat(EventKind::Synchronization, trace.synchronizations.size(), stop,
                         [&](std::uint32_t row) { return matcher.matches(name(trace.synchronizations.type[row])); });
        },
        [&] {
            at(EventKind::GraphLaunch) = rowsThat(EventKind::GraphLaunch, trace.graphLaunches.size(), stop, [&](std::uint32_t row) {
                return matcher.matches(trace.nameOf(EventId(EventKind::GraphLaunch, row)));
            });
        },
        [&] {
            texts(EventKind::GpuRange, trace.gpuRanges.text);
            std::erase_if(at(EventKind::GpuRange), [&](EventId event) { return trace.gpuRanges.isProjected(event.row()); });
        },
        [&] { texts(EventKind::Overhead, trace.overheads.name); },
        [&] { at(EventKind::Phase) = requestRows(trace, matcher, stop); },
    });
    return mergedByStart(trace, std::move(found));
}

} // namespace gantry::trace
