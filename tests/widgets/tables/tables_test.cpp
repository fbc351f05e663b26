#include "tests/widgets/trace_fixture.h"
#include "widgets/tables/import_view.h"
#include "widgets/tables/statistics_table.h"
#include "widgets/tables/summary_tables.h"
#include "widgets/tables/table_copy.h"
#include "widgets/tables/trust_strip.h"
#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QAbstractItemModelTester>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QGuiApplication>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QSortFilterProxyModel>
#include <QTableView>
#include <QTest>

#include <algorithm>

using namespace gantry;
using namespace gantry::widgets;
using namespace gantry::widgets_test;
using analysis::GroupBy;
using trace::EventId;
using trace::EventKind;
using Grade = TrustStrip::Grade;

namespace {

/// Texts of a column from the top to the bottom of what a view shows.
QStringList columnOf(const QTableView& view, int column)
{
    QStringList texts;
    for (int row = 0; row < view.model()->rowCount(); ++row)
        texts << plain(view.model()->index(row, column).data().toString());
    return texts;
}

/// Shows a table, so that rows have places to click.
void expose(QWidget& widget)
{
    widget.resize(1000, 400);
    widget.show();
    QVERIFY(QTest::qWaitForWindowExposed(&widget));
}

} // namespace

class TablesTest : public QObject
{
    Q_OBJECT

private slots:
    void init() { m_trace = traceOf(kServerScript); }

    // ---- statistics

    void theStatisticsModelKeepsTheRulesOfModels()
    {
        StatisticsModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.setRows(analysis::activityTable(*m_trace, GroupBy::Memcpy));
        QCOMPARE(model.rowCount(), 3);
        model.setRows({});
        QCOMPARE(model.rowCount(), 0);
    }

    void countsAndTotalsOverAGapAreLowerBounds()
    {
        StatisticsModel model;
        const auto rows = analysis::activityTable(*m_trace, GroupBy::Memcpy);
        model.setRows(rows);
        const auto text = [&](int column) { return model.index(0, column).data().toString(); };
        const QString count = text(StatisticsModel::Count), total = text(StatisticsModel::Total), median = text(StatisticsModel::P50);
        model.setRows(rows, QStringLiteral("12 records were dropped"));
        QCOMPARE(text(StatisticsModel::Count), QStringLiteral("≥ ") + count);
        QCOMPARE(text(StatisticsModel::Total), QStringLiteral("≥ ") + total);
        QCOMPARE(text(StatisticsModel::P50), median);
        QVERIFY(
            model.index(0, StatisticsModel::Count).data(Qt::ToolTipRole).toString().contains(QStringLiteral("12 records were dropped")));
        QCOMPARE(model.index(0, StatisticsModel::Count).data(StatisticsModel::kNumberRole).toULongLong(), rows[0].duration.count);
    }

    void statisticsAreShownInUnits()
    {
        StatisticsTable table;
        table.setRows(analysis::activityTable(*m_trace, GroupBy::Memcpy), QStringLiteral("the whole report"));
        QCOMPARE(
            columnOf(table.view(), StatisticsModel::Name),
            (QStringList{QStringLiteral("DtoH Device to Pinned"), QStringLiteral("HtoD Pageable to Device"), QStringLiteral("memset")}));
        QCOMPARE(columnOf(table.view(), StatisticsModel::Total),
                 (QStringList{QStringLiteral("10.000 µs"), QStringLiteral("4.000 µs"), QStringLiteral("1.000 µs")}));
        QCOMPARE(columnOf(table.view(), StatisticsModel::Share).front(), QStringLiteral("66.7 %"));
        QCOMPARE(columnOf(table.view(), StatisticsModel::Bytes),
                 (QStringList{QStringLiteral("1.0 MiB"), QStringLiteral("4.0 KiB"), QStringLiteral("64 B")}));
        QVERIFY(!table.view().isColumnHidden(StatisticsModel::Bytes));
        table.setRows(analysis::activityTable(*m_trace, GroupBy::Kernel), QStringLiteral("the whole report"));
        QVERIFY(table.view().isColumnHidden(StatisticsModel::Bytes)); // kernels have none
    }

