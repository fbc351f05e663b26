#include "tests/trace_model/analysis/findings/diagnosis_of.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::findings {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// Ten kernels of 90 µs, each followed by a copy of 10 µs.
std::string copies(std::string_view memory, std::string_view call = "cudaMemcpyAsync")
{
    Script script;
    script.window(1'100);
    for (int i = 0; i < 10; ++i)
        script.kernel(7, 1, 5 + i * 105, 95 + i * 105).copy(7, 1, "DtoH", memory, 98 + i * 105, 108 + i * 105, call);
    return script.text();
}

TEST(PageableCopy, IsFoundWithItsShareOfTheWorkAndTheLongestAsEvidence)
{
    const Diagnosed d(copies("pageable"));
    const Finding* finding = d.find("pageable-copy");
    ASSERT_TRUE(finding);
    EXPECT_THAT(finding->sentence,
                HasSubstr("10 asynchronous copies from the GPU to pageable memory take 100.000 µs, 10 % of the GPU's work"));
    EXPECT_THAT(finding->sentence, HasSubstr("their calls hold 1 thread for 120.000 µs"));
    ASSERT_EQ(finding->evidence.size(), 1u);
    EXPECT_EQ(finding->evidence.front().event.kind(), trace::EventKind::Memcpy);
    EXPECT_EQ(finding->evidence.front().time.duration(), 10'000);
}

// A call that had held its thread for long before the window made more of its time than the window lasts.
TEST(PageableCopy, CountsOfACallWhatLiesInTheWindow)
{
    const Diagnosed d("window 100000..400000\nkernel gpu0/stream7 gemm 100000..200000\n"
                      "api 12 cudaMemcpyAsync 0..130000 corr 1\nmemcpy gpu0/stream7 DtoH pageable 110000..130000 bytes 64 corr 1\n"
                      "api 12 cudaMemcpyAsync 200000..230000 corr 2\nmemcpy gpu0/stream7 DtoH pageable 210000..230000 bytes 64 corr 2\n"
                      "api 12 cudaMemcpyAsync 300000..330000 corr 3\nmemcpy gpu0/stream7 DtoH pageable 310000..330000 bytes 64 corr 3\n");
    EXPECT_THAT(d.sentence("pageable-copy"), HasSubstr("their calls hold 1 thread for 90.000 µs"));
}

TEST(PageableCopy, IsSilentOfPinnedMemory)
{
    EXPECT_TRUE(Diagnosed(copies("pinned")).wasSilent("pageable-copy"));
}

TEST(PageableCopy, IsSilentWhereCopiesAreNothingBesideTheWork)
{
    Script script;
    script.window(10'000)
        .copy(7, 1, "HtoD", "pageable", 10, 11)
        .copy(7, 1, "HtoD", "pageable", 20, 21)
        .copy(7, 1, "HtoD", "pageable", 30, 31);
    script.kernel(7, 1, 50, 9'000);
    EXPECT_TRUE(Diagnosed(script.text()).wasSilent("pageable-copy"));
}

TEST(PageableCopy, LeavesSynchronousCallsToTheirOwnRule)
{
    const Diagnosed d(copies("pageable", "cudaMemcpy"));
    EXPECT_TRUE(d.wasSilent("pageable-copy"));
    EXPECT_THAT(d.sentence("synchronous-copy"), HasSubstr("10 synchronous copies or memsets on 1 thread"));
}

TEST(PageableCopy, IsNotJudgedWhereTheKindOfMemoryIsUnknown)
{
    EXPECT_EQ(Diagnosed("window 0..1000\nmemcpy gpu0/stream7 DtoH other 0..100\n").whyNot("pageable-copy"),
              "the report does not say what kind of memory was copied");
}

TEST(SynchronousCopy, IsSilentOfAsynchronousOnes)
{
    EXPECT_TRUE(Diagnosed(copies("pinned")).wasSilent("synchronous-copy"));
}

TEST(SynchronousCopy, CountsMemsetsToo)
{
    Script script;
    script.window(1'000).kernel(7, 1, 5, 100);
    for (int i = 0; i < 5; ++i)
        script.line("api 1 cudaMemset {}..{}", 200'000 + i * 50'000, 230'000 + i * 50'000);
    EXPECT_THAT(Diagnosed(script.text()).sentence("synchronous-copy"), HasSubstr("for 150.000 µs, 15 % of the window"));
}

TEST(CopyBound, IsFoundWhereCopyingTakesLongerThanComputing)
{
    Script script;
    script.window(1'000).kernel(7, 1, 10, 110).copy(7, 1, "HtoD", "pinned", 120, 420);
    EXPECT_EQ(Diagnosed(script.text()).sentence("copy-bound"), "GPU 0 copies for 300.000 µs and computes for 100.000 µs.");
}

TEST(CopyBound, IsSilentWhereComputingTakesLonger)
{
    EXPECT_TRUE(Diagnosed(copies("pinned")).wasSilent("copy-bound"));
}

TEST(PcieBound, IsFoundWhereLargeCopiesAreFastAndFillTheWindow)
{
    Script script;
    script.window(1'000); // 20 MB in 400 µs: 50 GB/s
    script.copy(7, 1, "HtoD", "pinned", 10, 410, "cudaMemcpyAsync", 20'000'000).kernel(8, 1, 420, 430);
    const Diagnosed d(script.text());
    EXPECT_THAT(d.sentence("pcie-bound"), HasSubstr("at 50.0 GB/s"));
    EXPECT_FALSE(d.find("copy-bound")) << "said better by pcie-bound";
}

TEST(PcieBound, IsSilentOfSlowCopiesWhichTheBusDoesNotLimit)
{
    Script script;
    script.window(1'000).copy(7, 1, "HtoD", "pinned", 10, 410, "cudaMemcpyAsync", 400'000);
    EXPECT_TRUE(Diagnosed(script.text()).wasSilent("pcie-bound"));
}

} // namespace
} // namespace gantry::findings
