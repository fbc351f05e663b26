#include "trace_model/analysis/request_breakdown.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace gantry::analysis {

DurationNs nearestRank(std::span<const DurationNs> sorted, double share)
{
    return sorted[static_cast<std::size_t>(std::max(1.0, std::ceil(share * static_cast<double>(sorted.size())))) - 1];
}

Distribution distributionOf(std::vector<DurationNs> values)
{
    Distribution d;
    d.count = values.size();
    if (values.empty())
        return d;
    std::sort(values.begin(), values.end());
    d.min = values.front();
    d.p50 = nearestRank(values, 0.50);
    d.p95 = nearestRank(values, 0.95);
    d.p99 = nearestRank(values, 0.99);
    d.max = values.back();
    d.total = std::accumulate(values.begin(), values.end(), DurationNs{0}, addDurations);
    return d;
}

DurationNs outsidePhases(const trace::Request& request)
{
    DurationNs total = 0;
    for (const TimeRange& gap : request.outsidePhases())
        total += gap.duration();
    return total;
}

RequestBreakdown requestBreakdown(const trace::Trace& trace, std::optional<TimeRange> window, std::string_view model)
{
    RequestBreakdown result;
    std::vector<DurationNs> latencies, outside;
    std::array<std::vector<DurationNs>, records::kRequestPhaseCount> phases;
    for (const trace::Request& request : trace.requests) {
        if (!model.empty() && trace.strings[request.model] != model)
            continue;
        if (window && !window->intersects(request.time))
            continue;
        if (request.cutByWindow || (window && (request.time.start < window->start || request.time.end > window->end))) {
            ++result.cutByWindow;
            continue;
        }
        if (request.failed) {
            ++result.failed;
            continue;
        }
        ++result.requests;
        latencies.push_back(request.time.duration());
        for (std::size_t i = 0; i < phases.size(); ++i)
            if (request.phases[i])
                phases[i].push_back(request.phases[i]->duration());
        outside.push_back(outsidePhases(request));
    }
    std::size_t members = 0, filled = 0;
    for (const trace::Execution& execution : trace.executions) {
        if ((!model.empty() && trace.strings[execution.model] != model) || (window && !window->intersects(execution.time)))
            continue;
        ++result.executions;
        members += execution.memberCount;
        filled += (execution.memberCount > 0);
    }
    if (filled > 0)
        result.averageBatch = static_cast<double>(members) / static_cast<double>(filled);
    const DurationNs length = window ? window->duration() : trace.time.duration();
    result.requestsPerSecond = length > 0 ? static_cast<double>(result.requests) / (static_cast<double>(length) / 1e9) : 0.0;
    result.latency = distributionOf(std::move(latencies));
    result.outside = distributionOf(std::move(outside));
    for (std::size_t i = 0; i < phases.size(); ++i)
        result.phases[i] = distributionOf(std::move(phases[i]));
    return result;
}

std::vector<std::string> modelsByTime(const trace::Trace& trace)
{
    std::map<std::uint32_t, DurationNs> total;
    for (const trace::Request& request : trace.requests)
        total[request.model.value] += request.time.duration();
    std::vector<std::pair<DurationNs, std::string>> sorted;
    for (const auto& [model, time] : total)
        sorted.emplace_back(-time, std::string(trace.strings[trace::StringId(model)]));
    std::sort(sorted.begin(), sorted.end());
    std::vector<std::string> names;
    for (auto& [time, name] : sorted)
        names.push_back(std::move(name));
    return names;
}

std::vector<trace::RequestIndex> slowestRequests(const trace::Trace& trace)
{
    std::vector<trace::RequestIndex> slowest;
    for (std::uint32_t i = 0; i < trace.requests.size(); ++i)
        if (!trace.requests[i].cutByWindow && !trace.requests[i].failed)
            slowest.emplace_back(i);
    std::stable_sort(slowest.begin(), slowest.end(), [&](trace::RequestIndex a, trace::RequestIndex b) {
        return trace.requests[a.value].time.duration() > trace.requests[b.value].time.duration();
    });
    return slowest;
}

std::optional<double> phasePercentile(const trace::Trace& trace, trace::RequestIndex request, records::RequestPhase phase)
{
    const auto index = static_cast<std::size_t>(phase);
    const trace::Request& subject = trace.requests[request.value];
    if (!subject.phases[index])
        return {};
    std::size_t peers = 0, notSlower = 0;
    for (const trace::Request& peer : trace.requests) {
        if (peer.cutByWindow || peer.model != subject.model || !peer.phases[index])
            continue;
        ++peers;
        notSlower += peer.phases[index]->duration() <= subject.phases[index]->duration();
    }
    if (peers == 0)
        return {};
    return static_cast<double>(notSlower) / static_cast<double>(peers);
}

} // namespace gantry::analysis
