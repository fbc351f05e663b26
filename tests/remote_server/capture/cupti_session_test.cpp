#include "tests/remote_server/capture/fake_cupti.h"
#include "tests/remote_server/capture/recording_daemon.h"

#include <gtest/gtest.h>
#include <nvtx3/nvToolsExt.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <dlfcn.h>
#include <memory>
#include <thread>
#include <unistd.h>

namespace gantry::capture {
namespace {

constexpr std::uint32_t kEverything =
    ContentNvtx | ContentKernels | ContentMemcpy | ContentRuntimeApi | ContentDriverApi | ContentSynchronization | ContentOverhead;

/// Calls the driver, as a program does, until something is so; false: it does not become so.
template <typename Condition>
bool callUntil(Condition condition)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition() && std::chrono::steady_clock::now() < end)
        callDriver(CUPTI_DRIVER_TRACE_CBID_cuLaunchKernel);
    return condition();
}

/// A process with CUDA and the capture library; this process, since there is one of both in each.
class CudaProcess : public testing::Test
{
protected:
    static void SetUpTestSuite()
    {
        fakeCupti() = {}; // also maps it, before the library looks
        s_daemon = std::make_unique<RecordingDaemon>();
        setenv("NVTX_INJECTION64_PATH", GANTRY_CAPTURE_LIBRARY, 1);
        setenv(kSocketVariable, s_daemon->socketPath().c_str(), 1);
        nvtxMarkA("loads the library");
        s_daemon->accept();
        void* library = dlopen(GANTRY_CAPTURE_LIBRARY, RTLD_NOW | RTLD_NOLOAD);
        ASSERT_NE(library, nullptr) << dlerror();
        reinterpret_cast<int (*)()>(dlsym(library, "InitializeInjection"))(); // as cuInit does
        s_daemon->receive<CudaLoadedMessage>(MessageType::CudaLoaded);
    }
    static void TearDownTestSuite() { s_daemon.reset(); }

    void SetUp() override
    {
        fakeCupti() = {};
        m_window = ++s_lastWindow;
    }
    void TearDown() override { awaitLeaving(); }

    /// CUPTI leaves after a window as the program calls it.
    static void awaitLeaving()
    {
        EXPECT_TRUE(callUntil([] { return !hasSubscriber(); }));
    }

    inline static std::unique_ptr<RecordingDaemon> s_daemon;
    inline static std::uint32_t s_lastWindow = 0;
    std::uint32_t m_window = 0;
};

TEST_F(CudaProcess, AWindowHoldsTheSubscriberAndRecordsByLinuxThread)
{
    EXPECT_EQ(s_daemon->open(m_window, kEverything).outcome, OpenOutcome::Capturing);
    EXPECT_TRUE(fakeCupti().isSubscribed);
    EXPECT_TRUE(fakeCupti().kinds.contains(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL));
    EXPECT_TRUE(fakeCupti().kinds.contains(CUPTI_ACTIVITY_KIND_RUNTIME));
    EXPECT_EQ(fakeCupti().threadIdType, CUPTI_ACTIVITY_THREAD_ID_TYPE_SYSTEM);
    s_daemon->close(m_window);
}

// The thread id type stayed: a profiler that matches records by pthread_self, as PyTorch's does, found none of its threads afterwards.
TEST_F(CudaProcess, AWindowLeavesCuptiAsItWas)
{
    for (const auto before : {CUPTI_ACTIVITY_THREAD_ID_TYPE_DEFAULT, CUPTI_ACTIVITY_THREAD_ID_TYPE_SYSTEM}) {
        m_window = ++s_lastWindow;
        fakeCupti().threadIdType = before;
        s_daemon->open(m_window, kEverything | ContentMemoryAllocations | ContentModules | ContentWholeGraphs, 0, true);
        s_daemon->close(m_window);
        EXPECT_EQ(fakeCupti().threadIdType, before);
        EXPECT_FALSE(fakeCupti().isSubscribed);
        EXPECT_TRUE(fakeCupti().kinds.empty());
        EXPECT_TRUE(fakeCupti().callbacks.empty());
    }
}

