#include "trace_model/analysis/latency_waterfall.h"

#include "trace_model/analysis/comparison_subjects.h"
#include "trace_model/base/parallel.h"
#include "trace_model/base/stoppable.h"
#include "trace_model/trace/launch_key.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <span>
#include <tuple>
#include <utility>

namespace gantry::analysis {
namespace {

using trace::Trace;
using Of = WaterfallStep::Of;
using StepName = std::pair<Of, std::string>;

constexpr std::array kWithGpuWork = {records::RequestPhase::ComputeInput, records::RequestPhase::ComputeInfer,
                                     records::RequestPhase::ComputeOutput};

/// A piece of GPU work of an execution.
struct Piece
{
    std::uint32_t execution = 0;
    std::uint32_t name = 0; ///< in ExecutionWork::names
    TimeRange time;
};

/// GPU work of executions, by the calls that launched it.
class ExecutionWork
{
public:
    ExecutionWork(const ComparedSide& side, const std::vector<std::string>& kernels)
        : m_trace(*side.trace), m_stop(side.stop), m_isStopped(side.stop)
    {
        const Trace& trace = m_trace;
        joinCalls();
        std::vector<std::uint32_t> kernelNames, copyNames;
        for (const std::string& kernel : kernels)
            kernelNames.push_back(number({Of::Kernel, kernel}));
        take(trace.kernels, [&](std::size_t row) { return kernelNames[trace.kernels.nameNumber[row]]; });
        take(trace.memcpys, [&](std::size_t row) { return number({Of::Copy, copyRow(trace.memcpys.route[row])}); });
        take(trace.memsets, [this](std::size_t) { return number({Of::Other, "memset"}); });
        take(trace.graphLaunches, [this](std::size_t) { return number({Of::Other, "CUDA graph"}); });
        sortUnlessStopped(m_pieces.begin(), m_pieces.end(), m_stop, [](const Piece& x, const Piece& y) {
            return std::tie(x.execution, x.time.start) < std::tie(y.execution, y.time.start);
        });
    }

    [[nodiscard]] std::span<const Piece> of(trace::ExecutionIndex execution) const
    {
        const auto [first, last] = std::equal_range(m_pieces.begin(), m_pieces.end(), Piece{execution.value, 0, {}},
                                                    [](const Piece& x, const Piece& y) { return x.execution < y.execution; });
        return {first, last};
    }
    [[nodiscard]] const std::vector<StepName>& names() const { return m_names; }
    [[nodiscard]] bool isEmpty() const { return m_pieces.empty(); }

private:
    std::uint32_t number(const StepName& name)
    {
        const auto [found, isNew] = m_numbers.try_emplace(name, static_cast<std::uint32_t>(m_names.size()));
        if (isNew)
            m_names.push_back(name);
        return found->second;
    }

    /// Calls are sorted by start, and so are the executions of a thread: both are walked once.
    void joinCalls()
    {
        std::map<std::uint64_t, std::vector<std::uint32_t>> byThread;
        for (std::uint32_t i = 0; i < m_trace.executions.size(); ++i)
            byThread[m_trace.executions[i].globalTid].push_back(i);
        struct Walk
        {
            const std::vector<std::uint32_t>* executions = nullptr;
            std::size_t next = 0;
        };
        const trace::CallColumns& calls = m_trace.apiCalls;
        std::vector<Walk> walks(calls.threads.size());
        for (std::uint32_t i = 0; i < walks.size(); ++i)
            if (const auto found = byThread.find(calls.threads[i]); found != byThread.end())
                walks[i].executions = &found->second;
        for (std::size_t row = 0; row < calls.size() && !m_isStopped(row); ++row) {
            Walk& walk = walks[calls.threadNumber[row]];
            if (!walk.executions || calls.correlation[row] == 0)
                continue;
            const auto& executions = *walk.executions;
            while (walk.next < executions.size() && m_trace.executions[executions[walk.next]].time.end <= calls.start[row])
                ++walk.next;
            if (walk.next < executions.size() && m_trace.executions[executions[walk.next]].time.contains(calls.start[row]))
                m_launches.emplace_back(trace::launchKey(Trace::processOf(calls.globalTid(row)), calls.correlation[row]), executions[walk.next]);
        }
        sortUnlessStopped(m_launches.begin(), m_launches.end(), m_stop);
    }

    template <typename NameOf>
    void take(const trace::GpuEventColumns& columns, NameOf nameOf)
    {
        for (std::size_t row = 0; row < columns.size() && !m_isStopped(row); ++row) {
            const std::uint64_t key = trace::launchKey(columns.globalPid(row), columns.correlation[row]);
            const auto found = std::lower_bound(m_launches.begin(), m_launches.end(), std::pair(key, std::uint32_t{0}));
            if (found != m_launches.end() && found->first == key)
                m_pieces.push_back({found->second, nameOf(row), columns.time(row)});
        }
    }

