#include "report_fixture.h"

#include "app/desktop/report_page.h"
#include "app/jobs/job_runner.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/analysis/request_breakdown.h"
#include "trace_model/analysis/request_join.h"
#include "widgets/tables/trust_strip.h"
#include "widgets/timeline/timeline_widget.h"

#include <QApplication>
#include <QClipboard>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>

#include <algorithm>
#include <fstream>

using namespace gantry;
using namespace gantry::desktop;
using gantry::desktop_test::writeReport;
using gantry::test::TemporaryFolder;

namespace {

constexpr int kPatienceMs = 20'000;
constexpr TimestampNs kMillisecond = 1'000'000;
constexpr int kRequests = 12;
constexpr int kSoftmaxPerRequest = 4;

void writeText(const std::filesystem::path& path, const std::string& text)
{
    std::ofstream(path, std::ios::binary) << text;
}

QPushButton* button(const QWidget& page, const QString& text)
{
    const auto buttons = page.findChildren<QPushButton*>();
    const auto found =
        std::find_if(buttons.begin(), buttons.end(), [&](const QPushButton* candidate) { return candidate->text() == text; });
    return found == buttons.end() ? nullptr : *found;
}

QString errorSentence(const ReportPage& page)
{
    return page.findChild<QLabel*>(QStringLiteral("errorSentence"))->text();
}

} // namespace

