#include "trace_model/analysis/change_text.h"

#include "trace_model/base/time.h"

#include <cmath>
#include <fmt/format.h>

namespace gantry::analysis {
namespace {

std::string withSign(double value, const std::string& magnitude)
{
    return (value > 0 ? "+" : value < 0 ? "−" : "") + magnitude;
}

} // namespace

std::string valueText(double value, std::string_view unit)
{
    if (unit == "ns")
        return formatDuration(static_cast<DurationNs>(std::llround(value)));
    if (unit == "ratio")
        return fmt::format("{:.1f} %", value * 100);
    if (unit == "1/s")
        return fmt::format("{:.1f} /s", value);
    if (unit == "Hz" && std::abs(value) >= 1e6)
        return fmt::format("{:.0f} MHz", value / 1e6);
    const double magnitude = std::abs(value);
    return fmt::format("{:.{}f} {}", value, magnitude >= 1000 ? 0 : magnitude >= 100 ? 1 : 2, unit);
}

std::string percentText(std::optional<double> ratio)
{
    if (!ratio)
        return "–";
    if (*ratio >= 10)
        return fmt::format("{:.0f} ×", *ratio + 1);
    const double percent = std::abs(*ratio) * 100;
    if (percent < 0.05)
        return "0 %";
    return withSign(*ratio, fmt::format("{:.{}f} %", percent, percent < 10 ? 1 : 0));
}

std::string intervalText(const StatisticChange& change, std::string_view unit)
{
    if (change.a == 0)
        return fmt::format("{} to {}", withSign(change.low, valueText(std::abs(change.low), unit)), withSign(change.high, valueText(std::abs(change.high), unit)));
    const double size = std::abs(change.a);
    return fmt::format("{} to {}", percentText(change.low / size), percentText(change.high / size));
}

std::string probabilityText(double p)
{
    return p < 0.001 ? "p < 0.001" : fmt::format("p = {:.{}f}", p, p < 0.1 ? 3 : 2);
}

} // namespace gantry::analysis
