#pragma once

#include <map>
#include <string>

namespace gantry::node {

/// The environment of gantryd, which its targets inherit.
[[nodiscard]] std::map<std::string, std::string> currentEnvironment();

} // namespace gantry::node
