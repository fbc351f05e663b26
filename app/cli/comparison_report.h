#pragma once

#include "trace_model/analysis/comparison.h"
#include "trace_model/analysis/comparison_condition.h"

#include <string>
#include <string_view>
#include <vector>

namespace gantry::cli {

/// A condition that was asked for, and what came of it.
struct CheckedCondition
{
    analysis::ComparisonCondition condition;
    analysis::ConditionResult result;
};

/// A comparison of two files, as it is written in several forms.
struct ComparisonReport
{
    std::string nameA, nameB; ///< of the files
    analysis::Comparison comparison;
    std::vector<CheckedCondition> conditions;

    /// 1: worse, or a condition holds; 2: cannot say, or not of a condition; 0: same or better.
    [[nodiscard]] int exitStatus() const;
};

/// For a terminal; the text is printable().
[[nodiscard]] std::string comparisonText(const ComparisonReport& report);
/// For a ticket: GitHub's Markdown.
[[nodiscard]] std::string comparisonMarkdown(const ComparisonReport& report);
/// A page with pictures that needs nothing but itself.
[[nodiscard]] std::string comparisonHtml(const ComparisonReport& report);

/// A section's title and its rows; those of `Comparison` in the order in which they are shown, empty ones left out.
struct ComparisonSection
{
    const char* title;
    const std::vector<analysis::ComparisonRow>* rows;
};
[[nodiscard]] std::vector<ComparisonSection> sectionsOf(const analysis::Comparison& comparison);

/// Cells of a row under kComparisonColumns.
[[nodiscard]] std::vector<std::string> cellsOf(const analysis::ComparisonRow& row);
[[nodiscard]] const std::vector<std::string>& comparisonColumns();

/// A table of GitHub's Markdown, what is in its cells made printable(): the first column to the left, the others to the right.
[[nodiscard]] std::string markdownTable(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows);
/// What comparisonHtml() has on its page.
[[nodiscard]] std::string comparisonBody(const ComparisonReport& report);

/// "How sure": which tests the numbers come from, two sentences.
[[nodiscard]] std::string methodText(const analysis::Comparison& comparison);

} // namespace gantry::cli
