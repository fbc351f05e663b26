#include "app/desktop/dashboard_editor.h"

#include "app/desktop/dashboards.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QTableWidget>
#include <QTemporaryDir>
#include <QTest>
#include <QTreeWidget>

#include <algorithm>

using namespace gantry;
using namespace gantry::desktop;

namespace {

metrics::Dashboard twoPanels()
{
    auto dashboard = metrics::Dashboard::parse(R"j({"title": "GPUs", "applies_to": ["gpu_power_w"], "panels": [
        {"title": "Power", "unit": "W", "queries": [{"query": "gpu_power_w", "legend": "GPU {gpu}"}]},
        {"title": "Clock", "unit": "MHz", "queries": ["gpu_sm_clock_hz / 1000000"]}]})j");
    return dashboard ? std::move(*dashboard) : metrics::Dashboard();
}

std::vector<KnownMetric> someMetrics()
{
    using metrics::SeriesKind;
    static const std::vector<metrics::SeriesDefinition> kSeries{
        {1, "gpu_power_w", "W", SeriesKind::Gauge, {{"gpu", "0"}}, "Power that the board draws."},
        {2, "gpu_power_w", "W", SeriesKind::Gauge, {{"gpu", "1"}}, "Power that the board draws."},
        {3, "nv_inference_count", "count", SeriesKind::Counter, {{"model", "bert"}}, "Inferences performed."},
        {4, "ttft_seconds_bucket", "s", SeriesKind::Counter, {{"le", "0.1"}}, "Time to the first token."},
        {5, "ttft_seconds_bucket", "s", SeriesKind::Counter, {{"le", "1"}}, "Time to the first token."}};
    std::vector<const metrics::SeriesDefinition*> all;
    for (const metrics::SeriesDefinition& series : kSeries)
        all.push_back(&series);
    return metricsOf(all);
}

} // namespace

class DashboardEditorTest : public QObject
{
    Q_OBJECT

private slots:
    void seriesAreMetricsByTheirNamesAndBucketsAreAHistogram()
    {
        const auto known = someMetrics();
        QCOMPARE(known.size(), std::size_t{3});
        QCOMPARE(known[0].name, QStringLiteral("gpu_power_w"));
        QCOMPARE(known[0].series, 2);
        QCOMPARE(known[0].labels, QStringList{QStringLiteral("gpu")});
        QCOMPARE(known[0].query(), QStringLiteral("gpu_power_w"));
        QCOMPARE(known[1].query(), QStringLiteral("rate(nv_inference_count)"));
        QCOMPARE(known[2].query(), QStringLiteral("p99(ttft_seconds)"));
        for (const KnownMetric& metric : known)
            QVERIFY2(metrics::MetricQuery::parse(metric.query().toStdString()), qPrintable(metric.query()));
    }

    void aMetricIsFoundByWordsOfItsHelpAndItsHelpIsShown()
    {
        MetricPicker picker(someMetrics());
        picker.show();
        QTest::keyClicks(picker.findChild<QLineEdit*>(QStringLiteral("metricSearch")), QStringLiteral("FIRST token"));
        QVERIFY(picker.chosen());
        QCOMPARE(picker.chosen()->name, QStringLiteral("ttft_seconds"));
        QVERIFY(picker.findChild<QLabel*>(QStringLiteral("metricHelp"))->text().startsWith(QStringLiteral("Time to the first token.")));
        QTest::keyClicks(picker.findChild<QLineEdit*>(QStringLiteral("metricSearch")), QStringLiteral(" nowhere"));
        QVERIFY(!picker.chosen());
        QVERIFY(!picker.findChild<QDialogButtonBox*>()->button(QDialogButtonBox::Ok)->isEnabled());
        QVERIFY(picker.findChild<QLabel*>(QStringLiteral("metricHelp"))->text().startsWith(QStringLiteral("No metric has these words")));
    }

