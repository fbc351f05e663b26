#include "remote_server/node/cost_meter.h"

#include "remote_server/node/clock.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/report/report_writer.h"
#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <sys/prctl.h>
#include <thread>
#include <unistd.h>

namespace gantry::node {
namespace {

constexpr std::int64_t kMs = 1'000'000;

/// Windows on a server whose completed requests are counted by the clock: 1000 a second.
class CostMeterTest : public testing::Test
{
protected:
    CostMeterTest()
    {
        const metrics::SeriesDefinition completed{
            1, "nv_inference_request_success", "count", metrics::SeriesKind::Counter, {{"target", "t1"}}, {}};
        history.onDefinitions(std::span(&completed, 1));
        meter.emplace(CostMeter::Options{history, folder.path(), [this](const auto& id, const auto& report, const auto& cost) {
                                             const std::lock_guard lock(mutex);
                                             measured.emplace(report, cost);
                                             captureIds.push_back(id);
                                         }});
    }

    void countUpTo(std::int64_t time)
    {
        for (; m_counted <= time; m_counted += 10 * kMs) {
            const metrics::Sample sample{1, m_counted, static_cast<double>((m_counted - m_begin) / kMs)};
            history.onSamples(std::span(&sample, 1));
        }
    }

    /// A window that has just closed, `length` long.
    WindowCapture close(std::uint32_t id, std::int64_t length)
    {
        const std::int64_t now = monotonicNow();
        countUpTo(now);
        WindowCapture window{.openMonotonicNs = now - length, .closeMonotonicNs = now, .targetId = "t1"};
        history.copyTo(window);
        meter->closes("c1", id, window, true);
        return window;
    }

    std::string write(const std::string& name)
    {
        auto writer = report::ReportWriter::create(folder / name);
        EXPECT_TRUE(writer && writer->finish({}));
        return name;
    }

    /// Counts on until the figures of the report are complete.
    report::WindowCost awaitMeasured(const std::string& name)
    {
        EXPECT_TRUE(test::eventually([&] {
            countUpTo(monotonicNow());
            const std::lock_guard lock(mutex);
            return measured.count(name) > 0;
        }));
        const std::lock_guard lock(mutex);
        return measured.at(name);
    }

    test::TemporaryFolder folder;
    SampleHistory history;
    std::mutex mutex;
    std::map<std::string, report::WindowCost> measured;
    std::vector<std::string> captureIds;
    std::optional<CostMeter> meter;

private:
    const std::int64_t m_begin = monotonicNow() - 3000 * kMs;
    std::int64_t m_counted = m_begin;
};

TEST_F(CostMeterTest, TheTimeAfterTheWindowComesIntoTheReportThatIsAlreadyThere)
{
    meter->opens(1, "t1", {});
    close(1, 600 * kMs);
    EXPECT_TRUE(meter->written(1, write("a.gantry")));
    const report::WindowCost cost = awaitMeasured("a.gantry");
    ASSERT_TRUE(cost.before && cost.during && cost.after) << cost.whyNoRate << cost.whyNoAfter;
    for (const auto& span : {cost.before, cost.during, cost.after}) {
        EXPECT_NEAR(static_cast<double>(span->length), 600e6, 25e6) << "spans of the same length";
        EXPECT_NEAR(span->requestsPerSecond(), 1000, 20);
    }
    EXPECT_NEAR(cost.ratio.value(), 0, 0.03);
    EXPECT_EQ(report::WindowCost::of(trace::loadTrace(folder / "a.gantry").value()->meta.settings).after, cost.after);
    EXPECT_EQ(captureIds, std::vector<std::string>{"c1"});
}

TEST_F(CostMeterTest, ANextWindowEndsTheTimeThatTheLastOneIsComparedWith)
{
    meter->opens(1, "t1", {});
    close(1, 9000 * kMs);
    meter->opens(2, "t1", {}); // else there were 9 s to wait for
    EXPECT_TRUE(meter->written(1, write("a.gantry")));
    const report::WindowCost first = awaitMeasured("a.gantry");
    EXPECT_FALSE(first.after);
    EXPECT_EQ(first.whyNoAfter, "the next window began");
    const WindowCapture second = close(2, 0);
    EXPECT_GT(second.quietFromNs, second.openMonotonicNs - 5'000 * kMs) << "the time before begins behind the first window";
}

TEST_F(CostMeterTest, AWindowWithoutAServerThatCountsHasNothingToWaitFor)
{
    WindowCapture window{.openMonotonicNs = 1, .closeMonotonicNs = 2, .targetId = "t2"};
    history.copyTo(window);
    meter->opens(1, "t2", {});
    meter->closes("c1", 1, window, true);
    EXPECT_FALSE(meter->written(1, "a.gantry"));
}

TEST_F(CostMeterTest, CountsTheCpuTimeOfTheLibrarysThreadAndOfTheOneThatReadsIt)
{
    std::atomic<bool> works = false, stops = false;
    std::jthread library([&] {
        prctl(PR_SET_NAME, "gantry-control");
        meter->setCaptureThread(); // both in one, here
        works = true;
        while (!stops) {
        }
    });
    ASSERT_TRUE(test::eventually([&] { return works.load(); }));
    const int pid = getpid();
    meter->opens(1, "t1", std::span(&pid, 1));
    timespec before{}, now{};
    clockid_t clock{};
    ASSERT_EQ(pthread_getcpuclockid(library.native_handle(), &clock), 0);
    clock_gettime(clock, &before);
    const auto spent = [&] {
        clock_gettime(clock, &now);
        return (now.tv_sec - before.tv_sec) * 1'000'000'000LL + now.tv_nsec - before.tv_nsec;
    };
    ASSERT_TRUE(test::eventually([&] { return spent() > 50 * kMs; }));
    WindowCapture window{.openMonotonicNs = 1, .closeMonotonicNs = 2, .targetId = "t1"};
    window.processes.emplace_back().pid = pid;
    meter->closes("c1", 1, window, false);
    stops = true;
    ASSERT_TRUE(window.daemonCpu);
    EXPECT_GE(*window.daemonCpu, 50 * kMs);
    EXPECT_LE(*window.daemonCpu, spent() + 10 * kMs);
    if (!std::filesystem::exists("/proc/self/schedstat"))
        GTEST_SKIP() << "this kernel does not count the time of threads";
    ASSERT_TRUE(window.targetCpu);
    EXPECT_NEAR(static_cast<double>(*window.targetCpu), static_cast<double>(*window.daemonCpu), 20e6);
}

} // namespace
} // namespace gantry::node
