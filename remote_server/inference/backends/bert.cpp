#include "remote_server/inference/backends/bert.h"

#include "remote_server/inference/backends/bert_cpu.h"
#include "remote_server/inference/backends/cuda_plugin.h"

#include <algorithm>
#include <cstring>
#include <dlfcn.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace gantry::inference_server {
namespace {

std::size_t tokensOf(const std::vector<Tensor>& inputs)
{
    return inputs.front().data.size() / sizeof(std::int64_t);
}

/// Sequences of a request, all of the same length: [length] or [sequences, length].
std::size_t sequencesOf(const std::vector<Tensor>& inputs)
{
    return inputs.front().shape.size() > 1 ? static_cast<std::size_t>(inputs.front().shape.front()) : 1;
}

Result<void> checkTokens(const std::vector<Tensor>& inputs, const BertShape& shape)
{
    const std::size_t tokens = tokensOf(inputs), length = tokens / sequencesOf(inputs);
    if (length < 1 || length > static_cast<std::size_t>(shape.positions))
        return Error{ErrorCode::BadInput, fmt::format("a sequence of {} tokens: it must have between 1 and {}", length, shape.positions), {}};
    if (inputs.size() > 1 && inputs[1].shape != inputs[0].shape)
        return Error{ErrorCode::BadInput, fmt::format("'{}' must have the shape of '{}'", inputs[1].name, inputs[0].name), {}};
    for (std::size_t i = 0; i < tokens; ++i) {
        std::int64_t id = 0;
        std::memcpy(&id, inputs.front().data.data() + i * sizeof id, sizeof id);
        if (id < 0 || id >= shape.vocabulary)
            return Error{ErrorCode::BadInput, fmt::format("token id {} is outside the vocabulary of {}", id, shape.vocabulary), {}};
    }
    return {};
}

/// Token ids and mask of a batch, padded to its longest sequence.
struct Tokens
{
    int batch = 0, sequence = 0;
    std::vector<std::int32_t> ids, mask;

    /// Takes inputs that checkTokens() has passed.
    void take(const std::vector<BatchItem>& items)
    {
        batch = sequence = 0;
        for (const BatchItem& item : items) {
            const std::size_t sequences = sequencesOf(*item.inputs);
            batch += static_cast<int>(sequences);
            sequence = std::max(sequence, static_cast<int>(tokensOf(*item.inputs) / sequences));
        }
        ids.assign(static_cast<std::size_t>(batch * sequence), 0);
        mask.assign(ids.size(), 0);
        std::size_t row = 0;
        for (const BatchItem& item : items) {
            const auto& inputs = *item.inputs;
            const std::size_t sequences = sequencesOf(inputs), length = tokensOf(inputs) / sequences;
            for (std::size_t i = 0; i < sequences * length; ++i) {
                const std::size_t at = (row + i / length) * static_cast<std::size_t>(sequence) + i % length;
                std::int64_t id = 0, attends = 1;
                std::memcpy(&id, inputs.front().data.data() + i * sizeof id, sizeof id);
                if (inputs.size() > 1)
                    std::memcpy(&attends, inputs[1].data.data() + i * sizeof attends, sizeof attends);
                ids[at] = static_cast<std::int32_t>(id);
                mask[at] = attends != 0;
            }
            row += sequences;
        }
    }
};

/// Splits [batch][sequence][hidden] into the outputs, without the padding.
void distribute(const float* hidden, const Tokens& tokens, int hiddenSize, const std::string& outputName, const std::vector<BatchItem>& items)
{
    const std::size_t padded = static_cast<std::size_t>(tokens.sequence * hiddenSize);
    for (const BatchItem& item : items) {
        const std::size_t sequences = sequencesOf(*item.inputs);
        const std::size_t used = tokensOf(*item.inputs) / sequences * static_cast<std::size_t>(hiddenSize);
        Tensor out{outputName, inference::TYPE_FP32, item.inputs->front().shape, {}};
        out.shape.push_back(hiddenSize);
        out.data.reserve(sequences * used * sizeof(float));
        for (std::size_t row = 0; row < sequences; ++row, hidden += padded)
            out.data.append(reinterpret_cast<const char*>(hidden), used * sizeof(float));
        *item.outputs = {std::move(out)};
    }
}

class CpuBert : public Backend
{
public:
    CpuBert(const BertWeights& weights, int layers, std::string outputName, RequestRanges& ranges)
        : m_weights(weights), m_encoder(weights, layers), m_outputName(std::move(outputName)), m_ranges(ranges)
    {
    }

    Result<void> computeInput(const std::vector<BatchItem>& batch) override
    {
        m_tokens.take(batch);
        return {};
    }

    Result<void> computeInfer(const std::vector<BatchItem>&) override
    {
        m_encoder.embed(m_tokens.ids, m_tokens.batch, m_tokens.sequence);
        for (int layer = 0; layer < m_encoder.layers(); ++layer) {
            m_ranges.pushLayer(layer);
            m_encoder.runLayer(layer, m_tokens.mask);
            m_ranges.pop();
        }
        return {};
    }

