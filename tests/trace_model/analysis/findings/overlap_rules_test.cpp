#include "tests/trace_model/analysis/findings/diagnosis_of.h"
#include "trace_model/import/gpu_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::findings {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Four instances with a stream each that take turns: a kernel, then the copy of its output, which takes a quarter of the stream's time.
std::string takingTurns(std::string_view memory, int lanes = 4)
{
    Script script;
    script.window(16'000);
    for (int turn = 0; turn < 160; ++turn) {
        const int lane = turn % lanes, from = turn * 100;
        script.kernel(13 + lane, 101 + lane, from, from + 75, 3, 2, "grid 8 block 128");
        script.copy(13 + lane, 101 + lane, "DtoH", memory, from + 75, from + 100);
    }
    return script.text();
}

// The case that the workbench was made for: four BERT instances, each stream a quarter pageable DtoH copies, and no overlap.
TEST(SerialStreams, FourInstancesWithPageableCopiesAreDiagnosedAsSuch)
{
    const Diagnosed d(takingTurns("pageable"));
    const Finding* finding = d.find("serial-streams");
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->severity, Severity::Problem);
    EXPECT_THAT(finding->sentence, HasSubstr("4 streams of GPU 0, busy for 25 % of the time each, run one after the other"));
    EXPECT_THAT(finding->sentence, HasSubstr("the concurrency factor is 1.00, where streams as busy as these would reach 1.46 by chance"));
    EXPECT_THAT(finding->sentence, HasSubstr("25 % of the streams' time are copies of pageable memory"));
    EXPECT_THAT(finding->remedies.front().edit, HasSubstr("--output-memory pinned"));
    EXPECT_THAT(d.sentence("pageable-copy"), HasSubstr("25 % of the GPU's work"));
    EXPECT_EQ(d.find("pageable-copy")->severity, Severity::Problem);
}

