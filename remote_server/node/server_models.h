#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <string>
#include <vector>

namespace gantry::node {

/// The models of one inference server. Any thread; calls may block. Errors: those of the server.
class ServerModels
{
public:
    virtual ~ServerModels() = default;

    /// All of the repository, also those that are not loaded; without their platforms.
    [[nodiscard]] virtual Result<std::vector<proto::ModelInfo>> list() const = 0;
    /// Of a model that is loaded. Errors besides: NotFound.
    [[nodiscard]] virtual Result<proto::ModelConfigText> config(const std::string& model, const std::string& version) const = 0;
    /// `configText` empty: with the configuration of the repository. Errors besides: BadInput "config.pbtxt:LINE:COLUMN: …".
    [[nodiscard]] virtual Result<void> load(const std::string& model, const std::string& configText) const = 0;
    [[nodiscard]] virtual Result<void> unload(const std::string& model) const = 0;
};

} // namespace gantry::node
