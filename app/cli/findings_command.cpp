#include "app/cli/commands.h"
#include "app/cli/findings_text.h"
#include "app/cli/open_report.h"

#include <memory>

namespace gantry::cli {
namespace {

struct FindingsOptions
{
    ReportFiles files;
    std::string failOn = "advice";
    bool listRules = false;
};

int listRules(const CommonOptions& common)
{
    nlohmann::json document = nlohmann::json::array();
    for (const findings::RuleName& rule : findings::ruleNames()) {
        document.push_back({{"rule", rule.id}, {"title", rule.title}});
        if (!common.json)
            say("{:<20} {}\n", rule.id, rule.title);
    }
    if (common.json)
        print(document);
    return 0;
}

int findingsOf(const CommonOptions& common, const FindingsOptions& options)
{
    if (options.listRules)
        return listRules(common);
    if (options.files.paths.empty())
        return reportUsage("there is no FILE on the command line; see `gantryctl findings --help`", common);
    const auto failOn = findings::severityFromName(options.failOn);
    if (!failOn)
        return reportUsage("'" + options.failOn + "' is no severity: use problem, advice or note", common);
    return withReport(options.files, common, [&](const trace::Trace& trace) {
        const findings::Diagnosis diagnosis = findings::diagnose(trace);
        if (common.json)
            print(findingsJson(diagnosis, trace));
        else
            sayLines(findingsText(diagnosis, trace));
        return findingsStatus(diagnosis, *failOn);
    });
}

} // namespace

void addFindingsCommand(CLI::App& app, CommonOptions& common, Action& action)
{
    auto options = std::make_shared<FindingsOptions>();
    auto* finding = app.add_subcommand("findings", "Why requests in report files are slow, and what to edit");
    addReportFiles(*finding, options->files);
    finding->get_option("FILE")->required(false);
    finding->add_option("--fail-on", options->failOn, "least severity with which the exit status is 1: problem, advice or note")
        ->capture_default_str();
    finding->add_flag("--list-rules", options->listRules, "list the rules instead");
    finding->footer(
        "  gantryctl findings slow.gantry\n"
        "  gantryctl findings slow.gantry --json --fail-on problem\n\n"
        "Each finding says what it costs, where it is seen (times count from the report's start) and the edit to try. A rule that the\n"
        "report has no data for says nothing, and is listed as not judged.\n\n"
        "Exit status: 0 nothing of that severity was found, 1 something was, 2 the report is too short or has lost too much to say,\n"
        "65 bad file.");
    finding->callback([&, options] { action = [&, options] { return findingsOf(common, *options); }; });
}

} // namespace gantry::cli
