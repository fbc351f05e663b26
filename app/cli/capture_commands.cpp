#include "app/cli/capture_steps.h"
#include "app/cli/capture_together.h"
#include "app/cli/commands.h"
#include "app/cli/duration.h"
#include "app/cli/engine_options.h"
#include "app/cli/report_json.h"
#include "app/cli/report_summary.h"
#include "app/cli/target_launch.h"
#include "app/cli/window_options.h"
#include "app/remote/command_words.h"
#include "app/remote/error_code.h"
#include "app/remote/report_fetcher.h"
#include "trace_model/import/nsys_output.h"
#include "trace_model/trace/trace_loader.h"

#include <chrono>
#include <condition_variable>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

namespace gantry::cli {
namespace {

constexpr std::chrono::seconds kReconnectTimeout{10};
constexpr DurationNs kLaunchStopGraceNs = 10'000'000'000;

struct CaptureArguments
{
    std::string target, label, output, wait = "30s";
    WindowOptions window;
    bool keepRunning = false, noAfter = false;
    std::string launchWords;          ///< --launch 'CMD ARG…'
    std::vector<std::string> command; ///< … or after --
    std::vector<std::string> with;    ///< more nodes, ADDRESS#TARGET
    bool launches = false;
    LaunchOptions launch;
    EngineOptions engine;
};

/// The command line as what to do, checked: what is wrong here is usage, before the node is asked for anything.
struct CapturePlan
{
    proto::CaptureRequest request;
    proto::LaunchRequest launch;
    DurationNs launchWaitNs = 0;
};

Result<CapturePlan> planOf(CaptureArguments& arguments)
{
    CapturePlan plan;
    const auto usage = [](std::string sentence) { return Error{ErrorCode::BadInput, std::move(sentence), {}}; };
    arguments.window.isOpenedByIterations = !arguments.launch.request.iterations.empty();
    if (arguments.window.isOpenedByIterations && !arguments.launches)
        return usage("--iterations-range is set when a program is started: it needs --launch");
    if (arguments.window.isOpenedByIterations && arguments.window.drivesProfiler)
        return usage("the engine opens its window at --iterations-range or when --profiler asks it: give one of them");
    GANTRY_TRY(plan.request, arguments.window.request());
    GANTRY_TRY(plan.launchWaitNs, parseDuration(arguments.wait));
    if (!arguments.launches && !arguments.command.empty())
        return usage("a command after -- needs --launch");
    if (arguments.launches && !arguments.launchWords.empty()) {
        if (!arguments.command.empty())
            return usage("give the command to launch once: in --launch 'CMD ARG…' or after --");
        GANTRY_TRY(arguments.command, app::splitCommandWords(arguments.launchWords));
    }
    if (arguments.launches && arguments.command.empty())
        return usage("--launch needs a command: --launch 'CMD ARG…', or at the end -- CMD ARG…");
    plan.request.label = arguments.label;
    plan.request.targetId = arguments.target;
    GANTRY_CHECK(arguments.engine.apply(plan.request));
    if (!arguments.with.empty())
        GANTRY_CHECK(checkTogether(plan.request));
    arguments.launch.request.argv = arguments.command;
    plan.launch = arguments.launch.launchRequest();
    if (arguments.launches)
        GANTRY_CHECK(arguments.engine.apply(plan.launch));
    return plan;
}

void showWindow(ProgressLine& progress, const proto::CaptureStatus& status)
{
    if (const std::string waits = waitText(status); !waits.empty())
        return progress.show(waits);
    if (!status.step.empty())
        return progress.show(fmt::format("{:<11} {}", proto::name(status.state), status.step));
    const std::string length = status.durationNs > 0 ? " of " + formatDuration(status.durationNs) : std::string();
    progress.show(fmt::format("{:<11} {}{} · {} events · {} · dropped {}", proto::name(status.state), formatDuration(status.elapsedNs),
                              length, status.events, formatBytes(status.bytes), status.dropped));
}

/// Watches the window to its end; a connection that breaks is made again, since the daemon closes and keeps the window by itself.
Result<proto::CaptureStatus> watchWindow(app::NodeClient& client, const std::string& captureId, const std::stop_token& stop)
{
    ProgressLine progress(true);
    for (;;) {
        Result<proto::CaptureStatus> last = client.watchCapture(
            captureId, [&](const proto::CaptureStatus& status) { showWindow(progress, status); }, stop);
        if (last || last.error().code != ErrorCode::Unreachable)
            return last;
        GANTRY_CHECK(client.reconnect(kReconnectTimeout, stop));
    }
}

/// The time after the window is measured, too, before the report is fetched: its figures are in it then. As long as the window, 10 s at
/// most; not at all where there is nothing to measure by.
void awaitCost(app::NodeClient& client, proto::CaptureStatus& status, const std::stop_token& hurry)
{
    ProgressLine progress(true);
    progress.show(fmt::format("{:<11} the time after the window, for its cost (Ctrl-C: not)", "measuring"));
    if (auto measured = client.watchCapture(status.captureId, nullptr, hurry, app::NodeClient::WatchUntil::Cost))
        status = std::move(*measured); // else the report is there all the same
}

Error errorOf(const proto::CaptureStatus& status)
{
    return Error{app::errorCodeFromName(status.error),
                 status.message.empty() ? "the capture failed and gantryd did not say why; look at its log" : status.message,
                 {}};
}

/// "-o slow.gantry" of several windows is slow-1.gantry, slow-2.gantry, ...
std::filesystem::path windowFile(const std::filesystem::path& output, std::size_t index, std::size_t count)
{
    if (output.empty() || count == 1)
        return output;
    return output.parent_path() / (output.stem().string() + "-" + std::to_string(index + 1) + output.extension().string());
}

nlohmann::json toJson(const proto::CaptureStatus& status, const FetchedFile* file, const nlohmann::json& windows)
{
    const trace::Trace* trace = file && file->trace ? file->trace->get() : nullptr;
    return {{"capture_id", status.captureId},
            {"target_id", status.targetId},
            {"report", orNull(status.reportName)},
            {"file", file ? nlohmann::json(file->fetched.path.string()) : nlohmann::json()},
            {"bytes", file ? nlohmann::json(file->fetched.bytes) : nlohmann::json()},
            {"sha256", file ? nlohmann::json(file->fetched.sha256) : nlohmann::json()},
            {"windows", windows},
            {"windows_skipped", status.windowsSkipped},
            {"events", status.events},
            {"dropped", status.dropped},
            {"window_ns", status.elapsedNs},
            {"open_cost_ns", status.openCostNs},
            {"close_cost_ns", status.closeCostNs},
            {"target_exited", status.targetExited},
            {"message", orNull(status.message)},
            {"summary", trace ? toJson(summarise(*trace)) : nlohmann::json()}};
}

/// Fetches the reports of all windows and says what they hold: of one window everything, of several a line each.
Result<int> fetchAll(app::NodeClient& client, const CommonOptions& common, const std::string& output, const proto::CaptureStatus& status,
                     const std::stop_token& stop)
{
    nlohmann::json windows = nlohmann::json::array();
    const std::size_t count = status.reportNames.size();
    std::optional<FetchedFile> last;
    for (std::size_t i = 0; i < count; ++i) {
        GANTRY_TRY(last, fetchWindow(client, status.reportNames[i], windowFile(output, i, count), stop));
        const trace::Trace* trace = last->trace ? last->trace->get() : nullptr;
        windows.push_back({{"report", status.reportNames[i]},
                           {"file", last->fetched.path.string()},
                           {"bytes", last->fetched.bytes},
                           {"sha256", last->fetched.sha256}});
        if (!last->trace)
            sayTo(stderr, "gantryctl: {}\n", last->trace.error().text());
        if (common.json)
            continue;
        if (trace && count == 1)
            sayLines(text(summarise(*trace)));
        else if (trace)
            say("{:<18}{} · {} events · {} requests\n", fmt::format("window {}", i + 1), formatDuration(trace->window.duration()),
                trace->eventCount(), trace->requests.size());
        if (i + 1 == count && !status.message.empty() && !(trace && status.targetExited)) // the summary says that already
            say("{:<18}{}\n", "note", status.message);
        if (i + 1 == count && status.windowsSkipped > 0)
            say("{:<18}{} periods went by while a window was still open or another client captured\n", "skipped", status.windowsSkipped);
        say("{:<18}{} ({}, SHA-256 verified)\n", "file", last->fetched.path.string(), formatBytes(last->fetched.bytes));
    }
    if (common.json)
        print(toJson(status, &*last, windows));
    return 0;
}

/// Ctrl-C while a window is open: the first ends the window, the second gives up. Set before the window is asked for, so that none
/// is left open by a Ctrl-C at the wrong moment.
class WindowInterrupts
{
public:
    WindowInterrupts(Interrupts* interrupts, app::NodeClient& client, std::stop_source& giveUp)
        : m_client(client),
          m_giveUp(giveUp),
          m_scope(interrupts, [this](int count) { onSignal(count); }),
          m_thread([this](std::stop_token stop) { closeWhenAsked(stop); })
    {
    }

