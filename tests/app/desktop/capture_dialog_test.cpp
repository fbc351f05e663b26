#include "app/desktop/capture_dialog.h"
#include "app/desktop/recorder_dialog.h"

#include <QAbstractSpinBox>
#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QTabWidget>
#include <QTest>

using namespace gantry;
using namespace gantry::desktop;
using Opening = CaptureOptions::Opening;
using Begin = CaptureOptions::Begin;
using End = CaptureOptions::End;

namespace {

using proto::EngineKind;

constexpr DurationNs kSecond = 1'000'000'000;
const QDateTime kNoon(QDate(2026, 11, 21), QTime(12, 0));

/// A node with a GPU and Nsight Systems, whose every engine can record the server.
CaptureLimits noLimits()
{
    return {};
}

CaptureLimits withoutGpu()
{
    CaptureLimits limits;
    limits.gpuCounters = {QStringLiteral("there is no driver"), QStringLiteral("This node has no GPU to sample: choose off.")};
    return limits;
}

proto::NodeInfo nodeWith(const char* nsysPath)
{
    proto::NodeInfo node;
    node.gpus.resize(1);
    node.nsysPath = nsysPath;
    return node;
}

} // namespace

class CaptureDialogTest : public QObject
{
    Q_OBJECT

private slots:
    void whatTheClockOpensIsAskedForInTheNodesTerms()
    {
        CaptureOptions options;
        options.end = End::Requests;
        options.requests = 50;
        options.windows = 3;
        options.periodNs = 10 * kSecond;
        options.begin = Begin::After;
        options.delayNs = 5 * kSecond;
        options.label = QStringLiteral(" before ");
        options.mayQueue = true;
        options.range = QStringLiteral("of another choice");
        const proto::CaptureRequest request = captureRequest(options, kNoon);
        QCOMPARE(request.maxRequests, std::uint64_t{50});
        QCOMPARE(request.durationNs, 0); // only the end that was chosen
        QCOMPARE(request.maxBytes, std::uint64_t{0});
        QCOMPARE(request.windowCount, 3u);
        QCOMPARE(request.periodNs, 10 * kSecond);
        QCOMPARE(request.delayNs, 5 * kSecond);
        QCOMPARE(request.label, std::string("before"));
        QVERIFY(request.mayQueue);
        QCOMPARE(request.trigger, proto::CaptureTrigger::None);
        QVERIFY(request.triggerRange.empty());
    }

    void whatTheProgramOpensIsAskedForInTheNodesTerms()
    {
        CaptureOptions options;
        options.opening = Opening::NvtxRange;
        options.range = QStringLiteral("execute@gantry.serve");
        options.ranges = 0;
        options.rangeEvery = 100;
        options.endsServer = true;
        options.begin = Begin::After; // of the other choice
        options.windows = 7;
        const proto::CaptureRequest request = captureRequest(options, kNoon);
        QCOMPARE(request.trigger, proto::CaptureTrigger::NvtxRange);
        QCOMPARE(request.triggerRange, std::string("execute@gantry.serve"));
        QCOMPARE(request.windowCount, kMostWindows); // until stopped
        QCOMPARE(request.triggerEvery, 100u);
        QVERIFY(request.stopTarget);
        QCOMPARE(request.delayNs, 0);
        QCOMPARE(request.durationNs, 0);
    }

