#include "app/desktop/live_series.h"

#include <QTest>

#include <algorithm>

using namespace gantry;
using namespace gantry::desktop;

namespace {

constexpr TimestampNs kSecond = 1'000'000'000;
constexpr TimestampNs kStart = 1000 * kSecond;

metrics::SeriesDefinition counter(std::uint32_t id, const char* name, const char* model = "bert_base")
{
    return {id, name, "count", metrics::SeriesKind::Counter, {{"model", model}, {"version", "1"}}, {}};
}

const LivePanel* panelOf(const std::vector<LivePanel>& panels, const char* key)
{
    const auto found = std::find_if(panels.begin(), panels.end(), [&](const LivePanel& panel) { return panel.key == QLatin1String(key); });
    return found == panels.end() ? nullptr : &*found;
}

/// A server that completes `perSecond` requests a second, each waiting 2 ms, in batches of four.
proto::MetricsBatch steadyServer(int second, double perSecond)
{
    proto::MetricsBatch batch;
    if (second == 0) {
        batch.definitions = {counter(10, "nv_inference_request_success"), counter(11, "nv_inference_queue_duration_us"),
                             counter(12, "nv_inference_count"), counter(13, "nv_inference_exec_count")};
    }
    const TimestampNs at = kStart + second * kSecond;
    const double done = second * perSecond;
    batch.samples = {{10, at, done}, {11, at, done * 2000}, {12, at, done}, {13, at, done / 4}};
    batch.nodeMonoNs = at;
    return batch;
}

} // namespace

class LiveSeriesTest : public QObject
{
    Q_OBJECT

private slots:
    void allPanelsWaitBeforeTheFirstSample()
    {
        LiveSeries series;
        QVERIFY(series.isEmpty());
        const auto panels = series.panels(series.window(60 * kSecond));
        for (const char* key : {"requests", "phases", "queue", "batch", "utilisation"}) {
            QVERIFY2(panelOf(panels, key), key);
            QVERIFY(panelOf(panels, key)->curves.empty());
        }
        QVERIFY(!panelOf(panels, "power"));
    }

    void ratesAndMeansPerRequestComeFromCounters()
    {
        LiveSeries series;
        for (int second = 0; second <= 10; ++second)
            series.add(steadyServer(second, 200));
        QCOMPARE(series.span(), 10 * kSecond);
        const auto panels = series.panels(series.window(60 * kSecond));
        const widgets::PlotCurve& requests = panelOf(panels, "requests")->curves.at(0);
        QCOMPARE(requests.name, QStringLiteral("bert_base"));
        QCOMPARE(requests.points.back().value, 200.0);
        QCOMPARE(panelOf(panels, "phases")->curves.at(0).name, QStringLiteral("queue"));
        QCOMPARE(panelOf(panels, "phases")->curves.at(0).points.back().value, 2000.0);
        QCOMPARE(panelOf(panels, "batch")->curves.at(0).points.back().value, 4.0);
    }

    void aServerThatEndedIsForgottenAfterAnHourAndComesBackAsANewOne()
    {
        LiveSeries series;
        proto::MetricsBatch batch;
        batch.definitions = {counter(1, "nv_inference_request_success", "old"), counter(2, "nv_inference_request_success", "stays")};
        batch.samples = {{1, kStart, 1}, {2, kStart, 1}};
        series.add(batch);
        const auto names = [&] {
            QStringList models;
            (void)series.panels(series.window(kSecond)); // looked at
            for (const metrics::SeriesDefinition* definition : series.definitions())
                models << QString::fromStdString(definition->labels.at("model"));
            return models;
        };
        QCOMPARE(names(), (QStringList{QStringLiteral("old"), QStringLiteral("stays")}));
        proto::MetricsBatch later;
        later.samples = {{2, kStart + 3700 * kSecond, 2}};
        series.add(later);
        QCOMPARE(names(), QStringList{QStringLiteral("stays")});
        proto::MetricsBatch back;
        back.definitions = {counter(3, "nv_inference_request_success", "old"), counter(4, "nv_inference_request_success", "new")};
        back.samples = {{2, kStart + 3701 * kSecond, 2}, {3, kStart + 3701 * kSecond, 1}, {4, kStart + 3701 * kSecond, 1}};
        series.add(back);
        QCOMPARE(names(), (QStringList{QStringLiteral("stays"), QStringLiteral("old"), QStringLiteral("new")}));
        QCOMPARE(series.dropped(), std::uint64_t{0});
    }

