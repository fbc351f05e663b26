#include "remote_server/node/window_cost.h"

#include "trace_model/metrics/histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gantry::node {
namespace {

constexpr std::int64_t kHistoryNs = 10'000'000'000;
constexpr std::int64_t kShortestRateNs = 150'000'000; // less than a scrape apart is chance
constexpr int kFewestSlices = 4, kMostSlices = 20;
constexpr double kFewestOfRate = 20, kFewestOfMedian = 20, kFewestOfP99 = 100; // requests in a span

/// How a server counts its requests and their latency. Prometheus clients of different ages add "_total" to counters or not.
struct KnownServer
{
    std::array<std::string_view, 2> completed; ///< counters, by either name
    std::string_view histogram;                ///< of latencies
    double histogramNs;                        ///< of its unit
    std::string_view sum;                      ///< of latencies of what `completed` counts; empty: the histogram's
    double sumNs;
    std::string_view summary; ///< quantiles over the last minute; empty: none
};

// nv_*: Triton's metrics documentation; of a model that answers each request once, the first response is the request. vllm:*, sglang:*,
// trtllm_*, dynamo_*: the metrics pages of their documentation.
constexpr KnownServer kServers[] = {
    {{"nv_inference_request_success", "nv_inference_request_success_total"},
     "nv_inference_first_response_histogram_ms",
     1e6,
     "nv_inference_request_duration_us",
     1e3,
     "nv_inference_request_summary_us"},
    {{"vllm:request_success_total", "vllm:request_success"}, "vllm:e2e_request_latency_seconds", 1e9, {}, 1e9, {}},
    {{"sglang:num_requests_total", "sglang:num_requests"}, "sglang:e2e_request_latency_seconds", 1e9, {}, 1e9, {}},
    {{"trtllm_request_success_total", "trtllm_request_success"}, "trtllm_e2e_request_latency_seconds", 1e9, {}, 1e9, {}},
    {{"dynamo_frontend_requests_total", "dynamo_frontend_requests"}, "dynamo_frontend_request_duration_seconds", 1e9, {}, 1e9, {}},
};

/// What one counter had counted, at the times of the scrapes.
using Counter = std::vector<metrics::Sample>;
using Counters = std::vector<Counter>;

struct Span
{
    std::int64_t from = 0, to = 0;
    [[nodiscard]] std::int64_t length() const { return to - from; }
    [[nodiscard]] double seconds() const { return static_cast<double>(length()) / 1e9; }
};

/// The counters of one server, of all its models together.
struct RequestCounters
{
    Counters completed;
    std::map<double, Counters> buckets; ///< of latencies, by upper bound in ns
    Counters sum, count;                ///< of latencies, ns
    double sumNs = 1;
    bool hasSummary = false;
};

/// By id of their series.
using CountersById = std::unordered_map<std::uint32_t, Counter>;

CountersById samplesOf(const WindowCapture& window)
{
    CountersById counters;
    for (const metrics::Sample& sample : window.samples)
        if (sample.time >= window.openMonotonicNs - kHistoryNs)
            counters[sample.seriesId].push_back(sample);
    return counters;
}

bool isOneOf(std::string_view name, const KnownServer& server)
{
    return std::find(server.completed.begin(), server.completed.end(), name) != server.completed.end();
}

bool isRead(std::string_view name, const KnownServer& server)
{
    return isOneOf(name, server) || name == server.summary || name == server.sum ||
           (name.starts_with(server.histogram) &&
            (name == std::string(server.histogram) + "_sum" || name == std::string(server.histogram) + "_count" ||
             metrics::histogramOfBucket(name) == server.histogram));
}

RequestCounters countersOf(const WindowCapture& window, const CountersById& samples, const KnownServer& server)
{
    RequestCounters found;
    const std::string sumName = server.sum.empty() ? std::string(server.histogram) + "_sum" : std::string(server.sum);
    const std::string countName = std::string(server.histogram) + "_count";
    found.sumNs = server.sumNs;
    for (const metrics::SeriesDefinition& series : window.series) {
        if (!isOfTarget(series, window.targetId) || !isRead(series.name, server))
            continue;
        found.hasSummary |= series.name == server.summary;
        const auto counter = samples.find(series.id);
        if (counter == samples.end())
            continue;
        if (isOneOf(series.name, server))
            found.completed.push_back(counter->second);
        else if (series.name == sumName)
            found.sum.push_back(counter->second);
        else if (series.name == countName)
            found.count.push_back(counter->second);
        else if (const auto le = series.labels.find("le"); le != series.labels.end())
            if (const auto bound = metrics::bucketBound(le->second))
                found.buckets[*bound * server.histogramNs].push_back(counter->second);
    }
    if (found.completed.empty())
        found.completed = found.count;
    if (!server.sum.empty())
        found.count = found.completed; // the sum is of those
    return found;
}

/// The part of `span` that lies between scrapes of every counter.
Span scraped(const Counters& counters, Span span)
{
    Span common = span;
    for (const Counter& counter : counters) {
        const auto first = std::find_if(counter.begin(), counter.end(), [&](const metrics::Sample& s) { return s.time >= span.from; });
        const auto last = std::find_if(counter.rbegin(), counter.rend(), [&](const metrics::Sample& s) { return s.time <= span.to; });
        if (first == counter.end() || last == counter.rend())
            return {};
        common = {std::max(common.from, first->time), std::min(common.to, last->time)};
    }
    return common;
}

/// Counted up to a time that lies between two scrapes.
double countAt(const Counter& counter, std::int64_t time)
{
    const auto after =
        std::lower_bound(counter.begin(), counter.end(), time, [](const metrics::Sample& s, std::int64_t t) { return s.time < t; });
    if (after == counter.end())
        return counter.back().value;
    if (after == counter.begin() || after->time == time)
        return after->value;
    const metrics::Sample& before = *(after - 1);
    const double share = static_cast<double>(time - before.time) / static_cast<double>(after->time - before.time);
    return before.value + share * (after->value - before.value);
}

double countedIn(const Counters& counters, Span span)
{
    double counted = 0;
    for (const Counter& counter : counters)
        counted += countAt(counter, span.to) - countAt(counter, span.from);
    return counted;
}

metrics::HistogramCounts latenciesIn(const RequestCounters& counters, Span span)
{
    metrics::HistogramCounts counts;
    for (const auto& [bound, buckets] : counters.buckets)
        counts[bound] = countedIn(buckets, span);
    return counts;
}

metrics::HistogramCounts sumOf(metrics::HistogramCounts a, const metrics::HistogramCounts& b)
{
    for (const auto& [bound, count] : b)
        a[bound] += count;
    return a;
}

/// Variance of the rate over a window's length plus that of its mean beside the window, from slices of the time before it.
double varianceBefore(const Counters& counters, Span before, double windowSeconds)
{
    const int slices = std::clamp(static_cast<int>(before.seconds() / windowSeconds), kFewestSlices, kMostSlices);
    const std::int64_t length = before.length() / slices;
    if (length < kShortestRateNs)
        return 0;
    const double rate = countedIn(counters, before) / before.seconds();
    double sum = 0;
    for (int i = 0; i < slices; ++i) {
        const Span slice{before.from + i * length, before.from + (i + 1) * length};
        const double difference = countedIn(counters, slice) / slice.seconds() - rate;
        sum += difference * difference;
    }
    const double variance = sum / (slices - 1);
    const double seconds = static_cast<double>(length) / 1e9;
    return variance * seconds / windowSeconds + variance / slices;
}

/// Also after a drop to what it was, a server that counts anew has lost requests in between.
bool isGrowing(const Counters& counters)
{
    return std::all_of(counters.begin(), counters.end(), [](const Counter& counter) {
        return std::is_sorted(counter.begin(), counter.end(), [](const auto& a, const auto& b) { return a.value < b.value; });
    });
}

std::optional<DurationNs> percentile(const metrics::HistogramCounts& counts, double quantile, double fewest)
{
    if (counts.empty() || counts.rbegin()->second < fewest)
        return {};
    const auto found = metrics::histogramQuantile(counts, quantile);
    return found ? std::optional(static_cast<DurationNs>(std::llround(found->value))) : std::nullopt;
}

std::optional<report::CostDifference> difference(const metrics::HistogramCounts& during, const metrics::HistogramCounts& beside,
                                                 double quantile, double fewest)
{
    if (!percentile(during, quantile, fewest) || !percentile(beside, quantile, fewest))
        return {};
    const auto in = *metrics::histogramQuantile(during, quantile), out = *metrics::histogramQuantile(beside, quantile);
    // Where in its bucket a value lies is not known: evenly spread, its variance is a twelfth of the square of the width.
    const double width = std::max(in.upperBound - in.lowerBound, out.upperBound - out.lowerBound);
    const double variance = in.standardError * in.standardError + out.standardError * out.standardError + width * width / 12;
    return report::CostDifference{std::llround(in.value - out.value), std::llround(std::sqrt(variance))};
}

class Comparison
{
public:
    Comparison(const WindowCapture& window, const RequestCounters& counters) : m_window(window), m_counters(counters)
    {
        const std::int64_t length = std::min<std::int64_t>(window.closeMonotonicNs - window.openMonotonicNs, kLongestCostSpan);
        const std::int64_t quietFrom = std::max(window.openMonotonicNs - kHistoryNs, window.quietFromNs);
        m_history = scraped(counters.completed, {quietFrom, window.openMonotonicNs});
        m_during = scraped(counters.completed, {window.openMonotonicNs, window.closeMonotonicNs});
        m_before = scraped(counters.completed, {std::max(window.openMonotonicNs - length, quietFrom), window.openMonotonicNs});
        if (window.afterFromNs > 0)
            m_after = scraped(counters.completed, {window.afterFromNs, std::min(window.afterFromNs + length, window.quietUntilNs)});
    }

