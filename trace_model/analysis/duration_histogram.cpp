#include "trace_model/analysis/duration_histogram.h"

namespace gantry::analysis {

DurationHistogram durationHistogram(std::span<const DurationNs> durations, DurationBounds bounds)
{
    DurationHistogram histogram{};
    const HistogramSteps steps(bounds);
    for (const DurationNs duration : durations)
        ++histogram[steps.of(duration)];
    return histogram;
}

} // namespace gantry::analysis
