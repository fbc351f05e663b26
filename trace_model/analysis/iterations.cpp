#include "trace_model/analysis/iterations.h"

#include "trace_model/analysis/name_family.h"
#include "trace_model/analysis/request_breakdown.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace gantry::analysis {
namespace {

using trace::Trace;
using TimesByFamily = std::map<std::string, std::vector<TimeRange>>;

/// Fewer are no rhythm that could be told from chance.
constexpr std::size_t kFewestForRhythm = 3;
/// Of the distances from one start to the next, their standard deviation over their mean: steps of a training vary by some percent, what is
/// called now and then by as much as it lasts.
constexpr double kMostIrregular = 0.5;

/// What is sorted by start, without those that begin in the one before them: the same range of several threads is one iteration.
void keepOuter(std::vector<TimeRange>& times)
{
    std::size_t kept = 0;
    for (const TimeRange& time : times)
        if (kept == 0 || time.start >= times[kept - 1].end)
            times[kept++] = time;
    times.resize(kept);
}

TimesByFamily rangesByFamily(const Trace& trace)
{
    const trace::NvtxColumns& ranges = trace.nvtxRanges;
    TimesByFamily byFamily;
    std::vector<std::vector<TimeRange>*> timesOf(ranges.labels.size(), nullptr);
    for (std::uint32_t number = 0; number < timesOf.size(); ++number)
        if (const trace::NvtxLabel& label = ranges.labels[number];
            !label.isOpen && trace.strings[label.domain] != records::nvtx_convention::kDomain && !trace.strings[label.text].empty())
            timesOf[number] = &byFamily[numberedFamily(trace.strings[label.text])];
    for (std::size_t row = 0; row < ranges.size(); ++row)
        if (auto* times = timesOf[ranges.labelNumber[row]])
            times->push_back(ranges.time(row));
    for (auto& [family, times] : byFamily)
        keepOuter(times);
    return byFamily;
}

/// Executions of a model by instance: those of one follow each other, those of several overlap.
TimesByFamily executionsByInstance(const Trace& trace, const std::string& model)
{
    TimesByFamily byInstance;
    for (const trace::Execution& execution : trace.executions)
        if (trace.strings[execution.model] == model)
            byInstance[std::string(trace.strings[execution.instance])].push_back(execution.time);
    for (auto& [instance, times] : byInstance)
        keepOuter(times);
    return byInstance;
}

bool isRegular(const std::vector<TimeRange>& times)
{
    if (times.size() < kFewestForRhythm)
        return false;
    const auto steps = static_cast<double>(times.size() - 1);
    const double mean = static_cast<double>(times.back().start - times.front().start) / steps;
    double squares = 0;
    for (std::size_t i = 1; i < times.size(); ++i)
        squares += std::pow(static_cast<double>(times[i].start - times[i - 1].start) - mean, 2);
    return std::sqrt(squares / steps) <= kMostIrregular * mean;
}

DurationNs covered(const std::vector<TimeRange>& times)
{
    DurationNs sum = 0;
    for (const TimeRange& time : times)
        sum += time.duration();
    return sum;
}

/// The family of ranges that covers most of A; empty: none repeats regularly in both.
std::string regularFamily(const TimesByFamily& a, const TimesByFamily& b)
{
    std::string best;
    DurationNs most = 0;
    for (const auto& [family, times] : a) {
        const auto other = b.find(family);
        if (other == b.end() || covered(times) <= most || !isRegular(times) || !isRegular(other->second))
            continue;
        best = family;
        most = covered(times);
    }
    return best;
}

} // namespace

std::optional<std::array<Iterations, 2>> commonIterations(const Trace& a, const Trace& b, const std::string& text)
{
    constexpr std::size_t kFewest = 2;
    TimesByFamily inA = rangesByFamily(a), inB = rangesByFamily(b);
    const std::string family = text.empty() ? regularFamily(inA, inB) : numberedFamily(text);
    if (!family.empty()) {
        const std::string of = "range '" + (text.empty() ? family : text) + "'";
        std::array result{Iterations{of, std::move(inA[family])}, Iterations{of, std::move(inB[family])}};
        if (result[0].times.size() < kFewest || result[1].times.size() < kFewest)
            return {};
        return result;
    }
    if (!text.empty())
        return {};
    for (const std::string& model : modelsByTime(a)) {
        TimesByFamily ofA = executionsByInstance(a, model), ofB = executionsByInstance(b, model);
        const std::vector<TimeRange>* most = nullptr;
        std::string chosen;
        for (const auto& [instance, times] : ofA)
            if (ofB.contains(instance) && std::min(times.size(), ofB[instance].size()) >= kFewest &&
                (!most || times.size() > most->size())) {
                most = &times;
                chosen = instance;
            }
        if (most)
            return std::array{Iterations{"executions of " + chosen, std::move(ofA[chosen])},
                              Iterations{"executions of " + chosen, std::move(ofB[chosen])}};
    }
    return {};
}

} // namespace gantry::analysis
