#include "report_fixture.h"

#include "app/desktop/inspector.h"
#include "app/desktop/report_page.h"
#include "app/jobs/job_runner.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/analysis/request_join.h"
#include "widgets/details/details_panel.h"
#include "widgets/findings/findings_panel.h"
#include "widgets/tables/event_table.h"
#include "widgets/tables/filter_edit.h"
#include "widgets/tables/import_view.h"
#include "widgets/tables/long_table_view.h"
#include "widgets/tables/statistics_table.h"
#include "widgets/tables/summary_tables.h"
#include "widgets/timeline/timeline_widget.h"

#include <QAbstractItemView>
#include <QAction>
#include <QClipboard>
#include <QCompleter>
#include <QDockWidget>
#include <QGuiApplication>
#include <QHeaderView>
#include <QLabel>
#include <QMainWindow>
#include <QSignalSpy>
#include <QTabBar>
#include <QTabWidget>
#include <QTableView>
#include <QTest>
#include <QTextBlock>
#include <QTextBrowser>

#include <algorithm>
#include <fstream>
#include <semaphore>

using namespace gantry;
using namespace gantry::desktop;
using gantry::test::TemporaryFolder;
using widgets::StatisticsModel;

namespace {

constexpr int kPatienceMs = 20'000;
constexpr TimestampNs kMillisecond = 1'000'000;
constexpr int kRequests = 12;
/// Of the one request that starts in a millisecond: 8 kernels, 2 copies, 10 API calls, 4 NVTX ranges, 4 phases.
constexpr int kEventsPerRequest = 28;

/// Where the first link to such an address is, as a point of the viewport.
std::optional<QPoint> anchorPoint(QTextBrowser& browser, const QString& address)
{
    for (QTextBlock block = browser.document()->begin(); block.isValid(); block = block.next()) {
        for (auto part = block.begin(); !part.atEnd(); ++part) {
            if (!part.fragment().charFormat().anchorHref().startsWith(address))
                continue;
            QTextCursor cursor(browser.document());
            cursor.setPosition(part.fragment().position());
            browser.setTextCursor(cursor);
            browser.ensureCursorVisible();
            const QRect left = browser.cursorRect(cursor);
            return QPoint(left.x() + 4, left.center().y());
        }
    }
    return std::nullopt;
}

} // namespace

