#include "app/cli/latency_verdict.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <vector>

namespace gantry::cli {
namespace {

constexpr std::size_t kFewestRequests = 30; // below it the interval of a median spans a third of the sample
constexpr double kNegligible = 0.02;

struct Median
{
    double value = 0, low = 0, high = 0; ///< ns; the 95 % interval
};

std::vector<DurationNs> latencies(const trace::Trace& trace)
{
    std::vector<DurationNs> result;
    for (const trace::Request& request : trace.requests)
        if (!request.cutByWindow && !request.failed)
            result.push_back(request.time.duration());
    std::sort(result.begin(), result.end());
    return result;
}

Median medianOf(const std::vector<DurationNs>& sorted)
{
    // The number of values below the median is binomial(n, 1/2): ranks n/2 ± 1.96·√n/2 enclose it with 95 %.
    const double middle = static_cast<double>(sorted.size()) / 2, halfWidth = 0.98 * std::sqrt(static_cast<double>(sorted.size()));
    const auto at = [&](double rank) { return static_cast<double>(sorted[std::min(static_cast<std::size_t>(std::max(rank, 0.0)), sorted.size() - 1)]); };
    return {at(std::floor(middle)), at(std::floor(middle - halfWidth)), at(std::ceil(middle + halfWidth))};
}

} // namespace

const char* name(Verdict verdict)
{
    switch (verdict) {
    case Verdict::Same: return "same";
    case Verdict::Better: return "better";
    case Verdict::Worse: return "worse";
    case Verdict::CannotSay: return "cannot say";
    }
    return "cannot say";
}

LatencyVerdict compareLatency(const trace::Trace& a, const trace::Trace& b)
{
    const std::vector<DurationNs> left = latencies(a), right = latencies(b);
    if (left.size() < kFewestRequests || right.size() < kFewestRequests)
        return {Verdict::CannotSay, fmt::format("A has {} complete requests and B {}; {} each are needed to compare medians", left.size(), right.size(), kFewestRequests)};
    const Median x = medianOf(left), y = medianOf(right);
    const std::string medians = fmt::format("median latency {} in A and {} in B", formatDuration(static_cast<DurationNs>(x.value)), formatDuration(static_cast<DurationNs>(y.value)));
    const double margin = kNegligible * x.value;
    if (x.low >= x.value - margin && x.high <= x.value + margin && y.low >= x.value - margin && y.high <= x.value + margin)
        return {Verdict::Same, medians + ", within 2 %"};
    if (y.high < x.low && x.value - y.value > margin)
        return {Verdict::Better, medians};
    if (y.low > x.high && y.value - x.value > margin)
        return {Verdict::Worse, medians};
    return {Verdict::CannotSay, medians + "; the difference is within what the requests vary by, capture a longer window"};
}

} // namespace gantry::cli
