#pragma once

#include "remote_server/load/load_generator.h"

#include <string>

namespace gantry::cli {

/// Where a load stands, for a line that is written over and over.
[[nodiscard]] std::string progressText(const load::LoadResult& result);
/// What a load measured, on one line. Without a request that succeeded there is no latency, and none is shown.
[[nodiscard]] std::string text(const load::LoadResult& result);

} // namespace gantry::cli
