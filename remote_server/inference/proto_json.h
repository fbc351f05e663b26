#pragma once

#include "trace_model/base/result.h"

#include <google/protobuf/message.h>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace gantry::inference_server {

/// A message as the HTTP protocol of Triton writes it: fields by their names in the .proto file in its order, numbers as numbers
/// (protobuf's own JSON makes strings of those with 64 bits), enums by name, all fields but messages that are not set.
[[nodiscard]] nlohmann::ordered_json jsonOf(const google::protobuf::Message& message);

/// Fills a message from JSON of that form. Errors: BadInput with the reason of protobuf's parser, also for fields that do not exist.
[[nodiscard]] Result<void> fromJson(const std::string& json, google::protobuf::Message& message);

} // namespace gantry::inference_server
