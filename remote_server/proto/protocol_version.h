#pragma once

#include <cstdint>

namespace gantry::proto {

/// Version of gantry/v1/node.proto. Client and daemon must agree on it exactly; Hello compares them.
inline constexpr std::uint32_t kProtocolVersion = 2;

} // namespace gantry::proto
