#include "app/cli/recipe_run.h"

#include "app/cli/capture_steps.h"
#include "app/cli/load_files.h"
#include "app/cli/load_text.h"
#include "app/cli/report_summary.h"
#include "app/cli/target_launch.h"
#include "app/remote/error_code.h"
#include "remote_server/load/load_generator.h"
#include "trace_model/base/new_file.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/report_notes.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <thread>
#include <unistd.h>
#include <utility>

namespace gantry::cli {
namespace {

constexpr DurationNs kStopGraceNs = 10'000'000'000;

/// Ends the server that it has, once.
class StartedServer
{
public:
    StartedServer(app::NodeClient& client, std::string id, bool keepsRunning)
        : m_client(client), m_id(std::move(id)), m_keepsRunning(keepsRunning)
    {
    }
    StartedServer(const StartedServer&) = delete;
    StartedServer& operator=(const StartedServer&) = delete;
    ~StartedServer()
    {
        if (m_keepsRunning)
            return;
        if (const auto stopped = m_client.stopTarget(m_id, kStopGraceNs); !stopped && stopped.error().code != ErrorCode::NotFound)
            sayTo(stderr, "gantryctl: the server that was started, {}, is not ended: {}\n", m_id, stopped.error().text());
    }

private:
    app::NodeClient& m_client;
    const std::string m_id;
    const bool m_keepsRunning;
};

/// The program that lies beside this one, where the node runs here too; else its name, for gantryd to find.
std::string besideThisProgram(const std::string& name, const CommonOptions& common)
{
    const std::string& node = common.node;
    const bool isHere = node.empty() || node.starts_with("unix:") || node.starts_with('/') ||
                        node.find("//127.0.0.1") != std::string::npos || node.find("//localhost") != std::string::npos;
    std::error_code error;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / name;
    return isHere && !error && ::access(program.c_str(), X_OK) == 0 ? program.string() : name;
}

/// What came of load and capture.
struct Outcome
{
    Result<std::vector<load::LoadResult>> load = std::vector<load::LoadResult>();
    std::optional<Result<proto::CaptureStatus>> capture; ///< absent: the recipe has none
};

class RecipeRun
{
public:
    RecipeRun(const Recipe& recipe, std::filesystem::path folder, const CommonOptions& common, std::shared_ptr<app::NodeClient> client)
        : m_recipe(recipe), m_folder(std::move(folder)), m_common(common), m_client(std::move(client)), m_load(recipe.load)
    {
    }

    Result<int> run()
    {
        const InterruptScope interrupts(m_common.interrupts, [this](int count) {
            m_stop.request_stop();
            if (count > 1)
                m_giveUp.request_stop();
        });
        std::optional<StartedServer> server;
        GANTRY_TRY(const proto::Target target, prepareServer(server));
        if (m_load.address.empty())
            m_load.address = target.grpcAddress;
        if (m_load.address.empty())
            return Error{ErrorCode::BadInput, fmt::format("target {} has no gRPC address: give the load of the recipe one", target.id), {}};
        GANTRY_CHECK(warmUp());
        if (m_stop.stop_requested())
            return Error{ErrorCode::Cancelled, "interrupted before anything was measured", {}};
        Outcome outcome = measure(target.id);
        return keep(outcome, target.id);
    }

private:
    /// A recipe that was taken from a report lacks the secrets that it ran with: they are those of this shell.
    static Result<void> findSecrets(proto::LaunchRequest& request)
    {
        for (auto& [name, value] : request.environment) {
            if (value != kSecretNotKept)
                continue;
            const char* own = std::getenv(name.c_str());
            if (!own)
                return Error{
                    ErrorCode::BadInput,
                    fmt::format("the recipe does not hold the value of {}, a secret: set it in this shell, or in the recipe", name),
                    {}};
            value = own;
        }
        return {};
    }

