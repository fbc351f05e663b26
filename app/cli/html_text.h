#pragma once

#include <string>
#include <string_view>

namespace gantry::cli {

/// Text as a page shows it, in an attribute too.
[[nodiscard]] std::string htmlEscaped(std::string_view text);

/// A page that needs nothing but itself: its head with a style for tables and pictures, its title as a heading, and `body`. Light or dark
/// as the reader's system is; colours are --text, --dim, --line, --a, --b, --bad and --good.
[[nodiscard]] std::string htmlPage(std::string_view title, std::string_view body);

} // namespace gantry::cli
