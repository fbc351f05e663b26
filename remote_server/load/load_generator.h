#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/time.h"

#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <string>

namespace gantry::load {

struct LoadOptions
{
    std::string address = "127.0.0.1:8001"; ///< KServe v2 gRPC
    std::string model;
    int concurrency = 4;        ///< requests in flight (closed loop) or connections (open loop)
    double ratePerSecond = 0;   ///< 0: closed loop; else open loop: requests leave at Poisson times of this mean rate
    DurationNs duration = 0;    ///< 0: bounded by count
    std::uint64_t count = 0;    ///< 0: bounded by duration
    std::uint64_t seed = 1;
    std::int64_t sequenceLength = 16; ///< for dimensions the model leaves open
};

/// Latencies are of successful requests, nearest rank. In an open loop they count from the moment a request was meant to leave,
/// so that a stalled server does not hide behind requests that were never sent (no coordinated omission).
struct LoadResult
{
    std::uint64_t sent = 0, ok = 0;
    std::map<std::string, std::uint64_t> errors; ///< by message
    double seconds = 0, requestsPerSecond = 0;
    DurationNs p50 = 0, p90 = 0, p95 = 0, p99 = 0, max = 0, mean = 0;
};

/// Runs the load; blocks until it is over or stopped. A stop cancels what is in flight, which then counts as never sent.
/// `onSecond` gets the totals so far about once a second, on this thread.
/// Errors: Unreachable (no server), NotFound (no such model), BadInput (no bound, or inputs that cannot be made).
[[nodiscard]] Result<LoadResult> runLoad(const LoadOptions& options, std::stop_token stop, const std::function<void(const LoadResult&)>& onSecond = {});

} // namespace gantry::load
