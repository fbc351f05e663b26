#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gantry::cli {

/// A table as lines of aligned columns, each line begun by `indent`: numbers to the right, other text to the left, what is absent as "–".
/// The cells become printable().
[[nodiscard]] std::string alignedTable(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows,
                                       std::string_view indent = "  ");

} // namespace gantry::cli