    void whatIsChangedIsInTheDashboard()
    {
        DashboardEditor editor(twoPanels(), someMetrics);
        field(editor, "panelUnit").setText(QStringLiteral("kW"));
        field(editor, "panelThresholds").setText(QStringLiteral("650, 700!"));
        queries(editor).item(0, 0)->setText(QStringLiteral("gpu_power_w / 1000"));
        auto* kind = editor.findChild<QComboBox*>(QStringLiteral("panelKind"));
        kind->setCurrentIndex(kind->findText(QStringLiteral("tile")));
        const auto changed = editor.dashboard();
        QVERIFY(changed);
        const metrics::DashboardPanel& panel = changed->panels.front();
        QCOMPARE(panel.unit, std::string("kW"));
        QCOMPARE(panel.kind, metrics::PanelKind::Tile);
        QCOMPARE(panel.thresholds.size(), std::size_t{2});
        QCOMPARE(panel.thresholds.back().value, 700.0);
        QVERIFY(panel.thresholds.back().isCritical);
        QCOMPARE(panel.queries.front().query.text(), std::string("gpu_power_w / 1000"));
        QCOMPARE(panel.queries.front().legend, std::string("GPU {gpu}"));
        QCOMPARE(changed->panels.back().title, std::string("Clock")); // the other one is as it was
        QCOMPARE(changed->panels.back().queries.front().query.text(), std::string("gpu_sm_clock_hz / 1000000"));
    }

    void aQueryForAPrometheusServerWantsItsAddress()
    {
        DashboardEditor editor(twoPanels(), someMetrics);
        queries(editor).item(0, 0)->setText(QStringLiteral("promql: sum(rate(up[5m]))"));
        QVERIFY(!save(editor).isEnabled());
        QVERIFY(editor.findChild<QLabel*>(QStringLiteral("dashboardProblem"))->text().contains(QStringLiteral("the dashboard names none")));
        field(editor, "dashboardPrometheus").setText(QStringLiteral("http://localhost:9090"));
        QVERIFY(save(editor).isEnabled());
        const auto changed = editor.dashboard();
        QVERIFY(changed);
        QCOMPARE(changed->prometheus.url, std::string("http://localhost:9090"));
        QCOMPARE(changed->panels.front().queries.front().promql, std::string("sum(rate(up[5m]))"));
        QCOMPARE(changed->panels.front().queries.front().legend, std::string("GPU {gpu}"));
    }

    void aBadQuerySaysWhyWhileItIsTypedAndCannotBeSaved()
    {
        DashboardEditor editor(twoPanels(), someMetrics);
        QVERIFY(save(editor).isEnabled());
        queries(editor).item(0, 0)->setText(QStringLiteral("rate("));
        QVERIFY(!save(editor).isEnabled());
        const QString problem = editor.findChild<QLabel*>(QStringLiteral("dashboardProblem"))->text();
        QVERIFY2(problem.startsWith(QStringLiteral("Power: 'rate('")), qPrintable(problem));
        queries(editor).item(0, 0)->setText(QStringLiteral("rate(a)"));
        QVERIFY(save(editor).isEnabled());
        field(editor, "panelThresholds").setText(QStringLiteral("90, hot"));
        QVERIFY(!save(editor).isEnabled());
        QVERIFY(editor.findChild<QLabel*>(QStringLiteral("dashboardProblem"))->text().contains(QStringLiteral("\"hot\" is no number")));
        field(editor, "panelThresholds").clear();
        field(editor, "panelStates").setText(QStringLiteral("idle"));
        QVERIFY(!save(editor).isEnabled());
    }

