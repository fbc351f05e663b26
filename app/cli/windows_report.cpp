#include "app/cli/windows_report.h"

#include "app/cli/comparison_json.h"
#include "app/cli/html_text.h"
#include "app/cli/printable.h"
#include "app/cli/text_table.h"
#include "trace_model/analysis/change_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <set>
#include <tuple>

namespace gantry::cli {
namespace {

using analysis::AskedChange;
using analysis::ComparisonRow;
using analysis::Statistic;

constexpr std::size_t kNameWidth = 44;
constexpr std::size_t kShownRows = 16; // of those that changed: --json has all
constexpr const char* kNotChanged = " n.s.";

/// By what rows of several comparisons are the same.
using RowKey = std::tuple<analysis::RowKind, std::string, std::string, Statistic>;

RowKey keyOf(const ComparisonRow& row)
{
    return {row.kind, row.model, row.subject, row.statistic};
}

const ComparisonRow* rowOf(const analysis::Comparison& comparison, const RowKey& key)
{
    for (const ComparisonRow* row : comparison.rows())
        if (keyOf(*row) == key)
            return row;
    return nullptr;
}

std::string verdictWord(const ComparisonReport& one)
{
    const analysis::Verdict verdict = one.comparison.verdict.verdict;
    return verdict == analysis::Verdict::Same ? "no significant change" : analysis::name(verdict);
}

const AskedChange* askedOf(const ComparisonReport& one, Statistic statistic)
{
    const auto& asked = one.comparison.verdict.asked;
    const auto found = std::find_if(asked.begin(), asked.end(), [&](const AskedChange& change) { return change.statistic == statistic; });
    return found == asked.end() ? nullptr : &*found;
}

/// "+12 % worse", "+0.3 % n.s.".
std::string cellOf(const AskedChange* asked)
{
    if (!asked)
        return "–";
    return analysis::percentText(asked->change.ratio()) + (asked->isWorse() ? " worse" : asked->isBetter() ? " better" : kNotChanged);
}

std::string cellOf(const ComparisonRow* row)
{
    if (!row || (!row->a && !row->b))
        return "–";
    if (!row->b)
        return "none";
    const std::string value = analysis::valueText(*row->b, row->unit);
    if (!row->a)
        return value + " new";
    const auto& change = row->change();
    const auto ratio = change ? change->ratio() : *row->a != 0 ? std::optional(*row->b / *row->a - 1) : std::nullopt;
    const std::string text = ratio ? analysis::percentText(ratio) : value;
    return row->isChanged() ? text + " " + std::string(row->judgement()) : row->correctedP ? text + kNotChanged : text;
}

std::vector<std::string> latencyCells(const WindowsReport& report, Statistic statistic)
{
    const ComparisonReport& first = report.comparisons.front();
    std::string name = fmt::format("latency {}", analysis::name(statistic));
    if (!first.comparison.verdict.model.empty())
        name = first.comparison.verdict.model + " " + name;
    std::vector<std::string> cells = {name, "–"};
    for (const ComparisonReport& one : report.comparisons) {
        const AskedChange* asked = askedOf(one, statistic);
        if (asked)
            cells[1] = analysis::valueText(asked->change.a, "ns");
        cells.push_back(cellOf(asked));
    }
    return cells;
}

/// Rows that changed in one of the windows, but the latency that stands above them; those first that the first windows list first.
std::vector<std::vector<std::string>> changedRows(const WindowsReport& report)
{
    std::vector<std::vector<std::string>> rows;
    std::set<RowKey> known;
    for (const ComparisonReport& window : report.comparisons)
        for (const ComparisonRow* row : window.comparison.rows()) {
            if (row->kind == analysis::RowKind::Latency || !row->isChanged() || !known.insert(keyOf(*row)).second)
                continue;
            std::vector<std::string> cells = {shortened(row->name, kNameWidth), row->a ? analysis::valueText(*row->a, row->unit) : "–"};
            for (const ComparisonReport& one : report.comparisons)
                cells.push_back(cellOf(rowOf(one.comparison, keyOf(*row))));
            rows.push_back(std::move(cells));
        }
    return rows;
}

struct Table
{
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;
    std::size_t leftOut = 0; ///< rows that changed, too
};

Table tableOf(const WindowsReport& report)
{
    Table table;
    table.columns = {"against A", "A"};
    std::vector<std::string> verdicts = {"verdict", ""};
    for (std::size_t i = 0; i < report.comparisons.size(); ++i) {
        table.columns.push_back(letterOf(i + 1));
        verdicts.push_back(verdictWord(report.comparisons[i]));
    }
    table.rows.push_back(std::move(verdicts));
    for (const Statistic statistic : {Statistic::Median, Statistic::P95, Statistic::P99, Statistic::Mean})
        table.rows.push_back(latencyCells(report, statistic));
    std::vector<std::vector<std::string>> changed = changedRows(report);
    table.leftOut = changed.size() > kShownRows ? changed.size() - kShownRows : 0;
    changed.resize(changed.size() - table.leftOut);
    table.rows.insert(table.rows.end(), changed.begin(), changed.end());
    return table;
}

std::string footnote(const WindowsReport& report, const Table& table)
{
    std::string text = table.leftOut > 0 ? fmt::format("{} more rows changed: --json has them. ", table.leftOut) : std::string();
    return text + "n.s.: no significant change. " + methodText(report.comparisons.front().comparison);
}

/// What was set otherwise in a window than in A.
std::vector<std::string> circumstancesOf(const WindowsReport& report)
{
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < report.comparisons.size(); ++i)
        for (const analysis::CircumstanceChange& change : report.comparisons[i].comparison.circumstances)
            lines.push_back(fmt::format("{}: {} in A, {} in {}", change.name, change.a, change.b, letterOf(i + 1)));
    return lines;
}

/// What was asked for, what is cut and what cannot be concluded, of each window.
std::vector<std::string> remarksOf(const WindowsReport& report)
{
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < report.comparisons.size(); ++i) {
        const ComparisonReport& one = report.comparisons[i];
        const std::string of = letterOf(i + 1) + " (as B): ";
        if (one.comparison.aligned)
            lines.push_back(of + one.comparison.aligned->sentence);
        for (const CheckedCondition& condition : one.conditions)
            lines.push_back(of + condition.condition.text + ": " + condition.result.reason);
        for (const std::string& limit : one.comparison.limits)
            lines.push_back(of + limit);
    }
    return lines;
}

