#pragma once

#include "remote_server/load/load_options.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What people write of the inputs of a load, as values. Each error is BadInput and says what to write instead.
namespace gantry::load {

/// "INPUT:3,224,224".
[[nodiscard]] Result<std::pair<std::string, std::vector<std::int64_t>>> parseInputShape(std::string_view text);

/// "INPUT:0:511", or "0:511" of all inputs that are not named, whose name is then empty.
[[nodiscard]] Result<std::pair<std::string, IntegerRange>> parseIntegerRange(std::string_view text);

} // namespace gantry::load
