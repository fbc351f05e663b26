#include "tests/widgets/trace_fixture.h"
#include "widgets/compare/compare_view.h"
#include "widgets/compare/comparison_table.h"
#include "widgets/compare/distribution_view.h"
#include "widgets/compare/waterfall_view.h"
#include "widgets/theme/theme.h"
#include "widgets/timeline/legend.h"
#include "widgets/timeline/timeline_widget.h"

#include <QComboBox>
#include <QHeaderView>
#include <QLabel>
#include <QMouseEvent>
#include <QSignalSpy>
#include <QTabBar>
#include <QTest>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

using namespace gantry;
using namespace gantry::widgets;
using namespace gantry::widgets_test;
using analysis::Comparison;
using analysis::ComparisonRow;

namespace {

/// Two reports of unequal length with one kernel each and copies of unequal kind.
TracePtr longReport()
{
    return traceOf("window 0..2000000\nprocess p\nkernel gpu0/stream7 gemm 100000..300000 corr 1\nmemcpy gpu0/stream7 DtoH pageable "
                   "400000..500000 bytes 4096 corr 2\n");
}

TracePtr shortReport()
{
    return traceOf("window 0..1000000\nprocess p\nkernel gpu0/stream7 gemm 100000..200000 corr 1\nmemcpy gpu0/stream7 DtoH pinned "
                   "400000..410000 bytes 4096 corr 2\n");
}

void wheel(TimelineWidget& timeline, QPoint at, QPoint angle, Qt::KeyboardModifiers modifiers = Qt::NoModifier)
{
    QWheelEvent event(at, timeline.viewport()->mapToGlobal(at), {}, angle, Qt::NoButton, modifiers, Qt::NoScrollPhase, false);
    QCoreApplication::sendEvent(timeline.viewport(), &event);
}

/// The row of a table with a name, or null.
QTreeWidgetItem* rowOf(const ComparisonTable& table, const char* name)
{
    for (int s = 0; s < table.topLevelItemCount(); ++s) {
        QTreeWidgetItem* section = table.topLevelItem(s);
        for (int i = 0; i < section->childCount(); ++i) {
            if (section->child(i)->text(ComparisonTable::Name) == QLatin1String(name))
                return section->child(i);
        }
    }
    return nullptr;
}

QString textOf(const ComparisonTable& table, const char* name, int column)
{
    const QTreeWidgetItem* row = rowOf(table, name);
    return row ? plain(row->text(column)) : QStringLiteral("no such row");
}

QStringList sectionsOf(const ComparisonTable& table)
{
    QStringList names;
    for (int s = 0; s < table.topLevelItemCount(); ++s)
        names << table.topLevelItem(s)->text(ComparisonTable::Name);
    return names;
}

/// What the rows of a comparison can be.
Comparison everyKindOfRow()
{
    Comparison comparison;
    comparison.summary = {{"requests per second", 100.0, 150.0, "1/s", {}, {}},
                          {"latency p50", 2e6, 1e6, "ns", {}, {}},
                          {"latency p99", 2e6, 2.02e6, "ns", {}, {}},
                          {"average batch", 4.0, 2.0, "requests", {}, {}}};
    comparison.kernels = {{"slower", 1e6, 3e6, "ns", 10, 1'200},
                          {"gone", 5e5, {}, "ns", 3, {}},
                          {"new", {}, 5e5, "ns", {}, 3},
                          {"from nothing", 0.0, 5e5, "ns", 1, 1}};
    return comparison;
}

} // namespace

class CompareViewTest : public QObject
{
    Q_OBJECT

private slots:
    void bothTimelinesPanAndZoomTogether()
    {
        const auto view = shown(longReport(), longReport());
        TimelineWidget &a = view->timeline(0), &b = view->timeline(1);
        wheel(a, {500, 120}, {0, 120});
        QCOMPARE(a.visibleRange().duration(), DurationNs{1'600'000});
        QCOMPARE(b.visibleRange(), a.visibleRange());
        wheel(b, {500, 120}, {0, -120}, Qt::ShiftModifier);
        QCOMPARE(a.visibleRange(), b.visibleRange());
        QTest::keyClick(&b, Qt::Key_W);
        QVERIFY(b.visibleRange().duration() < 1'600'000);
        QCOMPARE(a.visibleRange(), b.visibleRange());
        QTest::keyClick(&a, Qt::Key_Home);
        QCOMPARE(b.visibleRange(), (TimeRange{0, 2'000'000}));
    }

