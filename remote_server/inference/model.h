#pragma once

#include "trace_model/base/result.h"

#include "inference/model_config.pb.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::inference_server {

/// A tensor of one request: raw little-endian bytes as on the wire.
struct Tensor
{
    std::string name;
    inference::DataType type = inference::TYPE_INVALID;
    std::vector<std::int64_t> shape; ///< with the batch dimension when the model batches
    std::string data;
};

/// Bytes of one element; 0 for types without a fixed size.
[[nodiscard]] std::size_t elementBytes(inference::DataType type);
/// KServe's name: "FP32", "INT64". Empty for TYPE_INVALID.
[[nodiscard]] std::string datatypeName(inference::DataType type);
[[nodiscard]] inference::DataType datatypeFromName(std::string_view name);

/// A model of the repository: its configuration, or why it cannot be served.
struct ModelDescription
{
    std::string name;
    std::string version = "1";
    inference::ModelConfig config;
    std::string problem; ///< empty: fine
};

/// Reads DIR/<model>/config.pbtxt of every model. Errors: NotFound when the folder is missing. A model with a bad
/// configuration is described with its problem; the others are not affected.
[[nodiscard]] Result<std::vector<ModelDescription>> readModelRepository(const std::filesystem::path& folder);

/// Integer parameter of a model's configuration, or `otherwise`.
[[nodiscard]] std::int64_t parameterOf(const inference::ModelConfig& config, const std::string& name, std::int64_t otherwise);

} // namespace gantry::inference_server
