#pragma once

#include "remote_server/inference/backends/backend.h"
#include "remote_server/inference/model.h"
#include "trace_model/base/result.h"

#include <vector>

namespace gantry::inference_server {

/// A sample of a model's warm-up as a request would bring it, with how often it is to be executed.
struct WarmUpSample
{
    std::string name;
    std::vector<Tensor> inputs;
    std::uint32_t count = 1;
};

/// The samples of a checked configuration. Random data comes from a fixed seed and small numbers, 0 to 9, so that they can be token ids.
/// Errors: BadInput, NotFound (a file of input data).
[[nodiscard]] Result<std::vector<WarmUpSample>> warmUpSamples(const ModelDescription& model);

/// Executes the samples. Errors: what the backend says or throws.
[[nodiscard]] Result<void> warmUp(const std::vector<WarmUpSample>& samples, const BackendFactory& factory, Backend& backend);

} // namespace gantry::inference_server
