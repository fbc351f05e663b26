#include "trace_model/trace/visible_spans.h"

#include "trace_model/trace/counter_levels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace gantry::trace {
namespace {

constexpr std::size_t kBlock = DepthRow::kBlock;

/// First index at or after `from` with values[i] >= time; gallops, so that near hits are cheap.
std::size_t firstFrom(const Column<TimestampNs>& values, std::size_t from, TimestampNs time)
{
    std::size_t low = from, step = 1;
    while (low + step < values.size() && values[low + step] < time) {
        low += step;
        step *= 2;
    }
    const std::size_t end = std::min(values.size(), low + step);
    return static_cast<std::size_t>(std::lower_bound(values.begin() + low, values.begin() + end, time) - values.begin());
}

/// The columns of all kinds, to find an event's times without asking for its kind each time.
class EventTimes
{
public:
    explicit EventTimes(const Trace& trace)
    {
        for (int kind = 0; kind < kEventKindCount; ++kind)
            m_columns[static_cast<std::size_t>(kind)] = &trace.columns(static_cast<EventKind>(kind));
    }
    [[nodiscard]] TimestampNs start(EventId event) const { return of(event).start[event.row()]; }
    [[nodiscard]] TimestampNs end(EventId event) const { return of(event).end(event.row()); }

private:
    [[nodiscard]] const EventColumns& of(EventId event) const { return *m_columns[static_cast<std::size_t>(event.kind())]; }
    std::array<const EventColumns*, kEventKindCount> m_columns{};
};

/// The spans of one depth of a track, found by time through the starts of their blocks.
class Row
{
public:
    Row(const EventTimes& times, const DepthRow& row) : m_times(times), m_row(row) {}

    [[nodiscard]] std::size_t size() const { return m_row.size(); }
    [[nodiscard]] EventId event(std::size_t i) const { return m_row.event[i]; }
    [[nodiscard]] TimestampNs end(std::size_t i) const { return m_times.end(m_row.event[i]); }
    /// Where it is drawn, see Trace::spanTime.
    [[nodiscard]] TimestampNs start(std::size_t i) const
    {
        const TimestampNs start = m_times.start(m_row.event[i]);
        return i == 0 ? start : std::max(start, end(i - 1));
    }
    [[nodiscard]] TimeRange time(std::size_t i) const { return {start(i), end(i)}; }
    /// The same for who knows when the span before ended.
    [[nodiscard]] TimeRange time(std::size_t i, TimestampNs previousEnd) const
    {
        return {std::max(m_times.start(m_row.event[i]), previousEnd), end(i)};
    }

