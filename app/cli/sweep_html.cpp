#include "app/cli/html_text.h"
#include "app/cli/sweep_forms.h"
#include "trace_model/analysis/sweep/sweep_grid.h"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

using sweep::Column;
using sweep::Figure;

constexpr double kLeft = 90, kTop = 16, kWidth = 800, kHeight = 320;
constexpr int kSteps = 4; // of an axis

/// Where points stand in the picture: both axes begin at 0.
struct Scale
{
    double throughput = 1, p99 = 1; ///< at the ends of the axes

    [[nodiscard]] double x(double value) const { return kLeft + kWidth * value / throughput; }
    [[nodiscard]] double y(double value) const { return kTop + kHeight * (1 - value / p99); }
};

std::string axes(const Scale& scale)
{
    std::string svg;
    for (int i = 0; i <= kSteps; ++i) {
        const double part = static_cast<double>(i) / kSteps;
        const double x = kLeft + kWidth * part, y = kTop + kHeight * (1 - part);
        svg +=
            fmt::format("<line x1={0} x2={1} y1={2:.0f} y2={2:.0f} stroke='var(--line)'/><text x={3} y={4:.0f} text-anchor=end>{5}</text>"
                        "<text x={6:.0f} y={7} text-anchor=middle>{8}</text>",
                        kLeft, kLeft + kWidth, y, kLeft - 8, y + 4, sweep::figureText(Figure::P99, scale.p99 * part), x,
                        kTop + kHeight + 18, sweep::figureText(Figure::Throughput, scale.throughput * part));
    }
    return svg;
}

/// Throughput against p99: the front as a line, each point with its name as the tooltip.
std::string picture(const sweep::Sweep& all)
{
    Scale scale;
    std::string points, front;
    const auto both = [](const sweep::Point& point) { return point.figures[Figure::Throughput] && point.figures[Figure::P99]; };
    for (const sweep::Point& point : all.points)
        if (both(point)) {
            scale.throughput = std::max(scale.throughput, *point.figures[Figure::Throughput] * 1.05);
            scale.p99 = std::max(scale.p99, *point.figures[Figure::P99] * 1.1);
        }
    for (const std::size_t i : all.front)
        front += fmt::format("{:.1f},{:.1f} ", scale.x(*all.points[i].figures[Figure::Throughput]),
                             scale.y(*all.points[i].figures[Figure::P99]));
    for (std::size_t i = 0; i < all.points.size(); ++i)
        if (const sweep::Point& point = all.points[i]; both(point))
            points += fmt::format("<circle cx={:.1f} cy={:.1f} r=5 fill='var({})'><title>{}: {}, p99 {}</title></circle>",
                                  scale.x(*point.figures[Figure::Throughput]), scale.y(*point.figures[Figure::P99]),
                                  all.isOnFront(i) ? "--b" : "--a", htmlEscaped(point.name),
                                  sweep::figureText(Figure::Throughput, *point.figures[Figure::Throughput]),
                                  sweep::figureText(Figure::P99, *point.figures[Figure::P99]));
    if (points.empty())
        return {};
    return fmt::format(
        "<h2>Throughput against p99</h2><div class=scroll><svg width=920 height={:.0f} role=img aria-label='throughput against p99'>{}"
        "<polyline points='{}' fill=none stroke='var(--b)' stroke-width=2 />{}</svg></div>",
        kTop + kHeight + 28, axes(scale), front, points);
}

std::string table(const sweep::Sweep& all)
{
    const std::vector<Column> columns = sweep::columnsOf(all);
    std::string html = "<h2>Points</h2><div class=scroll><table><tr>";
    for (const Column& column : columns)
        html += "<th>" + htmlEscaped(column.title) + "</th>";
    html += "</tr>";
    for (std::size_t i = 0; i < all.points.size(); ++i) {
        html += all.isOnFront(i) ? "<tr class=better>" : "<tr>";
        for (const Column& column : columns) {
            const std::string text = sweep::cellOf(all, i, column).text;
            html += "<td>" + (text.empty() ? std::string("–") : htmlEscaped(text)) + "</td>";
        }
        html += "</tr>";
    }
    return html + "</table></div>";
}

} // namespace

std::string sweepHtml(const sweep::Sweep& all, const sweep::Choice& choice)
{
    std::string html = "<p>Best: " + htmlEscaped(choice.sentence) + "</p>";
    for (const std::string& limit : all.limits)
        html += "<p class=dim>" + htmlEscaped(limit) + "</p>";
    html += picture(all) + table(all) + "<p class=dim>On the front are points that no other one beats in throughput and p99 at once.</p>";
    return htmlPage(fmt::format("Sweep of {} points", all.points.size()), html);
}

} // namespace gantry::cli