    /// Of the first Ctrl-C: nothing is waited for that the report can do without.
    [[nodiscard]] std::stop_token hurry() const { return m_hurry.get_token(); }

    /// What to say of a window that was given up. Ends the watching of signals.
    [[nodiscard]] Error givenUp()
    {
        m_thread.request_stop();
        m_thread.join();
        return {
            ErrorCode::Cancelled,
            m_isClosed
                ? "given up at the second interrupt; the window is closed and gantryd keeps its report, `gantryctl report list` shows it"
                : "given up at the second interrupt; gantryd has not said that it closed the window, which ends by itself after 10 minutes "
                  "at most",
            {}};
    }

    /// The window is open from here on.
    void opened(const std::string& captureId)
    {
        const std::lock_guard lock(m_mutex);
        m_captureId = captureId;
        m_changed.notify_all();
    }

private:
    void onSignal(int count)
    {
        const std::lock_guard lock(m_mutex);
        m_isAsked = true;
        m_hurry.request_stop();
        if (count > 1)
            m_giveUp.request_stop();
        m_changed.notify_all();
    }

    /// On a thread of its own: a node that does not answer must not keep the second Ctrl-C waiting.
    void closeWhenAsked(const std::stop_token& stop)
    {
        std::unique_lock lock(m_mutex);
        if (!m_changed.wait(lock, stop, [this] { return m_isAsked && !m_captureId.empty(); }))
            return;
        // Given up before the window's id was here: it is closed all the same, nobody else would.
        const std::stop_token token = m_giveUp.stop_requested() ? std::stop_token() : m_giveUp.get_token();
        lock.unlock();
        const auto stopped = m_client.stopCapture(m_captureId, token);
        m_isClosed = stopped.hasValue();
        if (!stopped && stopped.error().code != ErrorCode::Cancelled)
            sayTo(stderr, "\ngantryctl: {}\n", stopped.error().text());
    }

