#include "app/cli/latency_verdict.h"

#include "trace_model/analysis/request_breakdown.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <vector>

namespace gantry::cli {
namespace {

constexpr std::size_t kFewestRequests = 30; // below it the interval of a median spans a third of the sample
constexpr double kNegligible = 0.02;

struct Median
{
    double value = 0, low = 0, high = 0; ///< ns; the 95 % interval
};

/// The model that both sides have, by time in A. None: they have none in common.
std::optional<std::string> commonModel(const trace::Trace& a, const trace::Trace& b)
{
    const std::vector<std::string> left = analysis::modelsByTime(a), right = analysis::modelsByTime(b);
    const auto found = std::find_if(left.begin(), left.end(),
                                    [&](const std::string& model) { return std::find(right.begin(), right.end(), model) != right.end(); });
    return found == left.end() ? std::nullopt : std::optional(*found);
}

std::vector<DurationNs> latencies(const trace::Trace& trace, std::string_view model)
{
    std::vector<DurationNs> result;
    for (const trace::Request& request : trace.requests)
        if (!request.cutByWindow && !request.failed && trace.strings[request.model] == model)
            result.push_back(request.time.duration());
    std::sort(result.begin(), result.end());
    return result;
}

Median medianOf(const std::vector<DurationNs>& sorted)
{
    // The number of values below the median is binomial(n, 1/2): ranks n/2 ± 1.96·√n/2 enclose it with 95 %.
    const double middle = static_cast<double>(sorted.size()) / 2, halfWidth = 0.98 * std::sqrt(static_cast<double>(sorted.size()));
    const auto at = [&](double rank) {
        return static_cast<double>(sorted[std::min(static_cast<std::size_t>(std::max(rank, 0.0)), sorted.size() - 1)]);
    };
    return {static_cast<double>(analysis::distributionOf(sorted).p50), at(std::floor(middle - halfWidth)),
            at(std::ceil(middle + halfWidth))};
}

} // namespace

const char* name(Verdict verdict)
{
    switch (verdict) {
    case Verdict::Same:
        return "same";
    case Verdict::Better:
        return "better";
    case Verdict::Worse:
        return "worse";
    case Verdict::NoClearDifference:
    case Verdict::CannotSay:
        return "cannot say";
    }
    return "cannot say";
}

const char* headline(Verdict verdict)
{
    switch (verdict) {
    case Verdict::Same:
        return "B is the same";
    case Verdict::Better:
        return "B is better";
    case Verdict::Worse:
        return "B is worse";
    case Verdict::NoClearDifference:
        return "No clear difference";
    case Verdict::CannotSay:
        return "Latency cannot be compared";
    }
    return "Latency cannot be compared";
}

LatencyVerdict compareLatency(const trace::Trace& a, const trace::Trace& b)
{
    if (a.requests.empty() || b.requests.empty())
        return {Verdict::CannotSay,
                fmt::format("{} no requests", a.requests.empty() ? b.requests.empty() ? "A and B have" : "A has" : "B has")};
    const std::optional<std::string> model = commonModel(a, b);
    if (!model)
        return {Verdict::CannotSay, "A and B have no model in common"};
    const std::string of = model->empty() ? std::string() : " of " + *model;
    const std::vector<DurationNs> left = latencies(a, *model), right = latencies(b, *model);
    if (left.size() < kFewestRequests || right.size() < kFewestRequests)
        return {Verdict::CannotSay, fmt::format("A has {} complete requests{} and B {}; {} each are needed to compare medians", left.size(),
                                                of, right.size(), kFewestRequests)};
    const Median x = medianOf(left), y = medianOf(right);
    const std::string medians = fmt::format("median latency{} {} in A and {} in B", of, formatDuration(static_cast<DurationNs>(x.value)),
                                            formatDuration(static_cast<DurationNs>(y.value)));
    const double margin = kNegligible * x.value;
    if (x.low >= x.value - margin && x.high <= x.value + margin && y.low >= x.value - margin && y.high <= x.value + margin)
        return {Verdict::Same, medians + ", within 2 %"};
    if (y.high < x.low && x.value - y.value > margin)
        return {Verdict::Better, medians};
    if (y.low > x.high && y.value - x.value > margin)
        return {Verdict::Worse, medians};
    return {Verdict::NoClearDifference, medians + ", which is within what requests vary by; a longer window tells more"};
}

} // namespace gantry::cli
