#include "remote_server/inference/backends/add_sub.h"

#include <cstring>

namespace gantry::inference_server {
namespace {

template <typename Element>
void addAndSubtract(const std::string& left, const std::string& right, std::string& sum, std::string& difference)
{
    const std::size_t bytes = std::min(left.size(), right.size()) / sizeof(Element) * sizeof(Element);
    sum.resize(bytes);
    difference.resize(bytes);
    for (std::size_t at = 0; at < bytes; at += sizeof(Element)) {
        Element a, b;
        std::memcpy(&a, left.data() + at, sizeof a);
        std::memcpy(&b, right.data() + at, sizeof b);
        // Unsigned arithmetic wraps where the signed one would be undefined.
        Element results[2];
        if constexpr (std::is_integral_v<Element>) {
            results[0] = static_cast<Element>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
            results[1] = static_cast<Element>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b));
        } else {
            results[0] = a + b;
            results[1] = a - b;
        }
        std::memcpy(sum.data() + at, &results[0], sizeof(Element));
        std::memcpy(difference.data() + at, &results[1], sizeof(Element));
    }
}

class AddSub : public Backend
{
public:
    explicit AddSub(const inference::ModelConfig& config) : m_config(config) {}

    Result<void> computeInput(const std::vector<BatchItem>&) override { return {}; }

    Result<void> computeInfer(const std::vector<BatchItem>& batch) override
    {
        for (const BatchItem& item : batch) {
            const Tensor& left = item.inputs->at(0);
            Tensor sum{m_config.output(0).name(), left.type, left.shape, {}};
            Tensor difference{m_config.output(1).name(), left.type, left.shape, {}};
            if (left.type == inference::TYPE_INT32)
                addAndSubtract<std::int32_t>(left.data, item.inputs->at(1).data, sum.data, difference.data);
            else
                addAndSubtract<float>(left.data, item.inputs->at(1).data, sum.data, difference.data);
            *item.outputs = {std::move(sum), std::move(difference)};
        }
        return {};
    }

    Result<void> computeOutput(const std::vector<BatchItem>&) override { return {}; }

private:
    const inference::ModelConfig& m_config;
};

class AddSubFactory : public BackendFactory
{
public:
    explicit AddSubFactory(const inference::ModelConfig& config) : m_config(config) {}
    Result<void> check(const std::vector<Tensor>& inputs) const override
    {
        if (inputs.size() != 2 || inputs[0].shape != inputs[1].shape)
            return Error{ErrorCode::BadInput, "add_sub needs two inputs of the same shape", {}};
        return {};
    }
    Result<std::unique_ptr<Backend>> createInstance(const InstancePlace&, RequestRanges&) override
    {
        return std::unique_ptr<Backend>(std::make_unique<AddSub>(m_config));
    }
    std::string platform() const override { return "cpu"; }

private:
    inference::ModelConfig m_config;
};

} // namespace

Result<std::unique_ptr<BackendFactory>> createAddSub(const inference::ModelConfig& config)
{
    if (config.input_size() != 2 || config.output_size() != 2)
        return Error{ErrorCode::BadInput, "add_sub needs two inputs and two outputs", {}};
    const inference::DataType type = config.input(0).data_type();
    if ((type != inference::TYPE_INT32 && type != inference::TYPE_FP32) || config.input(1).data_type() != type || config.output(0).data_type() != type
        || config.output(1).data_type() != type)
        return Error{ErrorCode::BadInput, "add_sub's inputs and outputs must all be TYPE_INT32 or all TYPE_FP32", {}};
    return std::unique_ptr<BackendFactory>(std::make_unique<AddSubFactory>(config));
}

void completeAddSub(inference::ModelConfig& config)
{
    const auto declare = [](auto* tensor, const char* name) {
        tensor->set_name(name);
        tensor->set_data_type(inference::TYPE_FP32);
        tensor->add_dims(-1);
    };
    if (config.input().empty())
        for (const char* name : {"INPUT0", "INPUT1"})
            declare(config.add_input(), name);
    if (config.output().empty())
        for (const char* name : {"OUTPUT0", "OUTPUT1"})
            declare(config.add_output(), name);
}

} // namespace gantry::inference_server