    void clickingAHeaderSortsByTheNumberAndNotByItsText()
    {
        std::vector<analysis::ActivityRow> rows(3);
        const DurationNs totals[] = {9'000, 1'000'000, 20'000};
        for (std::size_t i = 0; i < 3; ++i) {
            rows[i].name = "k" + std::to_string(i);
            rows[i].duration.count = i == 0 ? 100 : i == 1 ? 9 : 20;
            rows[i].duration.total = totals[i];
        }
        StatisticsTable table;
        table.setRows(rows, QStringLiteral("all"));
        expose(table);
        QCOMPARE(columnOf(table.view(), StatisticsModel::Total),
                 (QStringList{QStringLiteral("1.000 ms"), QStringLiteral("20.000 µs"), QStringLiteral("9.000 µs")}));
        QHeaderView* header = table.view().horizontalHeader();
        const QPoint at(header->sectionViewportPosition(StatisticsModel::Count) + 20, header->height() / 2);
        QTest::mouseClick(header->viewport(), Qt::LeftButton, Qt::NoModifier, at);
        const QStringList first = columnOf(table.view(), StatisticsModel::Count);
        QTest::mouseClick(header->viewport(), Qt::LeftButton, Qt::NoModifier, at);
        const QStringList second = columnOf(table.view(), StatisticsModel::Count);
        const QStringList ascending{QStringLiteral("9"), QStringLiteral("20"), QStringLiteral("100")},
            descending{QStringLiteral("100"), QStringLiteral("20"), QStringLiteral("9")};
        QVERIFY((first == ascending && second == descending) || (first == descending && second == ascending));
        table.setRows(rows, QStringLiteral("all")); // new rows keep the order the user chose
        QCOMPARE(columnOf(table.view(), StatisticsModel::Count), second);
    }

    void wordsInTheFilterChooseRowsAndTermsChooseEvents()
    {
        StatisticsTable table;
        table.setGroupBy(GroupBy::Memcpy);
        table.setRows(analysis::activityTable(*m_trace, GroupBy::Memcpy), QStringLiteral("the whole report"));
        expose(table);
        QSignalSpy asked(&table, &StatisticsTable::questionChanged);
        auto* box = table.findChild<QLineEdit*>(QStringLiteral("statisticsFilter"));
        QTest::keyClicks(box, QStringLiteral("pinned"));
        QTRY_COMPARE(columnOf(table.view(), StatisticsModel::Name), (QStringList{QStringLiteral("DtoH Device to Pinned")}));
        QCOMPARE(asked.count(), 0);
        QTest::keyClicks(box, QStringLiteral(" dur>1us"));
        QTRY_COMPARE(asked.count(), 1);
        QCOMPARE(table.filter().terms.size(), std::size_t{2});
        QCOMPARE(table.view().model()->rowCount(), 3); // the owner computes them
        QTest::keyClick(box, Qt::Key_Backspace);       // a number without its unit
        QTest::keyClick(box, Qt::Key_Backspace);
        const auto* scope = table.findChild<QLabel*>(QStringLiteral("statisticsScope"));
        QTRY_VERIFY2(scope->text().startsWith(QStringLiteral("at character 12: expected a time")), qPrintable(scope->text()));
        QCOMPARE(asked.count(), 1);
        box->selectAll();
        QTest::keyClick(box, Qt::Key_Delete);
        QTRY_COMPARE(asked.count(), 2);
        QVERIFY(table.filter().terms.empty());
        QCOMPARE(scope->text(), QStringLiteral("in the whole report"));
    }

    // Return waited as long as a letter does.
    void returnInTheFilterAppliesItAtOnce()
    {
        StatisticsTable table;
        expose(table);
        QSignalSpy asked(&table, &StatisticsTable::questionChanged);
        auto* box = table.findChild<QLineEdit*>(QStringLiteral("statisticsFilter"));
        QTest::keyClicks(box, QStringLiteral("dur>1us"));
        QTest::keyClick(box, Qt::Key_Return);
        QCOMPARE(asked.count(), 1);
        QCOMPARE(table.filter().terms.size(), std::size_t{1});
    }

