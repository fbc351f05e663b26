#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <stop_token>
#include <string>

namespace gantry::app {

/// What the connections to one gantryd run over where gRPC cannot open them itself: each is a stream to it that a descriptor stands for. A
/// stream that has ended stays so; a new one is opened in its stead. Calls are for any thread, one after the other.
class NodeLink
{
public:
    enum class Purpose
    {
        Control, ///< calls and live data
        Bulk     ///< whole reports, which must not hold up the others
    };
    struct Stream
    {
        UniqueFd descriptor; ///< a stream socket that does not block
        std::string token;   ///< that this gantryd wants; empty: none
    };

    virtual ~NodeLink() = default;

    /// Connects as far as that is needed; blocks. Errors: of each step, Cancelled.
    [[nodiscard]] virtual Result<Stream> open(Purpose purpose, std::stop_token stop) = 0;

    /// What to do when gantryd does not answer on a stream that could be opened.
    [[nodiscard]] virtual std::string nextStep() const = 0;
};

} // namespace gantry::app
