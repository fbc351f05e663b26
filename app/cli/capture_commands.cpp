#include "app/cli/command_words.h"
#include "app/cli/commands.h"
#include "app/cli/duration.h"
#include "app/cli/report_json.h"
#include "app/cli/report_summary.h"
#include "app/cli/target_launch.h"
#include "app/remote/report_fetcher.h"
#include "trace_model/trace/trace_loader.h"

#include <cerrno>
#include <condition_variable>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <unistd.h>

namespace gantry::cli {
namespace {

constexpr std::chrono::seconds kReconnectTimeout{10};
constexpr DurationNs kLaunchStopGraceNs = 10'000'000'000;
constexpr DurationNs kLongestWindowNs = 600'000'000'000; // node.proto, StartCaptureRequest.duration_ns

struct CaptureArguments
{
    std::string target, length, label, output, wait = "30s";
    std::uint64_t requests = 0;
    bool untilExit = false;
    bool keepRunning = false;
    std::string launchWords;          ///< --launch 'CMD ARG…'
    std::vector<std::string> command; ///< … or after --
    bool launches = false;
    LaunchOptions launch;
};

/// The command line as what to do, checked: what is wrong here is usage, before the node is asked for anything.
struct CapturePlan
{
    proto::CaptureRequest request;
    DurationNs launchWaitNs = 0;
};

Result<CapturePlan> planOf(CaptureArguments& arguments)
{
    CapturePlan plan;
    const auto usage = [](std::string sentence) { return Error{ErrorCode::BadInput, std::move(sentence), {}}; };
    if (!arguments.length.empty()) {
        GANTRY_TRY(plan.request.durationNs, parseDuration(arguments.length));
        if (plan.request.durationNs > kLongestWindowNs)
            return usage(fmt::format("a window is at most 10 minutes long, not {}", arguments.length));
    }
    GANTRY_TRY(plan.launchWaitNs, parseDuration(arguments.wait));
    if (arguments.length.empty() && arguments.requests == 0 && !arguments.untilExit)
        return usage("say when the window ends: --for 2s, --requests N or --until-exit");
    if (!arguments.launches && !arguments.command.empty())
        return usage("a command after -- needs --launch");
    if (arguments.launches && !arguments.launchWords.empty()) {
        if (!arguments.command.empty())
            return usage("give the command to launch once: in --launch 'CMD ARG…' or after --");
        GANTRY_TRY(arguments.command, splitCommandWords(arguments.launchWords));
    }
    if (arguments.launches && arguments.command.empty())
        return usage("--launch needs a command: --launch 'CMD ARG…', or at the end -- CMD ARG…");
    plan.request.maxRequests = arguments.requests;
    plan.request.label = arguments.label;
    plan.request.targetId = arguments.target;
    return plan;
}

Result<std::string> chooseTarget(app::NodeClient& client)
{
    GANTRY_TRY(const auto targets, client.targets());
    std::vector<std::string> ready;
    std::string names;
    for (const proto::Target& target : targets) {
        if (target.processes.empty())
            continue;
        ready.push_back(target.id);
        names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", target.id, target.name);
    }
    if (ready.size() == 1)
        return ready.front();
    if (ready.empty())
        return Error{ErrorCode::NotFound, "no target on this node can be captured: launch one with `gantryctl target launch -- COMMAND`", {}};
    return Error{ErrorCode::BadInput, fmt::format("several targets can be captured, name one with --target: {}", names), {}};
}

/// A folder that is not there is found before the window, not after it.
Result<void> checkWritable(const std::filesystem::path& output)
{
    const std::filesystem::path folder = output.has_parent_path() ? output.parent_path() : std::filesystem::path(".");
    if (::access(folder.c_str(), W_OK | X_OK) == 0)
        return {};
    Error error = errnoError(errno, fmt::format("cannot write a report to {}", folder.string()));
    error.code = ErrorCode::CannotWrite;
    return error;
}

void showWindow(ProgressLine& progress, const proto::CaptureStatus& status)
{
    const std::string length = status.durationNs > 0 ? " of " + formatDuration(status.durationNs) : std::string();
    progress.show(fmt::format("{:<11} {}{} · {} events · {} · dropped {}", proto::name(status.state), formatDuration(status.elapsedNs), length, status.events,
                              formatBytes(status.bytes), status.dropped));
}

/// Watches the window to its end; a connection that breaks is made again, since the daemon closes and keeps the window by itself.
Result<proto::CaptureStatus> watchWindow(app::NodeClient& client, const std::string& captureId, const std::stop_token& stop)
{
    ProgressLine progress(true);
    for (;;) {
        Result<proto::CaptureStatus> last = client.watchCapture(captureId, [&](const proto::CaptureStatus& status) { showWindow(progress, status); }, stop);
        if (last || last.error().code != ErrorCode::Unreachable)
            return last;
        GANTRY_CHECK(client.reconnect(kReconnectTimeout, stop));
    }
}

Error errorOf(const proto::CaptureStatus& status)
{
    ErrorCode code = ErrorCode::Internal;
    for (int candidate = 0; candidate <= static_cast<int>(ErrorCode::Internal); ++candidate)
        if (status.error == name(static_cast<ErrorCode>(candidate)))
            code = static_cast<ErrorCode>(candidate);
    return Error{code, status.message.empty() ? "the capture failed and gantryd did not say why; look at its log" : status.message, {}};
}

nlohmann::json toJson(const proto::CaptureStatus& status, const app::FetchedReport& fetched, const trace::Trace* trace)
{
    return {{"capture_id", status.captureId},
            {"target_id", status.targetId},
            {"report", status.reportName},
            {"file", fetched.path.string()},
            {"bytes", fetched.bytes},
            {"sha256", fetched.sha256},
            {"events", status.events},
            {"dropped", status.dropped},
            {"window_ns", status.elapsedNs},
            {"open_cost_ns", status.openCostNs},
            {"close_cost_ns", status.closeCostNs},
            {"target_exited", status.targetExited},
            {"message", orNull(status.message)},
            {"summary", trace ? toJson(summarise(*trace)) : nlohmann::json()}};
}

/// Ctrl-C while a window is open: the first ends the window, the second gives up. Set before the window is asked for, so that none
/// is left open by a Ctrl-C at the wrong moment.
class WindowInterrupts
{
public:
    WindowInterrupts(Interrupts* interrupts, app::NodeClient& client, std::stop_source& giveUp)
        : m_client(client), m_giveUp(giveUp), m_scope(interrupts, [this](int count) { onSignal(count); }), m_thread([this](std::stop_token stop) { closeWhenAsked(stop); })
    {
    }