    void someOfThePeriodsOrRangesAreAskedForInTheNodesTerms()
    {
        CaptureOptions options;
        options.windows = 20;
        options.lengthNs = kSecond / 2;
        options.kept = 2;
        options.keptOf = 60;
        QCOMPARE(captureRequest(options, kNoon).keptOf, 1u); // one after the other: there are no periods
        options.periodNs = kSecond;
        QCOMPARE(captureRequest(options, kNoon).kept, 2u);
        QCOMPARE(captureRequest(options, kNoon).keptOf, 60u);
        QCOMPARE(summaryOf(options, kNoon), QStringLiteral("Now: 20 windows, each 0.5 s long, one every 1 s, in the first 2 of every 60."));
        QVERIFY(!problemOf(options, noLimits()));
        options.kept = 1;
        QVERIFY2(summaryOf(options, kNoon).endsWith(QStringLiteral(", in one of every 60.")), qPrintable(summaryOf(options, kNoon)));
        options.kept = 61;
        QCOMPARE(problemOf(options, noLimits())->field, CaptureField::Windows);

        options.opening = Opening::NvtxRange;
        options.range = QStringLiteral("step");
        options.rangesKept = 3;
        options.rangeEvery = 100;
        QCOMPARE(captureRequest(options, kNoon).kept, 3u);
        QCOMPARE(captureRequest(options, kNoon).triggerEvery, 100u);
        QCOMPARE(captureRequest(options, kNoon).keptOf, 1u);
        QVERIFY2(summaryOf(options, kNoon).contains(QStringLiteral("for the first 3 of every 100 ranges")),
                 qPrintable(summaryOf(options, kNoon)));
        options.rangesKept = 101;
        QCOMPARE(problemOf(options, noLimits())->field, CaptureField::Ranges);
    }

    void theServersOwnProfilerIsAskedForOneWindowOfALength()
    {
        CaptureOptions options;
        options.opening = Opening::OwnProfiler;
        options.lengthNs = 3 * kSecond;
        options.windows = 7;         // of another choice
        options.end = End::Requests; // likewise
        options.begin = Begin::After;
        options.delayNs = 5 * kSecond;
        const proto::CaptureRequest request = captureRequest(options, kNoon);
        QVERIFY(request.drivesProfiler);
        QCOMPARE(request.trigger, proto::CaptureTrigger::CudaProfiler);
        QCOMPARE(request.durationNs, 3 * kSecond);
        QCOMPARE(request.windowCount, 1u);
        QCOMPARE(request.delayNs, 5 * kSecond);
        QCOMPARE(request.maxRequests, std::uint64_t{0});
        QVERIFY(!problemOf(options, noLimits()));
        QVERIFY2(summaryOf(options, kNoon).contains(QStringLiteral("own profiler opens a window 3 s long in all of its workers")),
                 qPrintable(summaryOf(options, kNoon)));
    }

