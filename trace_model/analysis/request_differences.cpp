#include "trace_model/analysis/request_differences.h"

#include "trace_model/analysis/request_breakdown.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace gantry::analysis {
namespace {

constexpr std::size_t kFewestPeers = 5;
constexpr double kMuch = 1.5;          // times the median
constexpr double kLatencyShare = 0.05; // of the median latency: less is not worth a line

std::int64_t medianOf(std::vector<std::int64_t>& values)
{
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2); // nearest rank
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// Requests that its execution served; nothing for one that was not executed.
std::optional<std::int64_t> batchOf(const trace::Trace& trace, const trace::Request& request)
{
    if (request.execution.value >= trace.executions.size())
        return {};
    return trace.executions[request.execution.value].memberCount;
}

} // namespace

std::vector<RequestDifference> differencesFromMedian(const trace::Trace& trace, trace::RequestIndex index)
{
    if (index.value >= trace.requests.size() || trace.requests[index.value].cutByWindow)
        return {};
    const trace::Request& subject = trace.requests[index.value];
    std::vector<std::int64_t> latencies, outside, batches;
    std::array<std::vector<std::int64_t>, records::kRequestPhaseCount> phases;
    for (const trace::Request& peer : trace.requests) {
        if (peer.cutByWindow || peer.failed || peer.model != subject.model)
            continue;
        latencies.push_back(peer.time.duration());
        outside.push_back(outsidePhases(peer));
        for (std::size_t i = 0; i < phases.size(); ++i)
            if (peer.phases[i])
                phases[i].push_back(peer.phases[i]->duration());
        if (const auto batch = batchOf(trace, peer))
            batches.push_back(*batch);
    }
    if (latencies.size() < kFewestPeers)
        return {};

    const std::int64_t latency = medianOf(latencies);
    const auto standsOut = [latency](std::int64_t value, std::int64_t median) {
        const auto a = static_cast<double>(value), b = static_cast<double>(median);
        return (a >= b * kMuch || b >= a * kMuch) && std::abs(a - b) >= static_cast<double>(latency) * kLatencyShare;
    };
    using Of = RequestDifference::Of;
    std::vector<RequestDifference> differences;
    const auto take = [&](records::RequestPhase phase, std::int64_t value, std::vector<std::int64_t>& peers) {
        if (peers.size() < kFewestPeers)
            return;
        if (const std::int64_t median = medianOf(peers); standsOut(value, median))
            differences.push_back({Of::Phase, phase, value, median});
    };
    for (std::size_t i = 0; i < phases.size(); ++i)
        if (subject.phases[i])
            take(static_cast<records::RequestPhase>(i), subject.phases[i]->duration(), phases[i]);
    take(records::RequestPhase::Outside, outsidePhases(subject), outside);
    std::stable_sort(differences.begin(), differences.end(), [](const RequestDifference& a, const RequestDifference& b) {
        return std::abs(a.value - a.median) > std::abs(b.value - b.median);
    });
    if (standsOut(subject.time.duration(), latency))
        differences.insert(differences.begin(), {Of::Latency, records::RequestPhase::Outside, subject.time.duration(), latency});
    if (const auto batch = batchOf(trace, subject); batch && batches.size() >= kFewestPeers)
        if (const std::int64_t median = medianOf(batches); *batch != median)
            differences.push_back({Of::Batch, records::RequestPhase::Outside, *batch, median});
    return differences;
}

} // namespace gantry::analysis