    Result<void> computeOutput(const std::vector<BatchItem>& batch) override
    {
        distribute(m_encoder.hidden().data(), m_tokens, m_weights.shape.hidden, m_outputName, batch);
        return {};
    }

private:
    const BertWeights& m_weights;
    BertCpuEncoder m_encoder;
    std::string m_outputName;
    RequestRanges& m_ranges;
    Tokens m_tokens;
};

class CpuBertFactory : public BackendFactory
{
public:
    CpuBertFactory(BertWeights weights, int layers, std::string outputName) : m_weights(std::move(weights)), m_layers(layers), m_outputName(std::move(outputName)) {}
    Result<void> check(const std::vector<Tensor>& inputs) const override { return checkTokens(inputs, m_weights.shape); }
    Result<std::unique_ptr<Backend>> createInstance(const InstancePlace&, RequestRanges& ranges) override
    {
        return std::unique_ptr<Backend>(std::make_unique<CpuBert>(m_weights, m_layers, m_outputName, ranges));
    }
    std::string platform() const override { return "cpu"; }

private:
    BertWeights m_weights;
    int m_layers;
    std::string m_outputName;
};

Error cudaError(const char* text)
{
    return {ErrorCode::Unsupported, text, {}};
}

class GpuBert : public Backend
{
public:
    GpuBert(const GantryCudaApi& api, void* instance, const BertShape& shape, std::string outputName, RequestRanges& ranges)
        : m_api(api), m_instance(instance), m_shape(shape), m_outputName(std::move(outputName)), m_ranges(ranges)
    {
    }
    ~GpuBert() override { m_api.destroyInstance(m_instance); }

    Result<void> computeInput(const std::vector<BatchItem>& batch) override
    {
        m_tokens.take(batch);
        if (m_api.copyIn(m_instance, m_tokens.ids.data(), m_tokens.mask.data(), m_tokens.batch, m_tokens.sequence, m_error, sizeof m_error) != 0)
            return cudaError(m_error);
        return {};
    }

    Result<void> computeInfer(const std::vector<BatchItem>&) override
    {
        const auto onLayer = [](void* context, int layer) {
            auto& ranges = *static_cast<RequestRanges*>(context);
            layer >= 0 ? ranges.pushLayer(layer) : ranges.pop();
        };
        if (m_api.infer(m_instance, onLayer, &m_ranges, m_error, sizeof m_error) != 0)
            return cudaError(m_error);
        return {};
    }

    Result<void> computeOutput(const std::vector<BatchItem>& batch) override
    {
        const float* hidden = nullptr;
        if (m_api.copyOut(m_instance, &hidden, m_error, sizeof m_error) != 0)
            return cudaError(m_error);
        distribute(hidden, m_tokens, m_shape.hidden, m_outputName, batch);
        return {};
    }

private:
    const GantryCudaApi& m_api;
    void* m_instance;
    BertShape m_shape;
    std::string m_outputName;
    RequestRanges& m_ranges;
    Tokens m_tokens;
    char m_error[256] = {};
};

class GpuBertFactory : public BackendFactory
{
public:
    GpuBertFactory(const GantryCudaApi& api, void* model, const BertShape& shape, int maxBatch, bool pinned, std::string outputName)
        : m_api(api), m_model(model), m_shape(shape), m_maxBatch(maxBatch), m_pinned(pinned), m_outputName(std::move(outputName))
    {
    }
    ~GpuBertFactory() override { m_api.unloadModel(m_model); }

    Result<void> check(const std::vector<Tensor>& inputs) const override { return checkTokens(inputs, m_shape); }
    Result<std::unique_ptr<Backend>> createInstance(const InstancePlace&, RequestRanges& ranges) override
    {
        void* instance = nullptr;
        char error[256] = {};
        if (m_api.createInstance(m_model, m_maxBatch, m_maxBatch * m_shape.positions, m_pinned, &instance, error, sizeof error) != 0)
            return cudaError(error);
        return std::unique_ptr<Backend>(std::make_unique<GpuBert>(m_api, instance, m_shape, m_outputName, ranges));
    }
    std::string platform() const override { return "gpu"; }

private:
    const GantryCudaApi& m_api;
    void* m_model;
    BertShape m_shape;
    int m_maxBatch;
    bool m_pinned;
    std::string m_outputName;
};

/// The CUDA backend beside this program, if it loads and finds a device; otherwise the reason.
Result<const GantryCudaApi*> openCudaPlugin()
{
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto path = self.parent_path().parent_path() / "lib" / "libgantry_backend_cuda.so";
    if (!std::filesystem::exists(path, error))
        return cudaError("this build has no CUDA backend");
    if (!dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL))
        return cudaError("no GPU: the NVIDIA driver is not installed");
    void* library = dlopen(path.c_str(), RTLD_NOW);
    if (!library)
        return cudaError((std::string("the CUDA backend does not load: ") + dlerror()).c_str());
    const auto function = reinterpret_cast<GantryCudaApiFunction>(dlsym(library, "gantryCudaApi"));
    const GantryCudaApi* api = function ? function() : nullptr;
    if (!api || api->version != kGantryCudaVersion)
        return cudaError("the CUDA backend is of another version");
    char text[256] = {};
    if (api->deviceCount(text, sizeof text) < 1)
        return cudaError(text[0] ? text : "no GPU: the CUDA driver finds none");
    return api;
}

