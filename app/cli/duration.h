#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/time.h"

#include <optional>
#include <string_view>

namespace gantry::cli {

/// A length of time as people type it: "2s", "500ms", "1.5m", "250us", "1h". The unit is required: a bare number would be
/// read as seconds by one and as milliseconds by the next. Errors: BadInput for anything else, for zero and for negative values.
[[nodiscard]] Result<DurationNs> parseDuration(std::string_view text);

/// What is added to the times of a file: "1.5ms", "-20us", "0"; nothing for "auto", which leaves it to the clocks of the files. Errors:
/// BadInput.
[[nodiscard]] Result<std::optional<DurationNs>> parseOffset(std::string_view text);

} // namespace gantry::cli
