#include "app/cli/sweep_forms.h"

#include "app/cli/printable.h"
#include "app/cli/text_table.h"
#include "trace_model/analysis/sweep/sweep_grid.h"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

using sweep::Column;
using sweep::Figure;

constexpr std::size_t kWidestCell = 60;

const char* wordOf(sweep::MeasuredBy by)
{
    return by == sweep::MeasuredBy::Client ? "client" : by == sweep::MeasuredBy::Server ? "server" : "";
}

nlohmann::json orNull(const std::string& text)
{
    return text.empty() ? nlohmann::json() : nlohmann::json(text);
}

nlohmann::json pointJson(const sweep::Sweep& all, std::size_t index)
{
    const sweep::Point& point = all.points[index];
    nlohmann::json document = {{"name", point.name},
                               {"parameters", nlohmann::json::object()},
                               {"on_front", all.isOnFront(index)},
                               {"measured_by", orNull(wordOf(point.measuredBy))},
                               {"why_no_p99", orNull(point.whyNoP99)},
                               {"remarks", sweep::remarksOn(all, index)},
                               {"file", point.file.string()},
                               {"report", orNull(point.trace.string())},
                               {"error", orNull(point.error)}};
    for (const std::string& name : all.parameters)
        if (const std::string* value = point.parameter(name))
            document["parameters"][name] = *value;
    for (std::size_t i = 0; i < sweep::kFigureCount; ++i) {
        const auto figure = static_cast<Figure>(i);
        const auto& value = point.figures[figure];
        document[std::string(sweep::wordsOf(figure).key)] = value ? nlohmann::json(*value) : nlohmann::json();
    }
    for (const auto& [name, value] : point.others)
        document["others"][name] = value;
    return document;
}

std::string csvCell(const std::string& text)
{
    if (text.find_first_of(",\"\r\n") == std::string::npos)
        return text;
    std::string cell = "\"";
    for (const char c : text)
        cell += c == '"' ? std::string("\"\"") : std::string(1, c);
    return cell + '"';
}

std::string csvText(const sweep::Sweep& all, std::size_t index, const Column& column)
{
    const sweep::Cell cell = sweep::cellOf(all, index, column);
    if (column.of == Column::Of::Front)
        return cell.number == 1.0 ? "1" : "0";
    if (column.of == Column::Of::Figure)
        return cell.number ? fmt::format("{}", *cell.number) : std::string();
    return csvCell(cell.text);
}

/// With names, whatever they are made of, and every figure that a point has: what reads a table looks for the same columns.
std::vector<Column> csvColumns(const sweep::Sweep& all)
{
    std::vector<Column> columns = sweep::columnsOf(all);
    if (std::none_of(columns.begin(), columns.end(), [](const Column& column) { return column.of == Column::Of::Name; }))
        columns.insert(columns.begin() + 1, {Column::Of::Name, "point"});
    return columns;
}

} // namespace

std::string sweepText(const sweep::Sweep& all, const sweep::Choice& choice)
{
    const std::vector<Column> columns = sweep::columnsOf(all);
    std::vector<std::string> titles;
    std::vector<std::vector<std::string>> rows(all.points.size());
    for (const Column& column : columns) {
        titles.push_back(column.of == Column::Of::Front ? "" : column.title);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::string text = column.of == Column::Of::Front ? (all.isOnFront(i) ? "*" : " ") : sweep::cellOf(all, i, column).text;
            rows[i].push_back(column.of == Column::Of::Remarks ? text : shortened(text, kWidestCell));
            if (column.of == Column::Of::Remarks && text.empty())
                rows[i].back() = " ";
        }
    }
    std::string text = alignedTable(titles, rows);
    text += fmt::format("\n* on the front: no other point has both a higher throughput and a lower p99 ({} of {})\n", all.front.size(),
                        all.points.size());
    for (const std::string& limit : all.limits)
        text += printable(limit) + "\n";
    return text + "best: " + printable(choice.sentence) + "\n";
}

nlohmann::json sweepJson(const sweep::Sweep& all, const sweep::Choice& choice)
{
    nlohmann::json document = {{"points", nlohmann::json::array()},
                               {"front", all.front},
                               {"ties", all.ties},
                               {"limits", all.limits},
                               {"best", {{"point", nullptr}, {"sentence", choice.sentence}}}};
    if (choice.best)
        document["best"]["point"] = *choice.best;
    for (std::size_t i = 0; i < all.points.size(); ++i)
        document["points"].push_back(pointJson(all, i));
    return document;
}

std::string sweepCsv(const sweep::Sweep& all)
{
    const std::vector<Column> columns = csvColumns(all);
    std::string text;
    for (const Column& column : columns)
        text += (text.empty() ? "" : ",") + csvCell(column.of == Column::Of::Figure  ? std::string(sweep::wordsOf(column.figure).key)
                                                    : column.of == Column::Of::Front ? std::string("on_front")
                                                                                     : column.title);
    text += ",report\n";
    for (std::size_t i = 0; i < all.points.size(); ++i) {
        std::string row;
        for (const Column& column : columns)
            row += csvText(all, i, column) + ",";
        text += row + csvCell(all.points[i].trace.string()) + "\n";
    }
    return text;
}

} // namespace gantry::cli