    app::NodeClient& m_client;
    std::stop_source& m_giveUp;
    std::stop_source m_hurry;
    std::mutex m_mutex;
    std::condition_variable_any m_changed;
    std::string m_captureId; ///< m_mutex until it is set
    bool m_isAsked = false;  ///< m_mutex
    bool m_isClosed = false; ///< of m_thread, until it is joined
    InterruptScope m_scope;
    std::jthread m_thread;
};

/// The node queues what its own engine records; behind another engine's capture, and for another engine's, --queue waits here.
Result<proto::CaptureStatus> startWhenFree(app::NodeClient& client, const proto::CaptureRequest& request, const std::stop_token& stop)
{
    constexpr std::chrono::milliseconds kAskAgain{250};
    std::optional<ProgressLine> progress;
    std::mutex mutex;
    std::condition_variable_any stopped;
    for (;;) {
        auto started = client.startCapture(request);
        if (started || started.error().code != ErrorCode::Busy || !request.mayQueue)
            return started;
        if (!progress)
            progress.emplace(true);
        progress->show(fmt::format("{:<11} {}", "queued", started.error().message));
        std::unique_lock lock(mutex);
        stopped.wait_for(lock, stop, kAskAgain, [&] { return stop.stop_requested(); });
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "called off while it waited for another capture: nothing was captured", {}};
    }
}

/// From an open connection to a fetched report. Ctrl-C ends the window and the report is fetched all the same; a second one gives up.
Result<int> captureOn(app::NodeClient& client, const CommonOptions& common, const CaptureArguments& arguments,
                      const proto::CaptureRequest& request, std::stop_source& giveUp)
{
    WindowInterrupts interrupts(common.interrupts, client, giveUp);
    GANTRY_TRY(const proto::CaptureStatus started, startWhenFree(client, request, interrupts.hurry()));
    interrupts.opened(started.captureId);
    if (!started.message.empty()) // such as a disk that is nearly full
        sayTo(stderr, "gantryctl: {}\n", started.message);
    Result<proto::CaptureStatus> watched = watchWindow(client, started.captureId, giveUp.get_token());
    if (!watched && watched.error().code == ErrorCode::Cancelled)
        return interrupts.givenUp();
    GANTRY_TRY(proto::CaptureStatus status, std::move(watched));
    if (status.isCostPending && !arguments.noAfter)
        awaitCost(client, status, interrupts.hurry());
    if (status.state == proto::CaptureState::Failed)
        return errorOf(status);

    if (status.reportNames.empty()) {
        sayTo(stderr, "gantryctl: the capture was called off before a window opened: there is no report\n");
        if (common.json)
            print(toJson(status, nullptr, nlohmann::json::array()));
        return 0;
    }
    return fetchAll(client, common, arguments.output, status, giveUp.get_token());
}

/// What the node would run, a command a line.
Result<int> showCommands(app::NodeClient& client, const CommonOptions& common, const CaptureArguments& arguments, CapturePlan plan)
{
    std::vector<std::string> commands;
    if (arguments.launches) {
        GANTRY_TRY(const proto::Target target, client.launch(plan.launch));
        commands.push_back(importing::commandText(target.argv));
        plan.request.targetId = target.id;
    }
    GANTRY_TRY(const proto::CaptureStatus planned, client.startCapture(plan.request));
    commands.insert(commands.end(), planned.commands.begin(), planned.commands.end());
    if (common.json)
        print({{"engine", proto::name(planned.engine)}, {"commands", commands}});
    else
        for (const std::string& command : commands)
            say("{}\n", command);
    return 0;
}

Result<int> capture(const CommonOptions& common, CaptureArguments arguments, CapturePlan plan)
{
    GANTRY_CHECK(checkWritable(arguments.output));
    if (!arguments.with.empty()) {
        std::vector<TogetherNode> nodes{{common.node, arguments.target}};
        for (const std::string& text : arguments.with)
            nodes.push_back(parseTogetherNode(text));
        return captureTogether(common, nodes, plan.request, arguments.output);
    }
    GANTRY_TRY(const auto client, connect(common));
    std::stop_source giveUp;
    if (!arguments.launches) {
        if (plan.request.targetId.empty()) {
            Result<std::string> chosen = chooseTarget(*client, plan.request.engine);
            if (!chosen && chosen.error().code == ErrorCode::BadInput)
                return reportUsage(chosen.error().message, common);
            GANTRY_TRY(plan.request.targetId, std::move(chosen));
        }
        if (plan.request.isPlanOnly)
            return showCommands(*client, common, arguments, std::move(plan));
        return captureOn(*client, common, arguments, plan.request, giveUp);
    }

    if (plan.request.isPlanOnly)
        return showCommands(*client, common, arguments, std::move(plan));
    GANTRY_TRY(const proto::Target target, client->launch(plan.launch));
    plan.request.targetId = target.id;
    plan.request.awaitNs = plan.launchWaitNs; // asked for before the program comes to its first call: none is missed
    Result<int> result = captureOn(*client, common, arguments, plan.request, giveUp);
    // What this command started, it ends.
    if (!arguments.keepRunning)
        if (const auto stopped = client->stopTarget(target.id, kLaunchStopGraceNs); !stopped && stopped.error().code != ErrorCode::NotFound)
            sayTo(stderr, "gantryctl: {}\n", stopped.error().text());
    return result;
}

} // namespace

