#include "trace_model/metrics/histogram.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace gantry::metrics {

std::optional<HistogramQuantile> histogramQuantile(const HistogramCounts& counts, double quantile)
{
    if (counts.empty() || counts.rbegin()->second <= 0)
        return {};
    const double all = counts.rbegin()->second, rank = quantile * all;
    double lower = 0, below = 0;
    for (const auto& [upper, upTo] : counts) {
        if (upTo >= rank && upTo > below) {
            if (!std::isfinite(upper))
                return {};
            const double inside = upTo - below, width = upper - lower;
            const double value = lower + width * std::max(0.0, rank - below) / inside;
            // Of an order statistic: sqrt(q (1 - q) / n) over the density there.
            return HistogramQuantile{value, lower, upper, std::sqrt(quantile * (1 - quantile) * all) * width / inside};
        }
        lower = upper;
        below = upTo;
    }
    return {};
}

std::string_view histogramOfBucket(std::string_view seriesName)
{
    constexpr std::string_view kSuffix = "_bucket";
    return seriesName.ends_with(kSuffix) ? seriesName.substr(0, seriesName.size() - kSuffix.size()) : std::string_view();
}

std::optional<double> bucketBound(std::string_view le)
{
    if (le == "+Inf" || le == "Inf")
        return std::numeric_limits<double>::infinity();
    double bound = 0;
    const auto [end, error] = std::from_chars(le.data(), le.data() + le.size(), bound);
    if (error != std::errc() || end != le.data() + le.size() || !std::isfinite(bound))
        return {};
    return bound;
}

} // namespace gantry::metrics