    Result<proto::Target> prepareServer(std::optional<StartedServer>& server)
    {
        if (m_recipe.server.launch.argv.empty())
            return findTarget();
        if (!m_common.json)
            say("starting    {}\n", m_recipe.server.launch.argv.front());
        proto::LaunchRequest request = m_recipe.server.launch;
        GANTRY_CHECK(findSecrets(request));
        if (m_recipe.server.isFound)
            request.argv.front() = besideThisProgram(request.argv.front(), m_common);
        auto launched = m_client->launch(request, m_stop.get_token());
        // Behind a tunnel, or in a container, what looks like this machine is another file system.
        if (!launched && launched.error().code == ErrorCode::NotFound && request.argv.front() != m_recipe.server.launch.argv.front()) {
            request.argv.front() = m_recipe.server.launch.argv.front();
            launched = m_client->launch(request, m_stop.get_token());
        }
        if (!launched && launched.error().code == ErrorCode::NotFound && m_recipe.server.isFound) {
            const std::string& name = m_recipe.server.launch.argv.front();
            Error error = launched.error();
            error.message +=
                fmt::format("; {} is looked for beside gantryctl, when the node is this machine, and on the PATH of gantryd: say "
                            "where it is with `program: /path/to/{}` in the recipe's server",
                            name, name);
            return error;
        }
        GANTRY_TRY(const proto::Target target, launched);
        server.emplace(*m_client, target.id, m_recipe.server.keepsRunning);
        return waitForTarget(*m_client, target.id, std::chrono::nanoseconds(m_recipe.server.waitReady), m_stop.get_token());
    }

    Result<proto::Target> findTarget()
    {
        GANTRY_TRY(const std::vector<proto::Target> targets, m_client->targets());
        for (const proto::Target& target : targets)
            if (target.id == m_recipe.server.target || target.name == m_recipe.server.target)
                return target;
        return Error{
            ErrorCode::NotFound,
            fmt::format("there is no target '{}' on the node; `gantryctl target list` shows those there are", m_recipe.server.target),
            {}};
    }

    Result<void> warmUp()
    {
        if (m_recipe.warmUp == 0 && m_recipe.warmUpCount == 0)
            return {};
        load::LoadOptions options = m_load;
        options.duration = m_recipe.warmUp;
        options.count = m_recipe.warmUpCount;
        options.rule.reset();
        ProgressLine progress(!m_common.json);
        const auto warmed = load::runLevels(options, {m_recipe.levels.front()}, m_stop.get_token(),
                                            [&](const load::LoadProgress& now) { progress.show("warming up " + progressText(now)); });
        return warmed ? Result<void>() : Result<void>(warmed.error());
    }

    /// The load on a thread of its own, the capture on this one; whichever is to end with the other does.
    Outcome measure(const std::string& targetId)
    {
        Outcome outcome;
        std::stop_source finish;
        if (m_recipe.loadsUntilCaptured)
            m_load.finish = finish.get_token();
        std::string captureId;
        if (m_recipe.capture) {
            proto::CaptureRequest request = *m_recipe.capture;
            request.targetId = targetId;
            auto started = m_client->startCapture(request, m_stop.get_token());
            if (!started) {
                outcome.capture = std::move(started);
                return outcome;
            }
            captureId = started->captureId;
        }
        std::jthread loading([&] {
            outcome.load = runLoad();
            const std::lock_guard lock(m_mutex);
            m_isLoaded = true;
            m_changed.notify_all();
        });
        if (!captureId.empty()) {
            std::jthread closing([&](const std::stop_token& done) { closeWhenDue(captureId, done); });
            outcome.capture = watch(captureId);
        }
        finish.request_stop();
        loading.join();
        return outcome;
    }

    Result<std::vector<load::LoadResult>> runLoad()
    {
        ProgressLine progress(!m_common.json && !m_recipe.capture); // else the window's line is there
        return load::runLevels(m_load, m_recipe.levels, m_stop.get_token(),
                               [&](const load::LoadProgress& now) { progress.show(progressText(now)); });
    }

    Result<proto::CaptureStatus> watch(const std::string& captureId)
    {
        ProgressLine progress(!m_common.json);
        return m_client->watchCapture(
            captureId,
            [&](const proto::CaptureStatus& status) {
                progress.show(fmt::format("{:<11} {} · {} events · {} · dropped {}", proto::name(status.state),
                                          formatDuration(status.elapsedNs), status.events, formatBytes(status.bytes), status.dropped));
            },
            m_giveUp.get_token());
    }

    /// A window ends with an interrupt, and where no time bounds it with the load: no further request would come.
    void closeWhenDue(const std::string& captureId, const std::stop_token& done)
    {
        std::stop_source wake;
        const std::stop_callback onStop(m_stop.get_token(), [&] { wake.request_stop(); });
        const std::stop_callback onDone(done, [&] { wake.request_stop(); });
        {
            std::unique_lock lock(m_mutex);
            m_changed.wait(lock, wake.get_token(), [this] { return m_isLoaded && m_recipe.capture->durationNs == 0; });
        }
        if (done.stop_requested())
            return;
        if (const auto stopped = m_client->stopCapture(captureId, done); !stopped && stopped.error().code != ErrorCode::Cancelled)
            sayTo(stderr, "\ngantryctl: {}\n", stopped.error().text());
    }

