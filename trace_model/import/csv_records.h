#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::importing {

/// One record of comma-separated values.
struct CsvRecord
{
    std::vector<std::string> cells; ///< without quotes and the blanks around them, valid UTF-8; never none
    std::size_t line = 1;           ///< that it begins in, from 1
    bool isOpen = false;            ///< the text ends within quotes

    /// A blank line is a record of one empty cell.
    [[nodiscard]] bool isBlank() const { return cells.size() == 1 && cells.front().empty(); }
};

/// Reads records one after the other (RFC 4180: a quoted cell may hold commas and line ends). The text stays where it is.
class CsvRecords
{
public:
    explicit CsvRecords(std::string_view text); ///< with or without a byte order mark

    /// The next one; nothing at the end.
    [[nodiscard]] std::optional<CsvRecord> next();

private:
    std::string_view m_text;
    std::size_t m_at = 0, m_line = 1;
};

/// The number that a cell is, blanks aside; absent: it is none, or not finite.
[[nodiscard]] std::optional<double> numberIn(std::string_view cell);

} // namespace gantry::importing