class ReportPageTest : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<TemporaryFolder>();
        m_runner = std::make_unique<jobs::JobRunner>(2);
    }

    void cleanup()
    {
        m_page.reset();
        m_runner.reset();
    }

    void opensAReport()
    {
        open(*m_folder / "first.gantry");
        QCOMPARE(m_page->state(), ReportPage::State::Loading);
        QVERIFY(!m_page->timeline());
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Loaded, kPatienceMs);
        QCOMPARE(m_page->title(), QStringLiteral("first"));
        QCOMPARE(m_page->trace()->requests.size(), std::size_t{kRequests});
        QCOMPARE(m_page->timeline()->trace(), m_page->trace());
        QCOMPARE(m_page->statisticsRange(), m_page->trace()->time);
        QVERIFY(m_page->timeline()->isVisible());
        const auto* trust = m_page->findChild<widgets::TrustStrip*>();
        QVERIFY(trust && !trust->items().empty());
    }

    void leavesExtensionsOutOfTheTitle_data()
    {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QString>("title");
        QTest::newRow("report") << "bert.gantry"
                                << "bert";
        QTest::newRow("packed report") << "bert.gantry.zst"
                                       << "bert";
        QTest::newRow("export") << "profile.v2.sqlite"
                                << "profile.v2";
        QTest::newRow("other") << "notes.txt"
                               << "notes.txt";
    }

    void leavesExtensionsOutOfTheTitle()
    {
        QFETCH(QString, file);
        const ReportPage page(*m_folder / file.toStdString(), *m_runner);
        QTEST(page.title(), "title");
    }

    void saysWhyAFileWasNotOpenedAndWhatToDoNext_data()
    {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<int>("code");
        QTest::addColumn<QString>("cause");
        QTest::addColumn<QString>("nextStep");
        QTest::newRow("missing") << "missing" << int(ErrorCode::NotFound) << "no file"
                                 << "check";
        QTest::newRow("truncated") << "truncated" << int(ErrorCode::Truncated) << "truncated"
                                   << "fetch it again";
        QTest::newRow("no report") << "text" << int(ErrorCode::NotAReport) << "of no kind that Gantry knows"
                                   << "choose";
        QTest::newRow("empty") << "empty" << int(ErrorCode::NotAReport) << "empty"
                               << "again";
        QTest::newRow("folder") << "folder" << int(ErrorCode::NotAReport) << "folder"
                                << "open a file in it";
        QTest::newRow("Nsight Systems' own format, cut") << "nsys-rep" << int(ErrorCode::Truncated) << "truncated"
                                                         << "fetch it again";
    }

    void saysWhyAFileWasNotOpenedAndWhatToDoNext()
    {
        QFETCH(QString, kind);
        const auto path = *m_folder / "broken.gantry";
        if (kind == QLatin1String("truncated")) {
            writeReport(path);
            desktop_test::truncateFile(path);
        } else if (kind == QLatin1String("text")) {
            writeText(path, "these are notes about a server and no report of it");
        } else if (kind == QLatin1String("empty")) {
            writeText(path, "");
        } else if (kind == QLatin1String("nsys-rep")) {
            writeText(path, "NVIDIA Tegra Profiler Report and much more");
        } else if (kind == QLatin1String("folder")) {
            std::filesystem::create_directory(path);
        }
        show(path);
        QSignalSpy failed(m_page.get(), &ReportPage::failed);
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Failed, kPatienceMs);
        QCOMPARE(failed.size(), 1);
        QTEST(int(m_page->error()->code), "code");
        const QString sentence = errorSentence(*m_page);
        QFETCH(QString, cause);
        QFETCH(QString, nextStep);
        QVERIFY2(sentence.contains(cause), qPrintable(sentence));
        QVERIFY2(sentence.contains(nextStep), qPrintable(sentence));
        QVERIFY2(sentence.endsWith(QLatin1Char('.')) && !sentence.at(0).isLower(), qPrintable(sentence));
        QVERIFY(!m_page->timeline());
        QVERIFY(m_page->selectedEvent().isNone());
        m_page->find(QStringLiteral("gemm")); // what the window does while such a page is in front
        m_page->stepMatch(1);
        QVERIFY(m_page->matchText().isEmpty());
    }

    void triesAgainOnceTheFileIsThere()
    {
        const auto path = *m_folder / "late.gantry";
        show(path);
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Failed, kPatienceMs);
        writeReport(path);
        QTest::mouseClick(button(*m_page, QStringLiteral("Try again")), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Loaded, kPatienceMs);
        QVERIFY(!m_page->error());
        QVERIFY(m_page->timeline()->isVisible());
    }

    void copiesAndClosesAFailure()
    {
        const auto path = *m_folder / "none.gantry";
        show(path);
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Failed, kPatienceMs);
        QTest::mouseClick(button(*m_page, QStringLiteral("Copy details")), Qt::LeftButton);
        const QString copied = QApplication::clipboard()->text();
        QVERIFY2(copied.contains(errorSentence(*m_page)), qPrintable(copied));
        QVERIFY2(copied.contains(QStringLiteral("not_found")), qPrintable(copied));
        QSignalSpy close(m_page.get(), &ReportPage::closeRequested);
        QTest::mouseClick(button(*m_page, QStringLiteral("Close")), Qt::LeftButton);
        QCOMPARE(close.size(), 1);
    }

    void cancelsLoading()
    {
        open(*m_folder / "a.gantry");
        QSignalSpy close(m_page.get(), &ReportPage::closeRequested);
        QSignalSpy loaded(m_page.get(), &ReportPage::loaded);
        button(*m_page, QStringLiteral("Cancel"))->click(); // before the loader's result can have been delivered
        QCOMPARE(close.size(), 1);
        m_runner.reset(); // the job has ended, and whatever it delivered waits
        QCoreApplication::processEvents();
        QVERIFY(loaded.isEmpty());
        QVERIFY(!m_page->timeline());
    }

    void aPageThatIsClosedWhileItLoadsReceivesNothing()
    {
        const auto path = *m_folder / "a.gantry";
        writeReport(path);
        int delivered = 0;
        for (int round = 0; round < 20; ++round) {
            const ReportPage page(path, *m_runner);
            connect(&page, &ReportPage::loaded, this, [&] { ++delivered; });
            connect(&page, &ReportPage::failed, this, [&] { ++delivered; });
        }
        m_runner.reset(); // every job has ended
        QCoreApplication::processEvents();
        QCOMPARE(delivered, 0);
    }

    void searchFindsEventsAndStepsThroughThem()
    {
        openAndWait();
        QSignalSpy changed(m_page.get(), &ReportPage::searchChanged);
        m_page->find(QStringLiteral("SOFTMAX"));
        QTRY_COMPARE_WITH_TIMEOUT(m_page->matchText(), QStringLiteral("%1 matches").arg(kRequests * kSoftmaxPerRequest), kPatienceMs);
        QVERIFY(changed.size() >= 2); // searching, then found
        QVERIFY(m_page->selectedEvent().isNone());

        m_page->stepMatch(1);
        QCOMPARE(m_page->matchText(), QStringLiteral("1 of 48"));
        const trace::EventId first = m_page->selectedEvent();
        QCOMPARE(m_page->trace()->nameOf(first), std::string("softmax_rows"));
        m_page->stepMatch(1);
        QCOMPARE(m_page->matchText(), QStringLiteral("2 of 48"));
        QVERIFY(m_page->trace()->timeOf(m_page->selectedEvent()).start > m_page->trace()->timeOf(first).start);
        m_page->stepMatch(-1);
        QVERIFY(m_page->selectedEvent() == first);
        m_page->stepMatch(-1); // around the start
        QCOMPARE(m_page->matchText(), QStringLiteral("48 of 48"));
        m_page->stepMatch(1); // and around the end
        QVERIFY(m_page->selectedEvent() == first);
        QVERIFY(m_page->timeline()->pointOf(first)); // it is in view
    }

    void theFirstStepGoesToTheMatchNextToTheView()
    {
        openAndWait();
        m_page->timeline()->setVisibleRange({5 * kMillisecond, 6 * kMillisecond});
        m_page->find(QStringLiteral("softmax"));
        QTRY_COMPARE_WITH_TIMEOUT(m_page->matchText(), QStringLiteral("48 matches"), kPatienceMs);
        m_page->stepMatch(1);
        QCOMPARE(m_page->matchText(), QStringLiteral("17 of 48")); // the requests of milliseconds 1 to 4 have four each
        m_page->find(QStringLiteral("gemm"));
        QTRY_COMPARE_WITH_TIMEOUT(m_page->matchText(), QStringLiteral("48 matches"), kPatienceMs);
        m_page->timeline()->setVisibleRange({5 * kMillisecond, 6 * kMillisecond});
        m_page->stepMatch(-1);
        QCOMPARE(m_page->matchText(), QStringLiteral("16 of 48"));
    }

    void searchSaysWhenThereIsNothingAndEndsWithAnEmptyText()
    {
        openAndWait();
        m_page->find(QStringLiteral("no such kernel"));
        QTRY_COMPARE_WITH_TIMEOUT(m_page->matchText(), QStringLiteral("no match"), kPatienceMs);
        m_page->stepMatch(1);
        QVERIFY(m_page->selectedEvent().isNone());
        m_page->find(QString());
        QVERIFY(m_page->matchText().isEmpty());
    }

    void theNewestSearchWins()
    {
        openAndWait();
        for (const char* text : {"g", "ge", "gem", "softmax", "execute"})
            m_page->find(QString::fromLatin1(text));
        QTRY_COMPARE_WITH_TIMEOUT(m_page->matchText(), QStringLiteral("%1 matches").arg(kRequests), kPatienceMs);
        m_page->stepMatch(1);
        QCOMPARE(m_page->trace()->nameOf(m_page->selectedEvent()), std::string("execute"));
    }

    void slowestRequestsAreSteppedThroughAndAreInView()
    {
        openAndWait();
        const auto slowest = analysis::slowestRequests(*m_page->trace());
        QCOMPARE(slowest.size(), std::size_t{kRequests});
        m_page->stepSlowest(-1);
        QVERIFY(m_page->selectedRequest() == slowest[0]);
        m_page->stepSlowest(1);
        QVERIFY(m_page->selectedRequest() == slowest[1]);
        const TimeRange view = m_page->timeline()->visibleRange();
        const TimeRange time = m_page->trace()->requests[slowest[1].value].time;
        QVERIFY(view.start <= time.start && time.end <= view.end);
        QVERIFY(view.duration() <= 4 * time.duration());
        for (int i = 0; i < 2 * kRequests; ++i)
            m_page->stepSlowest(1);
        QVERIFY(m_page->selectedRequest() == slowest.back());
    }

    void aRequestIsShownByItsNumberOrNot()
    {
        openAndWait();
        const trace::Request& last = m_page->trace()->requests.back();
        QVERIFY(m_page->showRequestNamed(QString::number(last.id)));
        QCOMPARE(m_page->trace()->requests[m_page->selectedRequest().value].id, last.id);
        QVERIFY(m_page->showRequestNamed(QStringLiteral("slowest")));
        const auto none = m_page->showRequestNamed(QStringLiteral("999999"));
        QVERIFY(!none);
        QVERIFY(none.error().code == ErrorCode::NotFound);
    }

    void aClickSelectsARequestAndAKernel()
    {
        openAndWait();
        widgets::TimelineWidget& timeline = *m_page->timeline();
        timeline.setVisibleRange({1 * kMillisecond, 2 * kMillisecond});
        QSignalSpy changed(m_page.get(), &ReportPage::selectionChanged);

        const trace::EventId phase = analysis::phasesOf(*m_page->trace(), trace::RequestIndex(0)).back();
        click(phase);
        QCOMPARE(changed.size(), 1);
        QVERIFY(m_page->selectedRequest() == trace::RequestIndex(0));
        QVERIFY(m_page->selectedEvent() == phase);

        const trace::EventId kernel(trace::EventKind::Kernel, 0);
        timeline.reveal(kernel);
        click(kernel);
        QVERIFY(m_page->selectedEvent() == kernel);

        QTest::keyClick(&timeline, Qt::Key_Escape);
        QVERIFY(m_page->selectedEvent().isNone());
        QVERIFY(m_page->selectedRequest().isNone());
    }

    void statisticsAreAboutTheMeasuredRangeElseTheVisibleOne()
    {
        openAndWait();
        widgets::TimelineWidget& timeline = *m_page->timeline();
        QSignalSpy ranges(m_page.get(), &ReportPage::rangeChanged);
        timeline.setVisibleRange({2 * kMillisecond, 4 * kMillisecond});
        QCOMPARE(m_page->statisticsRange(), (TimeRange{2 * kMillisecond, 4 * kMillisecond}));
        QCOMPARE(ranges.size(), 1);

        const QPoint from(timeline.viewport()->width() / 2, timeline.viewport()->height() / 2);
        QTest::mousePress(timeline.viewport(), Qt::LeftButton, {}, from);
        QTest::mouseMove(timeline.viewport(), from + QPoint(60, 0));
        QTest::mouseRelease(timeline.viewport(), Qt::LeftButton, {}, from + QPoint(60, 0));
        QVERIFY(timeline.measuredRange());
        QCOMPARE(m_page->statisticsRange(), *timeline.measuredRange());
        QVERIFY(m_page->statisticsRange().duration() < 2 * kMillisecond);
        QTest::keyClick(&timeline, Qt::Key_Escape);
        QCOMPARE(m_page->statisticsRange(), (TimeRange{2 * kMillisecond, 4 * kMillisecond}));
    }

private:
    void show(const std::filesystem::path& path)
    {
        m_page = std::make_unique<ReportPage>(path, *m_runner);
        m_page->resize(1200, 800);
        m_page->show();
    }

    void open(const std::filesystem::path& path)
    {
        writeReport(path, {.requests = kRequests});
        show(path);
    }

    void openAndWait()
    {
        open(*m_folder / "a.gantry");
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Loaded, kPatienceMs);
        QVERIFY(QTest::qWaitForWindowExposed(m_page.get()));
    }

    void click(trace::EventId event)
    {
        const auto point = m_page->timeline()->pointOf(event);
        QVERIFY(point);
        QTest::mouseClick(m_page->timeline()->viewport(), Qt::LeftButton, {}, *point);
    }

    std::unique_ptr<TemporaryFolder> m_folder;
    std::unique_ptr<jobs::JobRunner> m_runner;
    std::unique_ptr<ReportPage> m_page;
};

QTEST_MAIN(ReportPageTest)
#include "report_page_test.moc"