    void panelsAreAddedMovedAndRemoved()
    {
        DashboardEditor editor(twoPanels(), someMetrics);
        auto* list = editor.findChild<QListWidget*>(QStringLiteral("dashboardPanels"));
        press(editor, "addPanel");
        QCOMPARE(list->currentRow(), 1);
        QVERIFY(!save(editor).isEnabled()); // it asks for nothing yet
        press(editor, "pickMetric");
        auto* picker = editor.findChild<MetricPicker*>();
        QVERIFY(picker);
        QTest::keyClicks(picker->findChild<QLineEdit*>(QStringLiteral("metricSearch")), QStringLiteral("inferences"));
        picker->accept();
        QCOMPARE(queries(editor).item(0, 0)->text(), QStringLiteral("rate(nv_inference_count)"));
        QCOMPARE(field(editor, "panelUnit").text(), QStringLiteral("count/s"));
        QVERIFY(save(editor).isEnabled());
        press(editor, "panelUp");
        QCOMPARE(editor.dashboard()->panels.front().title, std::string("New panel"));
        press(editor, "removePanel");
        QCOMPARE(editor.dashboard()->panels.size(), std::size_t{2});
        press(editor, "removePanel");
        press(editor, "removePanel");
        QVERIFY(!save(editor).isEnabled());
    }

    void aNewDashboardIsOfferedWhereWhatItAsksForIsMeasured()
    {
        DashboardEditor editor({}, someMetrics);
        field(editor, "dashboardTitle").setText(QStringLiteral("Mine"));
        press(editor, "addQuery");
        queries(editor).item(0, 0)->setText(QStringLiteral("gpu_power_w"));
        const auto made = editor.dashboard();
        QVERIFY2(made, made ? "" : made.error().message.c_str());
        QCOMPARE(made->appliesTo, std::vector<std::string>{"gpu_power_w"});
    }

    void whatIsSavedTakesThePlaceOfTheOneThatComesWithGantryUntilItIsRemoved()
    {
        QTemporaryDir shared, own;
        const QString deep = own.path() + QStringLiteral("/gantry/dashboards");
        metrics::Dashboard dashboard = twoPanels();
        QVERIFY(Dashboards::save(shared.path(), QStringLiteral("gpus"), dashboard));
        dashboard.title = "Mine";
        QVERIFY(Dashboards::save(deep, QStringLiteral("gpus"), dashboard)); // makes the folder
        QStringList problems;
        auto known = Dashboards::read({shared.path(), deep}, problems);
        QCOMPARE(known.size(), std::size_t{1});
        QCOMPARE(known.front().dashboard.title, std::string("Mine"));
        QVERIFY(known.front().isOwn);
        QCOMPARE(Dashboards::newKey(QStringLiteral("GPUs!"), known), QStringLiteral("gpus-2"));
        QCOMPARE(Dashboards::newKey(QStringLiteral("../../etc/x"), known), QStringLiteral("etc-x"));
        QVERIFY(Dashboards::remove(deep, QStringLiteral("gpus")));
        known = Dashboards::read({shared.path(), deep}, problems);
        QCOMPARE(known.front().dashboard.title, std::string("GPUs"));
        QVERIFY(!known.front().isOwn);
        QVERIFY(problems.isEmpty());
        const auto refused = Dashboards::save(QStringLiteral("/proc/none"), QStringLiteral("gpus"), dashboard);
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, ErrorCode::CannotWrite);
    }

private:
    static QLineEdit& field(DashboardEditor& editor, const char* name) { return *editor.findChild<QLineEdit*>(QLatin1String(name)); }
    static QTableWidget& queries(DashboardEditor& editor) { return *editor.findChild<QTableWidget*>(QStringLiteral("panelQueries")); }
    static QPushButton& save(DashboardEditor& editor)
    {
        return *editor.findChildren<QDialogButtonBox*>(Qt::FindDirectChildrenOnly).front()->button(QDialogButtonBox::Save);
    }
    static void press(DashboardEditor& editor, const char* name) { editor.findChild<QPushButton*>(QLatin1String(name))->click(); }
};

QTEST_MAIN(DashboardEditorTest)
#include "dashboard_editor_test.moc"
