#include "app/cli/commands.h"
#include "app/cli/comparison_json.h"
#include "app/cli/comparison_report.h"
#include "app/cli/open_report.h"
#include "trace_model/base/new_file.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace gantry::cli {
namespace {

struct CompareOptions
{
    std::string a, b, html;
    std::vector<std::string> failIf;
    bool markdown = false;
};

Result<void> writePage(const ComparisonReport& comparison, const std::filesystem::path& path)
{
    const std::string page = comparisonHtml(comparison);
    GANTRY_TRY(NewFile file, NewFile::create(path, FileAccess::ByUmask));
    GANTRY_CHECK(file.write(page));
    return file.publish();
}

int compareReports(const CommonOptions& common, const CompareOptions& options)
{
    ComparisonReport comparison;
    for (const std::string& expression : options.failIf) {
        auto condition = analysis::parseCondition(expression);
        if (!condition)
            return reportUsage(condition.error().message, common);
        comparison.conditions.push_back({std::move(*condition), {}});
    }
    const auto a = openReport(options.a, common);
    if (!a)
        return report(a.error(), common);
    const auto b = openReport(options.b, common);
    if (!b)
        return report(b.error(), common);
    comparison.nameA = std::filesystem::path(options.a).filename().string();
    comparison.nameB = std::filesystem::path(options.b).filename().string();
    comparison.comparison = analysis::compare(**a, **b);
    for (CheckedCondition& one : comparison.conditions)
        one.result = analysis::evaluate(one.condition, comparison.comparison);
    if (!options.html.empty())
        if (const auto written = writePage(comparison, options.html); !written)
            return report(written.error(), common);
    if (common.json)
        print(toJson(comparison));
    else if (options.markdown)
        sayLines(comparisonMarkdown(comparison));
    else
        sayLines(comparisonText(comparison));
    return comparison.exitStatus();
}

} // namespace

void addCompareCommand(CLI::App& app, CommonOptions& common, Action& action)
{
    auto options = std::make_shared<CompareOptions>();
    auto* comparing = app.add_subcommand("compare", "Whether B is better or worse than A, what changed, and how sure that is");
    comparing->add_option("A", options->a, "report to compare with")->required();
    comparing->add_option("B", options->b, "report to judge")->required();
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
        "Exit status: 0 same or better; 1 worse, or a condition holds; 2 cannot say, of the verdict or of a condition; 64 a condition "
        "that\n"
        "is none; 65 a file that cannot be read.");
    comparing->callback([&, options] { action = [&, options] { return compareReports(common, *options); }; });
}

} // namespace gantry::cli
