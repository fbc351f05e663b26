#include "remote_server/node/sampling/host_sampler.h"
#include "remote_server/node/sampling/nvml.h"
#include "remote_server/node/sampling/sampler.h"

#include "tests/remote_server/node/fake_proc.h"
#include "tests/remote_server/node/lost_fake_gpu.h"
#include "tests/remote_server/node/recorded_round.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <optional>
#include <set>
#include <stdexcept>

namespace gantry::node {
namespace {

using namespace std::chrono_literals;

/// A sink that a test waits on.
class RecordedStream : public MetricsSink
{
public:
    void onDefinitions(std::span<const metrics::SeriesDefinition> definitions) override
    {
        const std::lock_guard lock(m_mutex);
        m_definitions.insert(m_definitions.end(), definitions.begin(), definitions.end());
        m_changed.notify_all();
    }
    void onSamples(std::span<const metrics::Sample> samples) override
    {
        const std::lock_guard lock(m_mutex);
        for (const metrics::Sample& sample : samples) {
            const bool known =
                std::any_of(m_definitions.begin(), m_definitions.end(), [&](const auto& d) { return d.id == sample.seriesId; });
            m_undefined += known ? 0 : 1;
        }
        m_samples.insert(m_samples.end(), samples.begin(), samples.end());
        m_changed.notify_all();
    }
    void onDropped(std::uint64_t samples) override
    {
        const std::lock_guard lock(m_mutex);
        m_dropped += samples;
        m_changed.notify_all();
    }
    void onRemoved(std::span<const std::uint32_t> seriesIds) override
    {
        const std::lock_guard lock(m_mutex);
        m_removed.insert(seriesIds.begin(), seriesIds.end());
        m_changed.notify_all();
    }
    [[nodiscard]] bool waitForRemoved(std::size_t count)
    {
        std::unique_lock lock(m_mutex);
        return m_changed.wait_for(lock, 10s, [&] { return m_removed.size() >= count; });
    }
    [[nodiscard]] bool waitForDrops()
    {
        std::unique_lock lock(m_mutex);
        return m_changed.wait_for(lock, 10s, [&] { return m_dropped > 0; });
    }
    [[nodiscard]] std::set<std::uint32_t> removed() const
    {
        const std::lock_guard lock(m_mutex);
        return m_removed;
    }
    [[nodiscard]] bool waitForSamples(std::size_t count)
    {
        std::unique_lock lock(m_mutex);
        return m_changed.wait_for(lock, 10s, [&] { return m_samples.size() >= count; });
    }
    [[nodiscard]] bool waitForDefinitions(std::size_t count)
    {
        std::unique_lock lock(m_mutex);
        return m_changed.wait_for(lock, 10s, [&] { return m_definitions.size() >= count; });
    }
    [[nodiscard]] std::vector<metrics::SeriesDefinition> definitions() const
    {
        const std::lock_guard lock(m_mutex);
        return m_definitions;
    }
    [[nodiscard]] std::vector<metrics::Sample> samples() const
    {
        const std::lock_guard lock(m_mutex);
        return m_samples;
    }
    [[nodiscard]] int undefined() const
    {
        const std::lock_guard lock(m_mutex);
        return m_undefined;
    }

private:
    mutable std::mutex m_mutex;
    std::condition_variable m_changed;
    std::vector<metrics::SeriesDefinition> m_definitions;
    std::vector<metrics::Sample> m_samples;
    std::set<std::uint32_t> m_removed;
    std::uint64_t m_dropped = 0;
    int m_undefined = 0;
};

class ConstantSource : public SampleSource
{
public:
    explicit ConstantSource(std::string name) : m_name(std::move(name)) {}
    void sample(SampleRound& round) override { round.report(m_name, {{"k", "v"}}, "count", metrics::SeriesKind::Counter, "help", 7); }

private:
    std::string m_name;
};

/// A server that puts a new label on everything it says.
class RelabellingSource : public SampleSource
{
public:
    void sample(SampleRound& round) override
    {
        for (int i = 0; i < 500; ++i)
            round.report("n", {{"request", std::to_string(++m_count)}}, "count", metrics::SeriesKind::Gauge, "", 1);
    }

private:
    int m_count = 0;
};

/// A server whose pods live for one answer, with a minute from one answer to the next.
class PodsSource : public SampleSource
{
public:
    explicit PodsSource(std::size_t pods = 1) : m_pods(pods) {}
    void sample(SampleRound& round) override
    {
        round.setTime(m_time += 60'000'000'000);
        round.report("stays", {}, "count", metrics::SeriesKind::Gauge, "", 1);
        for (std::size_t i = 0; i < m_pods; ++i)
            round.report("pod", {{"uid", std::to_string(++m_count)}}, "count", metrics::SeriesKind::Gauge, "", 1);
    }

private:
    std::size_t m_pods, m_count = 0;
    TimestampNs m_time = 0;
};

class ThrowingSource : public SampleSource
{
public:
    void sample(SampleRound&) override { throw std::runtime_error("no memory"); }
};

TEST(HostSampler, ComputesTheCpuShareBetweenTwoRounds)
{
    const FakeProc proc;
    HostSampler sampler(proc.root());
    proc.write("stat", "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2 3 4\n");
    RecordedRound first;
    sampler.sample(first);
    EXPECT_FALSE(first.value("host_cpu_ratio")) << "one reading of a counter is no share";

    // 30 busy of 100 ticks; iowait is idle time, guest time is inside user.
    proc.write("stat", "cpu  110 5 110 750 120 1 3 1 9 9\n");
    RecordedRound second;
    sampler.sample(second);
    ASSERT_TRUE(second.value("host_cpu_ratio"));
    EXPECT_DOUBLE_EQ(*second.value("host_cpu_ratio"), 0.3);
}

TEST(HostSampler, LeavesOutTheShareOfARoundInWhichACounterFell)
{
    const FakeProc proc;
    HostSampler sampler(proc.root());
    RecordedRound rounds[4];
    // Stolen time falls by 20 ticks while all others grow, then idle time does.
    const char* const lines[] = {"cpu  100 0 100 700 0 0 0 50", "cpu  105 0 105 790 0 0 0 30", "cpu  155 0 155 690 0 0 0 30",
                                 "cpu  165 0 165 770 0 0 0 30"};
    for (int i = 0; i < 4; ++i) {
        proc.write("stat", lines[i]);
        sampler.sample(rounds[i]);
    }
    EXPECT_FALSE(rounds[1].value("host_cpu_ratio"));
    EXPECT_FALSE(rounds[2].value("host_cpu_ratio"));
    EXPECT_EQ(rounds[3].value("host_cpu_ratio"), 0.2);
}

TEST(HostSampler, CountsMemoryThatIsNotAvailableAsUsed)
{
    const FakeProc proc;
    proc.write("meminfo", "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB\n");
    HostSampler sampler(proc.root());
    RecordedRound round;
    sampler.sample(round);
    ASSERT_TRUE(round.value("host_memory_used_bytes"));
    EXPECT_DOUBLE_EQ(*round.value("host_memory_used_bytes"), 600.0 * 1024);
}

TEST(HostSampler, ReportsNothingWhereProcIsMissing)
{
    const test::TemporaryFolder empty;
    HostSampler sampler(empty.path());
    RecordedRound round;
    sampler.sample(round);
    sampler.sample(round);
    EXPECT_FALSE(round.value("host_cpu_ratio"));
    EXPECT_FALSE(round.value("host_memory_used_bytes"));
}

TEST(Nvml, ListsTheGpusOfTheDriver)
{
    const auto nvml = Nvml::open(FAKE_NVML);
    ASSERT_TRUE(nvml) << nvml.error().text();
    ASSERT_EQ((*nvml)->gpus().size(), 2U);
    EXPECT_EQ((*nvml)->gpus()[0].name, "Fake H100");
    EXPECT_EQ((*nvml)->gpus()[1].uuid, "GPU-2");
    EXPECT_EQ((*nvml)->gpus()[0].memoryTotalBytes, 1000U);
    EXPECT_EQ((*nvml)->gpus()[0].computeMajor, 9);
    EXPECT_EQ((*nvml)->gpus()[0].pciBusId, "") << "this driver does not say";
    EXPECT_EQ((*nvml)->driverVersion(), "580.65.06");
    EXPECT_EQ((*nvml)->cudaVersion(), "13.0");
}

TEST(Nvml, ReportsInBaseUnitsAndLeavesOutWhatADeviceDoesNotSay)
{
    const auto nvml = Nvml::open(FAKE_NVML);
    ASSERT_TRUE(nvml);
    RecordedRound round;
    (*nvml)->sample(round);
    EXPECT_EQ(round.value("gpu_utilization_ratio{gpu=0}"), 0.25);
    EXPECT_EQ(round.value("gpu_utilization_ratio{gpu=1}"), std::nullopt) << "a sentinel is not a value";
    EXPECT_EQ(round.value("gpu_power_w{gpu=0}"), 123.456);
    EXPECT_EQ(round.value("gpu_power_w{gpu=1}"), std::nullopt);
    EXPECT_EQ(round.value("gpu_memory_used_bytes{gpu=1}"), 600.0);
    EXPECT_EQ(round.value("gpu_sm_clock_hz{gpu=0}"), 1.98e9);
    EXPECT_EQ(round.value("gpu_throttled{gpu=0}{reason=hardware thermal}"), 0.0) << "idle is no throttling";
    EXPECT_EQ(round.value("gpu_throttled{gpu=1}{reason=hardware thermal}"), 1.0);
    EXPECT_EQ(round.value("gpu_memory_errors_uncorrected_total{gpu=1}"), 2.0);
    EXPECT_EQ(round.value("gpu_fan_ratio{gpu=0}"), std::nullopt) << "it has none";
    EXPECT_EQ(round.value("gpu_temperature_c{gpu=0}"), std::nullopt) << "the library lacks the function";
}

TEST(Nvml, TellsHowBusyThePartsOfAGpuWereSinceTheLastSample)
{
    const auto nvml = Nvml::open(FAKE_NVML);
    ASSERT_TRUE(nvml);
    RecordedRound first, second;
    (*nvml)->sample(first);
    EXPECT_EQ(first.value("gpm_sm_active_ratio{gpu=0}"), std::nullopt) << "two samples make a value";
    (*nvml)->sample(second);
    EXPECT_EQ(second.value("gpm_sm_active_ratio{gpu=0}"), 0.4);
    EXPECT_EQ(second.value("gpm_pcie_receive_bytes_per_second{gpu=0}"), 2.0 * 1024 * 1024);
    EXPECT_EQ(second.value("gpm_nvlink_receive_bytes_per_second{gpu=0}"), std::nullopt) << "it has none";
    EXPECT_EQ(second.value("gpm_sm_active_ratio{gpu=1}"), std::nullopt) << "this one cannot tell";
}

TEST(Nvml, ListsAGpuThatFellOffTheBusBeforeItWasOpenedWithItsProblem)
{
    const test::LostFakeGpu lost;
    const auto nvml = Nvml::open(FAKE_NVML);
    ASSERT_TRUE(nvml);
    const auto gpus = (*nvml)->gpus();
    ASSERT_EQ(gpus.size(), 2U) << "it is not left out";
    EXPECT_EQ(gpus[0].problem, "");
    EXPECT_EQ(gpus[1].index, 1U);
    EXPECT_EQ(gpus[1].problem, "it does not answer: GPU is lost");
    RecordedRound round;
    (*nvml)->sample(round);
    EXPECT_EQ(round.value("gpu_memory_used_bytes{gpu=0}"), 600.0);
    EXPECT_EQ(round.value("gpu_memory_used_bytes{gpu=1}"), std::nullopt);
}

TEST(Nvml, AGpuThatIsLostWhileItIsSampledHasAGapAndAProblemUntilItIsBack)
{
    const auto nvml = Nvml::open(FAKE_NVML);
    ASSERT_TRUE(nvml);
    const auto sampled = [&] {
        RecordedRound round;
        (*nvml)->sample(round);
        EXPECT_TRUE(round.value("gpu_memory_used_bytes{gpu=0}"));
        return round.value("gpu_sm_clock_hz{gpu=1}").has_value();
    };
    EXPECT_TRUE(sampled());
    {
        const test::LostFakeGpu lost;
        EXPECT_FALSE(sampled()) << "also what its driver would still tell from before";
        EXPECT_EQ((*nvml)->gpus()[1].problem, "it does not answer: GPU is lost");
        EXPECT_EQ((*nvml)->gpus()[1].name, "Fake A2");
    }
    EXPECT_TRUE(sampled());
    EXPECT_EQ((*nvml)->gpus()[1].problem, "");
}

TEST(Nvml, SaysWhyThereIsNoGpu)
{
    const auto nvml = Nvml::open("libgantry-no-such-driver.so.1");
    ASSERT_FALSE(nvml);
    EXPECT_EQ(nvml.error().code, ErrorCode::Unsupported);
    EXPECT_NE(nvml.error().message.find("no GPU"), std::string::npos);
    EXPECT_NE(nvml.error().message.find("libgantry-no-such-driver.so.1"), std::string::npos);
}

TEST(Sampler, DefinesASeriesOnceAndBeforeItsFirstSample)
{
    RecordedStream stream;
    Sampler sampler(1ms);
    sampler.add(stream);
    sampler.addSource("a", std::make_unique<ConstantSource>("a"));
    ASSERT_TRUE(stream.waitForSamples(5));
    sampler.remove(stream);
    EXPECT_EQ(stream.definitions().size(), 1U);
    EXPECT_EQ(stream.undefined(), 0);
    EXPECT_EQ(stream.definitions()[0].kind, metrics::SeriesKind::Counter);
    const auto samples = stream.samples();
    for (std::size_t i = 1; i < samples.size(); ++i)
        EXPECT_GT(samples[i].time, samples[i - 1].time);
}

TEST(Sampler, GivesALateSinkAllDefinitionsFirst)
{
    Sampler sampler(1ms);
    RecordedStream early;
    sampler.add(early);
    sampler.addSource("a", std::make_unique<ConstantSource>("a"));
    sampler.addSource("b", std::make_unique<ConstantSource>("b"));
    ASSERT_TRUE(early.waitForDefinitions(2));
    RecordedStream late;
    sampler.add(late);
    EXPECT_EQ(late.definitions().size(), 2U);
    sampler.remove(early);
    sampler.remove(late);
}

TEST(Sampler, KeepsTheIdOfASeriesWhoseSourceComesBack)
{
    Sampler sampler(1ms);
    RecordedStream stream;
    sampler.add(stream);
    sampler.addSource("a", std::make_unique<ConstantSource>("a"));
    ASSERT_TRUE(stream.waitForSamples(1));
    sampler.removeSource("a");
    const std::size_t before = stream.samples().size();
    sampler.addSource("a", std::make_unique<ConstantSource>("a"));
    ASSERT_TRUE(stream.waitForSamples(before + 1));
    sampler.remove(stream);
    EXPECT_EQ(stream.definitions().size(), 1U);
    EXPECT_EQ(stream.samples().back().seriesId, stream.samples().front().seriesId);
}

TEST(Sampler, BoundsTheSeriesOfASourceAndCountsWhatIsBeyond)
{
    Sampler sampler(1ms);
    RecordedStream stream;
    const AttachedSink attached(sampler, stream);
    sampler.addSource("relabelling", std::make_unique<RelabellingSource>());
    ASSERT_TRUE(stream.waitForDrops());
    EXPECT_EQ(stream.definitions().size(), kMostSeriesPerSource);
    sampler.addSource("other", std::make_unique<ConstantSource>("other"));
    EXPECT_TRUE(stream.waitForDefinitions(kMostSeriesPerSource + 1)) << "the bound is one for each source";
    EXPECT_EQ(stream.undefined(), 0);
}

TEST(Sampler, ForgetsTheSeriesOfSourcesThatAreLongGone)
{
    constexpr std::size_t kSources = 40;
    Sampler sampler(1ms);
    RecordedStream early;
    const AttachedSink attached(sampler, early);
    for (std::size_t i = 0; i < kSources; ++i) {
        const std::string key = "t" + std::to_string(i);
        sampler.addSource(key, std::make_unique<ConstantSource>(key));
        ASSERT_TRUE(early.waitForDefinitions(i + 1));
        sampler.removeSource(key);
    }
    RecordedStream late;
    const AttachedSink attachedLate(sampler, late);
    const auto kept = late.definitions();
    ASSERT_FALSE(kept.empty());
    EXPECT_LT(kept.size(), kSources / 2);
    EXPECT_EQ(kept.size() + early.removed().size(), kSources);
    EXPECT_EQ(kept.back().name, "t39") << "the oldest go first";
}

TEST(Sampler, ForgetsSeriesThatTheirSourceDoesNotReportAnyMore)
{
    Sampler sampler(1ms);
    RecordedStream stream;
    const AttachedSink attached(sampler, stream);
    sampler.addSource("pods", std::make_unique<PodsSource>());
    ASSERT_TRUE(stream.waitForDefinitions(10));
    EXPECT_TRUE(stream.waitForRemoved(4)) << "a pod is seen once";
    sampler.removeSource("pods");
    const std::set<std::uint32_t> removed = stream.removed();
    const std::vector<metrics::Sample> samples = stream.samples();
    EXPECT_FALSE(removed.contains(samples.front().seriesId)) << "what is still reported stays";
    for (const metrics::Sample& sample : samples)
        EXPECT_TRUE(!removed.contains(sample.seriesId) || sample.time < samples.back().time - 300'000'000'000);
    EXPECT_EQ(stream.undefined(), 0);
}

/// A server that answers, is silent for ten minutes and answers again.
class SilentSource : public SampleSource
{
public:
    void sample(SampleRound& round) override
    {
        round.setTime(++m_rounds < 5 ? m_rounds : 600'000'000'000 + m_rounds);
        round.report("a", {}, "count", metrics::SeriesKind::Gauge, "", 1);
    }

private:
    TimestampNs m_rounds = 0;
};

TEST(Sampler, DefinesASeriesAgainWhoseServerWasSilentForLongForItMayBeForgottenElsewhere)
{
    Sampler sampler(1ms);
    RecordedStream stream;
    const AttachedSink attached(sampler, stream);
    sampler.addSource("a", std::make_unique<SilentSource>());
    ASSERT_TRUE(stream.waitForSamples(10));
    const auto definitions = stream.definitions();
    ASSERT_EQ(definitions.size(), 2U);
    EXPECT_EQ(definitions[0].id, definitions[1].id);
}

TEST(Sampler, HasRoomAgainForASourceWhoseLabelsChangeOnceWhatItReportedHasEnded)
{
    Sampler sampler(1ms);
    RecordedStream stream;
    const AttachedSink attached(sampler, stream);
    sampler.addSource("pods", std::make_unique<PodsSource>(kMostSeriesPerSource));
    ASSERT_TRUE(stream.waitForDrops());
    EXPECT_TRUE(stream.waitForDefinitions(kMostSeriesPerSource + 2)) << "two minutes on there is room for others";
}

TEST(Sampler, MeasuresTheOtherSourcesWhenOneThrows)
{
    Sampler sampler(1ms);
    RecordedStream stream;
    const AttachedSink attached(sampler, stream);
    sampler.addSource("a", std::make_unique<ThrowingSource>()); // comes before the other
    sampler.addSource("b", std::make_unique<ConstantSource>("b"));
    EXPECT_TRUE(stream.waitForSamples(3));
}

TEST(AttachedSink, DetachesWhenAnExceptionEndsIt)
{
    Sampler sampler(1ms);
    sampler.addSource("a", std::make_unique<ConstantSource>("a"));
    RecordedStream stays, goes;
    const AttachedSink attached(sampler, stays);
    EXPECT_THROW(
        {
            const AttachedSink leaves(sampler, goes);
            throw std::runtime_error("no memory");
        },
        std::runtime_error);
    const std::size_t atEnd = goes.samples().size();
    ASSERT_TRUE(stays.waitForSamples(stays.samples().size() + 5));
    EXPECT_EQ(goes.samples().size(), atEnd);
}

TEST(Sampler, CallsARemovedSinkNoMore)
{
    Sampler sampler(1ms);
    sampler.addSource("a", std::make_unique<ConstantSource>("a"));
    RecordedStream stays;
    sampler.add(stays);
    std::size_t atRemoval = 0;
    RecordedStream goes;
    sampler.add(goes);
    ASSERT_TRUE(goes.waitForSamples(1));
    sampler.remove(goes);
    atRemoval = goes.samples().size();
    ASSERT_TRUE(stays.waitForSamples(stays.samples().size() + 5));
    EXPECT_EQ(goes.samples().size(), atRemoval);
    sampler.remove(stays);
}

} // namespace
} // namespace gantry::node