    report::WindowCost cost()
    {
        if (!isGrowing(m_counters.completed)) {
            m_cost.whyNoRate = m_cost.whyNoLatency = "the server began to count its requests anew";
            return m_cost;
        }
        m_cost.before = spanOf(m_before);
        m_cost.during = spanOf(m_during);
        m_cost.after = spanOf(m_after);
        if (!m_cost.after)
            m_cost.whyNoAfter = m_window.afterFromNs == 0 ? "it was still to come when the report was written"
                                : m_window.quietUntilNs < m_window.afterFromNs + kShortestRateNs
                                    ? "the next window began"
                                    : "the server's metrics were not read any more";
        compareRates();
        compareLatencies();
        return m_cost;
    }

private:
    std::optional<report::CostSpan> spanOf(Span span) const
    {
        if (span.length() < kShortestRateNs)
            return {};
        report::CostSpan result;
        result.length = span.length();
        result.requests = static_cast<std::uint64_t>(std::llround(countedIn(m_counters.completed, span)));
        const double of = countedIn(m_counters.count, span), sum = countedIn(m_counters.sum, span);
        if (of >= kFewestOfMedian && sum >= 0 && !m_counters.sum.empty())
            result.mean = std::llround(sum * m_counters.sumNs / of);
        const metrics::HistogramCounts latencies = latenciesIn(m_counters, span);
        result.p50 = percentile(latencies, 0.5, kFewestOfMedian);
        result.p99 = percentile(latencies, 0.99, kFewestOfP99);
        return result;
    }