    const Trace& m_trace;
    std::stop_token m_stop;
    StopCheck m_isStopped;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> m_launches; ///< by key
    std::vector<Piece> m_pieces;
    std::map<StepName, std::uint32_t> m_numbers;
    std::vector<StepName> m_names;
};

/// Sums of one side, over its complete requests.
struct Sums
{
    std::size_t requests = 0;
    double latency = 0;
    std::array<double, records::kRequestPhaseCount> phases{};
    std::array<std::map<StepName, double>, records::kRequestPhaseCount> inside;
};

class SideSums
{
public:
    SideSums(const ComparedSide& side, const std::string& model, const std::vector<std::string>& kernels)
        : m_trace(*side.trace), m_work(side, kernels)
    {
        const StopCheck isStopped(side.stop);
        for (std::size_t i = 0; i < m_trace.requests.size() && !isStopped(i); ++i)
            if (const trace::Request& request = m_trace.requests[i]; side.hasWhole(request) && m_trace.strings[request.model] == model)
                add(request);
        for (std::size_t phase = 0; phase < m_byNumber.size(); ++phase) {
            for (std::size_t number = 0; number < m_byNumber[phase].size(); ++number)
                if (m_byNumber[phase][number] != 0)
                    m_sums.inside[phase][m_work.names()[number]] += m_byNumber[phase][number];
            if (m_gaps[phase] != 0 && !m_sums.inside[phase].empty())
                m_sums.inside[phase][{Of::Gap, "no GPU work"}] += m_gaps[phase];
        }
    }
    [[nodiscard]] const Sums& sums() const { return m_sums; }

private:
    void add(const trace::Request& request)
    {
        ++m_sums.requests;
        m_sums.latency += static_cast<double>(request.time.duration());
        for (std::size_t i = 0; i < request.phases.size(); ++i)
            if (request.phases[i])
                m_sums.phases[i] += static_cast<double>(request.phases[i]->duration());
        if (m_work.isEmpty() || request.execution.isNone())
            return;
        for (const records::RequestPhase phase : kWithGpuWork)
            if (const auto& time = request.phases[static_cast<std::size_t>(phase)])
                sweep(static_cast<std::size_t>(phase), *time, request);
    }

    /// Walks through the work in a phase: each moment is of the piece that began first, or of none.
    void sweep(std::size_t phase, TimeRange time, const trace::Request& request)
    {
        TimestampNs at = time.start;
        std::vector<double>& sums = m_byNumber[phase];
        sums.resize(m_work.names().size());
        const auto walk = [&](trace::ExecutionIndex execution) {
            for (const Piece& piece : m_work.of(execution)) {
                const TimestampNs start = std::max(piece.time.start, at), end = std::min(piece.time.end, time.end);
                if (end <= start)
                    continue;
                m_gaps[phase] += static_cast<double>(start - at);
                sums[piece.name] += static_cast<double>(end - start);
                at = end;
            }
        };
        for (const trace::ExecutionIndex earlier : m_trace.earlierExecutionsOf(request))
            walk(earlier);
        walk(request.execution);
        m_gaps[phase] += static_cast<double>(std::max<DurationNs>(time.end - at, 0));
    }

    const Trace& m_trace;
    ExecutionWork m_work;
    Sums m_sums;
    std::array<std::vector<double>, records::kRequestPhaseCount> m_byNumber;
    std::array<double, records::kRequestPhaseCount> m_gaps{};
};

void addInside(std::vector<WaterfallStep>& steps, const std::string& phase, const std::map<StepName, double>& a, const std::map<StepName, double>& b,
               double perA, double perB)
{
    if (a.empty() || b.empty()) // one side does not know what ran
        return;
    std::map<StepName, WaterfallStep> inside;
    for (const auto& [name, sum] : a)
        inside[name].a = sum * perA;
    for (const auto& [name, sum] : b)
        inside[name].b = sum * perB;
    const auto first = static_cast<std::ptrdiff_t>(steps.size());
    for (auto& [name, step] : inside)
        steps.push_back({name.first, name.second, phase, step.a, step.b});
    std::stable_sort(steps.begin() + first, steps.end(), [](const WaterfallStep& x, const WaterfallStep& y) {
        return std::abs(x.contribution()) > std::abs(y.contribution());
    });
}

} // namespace

std::optional<LatencyWaterfall> latencyWaterfall(const std::array<ComparedSide, 2>& sides, const std::string& model,
                                                 const std::array<std::vector<std::string>, 2>& kernels)
{
    std::array<Sums, 2> sums;
    std::vector<std::function<void()>> tasks;
    for (const std::size_t side : {0, 1})
        tasks.emplace_back([&, side] { sums[side] = SideSums(sides[side], model, kernels[side]).sums(); });
    inParallel(std::move(tasks));
    if (sums[0].requests == 0 || sums[1].requests == 0)
        return {};
    const double perA = 1 / static_cast<double>(sums[0].requests), perB = 1 / static_cast<double>(sums[1].requests);
    LatencyWaterfall waterfall{model, {sums[0].requests, sums[1].requests}, sums[0].latency * perA, sums[1].latency * perB, {}};
    double outsideA = waterfall.a, outsideB = waterfall.b;
    for (std::size_t i = 0; i < sums[0].phases.size(); ++i) {
        const double ofA = sums[0].phases[i] * perA, ofB = sums[1].phases[i] * perB;
        if (ofA == 0 && ofB == 0)
            continue;
        const std::string phase(records::name(static_cast<records::RequestPhase>(i)));
        waterfall.steps.push_back({Of::Phase, phase, phase, ofA, ofB});
        addInside(waterfall.steps, phase, sums[0].inside[i], sums[1].inside[i], perA, perB);
        outsideA -= ofA;
        outsideB -= ofB;
    }
    const std::string outside(records::name(records::RequestPhase::Outside));
    waterfall.steps.push_back({Of::Phase, outside, outside, outsideA, outsideB});
    return waterfall;
}

} // namespace gantry::analysis