    void anotherEngineIsAskedForNothingThatItDoesNotKnow()
    {
        CaptureOptions options;
        options.engine = EngineKind::Nsys;
        options.content.contextSwitches = true;
        options.content.gpuMetricsHz = 10'000;
        options.mayQueue = true;
        proto::CaptureRequest request = captureRequest(options, kNoon);
        QCOMPARE(request.engine, EngineKind::Nsys);
        QCOMPARE(request.nsys.contextSwitches, std::string("process-tree"));
        QCOMPARE(request.nsys.gpuMetricsDevices, std::string("all"));
        QCOMPARE(request.nsys.gpuMetricsHz, 10'000u);
        QVERIFY(!request.mayQueue && request.content.gpuMetricsHz == 0 && !request.content.contextSwitches);
        QVERIFY2(summaryOf(options, kNoon).endsWith(QStringLiteral("Nsight Systems records it.")), qPrintable(summaryOf(options, kNoon)));

        options.engine = EngineKind::Kineto;
        request = captureRequest(options, kNoon);
        QVERIFY(request.nsys == proto::NsysWindowOptions{} && request.content.gpuMetricsHz == 0);
        QVERIFY(!problemOf(options, withoutGpu())); // counters are of Gantry and of Nsight Systems
        options.end = End::Stop;
        QCOMPARE(problemOf(options, noLimits())->field, CaptureField::End); // it is told the length
        options.engine = EngineKind::ServerTrace;
        QVERIFY(!problemOf(options, noLimits()));
        options.end = End::Requests;
        QCOMPARE(problemOf(options, noLimits())->field, CaptureField::End);
        options.opening = Opening::NvtxRange;
        QCOMPARE(problemOf(options, noLimits())->field, CaptureField::Opening);
    }

    void whatCannotRecordAServerIsToldByItsNodeAndItsLaunch()
    {
        proto::Target target;
        CaptureLimits limits = captureLimits(nodeWith(""), target);
        QVERIFY(limits.of(EngineKind::Native).isNone());
        QVERIFY(limits.of(EngineKind::Nsys).sentence.contains(QStringLiteral("not installed on this node")));
        QVERIFY(limits.of(EngineKind::Kineto).sentence.contains(QStringLiteral("--engine kineto")));
        QVERIFY(limits.of(EngineKind::ServerTrace).sentence.contains(QStringLiteral("--grpc-address")));
        QVERIFY(limits.profiler.sentence.contains(QStringLiteral("--profile")));
        QVERIFY(limits.gpuCounters.isNone());
        QCOMPARE(limits.usualEngine(), EngineKind::Native);

        target.grpcAddress = "127.0.0.1:8001";
        target.profilerUrl = "http://127.0.0.1:8000";
        target.engine = EngineKind::Nsys;
        limits = captureLimits(nodeWith("/usr/bin/nsys"), target);
        QVERIFY(limits.of(EngineKind::ServerTrace).isNone() && limits.profiler.isNone() && limits.of(EngineKind::Nsys).isNone());
        QVERIFY(limits.of(EngineKind::Native).sentence.contains(QStringLiteral("no other tool beside it")));
        QCOMPARE(limits.usualEngine(), EngineKind::Nsys);
        target.engine = EngineKind::Native;
        QVERIFY(captureLimits(nodeWith("/usr/bin/nsys"), target).of(EngineKind::Nsys).sentence.contains(QStringLiteral("cannot attach")));
    }

    void anEngineThatCannotRecordIsDisabledAndSaysWhy()
    {
        const CaptureLimits limits = captureLimits(nodeWith(""), {});
        CaptureOptions options;
        options.engine = EngineKind::Kineto; // of another server
        options.opening = Opening::OwnProfiler;
        CaptureDialog dialog(options, {QStringLiteral("server"), QStringLiteral("node"), limits});
        dialog.show();
        auto& engine = *dialog.findChild<QComboBox*>(QStringLiteral("engine"));
        QCOMPARE(dialog.options().engine, EngineKind::Native);
        QCOMPARE(dialog.options().opening, Opening::Clock);
        QVERIFY(start(dialog).isEnabled());
        const auto isEnabled = [](const QComboBox& box, int index) {
            return bool(box.model()->flags(box.model()->index(index, 0)) & Qt::ItemIsEnabled);
        };
        QVERIFY(isEnabled(engine, 0) && !isEnabled(engine, 1) && !isEnabled(engine, 2) && !isEnabled(engine, 3));
        QVERIFY2(engine.itemText(1).contains(QStringLiteral("not installed")), qPrintable(engine.itemText(1)));
        QVERIFY(engine.itemData(2, Qt::ToolTipRole).toString().contains(QStringLiteral("--engine kineto")));
        QTest::keyClick(&engine, Qt::Key_Down); // there is nothing to go to
        QCOMPARE(dialog.options().engine, EngineKind::Native);
        const auto& opening = *dialog.findChild<QComboBox*>(QStringLiteral("opening"));
        QVERIFY(!isEnabled(opening, 3) && isEnabled(opening, 2));
        QVERIFY2(opening.itemText(3).contains(QStringLiteral("this server has none")), qPrintable(opening.itemText(3)));
    }

    void theChoiceOfNsightSystemsLeavesWhatItCanDo()
    {
        CaptureDialog dialog({}, {QStringLiteral("server"), QStringLiteral("node"), noLimits()});
        dialog.show();
        const auto choose = [&](const char* name, int index) { dialog.findChild<QComboBox*>(QLatin1String(name))->setCurrentIndex(index); };
        const auto find = [&](const char* name) { return dialog.findChild<QWidget*>(QLatin1String(name)); };
        choose("opening", static_cast<int>(Opening::CudaProfiler));
        QVERIFY(start(dialog).isEnabled());
        choose("engine", static_cast<int>(EngineKind::Nsys));
        QVERIFY(!start(dialog).isEnabled());
        QCOMPARE(shown(dialog, QStringLiteral("opened by the clock alone")), QStringList{QString()});
        choose("opening", static_cast<int>(Opening::Clock));
        QVERIFY(start(dialog).isEnabled());
        record(dialog);
        QVERIFY(!find("nvtx")->isEnabled() && find("contextSwitches")->isEnabled() && find("gpuMetrics")->isEnabled());
        QVERIFY(!find("mayQueue")->isEnabled() && find("contentNote")->isVisible());
        choose("engine", static_cast<int>(EngineKind::ServerTrace));
        QVERIFY(!find("contextSwitches")->isEnabled() && !find("gpuMetrics")->isEnabled());
        choose("engine", static_cast<int>(EngineKind::Native));
        QVERIFY(find("nvtx")->isEnabled() && find("mayQueue")->isEnabled() && !find("contentNote")->isVisible());
    }

    void someOfThePeriodsAreChosenWhereThereArePeriods()
    {
        CaptureDialog dialog({}, {QStringLiteral("server"), QStringLiteral("node"), noLimits()});
        dialog.show();
        auto& kept = *dialog.findChild<QSpinBox*>(QStringLiteral("kept"));
        auto& keptOf = *dialog.findChild<QSpinBox*>(QStringLiteral("keptOf"));
        dialog.findChild<QSpinBox*>(QStringLiteral("windows"))->setValue(5);
        QVERIFY(!keptOf.isVisible());
        dialog.findChild<QDoubleSpinBox*>(QStringLiteral("period"))->setValue(10);
        QVERIFY(keptOf.isVisible() && !kept.isVisible());
        keptOf.setValue(6);
        QVERIFY(kept.isVisible());
        kept.setValue(7);
        QVERIFY(!start(dialog).isEnabled());
        QCOMPARE(shown(dialog, QStringLiteral("at most 6 can have a window")), QStringList{QString()});
        kept.setValue(2);
        QVERIFY(start(dialog).isEnabled());
        QCOMPARE(dialog.options().kept, 2u);
        QCOMPARE(dialog.options().keptOf, 6u);
    }

    void aTimeOfDayThatHasGoneByIsTomorrows()
    {
        QCOMPARE(nextTime(QTime(12, 0, 1), kNoon), kNoon.addSecs(1));
        QCOMPARE(nextTime(QTime(11, 59), kNoon), QDateTime(QDate(2026, 11, 22), QTime(11, 59)));
        CaptureOptions options;
        options.begin = Begin::At;
        options.at = QTime(11, 59);
        QCOMPARE(captureRequest(options, kNoon).startUtcNs, (kNoon.toSecsSinceEpoch() + 86'400 - 60) * kSecond);
        QVERIFY2(summaryOf(options, kNoon).startsWith(QStringLiteral("Tomorrow at 11:59:00: one window")),
                 qPrintable(summaryOf(options, kNoon)));
    }

    void everyFieldIsRememberedAndNonsenseIsNot()
    {
        CaptureOptions options;
        options.opening = Opening::NvtxRange;
        options.begin = Begin::At;
        options.at = QTime(3, 4, 5);
        options.delayNs = 7 * kSecond;
        options.end = End::Bytes;
        options.lengthNs = 3 * kSecond;
        options.requests = 11;
        options.iterations = 12;
        options.bytes = 13 << 20;
        options.iterationRange = QStringLiteral("step@engine");
        options.windows = 14;
        options.periodNs = 15 * kSecond;
        options.range = QStringLiteral("batch@*");
        options.ranges = 16;
        options.rangeEvery = 17;
        options.rangesKept = 3;
        options.kept = 2;
        options.keptOf = 60;
        options.engine = EngineKind::Kineto;
        options.endsServer = options.mayQueue = true;
        options.content.kernels = options.content.driverApi = false;
        options.content.gpuMetricsHz = 10'000;
        options.content.apiQueries = options.content.memoryAllocations = options.content.wholeGraphs = true;
        options.content.modules = true;
        options.label = QStringLiteral("night");
        const QJsonObject saved = toJson(options);
        QCOMPARE(toJson(captureOptions(saved)), saved);
        QVERIFY(toJson(CaptureOptions{}) != saved);
        QCOMPARE(captureOptions(saved).at, QTime(3, 4, 5));
        QVERIFY(!captureOptions(saved).content.kernels && captureOptions(saved).content.memcpy);
        QVERIFY(captureOptions(saved).content.memoryAllocations && captureOptions(saved).content.modules);
        QVERIFY(!captureOptions({}).content.wholeGraphs && !captureOptions({}).content.modules); // as at first

        QCOMPARE(toJson(captureOptions({})), toJson(CaptureOptions{}));
        const QJsonObject nonsense{{QStringLiteral("end"), 99},
                                   {QStringLiteral("engine"), QStringLiteral("perf")},
                                   {QStringLiteral("kept_of"), 0},
                                   {QStringLiteral("windows"), -1},
                                   {QStringLiteral("length_ns"), QStringLiteral("long")},
                                   {QStringLiteral("at"), QStringLiteral("25:00")}};
        QCOMPARE(toJson(captureOptions(nonsense)), toJson(CaptureOptions{}));
    }

    void whatCannotBeIsSaidAtItsFieldAndStartWaits_data()
    {
        QTest::addColumn<QString>("what");
        QTest::addColumn<QString>("sentence");
        QTest::newRow("range without a name") << "range"
                                              << "Write the name of the range";
        QTest::newRow("range of a domain only") << "domain"
                                                << "Write the name of the range";
        QTest::newRow("range with a long name") << "long"
                                                << "at most 127 bytes";
        QTest::newRow("windows without an end") << "endless"
                                                << "Several windows need an end each";
        QTest::newRow("windows that do not fit") << "fit"
                                                 << "Windows of 2 s do not fit into 1 s";
        QTest::newRow("nothing to record") << "nothing"
                                           << "Nothing would be recorded";
        QTest::newRow("requests without NVTX") << "count"
                                               << "counted by their NVTX ranges";
        QTest::newRow("counters without a GPU") << "gpu"
                                                << "no GPU to sample";
    }

    void whatCannotBeIsSaidAtItsFieldAndStartWaits()
    {
        QFETCH(QString, what);
        QFETCH(QString, sentence);
        CaptureDialog dialog({}, {QStringLiteral("server"), QStringLiteral("node"), withoutGpu()});
        dialog.show();
        QVERIFY(start(dialog).isEnabled());
        const auto choose = [&](const char* name, int index) { dialog.findChild<QComboBox*>(QLatin1String(name))->setCurrentIndex(index); };
        auto& range = *dialog.findChild<QLineEdit*>(QStringLiteral("range"));
        auto& windows = *dialog.findChild<QSpinBox*>(QStringLiteral("windows"));
        auto& period = *dialog.findChild<QDoubleSpinBox*>(QStringLiteral("period"));
        if (what == QStringLiteral("range") || what == QStringLiteral("domain") || what == QStringLiteral("long")) {
            choose("opening", static_cast<int>(Opening::NvtxRange));
            QVERIFY(range.isVisible());
            QTest::keyClicks(&range, what == QStringLiteral("range")    ? QString()
                                     : what == QStringLiteral("domain") ? QStringLiteral("@gantry.serve")
                                                                        : QString(128, QLatin1Char('x')));
        } else if (what == QStringLiteral("endless")) {
            windows.setValue(2);
            choose("end", static_cast<int>(End::Stop));
        } else if (what == QStringLiteral("fit")) {
            windows.setValue(2);
            QVERIFY(period.isVisible());
            period.setValue(1);
        } else if (what == QStringLiteral("nothing")) {
            record(dialog);
            for (auto* box : dialog.findChild<QTabWidget*>()->currentWidget()->findChildren<QCheckBox*>())
                if (box->isChecked())
                    QTest::mouseClick(box, Qt::LeftButton, {}, QPoint(8, box->height() / 2));
        } else if (what == QStringLiteral("count")) {
            choose("end", static_cast<int>(End::Requests));
            dialog.findChild<QCheckBox*>(QStringLiteral("nvtx"))->setChecked(false);
        } else {
            record(dialog);
            choose("gpuMetrics", 3);
        }
        QVERIFY(!start(dialog).isEnabled());
        QCOMPARE(shown(dialog, sentence), QStringList{QString()}); // at its field
        auto& pages = *dialog.findChild<QTabWidget*>();
        pages.setCurrentIndex(1 - pages.currentIndex());
        QCOMPARE(shown(dialog, sentence), QStringList{QStringLiteral("captureSummary")}); // which is out of sight now
    }

    void aNameCuresARangeWithoutOne()
    {
        CaptureOptions options;
        options.opening = Opening::NvtxRange;
        CaptureDialog dialog(options, {QStringLiteral("server"), QStringLiteral("node"), noLimits()});
        dialog.show();
        QVERIFY(!start(dialog).isEnabled());
        QTest::keyClicks(dialog.findChild<QLineEdit*>(QStringLiteral("range")), QStringLiteral("execute@gantry.serve"));
        QVERIFY(start(dialog).isEnabled());
        QVERIFY2(dialog.summary().startsWith(QStringLiteral("One window, as long as the range execute@gantry.serve")),
                 qPrintable(dialog.summary()));
        QCOMPARE(dialog.options().range, QStringLiteral("execute@gantry.serve"));
    }

    void callsThatOnlyAskAreOfAnApi()
    {
        CaptureDialog dialog({}, {QStringLiteral("server"), QStringLiteral("node"), noLimits()});
        dialog.show();
        record(dialog);
        auto& queries = *dialog.findChild<QCheckBox*>(QStringLiteral("apiQueries"));
        QVERIFY(queries.isEnabled() && !queries.isChecked());
        QTest::mouseClick(&queries, Qt::LeftButton, {}, QPoint(8, queries.height() / 2));
        QVERIFY(dialog.options().content.apiQueries);
        for (const char* api : {"Runtime API", "Driver API"})
            for (auto* box : dialog.findChildren<QCheckBox*>())
                if (box->text() == QLatin1String(api))
                    QTest::mouseClick(box, Qt::LeftButton, {}, QPoint(8, box->height() / 2));
        QVERIFY(!queries.isEnabled());
    }

    void fieldsOfAChoiceThatIsNotMadeAreHidden()
    {
        CaptureDialog dialog({}, {QStringLiteral("server"), QStringLiteral("node"), noLimits()});
        dialog.show();
        const auto isShown = [&](const char* name) { return dialog.findChild<QWidget*>(QLatin1String(name))->isVisible(); };
        QVERIFY(isShown("begin") && isShown("length") && isShown("windows") && !isShown("period") && !isShown("range") &&
                !isShown("ranges"));
        dialog.findChild<QComboBox*>(QStringLiteral("opening"))->setCurrentIndex(static_cast<int>(Opening::CudaProfiler));
        QVERIFY(!isShown("begin") && !isShown("length") && !isShown("windows") && !isShown("range") && isShown("ranges"));
    }

    void everyControlHasANameAndTheDialogFitsASmallScreen()
    {
        for (const Opening opening : {Opening::Clock, Opening::CudaProfiler, Opening::NvtxRange, Opening::OwnProfiler}) {
            CaptureOptions options;
            options.opening = opening;
            options.end = End::Iterations;
            options.windows = 5;
            options.periodNs = 10 * kSecond;
            options.keptOf = options.rangeEvery = 60;
            CaptureDialog dialog(options, {QStringLiteral("server"), QStringLiteral("node"), captureLimits(nodeWith(""), {})});
            dialog.show();
            QVERIFY2(dialog.width() <= 780 && dialog.height() <= 560,
                     qPrintable(QStringLiteral("%1 × %2").arg(dialog.width()).arg(dialog.height())));
            for (const auto* control : dialog.findChildren<QWidget*>()) {
                if (qobject_cast<const QComboBox*>(control) || qobject_cast<const QAbstractSpinBox*>(control) ||
                    (qobject_cast<const QLineEdit*>(control) && !qobject_cast<const QAbstractSpinBox*>(control->parentWidget())))
                    QVERIFY2(!control->accessibleName().isEmpty(), qPrintable(control->objectName()));
            }
        }
    }

    void aRecorderSavesItselfByAConditionThatCanBe()
    {
        RecorderDialog dialog(QStringLiteral("serve"), QStringLiteral("gpu-07"), 30 * kSecond, 256 << 20);
        dialog.show();
        QVERIFY(QTest::qWaitForWindowExposed(&dialog));
        auto* condition = dialog.findChild<QLineEdit*>(QStringLiteral("saveWhen"));
        auto* forTime = dialog.findChild<QDoubleSpinBox*>(QStringLiteral("saveFor"));
        auto* problem = dialog.findChild<QLabel*>(QStringLiteral("problem"));
        const auto canStart = [&] {
            for (const auto* button : dialog.findChildren<QPushButton*>())
                if (button->isDefault())
                    return button->isEnabled();
            return false;
        };
        QVERIFY(dialog.saveWhen().condition.empty() && canStart() && problem->text().isEmpty());
        QVERIFY(!forTime->isEnabled()); // of nothing
        QTest::keyClicks(condition, QStringLiteral("p99 queue 5ms"));
        QVERIFY(!canStart());
        QVERIFY2(problem->text().contains(QStringLiteral("compares nothing")), qPrintable(problem->text()));
        condition->selectAll();
        QTest::keyClicks(condition, QStringLiteral(" p99 queue > 5ms"));
        QVERIFY(canStart() && problem->text().isEmpty() && forTime->isEnabled());
        const proto::SaveWhen when = dialog.saveWhen();
        QCOMPARE(when.condition, std::string("p99 queue > 5ms"));
        QCOMPARE(when.forNs, 2 * kSecond);
        QCOMPARE(when.lastNs, 5 * kSecond);
        QCOMPARE(when.nextNs, 2 * kSecond);
        QCOMPARE(when.atMost, 10u);
        forTime->setValue(6); // longer than what is saved before it
        QVERIFY(!canStart());
        forTime->setValue(1);
        dialog.findChild<QDoubleSpinBox*>(QStringLiteral("keeps"))->setValue(6);
        QVERIFY2(!canStart() && problem->text().contains(QStringLiteral("keep more")), qPrintable(problem->text()));
        condition->clear();
        QVERIFY(canStart()); // it saves nothing by itself
        for (const auto* control : dialog.findChildren<QAbstractSpinBox*>())
            QVERIFY2(!control->accessibleName().isEmpty(), qPrintable(control->objectName()));
    }

private:
    /// The visible labels that hold a sentence, by name.
    static QStringList shown(const CaptureDialog& dialog, const QString& sentence)
    {
        QStringList names;
        for (const auto* label : dialog.findChildren<QLabel*>()) {
            if (label->isVisible() && label->text().contains(sentence))
                names << label->objectName();
        }
        return names;
    }
    static QPushButton& start(CaptureDialog& dialog) { return *dialog.findChild<QPushButton*>(QStringLiteral("startButton")); }
    static void record(CaptureDialog& dialog) { dialog.findChild<QTabWidget*>()->setCurrentIndex(1); }
};

QTEST_MAIN(CaptureDialogTest)
#include "capture_dialog_test.moc"
