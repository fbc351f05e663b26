#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gantry {

/// The words in the order in which one that was mistyped as `typed` may have been meant: those that take the fewest letters to change, add
/// or leave out first; one that holds what was typed counts as near.
[[nodiscard]] std::vector<std::string> nearestWords(std::string_view typed, std::vector<std::string> words);

} // namespace gantry
