#include "remote_server/inference/backends/backend.h"

#include "remote_server/inference/backends/add_sub.h"
#include "remote_server/inference/backends/bert.h"

namespace gantry::inference_server {

Result<std::unique_ptr<BackendFactory>> createBackendFactory(const inference::ModelConfig& config, const BackendOptions& options)
{
    if (config.backend() == "add_sub")
        return createAddSub(config);
    if (config.backend() == "bert")
        return createBert(config, options);
    return Error{ErrorCode::Unsupported, "there is no backend \"" + config.backend() + "\": gantry-serve has add_sub and bert", {}};
}

} // namespace gantry::inference_server
