#pragma once

#include "remote_server/load/load_options.h"
#include "remote_server/load/load_result.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What people write of a load, on a command line or in a recipe, as values. Each error is BadInput and says what to write instead.
namespace gantry::cli {

/// "bert" or "bert:0.7".
[[nodiscard]] Result<load::ModelShare> parseModelShare(std::string_view text);

/// "4" is one level, "1:8" those from 1 to 8, "1:8:2" every second of them, as perf_analyzer takes it. At most 1,000 levels.
[[nodiscard]] Result<std::vector<load::LoadLevel>> parseLevels(std::string_view text, bool isRate);

/// "5s", or milliseconds without a unit, as perf_analyzer takes it.
[[nodiscard]] Result<DurationNs> parseMilliseconds(std::string_view text);

/// "constant" or "poisson".
[[nodiscard]] Result<load::Distribution> parseDistribution(std::string_view text);

} // namespace gantry::cli
