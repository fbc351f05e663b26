#pragma once

#include "remote_server/node/sampling/sample_source.h"
#include "trace_model/metrics/iteration_stats.h"
#include "trace_model/metrics/prometheus_text.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gantry::node {

/// The series of one endpoint, known by the texts that they have in each of its answers: their labels are parsed once. read() is for the
/// thread that scrapes, report() for the sampler's.
class ScrapedSeries
{
public:
    struct Scrape
    {
        TimestampNs time = 0; ///< half way between asking and the answer
        struct Value
        {
            std::uint32_t series = 0; ///< by its place
            double value = 0;
        };
        struct TimedValue
        {
            TimestampNs time = 0;
            Value value;
        };
        std::vector<Value> values;
        std::vector<TimedValue> iterations;            ///< values that were measured at times of their own, oldest first
        std::vector<metrics::PrometheusSample> others; ///< beyond the series that are remembered
        std::uint64_t malformedLines = 0;

        [[nodiscard]] bool isEmpty() const { return values.empty() && iterations.empty() && others.empty(); }
    };

    explicit ScrapedSeries(std::string targetId) : m_targetId(std::move(targetId)) {}

    using Clock = std::chrono::steady_clock;

    /// What time it is, for iterations that have times of day.
    struct Now
    {
        TimestampNs mono = 0;
        std::int64_t utcNs = 0;
        std::int64_t zoneNs = 0; ///< added to UTC for the local time
    };

    [[nodiscard]] Scrape read(std::string_view body, Clock::time_point now = Clock::now());
    /// The same of iterations of TensorRT-LLM (see metrics::isIterationStats()), each at its own time; where they have none that can be
    /// believed, the newest of them alone. A server hands out each iteration once.
    [[nodiscard]] Scrape readIterations(std::string_view body, const Now& when, Clock::time_point now = Clock::now());
    void report(const Scrape& scrape, SampleRound& round);

private:
    struct Known
    {
        metrics::SeriesDefinition definition;
        std::uint32_t handle = 0; ///< of SampleRound::reportSeries()
        Clock::time_point lastRead;
    };
    struct TextHash
    {
        using is_transparent = void;
        [[nodiscard]] std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };
    /// The place of a series with this text, which is new; nothing: there is no room.
    [[nodiscard]] std::optional<std::uint32_t> remember(std::string text, const metrics::PrometheusSample& sample, Clock::time_point now);
    void addIteration(const metrics::IterationStats& iteration, std::optional<TimestampNs> time, Clock::time_point now, Scrape& scrape);
    /// Makes room where there is none left: texts that have not come for a minute.
    void forgetOld(Clock::time_point now);
    [[nodiscard]] metrics::SeriesDefinition define(metrics::PrometheusSample sample) const;

    std::string m_targetId;
    std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> m_places; ///< by the text; read()
    std::map<std::string, metrics::SeriesKind, std::less<>> m_kinds;                    ///< by name; read()
    std::map<std::string, std::string, std::less<>> m_help;
    Clock::time_point m_nextForgetting;
    TimestampNs m_newestIteration = 0; ///< read()
    std::vector<std::uint32_t> m_free; ///< places of m_known without a series; read()
    std::mutex m_mutex;
    std::deque<Known> m_known;
};

} // namespace gantry::node
