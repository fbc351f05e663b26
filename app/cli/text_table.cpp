#include "app/cli/text_table.h"

#include "app/cli/printable.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace gantry::cli {
namespace {

/// Characters, of which a terminal shows one a cell; wide ones are rare in tables.
std::size_t widthOf(std::string_view text)
{
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool isNumber(const std::string& text)
{
    char* end = nullptr;
    std::strtod(text.c_str(), &end);
    return end != text.c_str() && (*end == '\0' || *end == ' ' || *end == '%'); // perhaps with its unit
}

} // namespace

std::string alignedTable(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows,
                         std::string_view indent)
{
    std::vector<std::vector<std::string>> cells{{}};
    for (const std::string& column : columns)
        cells.front().push_back(printable(column));
    for (const auto& row : rows) {
        auto& line = cells.emplace_back();
        for (std::size_t i = 0; i < columns.size(); ++i)
            line.push_back(i < row.size() && !row[i].empty() ? printable(row[i]) : std::string("–"));
    }
    std::string text;
    std::vector<std::size_t> widths(columns.size(), 0);
    std::vector<bool> isRight(columns.size(), true);
    for (std::size_t row = 0; row < cells.size(); ++row)
        for (std::size_t i = 0; i < columns.size(); ++i) {
            widths[i] = std::max(widths[i], widthOf(cells[row][i]));
            isRight[i] = isRight[i] && (row == 0 || cells[row][i] == "–" || isNumber(cells[row][i]));
        }
    for (const auto& line : cells) {
        text += indent;
        for (std::size_t i = 0; i < line.size(); ++i) {
            const std::string gap(widths[i] - widthOf(line[i]), ' ');
            const bool isLast = i + 1 == line.size();
            text += isRight[i] ? gap + line[i] : line[i] + (isLast ? std::string() : gap);
            text += isLast ? "\n" : "  ";
        }
    }
    return text;
}

std::string shortened(const std::string& text, std::size_t width)
{
    if (text.size() <= width)
        return text;
    std::size_t end = width - 1;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;
    return text.substr(0, end) + "…";
}

} // namespace gantry::cli
