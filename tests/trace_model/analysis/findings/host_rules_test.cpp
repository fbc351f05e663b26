#include "tests/trace_model/analysis/findings/diagnosis_of.h"
#include "trace_model/analysis/findings/host_facts.h"
#include "trace_model/analysis/findings/idle_causes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::findings {
namespace {

using testing::HasSubstr;

TEST(CallClasses, AreKnownByTheNameOfTheCallWithAndWithoutVersion)
{
    EXPECT_EQ(classOf("cudaLaunchKernel_v7000"), CallClass::Launch);
    EXPECT_EQ(classOf("cuLaunchKernelEx"), CallClass::Launch);
    EXPECT_EQ(classOf("cudaGraphLaunch_v10000"), CallClass::Launch);
    EXPECT_EQ(classOf("cudaMemcpyAsync_v3020"), CallClass::AsyncCopy);
    EXPECT_EQ(classOf("cuMemcpyHtoDAsync_v2"), CallClass::AsyncCopy);
    EXPECT_EQ(classOf("cudaMemcpy"), CallClass::Copy);
    EXPECT_EQ(classOf("cuMemcpyDtoH_v2"), CallClass::Copy);
    EXPECT_EQ(classOf("cudaMemset_v3020"), CallClass::Copy);
    EXPECT_EQ(classOf("cudaStreamSynchronize"), CallClass::Synchronize);
    EXPECT_EQ(classOf("cuCtxSynchronize"), CallClass::Synchronize);
    EXPECT_EQ(classOf("cudaMalloc"), CallClass::Memory);
    EXPECT_EQ(classOf("cudaFreeHost"), CallClass::Memory);
    EXPECT_EQ(classOf("cudaMallocAsync"), CallClass::Other);
    EXPECT_EQ(classOf("cuModuleLoadData"), CallClass::Load);
    EXPECT_EQ(classOf("cudaGraphInstantiate_v10000"), CallClass::Load);
    EXPECT_EQ(classOf("cudaEventRecord"), CallClass::Other);
    EXPECT_EQ(classOf("cudaGraphAddMemcpyNode"), CallClass::Other);
}

/// The causes of the idle time of the only GPU.
IdleCauses causesOf(const std::string& script)
{
    const auto trace = test::traceOf(script);
    const TimeRange window = trace->window;
    const auto gpus = gpuFacts(*trace, window, {});
    return idleCauses(*trace, gpus.front(), HostFacts(*trace, {}), ServingFacts(*trace), {});
}

TEST(IdleCauses, SplitAGapByWhatTheLaunchingThreadDid)
{
    // The gap is 100..200 µs: 20 waiting, 30 in code, 10 allocating, 25 in code, 10 launching, and the kernel begins 5 later.
    Script script;
    script.window(1'000).kernel(7, 1, 10, 100);
    script.line("api 1 cudaStreamSynchronize 50000..120000").line("api 1 cudaMalloc 150000..160000").kernel(7, 1, 200, 300, 15, 10);
    const IdleCauses idle = causesOf(script.text());
    EXPECT_EQ(idle.total, 100'000);
    EXPECT_EQ(idle[IdleCause::Waiting].total, 20'000);
    EXPECT_EQ(idle[IdleCause::HostCode].total, 55'000);
    EXPECT_EQ(idle[IdleCause::Memory].total, 10'000);
    EXPECT_EQ(idle[IdleCause::Launching].total, 10'000);
    EXPECT_EQ(idle[IdleCause::Device].total, 5'000);
    ASSERT_EQ(idle[IdleCause::HostCode].longest.size(), 1u);
    EXPECT_EQ(idle[IdleCause::HostCode].longest.front().time, (TimeRange{100'000, 200'000}));
}

TEST(IdleCauses, OfAServerTellWaitingRequestsFromNoRequests)
{
    // Idle 100..400 µs: the execution ends at 130, a request waits from 300 on, and the next execution begins at 350.
    Script script;
    script.window(1'000).kernel(7, 1, 10, 100).kernel(7, 1, 400, 500, 10, 10);
    script.execution(1, 1, 5, 130).execution(2, 1, 350, 600).request(1, 5, 5, 130, 1).request(2, 300, 350, 600, 2);
    const IdleCauses idle = causesOf(script.text());
    EXPECT_EQ(idle[IdleCause::HostCode].total, 30'000 + 40'000);
    EXPECT_EQ(idle[IdleCause::NoRequests].total, 170'000);
    EXPECT_EQ(idle[IdleCause::Batching].total, 50'000);
    EXPECT_EQ(idle[IdleCause::Launching].total, 10'000);
}

TEST(IdleCauses, PartsAddUpToTheWhole)
{
    Script script;
    script.window(10'000);
    for (int i = 0; i < 50; ++i)
        script.kernel(7, 1 + i % 3, 20 + i * 150 + i % 7, 60 + i * 150, 13, 2 + i % 9);
    const IdleCauses idle = causesOf(script.text());
    DurationNs sum = 0;
    for (const IdleCauses::Cause& cause : idle.causes)
        sum += cause.total;
    EXPECT_GT(sum, 0);
    EXPECT_EQ(sum, idle.total);
}

TEST(IdleCauses, WithoutTheCallTheCauseIsUnknown)
{
    const IdleCauses idle = causesOf("window 0..1000\nkernel gpu0/stream7 a 0..100\nkernel gpu0/stream7 b 300..400\n");
    EXPECT_EQ(idle[IdleCause::Unknown].total, 200);
}

/// Kernels of 3 µs, each launched by a call of `call` µs right after the one before.
std::string launchLoop(int call, int kernel = 3)
{
    Script script;
    script.window(300 * (call + 1));
    for (int i = 0; i < 290; ++i)
        script.kernel(7, 1, 10 + (i + 1) * (call + 1), 10 + (i + 1) * (call + 1) + kernel, call + 1, call);
    return script.text();
}

TEST(LaunchBound, IsFoundWhereLaunchesTakeLongerThanKernels)
{
    const Diagnosed d(launchLoop(9));
    const Finding* finding = d.find("launch-bound");
    ASSERT_TRUE(finding);
    EXPECT_THAT(finding->sentence, HasSubstr("the median kernel runs for 3.000 µs, and to launch one takes the host 9.000 µs"));
    EXPECT_EQ(finding->severity, Severity::Problem);
    EXPECT_FALSE(finding->evidence.empty());
    EXPECT_FALSE(d.find("tiny-kernels")) << "said better by launch-bound";
}

TEST(LaunchBound, IsSilentWhereKernelsKeepTheGpuBusy)
{
    EXPECT_TRUE(Diagnosed(launchLoop(4, 5)).wasSilent("launch-bound"));
}

TEST(TinyKernels, AreANoteWhereTheGpuDoesNotWaitForThem)
{
    Script script;
    script.window(5'000);
    for (int i = 0; i < 1100; ++i)
        script.kernel(7, 1, 10 + i * 4, 14 + i * 4, 3, 1);
    const Diagnosed d(script.text());
    EXPECT_THAT(d.sentence("tiny-kernels"), HasSubstr("the median one runs for 4.000 µs"));
}

TEST(TinyKernels, IsSilentOfFewOrLargeKernels)
{
    EXPECT_TRUE(Diagnosed(launchLoop(4, 5)).wasSilent("tiny-kernels"));
}

TEST(CpuBound, IsFoundWhereCodeRunsBetweenLaunches)
{
    Script script;
    script.window(30'000);
    for (int i = 0; i < 120; ++i)
        script.kernel(7, 1, 10 + i * 200, 110 + i * 200);
    const Diagnosed d(script.text());
    EXPECT_THAT(d.sentence("cpu-bound"), HasSubstr("runs code outside of CUDA"));
    EXPECT_NEAR(d.find("cpu-bound")->share.value_or(0), 119 * 97.0 / 30'000, 0.001);
    EXPECT_FALSE(d.find("gpu-gaps")) << "said better by cpu-bound";
}

TEST(CpuBound, IsSilentOfAServerWithoutRequests)
{
    Script script;
    script.window(30'000);
    for (int i = 0; i < 120; ++i)
        script.kernel(7, 1, 10 + i * 200, 110 + i * 200)
            .execution(i + 1, 1, 5 + i * 200, 112 + i * 200)
            .request(i + 1, 5 + i * 200, 5 + i * 200, 112 + i * 200, i + 1);
    const Diagnosed d(script.text());
    EXPECT_TRUE(d.wasSilent("cpu-bound"));
    EXPECT_THAT(d.sentence("gpu-gaps"), HasSubstr("without a request to execute"));
    EXPECT_EQ(d.find("gpu-gaps")->severity, Severity::Note);
}

TEST(SyncBound, IsFoundWhereTheHostWaitsTooLong)
{
    Script script;
    script.window(30'000);
    for (int i = 0; i < 120; ++i)
        script.kernel(7, 1, 10 + i * 200, 110 + i * 200)
            .line("api 1 cudaStreamSynchronize {}..{}", (20 + i * 200) * 1000, (200 + i * 200) * 1000);
    EXPECT_THAT(Diagnosed(script.text()).sentence("sync-bound"),
                HasSubstr("is still in a call that waits for the GPU (120 such calls in all)"));
}

TEST(SyncBound, IsSilentWhereTheGpuWorksOnWhileTheHostWaits)
{
    Script script;
    script.window(12'500);
    for (int i = 0; i < 120; ++i)
        script.kernel(7, 1, 10 + i * 100, 110 + i * 100, 90, 2)
            .line("api 1 cudaStreamSynchronize {}..{}", (25 + i * 100) * 1000, (15 + i * 100 + 12) * 1000);
    EXPECT_TRUE(Diagnosed(script.text()).wasSilent("sync-bound"));
}

TEST(StallingCalls, AreFoundInTheMiddleOfTheWork)
{
    Script script;
    script.window(10'000).kernel(7, 1, 10, 100).line("api 1 cudaMalloc 200000..700000").kernel(7, 1, 800, 900);
    const Diagnosed d(script.text());
    EXPECT_THAT(d.sentence("stalling-calls"), HasSubstr("1 call of 500.000 µs, most of it cudaMalloc"));
    EXPECT_EQ(d.find("stalling-calls")->evidence.front().event.kind(), trace::EventKind::ApiCall);
}

TEST(StallingCalls, CountOnlyWhatLiesInTheWorkOfACallThatBeganBefore)
{
    Script script;
    script.window(1'000).kernel(7, 1, 10, 100).line("api 1 cudaMalloc -5000000..700000").kernel(7, 1, 800, 900);
    const Diagnosed d(script.text());
    EXPECT_LE(d.find("stalling-calls")->share.value_or(0), 1);
}

TEST(StallingCalls, IsSilentOfSetUpBeforeTheWork)
{
    Script script;
    script.window(10'000).line("api 1 cudaMalloc 200000..700000").kernel(7, 1, 800, 900).kernel(7, 1, 910, 990);
    EXPECT_TRUE(Diagnosed(script.text()).wasSilent("stalling-calls"));
}

TEST(Loading, IsFoundByTheDriversOwnRecords)
{
    Script script;
    script.window(10'000).kernel(7, 1, 10, 100).line("overhead 1 Lazy_function_loading 200000..700000").kernel(7, 1, 800, 900);
    const Diagnosed d(script.text());
    EXPECT_THAT(d.sentence("loading"), HasSubstr("500.000 µs, 5.0 % of the window"));
    EXPECT_EQ(d.find("loading")->evidence.front().event.kind(), trace::EventKind::Overhead);
}

TEST(Loading, IsSilentOfTheProfilersOverhead)
{
    Script script;
    script.window(10'000).kernel(7, 1, 10, 100).line("overhead 1 Buffer_flush 200000..700000").kernel(7, 1, 800, 900);
    EXPECT_TRUE(Diagnosed(script.text()).wasSilent("loading"));
}

TEST(GpuGaps, AreNotJudgedWithoutCalls)
{
    EXPECT_THAT(Diagnosed("window 0..1000\nkernel gpu0/stream7 gemm 0..100\n").whyNot("gpu-gaps"), HasSubstr("no CUDA API calls"));
}

} // namespace
} // namespace gantry::findings