    void statisticsAreCopiedAsNumbersOrAsShown()
    {
        StatisticsTable table;
        table.setRows(analysis::activityTable(*m_trace, GroupBy::Memcpy), QStringLiteral("the whole report"));
        expose(table);
        table.view().selectRow(0);
        table.view().setFocus();
        QTest::keyClick(&table.view(), Qt::Key_C, Qt::ControlModifier);
        const QStringList tsv = QGuiApplication::clipboard()->text().split(QLatin1Char('\n'));
        QCOMPARE(tsv[0], QStringLiteral("name\tcount\ttotal_ns\tshare_ratio\tmean_ns\tmin_ns\tp50_ns\tp95_ns\tp99_ns\tmax_ns\tbytes"));
        QVERIFY2(tsv[1].startsWith(QStringLiteral("DtoH Device to Pinned\t1\t10000\t0.6666666")), qPrintable(tsv[1]));
        QCOMPARE(tsv.size(), 3); // the selected row, and an end of the line
        QVERIFY(tableText(table.view(), CopyFormat::Csv, StatisticsModel::kNumberRole).startsWith(QStringLiteral("name,count,total_ns,")));
        table.view().clearSelection();
        const QStringList markdown =
            plain(tableText(table.view(), CopyFormat::Markdown, StatisticsModel::kNumberRole)).split(QLatin1Char('\n'));
        QVERIFY2(markdown[0].startsWith(QStringLiteral("| Name | Count | Total |")), qPrintable(markdown[0]));
        QVERIFY2(markdown[1].startsWith(QStringLiteral("| --- | ---: |")), qPrintable(markdown[1]));
        QVERIFY2(markdown[2].startsWith(QStringLiteral("| DtoH Device to Pinned | 1 | 10.000 µs | 66.7 % |")), qPrintable(markdown[2]));
        QCOMPARE(markdown.size(), 6); // all three rows without a selection
    }

    void aDistributionIsDrawnFromItsShortestToItsLongest()
    {
        std::vector<analysis::ActivityRow> rows(2);
        rows[0].name = "short and long";
        rows[0].histogram.front() = 10;
        rows[0].histogram.back() = 10;
        rows[0].duration.total = 2;
        rows[1].name = "nothing";
        StatisticsTable table;
        table.setRows(rows, QStringLiteral("all"));
        expose(table);
        table.resize(1200, 300); // all columns are in view
        const QImage image = table.view().viewport()->grab().toImage();
        const auto bars = [&](int row) {
            const QRect cell = table.view().visualRect(table.view().model()->index(row, StatisticsModel::Shape));
            const QColor accent = Theme::forPalette(table.palette()).accent;
            QList<int> found;
            for (int x = cell.left(); x <= cell.right(); ++x)
                if (image.pixelColor(x, cell.center().y()) == accent)
                    found << x - cell.left();
            return found;
        };
        QVERIFY(!bars(0).isEmpty());
        QVERIFY(bars(0).front() < 12 && bars(0).back() > 90 && bars(0).size() < 20);
        QVERIFY(bars(1).isEmpty());
    }

    void namesOfKernelsAreChosenWhereThereAreKernels()
    {
        StatisticsTable table;
        expose(table);
        const auto boxes = table.findChildren<QComboBox*>();
        const auto names =
            std::find_if(boxes.begin(), boxes.end(), [](const QComboBox* box) { return box->findText(QStringLiteral("Full names")) >= 0; });
        QVERIFY(names != boxes.end() && !(*names)->isVisible());
        table.setGroupBy(GroupBy::Kernel);
        QVERIFY((*names)->isVisible());
        QSignalSpy asked(&table, &StatisticsTable::questionChanged);
        QTest::keyClicks(*names, QStringLiteral("Full"));
        QCOMPARE(asked.count(), 1);
        QVERIFY(table.names() == analysis::KernelNames::Full);
        QCOMPARE(table.view().textElideMode(), Qt::ElideMiddle);
    }

    void theGroupIsChosenByNameAndAnnounced()
    {
        StatisticsTable table;
        QSignalSpy changed(&table, &StatisticsTable::groupByChanged);
        QVERIFY(table.groupBy() == GroupBy::Phase);
        auto* box = table.findChild<QComboBox*>();
        QCOMPARE(box->count(), 9);
        QTest::keyClicks(box, QStringLiteral("NVTX"));
        QCOMPARE(table.groupBy(), GroupBy::Nvtx);
        QVERIFY(changed.count() >= 1);
        table.setGroupBy(GroupBy::Stream);
        QCOMPARE(table.groupBy(), GroupBy::Stream);
    }

