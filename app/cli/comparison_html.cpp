#include "app/cli/comparison_report.h"
#include "app/cli/html_text.h"
#include "trace_model/analysis/change_text.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

using analysis::ComparisonRow;
using analysis::Statistic;
using analysis::WaterfallStep;

std::string listOf(const char* title, const std::vector<std::string>& items)
{
    if (items.empty())
        return {};
    std::string html = fmt::format("<h2>{}</h2><ul>", title);
    for (const std::string& item : items)
        html += "<li>" + htmlEscaped(item) + "</li>";
    return html + "</ul>";
}

std::string tableOf(const ComparisonSection& section)
{
    std::string html = fmt::format("<h2>{}</h2><div class=scroll><table><tr>", section.title);
    for (const std::string& column : comparisonColumns())
        html += "<th>" + htmlEscaped(column) + "</th>";
    html += "</tr>";
    for (const ComparisonRow& row : *section.rows) {
        const std::string judgement(row.judgement());
        html += fmt::format("<tr title=\"{}\"{}>", htmlEscaped(row.name),
                            judgement == "worse"    ? " class=worse"
                            : judgement == "better" ? " class=better"
                                                    : "");
        for (const std::string& cell : cellsOf(row))
            html += "<td>" + htmlEscaped(cell) + "</td>";
        html += "</tr>";
    }
    return html + "</table></div>";
}

/// Bars from where the one before ended: from the mean latency of A to that of B.
std::string waterfallPicture(const analysis::LatencyWaterfall& waterfall)
{
    constexpr double kLeft = 260, kWidth = 640, kRow = 22;
    std::vector<const WaterfallStep*> steps;
    for (const WaterfallStep& step : waterfall.steps)
        if (step.of == WaterfallStep::Of::Phase)
            steps.push_back(&step);
    double low = std::min(waterfall.a, waterfall.b), high = std::max(waterfall.a, waterfall.b), at = waterfall.a;
    for (const WaterfallStep* step : steps) {
        at += step->contribution();
        low = std::min(low, at);
        high = std::max(high, at);
    }
    const double margin = std::max((high - low) * 0.1, high * 0.01);
    low = std::max(0.0, low - margin);
    high += margin;
    const auto x = [&](double value) { return kLeft + kWidth * (value - low) / std::max(high - low, 1.0); };
    double y = 4;
    std::string svg;
    const auto bar = [&](const std::string& title, double from, double to, const char* colour, const std::string& value) {
        svg += fmt::format("<text x=0 y={:.0f}>{}</text><rect x={:.1f} y={:.0f} width={:.1f} height={:.0f} fill='var({})'/><text x={:.1f} "
                           "y={:.0f}>{}</text>",
                           y + 14, htmlEscaped(title), x(std::min(from, to)), y + 2, std::max(std::abs(x(to) - x(from)), 1.0), kRow - 6,
                           colour, x(std::max(from, to)) + 6, y + 14, htmlEscaped(value));
        y += kRow;
    };
    bar("A, mean latency", low, waterfall.a, "--a", analysis::valueText(waterfall.a, "ns"));
    at = waterfall.a;
    for (const WaterfallStep* step : steps) {
        const double change = step->contribution();
        bar(step->name, at, at + change, change > 0 ? "--bad" : "--good", (change > 0 ? "+" : change < 0 ? "−" : "") + analysis::valueText(std::abs(change), "ns"));
        at += change;
    }
    bar("B, mean latency", low, waterfall.b, "--b", analysis::valueText(waterfall.b, "ns"));
    return fmt::format("<h2>Where the latency of {} went</h2><div class=scroll><svg width=1000 height={:.0f} role=img "
                       "aria-label='waterfall'>{}</svg></div>",
                       htmlEscaped(waterfall.model), y + 4, svg);
}

