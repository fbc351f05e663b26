#pragma once

#include "remote_server/node/report_assembler.h"
#include "trace_model/report/window_cost.h"

namespace gantry::node {

/// The longest of the spans before and after a window that it is compared with; else they are as long as the window.
inline constexpr DurationNs kLongestCostSpan = 10'000'000'000;

/// What the window did to the throughput and the latency of its target, from the counters and histograms that servers publish
/// (Triton and gantry-serve, vLLM, SGLang, TensorRT-LLM's trtllm-serve, Dynamo), as far as the window's samples reach. The
/// error of the ratio is that of counts of independent arrivals, or what the rate before the window varied by itself (in bursts, batches,
/// or because the load had just begun), whichever is larger. What cannot be said is absent, with the reason: a ring or another window
/// recorded before, too few requests, samples too far apart, a server that began to count anew.
[[nodiscard]] report::WindowCost windowCost(const WindowCapture& window);

/// Keeps of the series and samples those that windowCost() reads.
void keepCostSeries(WindowCapture& window);

} // namespace gantry::node
