#include "tests/trace_model/import/trace_files.h"
#include "trace_model/import/chrome_categories.h"

#include <gmock/gmock.h>

namespace gantry::importing {
namespace {

using test::listOf;
using test::readTrace;
using testing::ElementsAre;

constexpr std::uint64_t kPid = std::uint64_t{604} << 24;

// As PyTorch 2.11 wrote it.
constexpr char kLaunch[] = R"(
  {
    "ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 604, "tid": 605,
    "ts": 100.250, "dur": 7.782,
    "args": {
      "External id": 4,      "cbid": 317, "correlation": 17
    }
  },
)";
constexpr char kKernel[] = R"json(
  {
    "ph": "X", "cat": "kernel", "name": "void gemm<float>(float*)", "pid": 1, "tid": 13,
    "ts": 110.000, "dur": 2.048,
    "args": {
      "External id": 9,      "queued": 0, "device": 1, "context": 2,      "stream": 13, "correlation": 17,      "registers per thread": 32,      "shared memory": 1024,      "blocks per SM": 0.007576,      "warps per SM": 0.030303,      "grid": [4, 5, 6],      "block": [128, 2, 1],      "est. achieved occupancy %": 0,      "graph id": 3, "graph node id": 77309411335
    }
  }
)json";

TEST(KinetoTrace, KernelsHaveTheirLaunchAndJoinTheirCall)
{
    const auto trace = readTrace(listOf(std::string(kLaunch) + kKernel));
    ASSERT_TRUE(trace->result) << trace->result.error().text();
    const auto kernels = trace->sink.all(&test::CollectedRows::kernels);
    const auto calls = trace->sink.all(&test::CollectedRows::calls);
    ASSERT_EQ(kernels.size(), 1u);
    ASSERT_EQ(calls.size(), 1u);
    const report::KernelRow& kernel = kernels[0];
    EXPECT_EQ(kernel.start, 9750);
    EXPECT_EQ(kernel.end, 9750 + 2048);
    EXPECT_EQ(trace->sink.text(kernel.demangledName), "void gemm<float>(float*)");
    EXPECT_EQ(kernel.deviceId, 1u);
    EXPECT_EQ(kernel.contextId, 2u);
    EXPECT_EQ(kernel.streamId, 13u);
    EXPECT_EQ(kernel.correlationId, 17u);
    EXPECT_EQ(kernel.registersPerThread, 32u);
    EXPECT_EQ(kernel.staticSharedMemory + kernel.dynamicSharedMemory, 1024u);
    EXPECT_THAT(kernel.grid, ElementsAre(4u, 5u, 6u));
    EXPECT_THAT(kernel.block, ElementsAre(128u, 2u, 1u));
    EXPECT_EQ(kernel.graphNodeId, 77309411335u);
    EXPECT_EQ(kernel.graphId, 3u);
    EXPECT_EQ(kernel.globalPid, kPid);
    EXPECT_EQ(calls[0].globalTid, kPid | 605);
    EXPECT_EQ(calls[0].correlationId, kernel.correlationId);
    EXPECT_EQ(calls[0].kind, CallKind::CudaRuntime);
    EXPECT_EQ(trace->sink.text(calls[0].nameId), "cudaLaunchKernel");
}

TEST(KinetoTrace, GpuWorkBeforeTheFirstCallJoinsItToo)
{
    const auto trace = readTrace(listOf(std::string(kKernel) + "," + kLaunch));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(trace->sink.all(&test::CollectedRows::kernels).at(0).globalPid, kPid);
}

TEST(KinetoTrace, OfSeveralCallingProcessesNoneIsTakenForTheLauncher)
{
    const auto trace =
        readTrace(listOf(std::string(kLaunch) + kKernel +
                         R"(,{"ph":"X","cat":"cuda_runtime","name":"cudaFree","pid":7,"tid":7,"ts":1,"dur":1,"args":{"correlation":1}})"));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(trace->sink.all(&test::CollectedRows::kernels).at(0).globalPid, 0u);
    EXPECT_EQ(trace->sink.meta().warnings.size(), 1u);
}

