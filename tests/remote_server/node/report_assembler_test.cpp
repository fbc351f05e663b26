#include "remote_server/node/report_assembler.h"

#include "remote_server/node/request_assembly.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/analysis/request_join.h"
#include "trace_model/report/database.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

namespace gantry::node {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kOpen = 100 * kSecond;
constexpr std::int64_t kClose = 102 * kSecond;
constexpr char kTarget[] = "t1";

/// Records of one process, as its threads write them.
class RecordedEvents : public testing::Test
{
protected:
    template <typename Record>
    void add(records::RecordType type, Record record, std::string_view text = {})
    {
        record.header.type = type;
        record.header.size = static_cast<std::uint32_t>((sizeof record + text.size() + 7) / 8 * 8);
        std::vector<std::byte> bytes(record.header.size);
        std::memcpy(bytes.data(), &record, sizeof record);
        std::copy(text.begin(), text.end(), reinterpret_cast<char*>(bytes.data()) + sizeof record); // memcpy takes no null
        m_process.records.add({type, bytes}, 0);
    }

    void addText(std::uint32_t id, std::string_view text)
    {
        add(records::RecordType::Text, records::TextRecord{.id = id, .length = static_cast<std::uint32_t>(text.size())}, text);
    }

    void addRange(std::uint32_t tid, TimestampNs start, TimestampNs end, std::uint64_t number, std::uint32_t textId, std::string_view text,
                  std::uint32_t domain = 0)
    {
        records::NvtxRecord push{};
        push.time = kOpen + start;
        push.rangeId = number;
        push.domain = domain;
        push.tid = tid;
        push.textId = textId;
        push.textLength = static_cast<std::uint16_t>(text.size());
        add(records::RecordType::NvtxPush, push, text);
        push.time = kOpen + end;
        push.textLength = 0;
        add(records::RecordType::NvtxPop, push);
    }

    /// gantry-serve's, by the number that addServerEvent() uses.
    void addServerDomain()
    {
        const std::string_view domain = records::nvtx_convention::kDomain;
        add(records::RecordType::Domain, records::NamedRecord{{}, 0, 1, static_cast<std::uint32_t>(domain.size()), 0}, domain);
    }

    void addServerEvent(records::RecordType type, TimestampNs time, std::uint64_t rangeId, std::string_view text, std::uint64_t payload,
                        std::uint32_t enclosing = 0)
    {
        records::NvtxRecord record{};
        record.time = kOpen + time;
        record.rangeId = rangeId;
        record.domain = 1;
        record.tid = kTid;
        record.textLength = static_cast<std::uint16_t>(text.size());
        record.payloadType = records::PayloadType::Unsigned;
        record.payload = payload;
        record.enclosing = enclosing;
        add(type, record, text);
    }

    /// A launch and its kernel.
    void addKernel(std::uint32_t correlation, TimestampNs launched, TimestampNs started)
    {
        records::ApiRecord call{};
        call.startRealtimeNs = kOpenRealtime + launched;
        call.endRealtimeNs = call.startRealtimeNs + 50;
        call.tid = kTid;
        call.correlationId = correlation;
        add(records::RecordType::ApiCall, call);
        records::KernelRecord kernel{};
        kernel.startRealtimeNs = kOpenRealtime + started;
        kernel.endRealtimeNs = kernel.startRealtimeNs + 100;
        kernel.correlationId = correlation;
        kernel.nameId = 1;
        kernel.grid[0] = 1, kernel.grid[1] = 2, kernel.grid[2] = 3;
        kernel.block[0] = 4, kernel.block[1] = 5, kernel.block[2] = 6;
        add(records::RecordType::Kernel, kernel);
    }

    std::shared_ptr<const trace::Trace> assembled()
    {
        records::ClockRecord clock{};
        clock.monotonicNs = kOpen;
        clock.realtimeNs = kOpenRealtime;
        clock.bracketNs = 20;
        add(records::RecordType::ClockSample, clock);
        m_process.pid = 4711;
        WindowCapture window{.openMonotonicNs = kOpen, .closeMonotonicNs = kClose, .openRealtimeNs = kOpenRealtime, .content = m_content};
        window.processes.push_back(m_process);
        const auto path = m_folder / "a.gantry";
        const auto written = assembleReport(window, path);
        EXPECT_TRUE(written) << written.error().text();
        auto loaded = trace::loadTrace(path);
        EXPECT_TRUE(loaded) << loaded.error().text();
        return *loaded;
    }

