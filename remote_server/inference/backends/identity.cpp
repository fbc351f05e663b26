#include "remote_server/inference/backends/identity.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <thread>

namespace gantry::inference_server {
namespace {

struct IdentityOptions
{
    std::vector<std::pair<std::string, std::string>> names; ///< of each input and the output that repeats it
    std::chrono::microseconds delay{0};
    std::int64_t responses = 1;
};

class Identity : public Backend
{
public:
    explicit Identity(const IdentityOptions& options) : m_options(options) {}

    Result<void> computeInput(const std::vector<BatchItem>&) override { return {}; }

    Result<void> computeInfer(const std::vector<BatchItem>& batch) override
    {
        if (batch.front().respond)
            return respondToAll(batch);
        sleep();
        return {};
    }

    Result<void> computeOutput(const std::vector<BatchItem>& batch) override
    {
        for (const BatchItem& item : batch)
            if (!item.respond)
                *item.outputs = outputsOf(item);
        return {};
    }

private:
    Result<void> respondToAll(const std::vector<BatchItem>& batch) const
    {
        for (const BatchItem& item : batch) {
            for (std::int64_t response = 1; response <= m_options.responses; ++response) {
                sleep();
                if (!item.respond(outputsOf(item), response == m_options.responses))
                    break;
            }
            if (m_options.responses == 0)
                item.respond({}, true);
        }
        return {};
    }

    void sleep() const
    {
        if (m_options.delay.count() > 0)
            std::this_thread::sleep_for(m_options.delay);
    }

    /// An optional input that a request left out has no output.
    [[nodiscard]] std::vector<Tensor> outputsOf(const BatchItem& item) const
    {
        std::vector<Tensor> outputs;
        outputs.reserve(item.inputs->size());
        for (const Tensor& input : *item.inputs) {
            const auto pair =
                std::find_if(m_options.names.begin(), m_options.names.end(), [&](const auto& names) { return names.first == input.name; });
            outputs.push_back({pair->second, input.type, input.shape, input.data});
        }
        return outputs;
    }

    const IdentityOptions& m_options;
};

class IdentityFactory : public BackendFactory
{
public:
    explicit IdentityFactory(IdentityOptions options) : m_options(std::move(options)) {}
    Result<void> check(const std::vector<Tensor>&) const override { return {}; }
    Result<std::unique_ptr<Backend>> createInstance(const InstancePlace&, RequestRanges&) override
    {
        return std::unique_ptr<Backend>(std::make_unique<Identity>(m_options));
    }
    std::string platform() const override { return "cpu"; }

private:
    IdentityOptions m_options;
};

} // namespace

Result<std::unique_ptr<BackendFactory>> createIdentity(const inference::ModelConfig& config)
{
    if (config.input_size() != config.output_size())
        return Error{ErrorCode::BadInput,
                     fmt::format("identity needs as many outputs as inputs: it has {} and {}", config.output_size(), config.input_size()),
                     {}};
    IdentityOptions options;
    for (int i = 0; i < config.input_size(); ++i) {
        if (config.input(i).data_type() != config.output(i).data_type())
            return Error{
                ErrorCode::BadInput,
                fmt::format("identity's output \"{}\" must have the data_type of \"{}\"", config.output(i).name(), config.input(i).name()),
                {}};
        options.names.emplace_back(config.input(i).name(), config.output(i).name());
    }
    constexpr std::int64_t kMostUs = 3'600'000'000;
    const std::int64_t delayUs = std::clamp<std::int64_t>(parameterOf(config, "execute_delay_ms", 0), 0, kMostUs / 1000) * 1000 +
                                 parameterOf(config, "execute_delay_us", 0);
    options.delay = std::chrono::microseconds(std::clamp<std::int64_t>(delayUs, 0, kMostUs));
    options.responses = std::clamp<std::int64_t>(parameterOf(config, "responses", 1), 0, 1'000'000);
    return std::unique_ptr<BackendFactory>(std::make_unique<IdentityFactory>(std::move(options)));
}

void completeIdentity(inference::ModelConfig& config)
{
    if (!config.output().empty())
        return;
    for (int i = 0; i < config.input_size(); ++i) {
        auto* output = config.add_output();
        output->set_name(fmt::format("OUTPUT{}", i));
        output->set_data_type(config.input(i).data_type());
        *output->mutable_dims() = config.input(i).dims();
    }
}

} // namespace gantry::inference_server
