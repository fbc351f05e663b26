#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gantry::app {

/// A line of a unified diff, without its mark and its end.
struct DiffLine
{
    enum class Kind
    {
        Hunk, ///< "@@ -1,3 +1,4 @@"
        Same,
        Removed,
        Added
    };
    Kind kind = Kind::Same;
    std::string text;

    [[nodiscard]] bool operator==(const DiffLine&) const = default;
};

/// What makes `after` of `before`, line by line, with so many lines around each change that stay. Empty: the texts have the same lines. The
/// smallest diff for texts that differ in up to about two thousand lines each; beyond that all that differs is one change. Any thread.
[[nodiscard]] std::vector<DiffLine> unifiedDiff(std::string_view before, std::string_view after, std::size_t around = 3);

/// The same as `diff -u` writes it, without its heading.
[[nodiscard]] std::string diffText(const std::vector<DiffLine>& diff);

} // namespace gantry::app
