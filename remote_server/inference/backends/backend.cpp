#include "remote_server/inference/backends/backend.h"

#include "remote_server/inference/backends/add_sub.h"
#include "remote_server/inference/backends/bert.h"
#include "remote_server/inference/backends/decoder.h"
#include "remote_server/inference/backends/identity.h"

namespace gantry::inference_server {

Result<std::unique_ptr<BackendFactory>> createBackendFactory(const inference::ModelConfig& config, const BackendOptions& options)
{
    if (config.backend() == "add_sub")
        return createAddSub(config);
    if (config.backend() == "bert")
        return createBert(config, options);
    if (config.backend() == "decoder")
        return createDecoder(config, options);
    if (config.backend() == "identity")
        return createIdentity(config);
    return Error{ErrorCode::Unsupported,
                 "there is no backend \"" + config.backend() + "\"", // config_check.h names those that there are
                 {}};
}

void autoComplete(inference::ModelConfig& config, bool saysMaxBatchSize)
{
    if (config.backend() == "add_sub")
        completeAddSub(config);
    else if (config.backend() == "bert")
        completeBert(config, saysMaxBatchSize);
    else if (config.backend() == "decoder")
        completeDecoder(config);
    else if (config.backend() == "identity")
        completeIdentity(config);
}

} // namespace gantry::inference_server
