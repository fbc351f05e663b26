#include "report_fixture.h"

#include "app/desktop/load_banner.h"
#include "app/desktop/report_page.h"
#include "app/jobs/job_runner.h"
#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"
#include "trace_model/analysis/request_breakdown.h"
#include "trace_model/analysis/request_join.h"
#include "widgets/tables/summary_tables.h"
#include "widgets/tables/trust_strip.h"
#include "widgets/theme/format.h"
#include "widgets/timeline/timeline_widget.h"

#include <QApplication>
#include <QClipboard>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableView>
#include <QTest>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <stop_token>

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

/// Where a loader waits until the test has looked, or it is asked to stop.
class Gate
{
public:
    void open()
    {
        {
            const std::scoped_lock lock(m_mutex);
            m_isOpen = true;
        }
        m_changed.notify_all();
    }
    bool wait(std::stop_token stop)
    {
        std::unique_lock lock(m_mutex);
        return m_changed.wait(lock, stop, [this] { return m_isOpen; });
    }

private:
    std::mutex m_mutex;
    std::condition_variable_any m_changed;
    bool m_isOpen = false;
};

std::shared_ptr<const trace::Trace> sampleOf(const trace::Trace& whole)
{
    auto sample = std::make_shared<trace::Trace>(whole);
    sample->meta.isPreview = true;
    return sample;
}

/// Shows a sample, waits at the gate and reads the file then.
TraceSource sampledSource(std::shared_ptr<Gate> gate)
{
    TraceSource source;
    source.load = [gate](std::span<const trace::LoadFile> files, const trace::LoadOptions& options) -> Result<TraceSource::Loaded> {
        auto whole = trace::loadTrace(files, {});
        options.preview(sampleOf(**whole));
        options.progress(0.43, "kernels");
        if (!gate->wait(options.stop))
            return Error{ErrorCode::Cancelled, "cancelled", {}};
        return whole;
    };
    return source;
}

