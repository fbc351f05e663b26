#include "trace_model/trace/nvtx_projection.h"

#include "tests/support/event_script.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gantry::trace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> rangesOn(const Trace& trace, std::uint32_t stream)
{
    std::vector<std::string> ranges;
    for (std::size_t row = 0; row < trace.gpuRanges.size(); ++row)
        if (trace.gpuRanges.stream(row) == stream)
            ranges.push_back(
                fmt::format("{} {}..{}", trace.strings[trace.gpuRanges.text[row]], trace.gpuRanges.start[row], trace.gpuRanges.end(row)));
    return ranges;
}

TEST(NvtxProjection, RangesOfSeveralDomainsNeedNotNest)
{
    const auto trace = test::traceOf("window 0..1000\n"
                                     "range 14 first 500..510 domain one\n"
                                     "range 14 second 505..520 domain two\n"
                                     "api 14 cudaLaunchKernel 507..508 corr 6\n"
                                     "api 14 cudaLaunchKernel 515..516 corr 7\n"
                                     "kernel gpu0/stream11 both 600..610 corr 6\n"
                                     "kernel gpu0/stream11 of_second 620..630 corr 7\n");
    EXPECT_THAT(rangesOn(*trace, 11), ElementsAre("second 600..630", "first 600..610"));
}

TEST(NvtxProjection, OfRangesThatAreNeverPoppedTheInnermostAreProjected)
{
    std::string script = "window 0..100000\n";
    for (int i = 0; i < 200; ++i)
        script += fmt::format("range 12 leaked_{} {}..\n", i, i);
    script += "api 12 cudaLaunchKernel 500..510 corr 1\nkernel gpu0/stream7 gemm 600..610 corr 1\n";
    const auto ranges = rangesOn(*test::traceOf(script), 7);
    ASSERT_EQ(ranges.size(), kDeepestProjected);
    EXPECT_EQ(ranges.back(), "leaked_199 600..610");
}

TEST(NvtxProjection, IsNoEventOfItsOwn)
{
    const auto trace =
        test::traceOf("range 12 forward 80..120\napi 12 cudaLaunchKernel 90..95 corr 1\nkernel gpu0/stream7 gemm 100..130 corr 1\n");
    ASSERT_EQ(trace->gpuRanges.size(), 1u);
    EXPECT_TRUE(trace->gpuRanges.isProjected(0));
    EXPECT_EQ(trace->eventCount(), 3u);
}

TEST(NvtxProjection, EndsWhenAskedToAndLeavesNothing)
{
    Trace trace =
        *test::traceOf("range 12 forward 80..120\napi 12 cudaLaunchKernel 90..95 corr 1\nkernel gpu0/stream7 gemm 100..130 corr 1\n");
    trace.gpuRanges = {};
    std::stop_source stop;
    stop.request_stop();
    EXPECT_FALSE(projectNvtx(trace, stop.get_token()));
    EXPECT_THAT(rangesOn(trace, 7), IsEmpty());
}

} // namespace
} // namespace gantry::trace