class InspectorTest : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<TemporaryFolder>();
        desktop_test::writeReport(*m_folder / "a.gantry", {.requests = kRequests});
        m_runner = std::make_unique<jobs::JobRunner>(2);
        m_window = std::make_unique<QMainWindow>();
        m_window->resize(1400, 1000);
        m_page = new ReportPage(*m_folder / "a.gantry", *m_runner);
        m_window->setCentralWidget(m_page);
        m_inspector = new Inspector(*m_window, *m_runner);
        m_window->show();
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Loaded, kPatienceMs);
    }

    void cleanup()
    {
        m_window.reset();
        m_runner.reset();
    }

    void showsStatisticsOfTheWholeReport()
    {
        follow();
        QCOMPARE(statisticsRows(),
                 (QStringList{QStringLiteral("bert_base compute_infer 12"), QStringLiteral("bert_base queue 12"),
                              QStringLiteral("bert_base compute_input 12"), QStringLiteral("bert_base compute_output 12")}));
        QVERIFY2(scopeText().contains(QStringLiteral("the whole report")), qPrintable(scopeText()));
    }

    void findingsAreJudgedAndTheTimelineShowsTheirEvidence()
    {
        follow();
        m_inspector->showFindings();
        QTRY_VERIFY_WITH_TIMEOUT(m_inspector->findings().scopeText().contains(QStringLiteral("could not be judged")), kPatienceMs);
        QVERIFY(m_inspector->findings().isVisible());
        const TimeRange place{3 * kMillisecond, 4 * kMillisecond};
        emit m_inspector->findings().evidenceRequested({"a place", place, {}, {}});
        QCOMPARE(m_page->timeline()->measuredRange(), std::optional(place));
        QVERIFY(m_page->timeline()->visibleRange().duration() < m_page->trace()->time.duration());
        emit m_inspector->findings().evidenceRequested({"a request", place, {}, trace::RequestIndex(5)});
        QCOMPARE(m_page->selectedRequest().value, 5u);
    }

    void findingsGoWithTheirPage()
    {
        follow();
        QTRY_VERIFY_WITH_TIMEOUT(!m_inspector->findings().scopeText().isEmpty(), kPatienceMs);
        m_inspector->follow(FrontPage::Live, nullptr);
        QCOMPARE(m_inspector->findings().scopeText(), QString());
        follow(); // known: shown at once
        QVERIFY(!m_inspector->findings().scopeText().isEmpty());
    }

    void theImportIsShownWhenAskedForAndIsAboutTheFile()
    {
        follow();
        auto* tabs = m_window->findChild<QTabWidget*>();
        QVERIFY2(m_inspector->import().filesText().startsWith(QStringLiteral("a.gantry · ")),
                 qPrintable(m_inspector->import().filesText()));
        QVERIFY(!tabs->isTabVisible(tabs->indexOf(&m_inspector->tables()))); // it has no tables
        emit m_page->importRequested();
        QCOMPARE(tabs->currentWidget(), &m_inspector->import());
        QVERIFY(m_inspector->import().isVisible());
        m_inspector->follow(FrontPage::Live, nullptr);
        QVERIFY(m_inspector->import().totalsText().startsWith(QStringLiteral("Open a file")));
    }

    void aPageWithoutTimesShowsItsImportAndTheNextOneWhatWasChosenBefore()
    {
        follow();
        auto* tabs = m_window->findChild<QTabWidget*>();
        tabs->setCurrentWidget(&m_inspector->events());
        const auto path = *m_folder / "perf.csv";
        std::ofstream(path)
            << "Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,p99 latency\n1,69.2,225,2148,64,21018\n";
        ReportPage tables(path, *m_runner);
        QTRY_COMPARE_WITH_TIMEOUT(tables.state(), ReportPage::State::Loaded, kPatienceMs);
        m_inspector->follow(FrontPage::Report, &tables);
        QCOMPARE(tabs->currentWidget(), &m_inspector->import());
        m_inspector->follow(FrontPage::Report, m_page);
        QCOMPARE(tabs->currentWidget(), &m_inspector->events());
    }

    void statisticsFollowTheVisibleRange()
    {
        follow();
        group(analysis::GroupBy::Kernel);
        QSignalSpy settled(m_inspector, &Inspector::settled);
        m_page->timeline()->setVisibleRange({1 * kMillisecond, 2 * kMillisecond});
        QVERIFY(settled.wait(kPatienceMs));
        QCOMPARE(statisticsRows(), (QStringList{QStringLiteral("gemm_fp16_128x64 4"), QStringLiteral("softmax_rows 4")}));
        QVERIFY2(scopeText().contains(QStringLiteral("1.000 ms of")), qPrintable(scopeText()));
    }

    void statisticsAreGroupedByWhatIsChosen_data()
    {
        QTest::addColumn<int>("by");
        QTest::addColumn<QStringList>("rows");
        using analysis::GroupBy;
        QTest::newRow("kernel") << int(GroupBy::Kernel)
                                << QStringList{QStringLiteral("gemm_fp16_128x64 48"), QStringLiteral("softmax_rows 48")};
        QTest::newRow("memcpy") << int(GroupBy::Memcpy)
                                << QStringList{QStringLiteral("DtoH Device to Pageable 12"), QStringLiteral("HtoD Pageable to Device 12")};
        QTest::newRow("API") << int(GroupBy::Api)
                             << QStringList{QStringLiteral("cudaLaunchKernel 96"), QStringLiteral("cudaMemcpyAsync 24")};
        QTest::newRow("NVTX") << int(GroupBy::Nvtx)
                              << QStringList{QStringLiteral("gantry.serve: execute 12"), QStringLiteral("gantry.serve: compute_infer 12"),
                                             QStringLiteral("gantry.serve: compute_input 12"),
                                             QStringLiteral("gantry.serve: compute_output 12")};
        QTest::newRow("stream") << int(GroupBy::Stream)
                                << QStringList{QStringLiteral("GPU 0 context 1 stream 7 96"),
                                               QStringLiteral("GPU 0 context 1 stream 13 24")};
    }

    void statisticsAreGroupedByWhatIsChosen()
    {
        follow();
        QFETCH(int, by);
        group(static_cast<analysis::GroupBy>(by));
        QTEST(statisticsRows(), "rows");
    }

    void activatingARowOfTheStatisticsFindsItsEvents_data()
    {
        QTest::addColumn<int>("by");
        QTest::addColumn<QString>("matches"); ///< of the row with most time
        using analysis::GroupBy;
        QTest::newRow("kernel") << int(GroupBy::Kernel) << "48 matches";
        QTest::newRow("memcpy") << int(GroupBy::Memcpy) << "12 matches";
        QTest::newRow("API") << int(GroupBy::Api) << "96 matches";
        QTest::newRow("NVTX") << int(GroupBy::Nvtx) << "12 matches";
    }

    void activatingARowOfTheStatisticsFindsItsEvents()
    {
        follow();
        QFETCH(int, by);
        group(static_cast<analysis::GroupBy>(by));
        activateFirstRow();
        QTRY_VERIFY_WITH_TIMEOUT(!m_page->searchText().isEmpty() && m_page->matchText() != QStringLiteral("searching…"), kPatienceMs);
        QTEST(m_page->matchText(), "matches");
    }

    void activatingAPhaseGoesToItsLongestOne()
    {
        follow();
        QTableView& view = m_inspector->statistics().view();
        view.sortByColumn(StatisticsModel::Name, Qt::DescendingOrder); // queue first
        activateFirstRow();
        const trace::EventId event = m_page->selectedEvent();
        QVERIFY(event.kind() == trace::EventKind::Phase);
        QCOMPARE(m_page->trace()->nameOf(event), std::string("queue"));
        QCOMPARE(m_page->trace()->timeOf(event).duration(), DurationNs{140'000});
        QVERIFY(m_page->searchText().isEmpty());
    }

    void theEventsTabListsTheEventsOfTheVisibleRange()
    {
        follow();
        m_page->timeline()->setVisibleRange({3 * kMillisecond, 4 * kMillisecond});
        bringToFront(QStringLiteral("Events"));
        widgets::EventModel& model = m_inspector->events().model();
        QTRY_COMPARE_WITH_TIMEOUT(model.rowCount(), kEventsPerRequest, kPatienceMs);
        for (int row = 1; row < model.rowCount(); ++row)
            QVERIFY(startOf(model.eventAt(row - 1)) <= startOf(model.eventAt(row)));
        QCOMPARE(startOf(model.eventAt(0)), 3 * kMillisecond);

        m_page->timeline()->setVisibleRange({3 * kMillisecond, 5 * kMillisecond});
        QTRY_COMPARE_WITH_TIMEOUT(model.rowCount(), 2 * kEventsPerRequest, kPatienceMs);
    }

    void aRowOfTheEventsAndTheTimelineSelectEachOther()
    {
        follow();
        m_page->timeline()->setVisibleRange({3 * kMillisecond, 4 * kMillisecond});
        bringToFront(QStringLiteral("Events"));
        widgets::EventTable& events = m_inspector->events();
        QTRY_COMPARE_WITH_TIMEOUT(events.model().rowCount(), kEventsPerRequest, kPatienceMs);
        const trace::EventId second = events.model().eventAt(1);
        QTest::mouseClick(events.view().viewport(), Qt::LeftButton, {}, events.view().visualRect(events.model().index(1, 0)).center());
        QVERIFY(m_page->selectedEvent() == second);

        const trace::EventId last = events.model().eventAt(kEventsPerRequest - 1);
        m_page->timeline()->selectEvent(last);
        QCOMPARE(events.view().currentIndex().row(), events.model().rowOf(last));
        QVERIFY(events.view().selectionModel()->hasSelection());
        m_page->timeline()->clearSelection();
        QVERIFY(!events.view().selectionModel()->hasSelection());
    }

    // The zoom that made it legible left a table of other events under the mouse.
    void choosingARowLeavesTheRangeAndOpeningItZooms()
    {
        follow();
        bringToFront(QStringLiteral("Events"));
        widgets::EventTable& events = m_inspector->events();
        QTRY_COMPARE_WITH_TIMEOUT(events.model().rowCount(), kRequests * kEventsPerRequest, kPatienceMs);
        const TimeRange whole = m_page->timeline()->visibleRange();
        const QPoint at = events.view().visualRect(events.model().index(3, 0)).center();
        const trace::EventId event = events.model().eventAt(3);
        QTest::mouseClick(events.view().viewport(), Qt::LeftButton, {}, at);
        QVERIFY(m_page->selectedEvent() == event);
        QVERIFY(m_page->timeline()->visibleRange() == whole);
        QTest::keyClick(&events.view(), Qt::Key_Return);
        QVERIFY(m_page->timeline()->visibleRange().duration() < whole.duration());
    }

    void eventsAreThoseOfTheChosenRowsAndMeetTheFilter()
    {
        follow();
        bringToFront(QStringLiteral("Events"));
        widgets::EventTable& events = m_inspector->events();
        QTRY_COMPARE_WITH_TIMEOUT(events.model().rowCount(), kRequests * kEventsPerRequest, kPatienceMs);
        const auto& tracks = m_page->trace()->tracks;
        const auto stream =
            std::find_if(tracks.begin(), tracks.end(), [](const trace::Track& track) { return track.kind == trace::TrackKind::GpuStream; });
        QVERIFY(stream != tracks.end());
        const trace::TrackId id(static_cast<std::uint32_t>(stream - tracks.begin()));
        m_page->timeline()->arrangeRow(id, widgets::TimelineWidget::RowChange::ToggleChosen);
        QTRY_COMPARE_WITH_TIMEOUT(events.model().rowCount(), kRequests * 8, kPatienceMs); // its kernels
        QVERIFY2(eventsScope().contains(QString::fromStdString(stream->name)), qPrintable(eventsScope()));
        auto& filter = *events.findChild<widgets::FilterEdit*>();
        QTest::keyClicks(&filter, QStringLiteral("softmax"));
        QTRY_COMPARE_WITH_TIMEOUT(events.model().rowCount(), kRequests * 2, kPatienceMs); // two of its four a request run elsewhere
        QTest::keyClick(m_page->timeline(), Qt::Key_Escape);
        QVERIFY(m_page->timeline()->state().chosenRows.empty());
        filter.clear();
        QTest::keyClick(&filter, Qt::Key_Return);
        QTRY_COMPARE_WITH_TIMEOUT(events.model().rowCount(), kRequests * kEventsPerRequest, kPatienceMs);
        QVERIFY2(eventsScope().endsWith(QStringLiteral("events in the whole report")), qPrintable(eventsScope()));
    }

    void filtersOfBothTablesAreCompletedWithWhatTheReportHolds()
    {
        follow();
        bringToFront(QStringLiteral("Events"));
        QTRY_COMPARE_WITH_TIMEOUT(m_inspector->events().model().rowCount(), kRequests * kEventsPerRequest, kPatienceMs);
        for (QWidget* table : {static_cast<QWidget*>(&m_inspector->events()), static_cast<QWidget*>(&m_inspector->statistics())}) {
            auto& filter = *table->findChild<widgets::FilterEdit*>();
            QTest::keyClicks(&filter, QStringLiteral("stream=1"));
            const QAbstractItemModel& options = *filter.completions().popup()->model();
            QCOMPARE(options.rowCount(), 1);
            QCOMPARE(options.index(0, 0).data().toString(), QStringLiteral("stream=13"));
            filter.completions().popup()->hide();
        }
    }

    void aClickOnAHeaderOfTheEventsSortsAllOfThem()
    {
        follow();
        bringToFront(QStringLiteral("Events"));
        widgets::EventTable& events = m_inspector->events();
        QTRY_COMPARE_WITH_TIMEOUT(events.model().rowCount(), kRequests * kEventsPerRequest, kPatienceMs);
        events.view().header().setSortIndicator(static_cast<int>(widgets::EventColumn::Duration), Qt::DescendingOrder);
        const auto duration = [&](int row) { return m_page->trace()->timeOf(events.model().eventAt(row)).duration(); };
        const auto isSorted = [&] {
            for (int row = 1; row < events.model().rowCount(); ++row)
                if (duration(row - 1) < duration(row))
                    return false;
            return true;
        };
        QTRY_VERIFY_WITH_TIMEOUT(isSorted(), kPatienceMs);
        // The timeline's selection is found in any order.
        const trace::EventId last = events.model().eventAt(events.model().rowCount() - 1);
        m_page->timeline()->selectEvent(last);
        QCOMPARE(events.view().currentIndex().row(), events.model().rowCount() - 1);
    }

    void copiedEventsAreOnTheClipboard()
    {
        follow();
        m_page->timeline()->setVisibleRange({3 * kMillisecond, 4 * kMillisecond});
        bringToFront(QStringLiteral("Events"));
        widgets::EventTable& events = m_inspector->events();
        QTRY_COMPARE_WITH_TIMEOUT(events.model().rowCount(), kEventsPerRequest, kPatienceMs);
        QGuiApplication::clipboard()->clear();
        events.view().setFocus();
        QTest::keyClick(&events.view(), Qt::Key_C, Qt::ControlModifier);
        QTRY_VERIFY_WITH_TIMEOUT(!QGuiApplication::clipboard()->text().isEmpty(), kPatienceMs);
        const QStringList lines = QGuiApplication::clipboard()->text().split(QLatin1Char('\n'));
        QCOMPARE(lines.size(), kEventsPerRequest + 2); // headers, and an end of the last line
        QVERIFY2(lines[1].startsWith(QStringLiteral("3000000\t")), qPrintable(lines[1]));
        QCOMPARE(eventsScope(), QStringLiteral("%1 rows are copied.").arg(kEventsPerRequest));
    }

    void detailsAreAboutTheSelectionElseTheReport()
    {
        follow();
        QVERIFY2(details().contains(QStringLiteral("NVIDIA H100")), qPrintable(details()));
        m_page->timeline()->selectEvent(trace::EventId(trace::EventKind::Kernel, 0));
        QVERIFY2(details().contains(QStringLiteral("gemm_fp16_128x64")), qPrintable(details()));
        QVERIFY2(details().contains(QStringLiteral("128")), qPrintable(details())); // threads of a block
        m_page->timeline()->selectRequest(trace::RequestIndex(4));
        QVERIFY2(details().contains(QStringLiteral("bert_base")), qPrintable(details()));
        QVERIFY2(!details().contains(QStringLiteral("gemm_fp16_128x64")), qPrintable(details()));
        m_inspector->follow(FrontPage::Live, nullptr);
        QVERIFY(details().isEmpty());
    }

    void linksInTheDetailsLeadToTheCallAndTheRequest()
    {
        follow();
        const trace::EventId kernel(trace::EventKind::Kernel, 0);
        m_page->timeline()->selectEvent(kernel);
        auto& browser = *m_inspector->details().findChild<QTextBrowser*>(QStringLiteral("details"));
        const trace::EventId call = analysis::launchOf(*m_page->trace(), kernel);
        const auto toCall = anchorPoint(browser, QStringLiteral("e:%1").arg(call.packed));
        QVERIFY(toCall);
        QTest::mouseClick(browser.viewport(), Qt::LeftButton, {}, *toCall);
        QVERIFY(m_page->selectedEvent() == call);
        const auto toRequest = anchorPoint(browser, QStringLiteral("r:"));
        QVERIFY(toRequest);
        QTest::mouseClick(browser.viewport(), Qt::LeftButton, {}, *toRequest);
        QVERIFY(m_page->selectedRequest() == trace::RequestIndex(0));
    }

    void docksAreShownWhereTheyHaveContentAndAClosedOneStaysClosed()
    {
        QDockWidget* details = dock("detailsDock");
        QDockWidget* tables = dock("tablesDock");
        QDockWidget* log = dock("logDock");
        m_inspector->follow(FrontPage::Compare, nullptr);
        QVERIFY(details->isHidden() && tables->isHidden() && log->isHidden());
        m_inspector->follow(FrontPage::Live, nullptr);
        QVERIFY(details->isHidden() && tables->isHidden() && !log->isHidden());
        m_inspector->follow(FrontPage::Report, m_page);
        QVERIFY(!details->isHidden() && !tables->isHidden() && !log->isHidden());

        details->close();
        m_inspector->follow(FrontPage::Live, nullptr);
        m_inspector->follow(FrontPage::Report, m_page);
        QVERIFY(details->isHidden());
        details->toggleViewAction()->trigger();
        m_inspector->follow(FrontPage::Live, nullptr);
        m_inspector->follow(FrontPage::Report, m_page);
        QVERIFY(!details->isHidden());
    }

    // It read "Open a report" while one was being opened.
    void tablesSayThatAReportIsBeingReadAndThatItWasNotOpened()
    {
        std::binary_semaphore mayEnd(0);
        TraceSource source;
        source.load = [&mayEnd](std::span<const trace::LoadFile>, const trace::LoadOptions& options) -> Result<TraceSource::Loaded> {
            options.progress(0.25, "kernels");
            mayEnd.acquire();
            return Error{ErrorCode::BadInput, "it is broken", {}};
        };
        ReportPage page({{*m_folder / "slow.json", {}}}, *m_runner, source);
        connect(&page, &ReportPage::failed, m_inspector, [this, &page] { m_inspector->follow(FrontPage::Report, &page); });
        m_inspector->follow(FrontPage::Report, &page);
        QVERIFY2(scopeText().startsWith(QStringLiteral("Reading slow.json…")), qPrintable(scopeText()));
        QTRY_COMPARE_WITH_TIMEOUT(scopeText(), QStringLiteral("Reading slow.json… 25 %"), kPatienceMs);
        QCOMPARE(m_inspector->import().totalsText(), scopeText());
        mayEnd.release();
        QTRY_COMPARE_WITH_TIMEOUT(scopeText(), QStringLiteral("slow.json was not opened."), kPatienceMs);
        m_inspector->follow(FrontPage::Live, nullptr);
        QCOMPARE(scopeText(), QStringLiteral("Open a report to see where its time went."));
    }

    void aPageThatIsClosedLeavesTheTablesEmpty()
    {
        follow();
        delete m_window->takeCentralWidget();
        m_inspector->follow(FrontPage::Live, nullptr);
        QCOMPARE(m_inspector->statistics().view().model()->rowCount(), 0);
        QCOMPARE(m_inspector->events().model().rowCount(), 0);
        QVERIFY(details().isEmpty());
    }

private:
    /// Follows the report and waits for its statistics.
    void follow()
    {
        QSignalSpy settled(m_inspector, &Inspector::settled);
        m_inspector->follow(FrontPage::Report, m_page);
        QVERIFY(settled.wait(kPatienceMs));
    }

    void group(analysis::GroupBy by)
    {
        QSignalSpy settled(m_inspector, &Inspector::settled);
        m_inspector->statistics().setGroupBy(by);
        QVERIFY(settled.wait(kPatienceMs));
    }

    void activateFirstRow()
    {
        QTableView& view = m_inspector->statistics().view();
        view.setFocus();
        view.setCurrentIndex(view.model()->index(0, 0));
        QTest::keyClick(&view, Qt::Key_Return);
    }

    /// Name and count of each row as shown.
    QStringList statisticsRows() const
    {
        const QAbstractItemModel& model = *m_inspector->statistics().view().model();
        QStringList rows;
        for (int row = 0; row < model.rowCount(); ++row)
            rows << model.index(row, StatisticsModel::Name).data().toString() + QLatin1Char(' ') +
                        model.index(row, StatisticsModel::Count).data().toString();
        return rows;
    }

    QString scopeText() const
    {
        QStringList texts;
        for (const QLabel* label : m_inspector->statistics().findChildren<QLabel*>())
            texts << label->text();
        return texts.join(QLatin1Char('\n'));
    }

    QString eventsScope() const { return m_inspector->events().findChild<QLabel*>(QStringLiteral("eventsScope"))->text(); }
    QString details() const { return m_inspector->details().text(); }
    TimestampNs startOf(trace::EventId event) const { return m_page->trace()->timeOf(event).start; }
    QDockWidget* dock(const char* name) const { return m_window->findChild<QDockWidget*>(QLatin1String(name)); }

    void bringToFront(const QString& tab)
    {
        auto* tabs = dock("tablesDock")->findChild<QTabWidget*>();
        for (int i = 0; i < tabs->count(); ++i) {
            if (tabs->tabText(i) == tab)
                QTest::mouseClick(tabs->tabBar(), Qt::LeftButton, {}, tabs->tabBar()->tabRect(i).center());
        }
        QCOMPARE(tabs->tabText(tabs->currentIndex()), tab);
    }

    std::unique_ptr<TemporaryFolder> m_folder;
    std::unique_ptr<jobs::JobRunner> m_runner;
    std::unique_ptr<QMainWindow> m_window;
    ReportPage* m_page = nullptr;
    Inspector* m_inspector = nullptr;
};

QTEST_MAIN(InspectorTest)
#include "inspector_test.moc"
