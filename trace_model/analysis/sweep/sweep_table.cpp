#include "trace_model/analysis/sweep/sweep_table.h"

#include "trace_model/import/csv_records.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <span>
#include <string>

namespace gantry::sweep {
namespace {

constexpr std::size_t kMostColumns = 512, kMostRows = 16384; // as importing such tables allows
constexpr std::size_t kMostCells = 1'000'000;                // each is kept with the name of its column

/// "p99 Latency (ms)" in its parts.
struct Heading
{
    std::string words; ///< in small letters with single blanks: "p99 latency"
    std::string unit;  ///< "ms"; empty: none
};

Heading headingOf(const std::string& cell)
{
    Heading heading;
    const std::size_t open = cell.rfind('('), close = cell.rfind(')');
    const bool hasUnit = open != std::string::npos && close != std::string::npos && open < close;
    if (hasUnit)
        heading.unit = cell.substr(open + 1, close - open - 1);
    for (const char c : cell.substr(0, hasUnit ? open : cell.size())) {
        const bool isPart = std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80;
        if (isPart)
            heading.words += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        else if (!heading.words.empty() && heading.words.back() != ' ')
            heading.words += ' ';
    }
    if (heading.words.ends_with(' '))
        heading.words.pop_back();
    return heading;
}

/// By how much a value in this unit is multiplied; absent: not a unit of such figures.
std::optional<double> factorOf(Figure figure, const std::string& unit)
{
    static const std::map<std::string, double> kTimes = {{"", 1e3},   {"ns", 1},     {"us", 1e3}, {"µs", 1e3}, {"usec", 1e3},
                                                         {"ms", 1e6}, {"msec", 1e6}, {"s", 1e9},  {"sec", 1e9}};
    // Model Analyzer's MB are a million bytes each.
    static const std::map<std::string, double> kSizes = {
        {"", 1}, {"bytes", 1}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"MiB", 1 << 20}, {"GiB", 1024. * (1 << 20)}};
    static const std::map<std::string, double> kShares = {{"", 1}, {"ratio", 1}, {"%", 0.01}};
    const std::string_view of = wordsOf(figure).unit;
    if (of != "ns" && of != "bytes" && of != "ratio")
        return 1;
    const auto& factors = of == "ns" ? kTimes : of == "bytes" ? kSizes : kShares;
    const auto found = factors.find(unit);
    return found == factors.end() ? std::nullopt : std::optional(found->second);
}

/// What a column means.
struct Meaning
{
    std::optional<Figure> figure;
    double factor = 1;
    std::string setting; ///< empty, and no figure: it is kept as it is
};

Meaning meaningOf(const std::string& cell)
{
    static const std::map<std::string, Figure> kFigures = {{"inferences second", Figure::Throughput},
                                                           {"throughput", Figure::Throughput},
                                                           {"request count", Figure::Requests},
                                                           {"p50 latency", Figure::P50},
                                                           {"p90 latency", Figure::P90},
                                                           {"p95 latency", Figure::P95},
                                                           {"p99 latency", Figure::P99},
                                                           {"gpu utilization", Figure::GpuBusy},
                                                           {"avg gpu utilization", Figure::GpuBusy},
                                                           {"gpu memory usage", Figure::GpuMemory},
                                                           {"max gpu memory usage", Figure::GpuMemory}};
    static const std::map<std::string, const char*> kSettings = {
        {"model", "model"},
        {"concurrency", "concurrency"},
        {"request concurrency", "concurrency"},
        {"request rate", "request rate"},
        {"batch", "batch"},
        {"model config path", "model config"},
        {"instance group", "instances"},
        {"max batch size", "max batch size"},
        {"dynamic batching", "dynamic batching"},
        {"dynamic batcher sizes", "dynamic batcher sizes"},
        {"preferred batch sizes", "preferred batch sizes"},
    };
    for (std::size_t i = 0; i < kFigureCount; ++i) // a table that Gantry wrote
        if (const auto figure = static_cast<Figure>(i); cell == wordsOf(figure).key)
            return {figure, 1, {}};
    const Heading heading = headingOf(cell);
    if (const auto found = kFigures.find(heading.words); found != kFigures.end())
        if (const auto factor = factorOf(found->second, heading.unit))
            return {found->second, *factor, {}};
    if (const auto found = kSettings.find(heading.words); found != kSettings.end())
        return {std::nullopt, 1, found->second};
    return {};
}

/// One number, or one for each GPU ("GPU-1:0.3;GPU-2:0.5;"): the mean share, the sum of memory. Absent: it is none, or below 0.
std::optional<double> figureIn(const std::string& cell, Figure figure)
{
    if (const auto number = importing::numberIn(cell))
        return *number >= 0 ? number : std::nullopt;
    if (figure != Figure::GpuBusy && figure != Figure::GpuMemory)
        return std::nullopt;
    double sum = 0;
    int count = 0;
    for (std::size_t at = 0; at < cell.size();) {
        const std::size_t end = std::min(cell.find(';', at), cell.size()), colon = cell.rfind(':', end);
        if (colon == std::string::npos || colon < at)
            break;
        const auto number = importing::numberIn(std::string_view(cell).substr(colon + 1, end - colon - 1));
        if (!number || *number < 0)
            return std::nullopt;
        sum += *number;
        ++count;
        at = end + 1;
    }
    if (count == 0)
        return std::nullopt;
    return figure == Figure::GpuBusy ? sum / count : sum;
}

/// "2:GPU" is two instances of that kind; what is written in another way stays as it is.
void addSetting(Point& point, const std::string& name, const std::string& value)
{
    const std::size_t colon = value.find(':');
    const bool isGroup = name == "instances" && colon != std::string::npos && importing::numberIn(value.substr(0, colon)) &&
                         value.find_first_of(":+,", colon + 1) == std::string::npos;
    point.parameters.push_back({name, isGroup ? value.substr(0, colon) : value});
    if (isGroup)
        point.parameters.push_back({"instance kind", value.substr(colon + 1)});
}

Point pointOf(const std::vector<std::string>& header, const std::vector<Meaning>& meanings, std::span<const std::string> cells,
              const std::filesystem::path& file)
{
    Point point;
    point.file = file;
    point.measuredBy = MeasuredBy::Client;
    point.parameters.push_back({"file", file.stem().string()});
    for (std::size_t i = 0; i < meanings.size(); ++i) {
        const Meaning& meaning = meanings[i];
        if (meaning.figure) {
            if (const auto value = figureIn(cells[i], *meaning.figure))
                point.figures[*meaning.figure] = *value * meaning.factor;
        } else if (!meaning.setting.empty()) {
            if (!cells[i].empty())
                addSetting(point, meaning.setting, cells[i]);
        } else if (!header[i].empty()) {
            point.others.emplace_back(header[i], cells[i]);
        }
    }
    return point;
}

bool isOfGpuAlone(const Point& point)
{
    const auto isGpu = [](Figure figure) { return figure == Figure::GpuBusy || figure == Figure::GpuMemory; };
    bool hasGpu = false;
    for (std::size_t i = 0; i < kFigureCount; ++i) {
        if (point.figures.value[i] && !isGpu(static_cast<Figure>(i)))
            return false;
        hasGpu = hasGpu || point.figures.value[i];
    }
    return hasGpu && point.trace.empty() && point.error.empty();
}

/// Whether a row of a GPU is of this measurement: what it says of settings is what that says.
bool isOf(const Point& row, const Point& point)
{
    return row.file.parent_path() == point.file.parent_path() &&
           std::all_of(row.parameters.begin(), row.parameters.end(), [&](const Parameter& parameter) {
               const std::string* value = point.parameter(parameter.name);
               return parameter.name == "file" || (value && *value == parameter.value);
           });
}

Error badTable(std::size_t line, std::size_t column, const std::string& sentence)
{
    return {ErrorCode::BadInput, fmt::format("line {}, column {}: {}", line, column, sentence), {}};
}

Result<std::vector<Meaning>> meaningsOf(const std::vector<std::string>& header, std::size_t line)
{
    if (header.size() > kMostColumns)
        return badTable(line, kMostColumns + 1, fmt::format("this is no table of measurements: it has {} columns", header.size()));
    std::vector<Meaning> meanings;
    std::map<Figure, std::size_t> seen;
    for (std::size_t i = 0; i < header.size(); ++i) {
        meanings.push_back(meaningOf(header[i]));
        if (meanings.back().figure && !seen.emplace(*meanings.back().figure, i).second)
            return badTable(
                line, i + 1,
                fmt::format("'{}' is the same figure as column {}: leave one of them out", header[i], seen[*meanings.back().figure] + 1));
    }
    const bool isOfGpus = seen.contains(Figure::GpuBusy) || seen.contains(Figure::GpuMemory);
    const bool hasFigure = isOfGpus || seen.contains(Figure::Throughput) || seen.contains(Figure::P50) || seen.contains(Figure::P99);
    if (!hasFigure)
        return badTable(line, 1,
                        "no column of this header is a throughput ('Inferences/Second', 'Throughput (infer/sec)') or a latency ('p99 "
                        "latency'): give a table of perf_analyzer -f, or metrics-model-inference.csv of Model Analyzer");
    return meanings;
}

} // namespace

