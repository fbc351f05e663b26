#pragma once

#include "remote_server/node/server_models.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace grpc {
class ServerContext;
}

namespace gantry::node {

/// The models of a KServe v2 server with Triton's model repository extension, on behalf of a client: the calls end when the client's call
/// does. Any thread; each call blocks until the server has answered. Errors: Unsupported (it has no such call), Unreachable, and what the
/// server itself says, with the code closest to its status.
class ModelControl final : public ServerModels
{
public:
    /// `caller` outlives this.
    ModelControl(std::string grpcAddress, const grpc::ServerContext& caller) : m_address(std::move(grpcAddress)), m_caller(caller) {}

    [[nodiscard]] Result<std::vector<proto::ModelInfo>> list() const override;
    [[nodiscard]] Result<proto::ModelConfigText> config(const std::string& model, const std::string& version) const override;
    [[nodiscard]] Result<void> load(const std::string& model, const std::string& configText) const override;
    [[nodiscard]] Result<void> unload(const std::string& model) const override;

private:
    template <typename Method, typename Request, typename Reply>
    [[nodiscard]] Result<void> ask(Method method, const Request& request, Reply& reply, std::chrono::seconds patience) const;

    std::string m_address;
    const grpc::ServerContext& m_caller;
};

/// The first problem of the text of a config.pbtxt: of the text itself, or of what no server with Triton's configurations takes. Where the
/// servers that run among `servers` are all gantry-serve, what that cannot do is a problem too. Empty: none; what only a server can know is
/// not said.
[[nodiscard]] std::vector<proto::ConfigProblem> configProblems(const std::string& text, const std::vector<proto::Target>& servers = {});

} // namespace gantry::node