TEST(KinetoTrace, CopiesAndMemsetsHaveNsightSystemsKinds)
{
    const auto copy = [](const char* name) {
        return std::string(R"({"ph":"X","cat":"gpu_memcpy","name":")") + name +
               R"json(","pid":0,"tid":7,"ts":1,"dur":1,"args":{"device":0,"context":1,"stream":7,"correlation":5,"bytes":192,"memory bandwidth (GB/s)":0.24}},)json";
    };
    const auto trace =
        readTrace(listOf(copy("Memcpy HtoD (Pageable -> Device)") + copy("Memcpy DtoH (Device -> Pinned)") +
                         copy("Memcpy PtoP (Device -> Device)") + copy("Memcpy DtoD (Managed -> Array)") + copy("Memcpy ???") +
                         R"json({"ph":"X","cat":"gpu_memset","name":"Memset (Device)","pid":0,"tid":7,"ts":1,"dur":1,
                                            "args":{"device":0,"context":1,"stream":7,"correlation":6,"bytes":64}})json"));
    ASSERT_TRUE(trace->result);
    std::vector<std::array<int, 3>> kinds;
    for (const report::MemcpyRow& row : trace->sink.all(&test::CollectedRows::memcpys)) {
        EXPECT_EQ(row.bytes, 192u);
        EXPECT_EQ(row.streamId, 7u);
        kinds.push_back({row.copyKind, row.srcKind, row.dstKind});
    }
    // copyKind and memory kinds as in ENUM_CUDA_MEMCPY_OPER and ENUM_CUDA_MEM_KIND of the Nsight Systems export.
    EXPECT_THAT(kinds,
                ElementsAre(std::array{1, 0, 2}, std::array{2, 2, 1}, std::array{10, 2, 2}, std::array{8, 4, 3}, std::array{0, 7, 7}));
    const auto memsets = trace->sink.all(&test::CollectedRows::memsets);
    ASSERT_EQ(memsets.size(), 1u);
    EXPECT_EQ(memsets[0].bytes, 64u);
    EXPECT_EQ(memsets[0].memKind, 2);
}

TEST(KinetoTrace, SynchronizationsTakeTheStreamOfTheirArguments)
{
    const auto sync = [](const char* kind, int stream) {
        return std::string(R"({"ph":"X","cat":"cuda_sync","name":")") + kind +
               R"(","pid":0,"tid":4007,"ts":1,"dur":1,"args":{"cuda_sync_kind":")" + kind +
               R"(","wait_on_stream":1,"wait_on_cuda_event_id":7777,"stream":)" + std::to_string(stream) +
               R"(,"correlation":300,"device":0,"context":1}},)";
    };
    const auto trace = readTrace(
        listOf(sync("Event Sync", -1) + sync("Stream Wait Event", 7) + sync("Stream Sync", 7) + sync("Context Sync", -1) + sync("?", 7)));
    ASSERT_TRUE(trace->result);
    std::vector<std::pair<int, std::uint32_t>> found;
    for (const report::SynchronizationRow& row : trace->sink.all(&test::CollectedRows::synchronizations)) {
        found.emplace_back(row.syncType, row.streamId);
        EXPECT_EQ(row.eventId, 7777u);
        EXPECT_EQ(row.correlationId, 300u);
    }
    EXPECT_THAT(found,
                ElementsAre(std::pair(1, 4294967295u), std::pair(2, 7u), std::pair(3, 7u), std::pair(4, 4294967295u), std::pair(0, 7u)));
}

