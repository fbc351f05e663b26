#pragma once

#include "remote_server/inference/model.h"
#include "trace_model/base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::inference_server {

/// The elements of a tensor out of JSON, an array of them or nested arrays in the order of rows, as many as the shape has. Bytes as of
/// GivenInput::data. Errors: BadInput; also for FP16 and BF16, which JSON has no form for.
[[nodiscard]] Result<std::string> bytesFromJson(const nlohmann::json& data, inference::DataType type,
                                                const std::vector<std::int64_t>& shape);

/// Appends the elements, separated by commas. Floating-point numbers that JSON does not know are written as Triton does: Infinity,
/// -Infinity, NaN. Errors: BadInput for FP16, BF16 and BYTES that are no UTF-8 text, which are only to be had as binary data.
[[nodiscard]] Result<void> appendJsonElements(std::string& text, std::string_view data, inference::DataType type);

} // namespace gantry::inference_server