Result<std::vector<Point>> pointsOfCsv(std::string_view text, const std::filesystem::path& file)
{
    importing::CsvRecords records(text);
    std::vector<std::string> header;
    std::vector<Meaning> meanings;
    std::vector<Point> points;
    while (std::optional<importing::CsvRecord> record = records.next()) {
        std::vector<std::string>& cells = record->cells;
        if (record->isOpen)
            return badTable(record->line, cells.size(), "a quote begins here that does not end: is the file cut off?");
        if (record->isBlank())
            continue;
        while (!header.empty() && cells.size() > header.size() && cells.back().empty()) // "…;," ends lines of perf_analyzer with GPUs
            cells.pop_back();
        if (header.empty()) {
            header = cells;
            GANTRY_TRY(meanings, meaningsOf(header, record->line));
        } else if (cells.size() != header.size()) {
            return badTable(record->line, std::min(cells.size(), header.size()) + 1,
                            fmt::format("this row has {} cells and the header {}", cells.size(), header.size()));
        } else if (points.size() >= kMostRows || points.size() * header.size() >= kMostCells) {
            return badTable(record->line, 1, fmt::format("a sweep has {} points at most, and {} cells", kMostRows, kMostCells));
        } else {
            points.push_back(pointOf(header, meanings, cells, file));
        }
    }
    if (header.empty())
        return badTable(1, 1, "the file is empty: a table begins with a line of column names");
    if (points.empty())
        return badTable(2, 1, "there is no row below the header: was the measurement ended before its first result?");
    return points;
}