    /// What to say of a window that was given up. Ends the watching of signals.
    [[nodiscard]] Error givenUp()
    {
        m_thread.request_stop();
        m_thread.join();
        return {ErrorCode::Cancelled,
                m_isClosed ? "given up at the second interrupt; the window is closed and gantryd keeps its report, `gantryctl report list` shows it"
                           : "given up at the second interrupt; gantryd has not said that it closed the window, which ends by itself after 10 minutes at most",
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
    std::mutex m_mutex;
    std::condition_variable_any m_changed;
    std::string m_captureId; ///< m_mutex until it is set
    bool m_isAsked = false;  ///< m_mutex
    bool m_isClosed = false; ///< of m_thread, until it is joined
    InterruptScope m_scope;
    std::jthread m_thread;
};

/// From an open connection to a fetched report. Ctrl-C ends the window and the report is fetched all the same; a second one gives up.
Result<int> captureOn(app::NodeClient& client, const CommonOptions& common, const CaptureArguments& arguments, const proto::CaptureRequest& request,
                      std::stop_source& giveUp)
{
    WindowInterrupts interrupts(common.interrupts, client, giveUp);
    GANTRY_TRY(const proto::CaptureStatus started, client.startCapture(request));
    interrupts.opened(started.captureId);
    Result<proto::CaptureStatus> watched = watchWindow(client, started.captureId, giveUp.get_token());
    if (!watched && watched.error().code == ErrorCode::Cancelled)
        return interrupts.givenUp();
    GANTRY_TRY(const proto::CaptureStatus status, std::move(watched));
    if (status.state == proto::CaptureState::Failed)
        return errorOf(status);

    Result<app::FetchedReport> fetched = [&]() -> Result<app::FetchedReport> {
        std::filesystem::path output = arguments.output;
        if (output.empty()) {
            GANTRY_TRY(output, app::localFileName(status.reportName));
        }
        ProgressLine progress(true);
        return app::fetchReport(client, status.reportName, output, [&](std::uint64_t bytes, std::uint64_t total) {
            progress.show(fmt::format("fetching    {} of {}", formatBytes(bytes), formatBytes(total)));
        }, giveUp.get_token());
    }();
    if (!fetched)
        return std::move(fetched).context(fmt::format("the report is kept on the node, `gantryctl report fetch {}` gets it", status.reportName)).error();

    // What the file holds is said if it can be read; the capture itself is done either way.
    const auto trace = trace::loadTrace(fetched->path);
    if (!trace)
        sayTo(stderr, "gantryctl: {}\n", trace.error().text());
    if (common.json) {
        print(toJson(status, *fetched, trace ? trace->get() : nullptr));
        return 0;
    }
    if (trace)
        sayLines(text(summarise(**trace)));
    if (!status.message.empty() && !(trace && status.targetExited)) // the summary says that already
        say("{:<18}{}\n", "note", status.message);
    say("{:<18}{} ({}, SHA-256 verified)\n", "file", fetched->path.string(), formatBytes(fetched->bytes));
    return 0;
}

Result<int> capture(const CommonOptions& common, CaptureArguments arguments, CapturePlan plan)
{
    GANTRY_CHECK(checkWritable(arguments.output));
    GANTRY_TRY(const auto client, connect(common));
    std::stop_source giveUp;
    if (!arguments.launches) {
        if (plan.request.targetId.empty()) {
            Result<std::string> chosen = chooseTarget(*client);
            if (!chosen && chosen.error().code == ErrorCode::BadInput)
                return reportUsage(chosen.error().message, common);
            GANTRY_TRY(plan.request.targetId, std::move(chosen));
        }
        return captureOn(*client, common, arguments, plan.request, giveUp);
    }

    arguments.launch.request.argv = arguments.command;
    GANTRY_TRY(const proto::Target target, client->launch(arguments.launch.launchRequest()));
    plan.request.targetId = target.id;
    const Result<proto::Target> ready = [&] {
        const InterruptScope interrupts(common.interrupts, [&](int) { giveUp.request_stop(); });
        return waitForTarget(*client, target.id, Readiness::Capturable, std::chrono::nanoseconds(plan.launchWaitNs), giveUp.get_token());
    }();
    Result<int> result = ready ? captureOn(*client, common, arguments, plan.request, giveUp) : Result<int>(ready.error());
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
    command->add_option("--for", arguments->length, "length of the window, e.g. 2s");
    command->add_option("--requests", arguments->requests, "end after this many complete requests")->check(CLI::PositiveNumber);
    command->add_flag("--until-exit", arguments->untilExit, "end with the target, or with Ctrl-C");
    command->add_option("--label", arguments->label, "name to find the report by");
    command->add_option("-o,--output", arguments->output, "file to write (default: the report's name on the node)");
    command->add_option("--launch", arguments->launchWords, "start this program first and capture it: --launch 'CMD ARG…', or --launch … -- CMD ARG…")
        ->expected(0, 1)
        ->excludes(target);
    command->add_option("--wait-ready", arguments->wait, "how long a launched program may take to use CUDA or NVTX")->capture_default_str();
    command->add_flag("--keep-running", arguments->keepRunning, "leave the launched program running after the window");
    arguments->launch.addTo(*command);
    command->add_option("command", arguments->command, "with --launch: the program and its arguments, after --");
    command->footer("Ctrl-C ends the window early and the report is fetched all the same; a second Ctrl-C gives up.\n"
                    "A window is at most 10 minutes long, and a node has one at a time (exit status 75 when another client holds it).\n"
                    "A target that ends in its window ends the window: the report is fetched, exit status 0.\n\n"
                    "  gantryctl capture --for 2s -o slow.gantry\n"
                    "  gantryctl capture --target t1 --requests 1000 -o thousand.gantry --json\n"
                    "  gantryctl capture --launch --until-exit -o job.gantry -- python train.py --steps 20");
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
