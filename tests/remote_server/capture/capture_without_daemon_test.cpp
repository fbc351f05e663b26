#include <gtest/gtest.h>
#include <nvtx3/nvToolsExt.h>

#include <cstdlib>
#include <filesystem>

namespace gantry::capture {
namespace {

std::ptrdiff_t threadsOfThisProcess()
{
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

// A target that was started by hand, with the library but without the address of a daemon.
TEST(CaptureWithoutADaemon, CostsTheTargetNothing)
{
    setenv("NVTX_INJECTION64_PATH", GANTRY_CAPTURE_LIBRARY, 1);
    unsetenv("GANTRY_CAPTURE_SOCKET");
    const auto threads = threadsOfThisProcess();
    nvtxMarkA("nobody listens");
    EXPECT_EQ(nvtxRangePushA("nobody listens"), NVTX_NO_PUSH_POP_TRACKING);
    EXPECT_EQ(nvtxRangePop(), NVTX_NO_PUSH_POP_TRACKING);
    EXPECT_EQ(nvtxDomainRegisterStringA(nvtxDomainCreateA("nobody"), "text"), nullptr);
    EXPECT_EQ(threadsOfThisProcess(), threads);
}

} // namespace
} // namespace gantry::capture
