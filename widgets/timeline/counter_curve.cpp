#include "widgets/timeline/counter_curve.h"

#include "trace_model/trace/counter_levels.h"
#include "trace_model/trace/visible_spans.h"

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

constexpr double kGapIntervals = 3.0; // a counter silent for this many sampling intervals is absent, not constant
constexpr int kShortestHold = 5;      // px that a sample without a neighbour is wide
constexpr int kForEver = 1'000'000;   // px
constexpr int kTopMargin = 5, kBottomMargin = 4;

/// The next of 1, 2, 2.5, 5 times a power of ten.
double roundedUp(double value)
{
    const double power = std::pow(10.0, std::floor(std::log10(value)));
    for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
        if (factor * power >= value * (1 - 1e-9))
            return factor * power;
    }
    return 10 * power;
}

/// The next of 1, 1.25, 1.5 times a power of two: 80 GiB, 96 KiB.
double roundedUpBytes(double value)
{
    const double power = std::exp2(std::floor(std::log2(value)));
    for (const double factor : {1.0, 1.25, 1.5}) {
        if (factor * power >= value * (1 - 1e-9))
            return factor * power;
    }
    return 2 * power;
}

/// Between two samples (ns); the one sample of a trace that begins with it stands for all of the trace.
double intervalOf(const trace::Trace& trace, const trace::CounterColumns& samples)
{
    if (samples.time.size() == 1)
        return samples.time.front() == trace.time.start ? static_cast<double>(trace.time.duration()) : 0;
    return static_cast<double>(samples.time.back() - samples.time.front()) / static_cast<double>(samples.time.size() - 1);
}

/// Where the sample behind the view is, or the trace ends: px.
int edgeBehind(const TimelineState& state, const trace::CounterColumns& samples, double scale)
{
    const auto next = std::lower_bound(samples.time.begin(), samples.time.end(), state.view.end);
    const TimestampNs time = next == samples.time.end() ? state.trace->time.end : *next;
    return static_cast<int>(std::min<double>(kForEver, std::ceil(static_cast<double>(time - state.view.start) / scale)));
}

} // namespace

ValueAxis valueAxisOf(const trace::Track& track)
{
    const std::size_t samples = track.counter.value.size();
    if (samples == 0)
        return {};
    const auto extremes = trace::extremesOf(track.counter, 0, samples);
    const auto rounded = track.counter.unit == kBytesUnit ? roundedUpBytes : roundedUp;
    return {extremes.min < 0 ? -rounded(-extremes.min) : 0, extremes.max > 0 ? rounded(extremes.max) : 0};
}

CounterBand bandOf(const TimelineRow& row)
{
    if (row.isCollapsed)
        return {row.height / 4, row.height - row.height / 4};
    return {kTopMargin, row.height - kBottomMargin};
}

double shareOf(const ValueAxis& axis, double value)
{
    return axis.max > axis.min ? std::clamp((value - axis.min) / (axis.max - axis.min), 0.0, 1.0) : 0;
}

std::vector<CounterColumn> counterColumns(const TimelineState& state, trace::TrackId track, int widthPx)
{
    std::vector<CounterColumn> columns(static_cast<std::size_t>(std::max(0, widthPx)));
    const trace::CounterColumns& samples = state.trace->track(track).counter;
    auto pixels = trace::visibleCounter(*state.trace, track, state.view, widthPx);
    // A trace ends with its last sample: it lies on the edge of what is shown, where the curve goes to it.
    if (!samples.time.empty() && samples.time.back() == state.view.end && widthPx > 0)
        pixels.push_back({widthPx, samples.value.back(), samples.value.back(), samples.value.back()});
    if (pixels.empty())
        return columns;
    const ValueAxis& axis = state.counterAxes[track.value];
    const double interval = intervalOf(*state.trace, samples);
    const double scale = static_cast<double>(state.view.duration()) / widthPx;
    const int longestHold =
        samples.isExact ? kForEver
                        : static_cast<int>(std::min<double>(kForEver, std::max<double>(kShortestHold, kGapIntervals * interval / scale)));
    const int lonelyHold = samples.isExact ? kForEver : std::max(kShortestHold, longestHold / static_cast<int>(kGapIntervals));
    // The sample before the view opens the first column, but holds no longer than any other.
    const auto first =
        static_cast<std::size_t>(std::lower_bound(samples.time.begin(), samples.time.end(), state.view.start) - samples.time.begin());
    const bool isAlone = first == samples.time.size() || static_cast<double>(samples.time[first] - state.view.start) >= scale;
    const bool isOld = first > 0 && static_cast<double>(state.view.start - samples.time[first - 1]) > scale * longestHold;
    const int nextX = edgeBehind(state, samples, scale);
    for (std::size_t i = isAlone && isOld ? 1 : 0; i < pixels.size(); ++i) {
        const trace::CounterPixel& pixel = pixels[i];
        if (std::isnan(pixel.max))
            continue;
        const bool isHeld = !std::isnan(pixel.last);
        const int gap = (i + 1 < pixels.size() ? pixels[i + 1].x : nextX) - pixel.x;
        const int width = gap > 0 && gap <= longestHold ? gap : lonelyHold;
        const auto last = static_cast<float>(shareOf(axis, isHeld ? pixel.last : pixel.max));
        for (int x = pixel.x; isHeld && x < std::min(pixel.x + width, widthPx); ++x)
            columns[static_cast<std::size_t>(x)] = {last, last, last};
        CounterColumn& own = columns[static_cast<std::size_t>(std::min(pixel.x, widthPx - 1))];
        if (!own.isPresent())
            own.last = last; // on the edge
        own.low = static_cast<float>(shareOf(axis, pixel.min));
        own.high = static_cast<float>(shareOf(axis, pixel.max));
        // The step from the value before.
        if (i > 0 && pixel.x > 0 && columns[static_cast<std::size_t>(pixel.x - 1)].isPresent()) {
            const float before = columns[static_cast<std::size_t>(pixel.x - 1)].last;
            own.low = std::min(own.low, before);
            own.high = std::max(own.high, before);
        }
    }
    return columns;
}

} // namespace gantry::widgets
