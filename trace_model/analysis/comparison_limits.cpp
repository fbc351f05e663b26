#include "trace_model/analysis/comparison_limits.h"

#include "trace_model/analysis/comparison.h"
#include "trace_model/analysis/comparison_verdict.h"
#include "trace_model/analysis/gaps.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace gantry::analysis {
namespace {

std::size_t completeRequests(const ComparedSide& side)
{
    const auto& requests = side.trace->requests;
    return static_cast<std::size_t>(
        std::count_if(requests.begin(), requests.end(), [&](const trace::Request& r) { return side.hasWhole(r); }));
}

void sayEmpty(std::vector<std::string>& limits, const trace::Trace& a, const trace::Trace& b)
{
    const bool isEmptyA = a.eventCount() == 0 && a.requests.empty(), isEmptyB = b.eventCount() == 0 && b.requests.empty();
    if (isEmptyA && isEmptyB)
        limits.emplace_back("Neither report holds an event: nothing can be compared.");
    else if (isEmptyA || isEmptyB)
        limits.push_back(fmt::format("{} holds no event: what the other one has is listed, but nothing can be compared.", isEmptyA ? "A" : "B"));
}

void sayGaps(std::vector<std::string>& limits, const trace::Trace& trace, const char* side)
{
    if (const std::string gaps = gapsOf(trace); !gaps.empty())
        limits.push_back(fmt::format("{} is not whole ({}): counts, sums and rates of it are too low, and what was lost may be what differs.", side, gaps));
}

void sayRequests(std::vector<std::string>& limits, const ComparedSide& a, const ComparedSide& b)
{
    const std::size_t x = completeRequests(a), y = completeRequests(b);
    if (x == 0 && y == 0)
        limits.emplace_back("Neither report has complete requests: kernels, copies and calls are compared, latency cannot be.");
    else if (x == 0 || y == 0)
        limits.push_back(fmt::format("{} has no complete request: kernels, copies and calls are compared, latency cannot be.", x == 0 ? "A" : "B"));
    else if (std::min(x, y) < kFewestRequests)
        limits.push_back(fmt::format("{} has {} complete requests and {} {}: fewer than {} say nothing sure about latency. A longer window has more.",
                                     x < y ? "A" : "B", std::min(x, y), x < y ? "B" : "A", std::max(x, y), kFewestRequests));
    else if (std::min(x, y) < fewestFor(Statistic::P99))
        limits.push_back(fmt::format("p99 is not tested: that takes {} complete requests of a model on each side, and {} has {}.",
                                     fewestFor(Statistic::P99), x < y ? "A" : "B", std::min(x, y)));
}

std::set<std::string> gpuNames(const trace::Trace& trace)
{
    std::set<std::string> names;
    for (const trace::GpuInfo& gpu : trace.meta.gpus)
        names.insert(gpu.name);
    return names;
}

std::string listed(const std::set<std::string>& names)
{
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text;
}

void sayGpus(std::vector<std::string>& limits, const trace::Trace& a, const trace::Trace& b)
{
    const std::set<std::string> x = gpuNames(a), y = gpuNames(b);
    if (!x.empty() && !y.empty() && x != y)
        limits.push_back(fmt::format("The GPUs differ ({} in A, {} in B): times tell about both the GPU and what ran on it, and not which of them it was.",
                                     listed(x), listed(y)));
}

void sayLengths(std::vector<std::string>& limits, const ComparedSide& a, const ComparedSide& b)
{
    const DurationNs x = a.time().duration(), y = b.time().duration();
    if (std::min(x, y) > 0 && std::max(x, y) / std::min(x, y) >= 10)
        limits.push_back(fmt::format("A lasts {} and B {}: the shorter one may have missed what happens rarely.", formatDuration(x), formatDuration(y)));
}

void sayNothingInCommon(std::vector<std::string>& limits, const trace::Trace& a, const trace::Trace& b, const Comparison& comparison)
{
    const auto rows = comparison.rows();
    const auto isWork = [](const ComparisonRow* row) {
        return row->kind == RowKind::Kernel || row->kind == RowKind::NvtxRange || row->kind == RowKind::Latency;
    };
    const bool isShared = std::any_of(rows.begin(), rows.end(), [&](const ComparisonRow* row) { return isWork(row) && row->a && row->b; });
    if (!isShared && a.eventCount() > 0 && b.eventCount() > 0)
        limits.emplace_back("The reports have no kernel, range or model in common: they are of different programs, and the lists stand "
                            "beside each other only.");
}

} // namespace

std::vector<std::string> comparisonLimits(const std::array<ComparedSide, 2>& sides, const Comparison& comparison)
{
    const trace::Trace &a = *sides[0].trace, &b = *sides[1].trace;
    std::vector<std::string> limits;
    sayEmpty(limits, a, b);
    if (!limits.empty())
        return limits;
    sayNothingInCommon(limits, a, b, comparison);
    sayRequests(limits, sides[0], sides[1]);
    sayGpus(limits, a, b);
    sayLengths(limits, sides[0], sides[1]);
    sayGaps(limits, a, "A");
    sayGaps(limits, b, "B");
    return limits;
}

} // namespace gantry::analysis
