// gantry-serve: the reference inference server. Flags are tritonserver's where it has one.

#include "remote_server/inference/kserve_service.h"
#include "remote_server/proto/grpc_log.h"

#include <CLI/CLI.hpp>
#include <atomic>
#include <cblas.h>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/grpcpp.h>
#include <httplib.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <thread>

namespace {

using namespace gantry;
using namespace gantry::inference_server;

struct Arguments
{
    std::string repository, address = "127.0.0.1", outputMemory = "pageable", readyFile;
    int grpcPort = 8001, metricsPort = 8002;
    bool cpuOnly = false;
};

Result<void> writeReadyFile(const std::string& path, int grpcPort, int metricsPort)
{
    std::ofstream file(path + ".part");
    file << "{\"grpc_port\":" << grpcPort << ",\"metrics_port\":" << metricsPort << "}\n";
    file.close();
    if (!file || std::rename((path + ".part").c_str(), path.c_str()) != 0)
        return Error{ErrorCode::CannotWrite, "cannot write " + path, {}};
    return {};
}

/// A thread that serves HTTP for as long as this object lives.
class HttpThread
{
public:
    explicit HttpThread(httplib::Server& server) : m_server(server), m_thread([this] {
        m_server.listen_after_bind();
        m_ended = true;
    })
    {
    }
    ~HttpThread()
    {
        // stop() does nothing to a server that does not run yet, and the thread would then never end.
        while (!m_server.is_running() && !m_ended)
            std::this_thread::yield();
        m_server.stop();
    }

private:
    httplib::Server& m_server;
    std::atomic<bool> m_ended{false};
    std::jthread m_thread;
};

Result<void> run(const Arguments& arguments)
{
    openblas_set_num_threads(1); // an instance is a thread already
    GANTRY_TRY(const auto server,
               InferenceServer::load(arguments.repository, {.backend = {!arguments.cpuOnly, arguments.outputMemory == "pinned"}}));

    httplib::Server http;
    http.Get("/metrics", [&](const httplib::Request&, httplib::Response& response) { response.set_content(metricsText(*server), "text/plain; version=0.0.4"); });
    http.Get("/v2/health/live", [](const httplib::Request&, httplib::Response&) {});
    http.Get("/v2/health/ready", [](const httplib::Request&, httplib::Response&) {});
    // Neither server may share its port (SO_REUSEPORT, the default of both libraries): a second gantry-serve would quietly take
    // half of the first one's requests.
    http.set_socket_options([](socket_t socket) {
        const int on = 1;
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    });
    const int metricsPort = arguments.metricsPort == 0 ? http.bind_to_any_port(arguments.address.c_str())
                                                       : http.bind_to_port(arguments.address.c_str(), arguments.metricsPort) ? arguments.metricsPort : -1;
    if (metricsPort < 0)
        return Error{ErrorCode::CannotWrite, "cannot listen on port " + std::to_string(arguments.metricsPort) + " for metrics: is it in use?", {}};
    const HttpThread httpThread(http);

    grpc::EnableDefaultHealthCheckService(true);
    KServeService service(*server);
    grpc::ServerBuilder builder;
    int grpcPort = 0;
    builder.AddListeningPort(arguments.address + ":" + std::to_string(arguments.grpcPort), grpc::InsecureServerCredentials(), &grpcPort);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.RegisterService(&service);
    builder.SetMaxReceiveMessageSize(INT_MAX);
    builder.SetMaxSendMessageSize(INT_MAX);
    const auto grpcServer = builder.BuildAndStart();
    if (!grpcServer || grpcPort == 0)
        return Error{ErrorCode::CannotWrite, "cannot listen on port " + std::to_string(arguments.grpcPort) + " for gRPC: is it in use?", {}};
    spdlog::info("gantry-serve {} is ready: gRPC on {}:{}, metrics on {}:{}", GANTRY_VERSION, arguments.address, grpcPort, arguments.address, metricsPort);
    if (!arguments.readyFile.empty())
        GANTRY_CHECK(writeReadyFile(arguments.readyFile, grpcPort, metricsPort));

    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    int signal = 0;
    sigwait(&ends, &signal);
    spdlog::info("gantry-serve ends: answering what is in flight");
    service.beginShutdown();
    grpcServer->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(10)); // waits for calls in flight
    return {};
}

} // namespace

int main(int argc, char** argv)
{
    proto::routeGrpcLog([](const std::string& line) { spdlog::debug("{}", line); });
    CLI::App app{"gantry-serve: an inference server for the KServe v2 gRPC protocol, instrumented with NVTX."};
    Arguments arguments;
    app.add_option("--model-repository", arguments.repository, "folder of models, each with config.pbtxt and a version folder")->required();
    app.add_option("--address", arguments.address, "address to listen on");
    app.add_option("--grpc-port", arguments.grpcPort, "port of the KServe v2 gRPC service; 0 takes a free one")->check(CLI::Range(0, 65535));
    app.add_option("--metrics-port", arguments.metricsPort, "port of /metrics and /v2/health; 0 takes a free one")->check(CLI::Range(0, 65535));
    app.add_option("--output-memory", arguments.outputMemory, "host memory that GPU outputs are copied to")->check(CLI::IsMember({"pageable", "pinned"}));
    app.add_option("--ready-file", arguments.readyFile, "write the ports here as JSON once ready");
    app.add_flag("--cpu-only", arguments.cpuOnly, "do not look for a GPU");
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
