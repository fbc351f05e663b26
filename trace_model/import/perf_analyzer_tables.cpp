#include "trace_model/import/perf_analyzer_tables.h"

#include "trace_model/import/csv_records.h"
#include "trace_model/import/file_contents.h"
#include "trace_model/report/utf8.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gantry::importing {
namespace {

/// Such files have kilobytes. Cells cost many times their bytes.
constexpr std::uint64_t kLargestTable = 16 << 20;
constexpr std::size_t kMostColumns = 512;
constexpr std::size_t kMostRows = 16384;

using Cells = std::vector<std::string>;

std::string_view trimmed(std::string_view text)
{
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

std::string valid(std::string_view text)
{
    std::string scratch;
    return std::string(report::validUtf8(text, scratch));
}

/// The column's name with its unit, which perf_analyzer leaves out (report_writer.cc: latencies in µs, powers in W, sizes in
/// bytes, utilisation as a ratio).
std::string withUnit(const std::string& column)
{
    if (column.ends_with("latency") || column.starts_with("Client ") || column.starts_with("Server ") || column.starts_with("Network+Server") || column == "request/response"
        || column == "response wait")
        return column + " (µs)";
    if (column == "Request Rate" || column == "Response Throughput")
        return column + " (1/s)";
    if (column == "Avg GPU Utilization")
        return column + " (ratio)";
    if (column == "Avg GPU Power Usage")
        return column + " (W)";
    if (column == "Max GPU Memory Usage" || column == "Total GPU Memory")
        return column + " (bytes)";
    return column;
}

/// "GPU-1:0.3;GPU-2:0.5;" as "GPU-1: 0.3; GPU-2: 0.5".
std::string perGpu(const std::string& cell)
{
    std::string result;
    for (std::size_t i = 0; i < cell.size(); ++i) {
        if (i + 1 == cell.size() && cell[i] == ';')
            break;
        result += cell[i];
        if (cell[i] == ';' || cell[i] == ':')
            result += ' ';
    }
    return result;
}

/// Columns that a table is sorted by, the first one first.
std::vector<std::size_t> sortColumns(const Cells& header)
{
    std::vector<std::size_t> columns;
    for (const std::string_view name : {"Model", "GPU UUID", "Model Config Path", "Batch", "Concurrency", "Request Rate"})
        if (const auto found = std::find(header.begin(), header.end(), name); found != header.end())
            columns.push_back(static_cast<std::size_t>(found - header.begin()));
    return columns;
}

bool isLess(const std::string& a, const std::string& b)
{
    const auto numberA = numberIn(a), numberB = numberIn(b);
    if (numberA && numberB)
        return *numberA < *numberB;
    return numberA.has_value() != numberB.has_value() ? numberA.has_value() : a < b;
}

void sortRows(std::vector<Cells>& rows, const std::vector<std::size_t>& columns)
{
    std::stable_sort(rows.begin(), rows.end(), [&](const Cells& a, const Cells& b) {
        for (const std::size_t column : columns) {
            if (isLess(a[column], b[column]))
                return true;
            if (isLess(b[column], a[column]))
                return false;
        }
        return false;
    });
}

/// One table: a header and its rows.
class CsvTable
{
public:
    explicit CsvTable(Cells header) : m_header(std::move(header)) {}

    void add(Cells cells, TableTally& tally)
    {
        while (cells.size() > m_header.size() && cells.back().empty()) // "…;," ends each line of perf_analyzer's GPU columns
            cells.pop_back();
        if (cells.size() != m_header.size())
            return tally.skip(cells.size() < m_header.size() ? "fewer cells than columns" : "more cells than columns");
        if (m_rows.size() >= kMostRows)
            return tally.skip("more than 16,384 rows");
        tally.keep();
        m_rows.push_back(std::move(cells));
    }
    [[nodiscard]] bool isEmpty() const { return m_rows.empty(); }
    [[nodiscard]] std::string producer() const
    {
        return m_header.front() == "Model" ? "Model Analyzer" : m_header.front() == "Metric" ? "genai-perf" : "perf_analyzer";
    }
    [[nodiscard]] SummaryTable take(std::string name)
    {
        const bool isPerfAnalyzer = producer() == "perf_analyzer";
        sortRows(m_rows, sortColumns(m_header));
        SummaryTable table{std::move(name), {}, std::move(m_rows)};
        for (std::size_t column = 0; column < m_header.size(); ++column) {
            table.columns.push_back(isPerfAnalyzer ? withUnit(m_header[column]) : m_header[column]);
            if (isPerfAnalyzer && m_header[column].find("GPU") != std::string::npos)
                for (Cells& row : table.rows)
                    row[column] = perGpu(row[column]);
        }
        return table;
    }

private:
    Cells m_header;
    std::vector<Cells> m_rows;
};

void describe(EventSink& sink, const std::string& producer, const std::string& format)
{
    sink.meta().format = "perf-analyzer";
    sink.meta().producer = producer;
    sink.report().format = format;
    sink.report().producer = producer;
    sink.report().clock = "The file holds a summary without times.";
}

/// What perf_analyzer prints, line by line.
class TextReader
{
public:
    explicit TextReader(EventSink& sink) : m_sink(sink), m_tally(sink.report().table("measurements")) {}

    void takeLine(std::string_view raw)
    {
        const std::string_view line = trimmed(raw);
        if (line.empty()) {
            m_isInSettings = false;
            return;
        }
        if (line.starts_with("*** Measurement Settings"))
            m_isInSettings = true;
        else if (line.starts_with("Request concurrency:") || line.starts_with("Request Rate:") || line.starts_with("Request rate:"))
            startMeasurement(line);
        else if (line.starts_with("Concurrency:") || (line.starts_with("Request Rate") && line.find("throughput:") != std::string_view::npos))
            takeListed(line);
        else if (line.starts_with("Failed to obtain stable"))
            m_sink.meta().warnings.push_back(valid(line));
        else if (m_isInSettings)
            takeSetting(line);
        else if (m_rows.empty() && line.find("perf_analyzer ") != std::string_view::npos)
            m_sink.meta().settings["Command"] = valid(line);
        else if (line.starts_with("Client:") || line.starts_with("Inferences/Second"))
            m_section.clear();
        else
            takeValue(line);
    }

    [[nodiscard]] bool isEmpty() const { return m_columns.empty() && m_listed.empty(); }

    void finish()
    {
        std::vector<Row>& rows = m_columns.empty() ? m_listed : m_rows;
        SummaryTable table{"perf_analyzer", {}, {}};
        const std::vector<std::string>& columns = m_columns.empty() ? m_listedColumns : m_columns;
        for (Row& row : rows) {
            Cells cells(columns.size());
            for (auto& [column, value] : row)
                cells[column] = std::move(value);
            table.rows.push_back(std::move(cells));
        }
        table.columns = columns;
        sortRows(table.rows, {0});
        m_sink.add(std::move(table));
    }

private:
    using Row = std::map<std::size_t, std::string>; ///< value by column

    void startMeasurement(std::string_view line)
    {
        m_isInSettings = false;
        m_section.clear();
        m_isKept = m_rows.size() < kMostRows;
        if (!m_isKept)
            return m_tally.skip("more than 16,384 rows");
        m_tally.keep();
        m_rows.emplace_back();
        takeValue(line);
    }

    /// "Key: 12 usec (part 3 usec + other part 4 usec)", or "Key:" that begins a section.
    void takeValue(std::string_view line)
    {
        const std::size_t colon = line.find(':');
        const std::string_view key = trimmed(line.substr(0, colon));
        const std::string_view rest = colon == std::string_view::npos ? std::string_view() : trimmed(line.substr(colon + 1));
        if (colon == std::string_view::npos)
            return;
        if (key.ends_with(", version")) { // of a composing model: "resnet50, version: 1"
            m_section = valid(key) + (rest.empty() ? "" : " " + valid(rest)) + ": ";
            return;
        }
        if (rest.empty()) {
            m_section = key == "Server" || key == "Composing models" ? "" : valid(key) + ": ";
            return;
        }
        if (m_rows.empty() || !m_isKept)
            return;
        const std::size_t parenthesis = rest.find(" (");
        if (!set(key, rest.substr(0, parenthesis)) || parenthesis == std::string_view::npos)
            return;
        std::string_view parts = rest.substr(parenthesis + 2);
        parts = parts.substr(0, parts.rfind(')'));
        while (!parts.empty()) {
            const std::size_t plus = parts.find(" + ");
            const std::string_view part = parts.substr(0, plus);
            const std::size_t digits = part.find_first_of("-0123456789", part.find(' ') == std::string_view::npos ? 0 : part.find(' '));
            if (digits != std::string_view::npos && digits > 0)
                set(trimmed(part.substr(0, digits)), part.substr(digits));
            parts = plus == std::string_view::npos ? std::string_view() : parts.substr(plus + 3);
        }
    }

    /// False: the value is no number.
    bool set(std::string_view key, std::string_view value)
    {
        value = trimmed(value);
        const std::size_t end = std::min(value.find_first_of(" %"), value.size());
        if (!numberIn(value.substr(0, end)))
            return false;
        const std::string_view unit = trimmed(value.substr(end));
        std::string column = m_section + valid(key);
        if (!unit.empty())
            column += " (" + unitName(unit) + ")";
        if (const auto place = columnOf(m_columns, column))
            m_rows.back()[*place] = value.substr(0, end);
        return true;
    }

    /// "Concurrency: 1, throughput: 2608.5 infer/sec, latency 3938 usec", the list at the end.
    void takeListed(std::string_view line)
    {
        Row row;
        while (!line.empty()) {
            const std::size_t comma = line.find(", ");
            const std::string_view part = line.substr(0, comma);
            const std::size_t digits = part.find_first_of("-0123456789");
            if (digits != std::string_view::npos && digits > 0) {
                std::string_view value = part.substr(digits), key = trimmed(part.substr(0, digits));
                const std::size_t end = std::min(value.find(' '), value.size());
                if (key.ends_with(':'))
                    key.remove_suffix(1);
                const std::string unit = end < value.size() ? " (" + unitName(trimmed(value.substr(end))) + ")" : "";
                if (const auto place = columnOf(m_listedColumns, valid(key) + unit); place && numberIn(value.substr(0, end)))
                    row[*place] = value.substr(0, end);
            }
            line = comma == std::string_view::npos ? std::string_view() : line.substr(comma + 2);
        }
        if (m_listed.size() < kMostRows && !row.empty())
            m_listed.push_back(std::move(row));
    }

    void takeSetting(std::string_view line)
    {
        constexpr std::size_t kMostSettings = 64;
        auto& settings = m_sink.meta().settings;
        if (settings.size() >= kMostSettings)
            return;
        const std::size_t colon = line.find(": ");
        if (colon == std::string_view::npos)
            settings["Measurement"] += (settings["Measurement"].empty() ? "" : "; ") + valid(line);
        else
            settings[valid(line.substr(0, colon))] = valid(trimmed(line.substr(colon + 1)));
    }

    static std::string unitName(std::string_view unit)
    {
        return unit == "usec" ? "µs" : unit == "msec" ? "ms" : unit == "infer/sec" ? "infer/s" : unit.starts_with("inference requests per") ? "1/s" : valid(unit);
    }

    static std::optional<std::size_t> columnOf(std::vector<std::string>& columns, const std::string& name)
    {
        const auto found = std::find(columns.begin(), columns.end(), name);
        if (found != columns.end())
            return static_cast<std::size_t>(found - columns.begin());
        if (columns.size() >= kMostColumns)
            return std::nullopt;
        columns.push_back(name);
        return columns.size() - 1;
    }

    EventSink& m_sink;
    TableTally& m_tally;
    std::vector<std::string> m_columns, m_listedColumns;
    std::vector<Row> m_rows, m_listed; ///< measurements in full; those of the list at the end
    std::string m_section;             ///< put in front of the columns' names
    bool m_isInSettings = false, m_isKept = true;
};

} // namespace

Result<void> parsePerfAnalyzerCsv(std::string_view text, EventSink& sink)
{
    TableTally& tally = sink.report().table("rows");
    std::vector<CsvTable> tables;
    bool isHeaderNext = true;
    CsvRecords records(text);
    while (std::optional<CsvRecord> record = records.next()) {
        Cells& cells = record->cells;
        if (record->isBlank()) { // genai-perf puts several tables into one file
            isHeaderNext = true;
        } else if (isHeaderNext && cells.size() > 1 && cells.size() <= kMostColumns && tables.size() < kMostColumns) {
            tables.emplace_back(std::move(cells));
            isHeaderNext = false;
        } else if (isHeaderNext) {
            tally.skip("no header above it");
        } else {
            tables.back().add(std::move(cells), tally);
        }
    }
    std::erase_if(tables, [](const CsvTable& table) { return table.isEmpty(); });
    if (tables.empty())
        return Error{ErrorCode::BadInput, "this table has no rows: was the measurement ended before its first result?", {}};
    const std::string producer = tables.front().producer();
    for (std::size_t i = 0; i < tables.size(); ++i)
        sink.add(tables[i].take(i == 0 ? producer : producer + " " + std::to_string(i + 1)));
    describe(sink, producer, producer + " table");
    return {};
}

Result<void> parsePerfAnalyzerText(std::string_view text, EventSink& sink)
{
    TextReader reader(sink);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        reader.takeLine(text.substr(at, end - at));
        at = end + 1;
    }
    if (reader.isEmpty())
        return Error{ErrorCode::BadInput, "this output of perf_analyzer has no measurement: it ended before its first result", {}};
    reader.finish();
    describe(sink, "perf_analyzer", "perf_analyzer output");
    return {};
}

Result<void> readPerfAnalyzerCsv(const std::filesystem::path& path, EventSink& sink, const ReadControl& control)
{
    GANTRY_TRY(const FileContents contents, readWhole(path, control, kLargestTable));
    describeFile(path, contents, sink);
    return parsePerfAnalyzerCsv(contents.text, sink).context(path.string());
}

Result<void> readPerfAnalyzerText(const std::filesystem::path& path, EventSink& sink, const ReadControl& control)
{
    GANTRY_TRY(const FileContents contents, readWhole(path, control, kLargestTable));
    describeFile(path, contents, sink);
    return parsePerfAnalyzerText(contents.text, sink).context(path.string());
}

} // namespace gantry::importing
