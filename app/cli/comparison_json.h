#pragma once

#include "app/cli/comparison_report.h"

#include <nlohmann/json.hpp>

namespace gantry::cli {

/// What `gantryctl compare --json` prints.
[[nodiscard]] nlohmann::json toJson(const ComparisonReport& report);

} // namespace gantry::cli
