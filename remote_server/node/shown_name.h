#pragma once

#include <string>
#include <string_view>

namespace gantry::node {

/// A name that a client gave, as logs and sentences show it: on one line, cut behind 200 bytes.
[[nodiscard]] std::string shownName(std::string_view name);

} // namespace gantry::node
