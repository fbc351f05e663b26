#pragma once

#include "remote_server/node/history/step_accumulator.h"
#include "remote_server/node/sampling/metrics_sink.h"
#include "trace_model/base/result.h"
#include "trace_model/report/history_store.h"

#include "gantry/v1/node.pb.h"

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace gantry::node {

/// What was measured on this node: an hour as it was, a day in seconds, a month in minutes. In a file, in blocks that are written while
/// they fill: a crash loses the last ten seconds. Where the file cannot be had, in memory, and less of it. Any
/// thread; owns one that writes.
class MetricHistory : public MetricsSink
{
public:
    static constexpr const char* kFileName = ".history.db"; ///< in the report folder; no name of a report begins with a dot

    struct Resolution
    {
        DurationNs step = 0;  ///< 0: as measured
        DurationNs block = 0; ///< time that a block holds
        DurationNs kept = 0;
    };
    struct Options
    {
        std::filesystem::path path; ///< empty: in memory
        std::uint64_t maxBytes = 1ULL << 30;
        std::uint64_t maxBytesInMemory = 64ULL << 20;
        std::string bootId; ///< of CLOCK_MONOTONIC
        std::vector<Resolution> resolutions{{0, 10'000'000'000, 3'600'000'000'000},
                                            {1'000'000'000, 300'000'000'000, 86'400'000'000'000},
                                            {60'000'000'000, 3'600'000'000'000, 31 * 86'400'000'000'000}};
        std::function<TimestampNs()> monoNow; ///< empty: the node's clocks
        std::function<std::int64_t()> utcNow;
        std::size_t maxQueued = 2'000'000; ///< samples that wait for the writer; beyond them new ones are dropped and counted
    };

    explicit MetricHistory(Options options);
    ~MetricHistory() override; ///< writes what is open

    void onDefinitions(std::span<const metrics::SeriesDefinition> definitions) override;
    void onSamples(std::span<const metrics::Sample> samples) override;
    void onDropped(std::uint64_t) override {} // had no series
    void onRemoved(std::span<const std::uint32_t> seriesIds) override;

    /// Hands out parts until there are no more or `onPart` is false; in each the earlier points of a series first. Errors: BadInput (the
    /// times), and those of the file.
    [[nodiscard]] Result<void> read(const v1::ReadHistoryRequest& request, const std::function<bool(v1::HistoryPart&&)>& onPart);

    /// Samples that are not in it: the writer was too slow, the disk was full, or there were too many series.
    [[nodiscard]] std::uint64_t dropped() const;
    /// Why it is not in a file, or not written; a sentence; empty: all is well.
    [[nodiscard]] std::string problem() const;
    /// Waits until what was taken before has been added to open blocks.
    void settle();

private:
    struct Tier
    {
        Resolution resolution;
        StepAccumulator steps;
        HistoryColumnsById open;   ///< the block that fills
        TimestampNs openSince = 0; ///< 0: nothing is in it
    };
    struct Known
    {
        std::uint32_t id = 0; ///< in the store
        metrics::SeriesKind kind = metrics::SeriesKind::Gauge;
    };
    /// What arrives at once.
    struct Arrived
    {
        std::vector<metrics::SeriesDefinition> definitions;
        std::vector<metrics::Sample> samples;
        std::vector<std::uint32_t> removed;
    };
    /// One read's progress.
    class Reading;

    void openStore();
    void catchUp();
    void run(const std::stop_token& stop);
    void take(Arrived& arrived);
    void nameSeries(const std::vector<metrics::SeriesDefinition>& definitions);
    void takeSample(const Known& series, const metrics::Sample& sample);
    static void begin(Tier& tier);
    void write(TimestampNs now, bool isEnd);
    void writeTier(std::size_t tier);
    void forgetOld();
    void forgetEnded();
    /// Series that have samples, which a block of the coarsest steps will say only later.
    void noteSamples(std::vector<std::uint32_t> storeIds);
    void followClock();
    [[nodiscard]] std::int64_t monoToUtc() const { return m_options.utcNow() - m_options.monoNow(); }

    Options m_options;
    mutable std::mutex m_queueMutex; ///< m_queue to m_dropped; after m_mutex, where both are held
    std::condition_variable_any m_wake;
    std::condition_variable m_settled;
    Arrived m_queue;
    bool m_isReady = false;                    ///< what an earlier daemon left has been read
    bool m_isWaitedFor = false;                ///< somebody settles
    std::uint64_t m_handedIn = 0, m_taken = 0; ///< calls of onSamples()
    std::uint64_t m_dropped = 0;
    mutable std::mutex m_mutex; ///< everything below
    std::unique_ptr<report::HistoryStore> m_store;
    std::vector<Tier> m_tiers;
    std::unordered_map<std::uint32_t, Known> m_known; ///< by the sampler's numbers
    std::vector<metrics::SeriesDefinition> m_unnamed; ///< that could not be written into the store
    std::string m_problem, m_writeProblem;
    TimestampNs m_nextCleaning = 0, m_nextFinish = 0;
    std::int64_t m_clock = 0; ///< monoToUtc() when it was last followed
    std::jthread m_thread;
};

} // namespace gantry::node
