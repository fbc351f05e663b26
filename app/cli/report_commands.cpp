#include "app/cli/commands.h"
#include "app/cli/open_report.h"
#include "app/cli/report_json.h"
#include "app/cli/text_table.h"
#include "app/remote/report_fetcher.h"
#include "trace_model/analysis/comparison.h"
#include "trace_model/analysis/comparison_verdict.h"

#include <fmt/format.h>
#include <memory>

namespace gantry::cli {
namespace {

int list(const CommonOptions& common)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto reports = (*client)->reports();
    if (!reports)
        return report(reports.error(), common);
    nlohmann::json document = nlohmann::json::array();
    for (const proto::ReportInfo& r : *reports) {
        document.push_back({{"name", r.name},
                            {"bytes", r.sizeBytes},
                            {"created_utc_ns", r.createdUtcNs},
                            {"target", orNull(r.targetName)},
                            {"window_ns", r.durationNs},
                            {"label", orNull(r.label)},
                            {"is_kept", r.isKept}});
        if (!common.json)
            say("{:<48} {:>10} {:>10}  {} {}{}\n", r.name, formatBytes(r.sizeBytes), formatDuration(r.durationNs), r.targetName, r.label,
                r.isKept ? " (kept)" : "");
    }
    if (common.json)
        print(document);
    else if (reports->empty())
        say("no reports on this node yet: `gantryctl capture --for 2s` makes one\n");
    return 0;
}

int fetch(const CommonOptions& common, const std::string& name, const std::string& output)
{
    const auto destination = output.empty() ? app::localFileName(name) : Result<std::filesystem::path>(output);
    if (!destination)
        return report(destination.error(), common);
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    std::stop_source giveUp;
    const InterruptScope interrupts(common.interrupts, [&](int) { giveUp.request_stop(); });
    const auto fetched = [&] {
        ProgressLine progress(true);
        return app::fetchReport(
            **client, name, *destination,
            [&](std::uint64_t bytes, std::uint64_t total) {
                progress.show(fmt::format("fetching    {} of {}", formatBytes(bytes), formatBytes(total)));
            },
            giveUp.get_token());
    }();
    if (!fetched)
        return report(fetched.error(), common);
    if (common.json)
        print({{"file", fetched->path.string()},
               {"bytes", fetched->bytes},
               {"resumed_from_bytes", fetched->resumedFrom},
               {"sha256", fetched->sha256}});
    else
        say("{} · {} · SHA-256 verified\n", fetched->path.string(), formatBytes(fetched->bytes));
    return 0;
}

int remove(const CommonOptions& common, const std::string& name)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto removed = (*client)->deleteReport(name);
    if (!removed)
        return report(removed.error(), common);
    if (common.json)
        print({{"deleted", name}});
    else
        say("{} deleted\n", name);
    return 0;
}

void printRows(const char* title, const std::vector<analysis::ComparisonRow>& rows)
{
    const auto value = [](const std::optional<double>& v, const std::string& unit) {
        if (!v)
            return std::string("–");
        return unit == "ns" ? formatDuration(static_cast<DurationNs>(*v)) : fmt::format("{:.2f} {}", *v, unit);
    };
    if (rows.empty())
        return;
    say("{:<40} {:>14} {:>14} {:>8}\n", title, "A", "B", "B / A");
    for (const analysis::ComparisonRow& row : rows)
        say("  {:<38} {:>14} {:>14} {:>8}\n", shortened(row.name, 38), value(row.a, row.unit), value(row.b, row.unit),
            row.ratio() ? fmt::format("{:.2f}", *row.ratio()) : "–");
}

int compareReports(const CommonOptions& common, const std::string& a, const std::string& b)
{
    const auto left = openReport(a, common), right = openReport(b, common);
    if (!left || !right)
        return report(left ? right.error() : left.error(), common);
    const analysis::Comparison c = analysis::compare(**left, **right);
    const analysis::ComparisonVerdict verdict = analysis::verdictOf(c);
    if (common.json) {
        print({{"verdict", analysis::name(verdict.verdict)},
               {"reason", verdict.reason},
               {"summary", toJson(c.summary)},
               {"phases", toJson(c.phases)},
               {"kernels", toJson(c.kernels)},
               {"memcpys", toJson(c.memcpys)}});
        return 0;
    }
    say("{}: {}\n\n", analysis::headline(verdict.verdict), verdict.reason);
    printRows("summary", c.summary);
    printRows("phases", c.phases);
    printRows("kernels, mean time of a call", c.kernels);
    printRows("memcpys, mean time of a copy", c.memcpys);
    return 0;
}

} // namespace

void addReportCommands(CLI::App& app, CommonOptions& common, Action& action)
{
    auto* command = app.add_subcommand("report", "Reports on the node and in files");
    command->require_subcommand(1);
    command->footer("  gantryctl report list\n"
                    "  gantryctl report fetch capture-7.gantry -o slow.gantry\n"
                    "  gantryctl report stats slow.gantry --by phase --json\n"
                    "  gantryctl report info run.nsys-rep --node grpc://127.0.0.1:8800      # with the nsys of that node");
    command->add_subcommand("list", "Reports on the node")->callback([&] { action = [&] { return list(common); }; });
    auto name = std::make_shared<std::string>(), output = std::make_shared<std::string>();
    auto* fetching = command->add_subcommand("fetch", "Fetch a report, or go on with a fetch that was cut");
    fetching->add_option("name", *name, "its name on the node")->required();
    fetching->add_option("-o,--output", *output, "file to write");
    fetching->callback([&, name, output] { action = [&, name, output] { return fetch(common, *name, *output); }; });
    auto* deleting = command->add_subcommand("delete", "Delete a report on the node");
    deleting->add_option("name", *name, "its name on the node")->required();
    deleting->callback([&, name] { action = [&, name] { return remove(common, *name); }; });
    addReportPolicyCommands(*command, common, action);
    addInfoCommand(*command, common, action);
    addStatsCommand(*command, common, action);
    addConvertCommand(*command, common, action);

    auto first = std::make_shared<std::string>(), second = std::make_shared<std::string>();
    auto* comparing = app.add_subcommand("compare", "Differences between two report files, by phase and by kernel");
    comparing->add_option("A", *first, "report to compare with")->required();
    comparing->add_option("B", *second, "report to judge")->required();
    comparing->footer(
        "The verdict is about the median latency of the complete requests of one model, of those in both reports the one that took\n"
        "most time in A: same, better, worse, or cannot say when there are fewer than 30 on a side or the difference is within\n"
        "what they vary by. The exit status is 0 whatever it is.");
    comparing->callback([&, first, second] { action = [&, first, second] { return compareReports(common, *first, *second); }; });
}

} // namespace gantry::cli
