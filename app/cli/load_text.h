#pragma once

#include "remote_server/load/load_generator.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gantry::cli {

/// Where a load stands, for a line that is written over and over.
[[nodiscard]] std::string progressText(const load::LoadProgress& progress);
/// What a level measured, on one line. Without a request that succeeded there is no latency, and none is shown.
[[nodiscard]] std::string text(const load::LoadResult& result);
/// Where the mean latency went, as lines of the client's times, the server's phases and the remainder; what cannot be told says why.
/// Nothing without a success. printable().
[[nodiscard]] std::string breakdownText(const load::LoadResult& result);
/// All levels as a table, times in µs.
[[nodiscard]] std::string levelTable(const std::vector<load::LoadResult>& levels);

/// Times in ns; null where there is no value.
[[nodiscard]] nlohmann::json toJson(const load::LoadResult& result);
/// All levels as {"levels":[…],"partial":…}; of a single one its figures stand beside them.
[[nodiscard]] nlohmann::json toJson(const std::vector<load::LoadResult>& levels);

} // namespace gantry::cli
