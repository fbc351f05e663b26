#include "remote_server/node/window_cost.h"

#include "remote_server/node/report_assembler.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/report/database.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace gantry::node {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kOpen = 100 * kSecond;
constexpr std::int64_t kClose = 102 * kSecond;
constexpr char kTarget[] = "t1";

/// A window of two seconds on a server whose success counter is scraped each 100 ms, from ten seconds before.
class WindowCost : public testing::Test
{
protected:
    /// A counter that grows by `before` requests a second and, in the window, by `during`.
    void addCounter(double before, double during, const std::string& target = kTarget)
    {
        metrics::SeriesDefinition definition;
        definition.id = static_cast<std::uint32_t>(m_window.series.size() + 1);
        definition.name = "nv_inference_request_success";
        definition.kind = metrics::SeriesKind::Counter;
        definition.labels = {{"model", "model_" + std::to_string(definition.id)}, {"target", target}};
        m_window.series.push_back(definition);
        double value = 5000;
        for (std::int64_t at = kOpen - 10 * kSecond; at <= m_window.closeMonotonicNs; at += kSecond / 10) {
            m_window.samples.push_back({definition.id, at, std::round(value)});
            value += (at < kOpen ? before : during) / 10;
        }
    }

    trace::TraceMeta assembled()
    {
        const auto path = m_folder / "a.gantry";
        const auto written = assembleReport(m_window, path);
        EXPECT_TRUE(written) << written.error().text();
        const auto loaded = trace::loadTrace(path);
        EXPECT_TRUE(loaded) << loaded.error().text();
        m_trace = *loaded;
        return m_trace->meta;
    }