    void onlyGroupsThatTheReportHasAreOffered()
    {
        StatisticsTable table;
        QSignalSpy changed(&table, &StatisticsTable::groupByChanged);
        table.offerGroupsOf(*traceOf("window 0..100\nprocess p\nthread 12 t\nrange 12 step 0..50\napi 12 cudaMalloc 1..2 corr 1\n"));
        QVERIFY(table.groupBy() == GroupBy::Api); // no requests, kernels or memcpys
        table.setGroupBy(GroupBy::Nvtx);
        table.offerGroupsOf(*m_trace);
        QVERIFY(table.groupBy() == GroupBy::Nvtx); // what was chosen stays where it can
        QCOMPARE(changed.count(), 1);
        const auto* box = table.findChild<QComboBox*>();
        QVERIFY(box->findText(QStringLiteral("CUDA API calls")) >= 0);
        table.offerGroupsOf(*traceOf("window 0..100\nprocess p\nthread 12 t\napi 12 hipLaunchKernel 1..2 corr 1\n"));
        QVERIFY(box->findText(QStringLiteral("HIP API calls")) >= 0);
    }

    void anEmptyTableSaysWhy()
    {
        StatisticsTable table;
        auto* scope = table.findChild<QLabel*>();
        QCOMPARE(scope->text(), QStringLiteral("Open a report to see where its time went."));
        table.setRows({}, QStringLiteral("1.2 ms of 2.0 s"));
        QCOMPARE(scope->text(), QStringLiteral("nothing of this kind in 1.2 ms of 2.0 s"));
        table.setRows(analysis::activityTable(*m_trace, GroupBy::Kernel), QStringLiteral("1.2 ms of 2.0 s"));
        QCOMPARE(scope->text(), QStringLiteral("in 1.2 ms of 2.0 s"));
        table.clear();
        QCOMPARE(table.view().model()->rowCount(), 0);
    }

    void enterOnARowNamesItsLongestEvent()
    {
        for (const auto& [by, kind] : {std::pair(GroupBy::Kernel, EventKind::Kernel), std::pair(GroupBy::Memcpy, EventKind::Memcpy),
                                       std::pair(GroupBy::Api, EventKind::ApiCall), std::pair(GroupBy::Nvtx, EventKind::NvtxRange),
                                       std::pair(GroupBy::Phase, EventKind::Phase), std::pair(GroupBy::Stream, EventKind::Kernel)}) {
            StatisticsTable table;
            table.setRows(analysis::activityTable(*m_trace, by), QStringLiteral("all"));
            expose(table);
            EventId longest;
            connect(&table, &StatisticsTable::rowActivated, this, [&](const analysis::ActivityRow& row) { longest = row.longest; });
            table.view().setCurrentIndex(table.view().model()->index(0, StatisticsModel::P99));
            QTest::keyClick(&table.view(), Qt::Key_Return);
            QVERIFY(longest.kind() == kind);
            const QString max = table.view().model()->index(0, StatisticsModel::Max).data().toString();
            QCOMPARE(widgets::formatDuration(m_trace->timeOf(longest).duration()), max);
        }
    }

    // ---- import

    void theImportModelKeepsTheRulesOfModels()
    {
        ImportModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.setReports(importedTrace().imports);
        QCOMPARE(model.rowCount(), 3);
        model.setReports({});
        QCOMPARE(model.rowCount(), 0);
    }

