#include "tests/trace_model/exporting/trace_lines.h"

#include "tests/support/event_script.h"
#include "trace_model/trace/trace_builder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace gantry::test {

namespace {

using trace::EventKind;
using trace::Trace;

/// What a kind of events has besides its times and its place.
struct Details
{
    const Trace& trace;
    std::size_t row;

    [[nodiscard]] std::string_view text(trace::StringId id) const { return trace.strings[id]; }

    std::string of(const trace::KernelColumns& c) const
    {
        const trace::LaunchShape& s = c.shape(row);
        return fmt::format("{} | {} | grid {} block {} registers {} shared {} {} node {}", text(c.shortName(row)),
                           text(c.demangledName(row)), s.grid, s.block, s.registersPerThread, s.staticSharedMemory, s.dynamicSharedMemory,
                           c.graphNode[row]);
    }
    std::string of(const trace::MemcpyColumns& c) const
    {
        return fmt::format("{} {} -> {} bytes {}", name(c.route[row].kind), name(c.route[row].source), name(c.route[row].destination),
                           c.bytes[row]);
    }
    std::string of(const trace::MemsetColumns& c) const
    {
        return fmt::format("{} value {} bytes {}", name(c.memoryKind[row]), c.value[row], c.bytes[row]);
    }
    std::string of(const trace::SynchronizationColumns& c) const { return std::string(name(c.type[row])); }
    std::string of(const trace::GraphLaunchColumns& c) const { return fmt::format("graph {}", c.graph[row]); }
    std::string of(const trace::GpuRangeColumns& c) const { return std::string(text(c.text[row])); }
    std::string of(const trace::CallColumns& c) const
    {
        return fmt::format("{} corr {} returned {}{}", text(c.name(row)), c.correlation[row], c.callee(row).returnValue,
                           c.isDriver(row) ? " driver" : "");
    }
    std::string of(const trace::NvtxColumns& c) const
    {
        const trace::NvtxLabel& l = c.label(row);
        return fmt::format("{} domain {} category {} color {:08x} payload {}{}{}", text(l.text), text(l.domain), l.category, l.color,
                           c.payload(row) ? std::to_string(*c.payload(row)) : "none", l.isStartEnd ? " start/end" : "",
                           l.isOpen ? " open" : "");
    }
    std::string of(const trace::OverheadColumns& c) const { return std::string(text(c.name[row])); }
    std::string of(const trace::PhaseColumns& c) const { return fmt::format("request {} {}", c.request[row].value, name(c.phase[row])); }
};

std::string placeOf(const trace::GpuEventColumns& c, std::size_t row)
{
    const trace::GpuPlace& p = c.place(row);
    return fmt::format("process {} gpu{}/context{}/stream{} corr {}", p.globalPid, p.device, p.context, p.stream, c.correlation[row]);
}

std::string placeOf(const trace::ThreadEventColumns& c, std::size_t row)
{
    return fmt::format("thread {}", c.globalTid(row));
}

std::string placeOf(const trace::EventColumns&, std::size_t)
{
    return {};
}

std::string numberOrNone(const auto& value)
{
    return value ? fmt::format("{}", *value) : "none";
}

void addRequests(const Trace& trace, Lines& lines)
{
    for (const trace::Request& request : trace.requests) {
        std::string line = fmt::format("request {} client {} model {} version {} {}..{} parent {} execution {}{}{}", request.id,
                                       trace.strings[request.clientId], trace.strings[request.model], trace.strings[request.version],
                                       request.time.start, request.time.end, numberOrNone(request.parentId), request.execution.value,
                                       request.failed ? " failed" : "", request.cutByWindow ? " cut" : "");
        for (std::size_t phase = 0; phase < request.phases.size(); ++phase)
            if (request.phases[phase])
                line += fmt::format(" {} {}..{}", name(static_cast<records::RequestPhase>(phase)), request.phases[phase]->start,
                                    request.phases[phase]->end);
        lines.push_back(std::move(line));
    }
    for (const trace::Execution& execution : trace.executions) {
        std::string line = fmt::format("execution {} model {} version {} instance {} thread {} {}..{} members", execution.batchId,
                                       trace.strings[execution.model], trace.strings[execution.version], trace.strings[execution.instance],
                                       execution.globalTid, execution.time.start, execution.time.end);
        for (const trace::RequestIndex member : trace.membersOf(execution))
            line += fmt::format(" {}", member.value);
        lines.push_back(std::move(line));
    }
}

/// Counters; the other tracks are made of the events, which are compared themselves.
void addCounters(const Trace& trace, Lines& lines)
{
    for (const trace::Track& track : trace.tracks) {
        if (track.kind != trace::TrackKind::Counter || track.counter.isDerived)
            continue;
        lines.push_back(fmt::format("counter {} {}", track.name, track.detail));
        for (std::size_t i = 0; i < track.counter.time.size(); ++i)
            lines.push_back(
                fmt::format("  {} = {} {} ({})", track.counter.time[i], track.counter.value[i], track.counter.unit, track.counter.source));
    }
}

void addMeta(const Trace& trace, Lines& lines)
{
    const trace::TraceMeta& m = trace.meta;
    lines.push_back(fmt::format("producer {} title {} host {} target {} utc {} monotonic {} exited {} complete {}", m.producer, m.title,
                                m.hostName, m.targetName, m.sessionUtcNs, m.sessionMonotonicNs, m.targetExited, m.complete));
    lines.push_back(fmt::format("clock error {} cost {} +- {} open {} close {}", numberOrNone(m.clockErrorNs),
                                numberOrNone(m.windowCostRatio), numberOrNone(m.windowCostError), numberOrNone(m.openCost),
                                numberOrNone(m.closeCost)));
    for (const trace::GpuInfo& gpu : m.gpus)
        lines.push_back(fmt::format("gpu {} {} {}", gpu.device, gpu.name, gpu.uuid));
    for (const auto& [key, value] : m.settings)
        lines.push_back(fmt::format("setting {} = {}", key, value));
    for (const std::string& warning : m.warnings)
        lines.push_back("warning " + warning);
}

} // namespace

