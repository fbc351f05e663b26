#include "app/desktop/compare_page.h"
#include "app/desktop/main_window.h"
#include "app/desktop/node_dialog.h"
#include "app/desktop/nodes_panel.h"
#include "app/desktop/page_area.h"
#include "app/desktop/report_page.h"
#include "app/jobs/job_runner.h"
#include "tests/support/event_script.h"
#include "tests/support/fake_nsys.h"
#include "tests/support/node_fixture.h"

#include <QLabel>
#include <QMenu>
#include <QPointer>
#include <QPushButton>
#include <QTest>

using namespace gantry;
using namespace gantry::desktop;
using gantry::test::FakeNsys;
using gantry::test::NodeFixture;
using gantry::test::TemporaryFolder;

namespace {

constexpr int kPatienceMs = 60'000;
const test::Programs kPrograms{GANTRYD, {}, {}, {}};

/// This machine has no nsys, whatever it has.
TraceSource sourceWithoutNsys(const std::filesystem::path& cache)
{
    TraceSource source;
    source.cache = std::make_shared<const trace::TraceCache>(cache);
    source.load = [](std::span<const trace::LoadFile> files, trace::LoadOptions options) {
        if (!options.nsys)
            options.nsys = importing::nsysOf({});
        return trace::loadTrace(files, options);
    };
    return source;
}

} // namespace

