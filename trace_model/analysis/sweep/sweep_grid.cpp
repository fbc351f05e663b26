#include "trace_model/analysis/sweep/sweep_grid.h"

#include "trace_model/import/csv_records.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gantry::sweep {
namespace {

bool isShown(const Sweep& sweep, Figure figure)
{
    const auto has = [&](const Point& point) {
        const auto& value = point.figures[figure];
        // That nothing was lost and nothing failed is what one expects: a column of zeros tells nothing.
        const bool isTrouble = figure == Figure::Failures || figure == Figure::Dropped;
        return value && (!isTrouble || *value > 0);
    };
    return std::any_of(sweep.points.begin(), sweep.points.end(), has);
}

Cell textCell(const std::string& text)
{
    return {text, importing::numberIn(text)};
}

std::string otherOf(const Point& point, const std::string& name)
{
    const auto found = std::find_if(point.others.begin(), point.others.end(), [&](const auto& one) { return one.first == name; });
    return found == point.others.end() ? std::string() : found->second;
}

} // namespace

std::vector<Column> columnsOf(const Sweep& sweep)
{
    std::vector<Column> columns = {{Column::Of::Front, "front"}};
    if (std::any_of(sweep.points.begin(), sweep.points.end(), [](const Point& point) { return !point.isNamedByParameters; }))
        columns.push_back({Column::Of::Name, "point"});
    for (const std::string& name : sweep.parameters)
        columns.push_back({Column::Of::Parameter, name});
    for (std::size_t i = 0; i < kFigureCount; ++i)
        if (const auto figure = static_cast<Figure>(i); isShown(sweep, figure))
            columns.push_back({Column::Of::Figure, std::string(wordsOf(figure).title), figure});
    for (const std::string& name : sweep.others)
        columns.push_back({Column::Of::Other, name});
    for (std::size_t i = 0; i < sweep.points.size(); ++i)
        if (!remarksOn(sweep, i).empty()) {
            columns.push_back({Column::Of::Remarks, "remarks"});
            break;
        }
    return columns;
}

Cell cellOf(const Sweep& sweep, std::size_t index, const Column& column)
{
    const Point& point = sweep.points[index];
    switch (column.of) {
    case Column::Of::Front:
        return sweep.isOnFront(index) ? Cell{"●", 1} : Cell{"", 0};
    case Column::Of::Name:
        return {point.name, {}};
    case Column::Of::Parameter:
        if (const std::string* value = point.parameter(column.title))
            return textCell(*value);
        return {};
    case Column::Of::Figure:
        if (const auto& value = point.figures[column.figure])
            return {figureText(column.figure, *value), value};
        return {};
    case Column::Of::Other:
        return textCell(otherOf(point, column.title));
    case Column::Of::Remarks:
        return {fmt::format("{}", fmt::join(remarksOn(sweep, index), "; ")), {}};
    }
    return {};
}

} // namespace gantry::sweep