Lines eventLines(const Trace& trace, EventKind kind)
{
    return Trace::visit(trace, kind, [&](const auto& columns) {
        Lines lines;
        for (std::size_t row = 0; row < columns.size(); ++row) {
            if constexpr (requires { columns.source; })
                if (columns.isProjected(row))
                    continue; // made of the others
            lines.push_back(
                fmt::format("{}..{} {} {}", columns.start[row], columns.end(row), placeOf(columns, row), Details{trace, row}.of(columns)));
        }
        return lines;
    });
}

Lines otherLines(const Trace& trace)
{
    Lines lines;
    lines.push_back(fmt::format("time {}..{} window {}..{}", trace.time.start, trace.time.end, trace.window.start, trace.window.end));
    addRequests(trace, lines);
    addCounters(trace, lines);
    addMeta(trace, lines);
    for (const Loss& loss : trace.losses)
        lines.push_back(fmt::format("loss {} {} {} {}", loss.name, name(loss.severity), loss.count, loss.help));
    for (const auto& [pid, name] : trace.processNames)
        lines.push_back(fmt::format("process {} {}", pid, name));
    for (const auto& [tid, name] : trace.threadNames)
        lines.push_back(fmt::format("thread {} {}", tid, name));
    for (const auto& [key, name] : trace.streamNames)
        lines.push_back(fmt::format("stream {} {} {} {} {}", std::get<0>(key), std::get<1>(key), std::get<2>(key), std::get<3>(key), name));
    for (const importing::SummaryTable& table : trace.summaries) {
        lines.push_back(fmt::format("table {}: {}", table.name, fmt::join(table.columns, " | ")));
        for (const auto& row : table.rows)
            lines.push_back(fmt::format("  {}", fmt::join(row, " | ")));
    }
    return lines;
}

testing::AssertionResult isSame(const Lines& actual, const Lines& expected)
{
    for (std::size_t i = 0; i < std::min(actual.size(), expected.size()); ++i)
        if (actual[i] != expected[i])
            return testing::AssertionFailure() << "line " << i << " is\n  " << actual[i] << "\ninstead of\n  " << expected[i];
    if (actual.size() != expected.size())
        return testing::AssertionFailure() << actual.size() << " lines instead of " << expected.size() << "; "
                                           << (actual.size() < expected.size() ? "missing: " + expected[actual.size()]
                                                                               : "new: " + actual[expected.size()]);
    return testing::AssertionSuccess();
}

