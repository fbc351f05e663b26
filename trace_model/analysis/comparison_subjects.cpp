#include "trace_model/analysis/comparison_subjects.h"

#include "trace_model/analysis/name_family.h"
#include "trace_model/analysis/request_breakdown.h"
#include "trace_model/base/parallel.h"
#include "trace_model/base/stoppable.h"
#include "trace_model/trace/counter_window.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <set>

namespace gantry::analysis {
namespace {

using trace::Trace;

/// Which name each number of a dictionary has.
using Names = std::vector<std::string>;

Names kernelNames(const Trace& trace)
{
    Names names;
    for (const trace::KernelName& name : trace.kernels.names.values())
        names.emplace_back(trace.strings[name.demangledName.isNone() ? name.shortName : name.demangledName]);
    return names;
}

Names callNames(const Trace& trace)
{
    Names names;
    for (const trace::Callee& callee : trace.apiCalls.callees.values())
        names.emplace_back(callFamily(trace.strings[callee.name]));
    return names;
}

/// Empty: not compared.
Names rangeNames(const Trace& trace)
{
    Names names;
    for (const trace::NvtxLabel& label : trace.nvtxRanges.labels.values()) {
        const std::string_view domain = trace.strings[label.domain];
        if (domain == records::nvtx_convention::kDomain)
            names.emplace_back();
        else
            names.push_back((domain.empty() ? std::string() : std::string(domain) + ": ") + std::string(trace.strings[label.text]));
    }
    return names;
}

/// Short names of kernels in place of their signatures, where one is enough to know the kernel by.
void shortenKernels(const Trace& trace, const Names& names, std::map<std::string, std::string>& shortOf, std::map<std::string, std::set<std::string>>& users)
{
    for (std::uint32_t number = 0; number < names.size(); ++number) {
        const std::string brief(trace.strings[trace.kernels.names[number].shortName]);
        shortOf[names[number]] = brief;
        users[brief].insert(names[number]);
    }
}

/// The row that each number of a dictionary belongs to; empty: not compared.
Names rowNames(const Names& names, const std::map<std::string, std::string>& rowOf)
{
    Names rows;
    for (const std::string& name : names)
        rows.push_back(name.empty() ? std::string() : rowOf.at(name));
    return rows;
}

/// Puts each event into the subject of its row.
void takeNamed(Subjects& subjects, RowKind kind, const trace::EventColumns& columns, const trace::Column<std::uint32_t>& numbers,
               const Names& rows, const ComparedSide& side)
{
    std::vector<Subject*> subjectOf(rows.size(), nullptr);
    for (std::size_t number = 0; number < rows.size(); ++number) {
        if (rows[number].empty())
            continue;
        Subject& subject = subjects[{kind, {}, rows[number]}];
        subject.unit = "ns";
        subjectOf[number] = &subject;
    }
    const StopCheck isStopped(side.stop);
    for (std::size_t row = 0; row < columns.size() && !isStopped(row); ++row)
        if (Subject* subject = numbers[row] < subjectOf.size() ? subjectOf[numbers[row]] : nullptr;
            subject && side.window.contains(columns.start[row]))
            subject->values.add(static_cast<double>(columns.duration(row)), side.blocks.of(columns.start[row]));
}

void takeCopies(Subjects& subjects, const ComparedSide& side)
{
    const trace::MemcpyColumns& copies = side.trace->memcpys;
    const trace::MemsetColumns& memsets = side.trace->memsets;
    const StopCheck isStopped(side.stop);
    std::map<trace::CopyRoute, Subject*> subjectOf;
    for (std::size_t row = 0; row < copies.size() && !isStopped(row); ++row) {
        if (!side.window.contains(copies.start[row]))
            continue;
        const trace::CopyRoute route = copies.route[row];
        Subject*& subject = subjectOf[route];
        if (!subject) {
            subject = &subjects[{RowKind::Memcpy, {}, copyRow(route)}];
            subject->unit = "ns";
        }
        subject->values.add(static_cast<double>(copies.duration(row)), side.blocks.of(copies.start[row]));
    }
    for (std::size_t row = 0; row < memsets.size() && !isStopped(row); ++row) {
        if (!side.window.contains(memsets.start[row]))
            continue;
        Subject& subject = subjects[{RowKind::Memcpy, {}, "memset"}];
        subject.unit = "ns";
        subject.values.add(static_cast<double>(memsets.duration(row)), side.blocks.of(memsets.start[row]));
    }
}

/// Names that are in use, so that none of a dictionary's leftovers is matched.
std::vector<std::string> known(const Names& names)
{
    std::vector<std::string> result;
    std::copy_if(names.begin(), names.end(), std::back_inserter(result), [](const std::string& name) { return !name.empty(); });
    return result;
}

struct GpuWork
{
    std::uint64_t place = 0; ///< its file and device
    TimeRange time;
};

/// By place and start; what reaches out of the window is cut off there.
std::vector<GpuWork> gpuWork(const ComparedSide& side)
{
    const Trace& trace = *side.trace;
    const StopCheck isStopped(side.stop);
    std::vector<GpuWork> work;
    work.reserve(trace.kernels.size() + trace.memcpys.size() + trace.memsets.size() + trace.graphLaunches.size());
    const auto take = [&](const trace::GpuEventColumns& columns) {
        for (std::size_t row = 0; row < columns.size() && !isStopped(row); ++row) {
            const TimeRange time = columns.time(row), inside{std::max(time.start, side.window.start), std::min(time.end, side.window.end)};
            if (inside.start <= inside.end)
                work.push_back({std::uint64_t{Trace::fileOf(columns.globalPid(row))} << 32 | columns.device(row), inside});
        }
    };
    take(trace.kernels);
    take(trace.memcpys);
    take(trace.memsets);
    take(trace.graphLaunches);
    sortUnlessStopped(work.begin(), work.end(), side.stop, [](const GpuWork& a, const GpuWork& b) {
        return a.place != b.place ? a.place < b.place : a.time.start < b.time.start;
    });
    return work;
}

void takeRequest(Subjects& subjects, const Trace& trace, const trace::Request& request, std::size_t block)
{
    const std::string model(trace.strings[request.model]);
    const auto take = [&](RowKind kind, std::string_view of, DurationNs duration) {
        Subject& subject = subjects[{kind, model, std::string(of)}];
        subject.unit = "ns";
        subject.values.add(static_cast<double>(duration), block);
    };
    take(RowKind::Latency, "latency", request.time.duration());
    for (std::size_t i = 0; i < request.phases.size(); ++i)
        if (request.phases[i])
            take(RowKind::Phase, records::name(static_cast<records::RequestPhase>(i)), request.phases[i]->duration());
    take(RowKind::Phase, records::name(records::RequestPhase::Outside), outsidePhases(request));
}

void takeExecutions(Subjects& subjects, const ComparedSide& side)
{
    const Trace& trace = *side.trace;
    const StopCheck isStopped(side.stop);
    for (std::size_t i = 0; i < trace.executions.size() && !isStopped(i); ++i) {
        const trace::Execution& execution = trace.executions[i];
        if (!side.window.contains(execution.time.start))
            continue;
        const std::string model(trace.strings[execution.model]);
        const std::size_t block = side.blocks.of(execution.time.start);
        if (execution.memberCount > 0) {
            Subject& batch = subjects[{RowKind::Batch, model, "batch size"}];
            batch.unit = "req";
            batch.values.add(execution.memberCount, block);
        }
        Subject& duration = subjects[{RowKind::Execution, model, "execution"}];
        duration.unit = "ns";
        duration.values.add(static_cast<double>(execution.time.duration()), block);
    }
}

} // namespace

std::string_view name(RowKind kind)
{
    constexpr std::string_view kNames[] = {"throughput", "latency", "phase", "batch", "execution", "kernel", "memcpy",
                                           "api",        "nvtx",    "gpu",   "gap",   "stream",    "metric"};
    return kNames[static_cast<int>(kind)];
}

void takeRequests(Subjects& subjects, const ComparedSide& side)
{
    const Trace& trace = *side.trace;
    const BlockLayout& blocks = side.blocks;
    const StopCheck isStopped(side.stop);
    BlockSums throughput(blocks.count);
    for (std::size_t i = 0; i < blocks.count; ++i)
        throughput.weight[i] = static_cast<double>(blocks.length) / 1e9;
    for (std::size_t i = 0; i < trace.requests.size() && !isStopped(i); ++i) {
        const trace::Request& request = trace.requests[i];
        if (!side.hasWhole(request))
            continue;
        throughput.sum[blocks.of(request.time.end)] += 1;
        takeRequest(subjects, trace, request, blocks.of(request.time.start));
    }
    if (!trace.requests.empty()) {
        Subject& subject = subjects[{RowKind::Throughput, {}, "requests per second"}];
        subject.unit = "1/s";
        subject.sums = std::move(throughput);
    }
    takeExecutions(subjects, side);
}

void takeGpus(Subjects& subjects, const ComparedSide& side)
{
    const std::vector<GpuWork> work = gpuWork(side);
    if (work.empty())
        return;
    const BlockLayout& blocks = side.blocks;
    const StopCheck isStopped(side.stop);
    BlockSums concurrency(blocks.count), busy(blocks.count);
    BlockedValues gaps;
    std::size_t gpus = 0;
    const GpuWork* last = nullptr;
    TimestampNs busyUntil = 0;
    for (std::size_t i = 0; i < work.size() && !isStopped(i); ++i) {
        const GpuWork& piece = work[i];
        const std::size_t block = blocks.of(piece.time.start);
        if (!last || last->place != piece.place) {
            ++gpus;
            busyUntil = piece.time.start;
        }
        if (piece.time.start > busyUntil)
            gaps.add(static_cast<double>(piece.time.start - busyUntil), blocks.of(busyUntil));
        const DurationNs alone = std::max<DurationNs>(0, piece.time.end - std::max(busyUntil, piece.time.start));
        concurrency.add(block, static_cast<double>(piece.time.duration()), static_cast<double>(alone));
        busy.sum[block] += static_cast<double>(alone);
        busyUntil = std::max(busyUntil, piece.time.end);
        last = &piece;
    }
    for (double& weight : busy.weight)
        weight = static_cast<double>(blocks.length) * static_cast<double>(gpus);
    subjects[{RowKind::Gpu, {}, "busy share of the GPU"}] = {{}, std::move(busy), "ratio"};
    subjects[{RowKind::Gpu, {}, "streams at once"}] = {{}, std::move(concurrency), "streams"};
    subjects[{RowKind::IdleGap, {}, "idle gap of the GPU"}] = {std::move(gaps), BlockSums(), "ns"};
}

void takeMetrics(Subjects& subjects, const ComparedSide& side)
{
    const StopCheck isStopped(side.stop);
    for (const trace::Track& track : side.trace->tracks) {
        const trace::CounterColumns& counter = track.counter;
        if (track.kind != trace::TrackKind::Counter || counter.isExact || counter.isDerived)
            continue;
        Subject& subject = subjects[{RowKind::Metric, {}, track.name}];
        subject.unit = counter.unit;
        const trace::SamplesInWindow samples = trace::samplesInWindow(*side.trace, counter);
        for (std::size_t i = samples.begin; i < samples.end && !isStopped(i); ++i)
            if (!std::isnan(counter.value[i]) && side.window.contains(counter.time[i]))
                subject.values.add(counter.value[i], side.blocks.of(counter.time[i]));
    }
}

std::string copyRow(const trace::CopyRoute& route)
{
    return fmt::format("{} {} to {}", name(route.kind), name(route.source), name(route.destination));
}

std::array<std::vector<std::string>, 2> kernelRows(const Trace& a, const Trace& b)
{
    const std::array names = {kernelNames(a), kernelNames(b)};
    MatchedNames matched = matchNames(known(names[0]), known(names[1]), &kernelFamily);
    std::map<std::string, std::string> shortOf;
    std::map<std::string, std::set<std::string>> users;
    shortenKernels(a, names[0], shortOf, users);
    shortenKernels(b, names[1], shortOf, users);
    for (auto* rows : {&matched.rowOfA, &matched.rowOfB})
        for (auto& [name, row] : *rows)
            if (row == name && users[shortOf[name]].size() == 1)
                row = shortOf[name];
    return {rowNames(names[0], matched.rowOfA), rowNames(names[1], matched.rowOfB)};
}

void takeWork(std::array<Subjects, 2>& subjects, const std::array<ComparedSide, 2>& sides,
              const std::array<std::vector<std::string>, 2>& kernels)
{
    const Trace &a = *sides[0].trace, &b = *sides[1].trace;
    const std::array calls = {callNames(a), callNames(b)}, ranges = {rangeNames(a), rangeNames(b)};
    const MatchedNames ofCalls = matchNames(known(calls[0]), known(calls[1]), &numberedFamily);
    const MatchedNames ofRanges = matchNames(known(ranges[0]), known(ranges[1]), &numberedFamily);
    std::vector<std::function<void()>> tasks;
    for (const std::size_t side : {0, 1})
        tasks.emplace_back([&, side] {
            const Trace& trace = *sides[side].trace;
            const auto rows = [&](const std::array<Names, 2>& names, const MatchedNames& matched) {
                return rowNames(names[side], side == 0 ? matched.rowOfA : matched.rowOfB);
            };
            takeNamed(subjects[side], RowKind::Kernel, trace.kernels, trace.kernels.nameNumber, kernels[side], sides[side]);
            takeNamed(subjects[side], RowKind::ApiCall, trace.apiCalls, trace.apiCalls.calleeNumber, rows(calls, ofCalls), sides[side]);
            takeNamed(subjects[side], RowKind::NvtxRange, trace.nvtxRanges, trace.nvtxRanges.labelNumber, rows(ranges, ofRanges),
                      sides[side]);
            takeCopies(subjects[side], sides[side]);
        });
    inParallel(std::move(tasks));
}

} // namespace gantry::analysis
