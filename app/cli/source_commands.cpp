#include "app/cli/commands.h"
#include "app/cli/duration.h"
#include "app/cli/output.h"
#include "app/cli/text_table.h"

#include <fmt/format.h>
#include <optional>

namespace gantry::cli {
namespace {

nlohmann::json toJson(const proto::MetricSource& source)
{
    const auto nullable = [](const std::optional<DurationNs>& time) { return time ? nlohmann::json(*time) : nlohmann::json(); };
    return {{"id", source.id},
            {"name", source.name},
            {"url", orNull(source.url)},
            {"target", orNull(source.targetId)},
            {"period_ns", source.periodNs},
            {"lag_ns", nullable(source.lagNs)},
            {"duration_ns", nullable(source.durationNs)},
            {"series", source.series},
            {"dropped_samples", source.droppedSamples},
            {"problem", orNull(source.problem)},
            {"is_added", source.isAdded}};
}

int list(const CommonOptions& common)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto sources = (*client)->metricSources();
    if (!sources)
        return report(sources.error(), common);
    noteRecording(**client);
    if (common.json) {
        nlohmann::json all = nlohmann::json::array();
        for (const proto::MetricSource& source : *sources)
            all.push_back(toJson(source));
        print(all);
        return 0;
    }
    std::vector<std::vector<std::string>> rows;
    for (const proto::MetricSource& source : *sources)
        rows.push_back({source.id, source.name, source.targetId, formatDuration(source.periodNs),
                        source.lagNs ? formatDuration(*source.lagNs) : "", source.durationNs ? formatDuration(*source.durationNs) : "",
                        std::to_string(source.series), std::to_string(source.droppedSamples),
                        source.problem.empty() ? "measured" : source.problem});
    sayLines(alignedTable({"id", "source", "target", "period", "lag", "takes", "series", "dropped", "state"}, rows, ""));
    return 0;
}

int add(const CommonOptions& common, const std::string& url, const std::string& every)
{
    const auto period = every.empty() ? Result<DurationNs>(DurationNs{0}) : parseDuration(every);
    if (!period)
        return reportUsage(period.error().text(), common);
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto source = (*client)->addMetricSource(url, *period);
    if (!source)
        return report(source.error(), common);
    if (common.json)
        print(toJson(*source));
    else
        say("{} is asked every {} from now on, also when gantryd is started again\n", source->id, formatDuration(source->periodNs));
    return 0;
}

int remove(const CommonOptions& common, const std::string& id)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto removed = (*client)->removeMetricSource(id);
    if (!removed)
        return report(removed.error(), common);
    if (common.json)
        print({{"id", id}});
    else
        say("{} is asked no more\n", id);
    return 0;
}

} // namespace

void addSourceCommands(CLI::App& app, CommonOptions& common, Action& action)
{
    auto* command = app.add_subcommand("source", "Where the node's metrics come from");
    command->require_subcommand(1);
    command->add_subcommand("list", "The machine, targets and endpoints that were added, each with its true period and lag")->callback([&] {
        action = [&] { return list(common); };
    });
    auto url = std::make_shared<std::string>();
    auto every = std::make_shared<std::string>();
    auto* adding = command->add_subcommand("add", "Scrape an endpoint that belongs to no target, e.g. an exporter of DCGM");
    adding->add_option("URL", *url, "http://HOST:PORT/metrics, as the node reaches it")->required();
    adding->add_option("--every", *every, "how often, 100ms to 2s (default 1s)");
    adding->callback([&, url, every] { action = [&, url, every] { return add(common, *url, *every); }; });
    auto id = std::make_shared<std::string>();
    auto* removing = command->add_subcommand("remove", "Scrape an endpoint that was added no more");
    removing->add_option("ID", *id, "as `gantryctl source list` shows it")->required();
    removing->callback([&, id] { action = [&, id] { return remove(common, *id); }; });
}

} // namespace gantry::cli
