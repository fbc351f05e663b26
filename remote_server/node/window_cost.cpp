#include "remote_server/node/window_cost.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace gantry::node {
namespace {

constexpr std::int64_t kHistoryNs = 10'000'000'000;
constexpr std::int64_t kShortestRateNs = 150'000'000; // less than a scrape apart is chance
constexpr int kFewestSlices = 4, kMostSlices = 20;

/// The requests that one model had completed, at the times of the scrapes.
using Counter = std::vector<metrics::Sample>;

struct Span
{
    std::int64_t from = 0, to = 0;
    [[nodiscard]] std::int64_t length() const { return to - from; }
    [[nodiscard]] double seconds() const { return static_cast<double>(length()) / 1e9; }
};

std::vector<Counter> countersOf(const WindowCapture& window)
{
    std::vector<Counter> counters;
    for (const metrics::SeriesDefinition& series : window.series) {
        if (series.name != "nv_inference_request_success" || !isOfTarget(series, window.targetId))
            continue;
        Counter counter;
        for (const metrics::Sample& sample : window.samples)
            if (sample.seriesId == series.id && sample.time >= window.openMonotonicNs - kHistoryNs &&
                sample.time <= window.closeMonotonicNs)
                counter.push_back(sample);
        if (!counter.empty())
            counters.push_back(std::move(counter));
    }
    return counters;
}

/// The part of [from, to] that lies between scrapes of every counter.
Span scraped(const std::vector<Counter>& counters, Span span)
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

/// Requests counted up to a time that lies between two scrapes.
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

double requestsIn(const std::vector<Counter>& counters, Span span)
{
    double requests = 0;
    for (const Counter& counter : counters)
        requests += countAt(counter, span.to) - countAt(counter, span.from);
    return requests;
}

/// Variance of the rate over a window's length plus that of its mean before the window, from slices of the time before it.
double varianceBefore(const std::vector<Counter>& counters, Span before, double rate, double windowSeconds)
{
    const int slices = std::clamp(static_cast<int>(before.seconds() / windowSeconds), kFewestSlices, kMostSlices);
    const std::int64_t length = before.length() / slices;
    if (length < kShortestRateNs)
        return 0;
    double sum = 0;
    for (int i = 0; i < slices; ++i) {
        const Span slice{before.from + i * length, before.from + (i + 1) * length};
        const double difference = requestsIn(counters, slice) / slice.seconds() - rate;
        sum += difference * difference;
    }
    const double variance = sum / (slices - 1);
    const double seconds = static_cast<double>(length) / 1e9;
    return variance * seconds / windowSeconds + variance / slices;
}

} // namespace

std::optional<WindowCost> windowCost(const WindowCapture& window)
{
    const std::vector<Counter> counters = countersOf(window);
    for (const Counter& counter : counters)
        if (!std::is_sorted(counter.begin(), counter.end(), [](const auto& a, const auto& b) { return a.value < b.value; }))
            return {};
    const Span before = scraped(counters, {window.openMonotonicNs - kHistoryNs, window.openMonotonicNs});
    const Span during = scraped(counters, {window.openMonotonicNs, window.closeMonotonicNs});
    if (counters.empty() || before.length() < kShortestRateNs || during.length() < kShortestRateNs)
        return {};
    const double requestsBefore = requestsIn(counters, before), requestsDuring = requestsIn(counters, during);
    if (requestsBefore <= 0 || requestsDuring <= 0)
        return {};
    const double rate = requestsBefore / before.seconds();
    const double ratio = requestsDuring / during.seconds() / rate;
    const double ofCounting = ratio * ratio * (1 / requestsBefore + 1 / requestsDuring);
    const double ofTheLoad = varianceBefore(counters, before, rate, during.seconds()) / (rate * rate);
    return WindowCost{ratio - 1, std::sqrt(std::max(ofCounting, ofTheLoad))};
}

} // namespace gantry::node