    void theImportSaysWhatWasReadAndShowsWhatWasNotUsedFirst()
    {
        ImportView view;
        view.setTrace(importedTrace());
        QCOMPARE(plain(view.filesText()),
                 QStringLiteral("a.json · Chrome trace · PyTorch · 2.0 KiB · 1.000 ms to 2.000 ms\nCounts from the boot of the machine."));
        QCOMPARE(plain(view.totalsText()), QStringLiteral("1 250 rows in 3 tables, 30 not used"));
        QCOMPARE(columnOf(view.view(), ImportModel::Table),
                 (QStringList{QStringLiteral("kernel"), QStringLiteral("cpu_op"), QStringLiteral("gpu_memcpy")}));
        QCOMPARE(columnOf(view.view(), ImportModel::Skipped),
                 (QStringList{QStringLiteral("20"), QStringLiteral("10"), QStringLiteral("0")}));
        QCOMPARE(columnOf(view.view(), ImportModel::Why).front(), QStringLiteral("15 × end before start; 5 × no stream"));
        QVERIFY(view.view().isColumnHidden(ImportModel::File));          // there is one
        view.view().sortByColumn(ImportModel::Rows, Qt::AscendingOrder); // as numbers
        QCOMPARE(columnOf(view.view(), ImportModel::Rows),
                 (QStringList{QStringLiteral("50"), QStringLiteral("200"), QStringLiteral("1 000")}));
    }

    void theImportIsCopiedAsAWhole()
    {
        ImportView view;
        view.setTrace(importedTrace());
        view.findChild<QPushButton*>()->click();
        const QString copied = QApplication::clipboard()->text();
        QCOMPARE(copied, view.text());
        QVERIFY2(copied.contains(QStringLiteral("Counts from the boot")), qPrintable(copied));
        QVERIFY2(copied.contains(QStringLiteral("Table\tRows\tUsed\tNot used\tWhy not\nkernel\t200\t180\t20\t")), qPrintable(copied));
    }

    void theFilesOfAnImportAreToldApart()
    {
        trace::Trace trace = importedTrace();
        trace.imports.push_back(trace.imports.front());
        trace.imports.back().file = "b.json";
        ImportView view;
        view.setTrace(trace);
        QVERIFY(!view.view().isColumnHidden(ImportModel::File));
        QCOMPARE(view.view().model()->rowCount(), 6);
        QVERIFY(view.filesText().contains(QStringLiteral("b.json")));
        view.clear();
        QCOMPARE(view.view().model()->rowCount(), 0);
        QVERIFY2(view.totalsText().startsWith(QStringLiteral("Open a file to see what was read of it")), qPrintable(view.totalsText()));
    }

    // A sample of a file ends in its middle: that says nothing about the file.
    void ofASampleNothingIsSaidThatOnlyTheWholeTells()
    {
        trace::Trace trace = importedTrace();
        trace.meta.isPreview = true;
        trace.meta.warnings = {"The file ends in the middle."};
        const auto items = TrustStrip::itemsOf(trace);
        QCOMPARE(items.size(), std::size_t{1});
        QVERIFY(items[0].text.startsWith(QStringLiteral("a sample")));
        ImportView view;
        view.setTrace(trace);
        QVERIFY2(view.totalsText().contains(QStringLiteral("once all of it is read")), qPrintable(view.totalsText()));
        QCOMPARE(view.view().model()->rowCount(), 0);
    }

    void rowsThatWereNotUsedAreOnTheTrustStrip()
    {
        trace::Trace trace = importedTrace();
        const auto items = TrustStrip::itemsOf(trace);
        QCOMPARE(plain(items.back().text), QStringLiteral("30 rows not used"));
        QVERIFY(items.back().opensImport);
        trace.imports.clear();
        for (const TrustStrip::Item& item : TrustStrip::itemsOf(trace))
            QVERIFY(!item.opensImport);
    }

    // Its last items were cut in a narrow window.
    void theTrustStripHasAllItsItemsAtAnyWidth()
    {
        TrustStrip strip;
        strip.setTrace(importedTrace());
        QVERIFY(strip.items().size() >= 5);
        strip.show();
        const int line = strip.heightForWidth(2000);
        for (const int width : {2000, 400, 200}) {
            strip.resize(width, strip.heightForWidth(width));
            QRegion taken;
            for (const QLabel* label : strip.findChildren<QLabel*>()) {
                QVERIFY2(strip.rect().contains(label->geometry()), qPrintable(label->text()));
                QVERIFY(label->width() >= label->sizeHint().width());
                QVERIFY(!taken.intersects(label->geometry()));
                taken += label->geometry();
            }
        }
        QVERIFY(strip.heightForWidth(400) >= 2 * line - 10);
    }

