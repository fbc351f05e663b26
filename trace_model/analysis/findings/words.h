#pragma once

#include <fmt/format.h>
#include <string>

namespace gantry::findings {

/// "30 %", "2.5 %", "less than 0.1 %".
[[nodiscard]] inline std::string percent(double ratio)
{
    const double value = ratio * 100;
    if (value > 0 && value < 0.1)
        return "less than 0.1 %";
    return value < 10 ? fmt::format("{:.1f} %", value) : fmt::format("{:.0f} %", value);
}

} // namespace gantry::findings
