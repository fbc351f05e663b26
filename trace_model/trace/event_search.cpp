#include "trace_model/trace/event_search.h"

#include "trace_model/base/parallel.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <re2/re2.h>
#include <string>
#include <tuple>
#include <vector>

namespace gantry::trace {

namespace {

constexpr std::uint32_t kStopCheckMask = 0xFFFF; // a look at the token each 65 536 events

std::string lower(std::string_view text)
{
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

/// Tells whether a name matches. Events repeat names, so each name is looked at once.
class NameMatcher
{
public:
    static Result<NameMatcher> create(const Trace& trace, const NameQuery& query)
    {
        NameMatcher matcher(query);
        if (query.match == NameMatch::Regex) {
            RE2::Options options;
            options.set_case_sensitive(false);
            options.set_log_errors(false);
            matcher.m_regex = std::make_unique<RE2>(query.text, options);
            if (!matcher.m_regex->ok())
                return Error{ErrorCode::BadInput, "no regular expression: " + matcher.m_regex->error(), {}};
        }
        matcher.m_matches.resize(trace.strings.size());
        for (std::uint32_t i = 0; i < trace.strings.size(); ++i)
            matcher.m_matches[i] = matcher.matches(trace.strings[StringId(i)]);
        return matcher;
    }

    [[nodiscard]] bool operator()(StringId id) const { return id.value < m_matches.size() && m_matches[id.value] != 0; }
    [[nodiscard]] bool matches(std::string_view name) const
    {
        switch (m_match) {
        case NameMatch::Regex: return RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *m_regex);
        case NameMatch::Fuzzy: {
            std::size_t wanted = 0;
            for (std::size_t i = 0; i < name.size() && wanted < m_text.size(); ++i)
                wanted += std::tolower(static_cast<unsigned char>(name[i])) == static_cast<unsigned char>(m_text[wanted]);
            return wanted == m_text.size();
        }
        case NameMatch::Substring: break;
        }
        return lower(name).find(m_text) != std::string::npos;
    }
    [[nodiscard]] const std::string& text() const { return m_text; }

private:
    explicit NameMatcher(const NameQuery& query) : m_text(lower(query.text)), m_match(query.match) {}

    std::string m_text;
    NameMatch m_match;
    std::unique_ptr<RE2> m_regex;
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
Rows requestRows(const Trace& trace, const NameMatcher& matcher, const std::stop_token& stop)
{
    std::vector<bool> wanted(trace.requests.size());
    for (std::size_t i = 0; i < trace.requests.size(); ++i) {
        const Request& request = trace.requests[i];
        wanted[i] = matcher(request.clientId) || std::to_string(request.id) == matcher.text() || "request " + std::to_string(request.id) == matcher.text();
    }
    return rowsThat(EventKind::Phase, trace.phases.size(), stop, [&](std::uint32_t row) {
        const std::uint32_t request = trace.phases.request[row].value;
        if (request >= wanted.size() || !wanted[request])
            return false;
        wanted[request] = false;
        return true;
    });
}

Rows copyRows(const Trace& trace, const NameMatcher& matcher, const std::stop_token& stop)
{
    std::map<CopyRoute, bool> known;
    return rowsThat(EventKind::Memcpy, trace.memcpys.size(), stop, [&](std::uint32_t row) {
        const auto [entry, isNew] = known.try_emplace(trace.memcpys.route[row], false);
        if (isNew)
            entry->second = matcher.matches(Trace::nameOf(entry->first));
        return entry->second;
    });
}

/// Merges lists that are each in order of start, two at a time.
Rows merged(const Trace& trace, std::vector<Rows> lists)
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

} // namespace

NameQuery parseNameQuery(std::string_view typed)
{
    if (typed.size() > 2 && typed.front() == '/' && typed.back() == '/')
        return {std::string(typed.substr(1, typed.size() - 2)), NameMatch::Regex};
    if (typed.size() > 1 && typed.front() == '~')
        return {std::string(typed.substr(1)), NameMatch::Fuzzy};
    return {std::string(typed), NameMatch::Substring};
}

Result<std::vector<EventId>> findEvents(const Trace& trace, const NameQuery& query, const std::stop_token& stop)
{
    if (query.text.empty())
        return std::vector<EventId>();
    GANTRY_TRY(const NameMatcher matcher, NameMatcher::create(trace, query));
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
            at(EventKind::Memset) = rowsThat(EventKind::Memset, trace.memsets.size(), stop,
                                             [&](std::uint32_t row) { return matcher.matches(trace.nameOf(EventId(EventKind::Memset, row))); });
        },
        [&] {
            at(EventKind::Synchronization) = rowsThat(EventKind::Synchronization, trace.synchronizations.size(), stop,
                                                      [&](std::uint32_t row) { return matcher.matches(name(trace.synchronizations.type[row])); });
        },
        [&] {
            at(EventKind::GraphLaunch) = rowsThat(EventKind::GraphLaunch, trace.graphLaunches.size(), stop,
                                                  [&](std::uint32_t row) { return matcher.matches(trace.nameOf(EventId(EventKind::GraphLaunch, row))); });
        },
        [&] { texts(EventKind::GpuRange, trace.gpuRanges.text); },
        [&] { texts(EventKind::Overhead, trace.overheads.name); },
        [&] { at(EventKind::Phase) = requestRows(trace, matcher, stop); },
    });
    return merged(trace, std::move(found));
}

EventList eventsIn(const Trace& trace, TimeRange range, std::size_t limit, const std::stop_token& stop)
{
    struct Cursor
    {
        TimestampNs start;
        EventKind kind;
        std::uint32_t row, end;
        bool operator>(const Cursor& other) const { return std::tie(start, kind) > std::tie(other.start, other.kind); }
    };
    // A merge of the kinds, each sorted already: costs the limit, not the number of events.
    std::priority_queue<Cursor, std::vector<Cursor>, std::greater<>> next;
    EventList list;
    for (int k = 0; k < kEventKindCount; ++k) {
        const auto kind = static_cast<EventKind>(k);
        const EventColumns& columns = trace.columns(kind);
        const auto first = std::lower_bound(columns.start.begin(), columns.start.end(), range.start) - columns.start.begin();
        const auto end = std::lower_bound(columns.start.begin(), columns.start.end(), range.end) - columns.start.begin();
        if (first >= end)
            continue;
        list.total += static_cast<std::size_t>(end - first);
        next.push({columns.start[static_cast<std::size_t>(first)], kind, static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(end)});
    }
    list.events.reserve(std::min(limit, list.total));
    while (!next.empty() && list.events.size() < limit && !stop.stop_requested()) {
        Cursor cursor = next.top();
        next.pop();
        list.events.emplace_back(cursor.kind, cursor.row);
        if (++cursor.row < cursor.end) {
            cursor.start = trace.columns(cursor.kind).start[cursor.row];
            next.push(cursor);
        }
    }
    return list;
}

} // namespace gantry::trace