    [[nodiscard]] std::filesystem::path fileOf(std::string_view ending) const { return m_folder / (m_recipe.name + std::string(ending)); }

    /// Fetches the reports, writes recipe and figures into them and beside them.
    Result<int> keep(Outcome& outcome, const std::string& targetId)
    {
        nlohmann::json document = {{"name", m_recipe.name}, {"target_id", targetId}, {"windows", nlohmann::json::array()}};
        const nlohmann::json load = outcome.load ? toJson(*outcome.load) : nlohmann::json();
        if (outcome.load && !outcome.load->empty()) {
            GANTRY_CHECK(writeLoadFiles({fileOf(".csv"), {}}, *outcome.load, m_load));
            GANTRY_TRY(NewFile file, NewFile::create(fileOf(".json"), FileAccess::ByUmask));
            GANTRY_CHECK(file.write(load.dump(2) + "\n"));
            GANTRY_CHECK(file.publish());
            if (!m_common.json)
                showLoad(*outcome.load);
        }
        document["load"] = load;
        if (outcome.capture)
            GANTRY_CHECK(keepWindows(*outcome.capture, load, document["windows"]));
        if (!outcome.load)
            return outcome.load.error();
        if (m_common.json)
            print(document);
        const bool hasFailed =
            std::any_of(outcome.load->begin(), outcome.load->end(), [](const load::LoadResult& level) { return !level.errors.empty(); });
        return hasFailed ? 1 : 0;
    }

    void showLoad(const std::vector<load::LoadResult>& levels) const
    {
        if (levels.size() > 1)
            return sayLines(levelTable(levels));
        say("{}\n", text(levels.front()));
        sayLines(breakdownText(levels.front()));
    }

    Result<void> keepWindows(const Result<proto::CaptureStatus>& watched, const nlohmann::json& load, nlohmann::json& windows)
    {
        if (!watched && watched.error().code == ErrorCode::Cancelled)
            return Error{
                ErrorCode::Cancelled,
                "given up at the second interrupt; gantryd closes the window and keeps its report, `gantryctl report list` shows it",
                {}};
        GANTRY_TRY(const proto::CaptureStatus status, watched);
        if (status.state == proto::CaptureState::Failed)
            return Error{app::errorCodeFromName(status.error),
                         status.message.empty() ? "the capture failed and gantryd did not say why; look at its log" : status.message,
                         {}};
        if (status.reportNames.empty())
            sayTo(stderr, "gantryctl: the capture was called off before a window opened: there is no report\n");
        for (std::size_t i = 0; i < status.reportNames.size(); ++i) {
            const std::string number = status.reportNames.size() > 1 ? "-" + std::to_string(i + 1) : "";
            const std::filesystem::path path = fileOf(number + ".gantry");
            GANTRY_TRY(const FetchedFile file, fetchWindow(*m_client, status.reportNames[i], path, m_giveUp.get_token()));
            namespace key = report::meta;
            GANTRY_CHECK(report::addNotes(
                path, {{key::kRecipe, m_recipe.text}, {key::kRecipeName, m_recipe.name}, {key::kRecipeLoad, load.dump()}}));
            windows.push_back({{"report", status.reportNames[i]}, {"file", path.string()}, {"bytes", file.fetched.bytes}});
            if (m_common.json)
                continue;
            if (file.trace)
                sayLines(cli::text(summarise(**file.trace)));
            say("{:<18}{} ({})\n", "file", path.string(), formatBytes(file.fetched.bytes));
        }
        return {};
    }

    const Recipe& m_recipe;
    const std::filesystem::path m_folder;
    const CommonOptions& m_common;
    const std::shared_ptr<app::NodeClient> m_client;
    load::LoadOptions m_load;
    std::stop_source m_stop;   ///< of the first interrupt
    std::stop_source m_giveUp; ///< of the second
    std::mutex m_mutex;
    std::condition_variable_any m_changed;
    bool m_isLoaded = false; ///< m_mutex
};

} // namespace

Result<int> runRecipe(const Recipe& recipe, const std::filesystem::path& folder, const CommonOptions& common)
{
    GANTRY_CHECK(makeWritable(folder / recipe.name, "the files of the recipe"));
    GANTRY_TRY(auto client, connect(common));
    return RecipeRun(recipe, folder, common, std::move(client)).run();
}

} // namespace gantry::cli
