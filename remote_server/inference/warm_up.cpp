#include "remote_server/inference/warm_up.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>

namespace gantry::inference_server {
namespace {

/// One element of a type as wire bytes: a small number, or a string of a digit.
std::string elementOf(inference::DataType type, int number)
{
    const auto bytes = [](auto value) { return std::string(reinterpret_cast<const char*>(&value), sizeof value); };
    switch (type) {
    case inference::TYPE_FP32:
        return bytes(static_cast<float>(number));
    case inference::TYPE_FP64:
        return bytes(static_cast<double>(number));
    case inference::TYPE_BOOL:
        return bytes(static_cast<std::uint8_t>(number % 2));
    // Halves of the powers of two: every one of them is a number that both formats have, and small.
    case inference::TYPE_FP16:
        return bytes(static_cast<std::uint16_t>(number == 0 ? 0 : (number + 10) << 10));
    case inference::TYPE_BF16:
        return bytes(static_cast<std::uint16_t>(number == 0 ? 0 : (number + 122) << 7));
    case inference::TYPE_STRING:
        return bytes(std::uint32_t{1}) + static_cast<char>('0' + number);
    default: {
        std::string data(elementBytes(type), '\0');
        if (!data.empty())
            data.front() = static_cast<char>(number); // little-endian
        return data;
    }
    }
}

Result<std::string> dataOf(const inference::ModelWarmup::Input& input, const std::vector<std::int64_t>& shape,
                           const ModelDescription& model)
{
    std::size_t elements = 1;
    for (const std::int64_t dim : shape)
        elements *= static_cast<std::size_t>(dim);
    if (input.has_input_data_file()) {
        // The configuration may come from a client that loads the model: it names no file outside of its folder, and no device.
        const std::filesystem::path name = input.input_data_file();
        const auto path = model.folder / "warmup" / name;
        if (name.is_absolute() || std::find(name.begin(), name.end(), "..") != name.end() || !std::filesystem::is_regular_file(path))
            return Error{
                ErrorCode::NotFound, fmt::format("input_data_file '{}' is no file in the model's folder warmup", name.string()), {}};
        std::ifstream file(path, std::ios::binary);
        if (!file)
            return Error{ErrorCode::NotFound, fmt::format("{} cannot be read", path.string()), {}};
        std::string data(std::istreambuf_iterator<char>(file), {});
        if (const std::size_t wanted = elements * elementBytes(input.data_type()); wanted != 0 && data.size() != wanted)
            return Error{ErrorCode::BadInput, fmt::format("{} has {} bytes, not {}", path.string(), data.size(), wanted), {}};
        return data;
    }
    const bool isRandom = input.random_data();
    std::array<std::string, 10> numbers;
    for (int number = 0; number < 10; ++number)
        numbers[static_cast<std::size_t>(number)] = elementOf(input.data_type(), number);
    const std::string zero = input.data_type() == inference::TYPE_STRING ? std::string(4, '\0') : numbers[0];
    std::minstd_rand random(1);
    std::string data;
    data.reserve(elements * zero.size());
    for (std::size_t i = 0; i < elements; ++i)
        data += isRandom ? numbers[random() % numbers.size()] : zero;
    return data;
}

} // namespace

Result<std::vector<WarmUpSample>> warmUpSamples(const ModelDescription& model)
{
    std::vector<WarmUpSample> samples;
    for (const inference::ModelWarmup& warmUp : model.config.model_warmup()) {
        WarmUpSample sample{warmUp.name(), {}, std::max(1u, warmUp.count())};
        for (const auto& input : model.config.input()) {
            const auto given = warmUp.inputs().find(input.name());
            if (given == warmUp.inputs().end())
                continue; // optional
            std::vector<std::int64_t> shape(given->second.dims().begin(), given->second.dims().end());
            if (model.config.max_batch_size() > 0)
                shape.insert(shape.begin(), std::max(1u, warmUp.batch_size()));
            auto data = dataOf(given->second, shape, model);
            if (!data)
                return std::move(data).error();
            sample.inputs.push_back({input.name(), input.data_type(), std::move(shape), std::move(*data)});
        }
        samples.push_back(std::move(sample));
    }
    return samples;
}

Result<void> warmUp(const std::vector<WarmUpSample>& samples, const BackendFactory& factory, Backend& backend)
{
    for (const WarmUpSample& sample : samples) {
        const auto during = [&] { return fmt::format("the sample \"{}\" of its model_warmup", sample.name); };
        GANTRY_CHECK(factory.check(sample.inputs).context(during()));
        for (std::uint32_t time = 0; time < sample.count; ++time) {
            std::vector<Tensor> outputs;
            const std::vector<BatchItem> batch{{&sample.inputs, &outputs}};
            for (const auto step : {&Backend::computeInput, &Backend::computeInfer, &Backend::computeOutput})
                GANTRY_CHECK(std::invoke(step, backend, batch).context(during()));
        }
    }
    return {};
}

} // namespace gantry::inference_server