QString plain(QString text)
{
    return text.replace(QChar(0x2009), QLatin1Char(' ')); // thin spaces
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
        const QDateTime written(QDate(2026, 11, 21), QTime(14, 3, 20), Qt::UTC);
        QTest::newRow("report of a node") << "20261121-140320-bert-base-1795317839.gantry"
                                          << QStringLiteral("bert-base ") + written.toLocalTime().toString(QStringLiteral("HH:mm:ss"));
        QTest::newRow("almost such") << "20261121-990320-bert-3.gantry"
                                     << "20261121-990320-bert-3";
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
        QTest::newRow("missing") << "missing" << int(ErrorCode::NotFound) << "no such file"
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

    void aSampleIsShownUntilAllIsReadAndTheViewStays()
    {
        const auto gate = std::make_shared<Gate>();
        openWith(sampledSource(gate));
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Preview, kPatienceMs);
        QVERIFY(m_page->trace()->meta.isPreview);
        QVERIFY(m_page->timeline()->isVisible());
        QTRY_VERIFY_WITH_TIMEOUT(banner().sentence().contains(QStringLiteral("43 % kernels")), kPatienceMs);
        QCOMPARE(plain(banner().sentence()),
                 plain(QStringLiteral("Showing a sample of %1 events while all are read: 43 % kernels").arg(widgets::formatCount(m_page->trace()->eventCount()))));
        QVERIFY(banner().isVisible());
        const TimeRange view{2 * kMillisecond, 4 * kMillisecond};
        m_page->timeline()->setVisibleRange(view);
        m_page->find(QStringLiteral("softmax"));

        gate->open();
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Loaded, kPatienceMs);
        QVERIFY(!m_page->trace()->meta.isPreview);
        QCOMPARE(m_page->timeline()->trace(), m_page->trace());
        QCOMPARE(m_page->timeline()->visibleRange(), view);
        QVERIFY(!banner().isVisible());
        QTRY_COMPARE_WITH_TIMEOUT(m_page->matchText(), QStringLiteral("48 matches"), kPatienceMs);
    }

    void aSampleStaysWhenReadingIsCancelledAndCanBeCompleted()
    {
        const auto gate = std::make_shared<Gate>();
        openWith(sampledSource(gate));
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Preview, kPatienceMs);
        QSignalSpy close(m_page.get(), &ReportPage::closeRequested);
        button(banner(), QStringLiteral("Cancel"))->click();
        QVERIFY2(banner().sentence().endsWith(QStringLiteral("the others were not read.")), qPrintable(banner().sentence()));
        QCOMPARE(m_page->state(), ReportPage::State::Preview);
        QVERIFY(close.isEmpty());
        QVERIFY(m_page->trace()->meta.isPreview);

        gate->open();
        button(banner(), QStringLiteral("Read all"))->click();
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Loaded, kPatienceMs);
        QVERIFY(!m_page->trace()->meta.isPreview);
    }

    void aFailureAfterTheSampleIsSaidInItsPlace()
    {
        TraceSource source;
        source.load = [](std::span<const trace::LoadFile> files, const trace::LoadOptions& options) -> Result<TraceSource::Loaded> {
            options.preview(sampleOf(**trace::loadTrace(files, {})));
            return Error{ErrorCode::Truncated, "the file is truncated; fetch it again", {}};
        };
        openWith(std::move(source));
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Failed, kPatienceMs);
        QVERIFY(!m_page->trace());
        QVERIFY(!m_page->timeline());
        QVERIFY(errorSentence(*m_page).contains(QStringLiteral("truncated")));
    }

    void aLargeTraceIsKeptForTheNextTime()
    {
        constexpr int kWorthKeeping = 3000; // requests of some 30 events
        const auto path = *m_folder / "a.gantry";
        writeReport(path, {.requests = kWorthKeeping});
        TraceSource source;
        source.cache = std::make_shared<const trace::TraceCache>(*m_folder / "cache");
        m_page = std::make_unique<ReportPage>(std::vector<trace::LoadFile>{{path, {}}}, *m_runner, source);
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Loaded, kPatienceMs);
        const std::string key = m_page->trace()->cacheKey;
        QVERIFY(!key.empty());
        QTRY_VERIFY_WITH_TIMEOUT(source.cache->find(key), kPatienceMs);
        const std::size_t events = m_page->trace()->eventCount();
        m_page = std::make_unique<ReportPage>(std::vector<trace::LoadFile>{{path, {}}}, *m_runner, source);
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Loaded, kPatienceMs);
        QCOMPARE(m_page->trace()->eventCount(), events);
    }

    void aKeptCopyThatTheDiskDamagedIsReadAnew()
    {
        const auto path = *m_folder / "a.gantry";
        writeReport(path, {.requests = 3000});
        TraceSource source;
        source.cache = std::make_shared<const trace::TraceCache>(*m_folder / "cache");
        m_page = std::make_unique<ReportPage>(std::vector<trace::LoadFile>{{path, {}}}, *m_runner, source);
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Loaded, kPatienceMs);
        const std::string key = m_page->trace()->cacheKey;
        QTRY_VERIFY_WITH_TIMEOUT(source.cache->find(key, true), kPatienceMs);
        const std::vector<TimestampNs> starts(m_page->trace()->kernels.start.begin(), m_page->trace()->kernels.start.end());
        const auto archive = *m_folder / "cache" / (key + ".trace");
        const auto bytes = std::as_bytes(std::span(starts));
        std::string content = test::readFile(archive);
        content[content.find(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()))] ^= 1;
        test::writeFile(archive, content);

        m_page = std::make_unique<ReportPage>(std::vector<trace::LoadFile>{{path, {}}}, *m_runner, source);
        QSignalSpy logged(m_page.get(), &ReportPage::logged);
        QVERIFY(logged.wait(kPatienceMs));
        QVERIFY(logged.front().front().toString().contains(QStringLiteral("is damaged: it is read anew")));
        QTRY_VERIFY_WITH_TIMEOUT(m_page->trace() && !m_page->trace()->isFromCache, kPatienceMs);
        QVERIFY(std::equal(starts.begin(), starts.end(), m_page->trace()->kernels.start.begin(), m_page->trace()->kernels.start.end()));
        QTRY_VERIFY_WITH_TIMEOUT(source.cache->find(key, true), kPatienceMs); // and kept again
    }

    void whatCannotBeKeptIsALineInTheLogAndNoFailure()
    {
        const auto path = *m_folder / "a.gantry";
        writeReport(path, {.requests = 3000});
        writeText(*m_folder / "file", "in the way of a folder");
        TraceSource source;
        source.cache = std::make_shared<const trace::TraceCache>(*m_folder / "file" / "cache");
        m_page = std::make_unique<ReportPage>(std::vector<trace::LoadFile>{{path, {}}}, *m_runner, source);
        QSignalSpy logged(m_page.get(), &ReportPage::logged);
        QVERIFY(logged.wait(kPatienceMs));
        QCOMPARE(m_page->state(), ReportPage::State::Loaded);
        const QString line = logged.front().front().toString();
        QVERIFY2(line.startsWith(QStringLiteral("a is not kept for the next time it is opened: ")) && !line.contains(QLatin1Char('\n')), qPrintable(line));
    }

    void severalFilesAreOneReportAndTheirOffsetsAreAsked()
    {
        const auto a = *m_folder / "a.gantry", b = *m_folder / "b.gantry";
        writeReport(a, {.requests = kRequests});
        writeReport(b, {.requests = 3});
        m_page = std::make_unique<ReportPage>(std::vector<trace::LoadFile>{{a, {}}, {b, {}}}, *m_runner);
        m_page->show();
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Loaded, kPatienceMs);
        QCOMPARE(m_page->title(), QStringLiteral("a + 1 more"));
        QCOMPARE(m_page->trace()->requests.size(), std::size_t{kRequests + 3});
        QCOMPARE(m_page->trace()->imports.size(), std::size_t{2});
        QVERIFY(!m_page->trace()->imports[1].clock.empty()); // how they were aligned
        QSignalSpy loaded(m_page.get(), &ReportPage::loaded);
        m_page->setOffsets({std::nullopt, DurationNs{70 * kMillisecond}});
        QVERIFY(m_page->trace()); // what was read before stays until then
        QVERIFY(loaded.wait(kPatienceMs));
        QCOMPARE(m_page->files()[1].offset, std::optional<DurationNs>(70 * kMillisecond));
        QCOMPARE(m_page->trace()->imports[1].alignment, importing::Alignment::ByHand);
        QVERIFY(m_page->trace()->requests.back().time.start > 70 * kMillisecond);
    }

    void aFileWithoutTimesIsShownAsItsTables()
    {
        const auto path = *m_folder / "perf.csv";
        writeText(path, "Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,p99 latency\n"
                        "1,69.2,225,2148,64,21018\n3,84.2,237,1768,21673,51701\n10,9.5,1,2,3,4\n");
        show(path);
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Loaded, kPatienceMs);
        QVERIFY(!m_page->hasTimeline());
        QVERIFY(!m_page->timeline()->isVisible());
        const auto* sentence = m_page->findChild<QLabel*>(QStringLiteral("noTimes"));
        QVERIFY(sentence->isVisible() && sentence->text().contains(QStringLiteral("without times")));
        auto* tables = m_page->findChild<widgets::SummaryTables*>();
        QVERIFY(tables->isVisible());
        QCOMPARE(tables->view().model()->rowCount(), 3);
        tables->view().sortByColumn(0, Qt::DescendingOrder); // as numbers: 10 above 3
        QCOMPARE(tables->view().model()->index(0, 0).data().toString(), QStringLiteral("10"));
        m_page->find(QStringLiteral("x")); // finds nothing and harms nothing
        m_page->stepMatch(1);
    }

    void aReportOfNothingSaysSo()
    {
        const auto path = *m_folder / "idle.gantry";
        QVERIFY(test::writeEventScript("window 0..1000000\n", path));
        show(path);
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Loaded, kPatienceMs);
        const QString sentence = m_page->findChild<QLabel*>(QStringLiteral("noTimes"))->text();
        QVERIFY2(sentence.startsWith(QStringLiteral("Nothing was recorded")), qPrintable(sentence));
        QVERIFY(!m_page->findChild<widgets::SummaryTables*>()->isVisible());
    }

    void aWrongExpressionIsSaidAndNotSilentlyEmpty()
    {
        openAndWait();
        m_page->find(QStringLiteral("/gemm(/"));
        QTRY_COMPARE_WITH_TIMEOUT(m_page->matchText(), QStringLiteral("not searched"), kPatienceMs);
        QVERIFY2(m_page->searchError().contains(QStringLiteral("regular expression")), qPrintable(m_page->searchError()));
        m_page->find(QStringLiteral("/^softmax/"));
        QTRY_COMPARE_WITH_TIMEOUT(m_page->matchText(), QStringLiteral("48 matches"), kPatienceMs);
        QVERIFY(m_page->searchError().isEmpty());
        m_page->find(QStringLiteral("~sftmx"));
        QTRY_COMPARE_WITH_TIMEOUT(m_page->matchText(), QStringLiteral("48 matches"), kPatienceMs);
    }

    void rowsThatWereNotUsedAreOnTheTrustStripAndLeadToTheImport()
    {
        const auto path = *m_folder / "trace.json";
        writeText(path, R"({"traceEvents":[{"ph":"X","cat":"kernel","name":"k","pid":0,"tid":7,"ts":1,"dur":2,"args":{"stream":7,"device":0}},
                           {"ph":"X","cat":"kernel","name":"k","pid":0,"tid":7,"ts":1,"dur":-2,"args":{"stream":7,"device":0}}]})");
        show(path);
        QTRY_COMPARE_WITH_TIMEOUT(m_page->state(), ReportPage::State::Loaded, kPatienceMs);
        const auto* trust = m_page->findChild<widgets::TrustStrip*>();
        const auto& items = trust->items();
        const auto item = std::find_if(items.begin(), items.end(), [](const auto& candidate) { return candidate.opensImport; });
        QVERIFY(item != items.end());
        QCOMPARE(item->text, QStringLiteral("1 row not used"));
        QSignalSpy wanted(m_page.get(), &ReportPage::importRequested);
        for (QLabel* label : trust->findChildren<QLabel*>()) {
            if (label->text().contains(QStringLiteral("not used")))
                emit label->linkActivated(QStringLiteral("import"));
        }
        QCOMPARE(wanted.size(), 1);
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

    void theSlowestRequestsAreThoseOfTheView()
    {
        openAndWait();
        const auto chosen = [this]() -> std::string {
            const auto& all = m_page->timeline()->state().chosenRequests;
            return all.empty() ? "none" : all.begin()->second.detail;
        };
        m_page->timeline()->setRequestOrder(widgets::RequestOrder::SlowestFirst);
        QTRY_COMPARE(chosen(), std::string("12 requests in view"));
        const TimestampNs start = m_page->trace()->requests[3].time.start;
        m_page->timeline()->setVisibleRange({start, start + 100});
        QTRY_COMPARE(chosen(), std::string("1 request in view"));
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

    // It was moved into the report without a word.
    void aRangeThatIsNotInTheReportIsSaidToBeMoved()
    {
        openAndWait();
        QSignalSpy moved(m_page.get(), &ReportPage::placeMoved);
        QVERIFY(m_page->showPlace({TimeRange{kMillisecond, 2 * kMillisecond}, {}}));
        QCOMPARE(moved.count(), 0);
        QVERIFY(m_page->showPlace({TimeRange{5'000 * kMillisecond, 5'001 * kMillisecond}, {}}));
        QCOMPARE(moved.count(), 1);
        QString sentence = moved.front().front().toString();
        sentence.remove(QChar(0x2009));
        QVERIFY2(sentence.contains(QStringLiteral("5.0000 s to 5.0010 s is not in the report")), qPrintable(sentence));
        const TimestampNs end = m_page->timeline()->visibleRange().end - m_page->trace()->time.start;
        QVERIFY2(sentence.contains(widgets::formatTime(end, kMillisecond / 10) + QStringLiteral(" is shown instead")), qPrintable(sentence));
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

    void openWith(TraceSource source)
    {
        writeReport(*m_folder / "a.gantry", {.requests = kRequests});
        m_page = std::make_unique<ReportPage>(std::vector<trace::LoadFile>{{*m_folder / "a.gantry", {}}}, *m_runner, std::move(source));
        m_page->resize(1200, 800);
        m_page->show();
    }

    LoadBanner& banner() { return *m_page->findChild<LoadBanner*>(); }

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
