#pragma once

#include "inference/model_config.pb.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
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

/// One version of a model that can be served.
struct ModelDescription
{
    std::string name;
    std::string version = "1";
    inference::ModelConfig config;                      ///< complete and checked (model_config.h)
    std::filesystem::path folder;                       ///< of the model
    std::shared_ptr<const void> folderKeeper = nullptr; ///< removes the folder with the last description of it, where it was made for this
};

/// Integer parameter of a model's configuration, or `otherwise`.
[[nodiscard]] std::int64_t parameterOf(const inference::ModelConfig& config, const std::string& name, std::int64_t otherwise);

} // namespace gantry::inference_server
