#pragma once

#include "remote_server/inference/backends/backend.h"
#include "remote_server/inference/backends/bert_weights.h"
#include "remote_server/inference/backends/cuda/plugin.h"

#include <map>
#include <memory>
#include <vector>

namespace gantry::inference_server {

/// The weights of a model on the GPUs that its instance groups name, or on all there are, in the type that the parameter `precision`
/// says (fp16, fp32 or tf32). Any thread, once it is loaded.
class CudaModel
{
public:
    /// Errors: Unsupported (no GPU, no CUDA backend beside this program, no room on the GPU), BadInput (no such precision or GPU).
    [[nodiscard]] static Result<std::shared_ptr<const CudaModel>> load(const inference::ModelConfig& config, const BertWeights& weights);
    CudaModel(const CudaModel&) = delete;
    CudaModel& operator=(const CudaModel&) = delete;
    ~CudaModel();

    [[nodiscard]] const GantryCudaApi& api() const { return m_api; }
    /// For the api's functions; a place that names no GPU is on the first.
    [[nodiscard]] void* on(const InstancePlace& place) const;
    [[nodiscard]] std::vector<int> gpus() const;

private:
    explicit CudaModel(const GantryCudaApi& api) : m_api(api) {}

    const GantryCudaApi& m_api;
    std::map<int, void*> m_models; ///< by GPU; at least one
};

/// Whether instances may run on a GPU, as a configuration and the server's flags say. Nothing is said of whether there is one.
[[nodiscard]] bool mayUseGpu(const inference::ModelConfig& config, const BackendOptions& options);
/// Whether they must.
[[nodiscard]] bool mustUseGpu(const inference::ModelConfig& config);

/// Calls a function of the plugin's interface. Errors: Internal, with the plugin's sentence.
template <typename Function, typename... Arguments>
[[nodiscard]] Result<void> callCuda(Function function, Arguments... arguments)
{
    char error[256] = {};
    if (function(arguments..., error, static_cast<int>(sizeof error)) != 0)
        return Error{ErrorCode::Internal, error, {}};
    return {};
}

} // namespace gantry::inference_server
