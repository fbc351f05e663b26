#include "tests/remote_server/capture/fake_cupti.h"
#include "tests/remote_server/capture/recording_daemon.h"

#include <gtest/gtest.h>
#include <nvtx3/nvToolsExt.h>

#include <cstdlib>
#include <dlfcn.h>
#include <memory>

namespace gantry::capture {
namespace {

constexpr std::uint32_t kEverything =
    ContentNvtx | ContentKernels | ContentMemcpy | ContentRuntimeApi | ContentDriverApi | ContentSynchronization | ContentOverhead;

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
        s_daemon->open(m_window, kEverything);
        s_daemon->close(m_window);
        EXPECT_EQ(fakeCupti().threadIdType, before);
        EXPECT_FALSE(fakeCupti().isSubscribed);
        EXPECT_TRUE(fakeCupti().kinds.empty());
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
}

} // namespace
} // namespace gantry::capture
