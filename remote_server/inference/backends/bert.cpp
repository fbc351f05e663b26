#include "remote_server/inference/backends/bert.h"

#include "remote_server/inference/backends/bert_cpu.h"
#include "remote_server/inference/backends/bert_tensors.h"
#include "remote_server/inference/backends/cuda_model.h"

#include <algorithm>
#include <optional>
#include <spdlog/spdlog.h>

namespace gantry::inference_server {
namespace {

class CpuBert : public Backend
{
public:
    CpuBert(const BertWeights& weights, int layers, const BertOutputs& outputs, RequestRanges& ranges)
        : m_encoder(weights, layers), m_outputs(outputs), m_ranges(ranges)
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
        if (m_outputs.wants(BertOutputs::Kind::Pooled))
            m_encoder.pool();
        return {};
    }

    Result<void> computeOutput(const std::vector<BatchItem>& batch) override
    {
        m_outputs.distribute(m_encoder.hidden().data(), m_encoder.pooled().data(), m_tokens, batch);
        return {};
    }

private:
    BertCpuEncoder m_encoder;
    const BertOutputs m_outputs;
    RequestRanges& m_ranges;
    BertTokens m_tokens;
};

class CpuBertFactory : public BackendFactory
{
public:
    CpuBertFactory(BertWeights weights, int layers, BertOutputs outputs)
        : m_weights(std::move(weights)), m_layers(layers), m_outputs(std::move(outputs))
    {
    }
    Result<void> check(const std::vector<Tensor>& inputs) const override { return checkTokens(inputs, m_weights.shape); }
    Result<std::unique_ptr<Backend>> createInstance(const InstancePlace&, RequestRanges& ranges) override
    {
        return std::unique_ptr<Backend>(std::make_unique<CpuBert>(m_weights, m_layers, m_outputs, ranges));
    }
    std::string platform() const override { return "cpu"; }

private:
    BertWeights m_weights;
    int m_layers;
    BertOutputs m_outputs;
};

class GpuBert : public Backend
{
public:
    GpuBert(std::shared_ptr<const CudaModel> model, void* encoder, std::uint32_t streamId, std::uint64_t pinnedBytes,
            const BertOutputs& outputs, RequestRanges& ranges)
        : m_model(std::move(model)),
          m_encoder(encoder),
          m_streamId(streamId),
          m_pinnedBytes(pinnedBytes),
          m_outputs(outputs),
          m_ranges(ranges)
    {
    }
    GpuBert(const GpuBert&) = delete;
    ~GpuBert() override { api().destroyEncoder(m_encoder); }

    Result<void> computeInput(const std::vector<BatchItem>& batch) override
    {
        m_tokens.take(batch);
        return callCuda(api().copyIn, m_encoder, m_tokens.ids.data(), m_tokens.mask.data(), m_tokens.batch, m_tokens.sequence);
    }

    Result<void> computeInfer(const std::vector<BatchItem>&) override
    {
        const auto onLayer = [](void* context, int layer) {
            auto& ranges = *static_cast<RequestRanges*>(context);
            layer >= 0 ? ranges.pushLayer(layer) : ranges.pop();
        };
        return callCuda(api().infer, m_encoder, onLayer, &m_ranges);
    }

    Result<void> computeOutput(const std::vector<BatchItem>& batch) override
    {
        const float *hidden = nullptr, *pooled = nullptr;
        GANTRY_CHECK(callCuda(api().copyOut, m_encoder, &hidden, &pooled));
        m_outputs.distribute(hidden, pooled, m_tokens, batch);
        return {};
    }

    std::optional<std::uint32_t> streamId() const override { return m_streamId; }
    std::uint64_t pinnedBytes() const override { return m_pinnedBytes; }

private:
    [[nodiscard]] const GantryCudaApi& api() const { return m_model->api(); }