/// The window with real gantryds that have a script in nsys's stead.
class NsysOffersTest : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<TemporaryFolder>();
        m_nsys = std::make_unique<FakeNsys>(*m_folder / "tools");
        m_nsys->install("percent");
        QVERIFY(test::writeEventScript(
            "window 0..1000000\nprocess gantry-serve\nkernel gpu0/stream7 gemm 100..400\nkernel gpu0/stream7 softmax 500..900\n",
            m_nsys->exported()));
        m_report = *m_folder / "run.nsys-rep";
        test::writeFile(m_report, test::nsysReport("2025@1@1@110-251135451612v0", std::string(600'000, 'x')));
        m_node = std::make_unique<NodeFixture>(kPrograms, NodeFixture::Options{false, {}, m_nsys->program()});
        m_settings = std::make_unique<Settings>(QString::fromStdString((*m_folder / "data").string()));
        m_runner = std::make_unique<jobs::JobRunner>(6);
        m_window = std::make_unique<MainWindow>(*m_runner, *m_settings, sourceWithoutNsys(*m_folder / "cache"));
        m_window->setUnattended();
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
    }

    void cleanup()
    {
        m_window.reset();
        m_runner.reset();
        m_settings.reset();
        m_other.reset();
        m_node.reset();
        m_nsys.reset();
        m_folder.reset();
    }

    void aReportThatNeedsNsysSaysWhatToDoAndOffersToConnect()
    {
        ReportPage& page = openWithoutNsys();
        QVERIFY2(sentence(page).contains(QStringLiteral("install Nsight Systems (version 2025.1.1.110 or newer), open the report with a "
                                                        "node that has it, or run `nsys export --type sqlite")),
                 qPrintable(sentence(page)));
        QVERIFY(!exportButton(page).isVisible());
        auto* connectButton = page.findChild<QPushButton*>(QStringLiteral("connectNode"));
        QVERIFY(connectButton->isVisible());
        QTest::mouseClick(connectButton, Qt::LeftButton);
        auto* dialog = m_window->findChild<NodeDialog*>();
        QVERIFY(dialog && dialog->isVisible());
        dialog->setEntry({QString::fromStdString(m_node->address()), {}, {}, {}});
        dialog->accept();
        QTRY_VERIFY_WITH_TIMEOUT(exportButton(page).isVisible(), kPatienceMs);
        QVERIFY(!connectButton->isVisible());
        QCOMPARE(m_window->pages().currentReport(), &page); // the user came from there
    }

    void aNodeExportsItAndThePageShowsTheTrace()
    {
        connectTo(*m_node);
        ReportPage& page = openWithoutNsys();
        QVERIFY(exportButton(page).isVisible());
        QCOMPARE(exportButton(page).text(), QStringLiteral("Export on %1").arg(m_window->nodes().current()->title()));
        QVERIFY(exportButton(page).toolTip().contains(QStringLiteral("Nsight Systems 2025.1.1.110")));
        exportButton(page).setFocus();
        QTest::keyClick(&exportButton(page), Qt::Key_Space);
        QCOMPARE(page.state(), ReportPage::State::Loading);
        QTRY_COMPARE_WITH_TIMEOUT(page.state(), ReportPage::State::Loaded, kPatienceMs);
        QCOMPARE(page.trace()->eventCount(), std::size_t{2});
        QVERIFY(QString::fromStdString(page.trace()->imports.front().clock).contains(QStringLiteral("an export made with nsys on ")));
        for (const auto& entry : std::filesystem::directory_iterator(m_node->reportFolder()))
            QVERIFY2(entry.path().filename().string().starts_with(".history.db"), entry.path().c_str()); // what gantryd measured
    }

    void whatANodeExportedIsOpenedAgainWithoutIt()
    {
        connectTo(*m_node);
        ReportPage& page = openWithoutNsys();
        QTest::mouseClick(&exportButton(page), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(page.state(), ReportPage::State::Loaded, kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(std::filesystem::exists(*m_folder / "cache") && !std::filesystem::is_empty(*m_folder / "cache"),
                                 kPatienceMs);
        m_node->killDaemon();
        QTRY_VERIFY_WITH_TIMEOUT(
            [&] {
                m_window->pages().closePage(1);
                ReportPage& again = m_window->openReport(m_report);
                return QTest::qWaitFor([&] { return again.state() != ReportPage::State::Loading; }, kPatienceMs) &&
                       again.state() == ReportPage::State::Loaded;
            }(),
            kPatienceMs); // kept by a job of its own
    }

    void aPageKeepsNothingOfANodeThatIsDisconnected()
    {
        connectTo(*m_node);
        ReportPage& page = openWithoutNsys();
        QTest::mouseClick(&exportButton(page), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(page.state(), ReportPage::State::Loaded, kPatienceMs);
        NodeController& node = *m_window->nodes().current();
        const std::weak_ptr<app::NodeClient> client = node.client();
        QVERIFY(!client.expired());
        node.close();
        QTRY_VERIFY_WITH_TIMEOUT(client.expired(), kPatienceMs);
        QCOMPARE(page.state(), ReportPage::State::Loaded);
    }

    void cancellingTheExportEndsNsysAndOffersItAgain()
    {
        m_nsys->install("hang");
        connectTo(*m_node);
        ReportPage& page = openWithoutNsys();
        QTest::mouseClick(&exportButton(page), Qt::LeftButton);
        const std::vector<pid_t> pids = m_nsys->waitForProcesses();
        QCOMPARE(pids.size(), std::size_t{2});
        QTRY_VERIFY_WITH_TIMEOUT(stage(page).contains(QStringLiteral("nsys export on ")), kPatienceMs);
        QTest::mouseClick(button(page, QStringLiteral("Cancel")), Qt::LeftButton);
        QCOMPARE(page.state(), ReportPage::State::Failed);
        QVERIFY2(sentence(page).contains(QStringLiteral("was cancelled")), qPrintable(sentence(page)));
        QVERIFY(exportButton(page).isVisible());
        QVERIFY(test::allEnd(pids));
        m_nsys->install("copy");
        QTest::mouseClick(&exportButton(page), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(page.state(), ReportPage::State::Loaded, kPatienceMs);
    }

    void saysWhatNsysSaidWhenItFails()
    {
        m_nsys->install("fail");
        connectTo(*m_node);
        ReportPage& page = openWithoutNsys();
        QTest::mouseClick(&exportButton(page), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(page.state(), ReportPage::State::Failed, kPatienceMs);
        QVERIFY2(sentence(page).contains(QStringLiteral("The report was made by a newer version.")), qPrintable(sentence(page)));
        QVERIFY(exportButton(page).isVisible());
    }

    void severalNodesAreAMenuAndALostOneIsNoLongerOffered()
    {
        m_other = std::make_unique<NodeFixture>(kPrograms, NodeFixture::Options{false, {}, m_nsys->program()});
        connectTo(*m_node);
        connectTo(*m_other);
        ReportPage& page = openWithoutNsys();
        QVERIFY(exportButton(page).menu());
        QCOMPARE(exportButton(page).menu()->actions().size(), 2);
        const QPointer<QMenu> menu = exportButton(page).menu();
        emit m_window->nodes().current()->stateChanged();
        QVERIFY2(menu, "it may be open");
        m_node->killDaemon();
        QTRY_VERIFY_WITH_TIMEOUT(!exportButton(page).menu(), kPatienceMs);
        QTest::mouseClick(&exportButton(page), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(page.state(), ReportPage::State::Loaded, kPatienceMs);
    }

    // The comparison offered nothing: the report had to be opened in a tab of its own first.
    void aSideOfTheComparisonIsExportedOnANodeToo()
    {
        const auto other = *m_folder / "other.sqlite";
        std::filesystem::copy_file(m_nsys->exported(), other);
        ComparePage& page = m_window->pages().openCompare(m_report, other);
        QTRY_VERIFY_WITH_TIMEOUT(page.error().has_value(), kPatienceMs);
        QCOMPARE(page.findChild<QLabel*>(QStringLiteral("errorHeading"))->text(),
                 QStringLiteral("Nsight Systems is needed to open report A"));
        QVERIFY(page.findChild<QPushButton*>(QStringLiteral("connectNode"))->isVisible());
        connectTo(*m_node);
        QTRY_VERIFY_WITH_TIMEOUT(exportButton(page).isVisible(), kPatienceMs);
        m_nsys->install("hang");
        QTest::mouseClick(&exportButton(page), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(stage(page).contains(QStringLiteral("nsys export on ")), kPatienceMs);
        QTest::mouseClick(button(page, QStringLiteral("Cancel")), Qt::LeftButton);
        QVERIFY2(sentence(page).contains(QStringLiteral("was cancelled")), qPrintable(sentence(page)));
        m_nsys->install("copy");
        QTest::mouseClick(&exportButton(page), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(page.isReady(), kPatienceMs);
        QCOMPARE(page.comparison()->kernels.size(), std::size_t{2});
        QTRY_VERIFY_WITH_TIMEOUT(std::filesystem::exists(*m_folder / "cache") && !std::filesystem::is_empty(*m_folder / "cache"),
                                 kPatienceMs); // the next time no node is needed
    }

    void aTruncatedReportIsNotOffered()
    {
        test::writeFile(m_report, test::readFile(m_report).substr(0, 3000));
        connectTo(*m_node);
        ReportPage& page = openWithoutNsys();
        QVERIFY(sentence(page).contains(QStringLiteral("truncated")));
        QVERIFY(!exportButton(page).isVisible());
        QVERIFY(!page.findChild<QPushButton*>(QStringLiteral("connectNode"))->isVisible());
    }

private:
    static QPushButton* button(const QWidget& page, const QString& text)
    {
        for (QPushButton* candidate : page.findChildren<QPushButton*>())
            if (candidate->text() == text)
                return candidate;
        return nullptr;
    }
    static QPushButton& exportButton(const QWidget& page) { return *page.findChild<QPushButton*>(QStringLiteral("exportOnNode")); }
    static QString sentence(const QWidget& page) { return page.findChild<QLabel*>(QStringLiteral("errorSentence"))->text(); }
    static QString stage(const QWidget& page) { return page.findChild<QLabel*>(QStringLiteral("stage"))->text(); }

    void connectTo(const NodeFixture& node)
    {
        NodeController& controller = m_window->nodes().open(node.address());
        QTRY_COMPARE_WITH_TIMEOUT(controller.state(), NodeController::State::Connected, kPatienceMs);
    }

    /// The page of the report when it was not opened.
    ReportPage& openWithoutNsys()
    {
        ReportPage& page = m_window->openReport(m_report);
        [&] { QTRY_COMPARE_WITH_TIMEOUT(page.state(), ReportPage::State::Failed, kPatienceMs); }();
        return page;
    }

    std::unique_ptr<TemporaryFolder> m_folder;
    std::unique_ptr<FakeNsys> m_nsys;
    std::filesystem::path m_report;
    std::unique_ptr<NodeFixture> m_node, m_other;
    std::unique_ptr<Settings> m_settings;
    std::unique_ptr<jobs::JobRunner> m_runner;
    std::unique_ptr<MainWindow> m_window;
};

QTEST_MAIN(NsysOffersTest)
#include "nsys_offers_test.moc"
