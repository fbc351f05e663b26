#include "app/remote/node_greeting.h"

#include "remote_server/proto/convert.h"
#include "remote_server/proto/protocol_version.h"

#include "gantry/v1/node.grpc.pb.h"

#include <algorithm>
#include <chrono>
#include <grpcpp/create_channel_posix.h>

namespace gantry::app {

namespace {

constexpr std::chrono::seconds kTimeout{10};

void prepare(grpc::ClientContext& context, const std::string& token)
{
    context.AddMetadata(proto::kProtocolKey, std::to_string(proto::kProtocolVersion));
    if (!token.empty())
        context.AddMetadata(proto::kAuthorizationKey, "Bearer " + token);
    context.set_deadline(std::chrono::system_clock::now() + kTimeout);
}

bool isAtWork(v1::Node::Stub& stub, const std::string& token, const std::stop_token& stop)
{
    grpc::ClientContext context;
    prepare(context, token);
    const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
    v1::ListTargetsReply reply;
    if (!stub.ListTargets(&context, v1::ListTargetsRequest{}, &reply).ok())
        return false;
    return std::any_of(reply.targets().begin(), reply.targets().end(),
                       [](const v1::Target& target) { return proto::fromWire(target).state == proto::TargetState::Running; });
}

} // namespace

Result<NodeGreeting> greetNode(UniqueFd stream, const std::string& token, const std::string& clientName, std::stop_token stop)
{
    grpc::ChannelArguments arguments;
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost"); // a descriptor has no name
    const auto channel = grpc::CreateCustomInsecureChannelFromFd("node", stream.release(), arguments);
    const auto stub = v1::Node::NewStub(channel);
    v1::HelloRequest request;
    request.set_protocol_version(proto::kProtocolVersion);
    request.set_client_version(GANTRY_VERSION);
    request.set_client_name(clientName);
    v1::HelloReply reply;
    grpc::ClientContext context;
    prepare(context, token);
    grpc::Status status;
    {
        const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
        status = stub->Hello(&context, request, &reply);
    }
    if (stop.stop_requested())
        return Error{ErrorCode::Cancelled, "connecting was cancelled", {}};
    if (!status.ok())
        return proto::toError(status, context);
    return NodeGreeting{reply.protocol_version(), reply.daemon_version(),
                        reply.protocol_version() == proto::kProtocolVersion && isAtWork(*stub, token, stop)};
}

} // namespace gantry::app
