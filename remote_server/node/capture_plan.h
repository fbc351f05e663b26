#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <cstdint>

namespace gantry::node {

/// When the windows of a capture begin. Times: CLOCK_MONOTONIC. One thread at a time.
struct CapturePlan
{
    /// Checks what was asked for. Errors: BadInput.
    [[nodiscard]] static Result<CapturePlan> of(const proto::CaptureRequest& request, std::int64_t nowNs, std::int64_t nowUtcNs);

    /// After which a library closes a window by itself; 0: never, a ring.
    [[nodiscard]] static DurationNs longestWindow(const proto::CaptureRequest& request);

    [[nodiscard]] DurationNs untilDue(std::int64_t nowNs) const { return dueNs > nowNs ? dueNs - nowNs : 0; }
    [[nodiscard]] bool isDue(std::int64_t nowNs) const { return dueNs <= nowNs; }

    /// A window begins; the next one is due at the next period that is kept. Those that a window took longer than are skipped and counted.
    void begin(std::int64_t nowNs);
    /// A window is over. Without a period the next one is due now: behind whoever waits already.
    void end(std::int64_t nowNs);

    std::int64_t dueNs = 0;
    DurationNs periodNs = 0;
    std::uint32_t windowsBegun = 0;
    std::uint32_t windowsSkipped = 0;

private:
    /// How many of the periods before this one are kept.
    [[nodiscard]] std::int64_t keptBefore(std::int64_t period) const;

    std::int64_t m_kept = 1, m_keptOf = 1;
    std::int64_t m_period = 0; ///< which one is due, counted from the first
};

} // namespace gantry::node