std::shared_ptr<const Trace> traceWithEverything()
{
    using namespace importing;
    constexpr std::uint64_t kFirst = std::uint64_t{4711} << 24, kSecond = std::uint64_t{5000} << 24;
    trace::TraceBuilder builder;
    builder.beginFile("everything.sqlite");
    const auto text = [&](std::string_view t) { return builder.intern(t); };
    TraceMeta& meta = builder.meta();
    meta.format = "nsys-sqlite";
    meta.producer = "NVIDIA Nsight Systems 2025.1.1.110";
    meta.title = "everything";
    meta.hostName = "gpu-07";
    meta.targetName = "gantry-serve";
    meta.sessionUtcNs = 1'700'000'000'000'000'000;
    meta.sessionMonotonicNs = 12'345'678'901;
    meta.gpus = {{0, "NVIDIA H100", "GPU-0"}, {1, "NVIDIA H100", "GPU-1"}};
    meta.settings = {{"CAPTURE_EVENT_TYPE", "CUDA"}};
    meta.warnings = {"something was repaired"};
    meta.targetExited = true;
    meta.complete = false;
    meta.clockErrorNs = 1'500;
    meta.windowCostRatio = -0.0125;
    meta.windowCostError = 0.1 + 0.2;
    meta.openCost = 300'000;
    meta.closeCost = 4'000'000;
    builder.setWindow({0, 1'000'000});
    builder.nameProcess(kFirst, "gantry-serve");
    builder.nameProcess(kSecond, "python, \"quoted\"\n");
    builder.nameThread(kFirst | 4711, "main");
    builder.nameStream(kFirst, 0, 1, 7, "Stream 7 · default");
    builder.add(Loss{"cupti_dropped_records", LossSeverity::Error, 3, "Records that had no room."});
    builder.add(SummaryTable{"client, side", {"Concurrency", "p99 latency (µs)"}, {{"1", "1200"}, {"2", ""}}});
    RowSink& rows = builder.rows();
    const auto kernel = [&](TimestampNs start, TimestampNs end, std::uint64_t process, std::uint32_t device, std::uint32_t stream,
                            std::uint32_t correlation) {
        report::KernelRow row;
        row.start = start;
        row.end = end;
        row.deviceId = device;
        row.contextId = 1;
        row.streamId = stream;
        row.correlationId = correlation;
        row.globalPid = process;
        row.shortName = text("gemm");
        row.demangledName = text("void gemm<float, \"4\">(int)\\x\x01");
        row.grid = {4, 5, 6};
        row.block = {128, 2, 1};
        row.registersPerThread = 40;
        row.staticSharedMemory = 1'024;
        row.dynamicSharedMemory = 2'048;
        row.graphNodeId = correlation == 3 ? 17 : 0;
        rows.add(row);
    };
    kernel(-500, 2'000, kFirst, 0, 7, 1); // in flight when the window opened
    kernel(10'000, 20'000, kFirst, 0, 7, 2);
    kernel(15'000, 25'000, kFirst, 0, 7, 3);  // overlaps the one before
    kernel(10'000, 20'000, kSecond, 1, 7, 2); // the same correlation in another process
    report::MemcpyRow copy;
    copy.start = 30'000;
    copy.end = 31'000;
    copy.contextId = 1;
    copy.streamId = 13;
    copy.correlationId = 4;
    copy.globalPid = kFirst;
    copy.bytes = std::uint64_t{5} << 32;
    copy.copyKind = 1;
    copy.srcKind = 0;
    copy.dstKind = 5;
    rows.add(copy);
    report::MemsetRow set;
    set.start = 40'000;
    set.end = 40'000;
    set.contextId = 2; // the same stream number in another context
    set.streamId = 7;
    set.globalPid = kFirst;
    set.value = 255;
    set.bytes = 64;
    set.memKind = 2;
    rows.add(set);
    report::SynchronizationRow sync;
    sync.start = 41'000;
    sync.end = 50'000;
    sync.contextId = 1;
    sync.streamId = 0xFFFFFFFF;
    sync.correlationId = 5;
    sync.globalPid = kFirst;
    sync.syncType = 4;
    rows.add(sync);
    rows.add(report::OverheadRow{500, 900, kFirst | 4711, text("Buffer flush"), 3});
    rows.add(CallRow{5'000, 9'000, kFirst | 4711, 2, text("cudaLaunchKernel"), 0, CallKind::CudaRuntime});
    rows.add(CallRow{6'000, 8'000, kFirst | 4711, 2, text("cuLaunchKernel"), 700, CallKind::CudaDriver});
    rows.add(CallRow{5'000, 9'000, kSecond | 5001, 2, text("cudaLaunchKernel"), 0, CallKind::CudaRuntime});
    rows.add(CallRow{4'000, 9'500, kFirst | 4711, 0, text("cublasSgemm"), 0, CallKind::Library});
    rows.add(CallRow{3'000, 9'600, kFirst | 4711, 0, text("cudnnConvolutionForward"), 0, CallKind::Library});
    rows.add(CallRow{100'000, 200'000, kFirst | 4712, 0, text("poll"), 1, CallKind::OsRuntime});
    rows.add(CallRow{150'000, 250'000, kFirst | 4712, 0, text("read"), -1, CallKind::OsRuntime}); // neither in the other nor apart
    RangeRow range{1'000, 9'900, kFirst | 4711, text("outer"), text("gantry.serve"), 3, 0xFF00FF00, std::uint64_t{1} << 63};
    rows.add(range);
    rows.add(RangeRow{600'000, std::nullopt, kFirst | 4711, text("never ends")});
    RangeRow async{2'000, 700'000, kFirst | 4711, text("request"), text("gantry.serve")};
    async.isStartEnd = true;
    rows.add(async);
    async.start = 3'000;
    async.end.reset();
    rows.add(async);
    rows.add(MarkRow{5'500, kFirst | 4711, text("here"), text("kernel"), 0, 0, 7}); // a domain with the name of a category
    rows.add(GraphRow{60'000, 70'000, 0, 1, 7, 9, kFirst, 21});
    rows.add(GpuRangeRow{9'000, 26'000, 0, 1, 7, kFirst, text("step")});
    const std::uint32_t line = builder.define({"queue", "requests", "bert", "nv_queue{model=\"bert, \\\"x\\\"\"}"});
    rows.add(CounterSample{line, 100, 1.0 / 3});
    rows.add(CounterSample{line, 200, -2e300});
    const std::uint32_t plain = builder.define({"plain", "", "", ""});
    rows.add(CounterSample{plain, 300, 0});
    const std::uint32_t onCpu = builder.define({.name = "On CPU", .globalTid = kFirst | 4711});
    rows.add(CounterSample{onCpu, 2'000, 1});
    rows.add(CounterSample{onCpu, 4'000, 0});
    report::ExecutionRow execution{3, kFirst | 4711, text("bert"), text("1"), text("bert_0"), 80'000, 150'000};
    builder.add(execution);
    report::RequestRow request;
    request.globalPid = kFirst;
    request.requestId = 7;
    request.clientId = text("client-7");
    request.model = text("bert");
    request.version = text("1");
    request.start = 50'000;
    request.end = 160'000;
    request.batchId = 3;
    request.phases[0] = TimeRange{50'000, 80'000};
    request.phases[3] = TimeRange{90'000, 140'000};
    builder.add(request);
    request.requestId = 8;
    request.start.reset(); // before the window
    request.failed = true;
    builder.add(request);
    report::RequestRow other; // of another process, with the same number and no batch
    other.globalPid = kSecond;
    other.requestId = 7;
    other.model = text("resnet");
    other.start = 900'000;
    other.parentId = 8;
    other.phases[0] = TimeRange{910'000, 1'100'000};
    builder.add(other);
    auto trace = builder.finish({});
    if (!trace)
        throw std::runtime_error(trace.error().text());
    return *trace;
}

std::vector<std::pair<std::string, std::shared_ptr<const Trace>>> goldenTraces()
{
    std::vector<std::pair<std::string, std::shared_ptr<const Trace>>> traces;
    for (const auto& entry : std::filesystem::directory_iterator(GANTRY_SOURCE_DIR "/tests/golden")) {
        if (entry.path().extension() != ".events")
            continue;
        std::ostringstream script;
        script << std::ifstream(entry.path()).rdbuf();
        traces.emplace_back(entry.path().stem().string(), traceOf(script.str()));
    }
    return traces;
}

namespace {

std::vector<std::string> filesIn(const std::filesystem::path& folder)
{
    std::vector<std::string> paths;
    if (std::filesystem::exists(folder))
        for (const auto& entry : std::filesystem::directory_iterator(folder))
            paths.push_back(entry.path().string());
    std::sort(paths.begin(), paths.end());
    return paths;
}

} // namespace

std::vector<std::string> nsysExports()
{
    return filesIn(GANTRY_SOURCE_DIR "/../shared/data/nsys_sqlite");
}

std::vector<std::string> realTraces()
{
    std::vector<std::string> files = nsysExports();
    for (const std::string& file : filesIn(GANTRY_SOURCE_DIR "/../shared/data/kineto"))
        files.push_back(file);
    return files;
}

} // namespace gantry::test
