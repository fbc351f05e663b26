#pragma once

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
class ModelControl
{
public:
    /// `caller` outlives this.
    ModelControl(std::string grpcAddress, const grpc::ServerContext& caller) : m_address(std::move(grpcAddress)), m_caller(caller) {}

    /// All of the repository, also those that are not loaded; without their platforms.
    [[nodiscard]] Result<std::vector<proto::ModelInfo>> list() const;
    /// Of a model that is loaded. Errors besides: NotFound.
    [[nodiscard]] Result<proto::ModelConfigText> config(const std::string& model, const std::string& version) const;
    /// `configText` empty: with the configuration of the repository. Errors besides: BadInput "config.pbtxt:LINE:COLUMN: …".
    [[nodiscard]] Result<void> load(const std::string& model, const std::string& configText) const;
    [[nodiscard]] Result<void> unload(const std::string& model) const;

private:
    template <typename Method, typename Request, typename Reply>
    [[nodiscard]] Result<void> ask(Method method, const Request& request, Reply& reply, std::chrono::seconds patience) const;

    std::string m_address;
    const grpc::ServerContext& m_caller;
};

/// What keeps the text of a config.pbtxt from being read as a Triton configuration, in the order of the text. Empty: it can be read.
[[nodiscard]] std::vector<proto::ConfigProblem> configProblems(const std::string& text);

} // namespace gantry::node
