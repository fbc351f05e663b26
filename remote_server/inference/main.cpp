// gantry-serve: the reference inference server. Flags are tritonserver's where it has one.

#include "remote_server/inference/exit_deadline.h"
#include "remote_server/inference/front_flags.h"
#include "remote_server/inference/server_flags.h"
#include "remote_server/proto/grpc_log.h"

#include <CLI/CLI.hpp>
#include <cblas.h>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>
#include <spdlog/spdlog.h>

namespace {

using namespace gantry;
using namespace gantry::inference_server;

struct Arguments
{
    std::string readyFile;
    ServerFlags server;
    FrontFlags front;
};

/// 0: not served.
Result<void> writeReadyFile(const std::string& path, const FrontEnds& ends)
{
    std::ofstream file(path + ".part");
    file << "{\"grpc_port\":" << ends.grpcPort() << ",\"http_port\":" << ends.httpPort() << ",\"metrics_port\":" << ends.metricsPort()
         << "}\n";
    file.close();
    if (!file || std::rename((path + ".part").c_str(), path.c_str()) != 0)
        return Error{ErrorCode::CannotWrite, "cannot write " + path, {}};
    return {};
}

std::string portsText(const FrontEnds& ends)
{
    std::string text;
    for (const auto& [name, port] :
         {std::pair("gRPC", ends.grpcPort()), std::pair("HTTP", ends.httpPort()), std::pair("metrics", ends.metricsPort())})
        if (port > 0)
            text += (text.empty() ? "" : ", ") + std::string(name) + " on port " + std::to_string(port);
    return text.empty() ? "nothing is served" : text;
}

Result<void> run(const Arguments& arguments)
{
    openblas_set_num_threads(1); // an instance is a thread already
    GANTRY_TRY(const auto log, LogSettings::create(arguments.front.log));
    GANTRY_TRY(const ServerOptions options, serverOptions(arguments.server));
    std::optional<ExitDeadline> deadline; // before the server: its destructor waits too
    GANTRY_TRY(const auto server, InferenceServer::load(arguments.server.repository, options));

    GANTRY_TRY(const TraceConfig trace, traceConfig(arguments.front));
    GANTRY_TRY(const MetricsOptions metrics, metricsOptions(arguments.front));
    ProtocolCalls calls(*server, {.trace = trace, .metrics = metrics, .log = log.get()});
    GANTRY_TRY(const auto ends, FrontEnds::start(frontOptions(arguments.front), calls));
    if (server->isReady())
        spdlog::info("gantry-serve {} is ready: {}", GANTRY_VERSION, portsText(*ends));
    else
        spdlog::warn("gantry-serve {} serves and is not ready, since not all of its models are (--strict-readiness): {}", GANTRY_VERSION,
                     portsText(*ends));
    if (!arguments.readyFile.empty())
        GANTRY_CHECK(writeReadyFile(arguments.readyFile, *ends));

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    int signal = 0;
    sigwait(&signals, &signal);
    spdlog::info("gantry-serve ends: answering what is in flight");
    const std::chrono::seconds patience(arguments.server.exitTimeoutSeconds);
    deadline.emplace(patience);
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr); // the next one ends the program at once
    server->stopWaiting();
    ends->end(patience);
    return {};
}

/// In the help: booleans as they are written, and nothing for lists that are empty.
void wordDefaults(CLI::App& app)
{
    for (CLI::Option* option : app.get_options()) {
        const std::string value = option->get_default_str();
        if (value == "[]")
            option->default_str("");
        else if (option->get_type_name() == "BOOLEAN")
            option->default_str(value == "0" || value == "false" ? "false" : "true");
    }
}

} // namespace

int main(int argc, char** argv)
{
    proto::routeGrpcLog([](const std::string& line) { spdlog::debug("{}", line); });
    CLI::App app{"gantry-serve: an inference server for the KServe v2 gRPC protocol, instrumented with NVTX."};
    Arguments arguments;
    app.option_defaults()->always_capture_default();
    addServerFlags(app, arguments.server);
    addFrontFlags(app, arguments.front);
    app.add_option("--ready-file", arguments.readyFile, "write the ports here as JSON once ready");
    wordDefaults(app);
    app.set_version_flag("--version", GANTRY_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 64; // EX_USAGE
    }
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr); // before any thread exists
    std::signal(SIGPIPE, SIG_IGN);
    const auto result = run(arguments);
    if (!result)
        std::fprintf(stderr, "gantry-serve: %s\n", result.error().text().c_str());
    return result ? 0 : exitStatus(result.error().code);
}