TEST(KinetoTrace, DriverCallsOverheadAndAnnotationsKeepTheirKind)
{
    const auto trace = readTrace(listOf(std::string(kKernel) + R"(,
        {"ph":"X","cat":"cuda_driver","name":"cuLaunchKernelEx","pid":604,"tid":604,"ts":111,"dur":1,"args":{"cbid":652,"correlation":199}},
        {"ph":"X","cat":"overhead","name":"Activity Buffer Request","pid":-1,"tid":0,"ts":112,"dur":1830.423},
        {"ph":"X","cat":"overhead","name":"Lazy Function Loading","pid":-1,"tid":0,"ts":112,"dur":1},
        {"ph":"X","cat":"gpu_user_annotation","name":"step","pid":1,"tid":13,"ts":113,"dur":4,"args":{"External id":2}},
        {"ph":"X","cat":"user_annotation","name":"step","pid":604,"tid":604,"ts":114,"dur":4},
        {"ph":"X","cat":"python_function","name":"f.py(1): g","pid":604,"tid":604,"ts":115,"dur":4,"args":{"Python id":1}})"));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(trace->sink.all(&test::CollectedRows::calls).at(0).kind, CallKind::CudaDriver);
    const auto overheads = trace->sink.all(&test::CollectedRows::overheads);
    ASSERT_EQ(overheads.size(), 2u);
    EXPECT_EQ(overheads[0].end - overheads[0].start, 1830423);
    EXPECT_EQ(trace->sink.text(overheads[0].nameId), "Activity Buffer Request");
    EXPECT_EQ(overheads[1].overheadType, 7);
    const auto gpuRanges = trace->sink.all(&test::CollectedRows::gpuRanges);
    ASSERT_EQ(gpuRanges.size(), 1u);
    EXPECT_EQ(gpuRanges[0].deviceId, 1u);
    EXPECT_EQ(gpuRanges[0].streamId, 13u);
    EXPECT_EQ(gpuRanges[0].contextId, 2u) << "that of the kernel on its stream";
    EXPECT_EQ(gpuRanges[0].globalPid, kPid);
    std::vector<std::string> domains;
    for (const RangeRow& row : trace->sink.all(&test::CollectedRows::ranges))
        domains.push_back(trace->sink.text(row.domainId));
    EXPECT_THAT(domains, ElementsAre("user_annotation", "python_function"));
}

TEST(KinetoTrace, ReadsTheCategoriesOf2020)
{
    const auto trace = readTrace(R"json([
  {
    "ph": "X", "cat": "Runtime", 
    "name": "cudaMemcpyAsync", "pid": 67844, "tid": "4093687616",
    "ts": 1606910596350464, "dur": 2494,
    "args": {
      "cbid": 41, "correlation": 65460,
      "external id": 862, "external ts": 1606910596350436
    }
  },
  {
    "ph": "X", "cat": "Runtime", "name": "cuLaunchKernel", "pid": 67844, "tid": "4093687616", "ts": 1606910596350464, "dur": 1
  },
  {
    "ph": "X", "cat": "Memcpy", 
    "name": "Memcpy HtoD (Pageable -> Device)", "pid": 0, "tid": "stream 7",
    "ts": 1606910596350714, "dur": 2353,
    "args": {
      "device": 0, "context": 1,
      "stream": 7, "correlation": 65460, "external id": 862,
      "bytes": 19267584, "memory bandwidth (GB/s)": 8.18812178245508
    }
  },
  {
    "ph": "X", "cat": "Kernel", 
    "name": "gemm", "pid": 0, "tid": "stream 7",
    "ts": 1606910596288085, "dur": 379,
    "args": {
      "queued": 0, "device": 0, "context": 1,
      "stream": 7, "correlation": 60032, "external id": 0,
      "registers per thread": 80,
      "shared memory": 6400,
      "warps per SM": 102.4,
      "grid": [4, 8, 32],
      "block": [8, 32, 1]
    }
  },
  {
    "ph": "X", "cat": "Operator", 
    "name": "aten::empty", "pid": 67844, "tid": "4093687616",
    "ts": 1606910596297023, "dur": 13,
    "args": {
       "Input dims": [[], [], [], [], [], []], "Input type": [], "Input names": []
    }
  }
])json");
    ASSERT_TRUE(trace->result);
    const auto calls = trace->sink.all(&test::CollectedRows::calls);
    ASSERT_EQ(calls.size(), 2u);
    EXPECT_EQ(calls[0].correlationId, 65460u);
    EXPECT_EQ(calls[0].kind, CallKind::CudaRuntime);
    EXPECT_EQ(calls[1].kind, CallKind::CudaDriver);
    EXPECT_EQ(trace->sink.all(&test::CollectedRows::memcpys).at(0).streamId, 7u);
    EXPECT_EQ(trace->sink.all(&test::CollectedRows::kernels).at(0).globalPid, std::uint64_t{67844} << 24);
    EXPECT_EQ(trace->sink.all(&test::CollectedRows::ranges).size(), 1u);
    EXPECT_EQ(trace->sink.meta().sessionUtcNs, 1606910596350464000);
}

