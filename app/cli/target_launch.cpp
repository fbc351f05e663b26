#include "app/cli/target_launch.h"

#include <algorithm>
#include <condition_variable>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <mutex>

namespace gantry::cli {

namespace {

constexpr std::chrono::milliseconds kPollPeriod{100};

} // namespace

void LaunchOptions::addTo(CLI::App& command)
{
    command.add_option("--name", request.name, "name to show (default: the program's)");
    command.add_option("--grpc-address", request.grpcAddress,
                       "KServe v2 endpoint of the server, HOST:PORT: its models are shown, and ready means it answers");
    command.add_option("--metrics-url", request.metricsUrl,
                       "Prometheus endpoint of the server, http://HOST:PORT/metrics, sampled into every report");
    command.add_option("--env", environment, "KEY=VALUE to add to its environment; may be repeated")
        ->expected(1)
        ->take_all()
        ->check([](const std::string& entry) {
            const std::size_t equals = entry.find('=');
            return equals == std::string::npos || equals == 0 ? "needs KEY=VALUE, not '" + entry + "'" : std::string();
        });
    command.add_option("--directory", request.workingDirectory, "working directory");
    command
        .add_option_function<std::string>(
            "--python-functions",
            [this](const std::string& path) {
                std::ifstream file(path, std::ios::binary);
                request.pythonFunctions.assign(std::istreambuf_iterator<char>(file), {});
                if (request.pythonFunctions.empty())
                    throw CLI::ValidationError("--python-functions", path + " is empty or cannot be read");
            },
            "JSON file of Python functions to record as ranges, as nsys takes it (--python-functions-trace); __main__ included")
        ->check(CLI::ExistingFile);
    command.add_option("--profile", request.profile,
                       "engine of the program, or auto: adds what its profiler needs (`gantryctl target profiles` shows them)");
    command.add_option("--iterations-range", request.iterations,
                       "A-B: the engine opens a window at iteration A and closes it at B (--profile, default auto)");
    command.add_flag("--no-inject", noInject, "without the capture library: it cannot be captured then");
}

proto::LaunchRequest LaunchOptions::launchRequest() const
{
    proto::LaunchRequest result = request;
    result.inject = !noInject;
    for (const std::string& entry : environment) {
        const std::size_t equals = entry.find('=');
        result.environment[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
    return result;
}

Result<proto::Target> waitForTarget(app::NodeClient& client, const std::string& id, std::chrono::nanoseconds timeout,
                                    const std::stop_token& stop)
{
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    std::mutex mutex;
    std::condition_variable_any stopped;
    for (;;) {
        GANTRY_TRY(const std::vector<proto::Target> targets, client.targets());
        const auto target =
            std::find_if(targets.begin(), targets.end(), [&](const proto::Target& candidate) { return candidate.id == id; });
        if (target == targets.end())
            return Error{ErrorCode::NotFound, fmt::format("there is no target {} on the node any more", id), {}};
        if (target->state == proto::TargetState::Running)
            return *target;
        if (target->state == proto::TargetState::Exited || target->state == proto::TargetState::Killed)
            return Error{
                ErrorCode::TargetGone,
                fmt::format("target {} {} before it was ready; `gantryctl target log {}` shows what it said", id, target->message, id),
                {}};
        if (std::chrono::steady_clock::now() >= deadline) {
            const std::string time = formatDuration(std::chrono::duration_cast<std::chrono::nanoseconds>(timeout).count());
            return Error{
                ErrorCode::TargetGone,
                fmt::format("target {} was not ready after {}: its endpoint did not answer; `gantryctl target log {}` shows what it says",
                            id, time, id),
                {}};
        }
        std::unique_lock lock(mutex);
        stopped.wait_for(lock, stop, kPollPeriod, [] { return false; });
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "interrupted while waiting for the target; it goes on", {}};
    }
}

nlohmann::json toJson(const proto::Target& target)
{
    nlohmann::json processes = nlohmann::json::array(), models = nlohmann::json::array();
    for (const proto::TargetProcess& process : target.processes)
        processes.push_back({{"pid", process.pid},
                             {"executable", process.executable},
                             {"capture_attached", process.captureAttached},
                             {"cuda_loaded", process.cudaLoaded}});
    for (const proto::ModelInfo& model : target.models)
        models.push_back({{"name", model.name}, {"version", model.version}, {"state", model.state}, {"platform", orNull(model.platform)}});
    const bool exited = target.state == proto::TargetState::Exited, killed = target.state == proto::TargetState::Killed;
    return {{"id", target.id},
            {"name", target.name},
            {"pid", target.pid},
            {"state", proto::name(target.state)},
            {"exit_code", exited ? nlohmann::json(target.exitCode) : nlohmann::json()},
            {"exit_signal", killed ? nlohmann::json(target.exitSignal) : nlohmann::json()},
            {"started_utc_ns", target.startedUtcNs ? nlohmann::json(target.startedUtcNs) : nlohmann::json()},
            {"adopted", target.adopted},
            {"engine", proto::name(target.engine)},
            {"argv", target.argv},
            {"grpc_address", orNull(target.grpcAddress)},
            {"metrics_url", orNull(target.metricsUrl)},
            {"profile", orNull(target.profile)},
            {"profiler_url", orNull(target.profilerUrl)},
            {"processes", processes},
            {"models", models},
            {"message", orNull(target.message)}};
}

void printTarget(const proto::Target& target)
{
    say("{:<8} {:<20} {:<9} pid {:<8} {}{}\n", target.id, target.name, proto::name(target.state), target.pid,
        target.engine == proto::EngineKind::Nsys ? "under nsys"
        : target.processes.empty()               ? "no capture library"
                                                 : "ready for capture",
        target.adopted ? " · started by hand" : "");
    for (const proto::ModelInfo& model : target.models)
        say("         {} {} {}\n", model.name, model.version, model.state);
    if (!target.message.empty())
        say("         {}\n", target.message);
}

} // namespace gantry::cli
