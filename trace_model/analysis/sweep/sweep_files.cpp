#include "trace_model/analysis/sweep/sweep_files.h"

#include "trace_model/analysis/sweep/sweep_report.h"
#include "trace_model/analysis/sweep/sweep_table.h"
#include "trace_model/import/file_contents.h"
#include "trace_model/import/file_format.h"
#include "trace_model/report/meta_keys.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

namespace gantry::sweep {
namespace {

using nlohmann::json;
using Path = std::filesystem::path;

constexpr std::uint64_t kLargestTable = 16 << 20;
constexpr int kDeepest = 16;             // of an index
constexpr std::size_t kMostFiles = 4096; // of a folder

Error badInput(std::string sentence)
{
    return {ErrorCode::BadInput, std::move(sentence), {}};
}

std::string textAt(const json& object, const char* key)
{
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Of a folder that may be somebody else's: a report lies beside its index.
bool isFileName(const std::string& name)
{
    return name.find('/') == std::string::npos && name != ".." && name != ".";
}

Result<IndexEntry> entryOf(const json& point, std::size_t number)
{
    if (!point.is_object())
        return badInput(fmt::format("point {} is no object", number));
    IndexEntry entry{{}, textAt(point, "report"), {}, textAt(point, "error")};
    if (!isFileName(entry.report))
        return badInput(fmt::format("the report of point {} is not a file beside the index", number));
    if (const auto load = point.find("load"); load != point.end() && load->is_object())
        entry.load = load->dump();
    const auto parameters = point.find("parameters");
    if (parameters == point.end() || !parameters->is_array())
        return badInput(fmt::format("point {} has no list of parameters", number));
    for (const json& parameter : *parameters) {
        if (!parameter.is_object() || textAt(parameter, "name").empty())
            return badInput(fmt::format("a parameter of point {} has no name", number));
        entry.parameters.push_back({textAt(parameter, "name"), textAt(parameter, "value")});
    }
    return entry;
}

/// Reads one thing after the other into points.
class SweepReader
{
public:
    SweepReader(const ReadOptions& options, std::size_t count) : m_options(options), m_count(count) {}

    Result<void> readNamed(const Path& path)
    {
        std::error_code failure;
        if (std::filesystem::is_directory(path, failure))
            return readFolder(path);
        return readFile(path);
    }

    [[nodiscard]] std::vector<Point> take() { return std::move(m_points); }

private:
    Result<void> step(const Path& path)
    {
        if (m_options.stop.stop_requested())
            return Error{ErrorCode::Cancelled, "reading the sweep was cancelled", {}};
        if (m_options.progress)
            m_options.progress(static_cast<double>(m_done) / static_cast<double>(std::max(m_count, m_done + 1)), path.filename().string());
        ++m_done;
        return {};
    }

    Result<void> readFile(const Path& path)
    {
        GANTRY_CHECK(step(path));
        if (path.string().ends_with(kIndexEnding))
            return readIndex(path);
        // A table that is damaged is told from what is none by its name; the rest by its content.
        if (path.extension() == ".csv")
            return readTable(path);
        const auto format = importing::recogniseFormat(path);
        if (!format)
            return format.error();
        return *format == importing::FileFormat::PerfAnalyzerCsv ? readTable(path) : readReport(path);
    }

    Result<void> readTable(const Path& path)
    {
        importing::ReadControl control;
        control.stop = m_options.stop;
        GANTRY_TRY(const importing::FileContents contents, importing::readWhole(path, control, kLargestTable));
        auto points = pointsOfCsv(contents.text, path);
        if (!points)
            return std::move(points).context(path.string()).error();
        add(std::move(*points));
        return {};
    }

    Result<void> readReport(const Path& path)
    {
        GANTRY_TRY(const auto trace, m_options.open(path));
        if (trace->requests.empty() && !trace->summaries.empty()) {
            auto points = pointsOfTable(trace->summaries.front(), path);
            if (!points)
                return std::move(points).context(path.string()).error();
            add(std::move(*points));
            return {};
        }
        if (const auto recipe = trace->meta.settings.find(report::meta::kRecipeName); recipe != trace->meta.settings.end())
            m_recipeTables.insert(path.parent_path() / (recipe->second + ".csv"));
        add(pointsOfReport(*trace, path));
        return {};
    }

    Result<void> readIndex(const Path& path)
    {
        GANTRY_TRY(const importing::FileContents contents, importing::readWhole(path, {}, kLargestTable));
        auto entries = parseIndex(contents.text);
        if (!entries)
            return std::move(entries).context(path.string()).error();
        m_count += entries->size();
        for (const IndexEntry& entry : *entries)
            GANTRY_CHECK(readEntry(entry, path));
        return {};
    }

    /// What the report knows, with what the recipe said over it.
    Result<void> readEntry(const IndexEntry& entry, const Path& index)
    {
        Point point;
        const Path report = entry.report.empty() ? Path() : index.parent_path() / entry.report;
        if (!report.empty()) {
            m_indexed.insert(report);
            GANTRY_CHECK(step(report));
            const auto trace = m_options.open(report);
            if (!trace && trace.error().code == ErrorCode::Cancelled)
                return trace.error();
            if (trace)
                point = pointsOfReport(**trace, report).front();
            else
                point.error = trace.error().text();
        }
        point.name.clear();
        point.file = report.empty() ? index : report;
        std::vector<Parameter> parameters = entry.parameters;
        for (Parameter& known : point.parameters)
            if (std::none_of(parameters.begin(), parameters.end(), [&](const Parameter& said) { return said.name == known.name; }))
                parameters.push_back(std::move(known));
        point.parameters = std::move(parameters);
        // The report has the same, unless it could not be read.
        if (!entry.load.empty() && point.measuredBy != MeasuredBy::Client && !takeLoad(point, entry.load))
            point.notes.emplace_back("what its load measured cannot be read");
        if (!entry.error.empty())
            point.error = entry.error;
        m_points.push_back(std::move(point));
        return {};
    }

    Result<void> readFolder(const Path& folder)
    {
        std::vector<Path> indexes, reports, tables;
        GANTRY_CHECK(list(folder, indexes, reports, tables));
        if (indexes.empty() && reports.empty() && tables.empty())
            return badInput(fmt::format("{} has no report (.gantry), table (.csv) or index of a sweep ({}): `gantryctl recipe run` with a "
                                        "sweep makes them",
                                        folder.string(), kIndexEnding));
        m_count += indexes.size() + reports.size() + tables.size();
        for (const Path& path : indexes)
            GANTRY_CHECK(orPoint(path));
        for (const Path& path : reports)
            if (!m_indexed.contains(path))
                GANTRY_CHECK(orPoint(path));
        for (const Path& path : tables) // that of a recipe's load is in its report
            if (!m_recipeTables.contains(path))
                GANTRY_CHECK(orPoint(path));
        return {};
    }

    static Result<void> list(const Path& folder, std::vector<Path>& indexes, std::vector<Path>& reports, std::vector<Path>& tables)
    {
        std::error_code failure;
        std::size_t count = 0;
        for (std::filesystem::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
            const Path& path = entry->path();
            std::vector<Path>* kind = path.string().ends_with(kIndexEnding) ? &indexes
                                      : path.extension() == ".gantry"       ? &reports
                                      : path.extension() == ".csv"          ? &tables
                                                                            : nullptr;
            if (!kind)
                continue;
            if (++count > kMostFiles)
                return badInput(
                    fmt::format("{} has more than {} reports and tables: name those of the sweep", folder.string(), kMostFiles));
            kind->push_back(path);
        }
        if (failure)
            return errnoError(failure.value(), "cannot read the folder " + folder.string());
        for (auto* kind : {&indexes, &reports, &tables})
            std::sort(kind->begin(), kind->end());
        return {};
    }

    /// What cannot be read is a point that says so.
    Result<void> orPoint(const Path& path)
    {
        auto read = readFile(path);
        if (read || read.error().code == ErrorCode::Cancelled)
            return read;
        Point point;
        point.name = path.filename().string();
        point.file = path;
        point.error = read.error().text();
        m_points.push_back(std::move(point));
        return {};
    }

    void add(std::vector<Point> points)
    {
        m_points.insert(m_points.end(), std::make_move_iterator(points.begin()), std::make_move_iterator(points.end()));
    }

    const ReadOptions& m_options;
    std::size_t m_count, m_done = 0; ///< of files
    std::set<Path> m_indexed, m_recipeTables;
    std::vector<Point> m_points;
};

} // namespace

std::string indexText(const std::string& name, const std::vector<IndexEntry>& entries)
{
    const auto orNull = [](const std::string& text) { return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text); };
    nlohmann::ordered_json document = {
        {"format", "gantry-sweep"}, {"version", kIndexVersion}, {"name", name}, {"points", nlohmann::ordered_json::array()}};
    for (const IndexEntry& entry : entries) {
        nlohmann::ordered_json parameters = nlohmann::ordered_json::array();
        for (const Parameter& parameter : entry.parameters)
            parameters.push_back({{"name", parameter.name}, {"value", parameter.value}});
        const auto load = nlohmann::ordered_json::parse(entry.load, nullptr, false);
        document["points"].push_back({{"parameters", parameters},
                                      {"report", orNull(entry.report)},
                                      {"load", load.is_discarded() ? nlohmann::ordered_json() : load},
                                      {"error", orNull(entry.error)}});
    }
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n"; // names and errors are bytes of others
}

Result<std::vector<IndexEntry>> parseIndex(std::string_view text)
{
    // What is written again is so by recursion: of a file that nests without end that would end the program.
    const auto isShallow = [](int depth, json::parse_event_t, const json&) { return depth <= kDeepest; };
    const json document = json::parse(text, isShallow, false);
    if (!document.is_object() || textAt(document, "format") != "gantry-sweep")
        return badInput("this is no index of a sweep as `gantryctl recipe run` writes it");
    if (document.value("version", json()) != kIndexVersion)
        return Error{ErrorCode::UnsupportedVersion, "this index of a sweep is of a newer version: update Gantry", {}};
    const auto points = document.find("points");
    if (points == document.end() || !points->is_array() || points->size() > kMostFiles)
        return badInput("this index of a sweep has no list of points");
    std::vector<IndexEntry> entries;
    for (const json& point : *points) {
        GANTRY_TRY(IndexEntry entry, entryOf(point, entries.size() + 1));
        entries.push_back(std::move(entry));
    }
    return entries;
}

Result<Sweep> readSweep(std::span<const Path> paths, const ReadOptions& options)
{
    SweepReader reader(options, paths.size());
    for (const Path& path : paths)
        GANTRY_CHECK(reader.readNamed(path));
    std::vector<Point> points = reader.take();
    joinGpuRows(points);
    if (points.empty())
        return badInput("there is nothing of requests in these tables: give the one with throughput and latency too");
    return arranged(std::move(points));
}

} // namespace gantry::sweep