TEST(KinetoTrace, AllocationsAreCountersOfTheirDeviceAndNoMarks)
{
    const auto memory = [](int type, int device, long allocated) {
        return R"({"ph":"i","cat":"cpu_instant_event","s":"t","name":"[memory]","pid":1,"tid":1,"ts":1,"args":{"Ev Idx":1,"Device Type":)" +
               std::to_string(type) + R"(,"Device Id":)" + std::to_string(device) +
               R"(,"Addr":139926520725504,"Bytes":-512,"Total Allocated":)" + std::to_string(allocated) + R"(,"Total Reserved":4096}},)";
    };
    const auto trace =
        readTrace(listOf(memory(1, 1, 1024) + memory(1, 0, 2048) + memory(0, -1, 64) + memory(1, 1, 512) +
                         R"({"ph":"i","cat":"cpu_instant_event","s":"t","name":"[memory]","pid":1,"tid":1,"ts":1,"args":{"Bytes":4}})"));
    ASSERT_TRUE(trace->result);
    EXPECT_TRUE(trace->sink.all(&test::CollectedRows::marks).empty());
    std::vector<std::string> names;
    for (const CounterDefinition& counter : trace->sink.counters) {
        names.push_back(counter.group + " " + counter.name);
        EXPECT_EQ(counter.unit, "bytes");
    }
    EXPECT_THAT(names,
                ElementsAre("GPU 1 Allocated", "GPU 1 Reserved", "GPU 0 Allocated", "GPU 0 Reserved", "CPU Allocated", "CPU Reserved"));
    std::vector<double> allocated;
    for (const CounterSample& sample : trace->sink.all(&test::CollectedRows::samples))
        if (sample.counter == 0)
            allocated.push_back(sample.value);
    EXPECT_THAT(allocated, ElementsAre(1024, 512));
    EXPECT_EQ(trace->skipped("cpu_instant_event", "counter without a number"), 1u);
}

// On an MI300X: "device": 9 of the work is the GPU that is described, and counts its memory, as 0.
TEST(KinetoTrace, TheOneGpuHasTheNumberThatItsWorkHas)
{
    const std::string gpus = R"({"deviceProperties": [{"id": 0, "name": "AMD Instinct MI300X"})";
    const auto kernel = [](int device) {
        return R"({"ph":"X","cat":"kernel","name":"k","pid":9,"tid":3,"ts":3,"dur":1,"args":{"device":)" + std::to_string(device) +
               R"(,"stream":3}})";
    };
    const std::string memory = R"({"ph":"i","cat":"cpu_instant_event","s":"t","name":"[memory]","pid":1,"tid":1,"ts":7,
                                   "args":{"Total Allocated":7,"Device Id":0,"Device Type":1}})";
    const auto trace = readTrace(gpus + R"(], "traceEvents": [)" + kernel(9) + "," + memory + "]}");
    ASSERT_TRUE(trace->result);
    ASSERT_EQ(trace->sink.meta().gpus.size(), 1u);
    EXPECT_EQ(trace->sink.meta().gpus[0].device, 9u);
    ASSERT_FALSE(trace->sink.counters.empty());
    EXPECT_EQ(trace->sink.counters[0].group, "GPU 9");

    const auto several = readTrace(gpus + R"(, {"id": 1, "name": "AMD Instinct MI300X"}], "traceEvents": [)" + kernel(9) + "]}");
    ASSERT_TRUE(several->result);
    EXPECT_EQ(several->sink.meta().gpus[0].device, 0u) << "which of them it is cannot be told";
}

