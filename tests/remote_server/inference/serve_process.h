#pragma once

#include "tests/remote_server/inference/serving_fixture.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <httplib.h>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace gantry::inference_server {

/// gantry-serve on free ports; killed with this object if it still runs.
class ServeProcess
{
public:
    explicit ServeProcess(const TestRepository& models, const std::map<std::string, std::string>& environment = {},
                          const std::vector<std::string>& flags = {})
        : m_process(argvOf(models, m_folder / "ready", flags), {.environment = environment, .beforeExec = {}})
    {
        // Throws in the constructor: a server that does not come up is no result of a test.
        if (!test::eventually([&] { return std::filesystem::exists(m_folder / "ready") || !m_process.isRunning(); }) ||
            !m_process.isRunning())
            throw std::runtime_error("gantry-serve did not start: " + m_process.errorText());
        const auto ports = nlohmann::json::parse(std::ifstream(m_folder / "ready"));
        m_grpcPort = ports.at("grpc_port").get<int>();
        m_httpPort = ports.at("http_port").get<int>();
        m_metricsPort = ports.at("metrics_port").get<int>();
        m_stub = stubFor(m_grpcPort);
    }

    [[nodiscard]] int grpcPort() const { return m_grpcPort; }
    [[nodiscard]] int httpPort() const { return m_httpPort; }
    [[nodiscard]] int metricsPort() const { return m_metricsPort; }
    [[nodiscard]] ::inference::GRPCInferenceService::Stub& stub() { return *m_stub; }
    [[nodiscard]] test::ChildProcess& process() { return m_process; }

    [[nodiscard]] std::string get(const std::string& path) const
    {
        const auto response = httplib::Client("127.0.0.1", m_metricsPort).Get(path);
        return response && response->status == 200 ? response->body : "no answer";
    }

    /// Of the metrics' port; 0 without an answer.
    [[nodiscard]] int status(const std::string& path) const
    {
        const auto response = httplib::Client("127.0.0.1", m_metricsPort).Get(path);
        return response ? response->status : 0;
    }

    /// Asks it to end; its exit status, -1 when it does not end or is killed by a signal.
    [[nodiscard]] int terminate(int signal = SIGTERM)
    {
        m_process.signal(signal);
        return wait();
    }
    /// The same of one that was asked already.
    [[nodiscard]] int wait()
    {
        const auto result = m_process.wait();
        return result ? result->exitStatus : -1;
    }

    /// Whether it takes requests.
    [[nodiscard]] bool isReady()
    {
        grpc::ClientContext context;
        ::inference::ServerReadyResponse response;
        return m_stub->ServerReady(&context, {}, &response).ok() && response.ready();
    }

    [[nodiscard]] ::inference::ModelStatistics statistics(const std::string& model)
    {
        grpc::ClientContext context;
        ::inference::ModelStatisticsRequest request;
        request.set_name(model);
        ::inference::ModelStatisticsResponse response;
        const grpc::Status status = m_stub->ModelStatistics(&context, request, &response);
        if (!status.ok() || response.model_stats_size() != 1)
            throw std::runtime_error("no statistics: " + status.error_message());
        return response.model_stats(0);
    }

private:
    static std::vector<std::string> argvOf(const TestRepository& models, const std::filesystem::path& readyFile,
                                           const std::vector<std::string>& flags)
    {
        std::vector<std::string> argv{
            GANTRY_SERVE, "--model-repository", models.path(),  "--grpc-port", "0", "--http-port", "0", "--metrics-port",
            "0",          "--cpu-only",         "--ready-file", readyFile};
        argv.insert(argv.end(), flags.begin(), flags.end());
        return argv;
    }

    test::TemporaryFolder m_folder;
    test::ChildProcess m_process;
    std::unique_ptr<::inference::GRPCInferenceService::Stub> m_stub;
    int m_grpcPort = 0, m_httpPort = 0, m_metricsPort = 0;
};

/// Runs it to its end.
inline test::ProcessResult runServe(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), GANTRY_SERVE);
    return test::runProcess(arguments);
}

} // namespace gantry::inference_server