std::vector<std::string> filesOf(const WindowsReport& report)
{
    std::vector<std::string> files = {"A: " + report.comparisons.front().nameA};
    for (std::size_t i = 0; i < report.comparisons.size(); ++i)
        files.push_back(letterOf(i + 1) + ": " + report.comparisons[i].nameB);
    return files;
}

std::string headlineOf(const WindowsReport& report)
{
    std::string text;
    for (std::size_t i = 0; i < report.comparisons.size(); ++i)
        text += (i > 0 ? ", " : "") + letterOf(i + 1) + ": " + verdictWord(report.comparisons[i]);
    return "Against A — " + text;
}

analysis::Verdict worstOf(const WindowsReport& report)
{
    using analysis::Verdict;
    for (const Verdict verdict : {Verdict::Worse, Verdict::CannotSay, Verdict::Same})
        if (std::any_of(report.comparisons.begin(), report.comparisons.end(),
                        [=](const ComparisonReport& one) { return one.comparison.verdict.verdict == verdict; }))
            return verdict;
    return Verdict::Better;
}

std::string htmlList(const char* title, const std::vector<std::string>& lines)
{
    if (lines.empty())
        return {};
    std::string html = fmt::format("<h2>{}</h2><ul>", title);
    for (const std::string& line : lines)
        html += "<li>" + htmlEscaped(line) + "</li>";
    return html + "</ul>";
}

} // namespace

int WindowsReport::exitStatus() const
{
    const auto any = [this](int status) {
        return std::any_of(comparisons.begin(), comparisons.end(), [=](const ComparisonReport& one) { return one.exitStatus() == status; });
    };
    return any(1) ? 1 : any(2) ? 2 : 0;
}