    static constexpr std::uint32_t kTid = 4712;
    static constexpr std::int64_t kOpenRealtime = 1'700'000'000 * kSecond;
    test::TemporaryFolder m_folder;
    ProcessCapture m_process;
    std::uint32_t m_content = capture::ContentKernels;
};

TEST_F(RecordedEvents, RangesOfThreadsWhoseChunksComeInAnyOrderKeepTheirTimesAndTexts)
{
    addText(1, "registered");
    addRange(kTid, 3000, 4000, 2, 1, {});
    addRange(kTid + 1, 500, 5000, 1, 0, "other thread");
    addRange(kTid, 1000, 2000, 1, 0, "a text of its own");
    addRange(kTid + 1, 6000, 7000, 2, 1, {});
    addRange(kTid, 8000, 9000, 3, 77, {}); // its text was lost
    const auto trace = assembled();
    std::vector<std::string> ranges;
    for (std::size_t i = 0; i < trace->nvtxRanges.size(); ++i) {
        const TimeRange time = trace->nvtxRanges.time(i);
        ranges.push_back(std::string(trace->strings[trace->nvtxRanges.label(i).text]) + " " + std::to_string(time.start) + ".." +
                         std::to_string(time.end));
    }
    EXPECT_EQ(ranges, (std::vector<std::string>{"other thread 500..5000", "a text of its own 1000..2000", "registered 3000..4000",
                                                "registered 6000..7000", "(unknown text) 8000..9000"}));
}

TEST_F(RecordedEvents, AKernelBeforeItsLaunchShowsHowFarTheClocksAreApart)
{
    addText(1, "gemm");
    addKernel(9, 1000, 1500);
    addKernel(7, 3000, 2300); // 700 ns before it was launched
    addKernel(8, 2000, 1990);
    const auto trace = assembled();
    EXPECT_EQ(trace->meta.clockErrorNs, 700);
    ASSERT_EQ(trace->kernels.size(), 3u);
    EXPECT_EQ(trace->kernels.time(0), (TimeRange{1500, 1600}));
    EXPECT_EQ(trace->kernels.shape(0).grid, (std::array<std::uint32_t, 3>{1, 2, 3}));
    EXPECT_EQ(trace->kernels.shape(0).block, (std::array<std::uint32_t, 3>{4, 5, 6}));
    EXPECT_EQ(trace->strings[trace->kernels.shortName(0)], "gemm");
    EXPECT_EQ(trace->apiCalls.size(), 3u);
}

/// What a counter shows, "time = value".
std::vector<std::string> samplesOf(const trace::Trace& trace, std::string_view name)
{
    std::vector<std::string> samples;
    for (const trace::Track& track : trace.tracks)
        if (track.kind == trace::TrackKind::Counter && track.name == name)
            for (std::size_t i = 0; i < track.counter.time.size(); ++i)
                samples.push_back(std::to_string(track.counter.time[i]) + " = " +
                                  std::to_string(static_cast<std::int64_t>(track.counter.value[i])));
    return samples;
}

TEST_F(RecordedEvents, AllocationsAddUpToWhatIsKnownToBeAllocated)
{
    const auto addMemory = [&](TimestampNs time, std::uint8_t operation, std::uint64_t address, std::uint64_t bytes,
                               std::uint8_t kind = 3) {
        records::MemoryRecord memory{};
        memory.timeRealtimeNs = kOpenRealtime + time;
        memory.operation = operation;
        memory.address = address;
        memory.bytes = bytes;
        memory.memoryKind = kind;
        memory.poolType = kind == 3 && operation == 1 ? 1 : 0;
        memory.poolSize = 1 << 20;
        memory.poolUsed = bytes;
        add(records::RecordType::MemoryOperation, memory);
    };
    constexpr std::uint8_t kAllocation = 1, kRelease = 2, kPinned = 2;
    addMemory(200, kAllocation, 0xB000, 500);
    addMemory(100, kAllocation, 0xA000, 1000);
    addMemory(300, kRelease, 0xA000, 0);   // how much is known by its allocation
    addMemory(400, kRelease, 0xC000, 300); // was there before the window
    addMemory(500, kAllocation, 0xD000, 4096, kPinned);
    addMemory(600, 7, 0xE000, 4096); // neither
    const auto trace = assembled();
    EXPECT_EQ(samplesOf(*trace, "GPU 0 known allocations"),
              (std::vector<std::string>{"0 = 300", "100 = 1300", "200 = 1800", "300 = 800", "400 = 500"}));
    EXPECT_EQ(samplesOf(*trace, "Host known pinned allocations"), (std::vector<std::string>{"0 = 0", "500 = 4096"}));
    EXPECT_EQ(samplesOf(*trace, "GPU 0 memory pool used"), (std::vector<std::string>{"100 = 1000", "200 = 500"}));
    for (const trace::Track& track : trace->tracks)
        if (track.kind == trace::TrackKind::Counter) {
            EXPECT_TRUE(track.counter.isExact) << track.name;
            EXPECT_EQ(track.counter.unit, "bytes");
        }
}

TEST_F(RecordedEvents, ModulesAreMarksAndJitCompilationIsOverheadOfItsThread)
{
    records::JitRecord jit{};
    jit.startRealtimeNs = kOpenRealtime + 1010;
    jit.endRealtimeNs = kOpenRealtime + 1040;
    jit.correlationId = 9;
    jit.entry = 1;
    jit.operation = 3;
    add(records::RecordType::Jit, jit);
    addText(1, "gemm");
    addKernel(9, 1000, 1500); // the call that compiled
    records::ModuleRecord module{};
    module.timeRealtimeNs = kOpenRealtime + 1045;
    module.tid = kTid;
    module.codeBytes = 70'000;
    add(records::RecordType::Module, module);
    const auto trace = assembled();
    ASSERT_EQ(trace->nvtxMarks.size(), 1u);
    EXPECT_EQ(trace->strings[trace->nvtxMarks.text(0)], "Module loaded, 68.4 KiB");
    EXPECT_EQ(trace->strings[trace->nvtxMarks.domain(0)], "CUDA modules");
    EXPECT_EQ(trace->nvtxMarks.payload(0), 70'000u);
    EXPECT_EQ(trace::Trace::tidOf(trace->nvtxMarks.globalTid(0)), kTid);
    ASSERT_EQ(trace->overheads.size(), 1u);
    EXPECT_EQ(trace->strings[trace->overheads.name[0]], "JIT compilation, PTX to cubin");
    EXPECT_EQ(trace->overheads.time(0), (TimeRange{1010, 1040}));
    EXPECT_EQ(trace::Trace::tidOf(trace->overheads.globalTid(0)), kTid);
}

TEST_F(RecordedEvents, GraphsAreShownAsAWholeAndTheirLaunchesWithoutARecordAreCounted)
{
    const auto addCall = [&](std::uint32_t function, bool isDriver, TimestampNs start, TimestampNs end, std::uint32_t correlation) {
        records::ApiRecord call{};
        call.startRealtimeNs = kOpenRealtime + start;
        call.endRealtimeNs = kOpenRealtime + end;
        call.tid = kTid;
        call.correlationId = correlation;
        call.callbackId = function;
        call.isDriver = isDriver;
        add(records::RecordType::ApiCall, call);
    };
    constexpr std::uint32_t kRuntime = 311, kDriver = 514;
    const std::string_view runtime = "cudaGraphLaunch_v10000", driver = "cuGraphLaunch";
    add(records::RecordType::ApiName, records::NamedRecord{{}, 0, kRuntime, static_cast<std::uint32_t>(runtime.size()), 0}, runtime);
    add(records::RecordType::ApiName, records::NamedRecord{{}, 1, kDriver, static_cast<std::uint32_t>(driver.size()), 0}, driver);
    for (std::uint32_t i = 0; i < 3; ++i) {
        addCall(kDriver, true, 1010 + 100 * i, 1040 + 100 * i, 100 + i); // which the runtime calls
        addCall(kRuntime, false, 1000 + 100 * i, 1050 + 100 * i, 10 + i);
    }
    records::GraphRecord graph{};
    graph.startRealtimeNs = kOpenRealtime + 1100;
    graph.endRealtimeNs = kOpenRealtime + 1600;
    graph.streamId = 13;
    graph.correlationId = 10;
    graph.graphId = 6;
    add(records::RecordType::GraphLaunch, graph);
    const auto trace = assembled();
    ASSERT_EQ(trace->graphLaunches.size(), 1u);
    EXPECT_EQ(trace->graphLaunches.time(0), (TimeRange{1100, 1600}));
    EXPECT_EQ(trace->graphLaunches.graph[0], 6u);
    EXPECT_EQ(trace->graphLaunches.stream(0), 13u);
    const auto unseen = [](const trace::Trace& t) {
        return std::find_if(t.losses.begin(), t.losses.end(), [](const Loss& loss) { return loss.name == "graph_launches_not_seen"; })
            ->count;
    };
    EXPECT_EQ(unseen(*trace), 2u);
    m_content = capture::ContentRuntimeApi;
    EXPECT_EQ(unseen(*assembled()), 0u) << "nobody wanted to see them";
    m_content = capture::ContentKernels;

    records::KernelRecord node{};
    node.startRealtimeNs = kOpenRealtime + 1700;
    node.endRealtimeNs = kOpenRealtime + 1800;
    node.graphNodeId = 5;
    add(records::RecordType::Kernel, node);
    EXPECT_EQ(unseen(*assembled()), 0u) << "nodes are recorded, each for itself";
}

TEST_F(RecordedEvents, WorkOfAGraphThatSeemsToRunUntilTheFlushThoughItsStreamWentOnHasNoKnownEnd)
{
    const DurationNs length = kClose - kOpen;
    const auto kernel = [&](std::uint32_t correlation, TimestampNs start, TimestampNs end, std::uint64_t graphNode) {
        records::KernelRecord record{};
        record.startRealtimeNs = kOpenRealtime + start;
        record.endRealtimeNs = kOpenRealtime + end;
        record.correlationId = correlation;
        record.streamId = 7;
        record.graphNodeId = graphNode;
        add(records::RecordType::Kernel, record);
    };
    kernel(1, 1000, 2000, 11);
    kernel(2, 3000, length + 1'000'000, 11); // as CUPTI told it of work that took some microseconds
    kernel(3, 4000, length + 1'000'000, 0);  // of no graph: another stream's number may be shared
    kernel(4, 5000, 6000, 11);
    kernel(5, length - 500, length + 1'000'000, 11); // it may really have run on
    kernel(6, -9000, -8000, 11);                     // before the window
    const auto trace = assembled();
    std::vector<std::uint32_t> kept(trace->kernels.correlation.begin(), trace->kernels.correlation.end());
    EXPECT_EQ(kept, (std::vector<std::uint32_t>{1, 3, 4, 5}));
    const auto lost =
        std::find_if(trace->losses.begin(), trace->losses.end(), [](const Loss& loss) { return loss.name == "device_times_missing"; });
    ASSERT_NE(lost, trace->losses.end());
    EXPECT_EQ(lost->count, 1u);
}

TEST_F(RecordedEvents, ContextsSayOnWhichDeviceAWaitWasAndWhichStreamIsTheDefault)
{
    add(records::RecordType::Context, records::ContextRecord{{}, 2, 1, 7, 0});
    add(records::RecordType::Stream, records::StreamRecord{{}, 2, 13, -5, 2});
    records::SyncRecord wait{};
    wait.startRealtimeNs = kOpenRealtime + 100;
    wait.endRealtimeNs = kOpenRealtime + 200;
    wait.contextId = 2;
    wait.streamId = 13;
    wait.type = 3;
    add(records::RecordType::Synchronization, wait);
    const auto trace = assembled();
    ASSERT_EQ(trace->synchronizations.size(), 1u);
    EXPECT_EQ(trace->synchronizations.device(0), 1u);
    const std::uint64_t process = std::uint64_t{4711} << 24;
    EXPECT_EQ(trace->streamNames.at({process, 1, 2, 7}), "Stream 7 · default");
    EXPECT_EQ(trace->streamNames.at({process, 1, 2, 13}), "Stream 13 · priority -5");
}

TEST_F(RecordedEvents, InstancesOfATritonServerExecuteWithoutRequestsThatTheyDoNotName)
{
    const std::string_view domain = kTritonDomain;
    add(records::RecordType::Domain, records::NamedRecord{{}, 0, 1, static_cast<std::uint32_t>(domain.size()), 0}, domain);
    addRange(kTid, 3000, 4000, 1, 0, "BackendThread bert_large_0_1", 1);
    addRange(kTid, 4100, 4200, 2, 0, "CopyBuffer", 1);
    addRange(kTid + 1, 1000, 2000, 1, 0, "BackendThread yolo_v8", 1);
    addRange(kTid + 2, 1000, 2000, 1, 0, "BackendThread of another domain");
    const auto trace = assembled();
    EXPECT_TRUE(trace->requests.empty());
    std::vector<std::string> executions;
    for (const trace::Execution& one : trace->executions)
        executions.push_back(std::string(trace->strings[one.model]) + ", " + std::string(trace->strings[one.instance]) + ", thread " +
                             std::to_string(trace::Trace::tidOf(one.globalTid)) + ", " + std::to_string(one.time.start) + ".." +
                             std::to_string(one.time.end));
    EXPECT_EQ(executions, (std::vector<std::string>{"yolo_v8, yolo_v8, thread 4713, 1000..2000",
                                                    "bert_large, bert_large_0_1, thread 4712, 3000..4000"}));
}

// The report named the last of its iterations alone: the kernels of all others were nobody's.
TEST_F(RecordedEvents, ARequestThatIsBatchedInFlightHasAllItsExecutions)
{
    addServerDomain();
    std::uint64_t number = 0;
    std::uint32_t enclosing = 0;
    const auto event = [&](records::RecordType type, TimestampNs time, std::uint64_t rangeId, std::string_view text,
                           std::uint64_t payload) { addServerEvent(type, time, rangeId, text, payload, enclosing); };
    const auto range = [&](std::string_view text, std::uint64_t payload, TimestampNs start, TimestampNs end) {
        event(records::RecordType::NvtxPush, start, ++number, text, payload);
        event(records::RecordType::NvtxPop, end, number, {}, 0);
    };
    const std::map<std::uint64_t, std::vector<std::uint64_t>> iterations = {{10, {1}}, {11, {1, 2}}, {12, {2}}};
    for (const std::uint64_t request : {1u, 2u}) {
        event(records::RecordType::NvtxStart, 500, 100 + request, records::nvtx_convention::kRequest, request);
        event(records::RecordType::NvtxEnd, 9000, 100 + request, {}, 0);
    }
    for (const auto& [batch, members] : iterations) {
        const TimestampNs start = 1000 + 2000 * static_cast<TimestampNs>(batch - 10);
        range("execute", batch, start, start + 1500);
        enclosing = static_cast<std::uint32_t>(number);
        range("compute_input", batch, start + 20, start + 100);
        range("compute_infer", batch, start + 100, start + 1200);
        range("compute_output", batch, start + 1200, start + 1400);
        enclosing = 0;
        for (const std::uint64_t member : members)
            event(records::RecordType::NvtxMark, start + 10, 0, "member", member);
        addKernel(static_cast<std::uint32_t>(batch), start + 200, start + 400);
    }
    const auto trace = assembled();
    ASSERT_EQ(trace->requests.size(), 2u);
    ASSERT_EQ(trace->executions.size(), 3u);
    ASSERT_EQ(trace->kernels.size(), 3u);
    using Numbers = std::vector<std::uint64_t>;
    for (std::uint32_t kernel = 0; kernel < 3; ++kernel) {
        Numbers named;
        for (const trace::RequestIndex request : analysis::requestsOf(*trace, {trace::EventKind::Kernel, kernel}))
            named.push_back(trace->requests[request.value].id);
        EXPECT_EQ(named, iterations.at(10 + kernel)) << "kernel of batch " << 10 + kernel;
    }
    for (std::uint32_t i = 0; i < 2; ++i) {
        const trace::Request& request = trace->requests[i];
        const auto activity = analysis::requestActivity(*trace, trace::RequestIndex(i));
        Numbers batches;
        for (const trace::ExecutionIndex execution : activity.executions)
            batches.push_back(trace->executions[execution.value].batchId);
        EXPECT_EQ(batches, (Numbers{request.id + 9, request.id + 10})) << "request " << request.id;
        EXPECT_EQ(activity.gpuWork.size(), 2u);
        EXPECT_EQ(activity.peers, std::vector{trace::RequestIndex(1 - i)});
        const TimestampNs first = 1000 + 2000 * (static_cast<TimestampNs>(request.id) - 1), last = first + 2000;
        const auto phase = [&](records::RequestPhase which) { return request.phases[static_cast<std::size_t>(which)]; };
        EXPECT_EQ(phase(records::RequestPhase::ComputeInput), (TimeRange{first + 20, first + 100}));
        EXPECT_EQ(phase(records::RequestPhase::ComputeInfer), (TimeRange{first + 100, last + 1200}));
        EXPECT_EQ(phase(records::RequestPhase::ComputeOutput), (TimeRange{last + 1200, last + 1400}));
    }
}

TEST_F(RecordedEvents, AnExecutionThatWasUnderWayWhenTheWindowOpenedIsKnownByTheMarksAtItsEnd)
{
    addServerDomain();
    // The window begins between the batch's marks at its begin and those at its end: so had its requests.
    addServerEvent(records::RecordType::NvtxStart, 100, 109, "request", 9);
    addServerEvent(records::RecordType::NvtxMark, 8990, 0, "request_done", 9);
    addServerEvent(records::RecordType::NvtxEnd, 9000, 109, {}, 0);
    addServerEvent(records::RecordType::NvtxMark, 1000, 0, "member_done", 7);
    addServerEvent(records::RecordType::NvtxMark, 1010, 0, "member_done", 8);
    addServerEvent(records::RecordType::NvtxMark, 1020, 0, "execute_done", 3);
    addServerEvent(records::RecordType::NvtxMark, 1100, 0, "request_done", 7);
    addServerEvent(records::RecordType::NvtxEnd, 1110, 107, {}, 0);
    addServerEvent(records::RecordType::NvtxPush, 2000, 1, "execute", 4);
    addServerEvent(records::RecordType::NvtxMark, 2010, 0, "member", 9);
    addServerEvent(records::RecordType::NvtxMark, 2900, 0, "member_done", 9);
    addServerEvent(records::RecordType::NvtxMark, 2910, 0, "execute_done", 4);
    addServerEvent(records::RecordType::NvtxPop, 3000, 1, {}, 0);
    const auto trace = assembled();
    ASSERT_EQ(trace->executions.size(), 2u);
    EXPECT_EQ(trace->executions[0].batchId, 3u);
    EXPECT_EQ(trace->executions[0].time, (TimeRange{0, 1020}));
    EXPECT_EQ(trace->executions[1].time, (TimeRange{2000, 3000}));
    std::vector<std::vector<std::uint64_t>> members;
    for (const trace::Execution& execution : trace->executions) {
        members.emplace_back();
        for (const trace::RequestIndex request : trace->membersOf(execution))
            members.back().push_back(trace->requests[request.value].id);
    }
    EXPECT_EQ(members, (std::vector<std::vector<std::uint64_t>>{{7, 8}, {9}}));
    std::map<std::uint64_t, TimeRange> times;
    for (const trace::Request& request : trace->requests)
        times[request.id] = request.time;
    EXPECT_EQ(times[7], (TimeRange{0, 1100})) << "from the window's begin on";
    EXPECT_EQ(times[8], trace->window) << "it had not ended";
    EXPECT_EQ(times[9], (TimeRange{100, 9000})) << "its range says more exactly when it ended";
}

TEST_F(RecordedEvents, AStreamHasTheLastNameThatItsProgramGaveIt)
{
    const auto nameStream = [&](std::uint32_t device, std::uint32_t stream, std::string_view name) {
        add(records::RecordType::StreamName, records::NamedRecord{{}, device, stream, static_cast<std::uint32_t>(name.size()), 0}, name);
    };
    nameStream(1, 13, "prefill");
    nameStream(1, 13, "decode");
    nameStream(0, 13, "of a device without a context");
    add(records::RecordType::Context, records::ContextRecord{{}, 2, 1, 7, 0});
    add(records::RecordType::Stream, records::StreamRecord{{}, 2, 13, -5, 2});
    const auto trace = assembled();
    EXPECT_EQ(trace->streamNames.at({std::uint64_t{4711} << 24, 1, 2, 13}), "decode · stream 13");
    EXPECT_EQ(trace->streamNames.size(), 2u) << "the default stream and this one";
}

/// A window of two seconds in which a process records NVTX by a counter of 2.5 GHz.
class NvtxByTicks : public testing::Test
{
protected:
    static constexpr std::int64_t kTicksPerSecond = 2'500'000'000, kTicksAtOpen = 7'000'000'000'000;

    static std::int64_t ticksAt(std::int64_t nsFromOpen) { return kTicksAtOpen + nsFromOpen / 2 * 5; }

    template <typename Record>
    void add(records::RecordType type, Record record, std::string_view text = {})
    {
        const std::size_t size = (sizeof record + text.size() + 7) & ~std::size_t{7};
        record.header = {type, 0, static_cast<std::uint32_t>(size)};
        std::vector<std::byte> bytes(size);
        std::memcpy(bytes.data(), &record, sizeof record);
        text.copy(reinterpret_cast<char*>(bytes.data() + sizeof record), text.size());
        m_process.records.add({type, bytes}, kOpen);
    }
    void addClocks(std::int64_t nsFromOpen)
    {
        add(records::RecordType::ClockSample, records::ClockRecord{{},
                                                                   kOpen + nsFromOpen,
                                                                   1'700'000'000 * kSecond + nsFromOpen,
                                                                   kOpen + nsFromOpen,
                                                                   40,
                                                                   ticksAt(nsFromOpen),
                                                                   kTicksPerSecond});
    }
    void push(std::int64_t nsFromOpen, std::uint32_t number, std::uint32_t enclosing, std::string_view text)
    {
        add(records::RecordType::NvtxShortPush, records::ShortPushRecord{{}, ticksAt(nsFromOpen), 7, 0, number, enclosing, 0, 0}, text);
    }
    void pop(std::int64_t nsFromOpen, std::uint32_t number, std::uint32_t enclosing)
    {
        add(records::RecordType::NvtxShortPop, records::ShortPopRecord{{}, ticksAt(nsFromOpen), 7, 0, number, enclosing});
    }

    std::shared_ptr<const trace::Trace> assembled(bool isOfRing = false)
    {
        WindowCapture window{
            .openMonotonicNs = kOpen, .closeMonotonicNs = kClose, .openRealtimeNs = 1'700'000'000 * kSecond, .targetId = kTarget};
        window.processes.push_back(m_process);
        window.isOfRing = isOfRing;
        const auto path = m_folder / "a.gantry";
        const auto written = assembleReport(window, path);
        EXPECT_TRUE(written) << written.error().text();
        const auto loaded = trace::loadTrace(path);
        EXPECT_TRUE(loaded) << loaded.error().text();
        return *loaded;
    }

    test::TemporaryFolder m_folder;
    ProcessCapture m_process{.pid = 4711, .executable = "/bin/target"};
};

TEST_F(NvtxByTicks, ItsTimesAreThoseOfTheReportAndShortAndFullRecordsPair)
{
    addClocks(0);
    addClocks(kSecond);
    push(1'000, 1, 0, "outer");
    records::NvtxRecord inner{};
    inner.time = ticksAt(2'000);
    inner.tid = 7;
    inner.rangeId = 2;
    inner.enclosing = 1;
    inner.textLength = 5;
    add(records::RecordType::NvtxPush, inner, "inner");
    pop(3'000, 2, 1);
    pop(kSecond + 4'000, 1, 0); // behind the last sample
    const auto trace = assembled();
    ASSERT_EQ(trace->nvtxRanges.size(), 2U);
    EXPECT_EQ(trace->strings[trace->nvtxRanges.text(0)], "outer");
    EXPECT_EQ(trace->nvtxRanges.start[0], 1'000);
    EXPECT_EQ(trace->nvtxRanges.duration(0), kSecond + 3'000);
    EXPECT_EQ(trace->strings[trace->nvtxRanges.text(1)], "inner");
    EXPECT_EQ(trace->nvtxRanges.start[1], 2'000);
    EXPECT_EQ(trace->nvtxRanges.duration(1), 1'000);
    EXPECT_EQ(trace->meta.clockErrorNs, 20);
}

TEST_F(NvtxByTicks, OfARingWhatLiesBeforeTheWindowIsLeftOut)
{
    addClocks(-kSecond);
    addClocks(kSecond);
    push(-2'000, 1, 0, "before");
    pop(-1'000, 1, 0);
    push(1'000, 2, 0, "inside");
    pop(2'000, 2, 0);
    const auto trace = assembled(true);
    ASSERT_EQ(trace->nvtxRanges.size(), 1U);
    EXPECT_EQ(trace->strings[trace->nvtxRanges.text(0)], "inside");
    EXPECT_EQ(trace->nvtxRanges.start[0], 1'000);
}

TEST(ReportAssembler, WritesSamplesThatAllSeriesShareTheTimesOf)
{
    const test::TemporaryFolder folder;
    WindowCapture window{.openMonotonicNs = kOpen, .closeMonotonicNs = kClose};
    for (const std::uint32_t id : {7u, 8u}) {
        metrics::SeriesDefinition& series = window.series.emplace_back();
        series.id = id;
        series.name = "gpu_counter_" + std::to_string(id);
    }
    window.frames.push_back({{7, 8}, {kOpen + 10, kOpen + 20}, {0.1, 1, 0.2, 2}});
    ASSERT_TRUE(assembleReport(window, folder / "a.gantry"));
    const auto report = report::Database::open(folder / "a.gantry");
    ASSERT_TRUE(report);
    auto rows = report->rows("GANTRY_SAMPLES", {"seriesId", "time", "value"});
    ASSERT_TRUE(rows) << rows.error().text();
    std::vector<std::tuple<std::int64_t, std::int64_t, double>> written;
    while (rows->next())
        written.emplace_back(rows->integer(0), rows->integer(1), rows->real(2));
    EXPECT_EQ(written, (std::vector<std::tuple<std::int64_t, std::int64_t, double>>{{7, 10, 0.1}, {8, 10, 1}, {7, 20, 0.2}, {8, 20, 2}}));
}

TEST(ReportAssembler, MetricsOfTheSecondsBeforeTheWindowLeadUpToItAndDoNotMakeItLonger)
{
    const test::TemporaryFolder folder;
    WindowCapture window{.openMonotonicNs = kOpen, .closeMonotonicNs = kClose, .openRealtimeNs = 1};
    metrics::SeriesDefinition& series = window.series.emplace_back();
    series.id = 7;
    series.name = "gpu_power_w";
    for (const TimestampNs time :
         {kOpen - kMetricsMargin - 1, kOpen - kMetricsMargin, kOpen - 1'000, kOpen + 10, kClose + kMetricsMargin + 1})
        window.samples.push_back({7, time, 300});
    ASSERT_TRUE(assembleReport(window, folder / "a.gantry"));
    const auto loaded = trace::loadTrace(folder / "a.gantry");
    ASSERT_TRUE(loaded) << loaded.error().text();
    const trace::Trace& trace = **loaded;
    EXPECT_EQ(trace.time, (TimeRange{0, kClose - kOpen}));
    const auto power = std::find_if(trace.tracks.begin(), trace.tracks.end(),
                                    [](const trace::Track& track) { return track.kind == trace::TrackKind::Counter; });
    ASSERT_NE(power, trace.tracks.end());
    EXPECT_EQ(std::vector<TimestampNs>(power->counter.time.begin(), power->counter.time.end()),
              (std::vector<TimestampNs>{-kMetricsMargin, -1'000, 10}));
}

class Scheduling : public testing::Test
{
protected:
    /// The row of the thread; null: there is none.
    const trace::Track* rowOf(std::uint32_t tid)
    {
        const auto path = m_folder / "a.gantry";
        EXPECT_TRUE(assembleReport(m_window, path));
        const auto loaded = trace::loadTrace(path);
        EXPECT_TRUE(loaded) << loaded.error().text();
        m_trace = *loaded;
        for (const trace::Track& track : m_trace->tracks)
            if (track.kind == trace::TrackKind::Counter && trace::Trace::tidOf(track.globalTid) == tid)
                return &track;
        return nullptr;
    }

    static constexpr int kPid = 42;
    test::TemporaryFolder m_folder;
    WindowCapture m_window{.openMonotonicNs = kOpen, .closeMonotonicNs = kClose, .openRealtimeNs = 1, .targetId = kTarget};
    std::shared_ptr<const trace::Trace> m_trace;
};

/// A process with a mark of thread 43, so that it has something to show.
ProcessCapture processWithAMark(int pid)
{
    ProcessCapture process;
    process.pid = pid;
    process.closed = capture::ClosedMessage{};
    records::NvtxRecord mark{};
    mark.header = {records::RecordType::NvtxMark, 0, sizeof mark};
    mark.time = kOpen + kSecond;
    mark.tid = 43;
    const auto bytes = std::as_bytes(std::span(&mark, 1));
    process.records.add({records::RecordType::NvtxMark, bytes}, kOpen);
    return process;
}

TEST_F(Scheduling, IsARowOfItsThreadThatIsOneWhileTheThreadRuns)
{
    ProcessCapture& process = m_window.processes.emplace_back(processWithAMark(kPid));
    process.threadNames = {{43, "worker"}};
    process.switches.switches = {{kOpen - kSecond, 43, 1, false}, // long before: how the thread was when the window opened
                                 {kOpen - 5, 43, 1, true},
                                 {kOpen + kSecond / 2, 43, 1, false},
                                 {kOpen + kSecond, 43, 2, true},
                                 {kClose + 10, 43, 2, false}}; // after the end
    const trace::Track* row = rowOf(43);
    ASSERT_TRUE(row);
    EXPECT_EQ(row->name, "On CPU");
    EXPECT_EQ(row->detail, "75.0 %");
    ASSERT_FALSE(row->parent.isNone());
    EXPECT_EQ(m_trace->track(row->parent).name, "worker (43)");
    EXPECT_EQ(std::vector<TimestampNs>(row->counter.time.begin(), row->counter.time.end()),
              (std::vector<TimestampNs>{0, kSecond / 2, kSecond}));
    EXPECT_EQ(std::vector<double>(row->counter.value.begin(), row->counter.value.end()), (std::vector<double>{1, 0, 1}));
}

TEST_F(Scheduling, OfAThreadWithoutOtherEventsNamesTheThread)
{
    ProcessCapture& process = m_window.processes.emplace_back(processWithAMark(kPid));
    process.threadNames = {{44, "idle"}};
    process.switches.switches = {{kOpen + 10, 44, 0, true}, {kOpen + 20, 44, 0, false}};
    const trace::Track* row = rowOf(44);
    ASSERT_TRUE(row);
    EXPECT_EQ(row->name, "idle (44) on CPU");
}

TEST_F(Scheduling, TellsWhatWasLost)
{
    ProcessCapture& process = m_window.processes.emplace_back(processWithAMark(kPid));
    process.switches.lost = 7;
    process.switches.unwatchedThreads = 3;
    (void)rowOf(43);
    const auto lossOf = [&](std::string_view name) {
        const auto found =
            std::find_if(m_trace->losses.begin(), m_trace->losses.end(), [&](const Loss& loss) { return loss.name == name; });
        return found == m_trace->losses.end() ? 0 : found->count;
    };
    EXPECT_EQ(lossOf("context_switches_lost"), 7u);
    EXPECT_EQ(lossOf("context_switch_threads"), 3u);
}

template <typename Record>
void addRecord(ProcessCapture& process, records::RecordType type, Record record, std::string behind)
{
    behind.resize((behind.size() + 7) & ~std::size_t{7});
    record.header = {type, 0, static_cast<std::uint32_t>(sizeof record + behind.size())};
    std::string bytes(reinterpret_cast<const char*>(&record), sizeof record);
    bytes += behind;
    process.records.add({type, std::as_bytes(std::span(bytes))}, kOpen);
}

TEST(ExtendedPayloads, AreJsonInTheReportAndNameEventsThatAreNothingElse)
{
    constexpr std::uint64_t kSchema = 1 << 24;
    ProcessCapture process;
    process.pid = 42;
    process.closed = capture::ClosedMessage{};
    const auto bytesOf = [](const auto& value) { return std::string(reinterpret_cast<const char*>(&value), sizeof value); };
    const std::string schema = bytesOf(records::PayloadSchemaHeader{kSchema, 4, 1, 0, 0, 4, 1, 0}) + std::string("Send\0\0\0\0", 8) +
                               bytesOf(records::PayloadSchemaEntry{0, 5, 0, 0, 4, 0}) + std::string("peer\0\0\0\0", 8);
    records::NamedRecord named{};
    named.length = static_cast<std::uint32_t>(schema.size());
    addRecord(process, records::RecordType::PayloadSchema, named, schema);
    const auto payload = [&](std::int32_t peer) {
        return bytesOf(records::ExtendedPayloadHeader{kSchema, 4, 0}) + bytesOf(peer) + std::string(4, 0);
    };

    records::NvtxRecord push{};
    push.time = kOpen + 10;
    push.tid = 43;
    push.rangeId = 1;
    push.payloadType = records::PayloadType::Extended;
    push.payload = payload(5).size();
    addRecord(process, records::RecordType::NvtxPush, push, payload(5));
    records::NvtxRecord pop = push;
    pop.time = kOpen + 20;
    addRecord(process, records::RecordType::NvtxPop, pop, payload(6));
    records::NvtxRecord mark = push;
    mark.time = kOpen + 30;
    mark.textLength = 3;
    addRecord(process, records::RecordType::NvtxMark, mark, std::string("abc\0\0\0\0\0", 8) + payload(7));

    WindowCapture window{.openMonotonicNs = kOpen, .closeMonotonicNs = kClose, .openRealtimeNs = 1, .targetId = kTarget};
    window.processes.push_back(std::move(process));
    const test::TemporaryFolder folder;
    ASSERT_TRUE(assembleReport(window, folder / "a.gantry"));
    const auto trace = *trace::loadTrace(folder / "a.gantry");
    ASSERT_EQ(trace->nvtxRanges.size(), 1u);
    EXPECT_EQ(trace->strings[trace->nvtxRanges.text(0)], "Send");
    EXPECT_FALSE(trace->nvtxRanges.payload(0));
    ASSERT_TRUE(trace->nvtxRanges.payloadText(0));
    EXPECT_EQ(trace->strings[*trace->nvtxRanges.payloadText(0)], R"({"begin":{"peer":5},"end":{"peer":6}})");
    ASSERT_EQ(trace->nvtxMarks.size(), 1u);
    EXPECT_EQ(trace->strings[trace->nvtxMarks.text(0)], "abc");
    EXPECT_EQ(trace->strings[trace->nvtxMarks.payloadText(0).value()], R"({"peer":7})");
}

} // namespace
} // namespace gantry::node
