#include "app/cli/commands.h"
#include "app/cli/duration.h"
#include "app/cli/open_report.h"
#include "app/cli/sweep_forms.h"
#include "trace_model/analysis/sweep/sweep_files.h"
#include "trace_model/base/new_file.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace gantry::cli {
namespace {

struct SweepOptions
{
    std::vector<std::string> paths;
    std::string objective = "throughput", p99Below, csv, html;
    double throughputAbove = 0; ///< 0: not asked for
};

Result<sweep::ChoiceRule> ruleOf(const SweepOptions& options)
{
    sweep::ChoiceRule rule;
    const auto objective = sweep::objectiveFromName(options.objective);
    if (!objective)
        return Error{ErrorCode::BadInput, "'" + options.objective + "' is no objective: use throughput or p99", {}};
    rule.objective = *objective;
    if (!options.p99Below.empty()) {
        GANTRY_TRY(const DurationNs below, parseDuration(options.p99Below).context("--p99-below"));
        rule.p99Below = static_cast<double>(below);
    }
    if (options.throughputAbove > 0)
        rule.throughputAbove = options.throughputAbove;
    return rule;
}

Result<void> write(const std::string& path, const std::string& text)
{
    if (path.empty())
        return {};
    GANTRY_TRY(NewFile file, NewFile::create(path, FileAccess::ByUmask));
    GANTRY_CHECK(file.write(text));
    return file.publish();
}

int showSweep(const CommonOptions& common, const SweepOptions& options)
{
    const auto rule = ruleOf(options);
    if (!rule)
        return reportUsage(rule.error().text(), common);
    sweep::ReadOptions reading;
    reading.open = [&](const std::filesystem::path& path) { return openReport(path.string(), common); };
    const std::vector<std::filesystem::path> paths(options.paths.begin(), options.paths.end());
    const auto read = sweep::readSweep(paths, reading);
    if (!read)
        return report(read.error(), common);
    const sweep::Choice choice = sweep::choose(*read, *rule);
    if (const auto written = write(options.csv, sweepCsv(*read)); !written)
        return report(written.error(), common);
    if (const auto written = write(options.html, sweepHtml(*read, choice)); !written)
        return report(written.error(), common);
    if (common.json)
        print(sweepJson(*read, choice));
    else
        sayLines(sweepText(*read, choice));
    return !choice.canSay ? 2 : rule->hasLimit() && !choice.best ? 1 : 0;
}

} // namespace

void addSweepCommand(CLI::App& app, CommonOptions& common, Action& action)
{
    auto options = std::make_shared<SweepOptions>();
    auto* sweeping = app.add_subcommand("sweep", "Measurements under different settings beside each other, and which of them is best");
    sweeping->add_option("PATH", options->paths, "folder of a recipe's sweep, reports, tables of perf_analyzer and Model Analyzer")
        ->required();
    sweeping->add_option("--objective", options->objective, "what the best point is: the highest throughput, or the lowest p99")
        ->type_name("throughput|p99")
        ->capture_default_str();
    sweeping->add_option("--p99-below", options->p99Below, "the best of points with a p99 below this, such as 20ms")->type_name("TIME");
    sweeping->add_option("--throughput-above", options->throughputAbove, "the best of points with more a second than this")
        ->type_name("N")
        ->check(CLI::PositiveNumber);
    sweeping->add_option("--csv", options->csv, "also write the table, with units in the names of its columns")->type_name("FILE");
    sweeping->add_option("--html", options->html, "also write a page with the table and the picture, which needs nothing but itself")
        ->type_name("FILE");
    sweeping->footer(
        "  gantryctl recipe run bert.yaml -o bert          # with a sweep in the recipe: `gantryctl recipe example`\n"
        "  gantryctl sweep bert --p99-below 20ms\n"
        "  gantryctl sweep one.gantry two.gantry results/metrics-model-inference.csv --html sweep.html\n\n"
        "Columns are what was measured, and of the settings those that differ between points. Points on the front are those that no other\n"
        "one beats in throughput and p99 at once. A p99 takes 100 requests; of fewer it is not claimed. Of a folder that has an index of "
        "a\n"
        "sweep the combinations that failed are rows with their errors.\n\n"
        "Exit status: 0 done; 1 no point is within the limits; 2 cannot say: no point has a throughput and a p99; 65 a file that cannot\n"
        "be read, with the line and column of a table.");
    sweeping->callback([&, options] { action = [&, options] { return showSweep(common, *options); }; });
}

} // namespace gantry::cli
