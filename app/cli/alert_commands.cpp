#include "app/cli/commands.h"
#include "app/cli/duration.h"
#include "app/cli/output.h"
#include "app/cli/text_table.h"

#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

struct AlertOptions
{
    std::string id, condition, name, forTime, cooldown, quietHours, action, target;
    bool isOff = false, isOn = false, isSilent = false;
};

std::string localTime(std::int64_t utcNs)
{
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(static_cast<std::time_t>(utcNs / 1'000'000'000)));
}

nlohmann::json toJson(const proto::AlertState& state)
{
    nlohmann::json events = nlohmann::json::array();
    for (const proto::AlertEvent& event : state.events)
        events.push_back({{"utc_ns", event.utcNs},
                          {"phase", name(event.phase)},
                          {"value", orNull(event.value)},
                          {"done", orNull(event.done)},
                          {"held_back", event.isHeldBack}});
    const proto::AlertRule& rule = state.rule;
    return {{"id", rule.id},
            {"name", rule.name},
            {"condition", rule.condition},
            {"for_ns", rule.forNs},
            {"cooldown_ns", rule.cooldownNs},
            {"quiet_hours", orNull(rule.quietHours)},
            {"action", name(rule.action)},
            {"target", orNull(rule.targetId)},
            {"is_off", rule.isOff},
            {"notify", rule.notifies},
            {"phase", name(state.phase)},
            {"since_utc_ns", state.sinceUtcNs},
            {"value", orNull(state.value)},
            {"problem", orNull(state.problem)},
            {"is_deleted", state.isDeleted},
            {"events", std::move(events)}};
}

std::string phaseText(const proto::AlertState& state)
{
    return state.rule.isOff ? "off" : name(state.phase);
}

int list(const CommonOptions& common)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto rules = (*client)->alertRules();
    if (!rules)
        return report(rules.error(), common);
    noteRecording(**client);
    if (common.json) {
        nlohmann::json all = nlohmann::json::array();
        for (const proto::AlertState& state : *rules)
            all.push_back(toJson(state));
        print(all);
        return 0;
    }
    if (rules->empty()) {
        say("no alerts: add one, such as `gantryctl alert add 'p99 queue > 5ms' --for 10s --do save-recorder`\n");
        return 0;
    }
    std::vector<std::vector<std::string>> rows;
    for (const proto::AlertState& state : *rules)
        rows.push_back({state.rule.id, state.rule.name, state.rule.condition, phaseText(state),
                        state.problem.empty() ? state.value : state.problem, name(state.rule.action), std::to_string(state.events.size())});
    sayLines(alignedTable({"id", "name", "condition", "state", "value", "does", "events"}, rows, ""));
    return 0;
}

Result<void> apply(const AlertOptions& options, proto::AlertRule& rule)
{
    if (!options.condition.empty())
        rule.condition = options.condition;
    if (!options.name.empty())
        rule.name = options.name;
    if (!options.forTime.empty()) {
        GANTRY_TRY(rule.forNs, parseDuration(options.forTime));
    }
    if (!options.cooldown.empty()) {
        GANTRY_TRY(rule.cooldownNs, parseDuration(options.cooldown));
    }
    if (!options.quietHours.empty())
        rule.quietHours = options.quietHours == "none" ? "" : options.quietHours;
    for (const proto::AlertAction action : {proto::AlertAction::Mark, proto::AlertAction::SaveRecorder, proto::AlertAction::Capture})
        if (options.action == proto::name(action))
            rule.action = action;
    if (!options.target.empty())
        rule.targetId = options.target;
    if (options.isOff || options.isOn)
        rule.isOff = options.isOff;
    if (options.isSilent)
        rule.notifies = false;
    return {};
}

int set(const CommonOptions& common, const AlertOptions& options)
{
    proto::AlertRule rule;
    if (const auto parsed = apply(options, rule); !parsed) // before anything is asked of the node
        return reportUsage(parsed.error().text(), common);
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    if (!options.id.empty()) {
        const auto rules = (*client)->alertRules();
        if (!rules)
            return report(rules.error(), common);
        rule.id = options.id; // the node says what is wrong with one that is not there
        for (const proto::AlertState& state : *rules)
            if (state.rule.id == options.id)
                rule = state.rule;
        (void)apply(options, rule);
    }
    const auto state = (*client)->setAlertRule(rule);
    if (!state)
        return report(state.error(), common);
    if (common.json)
        print(toJson(*state));
    else
        say("alert {} watches {}{}\n", state->rule.id, state->rule.condition, state->rule.isOff ? "; it is off" : "");
    return 0;
}

int remove(const CommonOptions& common, const std::string& id)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto removed = (*client)->deleteAlertRule(id);
    if (!removed)
        return report(removed.error(), common);
    if (common.json)
        print({{"id", id}});
    else
        say("alert {} watches no more\n", id);
    return 0;
}