Result<std::vector<Point>> pointsOfTable(const importing::SummaryTable& table, const std::filesystem::path& file)
{
    GANTRY_TRY(const std::vector<Meaning> meanings, meaningsOf(table.columns, 1));
    std::vector<Point> points;
    for (const std::vector<std::string>& cells : table.rows)
        if (cells.size() == table.columns.size())
            points.push_back(pointOf(table.columns, meanings, cells, file));
    return points;
}

void joinGpuRows(std::vector<Point>& points)
{
    std::vector<Point> rows;
    for (const Point& point : points)
        if (isOfGpuAlone(point))
            rows.push_back(point);
    if (rows.empty())
        return;
    std::erase_if(points, isOfGpuAlone);
    for (Point& point : points) {
        double busy = 0, memory = 0;
        std::size_t busyRows = 0, memoryRows = 0;
        for (const Point& row : rows) {
            if (!isOf(row, point))
                continue;
            busy += row.figures[Figure::GpuBusy].value_or(0);
            busyRows += row.figures[Figure::GpuBusy].has_value();
            memory += row.figures[Figure::GpuMemory].value_or(0);
            memoryRows += row.figures[Figure::GpuMemory].has_value();
        }
        if (busyRows > 0 && !point.figures[Figure::GpuBusy])
            point.figures[Figure::GpuBusy] = busy / static_cast<double>(busyRows);
        if (memoryRows > 0 && !point.figures[Figure::GpuMemory])
            point.figures[Figure::GpuMemory] = memory;
    }
}

} // namespace gantry::sweep