    void compareRates()
    {
        if (!m_cost.during) {
            m_cost.whyNoRate = "the window is too short to say: the server's metrics are read five times a second";
            return;
        }
        if (!m_cost.before && !m_cost.after) {
            m_cost.whyNoRate = m_window.quietFromNs > m_window.openMonotonicNs - kShortestRateNs
                                   ? "not measured: another window was open just before"
                                   : "not measured: the server's metrics were not read before the window";
            return;
        }
        const double seconds = (m_cost.before ? m_before.seconds() : 0) + (m_cost.after ? m_after.seconds() : 0);
        const double beside =
            (m_cost.before ? countedIn(m_counters.completed, m_before) : 0) + (m_cost.after ? countedIn(m_counters.completed, m_after) : 0);
        const double in = countedIn(m_counters.completed, m_during);
        if (in < kFewestOfRate - 0.5 || beside < kFewestOfRate - 0.5) {
            m_cost.whyNoRate =
                fmt::format("too few requests to say: {} in the window, {} beside it", std::llround(in), std::llround(beside));
            return;
        }
        const double rate = beside / seconds;
        const double ratio = in / m_during.seconds() / rate;
        const double ofCounting = ratio * ratio * (1 / beside + 1 / in);
        const double ofTheLoad =
            m_history.length() > 0 ? varianceBefore(m_counters.completed, m_history, m_during.seconds()) / (rate * rate) : 0;
        m_cost.ratio = ratio - 1;
        m_cost.error = std::sqrt(std::max(ofCounting, ofTheLoad));
    }

