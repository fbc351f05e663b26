#include "remote_server/inference/backends/decoder.h"

#include "remote_server/inference/backends/decoder_cpu.h"
#include "remote_server/inference/backends/decoder_gpu.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <spdlog/spdlog.h>

namespace gantry::inference_server {
namespace {

constexpr char kInputIds[] = "INPUT_IDS", kMaxTokens[] = "MAX_TOKENS", kOutputId[] = "OUTPUT_ID";

std::vector<std::int32_t> numbersOf(const std::vector<Tensor>& inputs, const char* name)
{
    const auto input = std::find_if(inputs.begin(), inputs.end(), [&](const Tensor& tensor) { return tensor.name == name; });
    if (input == inputs.end())
        return {};
    std::vector<std::int32_t> numbers(input->data.size() / sizeof(std::int32_t));
    std::memcpy(numbers.data(), input->data.data(), numbers.size() * sizeof(std::int32_t));
    return numbers;
}

class Decoder final : public Backend
{
public:
    Decoder(std::unique_ptr<DecoderEngine> engine, const InflightBatcher::Limits& limits) : m_batcher(std::move(engine), limits) {}

    Result<void> computeInput(const std::vector<BatchItem>&) override { return {}; }

    /// One after the other: a warm-up's.
    Result<void> computeInfer(const std::vector<BatchItem>& batch) override
    {
        for (const BatchItem& item : batch) {
            std::vector<std::int32_t> ids;
            m_batcher.add(0, generationOf(*item.inputs));
            while (!m_batcher.empty()) {
                static_cast<void>(m_batcher.plan());
                auto computed = m_batcher.compute([](int, const std::function<void()>& run) { run(); });
                if (!computed) {
                    m_batcher.clear();
                    return std::move(computed).error();
                }
                ids.push_back(m_batcher.takeTokens().front().id);
            }
            *item.outputs = {outputIds(ids)};
        }
        return {};
    }

    Result<void> computeOutput(const std::vector<BatchItem>&) override { return {}; }
    InflightBatcher* inflight() override { return &m_batcher; }
    std::optional<std::uint32_t> streamId() const override { return m_batcher.engine().streamId(); }

private:
    InflightBatcher m_batcher;
};

/// What decoders on all devices have in common.
class DecoderFactory : public BackendFactory
{
public:
    DecoderFactory(const BertShape& shape, const InflightBatcher::Limits& limits) : m_shape(shape), m_limits(limits) {}

    Result<void> check(const std::vector<Tensor>& inputs) const override
    {
        const auto ids = numbersOf(inputs, kInputIds), most = numbersOf(inputs, kMaxTokens);
        const auto bad = [](std::string text) { return Error{ErrorCode::BadInput, std::move(text), {}}; };
        const BertShape& shape = m_shape;
        if (ids.empty())
            return bad(fmt::format("'{}' is empty: there must be a token to go on from", kInputIds));
        for (const std::int32_t id : ids)
            if (id < 0 || id >= shape.vocabulary)
                return bad(fmt::format("token id {} of '{}' is outside the vocabulary of {}", id, kInputIds, shape.vocabulary));
        if (most.size() != 1 || most.front() < 1)
            return bad(fmt::format("'{}' must be one number, at least 1", kMaxTokens));
        // The last token that is made is not put into the cache.
        const std::int64_t positions = static_cast<std::int64_t>(ids.size()) + most.front() - 1;
        const std::int64_t room = std::min<std::int64_t>(shape.positions, std::int64_t{m_limits.blocks} * m_limits.tokensPerBlock);
        if (positions > room)
            return bad(fmt::format("{} tokens of '{}' and {} to make need {} positions: the model has {}", ids.size(), kInputIds,
                                   most.front(), positions, room));
        return {};
    }

    Result<std::unique_ptr<Backend>> createInstance(const InstancePlace& place, RequestRanges&) override
    {
        GANTRY_TRY(std::unique_ptr<DecoderEngine> engine, makeEngine(place));
        return std::unique_ptr<Backend>(std::make_unique<Decoder>(std::move(engine), m_limits));
    }

protected:
    [[nodiscard]] virtual Result<std::unique_ptr<DecoderEngine>> makeEngine(const InstancePlace& place) const = 0;

    const BertShape m_shape;
    const InflightBatcher::Limits m_limits;
};

class CpuDecoderFactory final : public DecoderFactory
{
public:
    CpuDecoderFactory(BertWeights weights, const InflightBatcher::Limits& limits)
        : DecoderFactory(weights.shape, limits), m_weights(std::move(weights))
    {
    }
    std::string platform() const override { return "cpu"; }

private:
    Result<std::unique_ptr<DecoderEngine>> makeEngine(const InstancePlace&) const override
    {
        return std::unique_ptr<DecoderEngine>(std::make_unique<DecoderCpu>(m_weights, m_limits.cache()));
    }

