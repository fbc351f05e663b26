#pragma once

#include "trace_model/base/result.h"

#include <string_view>

namespace gantry::app {

/// The code that a capture or a save of a node failed with, by its name (name(ErrorCode)): it has the same consequences as that of a call
/// that fails. Internal for a name that this version does not know.
[[nodiscard]] ErrorCode errorCodeFromName(std::string_view errorName);

} // namespace gantry::app