    void namesKeepTheirRoomInANarrowTable()
    {
        StatisticsTable table;
        const QHeaderView& header = *table.view().horizontalHeader();
        for (const int width : {1400, 300, 1500}) {
            table.resize(width, 300);
            table.show();
            QVERIFY(QTest::qWaitForWindowExposed(&table));
            QTRY_COMPARE(header.sectionSize(StatisticsModel::Name) > 170, width > 1000); // what the others leave
            QVERIFY(header.sectionSize(StatisticsModel::Name) >= 170);
            QCOMPARE(header.length() == header.width(), width > 1000);
        }
    }

    void numbersThatAreLowHaveRoomForTheirSign()
    {
        StatisticsTable table;
        const int before = table.view().columnWidth(StatisticsModel::Total);
        table.setRows({}, QStringLiteral("it"), QStringLiteral("12 records were dropped"));
        const int low = table.view().columnWidth(StatisticsModel::Total);
        QVERIFY(low > before);
        table.setRows({}, QStringLiteral("it"), QStringLiteral("13 records were dropped"));
        QCOMPARE(table.view().columnWidth(StatisticsModel::Total), low);
        table.setRows({}, QStringLiteral("it"));
        QCOMPARE(table.view().columnWidth(StatisticsModel::Total), before);
    }

    // ---- tables of files

    void aTableOfAFileSortsNumbersAsNumbersAndKeepsItsOrderUntilAsked()
    {
        SummaryTables tables;
        tables.setTables(
            {{"latency", {"Model", "p99 (µs)"}, {{"bert", "9.5"}, {"gpt", ""}, {"resnet", "120"}}}, {"gpu", {"GPU"}, {{"0"}}}});
        QTableView& view = tables.view();
        QCOMPARE(columnOf(view, 0), (QStringList{QStringLiteral("bert"), QStringLiteral("gpt"), QStringLiteral("resnet")}));
        const auto alignment = [&](int column) {
            return Qt::Alignment(view.model()->index(0, column).data(Qt::TextAlignmentRole).toInt());
        };
        QVERIFY(alignment(0).testFlag(Qt::AlignLeft));
        QVERIFY(alignment(1).testFlag(Qt::AlignRight));
        view.sortByColumn(1, Qt::DescendingOrder);
        QCOMPARE(columnOf(view, 1), (QStringList{QStringLiteral("120"), QStringLiteral("9.5"), QString()}));
        tables.choice().setCurrentIndex(1);
        QCOMPARE(columnOf(view, 0), (QStringList{QStringLiteral("0")}));
        tables.setTables({});
        QCOMPARE(view.model()->rowCount(), 0);
        QVERIFY(tables.findChild<QLabel*>()->text().contains(QStringLiteral("no tables")));
    }

    void theModelOfATableKeepsTheRulesOfModels()
    {
        SummaryModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.setTable({"t", {"a", "b"}, {{"1", "x"}, {"2", ""}}});
        QCOMPARE(model.columnCount(), 2);
        QVERIFY(model.isNumeric(0) && !model.isNumeric(1));
        model.setTable({});
        QCOMPARE(model.rowCount(), 0);
    }

    // ---- trust strip

    void aReportThatSaysNothingAboutItselfIsNotTrusted()
    {
        trace::Trace trace;
        const auto items = TrustStrip::itemsOf(trace);
        QCOMPARE(items.size(), std::size_t{4});
        QCOMPARE(items[0].text, QStringLiteral("dropped: not recorded"));
        QCOMPARE(items[1].text, QStringLiteral("clock error unknown"));
        QCOMPARE(items[2].text, QStringLiteral("window cost not measured"));
        for (int i = 0; i < 3; ++i)
            QVERIFY(items[static_cast<std::size_t>(i)].grade == Grade::Unknown);
    }