void printState(const proto::AlertState& state)
{
    if (state.isDeleted)
        return say("{}  {} was deleted\n", std::string(19, ' '), state.rule.id);
    say("{}  {} {}  {}{}\n", localTime(state.sinceUtcNs), state.rule.id, state.rule.name, phaseText(state),
        state.value.empty() ? state.problem.empty() ? "" : ": " + state.problem : ": " + state.value);
    if (state.phase == proto::AlertPhase::Firing && !state.events.empty() && !state.events.back().done.empty())
        say("{}  {}\n", std::string(19, ' '), state.events.back().done);
}

/// A line when the state of one changes, not for each value.
int watch(const CommonOptions& common)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    std::stop_source stop;
    const InterruptScope interrupts(common.interrupts, [&](int) { stop.request_stop(); });
    std::map<std::string, proto::AlertPhase> shown;
    const auto watched = (*client)->watchAlerts(
        [&](const proto::AlertState& state) {
            const auto [known, isNew] = shown.try_emplace(state.rule.id, state.phase);
            if (common.json)
                printLine(toJson(state));
            else if (isNew || state.isDeleted || known->second != state.phase)
                printState(state);
            known->second = state.phase;
            std::fflush(stdout);
        },
        stop.get_token());
    return watched ? 0 : report(watched.error(), common);
}

void addSetOptions(CLI::App& command, AlertOptions& options)
{
    command.add_option("--name", options.name, "what people call it (default: its condition)");
    command.add_option("--for", options.forTime, "how long the condition must hold, e.g. 10s");
    command.add_option("--do", options.action, "what is done when it fires: mark (default), save-recorder, capture")
        ->check(CLI::IsMember({"mark", "save-recorder", "capture"}));
    command.add_option("--target", options.target,
                       "of a capture: the target by its name, which stays the same when it is started again, or by its id");
    command.add_option("--cooldown", options.cooldown, "pause before it does that again, e.g. 5m");
    command.add_option("--quiet", options.quietHours, "hours of the node's day in which nothing is done, e.g. 22:00-07:00; none");
    command.add_flag("--silent", options.isSilent, "desktops show no notification");
    auto* off = command.add_flag("--off", options.isOff, "it is kept and not judged");
    command.add_flag("--on", options.isOn, "it is judged again")->excludes(off);
}

} // namespace

void addAlertCommands(CLI::App& app, CommonOptions& common, Action& action)
{
    auto* command = app.add_subcommand("alert", "Rules that gantryd watches, with nobody connected too");
    command->require_subcommand(1);
    command->add_subcommand("list", "All rules with their states")->callback([&] { action = [&] { return list(common); }; });
    command->add_subcommand("watch", "A line whenever one changes, until interrupted")->callback([&] {
        action = [&] { return watch(common); };
    });
    auto added = std::make_shared<AlertOptions>();
    auto* adding = command->add_subcommand("add", "Watch a condition");
    adding->add_option("CONDITION", added->condition, "see below")->required();
    addSetOptions(*adding, *added);
    adding->footer("Conditions:\n"
                   "  'p99 queue > 5ms'              a metric of the node or of its servers, a comparison, a value with its unit\n"
                   "  'absent nv_inference_count'    nothing is measured of it\n"
                   "  'anomaly gpu_power_w > 30%'    further than that from its median of the last hour\n\n"
                   "  gantryctl alert add 'p99 queue > 5ms' --for 10s --do save-recorder --cooldown 5m");
    adding->callback([&, added] { action = [&, added] { return set(common, *added); }; });
    auto changed = std::make_shared<AlertOptions>();
    auto* changing = command->add_subcommand("change", "Change a rule; it is judged anew");
    changing->add_option("ID", changed->id, "as `gantryctl alert list` shows it")->required();
    changing->add_option("--condition", changed->condition, "another condition");
    addSetOptions(*changing, *changed);
    changing->callback([&, changed] { action = [&, changed] { return set(common, *changed); }; });
    auto id = std::make_shared<std::string>();
    auto* removing = command->add_subcommand("remove", "Watch a condition no more");
    removing->add_option("ID", *id, "as `gantryctl alert list` shows it")->required();
    removing->callback([&, id] { action = [&, id] { return remove(common, *id); }; });
}

} // namespace gantry::cli
