#include "app/cli/commands.h"
#include "app/remote/node_readiness.h"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

using proto::ReadinessItem;
using proto::ReadinessLevel;

constexpr std::size_t kLevelWidth = 8, kTopicWidth = 17;

void printItem(const ReadinessItem& item)
{
    say("{:<{}} {:<{}} {}\n", name(item.level), kLevelWidth, item.topic, kTopicWidth, item.finding);
    const std::string indent(kLevelWidth + kTopicWidth + 2, ' ');
    if (!item.effect.empty())
        say("{}effect: {}\n", indent, item.effect);
    if (!item.fix.empty())
        say("{}fix:    {}\n", indent, item.fix);
}

nlohmann::json toJson(const proto::ReadinessReport& report)
{
    nlohmann::json items = nlohmann::json::array();
    for (const ReadinessItem& item : report.items)
        items.push_back({{"topic", item.topic},
                         {"level", name(item.level)},
                         {"finding", item.finding},
                         {"effect", orNull(item.effect)},
                         {"fix", orNull(item.fix)}});
    return {{"worst", name(report.worst())}, {"checked_utc_ns", report.checkedUtcNs}, {"items", std::move(items)}};
}

int statusOf(ReadinessLevel worst)
{
    switch (worst) {
    case ReadinessLevel::Ok:
    case ReadinessLevel::Note:
        return 0;
    case ReadinessLevel::Limited:
    case ReadinessLevel::Blocked:
        return 1;
    case ReadinessLevel::Unknown:
        return 2;
    }
    return 2;
}

int check(const CommonOptions& common)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto readiness = app::checkReadiness(**client);
    if (!readiness)
        return report(readiness.error(), common);
    noteRecording(**client);
    if (common.json)
        print(toJson(*readiness));
    else
        for (const ReadinessItem& item : readiness->items)
            printItem(item);
    return statusOf(readiness->worst());
}

} // namespace

void addNodeCheckCommand(CLI::App& nodeCommands, CommonOptions& common, Action& action)
{
    auto* command = nodeCommands.add_subcommand("check", "What of Gantry works on the node, what does not, and how that is mended");
    command->footer(
        "Levels: ok; note, everything works; unknown, it could not be looked at; limited, a part of Gantry does not work; blocked, "
        "nothing of the GPU\ncan be captured. Exit status: 0 nothing is worse than a note, 1 something is limited or blocked, 2 "
        "something is unknown.");
    command->callback([&] { action = [&] { return check(common); }; });
}

} // namespace gantry::cli
