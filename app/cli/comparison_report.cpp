#include "app/cli/comparison_report.h"

#include "app/cli/printable.h"
#include "app/cli/text_table.h"
#include "trace_model/analysis/change_text.h"
#include "trace_model/base/quantity_text.h"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

using analysis::ComparisonRow;
using analysis::ConditionOutcome;
using analysis::WaterfallStep;

constexpr std::size_t kNameWidth = 44;
constexpr std::size_t kSentenceWidth = 220; // bytes: signatures of kernels are longer than any screen
constexpr std::size_t kShownRows = 12; // of a section on a terminal or in a ticket: --json and --html have all
constexpr std::size_t kShownLeading = 8;
constexpr std::size_t kShownInside = 5; // steps inside of a phase

const char* outcomeWord(ConditionOutcome outcome)
{
    return outcome == ConditionOutcome::Holds ? "FAILED" : outcome == ConditionOutcome::DoesNotHold ? "ok" : "cannot say";
}

std::string signedDuration(double ns)
{
    return (ns > 0 ? "+" : ns < 0 ? "−" : "") + analysis::valueText(std::abs(ns), "ns");
}

std::vector<std::string> waterfallCells(const WaterfallStep& step, const char* indent)
{
    return {(step.of == WaterfallStep::Of::Phase ? "" : indent) + shortened(step.name, kNameWidth), analysis::valueText(step.a, "ns"),
            analysis::valueText(step.b, "ns"), signedDuration(step.contribution())};
}

/// The phases and the largest steps inside of each, the rest of a phase summed up.
std::vector<std::vector<std::string>> waterfallRows(const analysis::LatencyWaterfall& waterfall, const char* indent)
{
    std::vector<std::vector<std::string>> rows;
    std::size_t inside = 0;
    WaterfallStep rest;
    const auto endPhase = [&] {
        if (inside > kShownInside)
            rows.push_back(waterfallCells(rest, indent));
        inside = 0;
    };
    for (const WaterfallStep& step : waterfall.steps) {
        if (step.of == WaterfallStep::Of::Phase) {
            endPhase();
            rest = {WaterfallStep::Of::Other, "others", step.phase, 0, 0};
        } else if (++inside > kShownInside) {
            rest.a += step.a;
            rest.b += step.b;
            continue;
        }
        rows.push_back(waterfallCells(step, indent));
    }
    endPhase();
    rows.push_back({"mean latency", analysis::valueText(waterfall.a, "ns"), analysis::valueText(waterfall.b, "ns"), signedDuration(waterfall.b - waterfall.a)});
    return rows;
}

const std::vector<std::string>& waterfallColumns()
{
    static const std::vector<std::string> kColumns = {"of a request, mean", "A", "B", "adds"};
    return kColumns;
}

std::vector<std::vector<std::string>> rowsOf(const std::vector<ComparisonRow>& rows)
{
    std::vector<std::vector<std::string>> cells;
    for (const ComparisonRow& row : rows) {
        if (cells.size() == kShownRows)
            break;
        cells.push_back(cellsOf(row));
    }
    return cells;
}

/// A cell of a Markdown table: a bar would end it.
std::string markdownCell(std::string text)
{
    text = printable(text);
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
        text.insert(at, "\\");
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

std::string sentence(const analysis::Comparison& comparison)
{
    return fmt::format("{}: {}", analysis::headline(comparison.verdict.verdict), comparison.verdict.reason);
}

std::string moreOf(std::size_t all)
{
    return all > kShownRows ? fmt::format("… and {} more: --json or --html has them\n", all - kShownRows) : std::string();
}

} // namespace

std::string markdownTable(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows)
{
    std::string text = "|";
    for (const std::string& column : columns)
        text += " " + column + " |";
    text += "\n|";
    for (std::size_t i = 0; i < columns.size(); ++i)
        text += i == 0 ? " --- |" : " ---: |";
    for (const auto& row : rows) {
        text += "\n|";
        for (const std::string& cell : row)
            text += " " + markdownCell(cell) + " |";
    }
    return text + "\n";
}

int ComparisonReport::exitStatus() const
{
    const auto any = [this](ConditionOutcome outcome) {
        return std::any_of(conditions.begin(), conditions.end(), [=](const CheckedCondition& one) { return one.result.outcome == outcome; });
    };
    if (comparison.verdict.verdict == analysis::Verdict::Worse || any(ConditionOutcome::Holds))
        return 1;
    return comparison.verdict.verdict == analysis::Verdict::CannotSay || any(ConditionOutcome::CannotSay) ? 2 : 0;
}

std::vector<ComparisonSection> sectionsOf(const analysis::Comparison& c)
{
    std::vector<ComparisonSection> sections = {{"summary", &c.summary},
                                               {"phases", &c.phases},
                                               {"executions", &c.executions},
                                               {"GPU", &c.gpu},
                                               {"streams, busy for a request or of the time", &c.streams},
                                               {"memcpys, mean time of a copy", &c.memcpys},
                                               {"kernels, mean time of a call", &c.kernels},
                                               {"API calls, mean time", &c.apiCalls},
                                               {"NVTX ranges, mean time", &c.nvtxRanges},
                                               {"metrics, mean", &c.metrics}};
    std::erase_if(sections, [](const ComparisonSection& section) {
        return std::none_of(section.rows->begin(), section.rows->end(), [](const ComparisonRow& row) { return row.a || row.b; });
    });
    return sections;
}

