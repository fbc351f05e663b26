#pragma once

#include "trace_model/base/time.h"
#include "trace_model/trace/trace.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gantry::findings {

/// One thread that executes batches.
struct InstanceFacts
{
    std::uint64_t globalTid = 0;
    std::string name;
    std::vector<TimeRange> executions; ///< by start
    DurationNs busy = 0;
};

/// What was served of one model, all versions together.
struct ModelFacts
{
    trace::StringId model;
    std::string name;
    std::vector<trace::RequestIndex> complete; ///< neither failed nor cut by the window, by start
    std::vector<trace::RequestIndex> failed;
    std::vector<trace::ExecutionIndex> executions;                    ///< with members, by start
    std::vector<InstanceFacts> instances;                             ///< that executed in the window
    bool isInFlight = false;                                          ///< requests take part in several executions
    DurationNs latency = 0;                                           ///< sum over the complete requests
    std::array<DurationNs, records::kRequestPhaseCount> phases{};     ///< likewise
    std::array<std::size_t, records::kRequestPhaseCount> withPhase{}; ///< complete requests that have it
    std::uint32_t largestBatch = 0;
    double averageBatch = 0; ///< members per execution; 0: no executions

    [[nodiscard]] DurationNs phase(records::RequestPhase p) const { return phases[static_cast<std::size_t>(p)]; }
    [[nodiscard]] bool has(records::RequestPhase p) const { return withPhase[static_cast<std::size_t>(p)] > 0; }
    /// Part of the latency, 0..1.
    [[nodiscard]] double share(DurationNs part) const { return latency > 0 ? static_cast<double>(part) / static_cast<double>(latency) : 0; }
};

/// Counts of ranges over time: how many of them a moment lies in.
class RangeCounts
{
public:
    RangeCounts() = default;
    explicit RangeCounts(std::vector<TimeRange> ranges);
    /// Ranges with start <= time < end. O(log n).
    [[nodiscard]] std::size_t at(TimestampNs time) const;
    /// Part of `time` in which there is any. O(log n + ranges in it).
    [[nodiscard]] DurationNs covered(TimeRange time) const;
    [[nodiscard]] DurationNs covered() const;
    /// The rests of `time`, in order.
    [[nodiscard]] std::vector<TimeRange> uncovered(TimeRange time) const;

private:
    std::vector<TimestampNs> m_starts, m_ends; ///< sorted each for itself
    std::vector<TimeRange> m_union;
};

/// How a thread that executes batches spent a stretch of time.
struct ExecutionSplit
{
    DurationNs executing = 0;
    DurationNs waitedFor = 0; ///< not executing while a request of its model was queued
};

/// Requests and executions, by model.
struct ServingFacts
{
    std::vector<ModelFacts> models; ///< the one whose requests took most time first

    ServingFacts() = default;
    explicit ServingFacts(const trace::Trace& trace);

    /// Requests of a model in their queue phase, those that the window cut too.
    [[nodiscard]] const RangeCounts& queueOf(trace::StringId model) const;
    /// Nothing: the thread executes no batches.
    [[nodiscard]] std::optional<ExecutionSplit> splitByExecution(std::uint64_t globalTid, TimeRange time) const;

private:
    struct Worker
    {
        RangeCounts executions;
        trace::StringId model;
    };
    std::map<trace::StringId, RangeCounts> m_queues;
    std::map<std::uint64_t, Worker> m_workers; ///< by globalTid
};

} // namespace gantry::findings
