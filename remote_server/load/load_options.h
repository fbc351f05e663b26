#pragma once

#include "trace_model/base/time.h"

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

/// What a load is told. Plain values; words in brackets are perf_analyzer's options of the same meaning.
namespace gantry::load {

/// One of several models that requests are spread over.
struct ModelShare
{
    std::string name;
    double share = 1; ///< > 0; of the sum of all shares
};

/// How the times between the requests of an open loop are spread (--request-distribution).
enum class Distribution
{
    Constant,
    Poisson
};

/// Whole numbers from `low` to `high`, both among them.
struct IntegerRange
{
    std::int64_t low = 0;
    std::int64_t high = 0; ///< >= low
};

/// What the requests hold.
struct InputOptions
{
    std::string dataFile;                                   ///< perf_analyzer's JSON (--input-data FILE); empty: made up
    std::string dataText;                                   ///< the same, as text that is there already; empty: none
    bool isZero = false;                                    ///< made-up values are 0 and not random (--input-data zero)
    std::map<std::string, std::vector<std::int64_t>> shape; ///< by input, without the batch dimension (--shape)
    std::int64_t sequenceLength = 16;                       ///< for dimensions that neither the model nor `shape` gives
    std::size_t stringLength = 16;                          ///< of a made-up BYTES element (--string-length)
    std::map<std::string, IntegerRange> ranges;             ///< of made-up whole numbers by input; "": of those not named
    std::int64_t outputTokens = 32;                         ///< for the input that says how many tokens shall be made
    std::int64_t batch = 1;                                 ///< inferences in a request (-b)
};

/// When a measurement is good enough: throughput and mean latency of the last three windows lie within `ratio` of each other.
struct StabilityRule
{
    DurationNs interval = 5'000'000'000; ///< of a window (--measurement-interval)
    double ratio = 0.1;                  ///< 0.1: 10 % (--stability-percentage)
    int maxTrials = 10;                  ///< windows at most (--max-trials)
};

struct LoadOptions
{
    std::string address = "127.0.0.1:8001"; ///< KServe v2 gRPC
    std::vector<ModelShare> models;
    int concurrency = 4;      ///< requests in flight: exactly so many in a closed loop, at most in an open one
    double ratePerSecond = 0; ///< 0: closed loop; else open loop, with requests leaving at this mean rate
    Distribution distribution = Distribution::Poisson;
    DurationNs duration = 0;           ///< 0: not bounded by time
    std::uint64_t count = 0;           ///< 0: not bounded by number
    std::optional<StabilityRule> rule; ///< where neither time nor number bounds it: measure windows until they agree
    DurationNs warmUp = 0;             ///< requests that leave in this time are not measured
    std::uint64_t warmUpCount = 0;     ///< so many answers are waited for and not measured (--warmup-request-count)
    std::uint64_t seed = 1;
    InputOptions input;
    bool keepsRequests = false; ///< LoadResult::requests is filled
    std::stop_token finish;     ///< asked for: nothing leaves any more, and what is in flight is awaited
};

} // namespace gantry::load
