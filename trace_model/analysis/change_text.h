#pragma once

#include "trace_model/analysis/row_statistics.h"

#include <optional>
#include <string>
#include <string_view>

namespace gantry::analysis {

/// A value in a row's unit as a person reads it: "1.234 ms", "38.2 %" of a ratio, "4.00 req".
[[nodiscard]] std::string valueText(double value, std::string_view unit);

/// "+13 %", "−0.4 %", "0 %"; more than tenfold is "12 ×". "–" where there is nothing to be a share of.
[[nodiscard]] std::string percentText(std::optional<double> ratio);

/// The confidence interval as shares of A: "+10 % to +16 %"; in the unit where A is 0.
[[nodiscard]] std::string intervalText(const StatisticChange& change, std::string_view unit);

/// "p < 0.001", "p = 0.021".
[[nodiscard]] std::string probabilityText(double p);

} // namespace gantry::analysis
