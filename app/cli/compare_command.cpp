#include "app/cli/commands.h"
#include "app/cli/comparison_json.h"
#include "app/cli/comparison_report.h"
#include "app/cli/open_report.h"
#include "app/cli/windows_report.h"
#include "trace_model/base/new_file.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace gantry::cli {
namespace {

struct CompareOptions
{
    std::vector<std::string> reports;
    std::string html, align;
    std::vector<std::string> failIf;
    bool markdown = false;
};

Result<void> writePage(const std::string& page, const std::filesystem::path& path)
{
    GANTRY_TRY(NewFile file, NewFile::create(path, FileAccess::ByUmask));
    GANTRY_CHECK(file.write(page));
    return file.publish();
}

Result<std::vector<CheckedCondition>> conditionsOf(const std::vector<std::string>& expressions)
{
    std::vector<CheckedCondition> conditions;
    for (const std::string& expression : expressions) {
        GANTRY_TRY(auto condition, analysis::parseCondition(expression));
        conditions.push_back({std::move(condition), {}});
    }
    return conditions;
}

/// Opens all of them and compares each with the first.
Result<std::vector<analysis::Comparison>> compareFiles(const std::vector<std::string>& files, const analysis::ComparisonOptions& how,
                                                       const CommonOptions& common)
{
    std::vector<std::shared_ptr<const trace::Trace>> traces;
    std::vector<const trace::Trace*> others;
    for (const std::string& file : files) {
        GANTRY_TRY(auto trace, openReport(file, common));
        traces.push_back(std::move(trace));
        if (traces.size() > 1)
            others.push_back(traces.back().get());
    }
    return analysis::compareEach(*traces.front(), others, how);
}

void printPair(const ComparisonReport& comparison, const CommonOptions& common, bool isMarkdown)
{
    if (common.json)
        print(toJson(comparison));
    else
        sayLines(isMarkdown ? comparisonMarkdown(comparison) : comparisonText(comparison));
}

void printWindows(const WindowsReport& windows, const CommonOptions& common, bool isMarkdown)
{
    if (common.json)
        print(windowsJson(windows));
    else
        sayLines(isMarkdown ? windowsMarkdown(windows) : windowsText(windows));
}

int compareReports(const CommonOptions& common, const CompareOptions& options)
{
    const auto conditions = conditionsOf(options.failIf);
    if (!conditions)
        return reportUsage(conditions.error().message, common);
    analysis::ComparisonOptions how;
    if (!options.align.empty()) {
        const auto alignment = analysis::parseAlignment(options.align);
        if (!alignment)
            return reportUsage(alignment.error().message, common);
        how.alignment = *alignment;
    }
    auto comparisons = compareFiles(options.reports, how, common);
    if (!comparisons)
        return report(comparisons.error(), common);
    WindowsReport windows;
    for (std::size_t i = 0; i < comparisons->size(); ++i) {
        ComparisonReport one{std::filesystem::path(options.reports.front()).filename().string(),
                             std::filesystem::path(options.reports[i + 1]).filename().string(), std::move((*comparisons)[i]), *conditions};
        for (CheckedCondition& condition : one.conditions)
            condition.result = analysis::evaluate(condition.condition, one.comparison);
        windows.comparisons.push_back(std::move(one));
    }
    const bool isPair = windows.comparisons.size() == 1;
    const ComparisonReport& first = windows.comparisons.front();
    if (!options.html.empty())
        if (const auto written = writePage(isPair ? comparisonHtml(first) : windowsHtml(windows), options.html); !written)
            return report(written.error(), common);
    if (isPair)
        printPair(first, common, options.markdown);
    else
        printWindows(windows, common, options.markdown);
    return windows.exitStatus();
}

} // namespace

void addCompareCommand(CLI::App& app, CommonOptions& common, Action& action)
{
    auto options = std::make_shared<CompareOptions>();
    auto* comparing = app.add_subcommand("compare", "Whether B (C, …) is better or worse than A, what changed, and how sure that is");
    comparing->add_option("REPORT", options->reports, "report to compare with, and up to seven to judge: each is compared with the first")
        ->required()
        ->expected(2, static_cast<int>(kMostReports));
    comparing->add_option("--align", options->align,
                          "compare the part that both have from there on: start, request:N, range:NAME, iteration or iteration:NAME");
    comparing->add_option("--fail-if", options->failIf, "a change that is too much, such as 'p99>+5%'; may be given several times")
        ->allow_extra_args(false);
    comparing->add_flag("--markdown", options->markdown, "print Markdown, for a ticket");
    comparing->add_option("--html", options->html, "also write a page with pictures, which needs nothing but itself");
    comparing->footer(
        "The verdict is about the latency of the complete requests of one model, of those in both reports the one that took most time\n"
        "in A. Worse: its mean, median, p95 or p99 is up by more than 2 % and that is told from chance; better the other way. Fewer than\n"
        "30 requests on a side cannot be compared.\n\n"
        "  --fail-if 'p99>+5%'                        latency: p50 (median), p95, p99 or mean, by a share\n"
        "  --fail-if 'p50>+2ms'                       by a time (ns, us, ms, s)\n"
        "  --fail-if 'phase:queue:p95>+1ms'           a phase: queue, cache, compute_input, compute_infer, compute_output, outside\n"
        "  --fail-if 'kernel:gemm.*:median>+10%'      each kernel that the regular expression is found in; memcpy, api, nvtx, execution,\n"
        "                                             batch, gpu, gap, metric and latency (of a model) likewise\n"
        "  --fail-if 'throughput<-5%'                 requests a second\n"
        "A condition holds when the change is beyond the limit and told from chance. That takes 10 values on each side for a median, 100 "
        "for\n"
        "p95 and 500 for p99: of fewer, it cannot be said.\n\n"
        "  --align range:step                         from where the range 'step' begins in each, for as long as both go on; request:3 "
        "from "
        "the\n"
        "                                             third complete request, start from the beginning\n"
        "  --align iteration                          as many iterations of each: of the NVTX range that repeats regularly, else of the\n"
        "                                             model's executions; iteration:NAME of that range\n"
        "Of more than two reports, up to eight, there is one table with a column for each; p-values are corrected for all of them.\n\n"
        "Exit status, the worst of all: 0 same or better; 1 worse, or a condition holds; 2 cannot say, of the verdict or of a condition; "
        "64 a condition "
        "that\n"
        "is none; 65 a file that cannot be read.");
    comparing->callback([&, options] { action = [&, options] { return compareReports(common, *options); }; });
}

} // namespace gantry::cli
