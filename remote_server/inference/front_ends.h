#pragma once

#include "remote_server/inference/http_server.h"
#include "remote_server/inference/kserve_service.h"

#include <chrono>
#include <memory>
#include <string>

namespace grpc {
class Server;
}

namespace gantry::inference_server {

/// Where one of the servers listens, if it does.
struct Endpoint
{
    bool isAllowed = true;
    std::string address = "127.0.0.1";
    int port = 0; ///< 0 takes a free one
};

struct FrontOptions
{
    Endpoint grpc, http, metrics;
    std::size_t httpConnections = 128;
    std::size_t mostHttpBodyBytes = 64 << 20;
    int mostGrpcMessageBytes = 64 << 20; ///< a larger message of a client is answered with RESOURCE_EXHAUSTED
};

/// The servers of gantry-serve: gRPC, HTTP and metrics.
class FrontEnds
{
public:
    /// `calls` outlives this. Errors: CannotWrite when a port is taken.
    [[nodiscard]] static Result<std::unique_ptr<FrontEnds>> start(const FrontOptions& options, ProtocolCalls& calls);
    ~FrontEnds();

    /// Answers what is in flight, and at the end of `patience` no more.
    void end(std::chrono::milliseconds patience);

    /// The ports that are served; 0: it is not.
    [[nodiscard]] int grpcPort() const { return m_grpcPort; }
    [[nodiscard]] int httpPort() const { return m_http ? m_http->port() : 0; }
    [[nodiscard]] int metricsPort() const { return m_metrics ? m_metrics->port() : 0; }

private:
    explicit FrontEnds(ProtocolCalls& calls);
    [[nodiscard]] Result<void> startGrpc(const Endpoint& endpoint, int mostMessageBytes);

    ProtocolCalls& m_calls;
    KServeService m_service;
    std::unique_ptr<grpc::Server> m_grpc;
    int m_grpcPort = 0;
    std::unique_ptr<HttpServer> m_http, m_metrics;
};

} // namespace gantry::inference_server
