#pragma once

#include "app/remote/node_address.h"
#include "trace_model/base/result.h"

#include <string>

namespace gantry::app {

/// An inference server on a node, as seen from this machine.
struct ServerPlace
{
    std::string address;  ///< HOST:PORT or unix:PATH of its gRPC service, as that machine calls it; empty: not known
    std::string name;     ///< for sentences
    std::string nodeName; ///< for sentences
    NodeAddress node;
    bool isHere = false; ///< the node is this machine
};

/// Where a load from this machine reaches the server. Errors: NotFound where its address is not known, Unreachable where only programs on
/// its own machine reach it, with what to do.
[[nodiscard]] Result<std::string> loadAddress(const ServerPlace& server);

/// Whether a node with this boot id (HelloInfo::bootId) is this machine, however it is reached; a tunnel's end is on this machine, too.
[[nodiscard]] bool isThisMachine(const std::string& bootId);

} // namespace gantry::app
