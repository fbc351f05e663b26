#pragma once

#include "app/cli/comparison_report.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gantry::cli {

/// How many reports are compared at once, at most: beyond that a table has no room, and what each asks costs all of them power.
inline constexpr std::size_t kMostReports = 8;

/// Several files, each compared with the first, as they are written in several forms: one table with a column for each, and what a
/// comparison of two has for each of them.
struct WindowsReport
{
    std::vector<ComparisonReport> comparisons; ///< A of all is the first file; at least one

    /// The worst: 1 where one is worse or a condition holds, else 2 where one cannot be said, else 0.
    [[nodiscard]] int exitStatus() const;
};

/// "A" of the first file, "B" of the next one, …
[[nodiscard]] std::string letterOf(std::size_t file);

[[nodiscard]] std::string windowsText(const WindowsReport& report);
[[nodiscard]] std::string windowsMarkdown(const WindowsReport& report);
[[nodiscard]] std::string windowsHtml(const WindowsReport& report);
[[nodiscard]] nlohmann::json windowsJson(const WindowsReport& report);

} // namespace gantry::cli