    test::TemporaryFolder m_folder;
    WindowCapture m_window{
        .openMonotonicNs = kOpen, .closeMonotonicNs = kClose, .openRealtimeNs = 1'700'000'000 * kSecond, .targetId = kTarget};
    std::shared_ptr<const trace::Trace> m_trace;
};

TEST_F(WindowCost, ComparesTheRatesBeforeAndInTheWindowAndSaysHowSureThatIs)
{
    addCounter(100, 80);
    const trace::TraceMeta meta = assembled();
    ASSERT_TRUE(meta.windowCostRatio && meta.windowCostError);
    EXPECT_NEAR(*meta.windowCostRatio, -0.2, 1e-6);
    // 200 requests in the two seconds before, 160 in the window; counts scatter by their square root.
    EXPECT_NEAR(*meta.windowCostError, 0.8 * std::sqrt(1.0 / 200 + 1.0 / 160), 1e-6);
    const report::WindowCost cost = report::WindowCost::of(meta.settings);
    ASSERT_TRUE(cost.before && cost.during);
    EXPECT_EQ(cost.before->requests, 200u);
    EXPECT_EQ(cost.during->requests, 160u);
    EXPECT_EQ(cost.before->length, cost.during->length);
    EXPECT_FALSE(cost.after);
    EXPECT_EQ(cost.whyNoAfter, "it was still to come when the report was written");
    EXPECT_EQ(cost.whyNoLatency, "the server publishes no histogram of its latencies") << "absent, not zero";
}

TEST_F(WindowCost, TheTimeAfterItCountsAsTheTimeBeforeItDoes)
{
    addCounter(100, 80);
    m_window.afterFromNs = kClose + kSecond;
    double value = m_window.samples.back().value;
    for (std::int64_t at = kClose + kSecond / 10; at <= kClose + 4 * kSecond; at += kSecond / 10)
        m_window.samples.push_back({1, at, std::round(value += 6)});
    const report::WindowCost cost = windowCost(m_window);
    ASSERT_TRUE(cost.after && cost.ratio && cost.error);
    EXPECT_EQ(cost.after->requests, 120u) << "of the two seconds behind the flush";
    EXPECT_NEAR(*cost.ratio, 0.0, 1e-6) << "80 a second against 100 before and 60 after";
    EXPECT_EQ(cost.whyNoAfter, "");
}

TEST_F(WindowCost, SaysHowMuchLongerRequestsTookFromTheHistogramOfTheServer)
{
    addCounter(1000, 1000);
    const auto addBucket = [&](const char* le, double shareBefore, double shareIn) {
        metrics::SeriesDefinition bucket;
        bucket.id = static_cast<std::uint32_t>(m_window.series.size() + 1);
        bucket.name = "nv_inference_first_response_histogram_ms_bucket";
        bucket.labels = {{"model", "model_1"}, {"le", le}, {"target", kTarget}};
        m_window.series.push_back(bucket);
        double value = 0;
        for (std::int64_t at = kOpen - 10 * kSecond; at <= kClose; at += kSecond / 10) {
            m_window.samples.push_back({bucket.id, at, value});
            value += 100 * (at < kOpen ? shareBefore : shareIn);
        }
    };
    addBucket("10", 0.98, 0.98);
    addBucket("12", 1, 0.98); // in the window the slowest fiftieth is a bucket further
    addBucket("14", 1, 1);
    addBucket("+Inf", 1, 1);
    const trace::TraceMeta meta = assembled();
    const report::WindowCost cost = report::WindowCost::of(meta.settings);
    ASSERT_TRUE(cost.p50 && cost.p99 && cost.before && cost.during) << cost.whyNoLatency;
    EXPECT_EQ(cost.before->p99, 11'000'000);
    EXPECT_EQ(cost.during->p99, 13'000'000);
    EXPECT_EQ(cost.p99->value, 2'000'000);
    EXPECT_GT(cost.p99->error, 2'000'000 / std::sqrt(12)) << "where in a bucket of 2 ms it lies is not known";
    EXPECT_EQ(cost.p50->value, 0);
    for (const trace::Track& track : m_trace->tracks)
        EXPECT_EQ(track.counter.source.find("_bucket"), std::string::npos) << "no row for each bucket";
}

TEST_F(WindowCost, SaysHowManyRequestsWereTooFewToSay)
{
    addCounter(100, 4);
    EXPECT_FALSE(assembled().windowCostRatio);
    EXPECT_EQ(report::WindowCost::of(m_trace->meta.settings).whyNoRate, "too few requests to say: 8 in the window, 200 beside it");
}

TEST_F(WindowCost, ReadsTheCountersOfEnginesThatAreNotTriton)
{
    addCounter(1000, 900);
    m_window.series.back().name = "vllm:request_success_total";
    EXPECT_NEAR(windowCost(m_window).ratio.value_or(0), -0.1, 1e-6);
    m_window.series.back().name = "sglang:e2e_request_latency_seconds_count"; // the only one of its counters that is there
    EXPECT_NEAR(windowCost(m_window).ratio.value_or(0), -0.1, 1e-6);
}

TEST_F(WindowCost, ATimeInWhichAnotherWindowWasOpenIsNotComparedWith)
{
    addCounter(100, 100);
    m_window.quietFromNs = kOpen - kSecond;
    EXPECT_EQ(windowCost(m_window).before.value().requests, 100u) << "the second since";
    m_window.quietFromNs = kOpen - kSecond / 100;
    EXPECT_EQ(windowCost(m_window).whyNoRate, "not measured: another window was open just before");
    m_window.isOfRing = true;
    EXPECT_EQ(windowCost(m_window).whyNoRate, "not measured: the recorder was on before and after, too");
}

TEST_F(WindowCost, IsLessSureWithFewerRequests)
{
    addCounter(10, 10);
    const trace::TraceMeta few = assembled();
    m_window.series.clear();
    m_window.samples.clear();
    addCounter(1000, 1000);
    const trace::TraceMeta many = assembled();
    ASSERT_TRUE(few.windowCostError && many.windowCostError);
    EXPECT_NEAR(*few.windowCostError / *many.windowCostError, 10, 1e-3); // a hundredth of the requests
}

// A load that had just begun gave "+79.7 % ± 27.5 %", batches of eight an error that was three times too small.
TEST_F(WindowCost, IsAsUnsureAsTheLoadIsUneven)
{
    addCounter(100, 200);
    for (metrics::Sample& sample : m_window.samples) // nothing until 3 s before the window
        sample.value = std::max(sample.value, 5000.0 + 700);
    const trace::TraceMeta begun = assembled();
    ASSERT_TRUE(begun.windowCostRatio && begun.windowCostError);
    EXPECT_GT(*begun.windowCostError, 0.4);
    EXPECT_FALSE(begun.isWindowCostClear());

    m_window.series.clear();
    m_window.samples.clear();
    addCounter(4000, 4000);
    const double even = assembled().windowCostError.value();
    EXPECT_TRUE(m_trace->meta.isWindowCostClear());
    for (metrics::Sample& sample : m_window.samples) // all requests of 1.5 s at once
        sample.value = std::floor(sample.value / 6000) * 6000;
    EXPECT_GT(assembled().windowCostError.value(), 3 * even);
}

TEST_F(WindowCost, LeavesTheMetricsOfOtherServersOutOfTheReport)
{
    addCounter(100, 100);
    addCounter(1000, 1000, "t2");
    assembled();
    std::vector<std::string> names;
    for (const trace::Track& track : m_trace->tracks)
        if (track.kind == trace::TrackKind::Counter)
            names.push_back(track.name + " " + track.counter.source);
    EXPECT_EQ(names, (std::vector<std::string>{"model_1 requests nv_inference_request_success{model=\"model_1\"}"}));
}

TEST_F(WindowCost, SumsTheModelsOfTheTargetAndLeavesOtherServersOut)
{
    addCounter(100, 100);
    addCounter(300, 100);
    addCounter(1000, 10, "t2");
    const trace::TraceMeta meta = assembled();
    ASSERT_TRUE(meta.windowCostRatio);
    EXPECT_NEAR(*meta.windowCostRatio, -0.5, 1e-6);
}

TEST_F(WindowCost, IsAbsentWithoutRequestsBeforeOrInTheWindow)
{
    addCounter(0, 100);
    EXPECT_FALSE(assembled().windowCostRatio);
    EXPECT_FALSE(m_trace->meta.windowCostError);
    m_window.series.clear();
    m_window.samples.clear();
    addCounter(100, 0);
    EXPECT_FALSE(assembled().windowCostRatio);
    EXPECT_FALSE(m_trace->meta.windowCostError);
}

TEST_F(WindowCost, IsAbsentForAWindowThatIsShorterThanAScrapeOrTwo)
{
    m_window.closeMonotonicNs = kOpen + kSecond / 10;
    addCounter(100, 100);
    EXPECT_FALSE(assembled().windowCostRatio);
}

TEST_F(WindowCost, IsAbsentWithoutAServerThatCounts)
{
    const trace::TraceMeta meta = assembled();
    EXPECT_FALSE(meta.windowCostRatio);
    EXPECT_FALSE(meta.windowCostError);
}

TEST_F(WindowCost, ARestartOfTheServerIsNoCost)
{
    addCounter(100, 100);
    for (metrics::Sample& sample : m_window.samples) {
        if (sample.time >= kOpen + kSecond)
            sample.value -= 5500; // begins again in the middle of the window
    }
    EXPECT_FALSE(assembled().windowCostRatio);
}

TEST_F(WindowCost, TheSamplesOfTheWindowAndOfSomeSecondsAroundItAreInTheReport)
{
    addCounter(100, 100);
    assembled();
    for (const trace::Track& track : m_trace->tracks) {
        if (track.kind != trace::TrackKind::Counter)
            continue;
        EXPECT_GE(track.counter.time.front(), -kMetricsMargin);
        EXPECT_LT(track.counter.time.front(), 0);
        EXPECT_LE(track.counter.time.back(), kClose - kOpen + kMetricsMargin);
    }
    EXPECT_EQ(m_trace->time, (TimeRange{0, kClose - kOpen}));
    EXPECT_EQ(m_trace->meta.sessionUtcNs, 1'700'000'000 * kSecond);
}

} // namespace
} // namespace gantry::node