    void eachUtilisationOfAGpuSaysWhatItIsAndOneAloneNeedsNoMoreThanItsName()
    {
        const auto gauge = [](std::uint32_t id, const char* name, const char* gpu) {
            return metrics::SeriesDefinition{id, name, "ratio", metrics::SeriesKind::Gauge, {{"gpu", gpu}}, {}};
        };
        proto::MetricsBatch batch;
        batch.definitions = {gauge(1, "gpu_utilization_ratio", "0"), gauge(2, "gpm_sm_active_ratio", "0"), gauge(3, "gpm_dram_ratio", "0"),
                             gauge(4, "gpu_utilization_ratio", "1")};
        for (std::uint32_t id = 1; id <= 4; ++id)
            batch.samples.push_back({id, kStart, 0.5});
        batch.nodeMonoNs = kStart;
        LiveSeries series;
        series.add(batch);
        const auto panels = series.panels(series.window(60 * kSecond));
        QStringList names;
        for (const widgets::PlotCurve& curve : panelOf(panels, "utilisation")->curves)
            names << curve.name;
        QCOMPARE(names, QStringList({QStringLiteral("GPU 0 utilisation"), QStringLiteral("GPU 1"), QStringLiteral("GPU 0 SM active"),
                                     QStringLiteral("GPU 0 DRAM bandwidth")}));
    }

    void whatNobodyLookedAtIsThereForAMinuteAndNoLonger()
    {
        LiveSeries series;
        for (int second = 0; second <= 300; ++second)
            series.add(steadyServer(second, 200));
        QCOMPARE(series.span(), 300 * kSecond);
        const auto panels = series.panels(series.window(300 * kSecond));
        const auto& points = panelOf(panels, "requests")->curves.at(0).points;
        QVERIFY(points.back().time - points.front().time >= 60 * kSecond);
        QVERIFY(points.back().time - points.front().time <= LiveSeries::kKept);
        QCOMPARE(points.back().value, 200.0);
    }

    void aNewStreamOfTheSameMachineIsABreakAndThatOfAnotherOneIsANewBeginning()
    {
        LiveSeries series;
        series.restart("boot one");
        series.add(steadyServer(0, 100));
        series.add(steadyServer(1, 100));
        QVERIFY(series.breaks().empty());
        series.restart("boot one");
        QCOMPARE(series.breaks(), std::vector<TimestampNs>{kStart + kSecond + 1});
        series.restart("boot two");
        QVERIFY(series.breaks().empty() && series.isEmpty());
    }

    void aCurveGoesOnAcrossAReconnectThatNumbersSeriesAnew()
    {
        LiveSeries series;
        series.add(steadyServer(0, 100));
        series.add(steadyServer(1, 100));
        series.restart({});
        proto::MetricsBatch renumbered;
        renumbered.definitions = {counter(77, "nv_inference_request_success")};
        renumbered.samples = {{77, kStart + 2 * kSecond, 200}, {10, kStart + 2 * kSecond, 9999}};
        renumbered.nodeMonoNs = kStart + 2 * kSecond;
        series.add(renumbered);
        const auto panels = series.panels(series.window(60 * kSecond));
        QCOMPARE(panelOf(panels, "requests")->curves.size(), std::size_t{1});
        QCOMPARE(panelOf(panels, "requests")->curves.at(0).points.back().value, 100.0);
        QCOMPARE(series.dropped(), std::uint64_t{1}); // the sample with a number of the old stream
    }

    // After a reboot the node's clock starts again: every sample was older than the last one, and refused.
    void samplesOfARebootedNodeAreShown()
    {
        LiveSeries series;
        series.restart("first boot");
        series.add(steadyServer(0, 50));
        series.add(steadyServer(100, 50));
        series.restart("second boot");
        QVERIFY(series.isEmpty());
        series.add(steadyServer(0, 50));
        series.add(steadyServer(1, 50));
        QCOMPARE(series.dropped(), std::uint64_t{0});
        QCOMPARE(panelOf(series.panels(series.window(10 * kSecond)), "requests")->curves.at(0).points.back().value, 50.0);
    }

