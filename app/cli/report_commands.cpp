#include "app/cli/commands.h"
#include "app/cli/latency_verdict.h"
#include "app/cli/open_report.h"
#include "app/cli/report_json.h"
#include "app/cli/report_summary.h"
#include "app/remote/report_fetcher.h"
#include "trace_model/analysis/comparison.h"

#include <fmt/format.h>
#include <memory>

namespace gantry::cli {
namespace {

/// What was read of each file, and what was not: `name rows used`, and the reasons below.
void printImport(const trace::Trace& trace)
{
    for (const importing::ImportReport& file : trace.imports) {
        say("\n{} · {} · {}\n{}\n", file.file, file.format, formatBytes(file.fileBytes), importing::clockText(file));
        for (const importing::TableTally& table : file.tables) {
            say("  {:<40} {:>10} of {} used\n", table.name, table.kept, table.rows);
            for (const importing::SkippedRows& skipped : table.skipped)
                say("  {:<40} {:>10} {}\n", "", skipped.count, skipped.reason);
        }
    }
    for (const importing::SummaryTable& table : trace.summaries) {
        say("\n{}\n", table.name);
        say("  {}\n", fmt::join(table.columns, " | "));
        for (const std::vector<std::string>& row : table.rows)
            say("  {}\n", fmt::join(row, " | "));
    }
}

int info(const CommonOptions& common, const trace::Trace& trace)
{
    if (common.json) {
        print(infoJson(trace));
        return 0;
    }
    sayLines(text(summarise(trace)));
    for (const std::string& warning : trace.meta.warnings)
        say("{:<18}{}\n", "note", warning);
    printImport(trace);
    return 0;
}

int stats(const CommonOptions& common, const trace::Trace& trace, analysis::GroupBy group, const std::string& by)
{
    const auto rows = analysis::activityTable(trace, group);
    if (common.json) {
        nlohmann::json document = nlohmann::json::array();
        for (const analysis::ActivityRow& row : rows)
            document.push_back(toJson(row, group == analysis::GroupBy::Memcpy));
        print(document);
        return 0;
    }
    if (rows.empty())
        say("this report has nothing to group by {}\n", by);
    else
        say("{:>7} {:>12} {:>9} {:>12} {:>12} {:>12}  {}\n", "share", "total", "count", "p50", "p99", "max", "name");
    for (const analysis::ActivityRow& row : rows)
        say("{:>6.1f}% {:>12} {:>9} {:>12} {:>12} {:>12}  {}\n", row.share * 100, formatDuration(row.duration.total), row.duration.count,
            formatDuration(row.duration.p50), formatDuration(row.duration.p99), formatDuration(row.duration.max), row.title());
    return 0;
}

int stats(const CommonOptions& common, const ReportFiles& files, const std::string& by)
{
    const auto group = analysis::groupByFromName(by);
    if (!group)
        return reportUsage("'" + by + "' is no grouping: use kernel, memcpy, api, nvtx, stream, phase, library or os", common);
    return withReport(files, common, [&](const trace::Trace& trace) { return stats(common, trace, *group, by); });
}

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
        document.push_back({{"name", r.name}, {"bytes", r.sizeBytes}, {"created_utc_ns", r.createdUtcNs}, {"target", orNull(r.targetName)}, {"window_ns", r.durationNs}, {"label", orNull(r.label)}});
        if (!common.json)
            say("{:<48} {:>10} {:>10}  {} {}\n", r.name, formatBytes(r.sizeBytes), formatDuration(r.durationNs), r.targetName, r.label);
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
        return app::fetchReport(**client, name, *destination, [&](std::uint64_t bytes, std::uint64_t total) {
            progress.show(fmt::format("fetching    {} of {}", formatBytes(bytes), formatBytes(total)));
        }, giveUp.get_token());
    }();
    if (!fetched)
        return report(fetched.error(), common);
    if (common.json)
        print({{"file", fetched->path.string()}, {"bytes", fetched->bytes}, {"resumed_from_bytes", fetched->resumedFrom}, {"sha256", fetched->sha256}});
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

/// At most `width` bytes, never ending inside a UTF-8 sequence: kernel names are longer than any table.
std::string shortened(const std::string& text, std::size_t width)
{
    if (text.size() <= width)
        return text;
    std::size_t end = width - 1;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;
    return text.substr(0, end) + "…";
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
    const LatencyVerdict verdict = compareLatency(**left, **right);
    if (common.json) {
        print({{"verdict", name(verdict.verdict)}, {"reason", verdict.reason}, {"summary", toJson(c.summary)}, {"phases", toJson(c.phases)}, {"kernels", toJson(c.kernels)}, {"memcpys", toJson(c.memcpys)}});
        return 0;
    }
    say("{}: {}\n\n", headline(verdict.verdict), verdict.reason);
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
                    "  gantryctl report stats slow.gantry --by phase --json");
    command->add_subcommand("list", "Reports on the node")->callback([&] { action = [&] { return list(common); }; });
    auto name = std::make_shared<std::string>(), output = std::make_shared<std::string>(), by = std::make_shared<std::string>("kernel");
    auto* fetching = command->add_subcommand("fetch", "Fetch a report, or go on with a fetch that was cut");
    fetching->add_option("name", *name, "its name on the node")->required();
    fetching->add_option("-o,--output", *output, "file to write");
    fetching->callback([&, name, output] { action = [&, name, output] { return fetch(common, *name, *output); }; });
    auto* deleting = command->add_subcommand("delete", "Delete a report on the node");
    deleting->add_option("name", *name, "its name on the node")->required();
    deleting->callback([&, name] { action = [&, name] { return remove(common, *name); }; });
    auto files = std::make_shared<ReportFiles>();
    auto* informing = command->add_subcommand("info", "What a report holds, what of it was read, and what not");
    addReportFiles(*informing, *files);
    informing->callback([&, files] {
        action = [&, files] { return withReport(*files, common, [&](const trace::Trace& trace) { return info(common, trace); }); };
    });
    auto* counting = command->add_subcommand("stats", "Where the time went in a report file");
    addReportFiles(*counting, *files);
    counting->add_option("--by", *by, "kernel, memcpy, api, nvtx, stream, phase, library or os")->capture_default_str();
    counting->callback([&, files, by] { action = [&, files, by] { return stats(common, *files, *by); }; });

    addConvertCommand(*command, common, action);

    auto first = std::make_shared<std::string>(), second = std::make_shared<std::string>();
    auto* comparing = app.add_subcommand("compare", "Differences between two report files, by phase and by kernel");
    comparing->add_option("A", *first, "report to compare with")->required();
    comparing->add_option("B", *second, "report to judge")->required();
    comparing->footer("The verdict is about the median latency of the complete requests of one model, of those in both reports the one that took\n"
                      "most time in A: same, better, worse, or cannot say when there are fewer than 30 on a side or the difference is within\n"
                      "what they vary by. The exit status is 0 whatever it is.");
    comparing->callback([&, first, second] { action = [&, first, second] { return compareReports(common, *first, *second); }; });
}

} // namespace gantry::cli
