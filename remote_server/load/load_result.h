#pragma once

#include "trace_model/base/time.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gantry::load {

/// Where a server says that the time of its successful requests went, mean of a request. Cached answers have no compute time.
struct ServerPhases
{
    std::uint64_t requests = 0;   ///< that these means are of
    std::uint64_t executions = 0; ///< batches that the models ran
    DurationNs total = 0;         ///< inside the server
    DurationNs queue = 0, computeInput = 0, computeInfer = 0, computeOutput = 0;
    std::optional<DurationNs> cacheHit, cacheMiss; ///< absent: no cache was asked

    [[nodiscard]] DurationNs accounted() const
    {
        return queue + computeInput + computeInfer + computeOutput + cacheHit.value_or(0) + cacheMiss.value_or(0);
    }
};

/// How times are spread, nearest rank.
struct Spread
{
    std::uint64_t count = 0;                                                         ///< of the times
    DurationNs p50 = 0, p90 = 0, p95 = 0, p99 = 0, max = 0, mean = 0, deviation = 0; ///< without a time they mean nothing
};

/// Of the successful requests to decoupled models, which are answered by several responses: with a language model, tokens. An empty last
/// response, which only says that none follows, is not among them.
struct StreamFigures
{
    std::uint64_t responses = 0;
    double responsesPerSecond = 0;
    std::optional<Spread> first;   ///< from when a request was meant to leave to its first response (TTFT); absent: there was none
    std::optional<Spread> between; ///< from one response of a request to its next (ITL); absent: no request had two
};

/// What was measured. Latencies are of successful requests, nearest rank. In an open loop they count from the moment a request was meant to
/// leave, so that a stalled server does not hide behind requests that were never sent (no coordinated omission); to a decoupled model they
/// end with its last response.
struct LoadFigures
{
    std::uint64_t sent = 0, ok = 0;
    std::map<std::string, std::uint64_t> errors; ///< by message
    std::uint64_t late = 0;                      ///< left more than a millisecond after their time: all in flight, or a busy client
    double seconds = 0, requestsPerSecond = 0, inferencesPerSecond = 0;
    DurationNs p50 = 0, p90 = 0, p95 = 0, p99 = 0, max = 0, mean = 0, deviation = 0; ///< without an `ok` request they mean nothing
    DurationNs lateMean = 0;    ///< from when a request was meant to leave to when it did
    DurationNs sendMean = 0;    ///< to put a request into its wire form
    DurationNs receiveMean = 0; ///< to read an answer from its wire form
    std::optional<StreamFigures> stream; ///< absent: no request to a decoupled model succeeded
    std::optional<ServerPhases> server;
    std::string whyNoServer;             ///< part of a sentence; empty: `server` is there
    std::optional<DurationNs> remainder; ///< network and client: of the mean what neither the client's own times nor the server's phases
                                         ///< explain; never negative
    std::string whyNoRemainder;          ///< part of a sentence; empty: `remainder` is there
};

/// The requests of one model among several.
struct ModelFigures : LoadFigures
{
    std::string model;
};

/// When one request was meant to leave and when its answer was read, ns since 1970.
struct RequestTimes
{
    std::int64_t scheduledUtcNs = 0;
    std::int64_t doneUtcNs = 0;
    std::uint16_t model = 0; ///< index in LoadOptions::models
    bool ok = false;
    std::vector<std::int64_t> earlierUtcNs = {}; ///< of a decoupled model: when the responses before the last came
};

/// How hard was loaded.
struct LoadLevel
{
    bool isRate = false; ///< an open loop of so many requests a second; else a closed one of so many in flight
    double value = 0;
};

/// One level of a load.
struct LoadResult : LoadFigures
{
    LoadLevel level;
    int windows = 0;              ///< that were measured; the figures are of the last three at most
    std::optional<bool> isStable; ///< absent: one window of a given length or number, or an interrupt, so that nothing was compared
    bool isPartial = false;       ///< interrupted: the figures are of what there was until then
    std::vector<ModelFigures> models;
    std::vector<RequestTimes> requests;        ///< all of them, warm-up too, where asked for
    std::uint64_t requestsDropped = 0;         ///< that `requests` had no room for
    std::vector<std::int64_t> boundariesUtcNs; ///< of the windows: begin, end, begin, end, …
};

} // namespace gantry::load