/// Shares of requests that took no longer than a time: both sides over one another.
std::string distributionPicture(const ComparisonRow& row)
{
    constexpr double kLeft = 50, kWidth = 800, kHeight = 200;
    const auto& a = row.statistics.a.shape;
    const auto& b = row.statistics.b.shape;
    if (a.empty() || b.empty())
        return {};
    const double low = std::min(a.front(), b.front());
    const double high = std::max({a[a.size() * 99 / 100], b[b.size() * 99 / 100], static_cast<float>(low) + 1});
    const auto line = [&](const std::vector<float>& shape, const char* colour) {
        std::string points;
        for (std::size_t i = 0; i < shape.size() && shape[i] <= high; ++i)
            points += fmt::format("{:.1f},{:.1f} ", kLeft + kWidth * (shape[i] - low) / (high - low),
                                  10 + kHeight * (1 - (static_cast<double>(i) + 0.5) / static_cast<double>(shape.size())));
        return fmt::format("<polyline points='{}' fill=none stroke='var({})' stroke-width=2 />", points, colour);
    };
    std::string svg = line(a, "--a") + line(b, "--b");
    for (const double share : {0.0, 0.5, 0.95})
        svg += fmt::format("<text x=0 y={:.0f}>{:.0f} %</text><line x1={} x2={} y1={:.0f} y2={:.0f} stroke='var(--line)'/>", 14 + kHeight * (1 - share), share * 100, kLeft,
                           kLeft + kWidth, 10 + kHeight * (1 - share), 10 + kHeight * (1 - share));
    for (int i = 0; i <= 4; ++i)
        svg += fmt::format("<text x={:.0f} y={:.0f} text-anchor=middle>{}</text>", kLeft + kWidth * i / 4, kHeight + 28,
                           analysis::valueText(low + (high - low) * i / 4, row.unit));
    svg += fmt::format("<text x={0} y=24 style='fill:var(--a)'>A</text><text x={1} y=24 style='fill:var(--b)'>B</text>", kLeft + 8, kLeft + 28);
    return fmt::format("<h2>Requests that took no longer than …</h2><div class=scroll><svg width=920 height={:.0f} role=img aria-label='distributions'>{}</svg></div>",
                       kHeight + 36, svg);
}

std::string conditionsTable(const std::vector<CheckedCondition>& conditions)
{
    if (conditions.empty())
        return {};
    std::string html = "<h2>Conditions</h2><table>";
    for (const CheckedCondition& one : conditions) {
        const bool holds = one.result.outcome == analysis::ConditionOutcome::Holds;
        const char* word = holds ? "failed" : one.result.outcome == analysis::ConditionOutcome::DoesNotHold ? "ok" : "cannot say";
        html += fmt::format("<tr{}><td><code>{}</code></td><td>{}</td><td style='text-align:left;white-space:normal'>{}</td></tr>",
                            holds ? " class=worse" : "", htmlEscaped(one.condition.text), word, htmlEscaped(one.result.reason));
    }
    return html + "</table>";
}

} // namespace

std::string comparisonBody(const ComparisonReport& report)
{
    const analysis::Comparison& c = report.comparison;
    std::string html = fmt::format("<p>{}</p><p class=dim>A: {}<br>B: {}</p>", htmlEscaped(c.verdict.reason), htmlEscaped(report.nameA),
                                   htmlEscaped(report.nameB));
    if (c.aligned)
        html += "<p class=dim>" + htmlEscaped(c.aligned->sentence) + "</p>";
    html += conditionsTable(report.conditions);
    std::vector<std::string> leading;
    for (const analysis::LeadingChange& change : c.leading)
        leading.push_back(change.sentence);
    html += listOf("What changed, the likeliest cause first", leading) + listOf("What cannot be concluded", c.limits);
    if (c.waterfall)
        html += waterfallPicture(*c.waterfall);
    for (const ComparisonRow& row : c.summary)
        if (row.kind == analysis::RowKind::Latency && row.model == c.verdict.model && row.statistic == Statistic::Median)
            html += distributionPicture(row);
    for (const ComparisonSection& section : sectionsOf(c))
        html += tableOf(section);
    return html + "<p class=dim>" + htmlEscaped(methodText(c)) + "</p>";
}

std::string comparisonHtml(const ComparisonReport& report)
{
    return htmlPage(analysis::headline(report.comparison.verdict.verdict), comparisonBody(report));
}

} // namespace gantry::cli