    void whatWasDroppedIsGradedByHowMuchItMatters()
    {
        trace::Trace trace;
        trace.losses = {{"cut_ranges", LossSeverity::Info, 12, "Ranges cut by the window."},
                        {"dropped", LossSeverity::Error, 0, "Records dropped."}};
        QCOMPARE(TrustStrip::itemsOf(trace)[0].text, QStringLiteral("dropped 0"));
        QVERIFY(TrustStrip::itemsOf(trace)[0].grade == Grade::Good);
        trace.losses.push_back({"late", LossSeverity::Warning, 5, "Samples came late."});
        QCOMPARE(TrustStrip::itemsOf(trace)[0].text, QStringLiteral("dropped 5"));
        QVERIFY(TrustStrip::itemsOf(trace)[0].grade == Grade::Warning);
        QVERIFY(TrustStrip::itemsOf(trace)[0].help.contains(QStringLiteral("late: 5 — Samples came late.")));
        trace.losses[1].count = 2'000;
        QCOMPARE(plain(TrustStrip::itemsOf(trace)[0].text), QStringLiteral("dropped 2 005"));
        QVERIFY(TrustStrip::itemsOf(trace)[0].grade == Grade::Bad);
    }

    void clockAndWindowCostAreGradedWithTheirError()
    {
        trace::Trace trace;
        trace.meta.clockErrorNs = 3'000;
        trace.meta.windowCostRatio = -0.008;
        QCOMPARE(TrustStrip::itemsOf(trace)[1].text, QStringLiteral("clock ±3.000 µs"));
        QVERIFY(TrustStrip::itemsOf(trace)[1].grade == Grade::Good);
        QCOMPARE(TrustStrip::itemsOf(trace)[2].text, QStringLiteral("window cost −0.8 % req/s"));
        QVERIFY(TrustStrip::itemsOf(trace)[2].grade == Grade::Good);
        trace.meta.clockErrorNs = 2'000'000;
        trace.meta.windowCostRatio = -0.2;
        trace.meta.windowCostError = 0.01;
        QVERIFY(TrustStrip::itemsOf(trace)[1].grade == Grade::Warning);
        QVERIFY(TrustStrip::itemsOf(trace)[2].grade == Grade::Warning);
        trace.meta.windowCostError = 0.09;
        trace.meta.windowCostRatio = -0.1; // as large as chance: no cost, and no proof of none
        QCOMPARE(TrustStrip::itemsOf(trace)[2].text, QStringLiteral("window cost −10.0 % ± 9.0 % req/s"));
        QVERIFY(TrustStrip::itemsOf(trace)[2].grade == Grade::Unknown);
        trace.meta.windowCostRatio = -0.008;
        trace.meta.windowCostError = 0.003;
        trace.meta.settings["GANTRY_COST_P99_NS"] = "100000";
        trace.meta.settings["GANTRY_COST_P99_ERROR_NS"] = "200000";
        trace.meta.settings["GANTRY_COST_WHY_NO_AFTER"] = "the next window began";
        trace.meta.settings["GANTRY_COST_DURING_LENGTH_NS"] = "2000000000";
        trace.meta.settings["GANTRY_COST_DURING_REQUESTS"] = "400";
        QCOMPARE(TrustStrip::itemsOf(trace)[2].text, QStringLiteral("window cost −0.8 % ± 0.3 % req/s, +0.1 ± 0.2 ms p99"));
        const QString help = TrustStrip::itemsOf(trace)[2].help;
        QVERIFY2(help.contains(QStringLiteral("in the window: 200.0 req/s (400 requests in 2.000 s)")), qPrintable(help));
        QVERIFY2(help.contains(QStringLiteral("after: not measured: the next window began")), qPrintable(help));
        trace.meta.windowCostRatio.reset();
        trace.meta.settings["GANTRY_COST_WHY_NO_RATE"] = "too few requests to say: 3 in the window, 4 beside it";
        QCOMPARE(TrustStrip::itemsOf(trace)[2].text, QStringLiteral("window cost: too few requests to say: 3 in the window, 4 beside it"));
        QVERIFY(TrustStrip::itemsOf(trace)[2].grade == Grade::Unknown);
        trace.meta.windowCostRatio = -0.1;
        trace.meta.windowCostError = 0.151; // three requests in a window once read as a cost of 85 %
        QCOMPARE(TrustStrip::itemsOf(trace)[2].text, QStringLiteral("window cost not clear (± 15.1 % req/s)"));
        QVERIFY(TrustStrip::itemsOf(trace)[2].grade == Grade::Unknown);
    }