    void compareLatencies()
    {
        if (!m_cost.during || (!m_cost.before && !m_cost.after))
            return;
        if (m_counters.buckets.empty()) {
            m_cost.whyNoLatency = m_counters.hasSummary ? "the server's percentiles are of its last minute, not of the window"
                                                        : "the server publishes no histogram of its latencies";
            return;
        }
        const metrics::HistogramCounts during = latenciesIn(m_counters, m_during);
        metrics::HistogramCounts beside;
        if (m_cost.before)
            beside = sumOf(beside, latenciesIn(m_counters, m_before));
        if (m_cost.after)
            beside = sumOf(beside, latenciesIn(m_counters, m_after));
        m_cost.p50 = difference(during, beside, 0.5, kFewestOfMedian);
        m_cost.p99 = difference(during, beside, 0.99, kFewestOfP99);
        if (m_cost.p99)
            return;
        const double fewest = std::min(during.rbegin()->second, beside.rbegin()->second);
        m_cost.whyNoLatency = fewest < kFewestOfP99 ? fmt::format("too few requests to say: {} where a p99 needs 100", std::llround(fewest))
                                                    : "requests took longer than the last bucket of the server's histogram";
    }

    const WindowCapture& m_window;
    const RequestCounters& m_counters;
    Span m_history, m_before, m_during, m_after;
    report::WindowCost m_cost;
};

report::WindowCost compared(const WindowCapture& window)
{
    report::WindowCost cost;
    if (window.isOfRing) {
        cost.whyNoRate = "not measured: the recorder was on before and after, too";
        return cost;
    }
    const CountersById samples = samplesOf(window);
    for (const KnownServer& server : kServers)
        if (const RequestCounters counters = countersOf(window, samples, server); !counters.completed.empty())
            return Comparison(window, counters).cost();
    return cost; // no server whose requests are counted
}

} // namespace

report::WindowCost windowCost(const WindowCapture& window)
{
    report::WindowCost cost = compared(window);
    cost.targetCpu = window.targetCpu;
    cost.daemonCpu = window.daemonCpu;
    if (!window.processes.empty()) {
        cost.recordBytes = 0;
        for (const ProcessCapture& process : window.processes)
            *cost.recordBytes += process.records.bytes();
    }
    return cost;
}

void keepCostSeries(WindowCapture& window)
{
    std::set<std::uint32_t> kept;
    for (const metrics::SeriesDefinition& series : window.series)
        if (isOfTarget(series, window.targetId) &&
            std::any_of(std::begin(kServers), std::end(kServers), [&](const KnownServer& server) { return isRead(series.name, server); }))
            kept.insert(series.id);
    std::erase_if(window.series, [&](const auto& series) { return !kept.contains(series.id); });
    std::erase_if(window.samples, [&](const auto& sample) { return !kept.contains(sample.seriesId); });
}

} // namespace gantry::node
