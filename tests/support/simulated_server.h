#pragma once

#include "trace_model/trace/trace.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace gantry::test {

/// How a simulated inference server is set up, and what it runs on.
struct ServerSetup
{
    std::uint64_t seed = 1;          ///< of arrivals and of what durations vary by
    int requests = 600;
    int clients = 8;                 ///< each sends its next request some time after the answer
    int instances = 2;
    int largestBatch = 4;            ///< 1: no batching
    bool isPageable = false;         ///< outputs are copied to pageable memory
    double clock = 1;                ///< of the GPU's full clock: kernels take 1 / clock as long
    double memory = 0.9;             ///< correlation of how busy the machine is from one millisecond to the next: 0 independent, below 1
    std::map<std::string, double> slower; ///< kernels and by how much: {"gemm_qkv", 1.1}
};

/// What a capture of such a server would hold: requests with phases, executions, launches, kernels, copies, the GPU's clock. Latencies of
/// requests close in time are alike, as in a real one: they queue for each other, and what else the machine does slows all of them.
/// The same setup always gives the same trace.
[[nodiscard]] std::shared_ptr<const trace::Trace> traceOfServer(const ServerSetup& setup);

} // namespace gantry::test