    void bothCountFromTheStartOfTheirReport()
    {
        const auto view =
            shown(longReport(), traceOf("window 5000000..7000000\nprocess p\nkernel gpu0/stream7 gemm 5100000..5200000 corr 1\n"));
        QCOMPARE(view->timeline(1).visibleRange(), (TimeRange{5'000'000, 7'000'000}));
        view->timeline(0).setVisibleRange({100'000, 300'000});
        QCOMPARE(view->timeline(1).visibleRange(), (TimeRange{5'100'000, 5'300'000}));
        view->timeline(1).setVisibleRange({6'000'000, 6'500'000});
        QCOMPARE(view->timeline(0).visibleRange(), (TimeRange{1'000'000, 1'500'000}));
    }

    // In a narrow window names were one letter and an ellipsis.
    void namesCanBeToldApartInANarrowWindow()
    {
        ComparisonTable table;
        table.setComparison(everyKindOfRow());
        table.show();
        for (const int width : {300, 1200}) {
            table.resize(width, 300);
            QTRY_VERIFY(table.columnWidth(ComparisonTable::Name) >= 170);
            QTRY_COMPARE(table.header()->length() > table.viewport()->width(), width == 300); // it scrolls
        }
    }

    // The shorter report was stretched to the width of the longer one, so that equal times looked unequal.
    void reportsOfUnequalLengthShareOneScale()
    {
        for (const bool isLongerFirst : {true, false}) {
            const auto view = isLongerFirst ? shown(longReport(), shortReport()) : shown(shortReport(), longReport());
            const TimelineWidget &a = view->timeline(0), &b = view->timeline(1);
            QCOMPARE(a.visibleRange(), (TimeRange{0, 2'000'000}));
            QCOMPARE(b.visibleRange(), a.visibleRange());
            QCOMPARE(a.state().geometry.plotWidth(), b.state().geometry.plotWidth());
            const auto pointOf = [](const TimelineWidget& timeline) {
                return *timeline.pointOf(eventNamed(*timeline.trace(), trace::EventKind::Kernel, "gemm"));
            };
            const int nsPerPixel = static_cast<int>(a.state().axis().nsPerPixel());
            QVERIFY(std::abs(std::abs(pointOf(a).x() - pointOf(b).x()) - 50'000 / nsPerPixel) <=
                    1); // the longer kernel's middle is 50 µs later
            view->timeline(0).setVisibleRange({1'500'000, 1'700'000});
            QCOMPARE(b.visibleRange(), (TimeRange{1'500'000, 1'700'000}));
        }
    }

    // Names were cut in the widest window.
    void theColumnsOfNamesGrowWithTheWindowUntilTheUserSaysHowWideTheyAre()
    {
        const auto view = shown(longReport(), shortReport());
        view->resize(2400, 800);
        QTRY_VERIFY(view->timeline(0).state().geometry.headerWidth >= 280);
        QCOMPARE(view->timeline(1).state().geometry.headerWidth, view->timeline(0).state().geometry.headerWidth);
        view->timeline(0).setHeaderWidth(222);
        view->resize(2500, 800);
        QTRY_VERIFY(view->timeline(0).width() > 1200);
        QCOMPARE(view->timeline(0).state().geometry.headerWidth, 222);
    }

    // Else equal times would no longer stand above each other.
    void theColumnsOfNamesStayEquallyWide()
    {
        const auto view = shown(longReport(), shortReport());
        TimelineWidget &a = view->timeline(0), &b = view->timeline(1);
        const int before = a.state().geometry.headerWidth;
        QTest::mousePress(b.viewport(), Qt::LeftButton, Qt::NoModifier, {before, 150});
        const QPoint to(before + 70, 150);
        QMouseEvent move(QEvent::MouseMove, to, b.viewport()->mapToGlobal(to), Qt::NoButton, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(b.viewport(), &move);
        QTest::mouseRelease(b.viewport(), Qt::LeftButton, Qt::NoModifier, to);
        QCOMPARE(b.state().geometry.headerWidth, before + 70);
        QCOMPARE(a.state().geometry.headerWidth, before + 70);
        QCOMPARE(a.state().geometry.plotWidth(), b.state().geometry.plotWidth());
    }

    // Neither had room: of the table's columns two were to be seen, and a quarter of the window was left for the timelines' plots.
    void inANarrowWindowTabsChooseBetweenTimelinesAndDifferences()
    {
        const auto view = shown(longReport(), shortReport());
        auto* tabs = view->findChild<QTabBar*>();
        QVERIFY(!tabs->isVisible() && view->table().isVisible() && view->timeline(1).isVisible());
        view->setReports(longReport(), QString(300, QLatin1Char('n')), shortReport(), QStringLiteral("b"), {});
        QVERIFY2(view->minimumSizeHint().width() < 560, qPrintable(QString::number(view->minimumSizeHint().width())));
        view->resize(560, 420);
        QTRY_VERIFY(tabs->isVisible());
        QVERIFY(!view->table().isVisible());
        QVERIFY(view->timeline(0).isVisible() && view->timeline(1).isVisible());
        QTRY_COMPARE(view->timeline(0).width(), 560);
        QTest::mouseClick(tabs, Qt::LeftButton, {}, tabs->tabRect(1).center());
        QVERIFY(view->table().isVisible() && !view->timeline(0).isVisible());
        QTRY_COMPARE(view->table().width(), 560);
        view->resize(1400, 700);
        QTRY_VERIFY(!tabs->isVisible());
        QVERIFY(view->table().isVisible() && view->timeline(0).isVisible());
    }

    void theColoursOfBothReportsAreExplained()
    {
        const auto view = shown(longReport(), shortReport());
        const auto names = view->findChild<Legend*>()->names();
        for (const char* name : {"Memcpy DtoH (Pageable)", "Memcpy DtoH (Pinned)"})
            QVERIFY2(std::find(names.begin(), names.end(), QLatin1String(name)) != names.end(), name);
    }

    void eachTimelineIsNamed()
    {
        const auto view = shown(longReport(), shortReport());
        QStringList texts;
        for (const QLabel* label : view->findChildren<QLabel*>())
            texts << label->text();
        QVERIFY(texts.join(QLatin1Char('\n')).contains(QStringLiteral("<b>A</b>\nfirst & best · 2.000 ms")));
        QVERIFY(texts.join(QLatin1Char('\n')).contains(QStringLiteral("<b>B</b>\nsecond · 1.000 ms")));
    }

    void otherReportsReplaceBoth()
    {
        const auto view = shown(longReport(), longReport());
        view->timeline(0).setVisibleRange({100'000, 300'000});
        const TracePtr a = shortReport(), b = shortReport();
        view->setReports(a, QStringLiteral("a"), b, QStringLiteral("b"), analysis::compare(*a, *b));
        QCOMPARE(view->timeline(0).visibleRange(), (TimeRange{0, 1'000'000}));
        QCOMPARE(view->timeline(1).visibleRange(), (TimeRange{0, 1'000'000}));
        QCOMPARE(textOf(view->table(), "gemm", ComparisonTable::Ratio), QStringLiteral("1.00 ×"));
    }

    void theDemoReportsDifferInTheKindOfTheirCopies()
    {
        const auto view = shown(demoTrace("bert-pageable"), demoTrace("bert-pinned"));
        QCOMPARE(textOf(view->table(), "DtoH Device to Pageable", ComparisonTable::Ratio), QStringLiteral("only A"));
        QCOMPARE(textOf(view->table(), "DtoH Device to Pinned", ComparisonTable::Ratio), QStringLiteral("only B"));
        QCOMPARE(sectionsOf(view->table()),
                 (QStringList{QStringLiteral("Throughput and latency"), QStringLiteral("Request phases"), QStringLiteral("Executions"),
                              QStringLiteral("GPU"), QStringLiteral("Streams, busy for a request or of the time"),
                              QStringLiteral("Memcpys, mean time (copies)"), QStringLiteral("Kernels, mean time (calls)"),
                              QStringLiteral("API calls, mean time (calls)"), QStringLiteral("Metrics, mean")}));
        const QImage image = imageOf(*view);
        const Theme& theme = Theme::forPalette(view->palette());
        QVERIFY(pixelsOf(image, theme.phase(records::RequestPhase::ComputeInfer)) > 500);
        QCOMPARE(pixelsOf(image, Qt::magenta), 0);
    }

    void theVerdictStandsAboveAndSaysWhatChanged()
    {
        const auto view = shown(demoTrace("bert-pageable"), demoTrace("bert-pinned"));
        QCOMPARE(view->findChild<QLabel*>(QStringLiteral("verdict"))->text(), QStringLiteral("No significant change"));
        QVERIFY(
            view->findChild<QLabel*>(QStringLiteral("verdictReason"))->text().startsWith(QStringLiteral("median latency of bert_base")));
        QStringList lines;
        for (const QLabel* label : view->findChild<QWidget*>(QStringLiteral("verdictPanel"))->findChildren<QLabel*>())
            lines << label->text();
        QVERIFY(lines.contains(QStringLiteral("Changed: host memory of DtoH copies: Pageable in A, Pinned in B")));
    }

    void theWaterfallEndsWhereTheLatencyOfBIs()
    {
        const auto view = shown(demoTrace("bert-pageable"), demoTrace("bert-pinned"));
        const auto& bars = view->waterfall().bars();
        QVERIFY(bars.size() > 5);
        QVERIFY(bars.front().isTotal && bars.back().isTotal);
        double at = bars.front().to;
        for (const auto& bar : bars)
            if (!bar.isTotal && bar.depth == 0) {
                QCOMPARE(bar.from, at);
                at = bar.to;
            }
        QVERIFY(std::abs(at - bars.back().to) < 1);
        view->showWaterfall(true);
        QTRY_VERIFY(view->waterfall().isVisible() && !view->table().isVisible());
        view->waterfall().setWaterfall({});
        QVERIFY(view->waterfall().bars().empty());
    }

    void theDistributionIsThatOfTheChosenRow()
    {
        const auto view = shown(demoTrace("bert-pageable"), demoTrace("bert-pinned"));
        QVERIFY(view->distribution().row()); // latency, to begin with
        QCOMPARE(view->distribution().row()->subject, std::string("latency"));
        view->table().setCurrentItem(rowOf(view->table(), "compute_output p50"));
        QVERIFY(view->distribution().row());
        QCOMPARE(view->distribution().row()->subject, std::string("compute_output"));
        view->table().setCurrentItem(view->table().topLevelItem(0)); // a heading
        QVERIFY(!view->distribution().row());
    }

    void aRowSaysHowSureItIs()
    {
        const auto view = shown(demoTrace("bert-pageable"), demoTrace("bert-pinned"));
        view->resize(2400, 900);
        QTRY_VERIFY(!view->table().isColumnHidden(ComparisonTable::Probability));
        QCOMPARE(textOf(view->table(), "compute_output p50", ComparisonTable::Probability), QStringLiteral("p < 0.001"));
        QVERIFY(textOf(view->table(), "compute_output p50", ComparisonTable::Interval).contains(QStringLiteral(" to ")));
        QCOMPARE(textOf(view->table(), "latency p50", ComparisonTable::Probability), QStringLiteral("no significant change"));
        QCOMPARE(rowOf(view->table(), "latency p50")->foreground(ComparisonTable::Ratio).style(), Qt::NoBrush);
    }

    void timelinesAreAlignedByARequestOrARange()
    {
        const auto script = [](int start) {
            const auto at = [start](int offset) { return std::to_string(start + offset); };
            return traceOf("window 0..2000000\nprocess p\nrequest 1 model m:1 " + at(0) + ".." + at(1000) + " queue " + at(0) + ".." +
                           at(10) + "\nrange 12 step " + at(5000) + ".." + at(6000) + "\n");
        };
        const auto view = shown(script(100'000), script(400'000));
        auto* by = view->findChild<QComboBox*>(QStringLiteral("alignBy"));
        QVERIFY(by);
        const auto choose = [by](const char* text) { by->setCurrentIndex(by->findText(QLatin1String(text))); };
        for (const char* choice : {"request", "range step"}) {
            choose(choice);
            view->timeline(0).setVisibleRange({100'000, 300'000});
            QCOMPARE(view->timeline(1).visibleRange(), (TimeRange{400'000, 600'000}));
        }
        choose("whole windows");
        view->timeline(0).setVisibleRange({100'000, 300'000});
        QCOMPARE(view->timeline(1).visibleRange(), (TimeRange{100'000, 300'000}));
        QVERIFY(!view->alignment());
    }

    void aTimelineThatIsDraggedByHandLiesBesideTheOtherAndIsCompared()
    {
        const auto view = shown(longReport(), longReport());
        QSignalSpy changed(view.get(), &CompareView::alignmentChanged);
        view->timeline(0).setVisibleRange({0, 1'000'000});
        QWidget* rows = view->timeline(1).viewport();
        const QPoint from(view->timeline(1).state().geometry.headerWidth + 300, 100), to = from + QPoint(50, 0);
        const double perPixel = view->timeline(0).state().axis().nsPerPixel();
        QTest::mousePress(rows, Qt::LeftButton, Qt::ControlModifier | Qt::ShiftModifier, from);
        QMouseEvent move(QEvent::MouseMove, QPointF(to), QPointF(rows->mapToGlobal(to)), Qt::NoButton, Qt::LeftButton,
                         Qt::ControlModifier | Qt::ShiftModifier);
        QCoreApplication::sendEvent(rows, &move);
        QTest::mouseRelease(rows, Qt::LeftButton, Qt::ControlModifier | Qt::ShiftModifier, to);
        QCOMPARE(changed.size(), 1);
        QVERIFY(view->alignment());
        QCOMPARE(view->alignment()->by, analysis::WindowAlignment::By::Hand);
        QCOMPARE(view->alignment()->shift, -static_cast<DurationNs>(50 * perPixel));
        auto* offset = view->findChild<QLabel*>(QStringLiteral("alignOffset"));
        QVERIFY(offset->isVisible());
        QVERIFY2(offset->text().startsWith(QStringLiteral("B +")) && offset->text().endsWith(QStringLiteral("s")),
                 qPrintable(offset->text()));
        QCOMPARE(view->timeline(1).visibleRange().start - view->timeline(0).visibleRange().start, view->alignment()->shift);
        QTest::mouseClick(view->findChild<QWidget*>(QStringLiteral("alignReset")), Qt::LeftButton);
        QVERIFY(!view->alignment() && !offset->isVisible());
        QCOMPARE(view->timeline(1).visibleRange(), view->timeline(0).visibleRange());
    }

    void whatIsSelectedInBothIsPutBesideEachOther()
    {
        const auto view = shown(longReport(), longReport());
        auto* button = view->findChild<QWidget*>(QStringLiteral("alignSelections"));
        QVERIFY(!button->isVisible());
        view->timeline(0).selectEvent(trace::EventId(trace::EventKind::Kernel, 0));
        view->timeline(1).selectEvent(trace::EventId(trace::EventKind::Memcpy, 0));
        QVERIFY(button->isVisible());
        QTest::mouseClick(button, Qt::LeftButton);
        const auto& trace = *view->timeline(0).trace();
        QCOMPARE(view->alignment()->shift, trace.memcpys.start[0] - trace.kernels.start[0]);
    }

    void theMouseOverAnEventMarksItsCounterpartAndTellsTheDifference()
    {
        const TracePtr a = longReport(), b = shortReport();
        const auto view = shown(a, b);
        view->setCounterparts(std::make_shared<const analysis::Counterparts>(a, b));
        const trace::EventId kernel(trace::EventKind::Kernel, 0);
        const auto point = view->timeline(0).pointOf(kernel);
        QVERIFY(point);
        QMouseEvent move(QEvent::MouseMove, QPointF(*point), QPointF(view->timeline(0).viewport()->mapToGlobal(*point)), Qt::NoButton,
                         Qt::NoButton, Qt::NoModifier);
        QCoreApplication::sendEvent(view->timeline(0).viewport(), &move);
        QVERIFY(view->timeline(1).state().instant);
        QCOMPARE(*view->timeline(1).state().instant, b->kernels.start[0]);
        const QString note = view->findChild<QLabel*>(QStringLiteral("compareNote"))->text();
        QVERIFY2(note.contains(QStringLiteral("gemm #1: A ")) && note.contains(QStringLiteral("Δ ")), qPrintable(note));
        QEvent leave(QEvent::Leave);
        QCoreApplication::sendEvent(view->timeline(0).viewport(), &leave);
        QVERIFY(!view->timeline(1).state().instant);
    }

    // ---- table

    void aRowShowsBothSidesTheirDifferenceAndRatio()
    {
        ComparisonTable table;
        table.setComparison(everyKindOfRow());
        QCOMPARE(textOf(table, "latency p50", ComparisonTable::A), QStringLiteral("2.000 ms"));
        QCOMPARE(textOf(table, "latency p50", ComparisonTable::B), QStringLiteral("1.000 ms"));
        QCOMPARE(textOf(table, "latency p50", ComparisonTable::Difference), QStringLiteral("−1.000 ms"));
        QCOMPARE(textOf(table, "latency p50", ComparisonTable::Ratio), QStringLiteral("0.50 ×"));
        QCOMPARE(textOf(table, "requests per second", ComparisonTable::Difference), QStringLiteral("+50 req/s"));
        QCOMPARE(textOf(table, "average batch", ComparisonTable::A), QStringLiteral("4 requests"));
        QCOMPARE(textOf(table, "slower", ComparisonTable::B), QStringLiteral("3.000 ms (×1 200)"));
        QCOMPARE(rowOf(table, "slower")->textAlignment(ComparisonTable::A), int(Qt::AlignRight | Qt::AlignVCenter));
    }

    void theDifferenceGivesWayToTheNamesAndIsInTheTooltipOfTheRatio()
    {
        ComparisonTable table;
        table.setComparison(everyKindOfRow());
        table.resize(1200, 300);
        table.show();
        QVERIFY(!table.isColumnHidden(ComparisonTable::Difference));
        int others = 0;
        for (const auto column : {ComparisonTable::A, ComparisonTable::B, ComparisonTable::Ratio})
            others += table.columnWidth(column);
        table.resize(170 + others + table.columnWidth(ComparisonTable::Difference) / 2, 300);
        QTRY_VERIFY(table.isColumnHidden(ComparisonTable::Difference));
        QTRY_VERIFY(table.header()->length() <= table.viewport()->width()); // and nothing is out of sight
        QCOMPARE(plain(rowOf(table, "latency p50")->toolTip(ComparisonTable::Ratio)), QStringLiteral("B − A: −1.000 ms"));
        table.resize(1200, 300);
        QTRY_VERIFY(!table.isColumnHidden(ComparisonTable::Difference));
    }

    void aSideThatHasNoSuchThingIsAbsentAndNotZero()
    {
        ComparisonTable table;
        table.setComparison(everyKindOfRow());
        QCOMPARE(textOf(table, "gone", ComparisonTable::B), QStringLiteral("–"));
        QCOMPARE(textOf(table, "gone", ComparisonTable::Ratio), QStringLiteral("only A"));
        QCOMPARE(textOf(table, "gone", ComparisonTable::Difference), QString());
        QCOMPARE(textOf(table, "new", ComparisonTable::A), QStringLiteral("–"));
        QCOMPARE(textOf(table, "new", ComparisonTable::Ratio), QStringLiteral("only B"));
        QCOMPARE(textOf(table, "from nothing", ComparisonTable::Ratio), QString()); // no ratio to 0
    }

    // Latency and throughput of two reports without requests read "only B".
    void whatNeitherSideHasIsLeftOut()
    {
        ComparisonTable table;
        const TracePtr a = longReport(), b = shortReport();
        table.setComparison(analysis::compare(*a, *b));
        QCOMPARE(sectionsOf(table),
                 (QStringList{QStringLiteral("GPU"), QStringLiteral("Streams, busy for a request or of the time"),
                              QStringLiteral("Memcpys, mean time (copies)"), QStringLiteral("Kernels, mean time (calls)")}));
        table.setComparison({});
        QCOMPARE(table.topLevelItemCount(), 0);
    }

    void betterIsGreenWorseIsRedAndNoiseIsNeither()
    {
        ComparisonTable table;
        for (const ColorScheme scheme : {ColorScheme::Light, ColorScheme::Dark}) {
            const Theme& theme = Theme::of(scheme);
            table.setPalette(theme.palette());
            table.setComparison(everyKindOfRow());
            const auto colorOf = [&](const char* name) { return rowOf(table, name)->foreground(ComparisonTable::Ratio); };
            QCOMPARE(colorOf("latency p50").color(), theme.good);
            QCOMPARE(colorOf("requests per second").color(), theme.good); // more is better here
            QCOMPARE(colorOf("slower").color(), theme.bad);
            QCOMPARE(colorOf("latency p99").style(), Qt::NoBrush);
            QCOMPARE(colorOf("average batch").style(), Qt::NoBrush);
        }
    }

    void aChangedThemeRecoloursTheTable()
    {
        ComparisonTable table;
        table.setPalette(Theme::of(ColorScheme::Light).palette());
        table.setComparison(everyKindOfRow());
        table.setPalette(Theme::of(ColorScheme::Dark).palette());
        QCOMPARE(rowOf(table, "slower")->foreground(ComparisonTable::Ratio).color(), Theme::of(ColorScheme::Dark).bad);
    }

private:
    static std::unique_ptr<CompareView> shown(const TracePtr& a, const TracePtr& b)
    {
        auto view = std::make_unique<CompareView>();
        view->resize(1400, 700);
        view->setReports(a, QStringLiteral("first & best"), b, QStringLiteral("second"), analysis::compare(*a, *b));
        view->show();
        if (!QTest::qWaitForWindowExposed(view.get()))
            qWarning("the view was not shown");
        return view;
    }
};

QTEST_MAIN(CompareViewTest)
#include "compare_view_test.moc"
