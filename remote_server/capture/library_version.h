#pragma once

#include <string_view>

/// Stands in the library before its version, which ends with a zero: who looks into the file need not load it. A macro, as it is
/// joined with the version when it is compiled.
#define GANTRY_CAPTURE_VERSION_MARK "gantry capture library version "

namespace gantry::capture {

inline constexpr std::string_view kVersionMark = GANTRY_CAPTURE_VERSION_MARK;

} // namespace gantry::capture
