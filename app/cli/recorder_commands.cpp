#include "app/cli/capture_steps.h"
#include "app/cli/commands.h"
#include "app/cli/duration.h"
#include "app/cli/report_json.h"
#include "app/cli/report_summary.h"
#include "app/cli/window_options.h"
#include "app/remote/recorder_save.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

namespace gantry::cli {
namespace {

struct RecorderArguments
{
    std::string target, keep = "30s", size = "256MiB", label; ///< start
    std::string saveWhen, saveFor, saveLast = "5s", saveNext = "2s", coolDown = "30s";
    std::uint32_t saveAtMost = 10;
    std::string id, last, output; ///< save, stop
};

/// When it saves by itself. Errors: BadInput.
Result<proto::SaveWhen> saveWhenOf(const RecorderArguments& arguments)
{
    proto::SaveWhen when;
    when.condition = arguments.saveWhen;
    if (!arguments.saveFor.empty()) {
        GANTRY_TRY(when.forNs, parseDuration(arguments.saveFor));
    }
    GANTRY_TRY(when.lastNs, parseDuration(arguments.saveLast));
    GANTRY_TRY(when.nextNs, parseDuration(arguments.saveNext));
    GANTRY_TRY(when.coolDownNs, parseDuration(arguments.coolDown));
    when.atMost = arguments.saveAtMost;
    return when;
}

Result<int> start(const CommonOptions& common, const RecorderArguments& arguments)
{
    proto::CaptureRequest request;
    GANTRY_TRY(request.ringNs, parseDuration(arguments.keep));
    GANTRY_TRY(request.ringBytes, parseSize(arguments.size));
    if (!arguments.saveWhen.empty()) {
        GANTRY_TRY(request.saveWhen, saveWhenOf(arguments));
    }
    request.targetId = arguments.target;
    request.label = arguments.label;
    GANTRY_TRY(const auto client, connect(common));
    if (request.targetId.empty()) {
        GANTRY_TRY(request.targetId, chooseTarget(*client, proto::EngineKind::Native));
    }
    GANTRY_TRY(const proto::CaptureStatus status, client->startCapture(request));
    if (common.json)
        print(toJson(status));
    else
        say("{} records {} and keeps its last {}, at most {}\n"
            "`gantryctl recorder save` writes what just happened, `gantryctl recorder stop` ends it\n",
            status.captureId, status.targetId, formatDuration(request.ringNs), formatBytes(request.ringBytes));
    if (!common.json && !request.saveWhen.condition.empty())
        say("when {} holds{} it saves the last {} and the next {} by itself, at most {} times, at most every {}\n"
            "`gantryctl report list` shows the reports, `gantryctl recorder list` what it waits for\n",
            request.saveWhen.condition, request.saveWhen.forNs > 0 ? " for " + formatDuration(request.saveWhen.forNs) : std::string(),
            formatDuration(request.saveWhen.lastNs), formatDuration(request.saveWhen.nextNs), request.saveWhen.atMost,
            formatDuration(request.saveWhen.coolDownNs));
    return 0;
}

Result<std::vector<proto::CaptureStatus>> recorders(app::NodeClient& client)
{
    GANTRY_TRY(auto captures, client.captures());
    std::erase_if(captures, [](const proto::CaptureStatus& status) { return status.ringNs <= 0 || status.isFinished(); });
    return captures;
}

/// The one that is named, or the only one.
Result<proto::CaptureStatus> choose(app::NodeClient& client, const std::string& id)
{
    GANTRY_TRY(const auto running, recorders(client));
    const auto named = std::find_if(running.begin(), running.end(), [&](const auto& status) { return status.captureId == id; });
    if (!id.empty() && named == running.end())
        return Error{
            ErrorCode::NotFound, fmt::format("no recorder {} runs on this node: `gantryctl recorder list` shows those that do", id), {}};
    if (!id.empty())
        return *named;
    if (running.empty())
        return Error{ErrorCode::NotFound, "no recorder runs on this node: start one with `gantryctl recorder start`", {}};
    if (running.size() > 1)
        return Error{ErrorCode::BadInput, "several recorders run on this node, name one: `gantryctl recorder list` shows them", {}};
    return running.front();
}

Result<int> save(const CommonOptions& common, const RecorderArguments& arguments)
{
    DurationNs last = 0;
    if (!arguments.last.empty()) {
        GANTRY_TRY(last, parseDuration(arguments.last));
    }
    GANTRY_CHECK(checkWritable(arguments.output));
    GANTRY_TRY(const auto client, connect(common));
    GANTRY_TRY(const proto::CaptureStatus recorder, choose(*client, arguments.id));
    proto::CaptureStatus status;
    GANTRY_TRY(const std::string name,
               app::saveRecorder(*client, recorder.captureId, last, arguments.label, [&](const auto& now) { status = now; }));
    GANTRY_TRY(const FetchedFile file, fetchWindow(*client, name, arguments.output, {}));
    if (!file.trace)
        return file.trace.error();
    if (common.json) {
        print({{"recorder", toJson(status)},
               {"file", file.fetched.path.string()},
               {"bytes", file.fetched.bytes},
               {"sha256", file.fetched.sha256},
               {"summary", toJson(summarise(**file.trace))}});
        return 0;
    }
    sayLines(text(summarise(**file.trace)));
    say("{:<18}{} ({}, SHA-256 verified)\n", "file", file.fetched.path.string(), formatBytes(file.fetched.bytes));
    return 0;
}

Result<int> stop(const CommonOptions& common, const RecorderArguments& arguments)
{
    GANTRY_TRY(const auto client, connect(common));
    GANTRY_TRY(const proto::CaptureStatus running, choose(*client, arguments.id));
    GANTRY_TRY(const proto::CaptureStatus stopped, client->stopCapture(running.captureId));
    if (common.json)
        print(toJson(stopped));
    else
        say("{} has ended; {} {} saved\n", stopped.captureId, stopped.savesBegun, stopped.savesBegun == 1 ? "report was" : "reports were");
    return 0;
}

Result<int> list(const CommonOptions& common)
{
    GANTRY_TRY(const auto client, connect(common));
    GANTRY_TRY(const auto running, recorders(*client));
    if (common.json) {
        nlohmann::json all = nlohmann::json::array();
        for (const proto::CaptureStatus& status : running)
            all.push_back(toJson(status));
        print(all);
        return 0;
    }
    if (running.empty()) {
        say("no recorder runs on this node: start one with `gantryctl recorder start`\n");
        return 0;
    }
    sayLines(captureTable(running));
    for (const proto::CaptureStatus& status : running)
        if (!status.saveWhen.empty())
            say("{} saves when {}: {} of at most {} · {}\n", status.captureId, status.saveWhen, status.ruleSaves, status.ruleSavesAtMost,
                status.saveState);
    return 0;
}

} // namespace

void addRecorderCommands(CLI::App& app, CommonOptions& common, Action& action)
{
    auto arguments = std::make_shared<RecorderArguments>();
    const auto run = [&common, &action, arguments](Result<int> (*command)(const CommonOptions&, const RecorderArguments&)) {
        action = [&common, arguments, command] {
            const auto status = command(common, *arguments);
            return status ? *status : report(status.error(), common);
        };
    };
    auto* group = app.add_subcommand("recorder", "Record all the time and keep the last seconds: save what just happened");
    group->require_subcommand(1);
    group->footer("A recorder gives way to a capture window and begins anew after it. When the target ends, what the recorder holds is\n"
                  "saved by itself: `gantryctl report list` shows it.\n\n"
                  "  gantryctl recorder start --keep 30s --size 256MiB\n"
                  "  gantryctl recorder start --save-when 'p99 latency > 50ms' --for 2s --last 5s --next 2s\n"
                  "  gantryctl recorder save --last 10s -o what-was-that.gantry\n"
                  "  gantryctl recorder stop");
    auto* starting = group->add_subcommand("start", "Start recording");
    starting->add_option("--target", arguments->target, "target id; may be left out when just one can be captured");
    starting->add_option("--keep", arguments->keep, "how far it reaches back, at most 10m")->capture_default_str();
    starting->add_option("--size", arguments->size, "memory on the node, at most")->capture_default_str();
    starting->add_option("--label", arguments->label, "name to find its reports by");
    auto* when =
        starting->add_option("--save-when", arguments->saveWhen,
                             "save by itself when a metric says so, e.g. 'p99 queue > 5ms': a series of the node's live metrics, or "
                             "requests, failures, latency, queue, compute_infer, first_token; p50 to p99.9 where the server has it");
    starting->add_option("--for", arguments->saveFor, "with --save-when: it has to hold so long, e.g. 2s (default: once)")->needs(when);
    starting->add_option("--last", arguments->saveLast, "with --save-when: save so much before that")->needs(when)->capture_default_str();
    starting->add_option("--next", arguments->saveNext, "with --save-when: and so much after it")->needs(when)->capture_default_str();
    starting->add_option("--at-most", arguments->saveAtMost, "with --save-when: reports; older ones are never deleted")
        ->needs(when)
        ->check(CLI::Range(1u, 1000u))
        ->capture_default_str();
    starting->add_option("--cool-down", arguments->coolDown, "with --save-when: from a save to the next one")
        ->needs(when)
        ->capture_default_str();
    starting->callback([run] { run(start); });
    auto* saving = group->add_subcommand("save", "Write a report of what was recorded, and fetch it; recording goes on");
    saving->add_option("id", arguments->id, "the recorder; may be left out when just one runs");
    saving->add_option("--last", arguments->last, "how far to reach back, e.g. 10s (default: all that is held)");
    saving->add_option("--label", arguments->label, "name to find the report by");
    saving->add_option("-o,--output", arguments->output, "file to write (default: the report's name on the node)");
    saving->callback([run] { run(save); });
    auto* stopping = group->add_subcommand("stop", "End it; what was not saved is forgotten");
    stopping->add_option("id", arguments->id, "the recorder; may be left out when just one runs");
    stopping->callback([run] { run(stop); });
    group->add_subcommand("list", "Recorders that run on the node")->callback([&common, &action] {
        action = [&common] {
            const auto status = list(common);
            return status ? *status : report(status.error(), common);
        };
    });
}

} // namespace gantry::cli
