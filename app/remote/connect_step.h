#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace gantry::app {

/// What has to be done, in this order, until a node can be used. A way over several hosts repeats the first four.
enum class ConnectStep
{
    Resolve,      ///< the host's name to its addresses
    Connect,      ///< to one of them
    HostKey,      ///< the host is who it says
    Authenticate, ///< and so are we
    Check,        ///< what the node has: tools, room, gantryd
    Deploy,       ///< the node bundle goes there
    Start,        ///< gantryd starts
    Ready
};

/// "connect", for people.
[[nodiscard]] std::string_view name(ConnectStep step);

/// Called when a step begins, and again with another detail while it goes on ("12 of 20 MiB"). On a thread of the connection; must not
/// block.
using OnConnectStep = std::function<void(ConnectStep step, const std::string& detail)>;

} // namespace gantry::app