TEST(SerialStreams, IsSilentWhereStreamsOverlap)
{
    Script script;
    script.window(10'000);
    for (int i = 0; i < 90; ++i)
        for (int lane = 0; lane < 4; ++lane)
            script.kernel(13 + lane, 101 + lane, 10 + i * 100 + lane, 60 + i * 100 + lane);
    EXPECT_TRUE(Diagnosed(script.text()).wasSilent("serial-streams"));
}

TEST(SerialStreams, NamesTheLegacyDefaultStream)
{
    Script script;
    script.window(10'000);
    for (int i = 0; i < 100; ++i)
        script.kernel(i % 2 == 0 ? 7 : 13, 101 + i % 2, i * 100, i * 100 + 90, 3, 2, "grid 8 block 128");
    EXPECT_THAT(Diagnosed(script.text()).sentence("serial-streams"),
                HasSubstr("stream 7 is among them, which is the number of the legacy default stream"));
}

TEST(SerialStreams, TakesNoStreamForTheLegacyDefaultOfAProgramWithOneForEachThread)
{
    Script script;
    script.window(10'000);
    for (int i = 0; i < 100; ++i)
        script.kernel(i % 2 == 0 ? 7 : 13, 101 + i % 2, i * 100, i * 100 + 90, 3, 2, "grid 8 block 128");
    EXPECT_THAT(Diagnosed(script.text() + "api 101 cudaMemcpyAsync_ptsz_v7000 1000..2000\n").sentence("serial-streams"),
                Not(HasSubstr("legacy default stream")));
}

TEST(SerialStreams, NamesKernelsThatFillTheGpu)
{
    Script script;
    script.window(10'000);
    for (int i = 0; i < 100; ++i)
        script.kernel(13 + i % 2, 101 + i % 2, i * 100, i * 100 + 90, 3, 2, "grid 10000 block 256");
    EXPECT_THAT(Diagnosed(script.text()).sentence("serial-streams"),
                HasSubstr("100 % of the kernels' time is in kernels that fill the whole GPU"));
}

// Kernels of a third of an H100 fill a smaller GPU, and one was not told from the other.
TEST(SerialStreams, KnowsHowManyThreadsFillTheGpuThatWasRecorded)
{
    Script script;
    script.window(10'000);
    for (int i = 0; i < 100; ++i)
        script.kernel(13 + i % 2, 101 + i % 2, i * 100, i * 100 + 90, 3, 2, "grid 400 block 256");
    const auto trace = test::traceOf(script.text());
    const auto sentenceOf = [](const trace::Trace& one) {
        for (const Finding& finding : diagnose(one).findings)
            if (finding.rule == "serial-streams")
                return finding.sentence;
        return std::string();
    };
    EXPECT_THAT(sentenceOf(*trace), Not(HasSubstr("fill the whole GPU")));
    const auto small = std::const_pointer_cast<trace::Trace>(test::traceOf(script.text())); // of nobody else yet
    small->meta.settings[importing::residentThreadsSetting(0)] = std::to_string(58 * 1536); // an L4
    EXPECT_THAT(sentenceOf(*small), HasSubstr("in kernels that fill the whole GPU"));
}

TEST(SerialStreams, NamesInstancesThatHaveNoWorkAtTheSameTime)
{
    Script script;
    script.window(10'000);
    for (int i = 0; i < 100; ++i) {
        script.kernel(13 + i % 2, 101 + i % 2, i * 100 + 5, i * 100 + 95, 3, 2, "grid 8 block 128");
        script.execution(i + 1, 101 + i % 2, i * 100, i * 100 + 98).request(i + 1, i * 100, i * 100, i * 100 + 98, i + 1);
    }
    EXPECT_THAT(Diagnosed(script.text()).sentence("serial-streams"),
                HasSubstr("the instances themselves hardly ever execute at the same time"));
}

TEST(SerialStreams, NamesOneThreadThatFeedsThemAll)
{
    Script script;
    script.window(10'000);
    for (int i = 0; i < 100; ++i)
        script.kernel(13 + i % 2, 101, i * 100 + 5, i * 100 + 95, 3, 2, "grid 8 block 128");
    EXPECT_THAT(Diagnosed(script.text()).sentence("serial-streams"), HasSubstr("one thread launches the work of all of them"));
}

TEST(SerialStreams, NamesALockInTheHost)
{
    EXPECT_THAT(Diagnosed(takingTurns("pinned", 2)).sentence("serial-streams"),
                HasSubstr("the 2 threads that launch work never launch at the same time"));
}

TEST(SerialStreams, IsANoteWhereStreamsAreHardlyBusy)
{
    Script script;
    script.window(100'000);
    for (int i = 0; i < 100; ++i)
        script.kernel(13 + i % 4, 101 + i % 4, i * 1000 + 5, i * 1000 + 25);
    const Diagnosed d(script.text());
    ASSERT_TRUE(d.find("serial-streams"));
    EXPECT_EQ(d.find("serial-streams")->severity, Severity::Note);
    EXPECT_THAT(d.sentence("serial-streams"), HasSubstr("the GPU is idle for 98 % of the window"));
}

TEST(SerialStreams, IsSilentOfASingleStream)
{
    Script script;
    script.window(1'000);
    for (int i = 0; i < 9; ++i)
        script.kernel(7, 101, i * 100 + 5, i * 100 + 95);
    EXPECT_TRUE(Diagnosed(script.text()).wasSilent("serial-streams"));
}

TEST(SharedStream, IsFoundWhereThreadsLaunchOnItAtTheSameTime)
{
    Script script;
    script.window(10'000);
    for (int i = 0; i < 100; ++i)
        script.kernel(7, 101, i * 100 + 10, i * 100 + 50, 6, 4).kernel(7, 102, i * 100 + 51, i * 100 + 91, 46, 4);
    EXPECT_THAT(Diagnosed(script.text()).sentence("shared-stream"), HasSubstr("2 threads launch on stream 7 of GPU 0 at the same time"));
}

// A backward pass has a thread of its own, which launches while that of the forward pass waits.
TEST(SharedStream, IsSilentWhereThreadsTakeTurns)
{
    Script script;
    script.window(10'000);
    for (int i = 0; i < 100; ++i)
        script.kernel(7, 101 + i % 2, i * 100 + 10, i * 100 + 50);
    EXPECT_TRUE(Diagnosed(script.text()).wasSilent("shared-stream"));
}

TEST(SharedStream, IsNotJudgedWithoutCalls)
{
    EXPECT_THAT(Diagnosed("window 0..1000\nkernel gpu0/stream7 gemm 0..100\n").whyNot("shared-stream"),
                HasSubstr("no CUDA API calls were recorded"));
}

} // namespace
} // namespace gantry::findings