std::string letterOf(std::size_t file)
{
    return std::string(1, static_cast<char>('A' + file));
}

std::string windowsText(const WindowsReport& report)
{
    const Table table = tableOf(report);
    std::string text = headlineOf(report) + "\n";
    for (const std::string& file : filesOf(report))
        text += "  " + printable(file) + "\n";
    text += "\n" + alignedTable(table.columns, table.rows);
    const auto section = [&](const char* title, const std::vector<std::string>& lines) {
        if (!lines.empty())
            text += fmt::format("\n{}\n", title);
        for (const std::string& line : lines)
            text += "  " + printable(line) + "\n";
    };
    section("what was set", circumstancesOf(report));
    section("what was asked, and what cannot be concluded", remarksOf(report));
    return text + "\n" + footnote(report, table) + "\n";
}

std::string windowsMarkdown(const WindowsReport& report)
{
    const Table table = tableOf(report);
    std::string text = "## " + headlineOf(report) + "\n\n";
    for (const std::string& file : filesOf(report))
        text += "- " + printable(file) + "\n";
    text += "\n" + markdownTable(table.columns, table.rows);
    const auto section = [&](const char* title, const std::vector<std::string>& lines) {
        if (!lines.empty())
            text += fmt::format("\n### {}\n\n", title);
        for (const std::string& line : lines)
            text += "- " + printable(line) + "\n";
    };
    section("What was set", circumstancesOf(report));
    section("What was asked, and what cannot be concluded", remarksOf(report));
    return text + "\n" + footnote(report, table) + "\n";
}

std::string windowsHtml(const WindowsReport& report)
{
    const Table table = tableOf(report);
    std::string body = "<div class=scroll><table><tr>";
    for (const std::string& column : table.columns)
        body += "<th>" + htmlEscaped(column) + "</th>";
    body += "</tr>";
    for (const auto& row : table.rows) {
        body += "<tr>";
        for (const std::string& cell : row)
            body += fmt::format("<td{}>{}</td>",
                                cell.ends_with("worse")    ? " class=worse"
                                : cell.ends_with("better") ? " class=better"
                                                           : "",
                                htmlEscaped(cell));
        body += "</tr>";
    }
    body += "</table></div><p class=dim>" + htmlEscaped(footnote(report, table)) + "</p>";
    body += htmlList("Files", filesOf(report)) + htmlList("What was set", circumstancesOf(report));
    for (std::size_t i = 0; i < report.comparisons.size(); ++i) {
        const ComparisonReport& one = report.comparisons[i];
        body += fmt::format("<details><summary>{} against A (called B here): {}</summary>{}</details>", letterOf(i + 1),
                            htmlEscaped(one.nameB), comparisonBody(one));
    }
    return htmlPage(headlineOf(report), body);
}

nlohmann::json windowsJson(const WindowsReport& report)
{
    nlohmann::json windows = nlohmann::json::array();
    for (std::size_t i = 0; i < report.comparisons.size(); ++i) {
        const ComparisonReport& one = report.comparisons[i];
        nlohmann::json changes = nlohmann::json::object();
        for (const AskedChange& asked : one.comparison.verdict.asked)
            changes[std::string(analysis::name(asked.statistic))] = {
                {"a_ns", asked.change.a},
                {"b_ns", asked.change.b},
                {"ratio", asked.change.ratio() ? nlohmann::json(*asked.change.ratio()) : nlohmann::json()},
                {"p_value_corrected", asked.p},
                {"is_told_from_chance", asked.isTold()}};
        windows.push_back({{"letter", letterOf(i + 1)},
                           {"file", one.nameB},
                           {"verdict", analysis::name(one.comparison.verdict.verdict)},
                           {"latency", changes},
                           {"comparison", toJson(one)}});
    }
    return {{"verdict", analysis::name(worstOf(report))}, {"a", report.comparisons.front().nameA}, {"windows", windows}};
}

} // namespace gantry::cli
