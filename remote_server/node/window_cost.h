#pragma once

#include "remote_server/node/report_assembler.h"

#include <optional>

namespace gantry::node {

/// What a window did to the throughput of its target.
struct WindowCost
{
    double ratio = 0; ///< requests per second in the window over those before it, minus 1
    double error = 0; ///< one standard deviation of `ratio`: what a window of this length would show without any cost
};

/// From the growth of nv_inference_request_success, as Triton and gantry-serve count it, in the window and in up to ten seconds
/// before it. Nothing when there were no requests on either side, the window is shorter than a scrape or two, or the server began
/// to count anew. The error is that of counts of independent arrivals, or what the rate before the window varied by itself (in
/// bursts, batches, or because the load had just begun), whichever is larger.
[[nodiscard]] std::optional<WindowCost> windowCost(const WindowCapture& window);

} // namespace gantry::node