Result<std::unique_ptr<BackendFactory>> createGpuBert(const inference::ModelConfig& config, const BertWeights& weights, bool pinned)
{
    GANTRY_TRY(const GantryCudaApi* api, openCudaPlugin());
    const BertShape& s = weights.shape;
    const GantryCudaShape shape{s.layers, s.hidden, s.heads, s.ffn, s.vocabulary, s.positions};
    std::vector<const float*> pointers[8];
    for (const BertLayerWeights& layer : weights.layers) {
        const std::vector<float>* parts[] = {&layer.qkv, &layer.qkvBias, &layer.attentionOut, &layer.attentionOutBias, &layer.up, &layer.upBias, &layer.down, &layer.downBias};
        for (std::size_t i = 0; i < std::size(parts); ++i)
            pointers[i].push_back(parts[i]->data());
    }
    const GantryCudaWeights host{weights.tokens.data(), weights.positions.data(), pointers[0].data(), pointers[1].data(), pointers[2].data(),
                                 pointers[3].data(), pointers[4].data(), pointers[5].data(), pointers[6].data(), pointers[7].data()};
    void* model = nullptr;
    char error[256] = {};
    if (api->loadModel(&shape, &host, 0, &model, error, sizeof error) != 0)
        return cudaError(error);
    return std::unique_ptr<BackendFactory>(std::make_unique<GpuBertFactory>(*api, model, s, std::max(1, config.max_batch_size()), pinned, config.output(0).name()));
}

} // namespace

Result<std::unique_ptr<BackendFactory>> createBert(const inference::ModelConfig& config, const BackendOptions& options)
{
    // The code above takes the first input for 64-bit token ids without looking again.
    const auto isTokens = [](const inference::ModelInput& input) { return input.data_type() == inference::TYPE_INT64 && input.dims_size() == 1; };
    if (config.input_size() < 1 || config.input_size() > 2 || !std::all_of(config.input().begin(), config.input().end(), isTokens) || config.input(0).optional()
        || config.output_size() != 1 || config.output(0).data_type() != inference::TYPE_FP32)
        return Error{ErrorCode::BadInput, "bert needs the input input_ids TYPE_INT64 of one dimension, takes attention_mask of the same kind, and has one output TYPE_FP32", {}};
    GANTRY_TRY(const BertShape shape, BertShape::fromConfig(config));
    BertWeights weights = BertWeights::random(shape, static_cast<std::uint64_t>(parameterOf(config, "seed", 1)));
    const auto kind = config.instance_group().empty() ? inference::ModelInstanceGroup::KIND_AUTO : config.instance_group(0).kind();
    if (options.allowGpu && kind != inference::ModelInstanceGroup::KIND_CPU) {
        const bool pinned = options.pinnedOutputs || config.optimization().output_pinned_memory().enable();
        auto gpu = createGpuBert(config, weights, pinned);
        if (gpu)
            return gpu;
        if (kind == inference::ModelInstanceGroup::KIND_GPU)
            return std::move(gpu).error();
        spdlog::info("{}: CPU backend ({})", config.name(), gpu.error().message);
    }
    const int layers = static_cast<int>(std::clamp<std::int64_t>(parameterOf(config, "cpu_layers", shape.layers), 1, shape.layers));
    return std::unique_ptr<BackendFactory>(std::make_unique<CpuBertFactory>(std::move(weights), layers, config.output(0).name()));
}

void completeBert(inference::ModelConfig& config, bool saysMaxBatchSize)
{
    if (!saysMaxBatchSize) {
        config.set_max_batch_size(4);
        if (config.scheduling_choice_case() == inference::ModelConfig::SCHEDULING_CHOICE_NOT_SET)
            config.mutable_dynamic_batching();
    }
    const auto addTokens = [&](const char* name, bool optional) {
        auto* input = config.add_input();
        input->set_name(name);
        input->set_data_type(inference::TYPE_INT64);
        input->add_dims(-1);
        input->set_optional(optional);
    };
    if (config.input().empty()) {
        addTokens("input_ids", false);
        addTokens("attention_mask", true);
    }
    const auto shape = BertShape::fromConfig(config);
    if (!config.output().empty() || !shape) // a bad shape is said when the model starts
        return;
    auto* output = config.add_output();
    output->set_name("last_hidden_state");
    output->set_data_type(inference::TYPE_FP32);
    output->add_dims(-1);
    output->add_dims(shape->hidden);
}

} // namespace gantry::inference_server
