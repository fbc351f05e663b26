#include "report_fixture.h"

#include "app/desktop/compare_page.h"
#include "app/jobs/job_runner.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/trace/trace_loader.h"
#include "widgets/compare/compare_view.h"
#include "widgets/compare/comparison_table.h"
#include "widgets/timeline/timeline_widget.h"

#include <QAbstractItemView>
#include <QComboBox>
#include <QFile>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTest>
#include <QTreeWidget>

#include <thread>

using namespace gantry;
using namespace gantry::desktop;
using gantry::desktop_test::writeReport;
using gantry::test::TemporaryFolder;
using widgets::ComparisonTable;

namespace {

constexpr int kPatienceMs = 20'000;
constexpr TimestampNs kMillisecond = 1'000'000;

} // namespace

class ComparePageTest : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<TemporaryFolder>();
        m_a = *m_folder / "a.gantry";
        m_b = *m_folder / "b.gantry";
        writeReport(m_a, {.requests = 12, .inferNs = 600'000, .pinned = false});
        writeReport(m_b, {.requests = 10, .inferNs = 300'000, .pinned = true});
        m_runner = std::make_unique<jobs::JobRunner>(3);
        m_page = std::make_unique<ComparePage>(*m_runner);
        m_page->resize(1500, 900);
        m_page->show();
    }

    void cleanup()
    {
        m_page.reset();
        m_runner.reset();
    }

    void startsWithWhatToDo()
    {
        QVERIFY2(sentence().contains(QStringLiteral("Choose two reports")), qPrintable(sentence()));
        QVERIFY(!m_page->isReady());
        m_page->setSide(0, m_a);
        QTRY_VERIFY2_WITH_TIMEOUT(sentence().contains(QStringLiteral("Choose report B too")), qPrintable(sentence()), kPatienceMs);
    }

    void tellsWhatDiffersInTables()
    {
        compare();
        QVERIFY(m_page->view()->isVisible());
        QTreeWidget& table = m_page->view()->table();
        QStringList sections;
        for (int i = 0; i < table.topLevelItemCount(); ++i)
            sections << table.topLevelItem(i)->text(0);
        for (const char* section :
             {"Throughput and latency", "Request phases", "Memcpys, mean time (copies)", "Kernels, mean time (calls)"})
            QVERIFY2(sections.contains(QLatin1String(section)), section);

        // Each kernel lasts a twelfth of the infer phase, which is half as long in B; B has 10 requests of 12.
        const QTreeWidgetItem* infer = row(QStringLiteral("compute_infer p50"));
        QVERIFY(infer);
        QCOMPARE(infer->text(ComparisonTable::A), QStringLiteral("600.000 µs"));
        QCOMPARE(infer->text(ComparisonTable::B), QStringLiteral("300.000 µs"));
        QCOMPARE(infer->text(ComparisonTable::Ratio), QStringLiteral("0.50 ×"));
        const QTreeWidgetItem* kernel = row(QStringLiteral("gemm_fp16_128x64"));
        QVERIFY(kernel);
        QVERIFY2(kernel->text(ComparisonTable::A).endsWith(QStringLiteral("(×48)")), qPrintable(kernel->text(ComparisonTable::A)));
        QVERIFY2(kernel->text(ComparisonTable::B).endsWith(QStringLiteral("(×40)")), qPrintable(kernel->text(ComparisonTable::B)));
        QCOMPARE(kernel->text(ComparisonTable::Ratio), QStringLiteral("0.50 ×"));
        // Copies of pageable memory are in A alone.
        const QTreeWidgetItem* copy = row(QStringLiteral("HtoD Pageable to Device"));
        QVERIFY(copy);
        QCOMPARE(copy->text(ComparisonTable::Ratio), QStringLiteral("only A"));
        QCOMPARE(row(QStringLiteral("HtoD Pinned to Device"))->text(ComparisonTable::Ratio), QStringLiteral("only B"));
    }

    void bothTimelinesPanAndZoomTogether()
    {
        compare();
        widgets::TimelineWidget& a = m_page->view()->timeline(0);
        widgets::TimelineWidget& b = m_page->view()->timeline(1);
        QCOMPARE(a.trace()->requests.size(), std::size_t{12});
        QCOMPARE(b.trace()->requests.size(), std::size_t{10});
        a.setVisibleRange({2 * kMillisecond, 4 * kMillisecond});
        QCOMPARE(b.visibleRange(), a.visibleRange());

        QTest::keyClick(&a, Qt::Key_D); // pan
        QVERIFY(a.visibleRange().start > 2 * kMillisecond);
        QCOMPARE(a.visibleRange().duration(), 2 * kMillisecond);
        QCOMPARE(b.visibleRange(), a.visibleRange());

        const DurationNs before = b.visibleRange().duration();
        QTest::keyClick(&b, Qt::Key_W); // zoom in the other one
        QVERIFY(b.visibleRange().duration() < before);
        QCOMPARE(a.visibleRange(), b.visibleRange());
    }

    void aSideThatCannotBeOpenedIsNamedWithTheCause()
    {
        const auto cut = *m_folder / "cut.gantry";
        writeReport(cut);
        desktop_test::truncateFile(cut);
        QSignalSpy failed(m_page.get(), &ComparePage::failed);
        m_page->setFiles(m_a, cut);
        QVERIFY(failed.wait(kPatienceMs));
        QTRY_COMPARE_WITH_TIMEOUT(text("errorHeading"), QStringLiteral("Report B was not opened"), kPatienceMs);
        QVERIFY2(text("errorSentence").contains(QStringLiteral("truncated")), qPrintable(text("errorSentence")));
        QVERIFY(m_page->findChild<QLabel*>(QStringLiteral("errorHeading"))->isVisible());
        QCOMPARE(m_page->error()->code, ErrorCode::Truncated);
        QVERIFY(!m_page->isReady());

        QSignalSpy ready(m_page.get(), &ComparePage::ready);
        m_page->setSide(1, m_b);
        QVERIFY(ready.wait(kPatienceMs));
        QVERIFY(!m_page->error());
    }

    // The error was forgotten when the other side was chosen, and the page asked for a report that had been chosen.
    void theErrorOfASideStaysWhileTheOtherOneIsChosen()
    {
        QSignalSpy failed(m_page.get(), &ComparePage::failed);
        m_page->setSide(0, *m_folder / "none.gantry");
        QVERIFY(failed.wait(kPatienceMs));
        m_page->setOpenReports({{m_b, *trace::loadTrace(m_b)}}); // so that side B is there at once
        m_page->setSide(1, m_b);
        QCOMPARE(text("errorHeading"), QStringLiteral("Report A was not opened"));
        QVERIFY(m_page->findChild<QLabel*>(QStringLiteral("errorHeading"))->isVisible());
        QCOMPARE(m_page->error()->code, ErrorCode::NotFound);
    }

    void aSideThatIsTriedAgainIsReadAgain()
    {
        const auto late = *m_folder / "late.gantry";
        QSignalSpy failed(m_page.get(), &ComparePage::failed);
        m_page->setFiles(m_a, late);
        QVERIFY(failed.wait(kPatienceMs));
        writeReport(late, {.requests = 3});
        QSignalSpy ready(m_page.get(), &ComparePage::ready);
        QTRY_VERIFY_WITH_TIMEOUT(button("Try again")->isVisible(), kPatienceMs);
        QTest::mouseClick(button("Try again"), Qt::LeftButton);
        QVERIFY(ready.wait(kPatienceMs));
        QCOMPARE(m_page->view()->timeline(1).trace()->requests.size(), std::size_t{3});
    }

    // Reading could neither be followed nor ended.
    void readingASideIsFollowedAndCanBeCancelled()
    {
        TraceSource source;
        source.load = [](std::span<const trace::LoadFile>, const trace::LoadOptions& options) -> Result<TraceSource::Loaded> {
            options.progress(0.25, "kernels");
            while (!options.stop.stop_requested())
                std::this_thread::yield();
            return Error{ErrorCode::Cancelled, "cancelled", {}};
        };
        m_page = std::make_unique<ComparePage>(*m_runner, source);
        m_page->show();
        m_page->setSide(0, m_a);
        QTRY_COMPARE_WITH_TIMEOUT(text("stage"), QStringLiteral("Opening a.gantry: kernels"), kPatienceMs);
        QTest::mouseClick(button("Cancel"), Qt::LeftButton);
        QVERIFY2(sentence().contains(QStringLiteral("Choose two reports")), qPrintable(sentence()));
        QVERIFY(m_page->file(0).empty());
        QCOMPARE(box("sideA")->currentIndex(), -1);
    }

    void aComparisonThatRunsCanBeCancelled()
    {
        m_page->setOpenReports({{m_a, *trace::loadTrace(m_a)}, {m_b, *trace::loadTrace(m_b)}});
        QSignalSpy ready(m_page.get(), &ComparePage::ready);
        m_page->setFiles(m_a, m_b); // both are there at once, and nothing is delivered before events are handled
        QCOMPARE(text("stage"), QStringLiteral("Comparing…"));
        QVERIFY(button("Cancel")->isVisible());
        button("Cancel")->click();
        QVERIFY2(sentence().contains(QStringLiteral("Choose report B too")), qPrintable(sentence()));
        m_page->setSide(1, m_b);
        QVERIFY(ready.wait(kPatienceMs));
        QCOMPARE(ready.size(), 1); // of the second one alone
    }

    void theFiguresAreThoseOfWhatIsAligned()
    {
        compare();
        QVERIFY(!m_page->comparison()->aligned);
        QSignalSpy ready(m_page.get(), &ComparePage::ready);
        QComboBox* by = box("alignBy");
        by->setCurrentIndex(by->findText(QStringLiteral("request")));
        QVERIFY(ready.wait(kPatienceMs));
        QVERIFY(m_page->comparison()->aligned);
        QVERIFY2(text("compareNote").startsWith(QStringLiteral("Aligned by request 1: ")), qPrintable(text("compareNote")));
        by->setCurrentIndex(0);
        QVERIFY(ready.wait(kPatienceMs));
        QVERIFY(!m_page->comparison()->aligned);
        QCOMPARE(text("compareNote"), QString());
        m_page->findChild<QSpinBox*>(QStringLiteral("alignNumber"))->setValue(500); // more than there are
        by->setCurrentIndex(by->findText(QStringLiteral("request")));
        QTRY_VERIFY_WITH_TIMEOUT(text("compareNote").contains(QStringLiteral("A and B have no request 500")), kPatienceMs);
    }

    void aSummaryIsSavedAsPdfWithTheVerdictAndThePicture()
    {
        QVERIFY(!m_page->findChild<QWidget*>(QStringLiteral("savePdf"))->isEnabled());
        compare();
        QVERIFY(m_page->findChild<QWidget*>(QStringLiteral("savePdf"))->isEnabled());
        QSignalSpy saved(m_page.get(), &ComparePage::pdfSaved), logged(m_page.get(), &ComparePage::logged);
        const auto file = *m_folder / "summary.pdf";
        m_page->savePdf(file);
        QVERIFY(saved.wait(kPatienceMs));
        QFile pdf(QString::fromStdString(file.string()));
        QVERIFY(pdf.open(QIODevice::ReadOnly));
        const QByteArray bytes = pdf.readAll();
        QVERIFY(bytes.startsWith("%PDF-") && bytes.contains("%%EOF"));
        QVERIFY(bytes.contains("/Subtype /Image"));
        m_page->savePdf(*m_folder / "none" / "summary.pdf");
        QTRY_COMPARE_WITH_TIMEOUT(logged.size(), 2, kPatienceMs);
        QVERIFY2(logged.back().front().toString().contains(QStringLiteral("was not saved")), qPrintable(logged.back().front().toString()));
    }

    void takesAnOpenReportAsItIs()
    {
        const auto a = *trace::loadTrace(m_a);
        const auto b = *trace::loadTrace(m_b);
        std::filesystem::remove(m_a); // cannot be loaded again
        m_page->setOpenReports({{m_a, a}, {m_b, b}});
        compare();
        QCOMPARE(m_page->view()->timeline(0).trace(), a);
        QCOMPARE(m_page->view()->timeline(1).trace(), b);
    }

    void reportsAreChosenFromTheBoxes()
    {
        const auto a = *trace::loadTrace(m_a);
        const auto b = *trace::loadTrace(m_b);
        m_page->setOpenReports({{m_a, a}, {m_b, b}});
        QSignalSpy ready(m_page.get(), &ComparePage::ready);
        choose("sideA", QStringLiteral("a.gantry"));
        choose("sideB", QStringLiteral("b.gantry"));
        QVERIFY(ready.wait(kPatienceMs));
        QCOMPARE(m_page->file(0), m_a);

        choose("sideA", QStringLiteral("b.gantry")); // the same on both sides is a comparison, too
        QVERIFY(ready.wait(kPatienceMs));
        QCOMPARE(m_page->view()->timeline(0).trace(), b);

        QSignalSpy requested(m_page.get(), &ComparePage::fileRequested);
        choose("sideB", QStringLiteral("Open…"));
        QCOMPARE(requested.size(), 1);
        QCOMPARE(requested.front().front().toInt(), 1);
        QCOMPARE(box("sideB")->currentText(), QStringLiteral("b.gantry"));
    }

    void theNewestChoiceOfASideWins()
    {
        QSignalSpy ready(m_page.get(), &ComparePage::ready);
        m_page->setFiles(m_a, m_a);
        m_page->setSide(1, m_b);
        QTRY_VERIFY_WITH_TIMEOUT(m_page->isReady(), kPatienceMs);
        QCOMPARE(m_page->view()->timeline(1).trace()->requests.size(), std::size_t{10});
        QCOMPARE(ready.size(), 1);
    }

private:
    void compare()
    {
        QSignalSpy ready(m_page.get(), &ComparePage::ready);
        m_page->setFiles(m_a, m_b);
        QVERIFY(ready.wait(kPatienceMs));
        QVERIFY(m_page->isReady());
    }

    QString text(const char* label) const { return m_page->findChild<QLabel*>(QLatin1String(label))->text(); }
    QString sentence() const { return text("compareSentence"); }
    QPushButton* button(const char* caption) const
    {
        for (QPushButton* candidate : m_page->findChildren<QPushButton*>())
            if (candidate->text() == QLatin1String(caption))
                return candidate;
        return nullptr;
    }
    QComboBox* box(const char* name) const { return m_page->findChild<QComboBox*>(QLatin1String(name)); }

    /// As a user does it: the list's entry is activated by keys.
    void choose(const char* name, const QString& text)
    {
        QComboBox* side = box(name);
        const int wanted = side->findText(text);
        QVERIFY(wanted >= 0);
        side->showPopup();
        side->view()->setCurrentIndex(side->model()->index(wanted, 0));
        QTest::keyClick(side->view(), Qt::Key_Return);
    }

    const QTreeWidgetItem* row(const QString& name) const
    {
        const auto found = m_page->view()->table().findItems(name, Qt::MatchExactly | Qt::MatchRecursive);
        return found.isEmpty() ? nullptr : found.front();
    }

    std::unique_ptr<TemporaryFolder> m_folder;
    std::unique_ptr<jobs::JobRunner> m_runner;
    std::unique_ptr<ComparePage> m_page;
    std::filesystem::path m_a, m_b;
};

QTEST_MAIN(ComparePageTest)
#include "compare_page_test.moc"