OpenMessage profilerTrigger(std::uint32_t window)
{
    OpenMessage trigger{};
    trigger.type = MessageType::Open;
    trigger.windowId = window;
    trigger.content = kEverything;
    trigger.trigger = Trigger::CudaProfiler;
    trigger.triggerEvery = 1;
    return trigger;
}

TEST_F(CudaProcess, CudaProfilerStartAndStopAreAWindowEachTimeUntilTheDaemonEndsThat)
{
    EXPECT_EQ(s_daemon->arm(profilerTrigger(m_window)).outcome, OpenOutcome::Capturing);
    EXPECT_TRUE(fakeCupti().kinds.empty()) << "nothing is recorded yet";
    for (std::uint32_t i = 0; i < 2; ++i) {
        callDriver(CUPTI_DRIVER_TRACE_CBID_cuProfilerStart);
        EXPECT_TRUE(fakeCupti().kinds.contains(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL)) << "before the call returns";
        callDriver(CUPTI_DRIVER_TRACE_CBID_cuProfilerStart); // has no effect, as CUDA says of it
        nvtxMarkA("inside");
        callDriver(CUPTI_DRIVER_TRACE_CBID_cuProfilerStop);
        EXPECT_TRUE(fakeCupti().kinds.empty());
        EXPECT_EQ(s_daemon->receive<OpenedMessage>(MessageType::Opened).windowId, m_window + i);
        EXPECT_EQ(s_daemon->receive<ClosedMessage>(MessageType::Closed).windowId, m_window + i);
        EXPECT_EQ(s_daemon->read(m_window + i).events.size(), 1u);
    }
    EXPECT_TRUE(fakeCupti().isSubscribed) << "it waits for the next one";
    s_daemon->disarm(m_window);
    s_lastWindow += 2;
    s_daemon->open(s_lastWindow, ContentNvtx); // is taken after it
    s_daemon->close(s_lastWindow);
    EXPECT_FALSE(fakeCupti().isSubscribed);
    EXPECT_TRUE(fakeCupti().callbacks.empty());
}

TEST_F(CudaProcess, ATriggerThatCannotHaveCuptiSaysWhy)
{
    fakeCupti().isSubscribed = true;
    const ArmedMessage armed = s_daemon->arm(profilerTrigger(m_window));
    EXPECT_EQ(armed.outcome, OpenOutcome::CudaBusy);
    EXPECT_STREQ(armed.detail, "cuptiSubscribe: an error of the fake");
    s_daemon->disarm(m_window);
    s_daemon->open(++s_lastWindow, ContentNvtx); // is taken after it
    s_daemon->close(s_lastWindow);
    EXPECT_TRUE(fakeCupti().isSubscribed) << "it is somebody else's";
    fakeCupti() = {};
}

TEST_F(CudaProcess, ACuptiThatSomebodyElseHoldsIsLeftAlone)
{
    fakeCupti().isSubscribed = true;
    fakeCupti().kinds = {CUPTI_ACTIVITY_KIND_MEMCPY};
    const OpenedMessage opened = s_daemon->open(m_window, kEverything);
    EXPECT_EQ(opened.outcome, OpenOutcome::CudaBusy);
    EXPECT_STREQ(opened.detail, "cuptiSubscribe: an error of the fake");
    s_daemon->close(m_window);
    EXPECT_TRUE(fakeCupti().isSubscribed);
    EXPECT_EQ(fakeCupti().kinds, std::set{CUPTI_ACTIVITY_KIND_MEMCPY});
    EXPECT_EQ(fakeCupti().threadIdType, CUPTI_ACTIVITY_THREAD_ID_TYPE_DEFAULT);
    fakeCupti() = {};
}

