#include "tests/remote_server/node/capture_engine_fixture.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/window_cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <poll.h>
#include <thread>

namespace gantry::node {
namespace {

using testing::HasSubstr;

/// Metrics of a server that completes 1000 requests a second and has a queue as long as the test says.
class CountingServer : public MetricsSource
{
public:
    void add(MetricsSink& sink) override
    {
        const metrics::SeriesDefinition definitions[] = {
            {1, "nv_inference_request_success", "count", metrics::SeriesKind::Counter, {{"target", "t1"}}, {}},
            {2, "nv_inference_pending_request_count", "count", metrics::SeriesKind::Gauge, {{"target", "t1"}}, {}},
        };
        sink.onDefinitions(definitions);
        m_thread = std::jthread([this, &sink](const std::stop_token& stop) {
            const std::int64_t begin = FakeLibrary::now();
            while (!stop.stop_requested()) {
                const std::int64_t now = FakeLibrary::now();
                const metrics::Sample samples[] = {{1, now, static_cast<double>((now - begin) / 1'000'000)}, {2, now, queue.load()}};
                sink.onSamples(samples);
                poll(nullptr, 0, 10);
            }
        });
    }
    void remove(MetricsSink&) override { m_thread = {}; }

    std::atomic<double> queue = 0;

private:
    std::jthread m_thread;
};

class MeasuredCaptureTest : public CaptureEngineTest
{
protected:
    void SetUp() override
    {
        CaptureEngine::Options options;
        options.metrics = &server;
        startEngine(std::move(options));
        library = attach();
    }
    ~MeasuredCaptureTest() override { engine.reset(); } // before the server it listens to

    CountingServer server;
    std::unique_ptr<FakeLibrary> library;
};

TEST_F(MeasuredCaptureTest, AReportIsThereAtOnceAndHasTheTimeAfterItsWindowLater)
{
    std::int64_t began = FakeLibrary::now();
    const auto passed = [&](std::int64_t ms) { return test::eventually([&] { return FakeLibrary::now() - began > ms * 1'000'000; }); };
    ASSERT_TRUE(passed(700)); // of which the time before the window is taken
    const std::string id = start(request());
    library->open();
    ASSERT_TRUE(waitForState(id, proto::CaptureState::Capturing));
    began = FakeLibrary::now();
    ASSERT_TRUE(passed(500));
    ASSERT_TRUE(engine->stop(id));
    library->awaitClose();
    library->sendClosed();
    const proto::CaptureStatus done = finished(id);
    ASSERT_TRUE(done.isCostPending);
    EXPECT_EQ(done.costReport, done.reportName);
    EXPECT_TRUE(done.cost.before && done.cost.during) << done.cost.whyNoRate;
    EXPECT_FALSE(done.cost.after);
    EXPECT_EQ(meta(done.reportName, report::meta::kCostWhyNoAfter), "it was still to come when the report was written");

    ASSERT_TRUE(test::eventually([&] { return !engine->status(id)->isCostPending; }));
    const report::WindowCost cost = engine->status(id)->cost;
    ASSERT_TRUE(cost.before && cost.during && cost.after) << cost.whyNoAfter;
    EXPECT_NEAR(cost.after->requestsPerSecond(), 1000, 30);
    EXPECT_NEAR(cost.ratio.value_or(1), 0, 0.05);
    EXPECT_TRUE(cost.daemonCpu);
    EXPECT_EQ(meta(done.reportName, "GANTRY_COST_AFTER_REQUESTS"), std::to_string(cost.after->requests));
    EXPECT_EQ(report::WindowCost::of(load(done)->meta.settings).after, cost.after);
}

TEST_F(MeasuredCaptureTest, ARecorderSavesItselfWhenAMetricSaysSoAndTheReportSaysWhy)
{
    auto wanted = request();
    wanted.ringNs = 60'000'000'000;
    wanted.label = "night watch";
    wanted.saveWhen = {"nv_inference_pending_request_count > 10", 0, 2'000'000'000, 100'000'000, 1, 0};
    const std::string id = start(wanted);
    library->open();
    ASSERT_TRUE(waitForState(id, proto::CaptureState::Capturing));
    ASSERT_TRUE(test::eventually([&] { return engine->status(id)->saveState == "watching: 0"; }));
    const std::int64_t full = FakeLibrary::now();
    server.queue = 25;
    ASSERT_TRUE(test::eventually([&] { return engine->status(id)->saves.size() == 1; }));
    proto::CaptureStatus status = *engine->status(id);
    EXPECT_EQ(status.ruleSaves, 1u);
    status.reportName = status.saves[0].reportName;
    EXPECT_EQ(status.saveWhen, wanted.saveWhen.condition);
    EXPECT_THAT(status.saveState, HasSubstr("it has saved 1 reports"));
    EXPECT_EQ(meta(status.reportName, report::meta::kSavedBecause), "nv_inference_pending_request_count > 10 held: 25");
    const auto trace = load(status);
    EXPECT_EQ(trace->meta.title, "night watch: nv_inference_pending_request_count > 10");
    ASSERT_EQ(trace->nvtxMarks.size(), 1u);
    EXPECT_EQ(trace->strings[trace->nvtxMarks.label(0).text], "nv_inference_pending_request_count > 10 began");
    const std::int64_t marked = trace->meta.sessionMonotonicNs + trace->nvtxMarks.start[0];
    EXPECT_GE(marked, full);
    EXPECT_LT(marked, full + 1'000'000'000);
    EXPECT_EQ(report::WindowCost::of(trace->meta.settings).whyNoRate, "not measured: the recorder was on before and after, too");
}

TEST_F(MeasuredCaptureTest, ARecorderThatWouldWaitForAMetricThatIsNotThereIsRefused)
{
    auto wanted = request();
    wanted.ringNs = 60'000'000'000;
    wanted.saveWhen.condition = "nv_inference_pending_requests > 10";
    const auto refused = engine->start(wanted);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::NotFound);
    EXPECT_THAT(refused.error().message, HasSubstr("there are nv_inference_pending_request_count, "));
    EXPECT_TRUE(engine->captures().empty());
}

} // namespace
} // namespace gantry::node