    void aCostThatIsMeasuredLaterTakesThePlaceOfTheFirst()
    {
        TrustStrip strip;
        trace::Trace trace;
        strip.setTrace(trace);
        const std::size_t count = strip.items().size();
        report::WindowCost cost;
        cost.ratio = -0.012;
        cost.error = 0.002;
        strip.setCost(cost);
        QCOMPARE(strip.items().size(), count);
        QCOMPARE(strip.items()[2].text, QStringLiteral("window cost −1.2 % ± 0.2 % req/s"));
        QStringList shown;
        for (const QLabel* label : strip.findChildren<QLabel*>())
            shown << label->text();
        QVERIFY2(shown.join(QLatin1Char(' ')).contains(QStringLiteral("−1.2 %")), qPrintable(shown.join(QLatin1Char('\n'))));
    }

    void anUnfinishedReportAndAServerThatEndedAreSaid()
    {
        trace::Trace trace;
        QVERIFY(TrustStrip::itemsOf(trace)[3].grade == Grade::Good);
        trace.meta.targetExited = true;
        QCOMPARE(TrustStrip::itemsOf(trace)[3].text, QStringLiteral("server ended in the window"));
        trace.meta.complete = false;
        QCOMPARE(TrustStrip::itemsOf(trace)[3].text, QStringLiteral("incomplete"));
        QVERIFY(TrustStrip::itemsOf(trace)[3].grade == Grade::Bad);
    }

    void cutRequestsAndWarningsAreCounted()
    {
        trace::Trace trace;
        trace.requests.resize(3);
        trace.requests[0].cutByWindow = true;
        trace.meta.warnings = {"One table was skipped."};
        QCOMPARE(TrustStrip::itemsOf(trace)[4].text, QStringLiteral("1 request cut by the window"));
        QCOMPARE(TrustStrip::itemsOf(trace)[5].text, QStringLiteral("1 warning"));
        QCOMPARE(TrustStrip::itemsOf(trace)[5].help, QStringLiteral("One table was skipped."));
        trace.requests[1].cutByWindow = true;
        trace.meta.warnings.push_back("Another one.");
        QCOMPARE(TrustStrip::itemsOf(trace)[4].text, QStringLiteral("2 requests cut by the window"));
        QCOMPARE(TrustStrip::itemsOf(trace)[5].text, QStringLiteral("2 warnings"));
    }

    void theStripShowsEachItemInItsColourInBothThemes()
    {
        TrustStrip strip;
        auto trace = std::make_shared<trace::Trace>(*m_trace);
        trace->losses = {{"dropped", LossSeverity::Error, 7, "Records dropped."}};
        trace->meta.clockErrorNs = 5;
        strip.setTrace(*m_trace);
        strip.setTrace(*trace);
        const auto labels = strip.findChildren<QLabel*>();
        QCOMPARE(labels.size(), static_cast<qsizetype>(strip.items().size()));
        for (const ColorScheme scheme : {ColorScheme::Light, ColorScheme::Dark}) {
            const Theme& theme = Theme::of(scheme);
            strip.setPalette(theme.palette());
            QVERIFY(labels[0]->text().contains(theme.bad.name()) && labels[0]->text().contains(QLatin1Char('!')));
            QVERIFY(labels[1]->text().contains(theme.good.name()));
        }
        QCOMPARE(labels[0]->toolTip(), QStringLiteral("dropped: 7 — Records dropped."));
    }

private:
    /// Of one file with three tables, two of which have rows that were not used.
    static trace::Trace importedTrace()
    {
        trace::Trace trace;
        trace.time = {5'000'000, 9'000'000};
        importing::ImportReport report;
        report.file = "a.json";
        report.format = "Chrome trace";
        report.producer = "PyTorch";
        report.fileBytes = 2048;
        report.clock = "Counts from the boot of the machine.";
        report.time = {6'000'000, 7'000'000};
        report.table("cpu_op").keep(990);
        report.table("cpu_op").skip("negative duration", 10);
        report.table("kernel").keep(180);
        report.table("kernel").skip("end before start", 15);
        report.table("kernel").skip("no stream", 5);
        report.table("gpu_memcpy").keep(50);
        trace.imports.push_back(std::move(report));
        return trace;
    }

    TracePtr m_trace;
};

QTEST_MAIN(TablesTest)
#include "tables_test.moc"
