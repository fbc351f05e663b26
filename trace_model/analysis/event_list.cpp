#include "trace_model/analysis/event_list.h"

#include "trace_model/analysis/filtered_events.h"
#include "trace_model/base/parallel.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <numeric>
#include <optional>
#include <utility>

namespace gantry::analysis {
namespace {

using trace::EventId;
using trace::EventKind;
using trace::Trace;
using trace::TrackId;

constexpr std::size_t kPart = 1 << 18; // events that are put in order at a time: often enough to look at the token

/// Whether a row is drawn on one of some tracks, of each kind.
using Marks = std::array<std::vector<bool>, trace::kEventKindCount>;

/// Events of one kind in order of start: rows of a list, or all of a stretch.
struct Run
{
    EventKind kind{};
    const trace::EventColumns* columns = nullptr;
    std::vector<std::uint32_t> rows; ///< empty: from `first` on
    std::uint32_t first = 0;
    std::size_t count = 0;

    [[nodiscard]] std::uint32_t row(std::size_t i) const { return rows.empty() ? first + static_cast<std::uint32_t>(i) : rows[i]; }
    [[nodiscard]] TimestampNs start(std::size_t i) const { return columns->start[row(i)]; }
    /// Of the first event at `time` or later.
    [[nodiscard]] std::size_t indexOf(TimestampNs time) const
    {
        std::size_t from = 0, to = count;
        while (from < to) {
            const std::size_t middle = from + (to - from) / 2;
            if (start(middle) < time)
                from = middle + 1;
            else
                to = middle;
        }
        return from;
    }
};

/// How far a run has been read.
struct Cursor
{
    const Run* run;
    std::size_t at, end;
    TimestampNs start;