    void severalModelsAreToldApart()
    {
        LiveSeries series;
        proto::MetricsBatch batch;
        batch.definitions = {counter(1, "nv_inference_request_success", "add_sub"), counter(2, "nv_inference_request_success", "bert_base")};
        for (int second = 0; second < 3; ++second) {
            batch.samples.push_back({1, kStart + second * kSecond, second * 5.0});
            batch.samples.push_back({2, kStart + second * kSecond, second * 7.0});
        }
        batch.nodeMonoNs = kStart + 2 * kSecond;
        series.add(batch);
        const auto panels = series.panels(series.window(60 * kSecond));
        QCOMPARE(panelOf(panels, "requests")->curves.size(), std::size_t{2});
        QCOMPARE(panelOf(panels, "requests")->curves.at(1).name, QStringLiteral("bert_base"));
    }

    void serversOfTheSameModelAreToldApartByTheirNames()
    {
        LiveSeries series;
        proto::MetricsBatch batch;
        for (const std::uint32_t id : {1u, 2u}) {
            batch.definitions.push_back(counter(id, "nv_inference_request_success"));
            batch.definitions.back().labels["target"] = id == 1 ? "t1" : "t2";
            for (int second = 0; second < 3; ++second)
                batch.samples.push_back({id, kStart + second * kSecond, second * 5.0 * id});
        }
        std::stable_sort(batch.samples.begin(), batch.samples.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
        batch.nodeMonoNs = kStart + 2 * kSecond;
        series.add(batch);
        const auto panels = series.panels(series.window(60 * kSecond), [](const std::string& id) { return id == "t1" ? QStringLiteral("alpha") : QStringLiteral("beta"); });
        QCOMPARE(panelOf(panels, "requests")->curves.at(0).name, QStringLiteral("alpha: bert_base"));
        QCOMPARE(panelOf(panels, "requests")->curves.at(1).name, QStringLiteral("beta: bert_base"));
        QVERIFY(panelOf(panels, "phases:alpha: bert_base") && panelOf(panels, "phases:beta: bert_base"));
    }

    void ratiosAreShownInPercentAndPowerOnlyWhereThereIsAGpu()
    {
        LiveSeries series;
        proto::MetricsBatch batch;
        batch.definitions = {{1, "host_cpu_ratio", "ratio", metrics::SeriesKind::Gauge, {}, {}},
                             {2, "gpu_power_w", "W", metrics::SeriesKind::Gauge, {{"gpu", "0"}}, {}}};
        batch.samples = {{1, kStart, 0.25}, {2, kStart, 310}};
        batch.nodeMonoNs = kStart;
        series.add(batch);
        const auto panels = series.panels(series.window(60 * kSecond));
        QCOMPARE(panelOf(panels, "utilisation")->curves.at(0).points.at(0).value, 25.0);
        QCOMPARE(panelOf(panels, "utilisation")->curves.at(0).name, QStringLiteral("host CPU"));
        QVERIFY(panelOf(panels, "power"));
    }

    void historyStandsBeforeWhatIsMeasuredNowUnderTheSameName()
    {
        LiveSeries series;
        series.restart("boot");
        series.add(steadyServer(0, 50));
        series.add(steadyServer(1, 50));
        proto::HistoryPart part;
        metrics::SeriesDefinition requests = counter(3, "nv_inference_request_success"); // the history numbers series itself
        part.series.push_back(
            {requests, kSecond, {{kStart - 4 * kSecond, kStart - 3 * kSecond, kStart - 2 * kSecond, kStart}, {-90, -60, -30, 7}, {}, {}}});
        proto::HistoryPart later;
        requests.name.clear(); // defined before
        later.series.push_back({requests, kSecond, {{kStart + 5 * kSecond}, {7}, {}, {}}});
        series.addHistory(part);
        series.addHistory(later);
        QCOMPARE(series.span(), 5 * kSecond);
        const auto panels = series.panels(series.window(60 * kSecond));
        const auto& points = panelOf(panels, "requests")->curves.at(0).points;
        QCOMPARE(points.size(), std::size_t{4});
        QCOMPARE(points.at(0).value, 30.0);
        QCOMPARE(points.back().value, 50.0);
    }

    void aDashboardShowsItsPanelsThatHaveCurvesAndThoseThatWait()
    {
        LiveSeries series;
        series.restart("boot");
        for (int second = 0; second < 5; ++second)
            series.add(steadyServer(second, 50));
        const auto dashboard = metrics::Dashboard::parse(
            R"j({"title": "T", "panels": [{"title": "Batch", "unit": "requests", "kind": "area", "at_least": 2, "thresholds": [{"value": 3}],
                 "queries": [{"query": "rate(nv_inference_count) / rate(nv_inference_exec_count)", "legend": "{model}"}]},
                {"title": "Gone", "queries": ["nothing"]}, {"title": "Soon", "shown_empty": true, "queries": ["nothing"]}]})j");
        QVERIFY2(bool(dashboard), dashboard ? "" : dashboard.error().message.c_str());
        const auto panels =
            series.panels(*dashboard, series.window(60 * kSecond), [](const std::string& id) { return QString::fromStdString(id); });
        QCOMPARE(panels.size(), std::size_t{2});
        QCOMPARE(panels.at(0).title, QStringLiteral("Batch"));
        QVERIFY(panels.at(0).kind == metrics::PanelKind::Area);
        QCOMPARE(panels.at(0).curves.size(), std::size_t{1});
        QCOMPARE(panels.at(0).curves.at(0).name, QStringLiteral("bert_base"));
        QCOMPARE(panels.at(0).curves.at(0).points.back().value, 4.0);
        QCOMPARE(panels.at(0).thresholds.size(), std::size_t{1});
        QCOMPARE(panels.at(1).title, QStringLiteral("Soon"));
        QVERIFY(panels.at(1).curves.empty());
    }

    void anEarlierTimeIsMovedIntoThisOneBesideTheCurvesOfTheSameNames()
    {
        LivePanel now{QStringLiteral("a"), QStringLiteral("A"), QStringLiteral("W"), {{QStringLiteral("GPU 0"), {{kStart, 5}}, {}}}};
        LivePanel before = now;
        before.curves = {{QStringLiteral("gone"), {{kStart - 60 * kSecond, 1}}, {}},
                         {QStringLiteral("GPU 0"), {{kStart - 60 * kSecond, 3}}, {}}};
        LivePanel stacked = before;
        stacked.key = QStringLiteral("b");
        LivePanel stackedNow = now;
        stackedNow.key = stacked.key;
        stackedNow.kind = metrics::PanelKind::Area;
        const auto panels = withEarlier({now, stackedNow}, {before, stacked}, 60 * kSecond);
        QCOMPARE(panels.size(), std::size_t{2});
        QCOMPARE(panels[0].curves.size(), std::size_t{2}); // one that is there no more says nothing
        const widgets::PlotCurve& earlier = panels[0].curves[1];
        QVERIFY(earlier.isEarlier);
        QCOMPARE(earlier.points.front().time, kStart);
        QCOMPARE(earlier.points.front().value, 3.0);
        QCOMPARE(earlier.color, std::optional<std::size_t>(0));
        QCOMPARE(panels[1].curves.size(), std::size_t{1}); // curves that stand on each other have no room for others
    }

    // The node reads one clock after the other, and may be held up in between.
    void theWallClockIsTheEarliestThatTheNewestBatchesSay()
    {
        LiveSeries series;
        QVERIFY(!series.utcOffset());
        for (int second = 0; second < 40; ++second) {
            proto::MetricsBatch batch = steadyServer(second, 1);
            batch.nodeUtcNs = batch.nodeMonoNs + 500 * kSecond + (second % 3 == 0 ? 0 : kSecond / 4);
            series.add(batch);
            if (second == 20)
                QCOMPARE(series.utcOffset(), std::optional<DurationNs>(500 * kSecond));
        }
        for (int second = 40; second < 60; ++second) { // it is set by a minute
            proto::MetricsBatch batch = steadyServer(second, 1);
            batch.nodeUtcNs = batch.nodeMonoNs + 560 * kSecond;
            series.add(batch);
        }
        QCOMPARE(series.utcOffset(), std::optional<DurationNs>(560 * kSecond));
    }

    void aPanelOutOfViewIsThereWithoutAllOfItsPoints()
    {
        LiveSeries series;
        series.restart("boot");
        for (int second = 0; second < 60; ++second)
            series.add(steadyServer(second, 50));
        const auto dashboard = metrics::Dashboard::parse(
            R"j({"title": "T", "panels": [{"title": "A", "queries": ["rate(nv_inference_count)"]}, {"title": "B", "queries": ["rate(nv_inference_count)"]}]})j");
        QVERIFY(bool(dashboard));
        const auto panels = series.panels(
            *dashboard, series.window(60 * kSecond), [](const std::string& id) { return QString::fromStdString(id); },
            [](const QString& key) { return key == QStringLiteral("0"); });
        QCOMPARE(panels.size(), std::size_t{2});
        QVERIFY(panels.at(0).curves.at(0).points.size() > 50);
        QVERIFY(panels.at(1).curves.at(0).points.size() <= 11);
    }
};

QTEST_GUILESS_MAIN(LiveSeriesTest)
#include "live_series_test.moc"