    /// First span at or after `from` that begins at or after `time`.
    [[nodiscard]] std::size_t firstStarting(std::size_t from, TimestampNs time) const
    {
        const std::size_t block = firstFrom(m_row.blockStart, from / kBlock, time);
        std::size_t low = std::max(from, block == 0 ? 0 : (block - 1) * kBlock), high = std::min(size(), block * kBlock);
        while (low < high) {
            const std::size_t middle = (low + high) / 2;
            if (start(middle) < time)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    /// Where span `i` is, to a 256th of its block, from what lies beside its neighbours: looks at no event, which of a large trace is far
    /// from the next. Nothing where the block is longer than `longest`, or the last.
    [[nodiscard]] std::optional<TimeRange> roughTime(std::size_t i, DurationNs longest) const
    {
        const std::size_t block = i / kBlock;
        if (i >= m_row.place.size())
            return std::nullopt;
        const TimestampNs start = m_row.blockStart[block];
        const DurationNs length = m_row.blockStart[block + 1] - start;
        if (length > longest)
            return std::nullopt;
        const SpanPlace place = m_row.place[i];
        return TimeRange{start + length * place.start / 256, start + length * place.end / 256};
    }

    /// Spans from `i` on that are drawn as one.
    struct Fold
    {
        std::size_t end;
        TimestampNs last; ///< when the last of them ends
        DurationNs busy;
    };

    /// Span `i`, which lies at `first` and is narrower than a pixel, and all after it that lie within `columnEnd`.
    [[nodiscard]] Fold fold(std::size_t i, TimeRange first, TimestampNs columnEnd, DurationNs longestRough) const
    {
        Fold fold{i + 1, first.end, first.duration()};
        for (; fold.end < size(); ++fold.end) {
            if (fold.end % kBlock == 0)
                skipBlocks(fold, columnEnd);
            const std::optional<TimeRange> rough = roughTime(fold.end, longestRough);
            const TimeRange next = rough ? *rough : time(fold.end, fold.last);
            if (next.start >= columnEnd || next.end > columnEnd)
                break;
            fold.busy += next.duration();
            fold.last = next.end;
        }
        return fold;
    }

    /// Where whole blocks are narrower than a pixel, the end of a fold from the first span of a block on: tells blocks apart and looks
    /// at no event. Nothing where they are not.
    [[nodiscard]] std::optional<std::size_t> blockFoldEnd(std::size_t block, TimestampNs columnEnd, double nsPerPixel) const
    {
        const std::size_t next = firstFrom(m_row.blockStart, block, columnEnd);
        if (next == block || next >= m_row.blockStart.size() || static_cast<double>(blockStart(next) - blockStart(next - 1)) >= nsPerPixel)
            return std::nullopt;
        return next;
    }
    [[nodiscard]] TimestampNs blockStart(std::size_t block) const { return m_row.blockStart[block]; }

    [[nodiscard]] DurationNs blockBusy(std::size_t block) const { return m_row.blockBusy[block]; }

private:
    /// Takes the blocks, from the one that begins at the fold's end on, after which another one begins within `columnEnd`.
    void skipBlocks(Fold& fold, TimestampNs columnEnd) const
    {
        const std::size_t block = fold.end / kBlock;
        const std::size_t next = firstFrom(m_row.blockStart, block, columnEnd);
        if (next <= block + 1)
            return;
        const std::size_t last = next - 1;
        fold.end = last * kBlock;
        fold.busy += blockBusy(last) - blockBusy(block);
        const TimestampNs start = blockStart(last - 1);
        fold.last = start + (blockStart(last) - start) * m_row.place[fold.end - 1].end / 256;
    }

    const EventTimes& m_times;
    const DepthRow& m_row;
};

void appendVisible(std::vector<VisibleSpan>& out, const Row& row, std::uint16_t depth, TimeRange window, double nsPerPixel)
{
    // In whole numbers as far as can be: std::floor and std::ceil are calls, and this is done for each entry.
    const double pixelsPerNs = 1 / nsPerPixel;
    const auto columnEnd = [&](TimestampNs start) {
        const auto column = static_cast<std::int64_t>(static_cast<double>(start - window.start) * pixelsPerNs) - (start < window.start);
        const double end = static_cast<double>(column + 1) * nsPerPixel;
        const auto whole = static_cast<TimestampNs>(end);
        return std::min(window.end, window.start + whole + (static_cast<double>(whole) < end));
    };
    // The spans of a row do not overlap: before the first that begins in the window, only one can reach into it.
    std::size_t i = row.firstStarting(0, window.start);
    if (i > 0 && row.end(i - 1) > window.start)
        --i;
    constexpr double kLongestRough = 8; // px of a block: a 256th of it is a 32nd of a pixel
    const auto longestRough = static_cast<DurationNs>(kLongestRough * nsPerPixel);
    const std::size_t before = out.size();
    std::vector<std::size_t> firsts; // by span
    const auto add = [&](TimeRange time, std::size_t next, DurationNs busy) {
        out.push_back({time, depth, EventId(), static_cast<std::uint32_t>(next - i), busy});
        firsts.push_back(std::exchange(i, next));
    };
    std::optional<TimestampNs> previousEnd; // of the span before, where it is known
    while (i < row.size()) {
        if (i % kBlock == 0) {
            const std::size_t block = i / kBlock;
            const TimestampNs start = row.blockStart(block);
            if (const auto next = start < window.end ? row.blockFoldEnd(block, columnEnd(start), nsPerPixel) : std::nullopt) {
                add({start, row.blockStart(*next)}, *next * kBlock, row.blockBusy(*next) - row.blockBusy(block));
                previousEnd.reset(); // known to who looks at an event
                continue;
            }
        }
        const std::optional<TimeRange> rough = row.roughTime(i, longestRough);
        const TimeRange time = rough ? *rough : previousEnd ? row.time(i, *previousEnd) : row.time(i);
        if (time.start >= window.end)
            break;
        if (static_cast<double>(time.duration()) >= nsPerPixel) {
            const TimeRange exact = rough ? row.time(i) : time;
            add(exact, i + 1, exact.duration());
            previousEnd = exact.end;
            continue;
        }
        // Narrower than a pixel: take everything that ends in the same pixel column.
        const Row::Fold fold = row.fold(i, time, columnEnd(time.start), longestRough);
        add({time.start, fold.last}, fold.end, fold.busy);
        previousEnd.reset();
        if (!rough)
            previousEnd = fold.last;
    }
    // In a loop of its own: each is in a cache line that nothing has touched, and these can be waited for side by side.
    for (std::size_t span = 0; span < firsts.size(); ++span)
        out[before + span].first = row.event(firsts[span]);
}

} // namespace

std::vector<VisibleSpan> visibleSpans(const Trace& trace, TrackId track, TimeRange window, int widthPx)
{
    std::vector<VisibleSpan> spans;
    visibleSpans(trace, track, window, widthPx, spans);
    return spans;
}

void visibleSpans(const Trace& trace, TrackId track, TimeRange window, int widthPx, std::vector<VisibleSpan>& spans)
{
    spans.clear();
    if (window.isEmpty() || widthPx <= 0 || track.value >= trace.tracks.size())
        return;
    const double nsPerPixel = static_cast<double>(window.duration()) / widthPx;
    const auto& rows = trace.tracks[track.value].rows;
    const EventTimes times(trace);
    std::size_t atMost = 0;
    for (const DepthRow& row : rows)
        atMost += std::min(row.size(), static_cast<std::size_t>(widthPx));
    spans.reserve(atMost);
    for (std::size_t depth = 0; depth < rows.size(); ++depth)
        appendVisible(spans, Row(times, rows[depth]), static_cast<std::uint16_t>(depth), window, nsPerPixel);
}

void visibleSpans(const Trace& trace, TrackId track, std::size_t depth, TimeRange window, int widthPx, std::vector<VisibleSpan>& out)
{
    out.clear();
    if (track.value < trace.tracks.size() && depth < trace.tracks[track.value].rows.size())
        visibleSpans(trace, trace.tracks[track.value].rows[depth], window, widthPx, out);
    for (VisibleSpan& span : out)
        span.depth = static_cast<std::uint16_t>(depth);
}

void visibleSpans(const Trace& trace, const DepthRow& row, TimeRange window, int widthPx, std::vector<VisibleSpan>& out)
{
    out.clear();
    if (window.isEmpty() || widthPx <= 0)
        return;
    const EventTimes times(trace);
    appendVisible(out, Row(times, row), 0, window, static_cast<double>(window.duration()) / widthPx);
}

std::optional<EventId> eventAt(const Trace& trace, TrackId track, TimestampNs time, int depth, DurationNs tolerance)
{
    return eventAt(trace, trace.tracks[track.value].rows, time, depth, tolerance);
}

std::optional<EventId> eventAt(const Trace& trace, const std::vector<DepthRow>& rows, TimestampNs time, int depth, DurationNs tolerance)
{
    if (depth < 0 || static_cast<std::size_t>(depth) >= rows.size())
        return {};
    const EventTimes times(trace);
    const Row row(times, rows[static_cast<std::size_t>(depth)]);
    const std::size_t after = row.firstStarting(0, time + 1);
    std::optional<EventId> best;
    DurationNs bestDistance = tolerance + 1;
    for (std::size_t at = after == 0 ? 0 : after - 1; at <= after && at < row.size(); ++at) {
        const TimeRange span = row.time(at);
        const DurationNs distance = time < span.start ? span.start - time : time >= span.end ? time - span.end : 0;
        if (distance < bestDistance) {
            bestDistance = distance;
            best = row.event(at);
        }
    }
    return best;
}

std::optional<std::size_t> indexOf(const Trace& trace, const DepthRow& row, EventId event)
{
    // A stream's span may be drawn a little later than it began, never after its end.
    const TimeRange time = trace.timeOf(event);
    const EventTimes times(trace);
    const Row spans(times, row);
    for (std::size_t i = spans.firstStarting(0, time.start); i < spans.size() && spans.time(i).start <= time.end; ++i)
        if (spans.event(i) == event)
            return i;
    return std::nullopt;
}

std::vector<CounterPixel> visibleCounter(const Trace& trace, TrackId track, TimeRange window, int widthPx)
{
    std::vector<CounterPixel> out;
    if (window.isEmpty() || widthPx <= 0 || track.value >= trace.tracks.size())
        return out;
    const CounterColumns& counter = trace.tracks[track.value].counter;
    const double nsPerPixel = static_cast<double>(window.duration()) / widthPx;
    const auto sampleFrom = [&](std::size_t from, TimestampNs time) {
        const std::size_t block = counter.blockTime.empty() ? 1 : firstFrom(counter.blockTime, from / CounterColumns::kBlock, time);
        const std::size_t low = std::max(from, block == 0 ? 0 : (block - 1) * CounterColumns::kBlock);
        const std::size_t high = std::max(low, std::min(counter.time.size(), block * CounterColumns::kBlock));
        return static_cast<std::size_t>(std::lower_bound(counter.time.begin() + low, counter.time.begin() + high, time) -
                                        counter.time.begin());
    };
    std::size_t i = sampleFrom(0, window.start);
    if (i > 0)
        --i; // its value holds at the window's start
    while (i < counter.time.size() && counter.time[i] < window.end) {
        const int x = std::max(0, static_cast<int>(static_cast<double>(counter.time[i] - window.start) / nsPerPixel));
        const auto columnEnd = window.start + static_cast<TimestampNs>(std::ceil((x + 1) * nsPerPixel));
        const std::size_t next = std::max(i + 1, sampleFrom(i, std::min(columnEnd, window.end)));
        const CounterColumns::Extremes extremes = extremesOf(counter, i, next);
        out.push_back({x, extremes.min, extremes.max, counter.value[next - 1]});
        i = next;
    }
    return out;
}

} // namespace gantry::trace
