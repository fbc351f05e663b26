#include "tests/bench/synthetic_ranks.h"

#include "tests/bench/synthetic_training.h"
#include "trace_model/trace/trace_builder.h"

#include <stdexcept>
#include <string>
#include <vector>

namespace gantry::bench {

namespace {

using importing::TextId;

constexpr std::uint32_t kFirstPid = 1000, kFirstStream = 7, kContext = 1;

/// The names of the simulation as the builder knows them.
struct Texts
{
    struct Kernel
    {
        TextId demangled = 0, shortName = 0;
    };
    std::vector<Kernel> kernels;
    std::vector<TextId> calls, operators, layers;
    TextId step = 0;

    explicit Texts(trace::TraceBuilder& builder) : step(builder.intern("training step"))
    {
        for (const SyntheticNames::Kernel& kernel : syntheticNames().kernels)
            kernels.push_back({builder.intern(kernel.demangled), builder.intern(kernel.shortName)});
        const auto add = [&](const std::vector<std::string>& names, std::vector<TextId>& texts) {
            for (const std::string& name : names)
                texts.push_back(builder.intern(name));
        };
        add(syntheticNames().calls, calls);
        add(syntheticNames().operators, operators);
        add(syntheticNames().layers, layers);
    }
    [[nodiscard]] TextId of(const SyntheticRange& range) const
    {
        return range.level == SyntheticRange::Level::Step    ? step
               : range.level == SyntheticRange::Level::Layer ? layers[range.index]
                                                             : operators[range.index];
    }
};

void addStep(importing::RowSink& rows, const Texts& texts, const SyntheticStep& step, std::uint32_t rank)
{
    const std::uint64_t pid = kFirstPid + rank;
    const auto thread = [pid](std::uint8_t number) { return pid << 24 | (pid + number); };
    for (const SyntheticRange& range : step.ranges) {
        importing::RangeRow row;
        row.start = range.start;
        row.end = range.end;
        row.globalTid = thread(range.thread);
        row.textId = texts.of(range);
        rows.add(row);
    }
    for (const SyntheticCall& call : step.calls) {
        importing::CallRow row;
        row.start = call.start;
        row.end = call.end;
        row.globalTid = thread(call.thread);
        row.correlationId = call.correlation;
        row.nameId = texts.calls[call.name];
        rows.add(row);
    }
    const auto place = [&](auto& row, const SyntheticWork& work) {
        row.start = work.start;
        row.end = work.end;
        row.deviceId = rank;
        row.contextId = kContext;
        row.streamId = kFirstStream + work.stream;
        row.correlationId = work.correlation;
        row.globalPid = pid << 24;
    };
    for (const SyntheticWork& work : step.work) {
        if (work.isCopy) {
            report::MemcpyRow row;
            place(row, work);
            row.bytes = work.bytes;
            row.copyKind = work.name == 0 ? 1 : work.name == 1 ? 2 : 8; // host to device, back, on the device
            rows.add(row);
        } else {
            report::KernelRow row;
            place(row, work);
            row.demangledName = texts.kernels[work.name].demangled;
            row.shortName = texts.kernels[work.name].shortName;
            row.grid[0] = work.gridX;
            rows.add(row);
        }
    }
}

} // namespace

std::shared_ptr<const trace::Trace> traceOfRanks(std::uint64_t events, std::uint32_t ranks)
{
    trace::TraceBuilder builder;
    builder.beginFile("ranks");
    const Texts texts(builder);
    for (std::uint32_t rank = 0; rank < ranks; ++rank) {
        importing::RowSink& rows = builder.rows();
        TrainingSimulation simulation(events / ranks);
        for (SyntheticStep step; simulation.next(step);)
            addStep(rows, texts, step, rank);
    }
    auto trace = builder.finish({});
    if (!trace)
        throw std::runtime_error(trace.error().text());
    return std::move(*trace);
}

} // namespace gantry::bench