TEST(KinetoTrace, WorkOfOtherAcceleratorsIsDeviceWork)
{
    const auto trace = readTrace(listOf(
        R"({"ph":"X","cat":"mtia_ccp_events","name":"op","pid":3,"tid":9,"ts":1,"dur":1,"args":{"device":3,"stream":9,"correlation":4}},
           {"ph":"X","cat":"xpu_runtime","name":"urEnqueueKernelLaunch","pid":604,"tid":604,"ts":1,"dur":1,"args":{"correlation":4}},
           {"ph":"X","cat":"kernel","name":"_ZN5aiter3addEv","pid":9,"tid":3,"ts":2,"dur":1,"args":{"device":9,"stream":3,"correlation":92178,"kind":"Dispatch Task"}})"));
    ASSERT_TRUE(trace->result);
    const auto kernels = trace->sink.all(&test::CollectedRows::kernels);
    ASSERT_EQ(kernels.size(), 2u);
    EXPECT_EQ(kernels[0].deviceId, 3u);
    EXPECT_EQ(kernels[0].streamId, 9u);
    EXPECT_EQ(trace->sink.text(kernels[1].mangledName), "_ZN5aiter3addEv");
    EXPECT_EQ(kernels[1].demangledName, 0);
    EXPECT_EQ(trace->sink.all(&test::CollectedRows::calls).at(0).kind, CallKind::Library);
}

TEST(KinetoTrace, TheTraceSpanIsTheRecordedWindow)
{
    const auto trace = readTrace(listOf(
        std::string(kLaunch) +
        R"json({"ph":"X","cat":"Trace","ts":90.5,"dur":300,"pid":"Spans","tid":"PyTorch Profiler","name":"PyTorch Profiler (0)"})json"));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(trace->sink.window, (TimeRange{-9750, 290250}));
}

TEST(KinetoTrace, EventsLaidOutLikeTheOnesBeforeThemAreReadAlikeAndOthersToo)
{
    // Enough of a kind for its layout to be learned, with values of every length, and then one that only begins the same.
    std::string events;
    for (int i = 0; i < 100; ++i)
        events += R"({"ph": "X", "cat": "kernel", "name": "k)" + std::string(static_cast<std::size_t>(i) * 7, 'x') +
                  R"(\"", "pid": 0, "tid": 7, "ts": )" + std::to_string(i * 1000) +
                  (i % 3 == 0   ? ""
                   : i % 3 == 1 ? ".5"
                                : ".0625") +
                  R"(, "dur": 0.)" + std::to_string(i + 1) + R"(, "args": {"device": 0, "stream": 7, "correlation": )" +
                  std::to_string(i + 1) + R"(, "grid": [)" + std::to_string(i) + R"(, 1, 1], "note": "}]{["}},)";
    events +=
        R"({"ph": "X", "cat": "kernel", "name": "other", "pid": 0, "tid": 7, "ts": 5, "dur": 1, "args": {"device": 0, "correlation": 7, "stream": 9}},)";
    events +=
        R"({"ph": "X", "cat": "kernel", "name": "wrong", "pid": 0, "tid": 7, "ts": {}, "dur": 1, "args": {"device": 0, "stream": 7, "correlation": 1, "grid": [1, 1, 1], "note": ""}})";
    const auto trace = readTrace(listOf(events));
    ASSERT_TRUE(trace->result);
    const auto kernels = trace->sink.all(&test::CollectedRows::kernels);
    ASSERT_EQ(kernels.size(), 101u);
    for (std::uint32_t i = 0; i < 100; ++i) {
        const report::KernelRow& row = kernels[i];
        EXPECT_EQ(row.start, i * 1'000'000 + (i % 3 == 0 ? 0 : i % 3 == 1 ? 500 : 63));
        const int digits = i + 1 < 10 ? 100 : i + 1 < 100 ? 10 : 1;
        EXPECT_EQ(row.end - row.start, (i + 1) * static_cast<std::uint32_t>(digits));
        EXPECT_EQ(row.correlationId, i + 1);
        EXPECT_EQ(row.grid[0], i);
        EXPECT_EQ(trace->sink.text(row.demangledName), "k" + std::string(std::size_t{i} * 7, 'x') + "\"");
    }
    EXPECT_EQ(kernels[100].streamId, 9u);
    EXPECT_EQ(trace->skipped("kernel", "no time"), 1u);
}

// Every arrow was counted as used, those between other things too.
TEST(KinetoTrace, ArrowsAreUsedWhereTheyLeadFromACallToItsWork)
{
    const auto trace = readTrace(listOf(
        R"({"ph":"X","cat":"cuda_runtime","name":"cudaLaunchKernel","pid":9,"tid":9,"ts":1,"dur":1,"args":{"correlation":5}},
           {"ph":"X","cat":"cuda_runtime","name":"cudaLaunchKernel","pid":9,"tid":9,"ts":2,"dur":1,"args":{"correlation":6}},
           {"ph":"X","cat":"kernel","name":"k","pid":0,"tid":7,"ts":3,"dur":1,"args":{"device":0,"stream":7,"correlation":5}},
           {"ph":"s","id":5,"pid":9,"tid":9,"ts":1,"cat":"ac2g","name":"ac2g"},{"ph":"f","id":5,"pid":0,"tid":7,"ts":3,"cat":"ac2g","name":"ac2g","bp":"e"},
           {"ph":"s","id":6,"pid":9,"tid":9,"ts":2,"cat":"ac2g","name":"ac2g"},{"ph":"f","id":700000,"pid":0,"tid":7,"ts":3,"cat":"ac2g","name":"ac2g","bp":"e"},
           {"ph":"s","id":5,"pid":9,"tid":9,"ts":1,"cat":"fwdbwd","name":"fwdbwd"})"));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(trace->table("ac2g")->kept, 2u);
    EXPECT_EQ(trace->skipped("ac2g", sentence(SkipReason::Arrow)), 2u);
    EXPECT_EQ(trace->skipped("fwdbwd", sentence(SkipReason::Arrow)), 1u);
}

// PyTorch's operators tell the shapes of their inputs, and no view shows them: that must be said.
TEST(KinetoTrace, CountsTheArgumentsThatAreNotKept)
{
    const std::string op = R"({"ph":"X","cat":"cpu_op","name":"aten::add","pid":9,"tid":9,"ts":1,"dur":1,)";
    const std::string kernel =
        R"({"ph":"X","cat":"kernel","name":"k","pid":0,"tid":7,"ts":3,"dur":1,"args":{"device":0,"stream":7,"grid":[1,1,1])";
    std::string events;
    for (int i = 0; i < 100; ++i) // most of them are read by their layout
        events += op + R"("args":{"External id":)" + std::to_string(i) + R"(,"Input Dims":[[2,3],[]],"Input \u0041":null}},)" + op +
                  R"("args":{}},)" + kernel + R"(,"est. achieved occupancy %":41}},)" + kernel + "}},";
    const auto trace = readTrace(listOf(events + op + R"("args":{ }})"));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(trace->table("cpu_op")->kept, 201u);
    EXPECT_THAT(test::reduced(*trace, "cpu_op"),
                testing::ElementsAre("100 × without arguments that no view shows: External id, Input Dims, Input A"));
    EXPECT_THAT(test::reduced(*trace, "kernel"),
                testing::ElementsAre("100 × without arguments that no view shows: est. achieved occupancy %"));
}

TEST(KinetoTrace, SaysThatAllocationsAreSamplesAndWhatOfThemIsNotKept)
{
    const auto trace = readTrace(listOf(
        R"({"ph":"i","cat":"cpu_instant_event","s":"t","name":"[memory]","pid":1,"tid":1,"ts":7,
            "args":{"Total Reserved":9,"Total Allocated":7,"Bytes":7,"Addr":4096,"Device Id":0,"Device Type":1}})"));
    ASSERT_TRUE(trace->result);
    EXPECT_THAT(test::reduced(*trace, "cpu_instant_event"),
                testing::ElementsAre("1 × as samples of how much memory is allocated and reserved, not as events",
                                     "1 × without arguments that no view shows: Bytes, Addr"));
}

TEST(KinetoTrace, WhatGantryWroteItselfHasNoArgumentsThatAreNotKept)
{
    const auto trace = readTrace(R"({"exportedBy":"Gantry 0.1.0","traceEvents":[
        {"ph":"X","cat":"cpu_op","name":"a","pid":9,"tid":9,"ts":1,"dur":1,"args":{"made of what is kept":1}}]})");
    ASSERT_TRUE(trace->result);
    EXPECT_THAT(test::reduced(*trace, "cpu_op"), testing::IsEmpty());
}

