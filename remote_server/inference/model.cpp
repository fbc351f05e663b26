#include "remote_server/inference/model.h"

#include <cstdlib>
#include <iterator>

namespace gantry::inference_server {
namespace {

constexpr std::string_view kNames[] = {"", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES", "BF16"};

} // namespace

std::size_t elementBytes(inference::DataType type)
{
    switch (type) {
    case inference::TYPE_BOOL:
    case inference::TYPE_UINT8:
    case inference::TYPE_INT8: return 1;
    case inference::TYPE_UINT16:
    case inference::TYPE_INT16:
    case inference::TYPE_FP16:
    case inference::TYPE_BF16: return 2;
    case inference::TYPE_UINT32:
    case inference::TYPE_INT32:
    case inference::TYPE_FP32: return 4;
    case inference::TYPE_UINT64:
    case inference::TYPE_INT64:
    case inference::TYPE_FP64: return 8;
    default: return 0;
    }
}

std::string datatypeName(inference::DataType type)
{
    return std::string(kNames[type]);
}

inference::DataType datatypeFromName(std::string_view name)
{
    for (std::size_t i = 1; i < std::size(kNames); ++i)
        if (kNames[i] == name)
            return static_cast<inference::DataType>(i);
    return inference::TYPE_INVALID;
}

std::int64_t parameterOf(const inference::ModelConfig& config, const std::string& name, std::int64_t otherwise)
{
    const auto found = config.parameters().find(name);
    return found == config.parameters().end() ? otherwise : std::strtoll(found->second.string_value().c_str(), nullptr, 10);
}

} // namespace gantry::inference_server
