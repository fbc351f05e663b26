#include "report_fixture.h"

#include "app/desktop/page_area.h"
#include "app/desktop/report_page.h"
#include "app/desktop/sweep_page.h"
#include "app/jobs/job_runner.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/trace/trace_loader.h"
#include "widgets/sweep/sweep_view.h"

#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>

#include <condition_variable>
#include <fstream>
#include <mutex>

using namespace gantry;
using namespace gantry::desktop;
using gantry::desktop_test::writeReport;
using gantry::test::TemporaryFolder;

namespace {

constexpr int kPatienceMs = 20'000;

/// Reading begins and goes on when it is cancelled alone.
TraceSource sourceUntilCancelled()
{
    TraceSource source;
    source.load = [](std::span<const trace::LoadFile>, const trace::LoadOptions& options) -> Result<TraceSource::Loaded> {
        std::mutex mutex;
        std::condition_variable_any changed;
        std::unique_lock lock(mutex);
        changed.wait(lock, options.stop, [] { return false; });
        return Error{ErrorCode::Cancelled, "cancelled", {}};
    };
    return source;
}

} // namespace

class SweepPageTest : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<TemporaryFolder>();
        m_runner = std::make_unique<jobs::JobRunner>(2);
    }

    void saysWhatToDoBeforeAnythingIsChosen()
    {
        const SweepPage page(*m_runner);
        QVERIFY2(sentence(page).contains(QStringLiteral("Open the folder")), qPrintable(sentence(page)));
        QVERIFY(!page.isReady());
    }

    void readsAFolderAndOpensTheReportOfAPoint()
    {
        writeReport(*m_folder / "a.gantry", {.requests = 12, .inferNs = 600'000, .pinned = false});
        writeReport(*m_folder / "b.gantry", {.requests = 10, .inferNs = 300'000, .pinned = true});
        PageArea pages(new QWidget, *m_runner);
        SweepPage& page = pages.openSweep();
        page.setPaths({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(page.isReady(), kPatienceMs);
        QCOMPARE(page.sweep()->points.size(), std::size_t{2});
        emit page.view().reportRequested(page.sweep()->points[0].trace);
        QVERIFY(pages.currentReport());
        QCOMPARE(pages.indexOf(&page), pages.count() - 1); // reports stay left of it
        emit page.view().comparisonRequested(*m_folder / "a.gantry", *m_folder / "b.gantry");
        QVERIFY(pages.currentCompare());
        pages.closePage(pages.indexOf(&page));
        QVERIFY(&pages.openSweep() != &page);
    }

    void aBadTableIsSaidWithItsPlace()
    {
        std::ofstream(*m_folder / "bad.csv") << "Concurrency,Inferences/Second\n1\n";
        SweepPage page(*m_runner);
        QSignalSpy failed(&page, &SweepPage::failed);
        page.setPaths({*m_folder / "bad.csv"});
        QTRY_COMPARE_WITH_TIMEOUT(failed.size(), 1, kPatienceMs);
        QVERIFY2(page.error()->text().find("line 2, column 2") != std::string::npos, page.error()->text().c_str());
        QVERIFY2(sentence(page).contains(QStringLiteral("Line 2, column 2")), qPrintable(sentence(page)));
    }

    void readingIsCancelled()
    {
        writeReport(*m_folder / "a.gantry");
        SweepPage page(*m_runner, sourceUntilCancelled());
        QSignalSpy failed(&page, &SweepPage::failed);
        page.resize(600, 400);
        page.show();
        page.setPaths({*m_folder / "a.gantry"});
        auto* cancel = buttonOf(page, QStringLiteral("Cancel"));
        QVERIFY(cancel);
        QTest::mouseClick(cancel, Qt::LeftButton);
        QCOMPARE(failed.size(), 1);
        QVERIFY(sentence(page).contains(QStringLiteral("cancelled")));
    }

    void filesAreAddedToWhatIsThere()
    {
        std::ofstream(*m_folder / "one.csv") << "Concurrency,Inferences/Second,p99 latency\n1,10,2000\n";
        std::ofstream(*m_folder / "two.csv") << "Concurrency,Inferences/Second,p99 latency\n1,20,3000\n";
        SweepPage page(*m_runner);
        page.setPaths({*m_folder / "one.csv"});
        page.addPaths({*m_folder / "two.csv"});
        QTRY_VERIFY_WITH_TIMEOUT(page.isReady(), kPatienceMs);
        QCOMPARE(page.sweep()->points.size(), std::size_t{2});
        QCOMPARE(page.sweep()->parameters, std::vector<std::string>{"file"});
    }

private:
    static QString sentence(const SweepPage& page) { return page.findChild<QLabel*>(QStringLiteral("sweepState"))->text(); }
    static QPushButton* buttonOf(const QWidget& page, const QString& text)
    {
        for (QPushButton* button : page.findChildren<QPushButton*>())
            if (button->text().remove(QLatin1Char('&')) == text)
                return button;
        return nullptr;
    }

    std::unique_ptr<TemporaryFolder> m_folder;
    std::unique_ptr<jobs::JobRunner> m_runner;
};

QTEST_MAIN(SweepPageTest)
#include "sweep_page_test.moc"