TEST(KinetoTrace, KernelsHaveTheFunctionForAShortNameUnlessOneIsThere)
{
    const std::string kernel = R"-({"ph":"X","cat":"kernel","name":"void ns::foo<int>(float*)","pid":0,"tid":7,"ts":3,"dur":1,"args":)-";
    const auto trace = readTrace(listOf(kernel + R"({"device":0,"stream":7}},)" + kernel + R"({"device":0,"stream":7}},)" + kernel +
                                        R"({"device":0,"stream":7,"short name":"given"}})"));
    ASSERT_TRUE(trace->result);
    const auto kernels = trace->sink.all(&test::CollectedRows::kernels);
    ASSERT_EQ(kernels.size(), 3u);
    EXPECT_EQ(trace->sink.text(kernels[0].demangledName), "void ns::foo<int>(float*)");
    EXPECT_EQ(trace->sink.text(kernels[0].shortName), "foo");
    EXPECT_EQ(kernels[1].shortName, kernels[0].shortName);
    EXPECT_EQ(trace->sink.text(kernels[2].shortName), "given");
}

TEST(KinetoTrace, WorkWithNegativeBytesOrDeviceIsSkipped)
{
    const auto trace = readTrace(listOf(
        R"({"ph":"X","cat":"gpu_memcpy","name":"Memcpy HtoD","pid":0,"tid":7,"ts":1,"dur":1,"args":{"device":0,"stream":7,"bytes":-1}},
           {"ph":"X","cat":"gpu_memset","name":"Memset","pid":0,"tid":7,"ts":1,"dur":1,"args":{"device":0,"stream":7,"bytes":-4096}},
           {"ph":"X","cat":"kernel","name":"k","pid":0,"tid":7,"ts":3,"dur":1,"args":{"device":-5,"stream":7}},
           {"ph":"X","cat":"gpu_memcpy","name":"Memcpy HtoD","pid":0,"tid":7,"ts":1,"dur":1,"args":{"device":0,"stream":7,"bytes":16}})"));
    ASSERT_TRUE(trace->result);
    const auto copies = trace->sink.all(&test::CollectedRows::memcpys);
    ASSERT_EQ(copies.size(), 1u);
    EXPECT_EQ(copies[0].bytes, 16u);
    EXPECT_EQ(trace->skipped("gpu_memcpy", sentence(SkipReason::NegativeNumber)), 1u);
    EXPECT_EQ(trace->skipped("gpu_memset", sentence(SkipReason::NegativeNumber)), 1u);
    EXPECT_EQ(trace->skipped("kernel", sentence(SkipReason::NegativeNumber)), 1u);
}

} // namespace
} // namespace gantry::importing
