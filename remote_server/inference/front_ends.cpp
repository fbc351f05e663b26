#include "remote_server/inference/front_ends.h"

#include "remote_server/inference/http_endpoints.h"

#include <climits>
#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/grpcpp.h>
#include <httplib.h>

namespace gantry::inference_server {

FrontEnds::FrontEnds(ProtocolCalls& calls) : m_calls(calls), m_service(calls) {}

FrontEnds::~FrontEnds()
{
    end(std::chrono::milliseconds(0));
}

Result<void> FrontEnds::startGrpc(const Endpoint& endpoint, int mostMessageBytes)
{
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    const std::string address = endpoint.address + ":" + std::to_string(endpoint.port);
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &m_grpcPort);
    // The port may not be shared (SO_REUSEPORT, the library's default): a second server would quietly take half of the requests.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.RegisterService(&m_service);
    builder.SetMaxReceiveMessageSize(mostMessageBytes);
    builder.SetMaxSendMessageSize(INT_MAX);
    m_grpc = builder.BuildAndStart();
    if (!m_grpc || m_grpcPort == 0)
        return Error{ErrorCode::CannotWrite, "cannot listen on port " + std::to_string(endpoint.port) + " for gRPC: is it in use?", {}};
    return {};
}

Result<std::unique_ptr<FrontEnds>> FrontEnds::start(const FrontOptions& options, ProtocolCalls& calls)
{
    std::unique_ptr<FrontEnds> ends(new FrontEnds(calls));
    if (options.metrics.isAllowed) {
        HttpOptions http{.address = options.metrics.address, .port = options.metrics.port, .purpose = "metrics", .mostConnections = 16};
        GANTRY_TRY(ends->m_metrics, HttpServer::start(http, [&](httplib::Server& server) {
                       addHealthEndpoints(server, calls);
                       server.Get("/metrics", [&calls](const httplib::Request&, httplib::Response& response) {
                           response.set_content(calls.metricsText(), "text/plain; version=0.0.4"); // the version of Prometheus' text format
                       });
                   }));
    }
    if (options.http.isAllowed) {
        const HttpOptions http{.address = options.http.address,
                               .port = options.http.port,
                               .purpose = "HTTP (--http-port; --allow-http false does without)",
                               .mostConnections = options.httpConnections,
                               .mostBodyBytes = options.mostHttpBodyBytes};
        GANTRY_TRY(ends->m_http, HttpServer::start(http, [&](httplib::Server& server) { addHttpEndpoints(server, calls); }));
    }
    if (options.grpc.isAllowed)
        GANTRY_CHECK(ends->startGrpc(options.grpc, options.mostGrpcMessageBytes));
    return ends;
}

void FrontEnds::end(std::chrono::milliseconds patience)
{
    m_calls.beginShutdown();
    if (m_grpc)
        m_grpc->Shutdown(std::chrono::system_clock::now() + patience); // waits for calls in flight
    m_grpc.reset();
    m_http.reset();
    m_metrics.reset(); // last: whoever watches sees the others end
}

} // namespace gantry::inference_server
