#pragma once

#include <string>
#include <string_view>

namespace gantry::node {

/// "20261121-140320-bert-3.gantry": when it was written, UTC, of which target, and what tells it from others of that second.
[[nodiscard]] std::string reportFileName(std::string_view target, std::string_view distinction);

} // namespace gantry::node
