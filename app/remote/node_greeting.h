#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <cstdint>
#include <stop_token>
#include <string>

namespace gantry::app {

/// Who answers on a stream.
struct NodeGreeting
{
    std::uint32_t protocolVersion = 0;
    std::string daemonVersion;
    bool isBusy = false; ///< targets run there, or a capture does; false also when a gantryd of another protocol cannot be asked
};

/// Says hello over a stream to a gantryd, and ends it. Errors: Unreachable when nothing answers as a gantryd does, Cancelled.
[[nodiscard]] Result<NodeGreeting> greetNode(UniqueFd stream, const std::string& token, const std::string& clientName,
                                             std::stop_token stop);

} // namespace gantry::app
