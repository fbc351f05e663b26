#include "trace_model/analysis/window_cost_text.h"

#include "trace_model/base/quantity_text.h"
#include "trace_model/report/meta_keys.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <string_view>

namespace gantry::analysis {
namespace {

std::string spanText(const report::CostSpan& span)
{
    std::string text =
        fmt::format("{:.1f} req/s ({} requests in {})", span.requestsPerSecond(), formatCount(span.requests), formatDuration(span.length));
    if (span.mean)
        text += ", mean " + formatDuration(*span.mean);
    if (span.p50)
        text += ", p50 " + formatDuration(*span.p50);
    if (span.p99)
        text += ", p99 " + formatDuration(*span.p99);
    return text;
}

} // namespace

report::WindowCost windowCostOf(const importing::TraceMeta& meta)
{
    report::WindowCost cost = report::WindowCost::of(meta.settings);
    cost.ratio = meta.windowCostRatio;
    cost.error = meta.windowCostError;
    return cost;
}

bool isCostClear(const report::WindowCost& cost)
{
    importing::TraceMeta meta;
    meta.windowCostRatio = cost.ratio;
    meta.windowCostError = cost.error;
    return meta.isWindowCostClear();
}

std::string costDifferenceText(const report::CostDifference& difference)
{
    const double largest = static_cast<double>(std::max(std::abs(difference.value), difference.error));
    const double scale = largest >= 1e9 ? 1e9 : largest >= 1e5 ? 1e6 : 1e3;
    const char* unit = scale == 1e9 ? "s" : scale == 1e6 ? "ms" : "µs";
    return fmt::format("{:+.1f} ± {:.1f} {}", static_cast<double>(difference.value) / scale, static_cast<double>(difference.error) / scale,
                       unit);
}

std::string costSentence(const report::WindowCost& cost)
{
    std::string text;
    if (!cost.ratio)
        return cost.whyNoRate.empty() ? "not measured" : cost.whyNoRate;
    if (!isCostClear(cost))
        text = fmt::format("not clear: req/s vary by ± {:.1f} % in any window of this length", cost.error.value_or(0) * 100);
    else if (cost.error)
        text = fmt::format("{:+.1f} % ± {:.1f} % req/s", *cost.ratio * 100, *cost.error * 100);
    else
        text = fmt::format("{:+.1f} % req/s", *cost.ratio * 100);
    if (cost.p99)
        text += ", " + costDifferenceText(*cost.p99) + " p99";
    else if (cost.p50)
        text += ", " + costDifferenceText(*cost.p50) + " p50";
    return text;
}

std::vector<CostLine> costLines(const report::WindowCost& cost)
{
    std::vector<CostLine> lines{{"window cost", costSentence(cost)}};
    if (cost.before)
        lines.push_back({"before", spanText(*cost.before)});
    if (cost.during)
        lines.push_back({"in the window", spanText(*cost.during)});
    if (cost.after)
        lines.push_back({"after", spanText(*cost.after)});
    else if (!cost.whyNoAfter.empty() && cost.during)
        lines.push_back({"after", "not measured: " + cost.whyNoAfter});
    if (cost.p50)
        lines.push_back({"p50", costDifferenceText(*cost.p50)});
    if (cost.p99)
        lines.push_back({"p99", costDifferenceText(*cost.p99)});
    else if (!cost.whyNoLatency.empty())
        lines.push_back({"p99", "not measured: " + cost.whyNoLatency});
    if (cost.targetCpu)
        lines.push_back({"CPU in the target", formatDuration(*cost.targetCpu) + " of the capture library's threads"});
    if (cost.daemonCpu)
        lines.push_back({"CPU in gantryd", formatDuration(*cost.daemonCpu) + " of its capture thread, without the writing of the report"});
    if (cost.recordBytes)
        lines.push_back({"recorded", fmt::format("{} bytes", formatCount(*cost.recordBytes))});
    return lines;
}

} // namespace gantry::analysis
