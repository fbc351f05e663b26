#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::cli {

/// A table as lines of aligned columns, each line begun by `indent`: numbers to the right, other text to the left, what is absent as "–".
/// The cells become printable().
[[nodiscard]] std::string alignedTable(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows,
                                       std::string_view indent = "  ");

/// At most `width` bytes, what is cut off replaced by "…", never ending inside a UTF-8 sequence: kernel names are longer than any table.
[[nodiscard]] std::string shortened(const std::string& text, std::size_t width);

} // namespace gantry::cli
