#include "remote_server/inference/backends/cuda_model.h"

#include <algorithm>
#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>
#include <iterator>
#include <numeric>
#include <set>

namespace gantry::inference_server {
namespace {

Error unusable(std::string why)
{
    return {ErrorCode::Unsupported, std::move(why), {}};
}

/// The CUDA backend beside this program, if it loads and finds a device; otherwise the reason.
Result<const GantryCudaApi*> openCudaPlugin()
{
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto path = self.parent_path().parent_path() / "lib" / "libgantry_backend_cuda.so";
    if (!std::filesystem::exists(path, error))
        return unusable("this build has no CUDA backend");
    if (!dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL))
        return unusable("no GPU: the NVIDIA driver is not installed");
    void* library = dlopen(path.c_str(), RTLD_NOW);
    if (!library)
        return unusable(std::string("the CUDA backend does not load: ") + dlerror());
    const auto function = reinterpret_cast<GantryCudaApiFunction>(dlsym(library, "gantryCudaApi"));
    const GantryCudaApi* api = function ? function() : nullptr;
    if (!api || api->version != kGantryCudaVersion)
        return unusable("the CUDA backend is of another version");
    char text[256] = {};
    if (api->deviceCount(text, sizeof text) < 1)
        return unusable(text[0] ? text : "no GPU: the CUDA driver finds none");
    return api;
}

Result<int> precisionOf(const inference::ModelConfig& config)
{
    const auto found = config.parameters().find("precision");
    const std::string name = found == config.parameters().end() ? "fp16" : found->second.string_value();
    if (name == "fp16")
        return GANTRY_CUDA_FP16;
    if (name == "fp32")
        return GANTRY_CUDA_FP32;
    if (name == "tf32")
        return GANTRY_CUDA_TF32;
    return Error{ErrorCode::BadInput, fmt::format("the parameter precision is '{}': it must be fp16, fp32 or tf32", name), {}};
}

/// Those that groups name; all, where a group names none.
Result<std::set<int>> gpusOf(const inference::ModelConfig& config, int there)
{
    std::vector<int> all(static_cast<std::size_t>(there));
    std::iota(all.begin(), all.end(), 0);
    std::set<int> used;
    for (const auto& group : config.instance_group()) {
        if (group.gpus().empty())
            used.insert(all.begin(), all.end());
        for (const int gpu : group.gpus()) {
            if (gpu >= there)
                return Error{ErrorCode::BadInput,
                             fmt::format("instance_group names GPU {}: this machine has {}, numbered from 0", gpu, there),
                             {}};
            used.insert(gpu);
        }
    }
    if (used.empty())
        used.insert(0);
    return used;
}

} // namespace

Result<std::shared_ptr<const CudaModel>> CudaModel::load(const inference::ModelConfig& config, const BertWeights& weights)
{
    GANTRY_TRY(const int precision, precisionOf(config));
    GANTRY_TRY(const GantryCudaApi* api, openCudaPlugin());
    char text[256] = {};
    GANTRY_TRY(const std::set<int> gpus, gpusOf(config, api->deviceCount(text, sizeof text)));
    const BertShape& s = weights.shape;
    const GantryCudaShape shape{s.layers, s.hidden, s.heads, s.ffn, s.vocabulary, s.positions};
    std::vector<const float*> pointers[8];
    for (const BertLayerWeights& layer : weights.layers) {
        const std::vector<float>* parts[] = {&layer.qkv, &layer.qkvBias, &layer.attentionOut, &layer.attentionOutBias,
                                             &layer.up,  &layer.upBias,  &layer.down,         &layer.downBias};
        for (std::size_t i = 0; i < std::size(parts); ++i)
            pointers[i].push_back(parts[i]->data());
    }
    const GantryCudaWeights host{weights.tokens.data(), weights.positions.data(), pointers[0].data(), pointers[1].data(),
                                 pointers[2].data(),    pointers[3].data(),       pointers[4].data(), pointers[5].data(),
                                 pointers[6].data(),    pointers[7].data(),       weights.pooler.data(), weights.poolerBias.data()};
    std::shared_ptr<CudaModel> model(new CudaModel(*api));
    for (const int gpu : gpus) {
        void* loaded = nullptr;
        if (auto done = callCuda(api->loadModel, &shape, &host, precision, gpu, &loaded); !done)
            return unusable(fmt::format("GPU {}: {}", gpu, done.error().message));
        model->m_models.emplace(gpu, loaded);
    }
    return std::shared_ptr<const CudaModel>(std::move(model));
}

CudaModel::~CudaModel()
{
    for (const auto& [gpu, model] : m_models)
        m_api.unloadModel(model);
}

void* CudaModel::on(const InstancePlace& place) const
{
    const auto found = place.gpu ? m_models.find(*place.gpu) : m_models.begin();
    return found == m_models.end() ? m_models.begin()->second : found->second;
}

std::vector<int> CudaModel::gpus() const
{
    std::vector<int> gpus;
    std::transform(m_models.begin(), m_models.end(), std::back_inserter(gpus), [](const auto& model) { return model.first; });
    return gpus;
}

bool mayUseGpu(const inference::ModelConfig& config, const BackendOptions& options)
{
    const bool isForCpu = std::any_of(config.instance_group().begin(), config.instance_group().end(),
                                      [](const auto& group) { return group.kind() == inference::ModelInstanceGroup::KIND_CPU; });
    return options.allowGpu && !isForCpu;
}

bool mustUseGpu(const inference::ModelConfig& config)
{
    return std::any_of(config.instance_group().begin(), config.instance_group().end(),
                       [](const auto& group) { return group.kind() == inference::ModelInstanceGroup::KIND_GPU; });
}

} // namespace gantry::inference_server