const std::vector<std::string>& comparisonColumns()
{
    static const std::vector<std::string> kColumns = {"what", "A", "B", "n of A", "n of B", "change", "95 % interval", "p", "so"};
    return kColumns;
}

std::vector<std::string> cellsOf(const ComparisonRow& row)
{
    const auto value = [&](const std::optional<double>& v) { return v ? analysis::valueText(*v, row.unit) : std::string("–"); };
    const auto count = [](const std::optional<std::size_t>& n) { return n ? formatCount(*n) : std::string("–"); };
    const auto& change = row.change();
    return {shortened(row.name, kNameWidth),
            value(row.a),
            value(row.b),
            count(row.countA),
            count(row.countB),
            change                   ? analysis::percentText(change->ratio())
            : row.a && row.b && *row.a != 0 ? analysis::percentText(*row.b / *row.a - 1)
                                     : std::string("–"),
            change ? analysis::intervalText(*change, row.unit) : std::string("–"),
            row.correctedP ? analysis::probabilityText(*row.correctedP) : std::string("–"),
            std::string(row.judgement())};
}

std::string methodText(const analysis::Comparison& comparison)
{
    return fmt::format("Intervals are of 95 %, p-values of a permutation test over blocks of time (what is close in time is not independent), corrected by Holm's "
                       "method for the {} rows that are compared and for the verdict beside them; changes below 2 % are not called changes. Two windows of one run each "
                       "tell nothing of how much runs differ.",
                       comparison.rowsTested);
}

std::string comparisonText(const ComparisonReport& report)
{
    const analysis::Comparison& c = report.comparison;
    std::string text = printable(sentence(c)) + "\n";
    if (c.aligned)
        text += "  " + printable(c.aligned->sentence) + "\n";
    for (const CheckedCondition& one : report.conditions)
        text += fmt::format("  {:<10} {}: {}\n", outcomeWord(one.result.outcome), printable(one.condition.text), printable(one.result.reason));
    if (!c.leading.empty()) {
        text += "\nwhat changed, the likeliest cause first\n";
        for (std::size_t i = 0; i < std::min(c.leading.size(), kShownLeading); ++i)
            text += "  " + shortened(printable(c.leading[i].sentence), kSentenceWidth) + "\n";
    }
    if (!c.limits.empty()) {
        text += "\nwhat cannot be concluded\n";
        for (const std::string& limit : c.limits)
            text += "  " + printable(limit) + "\n";
    }
    if (c.waterfall)
        text += "\nwhere the latency went\n" + alignedTable(waterfallColumns(), waterfallRows(*c.waterfall, "  "));
    for (const ComparisonSection& section : sectionsOf(c))
        text += fmt::format("\n{}\n", section.title) + alignedTable(comparisonColumns(), rowsOf(*section.rows)) + moreOf(section.rows->size());
    return text + "\n" + methodText(c) + "\n";
}

std::string comparisonMarkdown(const ComparisonReport& report)
{
    const analysis::Comparison& c = report.comparison;
    std::string text = fmt::format("## {}\n\n{}\n\nA: `{}`, B: `{}`\n", analysis::headline(c.verdict.verdict), c.verdict.reason, report.nameA, report.nameB);
    if (c.aligned)
        text += "\n" + printable(c.aligned->sentence) + "\n";
    if (!report.conditions.empty()) {
        std::vector<std::vector<std::string>> rows;
        for (const CheckedCondition& one : report.conditions)
            rows.push_back({"`" + one.condition.text + "`", outcomeWord(one.result.outcome), one.result.reason});
        text += "\n" + markdownTable({"condition", "outcome", "because"}, rows);
    }
    if (!c.leading.empty()) {
        text += "\n### What changed, the likeliest cause first\n\n";
        for (std::size_t i = 0; i < std::min(c.leading.size(), kShownLeading); ++i)
            text += "1. " + c.leading[i].sentence + "\n";
    }
    if (!c.limits.empty()) {
        text += "\n### What cannot be concluded\n\n";
        for (const std::string& limit : c.limits)
            text += "- " + limit + "\n";
    }
    if (c.waterfall)
        text += "\n### Where the latency went\n\n" + markdownTable(waterfallColumns(), waterfallRows(*c.waterfall, "&nbsp;&nbsp;"));
    for (const ComparisonSection& section : sectionsOf(c))
        text += fmt::format("\n### {}\n\n", section.title) + markdownTable(comparisonColumns(), rowsOf(*section.rows)) + moreOf(section.rows->size());
    return text + "\n" + methodText(c) + "\n";
}

} // namespace gantry::cli