void addCaptureCommand(CLI::App& app, CommonOptions& common, Action& action)
{
    auto arguments = std::make_shared<CaptureArguments>();
    auto* command = app.add_subcommand("capture", "Record a window on a server that keeps serving, and fetch the report");
    auto* target = command->add_option("--target", arguments->target, "target id; may be left out when just one can be captured");
    arguments->window.addTo(*command);
    command->add_flag("--no-after", arguments->noAfter,
                      "fetch the report at once: its cost is measured against the time before the window alone");
    command->add_option("--label", arguments->label, "name to find the report by");
    command->add_option("-o,--output", arguments->output, "file to write (default: the report's name on the node)");
    auto* with = command
                     ->add_option("--with", arguments->with,
                                  "one more node, ADDRESS or ADDRESS#TARGET, on which a window opens at the same instant (several times)")
                     ->allow_extra_args(false);
    command
        ->add_option("--launch", arguments->launchWords,
                     "start this program first and capture it: --launch 'CMD ARG…', or --launch … -- CMD ARG…")
        ->expected(0, 1)
        ->excludes(target)
        ->excludes(with);
    command->add_option("--wait-ready", arguments->wait, "how long a launched program may take to use CUDA or NVTX")->capture_default_str();
    command->add_flag("--keep-running", arguments->keepRunning, "leave the launched program running after the window");
    arguments->launch.addTo(*command);
    arguments->engine.addTo(*command, true, true);
    command->add_option("command", arguments->command, "with --launch: the program and its arguments, after --");
    command->footer(
        "Ctrl-C ends the window early and the report is fetched all the same; a second Ctrl-C gives up.\n"
        "A window is at most 10 minutes long, and a node has one at a time (exit status 75 when another client holds it; --queue waits).\n"
        "Several windows are a file each: -o slow.gantry gives slow-1.gantry, slow-2.gantry, …\n"
        "A target that ends in its window ends the window: the report is fetched, exit status 0.\n\n"
        "  gantryctl capture --for 2s -o slow.gantry\n"
        "  gantryctl capture --target t1 --requests 1000 -o thousand.gantry --json\n"
        "  gantryctl capture --node gpu-07 --with gpu-08 --with gpu-09#t3 --for 2s -o ranks.gantry\n"
        "  gantryctl capture --for 500ms --every 10s --repeat 6 -o minute.gantry\n"
        "  gantryctl capture --for 500ms --every 1s --some 2/60 --repeat 20 -o hour.gantry\n"
        "  gantryctl capture --capture-range 'nvtx:forward@*' --capture-range-end repeat:3 -o step.gantry\n"
        "  gantryctl capture --target t1 --profiler --for 2s -o vllm.gantry\n"
        "  gantryctl capture --launch --iterations-range 100-150 -o steps.gantry -- trtllm-serve /model\n"
        "  gantryctl capture --launch --until-exit -o job.gantry -- python train.py --steps 20\n"
        "  gantryctl capture --engine nsys --for 2s --launch -o nsys.gantry -- ./server");
    command->callback([&, arguments, command] {
        action = [&, arguments, command] {
            arguments->launches = command->count("--launch") > 0;
            const auto plan = planOf(*arguments);
            if (!plan)
                return reportUsage(plan.error().text(), common);
            const auto status = capture(common, *arguments, *plan);
            return status ? *status : report(status.error(), common);
        };
    });
}

} // namespace gantry::cli