    const BertWeights m_weights;
};

class GpuDecoderFactory final : public DecoderFactory
{
public:
    GpuDecoderFactory(std::shared_ptr<const CudaModel> model, const BertShape& shape, const InflightBatcher::Limits& limits)
        : DecoderFactory(shape, limits), m_model(std::move(model))
    {
    }
    std::string platform() const override { return "gpu"; }
    std::vector<int> gpus() const override { return m_model->gpus(); }

private:
    Result<std::unique_ptr<DecoderEngine>> makeEngine(const InstancePlace& place) const override
    {
        return DecoderGpu::create(m_model, place, m_shape.layers, m_limits.cache());
    }

    const std::shared_ptr<const CudaModel> m_model;
};

Result<InflightBatcher::Limits> limitsOf(const inference::ModelConfig& config, const BertShape& shape)
{
    InflightBatcher::Limits limits;
    const auto take = [&](int& field, const char* name, std::int64_t most) {
        const std::int64_t value = parameterOf(config, name, field);
        field = static_cast<int>(std::clamp<std::int64_t>(value, 1, most));
        return field == value;
    };
    constexpr std::int64_t kMostBytes = std::int64_t{4} << 30;
    if (!take(limits.blocks, "kv_blocks", 1 << 20) || !take(limits.tokensPerBlock, "tokens_per_block", 1024) ||
        !take(limits.mostRequests, "max_requests", 1024))
        return Error{ErrorCode::BadInput,
                     "the parameters kv_blocks (1 to 1048576), tokens_per_block and max_requests (1 to 1024) make no KV cache",
                     {}};
    const std::int64_t bytesPerToken = std::int64_t{shape.layers} * shape.hidden * 2 * static_cast<std::int64_t>(sizeof(float));
    if (bytesPerToken * limits.tokensPerBlock > kMostBytes / limits.blocks)
        return Error{ErrorCode::BadInput, "a KV cache of these kv_blocks and tokens_per_block would take more than 4 GiB", {}};
    return limits;
}

template <typename Tensor>
bool isTensor(const Tensor& tensor, const char* name, std::int64_t dim)
{
    return tensor.name() == name && tensor.data_type() == inference::TYPE_INT32 && tensor.dims_size() == 1 && tensor.dims(0) == dim;
}

} // namespace

Result<std::unique_ptr<BackendFactory>> createDecoder(const inference::ModelConfig& config, const BackendOptions& options)
{
    const auto bad = [](const char* text) { return Error{ErrorCode::BadInput, text, {}}; };
    if (config.input_size() != 2 || !isTensor(config.input(0), kInputIds, -1) || !isTensor(config.input(1), kMaxTokens, 1) ||
        config.input(0).optional() || config.input(1).optional() || config.output_size() != 1 || !isTensor(config.output(0), kOutputId, -1))
        return bad(
            "decoder needs the inputs INPUT_IDS TYPE_INT32 [ -1 ] and MAX_TOKENS TYPE_INT32 [ 1 ], and the output OUTPUT_ID TYPE_INT32 "
            "[ -1 ]");
    if (config.max_batch_size() != 0 || config.has_dynamic_batching())
        return bad("decoder batches in flight, by its parameter max_requests: max_batch_size must be 0, without dynamic_batching");
    if (config.parameters().contains("cold_start"))
        return bad("decoder does not start cold: remove the parameter cold_start");
    GANTRY_TRY(const BertShape shape, BertShape::fromConfig(config));
    GANTRY_TRY(const InflightBatcher::Limits limits, limitsOf(config, shape));
    BertWeights weights = BertWeights::random(shape, static_cast<std::uint64_t>(parameterOf(config, "seed", 1)));
    if (mayUseGpu(config, options)) {
        auto gpu = CudaModel::load(config, weights);
        if (gpu)
            return std::unique_ptr<BackendFactory>(std::make_unique<GpuDecoderFactory>(std::move(*gpu), shape, limits));
        if (mustUseGpu(config) || gpu.error().code == ErrorCode::BadInput)
            return std::move(gpu).error();
        spdlog::info("{}: CPU backend ({})", config.name(), gpu.error().message);
    }
    return std::unique_ptr<BackendFactory>(std::make_unique<CpuDecoderFactory>(std::move(weights), limits));
}

void completeDecoder(inference::ModelConfig& config)
{
    const auto describe = [](auto* tensor, const char* name, std::int64_t dim) {
        tensor->set_name(name);
        tensor->set_data_type(inference::TYPE_INT32);
        tensor->add_dims(dim);
    };
    if (config.input().empty()) {
        describe(config.add_input(), kInputIds, -1);
        describe(config.add_input(), kMaxTokens, 1);
    }
    if (config.output().empty())
        describe(config.add_output(), kOutputId, -1);
}

Generation generationOf(const std::vector<Tensor>& inputs)
{
    return {numbersOf(inputs, kInputIds), numbersOf(inputs, kMaxTokens).front()};
}

Tensor outputIds(const std::vector<std::int32_t>& ids)
{
    return {kOutputId,
            inference::TYPE_INT32,
            {static_cast<std::int64_t>(ids.size())},
            std::string(reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(std::int32_t))};
}

} // namespace gantry::inference_server