// The report had no kernels and did not say why: PyTorch's profiler had begun inside of the window.
TEST_F(CudaProcess, RecordsThatGoToAnotherProfilerWhichBeganInTheWindowAreCounted)
{
    s_daemon->open(m_window, kEverything);
    CUpti_ActivityContext3 context{};
    context.kind = CUPTI_ACTIVITY_KIND_CONTEXT;
    recordActivity(context);
    cuptiActivityRegisterCallbacks(nullptr, [](CUcontext, std::uint32_t, std::uint8_t*, std::size_t, std::size_t) {});
    const std::uint64_t before = s_daemon->loss(records::LossCounter::CuptiTaken);
    s_daemon->close(m_window);
    EXPECT_EQ(s_daemon->loss(records::LossCounter::CuptiTaken), before + 1);
    awaitLeaving();

    m_window = ++s_lastWindow;
    s_daemon->open(m_window, kEverything);
    recordActivity(context);
    s_daemon->close(m_window);
    EXPECT_EQ(s_daemon->loss(records::LossCounter::CuptiTaken), 0u) << "the others come back";
    EXPECT_EQ(s_daemon->read(m_window).all<records::ContextRecord>(records::RecordType::Context).size(), 1u);
}

// So it was where CUDA graphs ran: their records were missing, and the report blamed another profiler.
TEST_F(CudaProcess, RecordsThatCuptiGivesBackOnlyWithALaterFlushAreRecorded)
{
    s_daemon->open(m_window, kEverything);
    CUpti_ActivityContext3 context{};
    context.kind = CUPTI_ACTIVITY_KIND_CONTEXT;
    recordActivity(context);
    const std::uint64_t before = s_daemon->loss(records::LossCounter::CuptiTaken);
    fakeCupti().emptyFlushes = 3;
    s_daemon->close(m_window);
    EXPECT_EQ(fakeCupti().emptyFlushes, 0);
    EXPECT_EQ(s_daemon->loss(records::LossCounter::CuptiTaken), before);
    EXPECT_EQ(s_daemon->read(m_window).all<records::ContextRecord>(records::RecordType::Context).size(), 1u);
}

TEST_F(CudaProcess, AWindowOfNvtxAloneDoesNotTouchCupti)
{
    EXPECT_EQ(s_daemon->open(m_window, ContentNvtx).outcome, OpenOutcome::Capturing);
    EXPECT_FALSE(hasSubscriber());
    EXPECT_TRUE(fakeCupti().everEnabled.empty());
    s_daemon->close(m_window);
}

// ---- what CUPTI tells, in the library's records ----

constexpr std::uint64_t kTime = 1'700'000'000'000'000'000;

TEST_F(CudaProcess, MemoryAllocationsAreRecordedWithTheirPool)
{
    s_daemon->open(m_window, ContentMemoryAllocations);
    CUpti_ActivityMemory3 memory{};
    memory.kind = CUPTI_ACTIVITY_KIND_MEMORY2;
    memory.memoryOperationType = CUPTI_ACTIVITY_MEMORY_OPERATION_TYPE_ALLOCATION;
    memory.memoryKind = CUPTI_ACTIVITY_MEMORY_KIND_DEVICE;
    memory.correlationId = 9;
    memory.address = 0x7f00'0000'0000;
    memory.bytes = 4096;
    memory.timestamp = kTime;
    memory.deviceId = 1;
    memory.contextId = 2;
    memory.streamId = 3;
    memory.name = "g_weights";
    memory.memoryPoolConfig.memoryPoolType = CUPTI_ACTIVITY_MEMORY_POOL_TYPE_LOCAL;
    memory.memoryPoolConfig.pool.size = 1 << 20;
    memory.memoryPoolConfig.utilizedSize = 8192;
    recordActivity(memory);
    memory.timestamp = 0; // could not be collected
    recordActivity(memory);
    s_daemon->close(m_window);
    const Recording recording = s_daemon->read(m_window);
    const auto found = recording.all<records::MemoryRecord>(records::RecordType::MemoryOperation);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].timeRealtimeNs, static_cast<std::int64_t>(kTime));
    EXPECT_EQ(found[0].operation, CUPTI_ACTIVITY_MEMORY_OPERATION_TYPE_ALLOCATION);
    EXPECT_EQ(found[0].address, 0x7f00'0000'0000u);
    EXPECT_EQ(found[0].bytes, 4096u);
    EXPECT_EQ(found[0].memoryKind, CUPTI_ACTIVITY_MEMORY_KIND_DEVICE);
    EXPECT_EQ(found[0].deviceId, 1u);
    EXPECT_EQ(found[0].correlationId, 9u);
    EXPECT_EQ(found[0].poolSize, 1u << 20);
    EXPECT_EQ(found[0].poolUsed, 8192u);
    EXPECT_EQ(recording.texts.at(found[0].nameId), "g_weights");
    EXPECT_EQ(s_daemon->loss(records::LossCounter::KernelNoTime), 1u);
}

