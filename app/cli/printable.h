#pragma once

#include <string>
#include <string_view>

namespace gantry::cli {

/// Text of a file, a node or a program as it may go to a terminal, on one line: control characters, which could move its cursor, change its
/// colours or its title, are written as \n or \x1b, marks that turn the direction of writing as \u202e, and bytes that are not UTF-8 as
/// U+FFFD.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace gantry::cli
