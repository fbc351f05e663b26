#pragma once

#include "remote_server/node/sampling/sample_source.h"
#include "trace_model/metrics/prometheus_text.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
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
        std::vector<Value> values;
        std::vector<metrics::PrometheusSample> others; ///< beyond the series that are remembered
        std::uint64_t malformedLines = 0;

        [[nodiscard]] bool isEmpty() const { return values.empty() && others.empty(); }
    };

    explicit ScrapedSeries(std::string targetId) : m_targetId(std::move(targetId)) {}

    using Clock = std::chrono::steady_clock;

    [[nodiscard]] Scrape read(std::string_view body, Clock::time_point now = Clock::now());
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
    /// Makes room where there is none left: texts that have not come for a minute.
    void forgetOld(Clock::time_point now);
    [[nodiscard]] metrics::SeriesDefinition define(metrics::PrometheusSample sample) const;

    std::string m_targetId;
    std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> m_places; ///< by the text; read()
    std::map<std::string, metrics::SeriesKind, std::less<>> m_kinds;                    ///< by name; read()
    std::map<std::string, std::string, std::less<>> m_help;
    Clock::time_point m_nextForgetting;
    std::vector<std::uint32_t> m_free; ///< places of m_known without a series; read()
    std::mutex m_mutex;
    std::deque<Known> m_known;
};

} // namespace gantry::node
