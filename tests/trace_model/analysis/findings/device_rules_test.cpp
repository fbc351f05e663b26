#include "tests/trace_model/analysis/findings/diagnosis_of.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::findings {
namespace {

using testing::HasSubstr;

/// A GPU that is busy for most of a second, and samples of its state.
std::string busyWith(std::string_view samples)
{
    return fmt::format("window 0..1000000000\nkernel gpu0/stream7 gemm 0..900000000 corr 1\n{}", samples);
}

TEST(Throttling, GivesTheDriversReason)
{
    const Diagnosed d(busyWith("gauge gpu_throttled{gpu=\"0\",reason=\"hw\"} 100000000=0 500000000=1\n"
                               "gauge gpu_throttled{gpu=\"0\",reason=\"sync\"} 100000000=0 500000000=0\n"));
    EXPECT_EQ(d.sentence("throttling"), "The clocks of GPU 0 were held down in the window. The driver's reason: hw.");
    EXPECT_EQ(d.diagnosis.findings.size(), 1u + (d.find("too-short") ? 1 : 0));
    EXPECT_TRUE(d.find("throttling")->evidence.front().time.contains(500'000'000));
}

TEST(Throttling, IsSilentWhereNothingHoldsClocksDown)
{
    EXPECT_TRUE(Diagnosed(busyWith("gauge gpu_throttled{gpu=\"0\",reason=\"hw\"} 100000000=0\n")).wasSilent("throttling"));
}

TEST(Throttling, IsSilentOfWhatWasBeforeAndBehindTheWindow)
{
    const Diagnosed d(busyWith("gauge gpu_throttled{gpu=\"0\",reason=\"hw\"} -4000000000=1 100000000=0 3000000000=1\n"));
    EXPECT_TRUE(d.wasSilent("throttling"));
}

TEST(Throttling, PutsNothingIntoACommandThatIsNoNumberOfAGpu)
{
    const Diagnosed d(busyWith("gauge gpu_throttled{gpu=\"0;reboot\",reason=\"hw\"} 100000000=0 500000000=1\n"));
    EXPECT_EQ(d.find("throttling")->remedies.front().edit, "nvidia-smi -i GPU -q -d TEMPERATURE,POWER,PERFORMANCE");
}

TEST(Throttling, IsNotJudgedWhereItWasNotRecorded)
{
    EXPECT_EQ(Diagnosed(busyWith("")).whyNot("throttling"), "what holds clocks down was not recorded");
}

TEST(ClockDrop, IsFoundUnderLoad)
{
    const Diagnosed d(busyWith("gauge gpu_sm_clock_hz{gpu=\"0\"} 100000000=1980000000 500000000=1200000000\n"));
    EXPECT_THAT(d.sentence("clock-drop"), HasSubstr("The SM clock of GPU 0 lies between 1200 and 1980 MHz"));
}

TEST(ClockDrop, IsSilentOfASteadyClock)
{
    EXPECT_TRUE(
        Diagnosed(busyWith("gauge gpu_sm_clock_hz{gpu=\"0\"} 100000000=1980000000 500000000=1950000000\n")).wasSilent("clock-drop"));
}

TEST(ClockDrop, IsNotJudgedOfAnIdleGpu)
{
    EXPECT_EQ(Diagnosed("window 0..1000000000\nkernel gpu0/stream7 gemm 0..9000000\n"
                        "gauge gpu_sm_clock_hz{gpu=\"0\"} 100000000=1980000000 500000000=345000000\n")
                  .whyNot("clock-drop"),
              "no GPU was busy enough for its clocks to matter");
}

TEST(PowerCap, IsFoundNearTheLimit)
{
    const Diagnosed d(
        busyWith("gauge gpu_power_w{gpu=\"0\"} 100000000=400 500000000=698\ngauge gpu_power_limit_w{gpu=\"0\"} 100000000=700\n"));
    EXPECT_THAT(d.sentence("power-cap"), HasSubstr("GPU 0 draws 698 W of the 700 W that it may"));
}

TEST(PowerCap, IsSilentBelowIt)
{
    EXPECT_TRUE(Diagnosed(busyWith("gauge gpu_power_w{gpu=\"0\"} 100000000=400\ngauge gpu_power_limit_w{gpu=\"0\"} 100000000=700\n"))
                    .wasSilent("power-cap"));
}

TEST(PowerCap, IsNotJudgedWithoutTheLimit)
{
    EXPECT_EQ(Diagnosed(busyWith("gauge gpu_power_w{gpu=\"0\"} 100000000=400\n")).whyNot("power-cap"),
              "the limit of the power was not recorded");
}

TEST(MemoryFull, ComparesUseAndSizeInTheSameUnit)
{
    const Diagnosed d(busyWith(
        "gauge gpu_memory_used_bytes{gpu=\"0\"} 100000000=82678120448\ngauge gpu_memory_total_bytes{gpu=\"0\"} 100000000=85899345920\n"));
    EXPECT_THAT(d.sentence("memory-full"), HasSubstr("GPU 0 uses 77.0 of its 80.0 GiB of memory"));
}

TEST(MemoryFull, IsSilentWhereThereIsRoom)
{
    EXPECT_TRUE(Diagnosed(busyWith("gauge gpu_memory_used_bytes{gpu=\"0\"} 100000000=2000000000\ngauge gpu_memory_total_bytes{gpu=\"0\"} "
                                   "100000000=85899345920\n"))
                    .wasSilent("memory-full"));
}

/// A trace with other facts about its recording.
template <typename Change>
Diagnosed changed(const std::string& script, Change change)
{
    auto trace = std::make_shared<trace::Trace>(*test::traceOf(script));
    change(*trace);
    return Diagnosed(std::move(trace));
}

TEST(Losses, AreNamed)
{
    const Diagnosed d = changed(busyWith(""), [](trace::Trace& trace) {
        trace.losses.push_back({"cupti_dropped_records", LossSeverity::Warning, 12, ""});
    });
    EXPECT_THAT(d.sentence("losses"), HasSubstr("12 records were dropped"));
}

TEST(Losses, IsSilentOfACompleteReport)
{
    EXPECT_TRUE(Diagnosed(busyWith("")).wasSilent("losses"));
}

TEST(CaptureCost, IsSaidWhereItIsClear)
{
    const Diagnosed d = changed(busyWith(""), [](trace::Trace& trace) {
        trace.meta.windowCostRatio = -0.18;
        trace.meta.windowCostError = 0.05;
    });
    EXPECT_THAT(d.sentence("capture-cost"), HasSubstr("took 18 % of the requests per second"));
}

TEST(CaptureCost, IsSilentWithinWhatItVariesBy)
{
    const Diagnosed d = changed(busyWith(""), [](trace::Trace& trace) {
        trace.meta.windowCostRatio = -0.06;
        trace.meta.windowCostError = 0.04;
    });
    EXPECT_TRUE(d.wasSilent("capture-cost"));
}

TEST(CaptureCost, IsNotJudgedWhereItWasNotMeasured)
{
    EXPECT_EQ(Diagnosed(busyWith("")).whyNot("capture-cost"), "what the window cost was not measured");
}

TEST(TooShort, SaysThatFewRequestsSayLittle)
{
    EXPECT_THAT(Diagnosed(Script().window(1000).request(1, 10, 20, 30).text()).sentence("too-short"),
                HasSubstr("Only 1 complete request in the window"));
}

TEST(TooShort, SaysThatFewKernelsSayLittle)
{
    EXPECT_THAT(Diagnosed(Script().window(1000).kernel(7, 1, 10, 20).text()).sentence("too-short"),
                HasSubstr("The GPU's work is one kernel or copy in 10.000 µs"));
}

TEST(TooShort, IsSilentOfALongEnoughWindow)
{
    Script script;
    script.window(100'000);
    for (int i = 0; i < 200; ++i)
        script.kernel(7, 1, 10 + i * 400, 200 + i * 400);
    EXPECT_TRUE(Diagnosed(script.text()).wasSilent("too-short"));
}

} // namespace
} // namespace gantry::findings
