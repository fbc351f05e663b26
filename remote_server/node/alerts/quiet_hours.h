#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <string_view>

namespace gantry::node {

/// Hours of the day, in the node's local time, in which nobody wants to be called: "22:00-07:00". Empty: none. Any thread.
class QuietHours
{
public:
    /// Errors: BadInput.
    [[nodiscard]] static Result<QuietHours> parse(std::string_view text);
    [[nodiscard]] bool includes(std::int64_t utcNs) const;

private:
    int m_beginMinute = 0, m_endMinute = 0; ///< of the day; the same: none
};

} // namespace gantry::node
