#include "trace_model/trace/event_search.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <queue>
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

/// One bit for each string of the table: events repeat names, so each name is looked at once.
class NameMatcher
{
public:
    NameMatcher(const StringTable& strings, std::string_view text) :
        m_text(lower(text)),
        m_matches(strings.size())
    {
        for (std::uint32_t i = 0; i < strings.size(); ++i)
            m_matches[i] = matches(strings[StringId(i)]);
    }

    [[nodiscard]] bool operator()(StringId id) const { return id.value < m_matches.size() && m_matches[id.value]; }
    [[nodiscard]] bool matches(std::string_view name) const { return lower(name).find(m_text) != std::string::npos; }
    [[nodiscard]] const std::string& text() const { return m_text; }

private:
    std::string m_text;
    std::vector<bool> m_matches;
};

template <typename Test>
void collect(EventKind kind, std::size_t count, const std::stop_token& stop, std::vector<EventId>& found, Test test)
{
    for (std::uint32_t row = 0; row < count; ++row) {
        if ((row & kStopCheckMask) == 0 && stop.stop_requested())
            return;
        if (test(row))
            found.emplace_back(kind, row);
    }
}

} // namespace

std::vector<EventId> findEvents(const Trace& trace, std::string_view text, const std::stop_token& stop)
{
    std::vector<EventId> found;
    if (text.empty())
        return found;
    const NameMatcher matcher(trace.strings, text);

    collect(EventKind::Kernel, trace.kernels.size(), stop, found,
            [&](std::uint32_t row) { return matcher(trace.kernels.shortName[row]) || matcher(trace.kernels.demangledName[row]); });
    collect(EventKind::ApiCall, trace.apiCalls.size(), stop, found, [&](std::uint32_t row) { return matcher(trace.apiCalls.name[row]); });
    collect(EventKind::NvtxRange, trace.nvtxRanges.size(), stop, found, [&](std::uint32_t row) { return matcher(trace.nvtxRanges.text[row]); });
    collect(EventKind::NvtxMark, trace.nvtxMarks.size(), stop, found, [&](std::uint32_t row) { return matcher(trace.nvtxMarks.text[row]); });

    const MemcpyColumns& copies = trace.memcpys;
    std::map<std::tuple<CopyKind, MemoryKind, MemoryKind>, bool> copyMatches;
    collect(EventKind::Memcpy, copies.size(), stop, found, [&](std::uint32_t row) {
        const auto [entry, isNew] = copyMatches.try_emplace({copies.copyKind[row], copies.sourceKind[row], copies.destinationKind[row]}, false);
        if (isNew)
            entry->second = matcher.matches(trace.nameOf(EventId(EventKind::Memcpy, row)));
        return entry->second;
    });

    collect(EventKind::Memset, trace.memsets.size(), stop, found, [&](std::uint32_t row) { return matcher.matches(trace.nameOf(EventId(EventKind::Memset, row))); });
    collect(EventKind::Synchronization, trace.synchronizations.size(), stop, found,
            [&](std::uint32_t row) { return matcher.matches(name(trace.synchronizations.type[row])); });
    collect(EventKind::Overhead, trace.overheads.size(), stop, found, [&](std::uint32_t row) { return matcher(trace.overheads.name[row]); });

    // A request is found by its first phase: that is where its bar begins.
    std::vector<bool> requestMatches(trace.requests.size());
    for (std::size_t i = 0; i < trace.requests.size(); ++i) {
        const Request& request = trace.requests[i];
        requestMatches[i] = matcher(request.clientId) || std::to_string(request.id) == matcher.text() ||
                            "request " + std::to_string(request.id) == matcher.text();
    }
    collect(EventKind::Phase, trace.phases.size(), stop, found, [&](std::uint32_t row) {
        const std::uint32_t request = trace.phases.request[row].value;
        if (request >= requestMatches.size() || !requestMatches[request])
            return false;
        requestMatches[request] = false;
        return true;
    });

    std::stable_sort(found.begin(), found.end(), [&](EventId a, EventId b) { return trace.timeOf(a).start < trace.timeOf(b).start; });
    return found;
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
