#pragma once

#include <map>
#include <optional>
#include <string_view>

namespace gantry::metrics {

/// What was counted in a histogram of Prometheus between two scrapes: by upper bound, how many values were at most that. Cumulative; the
/// bound of the last one is infinity.
using HistogramCounts = std::map<double, double>;

/// A percentile of a histogram, in its unit.
struct HistogramQuantile
{
    double value = 0;      ///< interpolated linearly inside of its bucket, as PromQL's histogram_quantile() does
    double lowerBound = 0; ///< of the bucket: it lies somewhere between these
    double upperBound = 0;
    double standardError = 0; ///< what it scatters by because so few values were counted
};

/// `quantile` 0..1. Nothing where nothing was counted, or where the value is beyond the last finite bound.
[[nodiscard]] std::optional<HistogramQuantile> histogramQuantile(const HistogramCounts& counts, double quantile);

/// The name of the histogram that a series is a bucket of: "x" of "x_bucket"; empty: of none.
[[nodiscard]] std::string_view histogramOfBucket(std::string_view seriesName);

/// What a bucket's label `le` says. Nothing for a text that is no number.
[[nodiscard]] std::optional<double> bucketBound(std::string_view le);

} // namespace gantry::metrics
