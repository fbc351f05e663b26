#pragma once

#include "trace_model/base/result.h"

#include <nlohmann/json.hpp>
#include <string_view>

namespace gantry::inference_server {

/// JSON that a client sent. Errors: BadInput, also for values nested deeper than kMostNested: they are copied and written recursively,
/// and a request of some hundred thousand brackets would overflow the stack of the thread.
[[nodiscard]] Result<nlohmann::json> parseClientJson(std::string_view text);

inline constexpr int kMostNested = 100;

} // namespace gantry::inference_server
