#pragma once

#include <string>
#include <sys/types.h>

namespace gantry::node {

/// As the node's user database has it, which may ask the network; the number where it does not know it. Any thread.
[[nodiscard]] std::string userName(uid_t user);

} // namespace gantry::node
