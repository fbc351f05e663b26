#include "app/cli/commands.h"
#include "app/remote/report_fetcher.h"

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
}

} // namespace gantry::cli