    const std::shared_ptr<const CudaModel> m_model;
    void* const m_encoder;
    const std::uint32_t m_streamId;
    const std::uint64_t m_pinnedBytes;
    const BertOutputs m_outputs;
    RequestRanges& m_ranges;
    BertTokens m_tokens;
};

/// What backends/cuda/encoder.cu allocates page-locked: ids and mask as 32-bit integers, and the outputs as floats.
std::uint64_t pinnedBytesOf(const GantryCudaEncoderOptions& options, const BertShape& shape)
{
    const auto tokens = static_cast<std::uint64_t>(options.maxTokens), rows = static_cast<std::uint64_t>(options.maxBatch);
    const std::uint64_t input = options.pinnedInput ? 2 * tokens * sizeof(std::int32_t) : 0;
    const std::uint64_t floats = (options.hiddenStates ? tokens : 0) + (options.pooled ? rows : 0);
    return input + (options.pinnedOutput ? floats * static_cast<std::uint64_t>(shape.hidden) * sizeof(float) : 0);
}

class GpuBertFactory : public BackendFactory
{
public:
    GpuBertFactory(std::shared_ptr<const CudaModel> model, const BertShape& shape, BertOutputs outputs, const GantryCudaEncoderOptions& options)
        : m_model(std::move(model)), m_shape(shape), m_outputs(std::move(outputs)), m_options(options)
    {
    }

    Result<void> check(const std::vector<Tensor>& inputs) const override { return checkTokens(inputs, m_shape); }
    Result<std::unique_ptr<Backend>> createInstance(const InstancePlace& place, RequestRanges& ranges) override
    {
        GantryCudaEncoderOptions options = m_options;
        options.name = place.name.c_str();
        void* encoder = nullptr;
        std::uint32_t streamId = 0;
        GANTRY_CHECK(callCuda(m_model->api().createEncoder, m_model->on(place), &options, &encoder, &streamId));
        return std::unique_ptr<Backend>(
            std::make_unique<GpuBert>(m_model, encoder, streamId, pinnedBytesOf(options, m_shape), m_outputs, ranges));
    }
    std::string platform() const override { return "gpu"; }
    std::vector<int> gpus() const override { return m_model->gpus(); }

private:
    const std::shared_ptr<const CudaModel> m_model;
    const BertShape m_shape;
    const BertOutputs m_outputs;
    const GantryCudaEncoderOptions m_options; ///< without a name
};

GantryCudaEncoderOptions encoderOptions(const inference::ModelConfig& config, const BertShape& shape, const BertOutputs& outputs, bool pinned)
{
    const auto& optimization = config.optimization();
    GantryCudaEncoderOptions options{};
    options.maxBatch = std::max(1, config.max_batch_size());
    options.maxTokens = options.maxBatch * shape.positions;
    options.pinnedInput = optimization.input_pinned_memory().enable();
    options.pinnedOutput = pinned || optimization.output_pinned_memory().enable();
    options.graphs = optimization.cuda().graphs();
    options.hiddenStates = outputs.wants(BertOutputs::Kind::HiddenStates);
    options.pooled = outputs.wants(BertOutputs::Kind::Pooled);
    return options;
}

} // namespace

Result<std::unique_ptr<BackendFactory>> createBert(const inference::ModelConfig& config, const BackendOptions& options)
{
    // The code above takes the first input for 64-bit token ids without looking again.
    const auto isTokens = [](const inference::ModelInput& input) { return input.data_type() == inference::TYPE_INT64 && input.dims_size() == 1; };
    if (config.input_size() < 1 || config.input_size() > 2 || !std::all_of(config.input().begin(), config.input().end(), isTokens) || config.input(0).optional())
        return Error{ErrorCode::BadInput, "bert needs the input input_ids TYPE_INT64 of one dimension, and takes attention_mask of the same kind", {}};
    GANTRY_TRY(const BertShape shape, BertShape::fromConfig(config));
    GANTRY_TRY(BertOutputs outputs, BertOutputs::fromConfig(config, shape));
    BertWeights weights = BertWeights::random(shape, static_cast<std::uint64_t>(parameterOf(config, "seed", 1)));
    if (mayUseGpu(config, options)) {
        auto gpu = CudaModel::load(config, weights);
        if (gpu) {
            const auto encoder = encoderOptions(config, shape, outputs, options.pinnedOutputs);
            return std::unique_ptr<BackendFactory>(std::make_unique<GpuBertFactory>(std::move(*gpu), shape, std::move(outputs), encoder));
        }
        if (mustUseGpu(config) || gpu.error().code == ErrorCode::BadInput)
            return std::move(gpu).error();
        spdlog::info("{}: CPU backend ({})", config.name(), gpu.error().message);
    }
    const int layers = static_cast<int>(std::clamp<std::int64_t>(parameterOf(config, "cpu_layers", shape.layers), 1, shape.layers));
    return std::unique_ptr<BackendFactory>(std::make_unique<CpuBertFactory>(std::move(weights), layers, std::move(outputs)));
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
