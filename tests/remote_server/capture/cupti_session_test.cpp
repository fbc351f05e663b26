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
