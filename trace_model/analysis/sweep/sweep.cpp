#include "trace_model/analysis/sweep/sweep.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <set>

namespace gantry::sweep {
namespace {

using Values = std::vector<std::string>; ///< of a parameter, by point; kNone where a point has it not
constexpr const char* kNone = "";

/// A parameter as a column over all points.
struct ParameterColumn
{
    std::string name;
    bool isStated = false;
    bool isListOfAll = false; ///< without a value it is not set, and not just unknown
    Values values;
};

std::vector<ParameterColumn> columnsOf(const std::vector<Point>& points)
{
    std::vector<ParameterColumn> columns;
    for (std::size_t i = 0; i < points.size(); ++i)
        for (const Parameter& parameter : points[i].parameters) {
            auto column = std::find_if(columns.begin(), columns.end(), [&](const auto& one) { return one.name == parameter.name; });
            if (column == columns.end())
                column = columns.insert(columns.end(), {parameter.name, false, false, Values(points.size(), kNone)});
            column->isStated |= !parameter.circumstance;
            column->isListOfAll |= parameter.circumstance && analysis::isListOfAll(*parameter.circumstance);
            column->values[i] = parameter.value;
        }
    // What was said first, in its order; then what the reports hold, from what people set to what the machine did.
    std::stable_partition(columns.begin(), columns.end(), [](const ParameterColumn& column) { return column.isStated; });
    return columns;
}

/// What a point that could not be measured does not say is unknown, and not another value.
bool differs(const ParameterColumn& column, const std::vector<Point>& points)
{
    std::set<std::string> values;
    for (std::size_t i = 0; i < points.size(); ++i)
        if (const bool mayLack = (column.isStated || column.isListOfAll) && points[i].error.empty(); mayLack || column.values[i] != kNone)
            values.insert(column.values[i]);
    return values.size() > 1;
}

/// Each value by the number of the point that has it first: the same for columns that tell the same points apart.
std::vector<std::size_t> partitionBy(const ParameterColumn& column)
{
    std::map<std::string, std::size_t> first;
    std::vector<std::size_t> partition;
    for (std::size_t i = 0; i < column.values.size(); ++i)
        partition.push_back(first.emplace(column.values[i], i).first->second);
    return partition;
}

std::vector<std::string> telling(const std::vector<Point>& points)
{
    std::vector<std::string> names;
    std::set<std::vector<std::size_t>> stated;
    for (const ParameterColumn& column : columnsOf(points)) {
        if (!differs(column, points))
            continue;
        if (column.isStated)
            stated.insert(partitionBy(column));
        else if (stated.contains(partitionBy(column)))
            continue;
        names.push_back(column.name);
    }
    return names;
}

void claimP99(Point& point)
{
    const auto& requests = point.figures[Figure::Requests];
    auto& p99 = point.figures[Figure::P99];
    if (!p99 || !requests || *requests >= kFewestForP99)
        return;
    p99.reset();
    point.whyNoP99 = fmt::format("{:.0f} requests, of which one in {:.0f} would lie beyond it: measure longer", *requests, kFewestForP99);
}

std::string nameOf(const Point& point, const std::vector<std::string>& telling)
{
    std::vector<std::string> parts;
    for (const std::string& name : telling)
        if (const std::string* value = point.parameter(name))
            parts.push_back(name + " " + *value);
    return parts.empty() ? point.file.stem().string() : fmt::format("{}", fmt::join(parts, ", "));
}

bool hasBoth(const Point& point)
{
    return point.figures[Figure::Throughput] && point.figures[Figure::P99];
}

/// Points by falling throughput and rising p99: one is on the front when its p99 is below that of all before it.
void findFront(Sweep& sweep)
{
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < sweep.points.size(); ++i)
        if (hasBoth(sweep.points[i]))
            order.push_back(i);
    const auto throughput = [&](std::size_t i) { return *sweep.points[i].figures[Figure::Throughput]; };
    const auto p99 = [&](std::size_t i) { return *sweep.points[i].figures[Figure::P99]; };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return throughput(a) != throughput(b) ? throughput(a) > throughput(b) : p99(a) < p99(b);
    });
    std::map<std::pair<double, double>, std::vector<std::size_t>> same;
    for (const std::size_t i : order) {
        same[{throughput(i), p99(i)}].push_back(i);
        const bool isFirst = sweep.front.empty();
        const bool isTie = !isFirst && throughput(i) == throughput(sweep.front.back()) && p99(i) == p99(sweep.front.back());
        if (isFirst || isTie || p99(i) < p99(sweep.front.back()))
            sweep.front.push_back(i);
    }
    std::reverse(sweep.front.begin(), sweep.front.end());
    for (auto& [at, points] : same)
        if (points.size() > 1)
            sweep.ties.push_back(std::move(points));
}

std::vector<std::string> limitsOf(const std::vector<Point>& points)
{
    std::vector<std::string> limits;
    const auto count = [&](auto meets) { return std::count_if(points.begin(), points.end(), meets); };
    const auto byClient = count([](const Point& p) { return p.measuredBy == MeasuredBy::Client; });
    const auto byServer = count([](const Point& p) { return p.measuredBy == MeasuredBy::Server; });
    if (byClient > 0 && byServer > 0)
        limits.push_back(fmt::format("Latencies of {} points are the client's, those of {} the server's, which lack the network and the "
                                     "waiting before it: the two do not compare.",
                                     byClient, byServer));
    if (const auto absent = count([](const Point& p) { return p.error.empty() && !hasBoth(p); }); absent > 0)
        limits.push_back(fmt::format("{} of {} points {} no throughput or no p99 and cannot be on the front.", absent, points.size(),
                                     absent == 1 ? "has" : "have"));
    if (const auto failed = count([](const Point& p) { return !p.error.empty(); }); failed > 0)
        limits.push_back(fmt::format("{} of {} points could not be measured or read.", failed, points.size()));
    return limits;
}

std::vector<std::string> otherColumns(const std::vector<Point>& points)
{
    std::vector<std::string> names;
    std::set<std::string_view> seen;
    for (const Point& point : points)
        for (const auto& [name, value] : point.others)
            if (seen.insert(name).second)
                names.push_back(name);
    return names;
}

} // namespace

const std::string* Point::parameter(std::string_view wanted) const
{
    const auto found = std::find_if(parameters.begin(), parameters.end(), [&](const Parameter& one) { return one.name == wanted; });
    return found == parameters.end() ? nullptr : &found->value;
}

bool Sweep::isOnFront(std::size_t point) const
{
    return std::find(front.begin(), front.end(), point) != front.end();
}

Sweep arranged(std::vector<Point> points)
{
    Sweep sweep;
    std::for_each(points.begin(), points.end(), claimP99);
    sweep.parameters = telling(points);
    std::map<std::string, std::size_t> named;
    for (Point& point : points)
        if (point.name.empty()) {
            point.name = nameOf(point, sweep.parameters);
            point.isNamedByParameters = !sweep.parameters.empty();
            if (const std::size_t number = ++named[point.name]; number > 1) // measured several times
                point.name += fmt::format(" #{}", number);
        }
    std::stable_sort(points.begin(), points.end(), [](const Point& a, const Point& b) {
        const auto &x = a.figures[Figure::Throughput], &y = b.figures[Figure::Throughput];
        return x && y ? *x > *y : x.has_value() && !y.has_value();
    });
    sweep.limits = limitsOf(points);
    sweep.others = otherColumns(points);
    sweep.points = std::move(points);
    findFront(sweep);
    return sweep;
}

} // namespace gantry::sweep
