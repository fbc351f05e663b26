#include "trace_model/trace/visible_spans.h"

#include <algorithm>
#include <cmath>

namespace gantry::trace {
namespace {

/// First index at or after `from` with values[i] > time (or >= when `orEqual`); gallops, so that near hits are cheap.
std::size_t firstAfter(const std::vector<TimestampNs>& values, std::size_t from, TimestampNs time, bool orEqual)
{
    const auto isAfter = [&](TimestampNs v) { return orEqual ? v >= time : v > time; };
    std::size_t step = 1;
    std::size_t low = from;
    while (low + step < values.size() && !isAfter(values[low + step])) {
        low += step;
        step *= 2;
    }
    const auto end = values.begin() + static_cast<std::ptrdiff_t>(std::min(values.size(), low + step + 1));
    return static_cast<std::size_t>(std::partition_point(values.begin() + static_cast<std::ptrdiff_t>(low), end, [&](TimestampNs v) { return !isAfter(v); })
                                    - values.begin());
}

void appendVisible(std::vector<VisibleSpan>& out, const DepthRow& row, std::uint16_t depth, TimeRange window, double nsPerPixel)
{
    const std::size_t n = row.start.size();
    // Ends are sorted as starts are: the spans of a row do not overlap. Zero-length spans at the window's start count.
    std::size_t i = static_cast<std::size_t>(std::partition_point(row.end.begin(), row.end.end(), [&](TimestampNs e) { return e < window.start; }) - row.end.begin());
    while (i < n && row.end[i] == window.start && row.start[i] < window.start)
        ++i;
    while (i < n && row.start[i] < window.end) {
        if (static_cast<double>(row.end[i] - row.start[i]) >= nsPerPixel) {
            out.push_back({{row.start[i], row.end[i]}, depth, row.event[i], 1});
            ++i;
            continue;
        }
        // Narrower than a pixel: take everything that ends in the same pixel column, in one step over however many there are.
        const double column = std::floor(static_cast<double>(row.start[i] - window.start) / nsPerPixel);
        const auto columnEnd = window.start + static_cast<TimestampNs>(std::ceil((column + 1) * nsPerPixel));
        std::size_t next = std::min(firstAfter(row.end, i, columnEnd, false), firstAfter(row.start, i, window.end, true));
        next = std::max(next, i + 1);
        out.push_back({{row.start[i], row.end[next - 1]}, depth, row.event[i], static_cast<std::uint32_t>(next - i)});
        i = next;
    }
}

} // namespace

std::vector<VisibleSpan> visibleSpans(const Trace& trace, TrackId track, TimeRange window, int widthPx)
{
    std::vector<VisibleSpan> out;
    if (window.isEmpty() || widthPx <= 0 || track.value >= trace.tracks.size())
        return out;
    const double nsPerPixel = static_cast<double>(window.duration()) / widthPx;
    const auto& rows = trace.tracks[track.value].rows;
    for (std::size_t depth = 0; depth < rows.size(); ++depth)
        appendVisible(out, rows[depth], static_cast<std::uint16_t>(depth), window, nsPerPixel);
    return out;
}

std::optional<EventId> eventAt(const Trace& trace, TrackId track, TimestampNs time, int depth, DurationNs tolerance)
{
    const auto& rows = trace.tracks[track.value].rows;
    if (depth < 0 || static_cast<std::size_t>(depth) >= rows.size())
        return {};
    const DepthRow& row = rows[static_cast<std::size_t>(depth)];
    const auto after = std::upper_bound(row.start.begin(), row.start.end(), time) - row.start.begin();
    std::optional<EventId> best;
    DurationNs bestDistance = tolerance + 1;
    for (const std::ptrdiff_t i : {after - 1, after}) {
        if (i < 0 || static_cast<std::size_t>(i) >= row.start.size())
            continue;
        const auto at = static_cast<std::size_t>(i);
        const DurationNs distance = time < row.start[at] ? row.start[at] - time : time >= row.end[at] ? time - row.end[at] : 0;
        if (distance < bestDistance) {
            bestDistance = distance;
            best = row.event[at];
        }
    }
    return best;
}

std::vector<CounterPixel> visibleCounter(const Trace& trace, TrackId track, TimeRange window, int widthPx)
{
    std::vector<CounterPixel> out;
    if (window.isEmpty() || widthPx <= 0 || track.value >= trace.tracks.size())
        return out;
    const CounterColumns& counter = trace.tracks[track.value].counter;
    const double nsPerPixel = static_cast<double>(window.duration()) / widthPx;
    auto i = static_cast<std::size_t>(std::lower_bound(counter.time.begin(), counter.time.end(), window.start) - counter.time.begin());
    if (i > 0)
        --i; // its value holds at the window's start
    for (; i < counter.time.size() && counter.time[i] < window.end; ++i) {
        const int x = std::max(0, static_cast<int>(static_cast<double>(counter.time[i] - window.start) / nsPerPixel));
        const double v = counter.value[i];
        if (out.empty() || out.back().x != x)
            out.push_back({x, v, v, v});
        out.back().min = std::min(out.back().min, v);
        out.back().max = std::max(out.back().max, v);
        out.back().last = v;
    }
    return out;
}

} // namespace gantry::trace