TEST_F(CudaProcess, ModulesAreRecordedOnTheThreadThatLoadsThem)
{
    s_daemon->open(m_window, ContentModules, 0, true);
    loadModule(CUPTI_CBID_RESOURCE_MODULE_LOADED, 5, 70'000);
    loadModule(CUPTI_CBID_RESOURCE_MODULE_UNLOAD_STARTING, 5, 70'000);
    CUpti_ActivityJit jit{};
    jit.kind = CUPTI_ACTIVITY_KIND_JIT;
    jit.jitEntryType = CUPTI_ACTIVITY_JIT_ENTRY_PTX_TO_CUBIN;
    jit.jitOperationType = CUPTI_ACTIVITY_JIT_OPERATION_COMPILE;
    jit.start = kTime;
    jit.end = kTime + 1000;
    jit.correlationId = 17;
    recordActivity(jit);
    s_daemon->close(m_window);
    loadModule(CUPTI_CBID_RESOURCE_MODULE_LOADED, 6, 1);
    const Recording recording = s_daemon->read(m_window);
    const auto modules = recording.all<records::ModuleRecord>(records::RecordType::Module);
    ASSERT_EQ(modules.size(), 2u);
    EXPECT_EQ(modules[0].tid, static_cast<std::uint32_t>(gettid()));
    EXPECT_EQ(modules[0].codeBytes, 70'000u);
    EXPECT_EQ(modules[0].isUnloaded, 0u);
    EXPECT_EQ(modules[1].isUnloaded, 1u);
    const auto jits = recording.all<records::JitRecord>(records::RecordType::Jit);
    ASSERT_EQ(jits.size(), 1u);
    EXPECT_EQ(jits[0].operation, static_cast<std::uint32_t>(CUPTI_ACTIVITY_JIT_OPERATION_COMPILE));
    EXPECT_EQ(jits[0].correlationId, 17u);
    EXPECT_TRUE(fakeCupti().callbacks.empty()) << "CUPTI is as it was";
}

TEST_F(CudaProcess, ModulesTakeOfOverheadOnlyWhatLoadingCosts)
{
    const auto recorded = [&](std::uint32_t content) {
        m_window = ++s_lastWindow;
        s_daemon->open(m_window, content);
        CUpti_ActivityOverhead overhead{};
        overhead.kind = CUPTI_ACTIVITY_KIND_OVERHEAD;
        overhead.start = kTime;
        overhead.end = kTime + 10;
        for (const auto kind : {CUPTI_ACTIVITY_OVERHEAD_LAZY_FUNCTION_LOADING, CUPTI_ACTIVITY_OVERHEAD_CUPTI_BUFFER_FLUSH}) {
            overhead.overheadKind = kind;
            recordActivity(overhead);
        }
        s_daemon->close(m_window);
        return s_daemon->read(m_window).all<records::OverheadRecord>(records::RecordType::Overhead).size();
    };
    EXPECT_EQ(recorded(ContentOverhead), 2u);
    EXPECT_EQ(recorded(ContentModules), 1u);
    EXPECT_EQ(recorded(ContentNvtx), 0u);
}

// A process that had instantiated graphs before crashed when it launched one of them.
// CUPTI that stayed after a window took 20 % of the throughput of a program that nobody recorded any more.
TEST_F(CudaProcess, CuptiLeavesTheProcessAfterAWindowAndComesBackForTheNext)
{
    const int before = finalizations();
    s_daemon->open(m_window, kEverything);
    s_daemon->close(m_window);
    EXPECT_TRUE(fakeCupti().isSubscribed) << "nobody may come before it has left";
    ASSERT_TRUE(callUntil([&] { return finalizations() == before + 1; }));
    EXPECT_FALSE(fakeCupti().isSubscribed) << "another profiler may come";

    m_window = ++s_lastWindow;
    EXPECT_EQ(s_daemon->open(m_window, kEverything).outcome, OpenOutcome::Capturing);
    EXPECT_TRUE(fakeCupti().isSubscribed);
    EXPECT_TRUE(fakeCupti().kinds.contains(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL));
    s_daemon->close(m_window);
}

TEST_F(CudaProcess, CuptiStaysForAWindowThatFollowsAndAnotherProfilerMayHaveItMeanwhile)
{
    const int before = finalizations();
    s_daemon->open(m_window, kEverything, 0, true);
    s_daemon->close(m_window);
    callDriver(CUPTI_DRIVER_TRACE_CBID_cuLaunchKernel);
    EXPECT_EQ(finalizations(), before);
    EXPECT_FALSE(fakeCupti().isSubscribed);
}

TEST_F(CudaProcess, AProgramThatCallsNothingKeepsCuptiAndItsSubscriberIsGivenBack)
{
    const int before = finalizations();
    s_daemon->open(m_window, kEverything);
    s_daemon->close(m_window);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    CUpti_SubscriberHandle other = nullptr;
    while (cuptiSubscribe(&other, nullptr, nullptr) != CUPTI_SUCCESS && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    EXPECT_EQ(finalizations(), before);
    cuptiUnsubscribe(other);
}

TEST_F(CudaProcess, AWindowThatOpensBeforeCuptiHasLeftRecords)
{
    const int before = finalizations();
    s_daemon->open(m_window, kEverything);
    s_daemon->close(m_window);
    m_window = ++s_lastWindow;
    EXPECT_EQ(s_daemon->open(m_window, kEverything).outcome, OpenOutcome::Capturing);
    callDriver(CUPTI_DRIVER_TRACE_CBID_cuLaunchKernel);
    EXPECT_EQ(finalizations(), before);
    EXPECT_TRUE(fakeCupti().isSubscribed);
    s_daemon->close(m_window);
}

TEST_F(CudaProcess, AProcessThatUsesCudaAlreadyIsNeverAskedForWholeGraphs)
{
    const OpenedMessage opened = s_daemon->open(m_window, kEverything | ContentWholeGraphs);
    EXPECT_FALSE(fakeCupti().kinds.contains(CUPTI_ACTIVITY_KIND_GRAPH_TRACE));
    EXPECT_TRUE(fakeCupti().kinds.contains(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL));
    EXPECT_NE(std::string_view(opened.detail).find("by their nodes"), std::string_view::npos) << opened.detail;
    s_daemon->close(m_window);
}

TEST_F(CudaProcess, WholeGraphsHaveTheirTimesAndWhoLaunchedThem)
{
    s_daemon->open(m_window, kEverything);
    fakeCupti().kinds.insert(CUPTI_ACTIVITY_KIND_GRAPH_TRACE); // as in a process that uses CUDA only now
    CUpti_ActivityGraphTrace2 graph{};
    graph.kind = CUPTI_ACTIVITY_KIND_GRAPH_TRACE;
    graph.start = kTime;
    graph.end = kTime + 500;
    graph.streamId = 13;
    graph.correlationId = 44;
    graph.graphId = 6;
    recordActivity(graph);
    s_daemon->close(m_window);
    fakeCupti().kinds.clear();
    const auto graphs = s_daemon->read(m_window).all<records::GraphRecord>(records::RecordType::GraphLaunch);
    ASSERT_EQ(graphs.size(), 1u);
    EXPECT_EQ(graphs[0].endRealtimeNs - graphs[0].startRealtimeNs, 500);
    EXPECT_EQ(graphs[0].graphId, 6u);
    EXPECT_EQ(graphs[0].streamId, 13u);
    EXPECT_EQ(graphs[0].correlationId, 44u);
}

TEST_F(CudaProcess, ContextsAndCopiesBetweenDevicesSayWhichDevices)
{
    s_daemon->open(m_window, kEverything);
    CUpti_ActivityContext3 context{};
    context.kind = CUPTI_ACTIVITY_KIND_CONTEXT;
    context.contextId = 2;
    context.deviceId = 1;
    context.nullStreamId = 7;
    recordActivity(context);
    CUpti_ActivityMemcpyPtoP4 copy{};
    copy.kind = CUPTI_ACTIVITY_KIND_MEMCPY2;
    copy.start = kTime;
    copy.end = kTime + 5;
    copy.srcDeviceId = 1;
    copy.dstDeviceId = 3;
    recordActivity(copy);
    s_daemon->close(m_window);
    const Recording recording = s_daemon->read(m_window);
    const auto contexts = recording.all<records::ContextRecord>(records::RecordType::Context);
    ASSERT_EQ(contexts.size(), 1u);
    EXPECT_EQ(contexts[0].deviceId, 1u);
    EXPECT_EQ(contexts[0].nullStreamId, 7u);
    const auto copies = recording.all<records::CopyRecord>(records::RecordType::Memcpy);
    ASSERT_EQ(copies.size(), 1u);
    EXPECT_EQ(copies[0].isPeer, 1u);
    EXPECT_EQ(copies[0].sourceDevice, 1u);
    EXPECT_EQ(copies[0].destinationDevice, 3u);
}

// With kernels enabled behind other kinds, windows of a program that launched kernels meanwhile had none of them sooner or later.
TEST_F(CudaProcess, KernelsAreTheFirstThatAWindowEnables)
{
    s_daemon->open(m_window, kEverything);
    s_daemon->close(m_window);
    ASSERT_FALSE(fakeCupti().everEnabled.empty());
    EXPECT_EQ(fakeCupti().everEnabled.front(), CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
}

TEST_F(CudaProcess, DevicesAreAskedForOnceAndToldInEveryWindow)
{
    const auto devicesOf = [](std::uint32_t window) {
        return s_daemon->read(window).all<records::DeviceRecord>(records::RecordType::Device);
    };
    const auto hasAsked = [] {
        const auto& asked = fakeCupti().everEnabled;
        return std::find(asked.begin(), asked.end(), CUPTI_ACTIVITY_KIND_DEVICE) != asked.end();
    };
    s_daemon->open(m_window, kEverything);
    EXPECT_TRUE(hasAsked());
    CUpti_ActivityDevice4 device{};
    device.kind = CUPTI_ACTIVITY_KIND_DEVICE;
    device.id = 1;
    device.numMultiprocessors = 132;
    recordActivity(device);
    s_daemon->close(m_window);
    EXPECT_EQ(devicesOf(m_window).size(), 1u);

    fakeCupti().everEnabled.clear();
    m_window = ++s_lastWindow;
    s_daemon->open(m_window, kEverything);
    EXPECT_FALSE(hasAsked());
    s_daemon->close(m_window);
    const auto devices = devicesOf(m_window);
    ASSERT_EQ(devices.size(), 1u);
    EXPECT_EQ(devices[0].deviceId, 1u);
    EXPECT_EQ(devices[0].smCount, 132u);
}

// The next launch of a graph that had met a window failed once CUPTI had left (CUDA 13.0). The last test: it holds for good.
TEST_F(CudaProcess, CuptiStaysInAProgramWhoseGraphsHaveMetAWindow)
{
    const int before = finalizations();
    s_daemon->open(m_window, kEverything);
    CUpti_ActivityKernel9 kernel{};
    kernel.kind = CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL;
    kernel.start = kTime;
    kernel.end = kTime + 5;
    kernel.graphNodeId = 3;
    recordActivity(kernel);
    s_daemon->close(m_window);
    callDriver(CUPTI_DRIVER_TRACE_CBID_cuLaunchKernel);
    EXPECT_EQ(finalizations(), before);
    EXPECT_FALSE(fakeCupti().isSubscribed);
}

} // namespace
} // namespace gantry::capture
