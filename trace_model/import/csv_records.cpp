#include "trace_model/import/csv_records.h"

#include "trace_model/report/utf8.h"

#include <charconv>
#include <cmath>

namespace gantry::importing {
namespace {

std::string_view trimmed(std::string_view text)
{
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

} // namespace

CsvRecords::CsvRecords(std::string_view text) : m_text(text), m_at(text.starts_with("\xEF\xBB\xBF") ? 3 : 0) {}

std::optional<CsvRecord> CsvRecords::next()
{
    if (m_at >= m_text.size())
        return std::nullopt;
    CsvRecord record{std::vector<std::string>(1), m_line, false};
    for (; m_at < m_text.size(); ++m_at) {
        const char c = m_text[m_at];
        m_line += c == '\n';
        if (record.isOpen ? c != '"' : c != '"' && c != ',' && c != '\n') {
            record.cells.back() += c;
        } else if (c == '"') {
            if (record.isOpen && m_at + 1 < m_text.size() && m_text[m_at + 1] == '"')
                record.cells.back() += m_text[++m_at];
            else
                record.isOpen = !record.isOpen;
        } else if (c == ',') {
            record.cells.emplace_back();
        } else {
            ++m_at;
            break;
        }
    }
    for (std::string& cell : record.cells) {
        std::string scratch;
        cell = std::string(report::validUtf8(trimmed(cell), scratch));
    }
    return record;
}

std::optional<double> numberIn(std::string_view cell)
{
    const std::string_view text = trimmed(cell);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

} // namespace gantry::importing