    [[nodiscard]] EventId event() const { return {run->kind, run->row(at)}; }
    [[nodiscard]] bool isBefore(const Cursor& other) const { return start != other.start ? start < other.start : event() < other.event(); }
};

std::vector<bool> withDescendants(const Trace& trace, const std::vector<TrackId>& tracks)
{
    std::vector<bool> isWanted(trace.tracks.size());
    for (const TrackId track : tracks)
        if (track.value < isWanted.size())
            isWanted[track.value] = true;
    for (std::size_t i = 0; i < trace.tracks.size(); ++i) // parents come first
        if (const TrackId parent = trace.tracks[i].parent; !parent.isNone() && isWanted[parent.value])
            isWanted[i] = true;
    return isWanted;
}

/// May mark events beside the window, too.
Marks markedOn(const Trace& trace, const std::vector<TrackId>& tracks, TimeRange window, const std::stop_token& stop)
{
    Marks marks;
    for (std::size_t k = 0; k < marks.size(); ++k)
        marks[k].resize(trace.columns(static_cast<EventKind>(k)).size());
    const std::vector<bool> isWanted = withDescendants(trace, tracks);
    for (std::size_t i = 0; i < trace.tracks.size() && !stop.stop_requested(); ++i) {
        // What was projected is listed for its own row alone.
        const bool isItself = std::find(tracks.begin(), tracks.end(), TrackId(static_cast<std::uint32_t>(i))) != tracks.end();
        const bool isProjection = trace.tracks[i].kind == trace::TrackKind::GpuRanges;
        if (!isWanted[i])
            continue;
        for (const trace::DepthRow& row : trace.tracks[i].rows) {
            const auto& starts = row.blockStart;
            const auto before = std::lower_bound(starts.begin(), starts.end(), window.start) - starts.begin();
            const auto after = std::lower_bound(starts.begin(), starts.end(), window.end) - starts.begin();
            const std::size_t first = static_cast<std::size_t>(std::max<std::ptrdiff_t>(before - 1, 0)) * trace::DepthRow::kBlock;
            const std::size_t end = std::min(row.size(), static_cast<std::size_t>(after) * trace::DepthRow::kBlock);
            for (std::size_t span = first; span < end; ++span)
                if (isItself || !isProjection || !trace.gpuRanges.isProjected(row.event[span].row()))
                    marks[static_cast<std::size_t>(row.event[span].kind())][row.event[span].row()] = true;
        }
    }
    return marks;
}

void add(std::vector<Run>& runs, const Trace& trace, EventKind kind, std::vector<std::uint32_t> rows)
{
    const std::size_t count = rows.size();
    if (count > 0)
        runs.push_back({kind, &trace.columns(kind), std::move(rows), 0, count});
}

Result<std::vector<Run>> runsOf(const Trace& trace, const EventScope& scope, const std::stop_token& stop)
{
    std::optional<Marks> marks;
    if (!scope.tracks.empty())
        marks = markedOn(trace, scope.tracks, scope.window, stop);
    std::vector<Run> runs;
    if (!scope.filter.terms.empty()) {
        GANTRY_TRY(RowsByKind rows, filteredRows(trace, scope.filter, scope.window, stop, marks ? Projected::Taken : Projected::LeftOut));
        for (std::size_t k = 0; k < rows.size(); ++k) {
            if (marks)
                std::erase_if(rows[k], [&isMarked = (*marks)[k]](std::uint32_t row) { return !isMarked[row]; });
            add(runs, trace, static_cast<EventKind>(k), std::move(rows[k]));
        }
        return runs;
    }
    for (std::size_t k = 0; k < static_cast<std::size_t>(trace::kEventKindCount); ++k) {
        const auto kind = static_cast<EventKind>(k);
        trace::RowSelection selected = trace::rowsIn(trace.columns(kind), scope.window);
        if (marks) {
            std::vector<std::uint32_t> rows;
            for (std::size_t i = 0; i < selected.size(); ++i)
                if ((*marks)[k][selected[i]])
                    rows.push_back(selected[i]);
            add(runs, trace, kind, std::move(rows));
            continue;
        }
        if (kind == EventKind::GpuRange) {
            std::vector<std::uint32_t> rows;
            for (std::size_t i = 0; i < selected.size(); ++i)
                if (!trace.gpuRanges.isProjected(selected[i]))
                    rows.push_back(selected[i]);
            add(runs, trace, kind, std::move(rows));
            continue;
        }
        add(runs, trace, kind, std::move(selected.early));
        if (selected.end > selected.first)
            runs.push_back({kind, &trace.columns(kind), {}, selected.first, selected.end - selected.first});
    }
    return runs;
}

/// Puts what lies between the cursors' places and ends in order.
void merge(std::vector<Cursor> cursors, EventId* to)
{
    std::erase_if(cursors, [](const Cursor& cursor) { return cursor.at == cursor.end; });
    const auto byStart = [](const Cursor& a, const Cursor& b) { return a.isBefore(b); };
    std::sort(cursors.begin(), cursors.end(), byStart);
    while (!cursors.empty()) {
        // As far as the first of them is before all others: kinds come in stretches.
        Cursor& first = cursors.front();
        do {
            *to++ = first.event();
            if (++first.at < first.end)
                first.start = first.run->start(first.at);
        } while (first.at < first.end && (cursors.size() == 1 || first.isBefore(cursors[1])));
        if (first.at == first.end) {
            cursors.erase(cursors.begin());
            continue;
        }
        for (std::size_t i = 1; i < cursors.size() && cursors[i].isBefore(cursors[i - 1]); ++i)
            std::swap(cursors[i], cursors[i - 1]);
    }
}

} // namespace

Result<std::vector<EventId>> listEvents(const Trace& trace, const EventScope& scope, const ListProgress& progress,
                                        const std::stop_token& stop)
{
    GANTRY_TRY(const std::vector<Run> runs, runsOf(trace, scope, stop));
    if (runs.empty() || stop.stop_requested())
        return std::vector<EventId>();
    const auto total =
        std::accumulate(runs.begin(), runs.end(), std::size_t{0}, [](std::size_t sum, const Run& run) { return sum + run.count; });
    const Run& longest = *std::max_element(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.count < b.count; });
    std::vector<EventId> events(total);
    const std::size_t parts = total / kPart + 1;
    std::vector<std::size_t> from(runs.size());
    std::vector<std::function<void()>> tasks;
    std::atomic<std::size_t> done = 0;
    for (std::size_t part = 0; part < parts; ++part) {
        // Parts are of times: which events start before one does not depend on the others.
        std::vector<Cursor> cursors;
        std::size_t begin = 0;
        for (std::size_t i = 0; i < runs.size(); ++i) {
            const bool isLast = part + 1 == parts;
            const std::size_t to = isLast ? runs[i].count : runs[i].indexOf(longest.start(longest.count * (part + 1) / parts));
            begin += from[i];
            if (from[i] < to)
                cursors.push_back({&runs[i], from[i], to, runs[i].start(from[i])});
            from[i] = to;
        }
        tasks.emplace_back([cursors = std::move(cursors), to = events.data() + begin, parts, &done, &progress, &stop]() mutable {
            if (stop.stop_requested())
                return;
            merge(std::move(cursors), to);
            if (progress)
                progress(static_cast<double>(++done) / static_cast<double>(parts));
        });
    }
    inParallel(std::move(tasks));
    if (stop.stop_requested())
        events.clear();
    return events;
}

} // namespace gantry::analysis
