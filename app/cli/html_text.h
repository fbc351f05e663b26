#pragma once

#include <string>
#include <string_view>

namespace gantry::cli {

/// Text as a page shows it, in an attribute too.
[[nodiscard]] std::string htmlEscaped(std::string_view text);

/// What a page that needs nothing but itself begins with: its head with a style for tables and pictures, and its title as a heading. Light
/// or dark as the reader's system is; colours are --text, --dim, --line, --a, --b, --bad and --good.
[[nodiscard]] std::string htmlHead(std::string_view title);

} // namespace gantry::cli
