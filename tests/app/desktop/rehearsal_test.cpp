#include "app/desktop/capture_bar.h"
#include "app/desktop/live_page.h"
#include "app/desktop/node_list.h"
#include "app/desktop/page_area.h"
#include "app/desktop/report_page.h"
#include "tests/app/desktop/local_node.h"
#include "tests/app/desktop/window_test.h"
#include "widgets/tables/trust_strip.h"

#include <QAction>
#include <QComboBox>
#include <QLabel>
#include <QTest>
#include <QTreeWidget>

using namespace gantry;
using namespace gantry::desktop;
using desktop_test::LocalNode;

namespace {

constexpr int kPatienceMs = 60'000;

} // namespace

/// The window with a gantryd behind it that plays the shipped recording.
class RehearsalTest : public WindowTest
{
    Q_OBJECT

private slots:
    void initTestCase()
    {
        if (LocalNode::daemonProgram().isEmpty())
            QSKIP("this build has no gantryd");
    }

    void init()
    {
        openWindow();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
    }

    void cleanup() { closeWindow(); }

    void saysEverywhereThatTheNodePlaysARecording()
    {
        LocalNode node;
        QVERIFY(node.start(LocalNode::rehearsalOptions()));
        connectTo(node);
        QVERIFY(mark().isVisible());
        QVERIFY2(mark().text().contains(QStringLiteral("Recording")), qPrintable(mark().text()));
        auto* tree = m_window->findChild<QTreeWidget*>(QStringLiteral("nodesTree"));
        QCOMPARE(tree->topLevelItem(0)->text(1), QStringLiteral("plays a recording"));
        auto* box = m_window->findChild<QComboBox*>(QStringLiteral("nodeBox"));
        QVERIFY2(box->currentText().endsWith(QStringLiteral("recording")), qPrintable(box->currentText()));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->live().drawnSpan() > 1'000'000'000, kPatienceMs);
    }

    void saysItOfNoRealNode()
    {
        LocalNode node;
        QVERIFY(node.start());
        connectTo(node);
        QVERIFY(!mark().isVisible());
    }

    void capturesARecordedReportThatSaysWhatItIs()
    {
        LocalNode node;
        QVERIFY(node.start(LocalNode::rehearsalOptions()));
        connectTo(node);
        m_window->captureBar().setDuration(500'000'000);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->captureBar().startAction()->isEnabled(), kPatienceMs);
        m_window->captureBar().startAction()->trigger();
        QTRY_COMPARE_WITH_TIMEOUT(m_window->pages().reports().size(), 1, kPatienceMs);
        ReportPage* page = m_window->pages().reports().front();
        QTRY_COMPARE_WITH_TIMEOUT(page->state(), ReportPage::State::Loaded, kPatienceMs);
        QStringList words;
        for (const QLabel* label : page->findChild<widgets::TrustStrip*>()->findChildren<QLabel*>())
            words << label->text();
        QVERIFY2(words.join(QLatin1Char(' ')).contains(QStringLiteral("recording")), qPrintable(words.join(QLatin1Char('\n'))));
    }

private:
    void connectTo(const LocalNode& node)
    {
        NodeController& controller = m_window->nodes().open(node.address());
        QTRY_VERIFY_WITH_TIMEOUT(controller.state() == NodeController::State::Connected, kPatienceMs);
    }
    [[nodiscard]] QLabel& mark() const { return *m_window->findChild<QLabel*>(QStringLiteral("recordingMark")); }
};

QTEST_MAIN(RehearsalTest)
#include "rehearsal_test.moc"
