#include "local_node.h"
#include "model_server.h"

#include "app/desktop/message_bar.h"
#include "app/desktop/model_config_editor.h"
#include "app/desktop/model_load_panel.h"
#include "app/desktop/models_page.h"
#include "app/desktop/nodes_panel.h"
#include "app/desktop/page_area.h"
#include "tests/app/desktop/window_test.h"

#include <QDoubleSpinBox>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QTabBar>
#include <QTabWidget>
#include <QTest>
#include <QTextBlock>
#include <QTreeWidget>

#include <memory>
#include <stdexcept>
#include <string>

using namespace gantry;
using namespace gantry::desktop;
using gantry::desktop_test::LocalNode;

namespace {

constexpr int kPatienceMs = 30'000;

} // namespace

/// The page with a real gantryd and a real gantry-serve behind it.
class ModelsPageTest : public WindowTest
{
    Q_OBJECT

private slots:
    void init()
    {
        if (LocalNode::daemonProgram().isEmpty() || desktop_test::modelServerProgram().empty())
            QSKIP("gantryd or gantry-serve is not built here");
        m_daemon = std::make_unique<LocalNode>();
        QVERIFY(m_daemon->start());
        openWindow();
        NodeController& node = m_window->nodes().open(m_daemon->address());
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Connected, kPatienceMs);
        m_target = desktop_test::launchModelServer(*node.client(), m_folder->path()).id;
        QTRY_VERIFY_WITH_TIMEOUT((node.refresh(), node.target(m_target) && node.target(m_target)->state == proto::TargetState::Running),
                                 kPatienceMs);
        m_node = &node;
    }

    void cleanup()
    {
        closeWindow();
        m_daemon.reset();
    }

    void aModelOfTheNodesPanelOpensThePageAtItWithItsConfiguration()
    {
        QTreeWidget* nodes = m_window->findChild<NodesPanel*>()->tree();
        const auto items = [&] { return nodes->findItems(QStringLiteral("add_sub"), Qt::MatchStartsWith | Qt::MatchRecursive); };
        QTRY_VERIFY_WITH_TIMEOUT(!items().isEmpty(), kPatienceMs);
        nodes->setCurrentItem(items().front());
        nodes->setFocus();
        QTest::keyClick(nodes, Qt::Key_Return);
        auto* page = qobject_cast<ModelsPage*>(m_window->pages().currentWidget());
        QVERIFY(page);
        QTRY_COMPARE_WITH_TIMEOUT(page->state(), ModelsPage::State::Ready, kPatienceMs);
        QCOMPARE(page->tree()->currentItem()->text(0), QStringLiteral("add_sub"));
        QTRY_VERIFY_WITH_TIMEOUT(page->editor()->text().contains(QStringLiteral("max_batch_size: 16")), kPatienceMs);
        QCOMPARE(stateOf(*page, "add_sub"), QStringLiteral("ready"));
        QVERIFY(!page->applyButton()->isEnabled() && page->unloadButton()->isEnabled());
        // Once more is the same page.
        QTest::keyClick(nodes, Qt::Key_Return);
        QCOMPARE(m_window->pages().count(), 2);
    }

    void anEditIsCheckedShownAsADiffAndServedAfterLoading()
    {
        ModelsPage& page = open("add_sub");
        replace(page, "max_batch_size: 16", "max_batch_size: 32");
        QVERIFY2(page.editor()->diff().contains(QStringLiteral("-max_batch_size: 16\n+max_batch_size: 32")),
                 qPrintable(page.editor()->diff()));
        QTRY_VERIFY_WITH_TIMEOUT(page.applyButton()->isEnabled(), kPatienceMs);
        page.applyButton()->setFocus();
        QTest::keyClick(page.applyButton(), Qt::Key_Space);
        QTRY_VERIFY_WITH_TIMEOUT(!page.editor()->isEdited() && page.editor()->text().contains(QStringLiteral("max_batch_size: 32")),
                                 kPatienceMs);
        const auto served = m_node->client()->modelConfig(m_target, "add_sub");
        QVERIFY(served && served->text.find("max_batch_size: 32\n") != std::string::npos);
        // Loading again is with the repository's.
        QTRY_VERIFY_WITH_TIMEOUT(page.loadButton()->isEnabled(), kPatienceMs);
        QTest::mouseClick(page.loadButton(), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(page.editor()->text().contains(QStringLiteral("max_batch_size: 16")), kPatienceMs);
    }

    void aTextThatCannotBeReadSaysWhereAndIsNotLoaded()
    {
        ModelsPage& page = open("add_sub");
        replace(page, "max_batch_size: 16", "max_batch_size: many");
        QListWidget* problems = page.editor()->problems();
        QTRY_VERIFY_WITH_TIMEOUT(problems->count() > 0, kPatienceMs);
        QVERIFY(!page.applyButton()->isEnabled());
        const int line = page.editor()->text().left(page.editor()->text().indexOf(QStringLiteral("many"))).count(QLatin1Char('\n'));
        QVERIFY2(problems->item(0)->text().startsWith(QStringLiteral("Line %1, column 17").arg(line + 1)),
                 qPrintable(problems->item(0)->text()));
        problems->setCurrentRow(0);
        problems->setFocus();
        QTest::keyClick(problems, Qt::Key_Return);
        QCOMPARE(page.editor()->edit()->textCursor().blockNumber(), line);
        QVERIFY(page.editor()
                    ->edit()
                    ->textCursor()
                    .block()
                    .text()
                    .mid(page.editor()->edit()->textCursor().positionInBlock())
                    .startsWith(QStringLiteral("many")));
        QTest::mouseClick(page.revertButton(), Qt::LeftButton);
        QVERIFY(!page.editor()->isEdited());
        QCOMPARE(problems->count(), 0);
    }

    void anEditThatTheServerRefusesLeavesWhatServedAndSaysWhy()
    {
        ModelsPage& page = open("add_sub");
        replace(page, "TYPE_FP32", "TYPE_INT32"); // of one of four: what only the backend refuses
        QTRY_VERIFY_WITH_TIMEOUT(page.applyButton()->isEnabled(), kPatienceMs);
        QTest::mouseClick(page.applyButton(), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(page.messages()->sentence().contains(QStringLiteral("must all be TYPE_INT32")), kPatienceMs);
        QVERIFY2(page.messages()->sentence().contains(QStringLiteral("What was served before goes on.")),
                 qPrintable(page.messages()->sentence()));
        QVERIFY(page.editor()->isEdited()); // to be mended
        const auto served = m_node->client()->modelConfig(m_target, "add_sub");
        QVERIFY(served && served->text.find("TYPE_INT32") == std::string::npos);
        QTRY_COMPARE_WITH_TIMEOUT(stateOf(page, "add_sub"), QStringLiteral("ready"), kPatienceMs);
    }

    void modelsAreLoadedAndUnloadedAndOneThatCannotBeSaysWhy()
    {
        ModelsPage& page = open("identity");
        QVERIFY(!page.unloadButton()->isEnabled());
        QTest::mouseClick(page.loadButton(), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(stateOf(page, "identity"), QStringLiteral("ready"), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(page.editor()->text().contains(QStringLiteral("identity")), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(page.unloadButton()->isEnabled(), kPatienceMs);
        QTest::mouseClick(page.unloadButton(), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(stateOf(page, "identity") != QStringLiteral("ready"), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(page.editor()->text().isEmpty(), kPatienceMs);

        page.select(QStringLiteral("broken"));
        QTRY_VERIFY_WITH_TIMEOUT(page.loadButton()->isEnabled(), kPatienceMs);
        QTest::mouseClick(page.loadButton(), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(page.messages()->sentence().contains(QStringLiteral("broken was not loaded")), kPatienceMs);
        QVERIFY2(page.messages()->sentence().contains(QStringLiteral("max_batch_size")), qPrintable(page.messages()->sentence()));
        QVERIFY(!page.messages()->sentence().contains(QStringLiteral("goes on"))); // nothing served before
    }

    void anEditIsKeptWhileAnotherModelIsLookedAt()
    {
        ModelsPage& page = open("add_sub");
        replace(page, "max_batch_size: 16", "max_batch_size: 2");
        page.select(QStringLiteral("identity"));
        QTRY_VERIFY_WITH_TIMEOUT(page.editor()->text().isEmpty(), kPatienceMs);
        page.select(QStringLiteral("add_sub"));
        QTRY_VERIFY_WITH_TIMEOUT(page.editor()->text().contains(QStringLiteral("max_batch_size: 2\n")), kPatienceMs);
        QVERIFY(page.editor()->diff().contains(QStringLiteral("-max_batch_size: 16")));
    }

    void tryingAgainConnectsToTheNodeAgain()
    {
        ModelsPage& page = open("add_sub");
        m_node->close();
        QTRY_COMPARE_WITH_TIMEOUT(page.state(), ModelsPage::State::Failed, kPatienceMs);
        QTest::mouseClick(page.findChild<QPushButton*>(QStringLiteral("modelsRetry")), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(page.state(), ModelsPage::State::Ready, kPatienceMs);
    }

    void aServerThatEndsIsSaidToHaveEnded()
    {
        ModelsPage& page = open("add_sub");
        QVERIFY(m_node->client()->stopTarget(m_target));
        page.refresh();
        QTRY_COMPARE_WITH_TIMEOUT(page.state(), ModelsPage::State::Failed, kPatienceMs);
        QVERIFY(!page.findChild<QLabel*>(QStringLiteral("modelsNotice"))->text().isEmpty());
        QVERIFY(page.findChild<QPushButton*>(QStringLiteral("modelsRetry"))->isVisible());
        m_window->nodes().remove(m_node);
        QTRY_VERIFY_WITH_TIMEOUT(page.findChild<QLabel*>(QStringLiteral("modelsNotice"))->text().contains(QStringLiteral("removed")),
                                 kPatienceMs);
    }

    void aLoadIsStartedByKeyboardAndItsResultStaysWithTheServersPhases()
    {
        ModelsPage& page = open("add_sub");
        page.tree()->setFocus();
        QTest::keyClick(page.tree(), Qt::Key_Return);
        ModelLoadPanel& panel = *page.loadPanel();
        QCOMPARE(page.tabs()->currentWidget(), &panel);
        QVERIFY(panel.startButton()->hasFocus());
        QVERIFY2(panel.status()->text().contains(QStringLiteral("Nothing was measured yet")), qPrintable(panel.status()->text()));
        setDuration(panel, 1.5);
        QTest::keyClick(panel.startButton(), Qt::Key_Space);
        QVERIFY(panel.isRunning() && !panel.startButton()->isEnabled());
        QVERIFY(panel.stopButton()->hasFocus());
        QTRY_VERIFY_WITH_TIMEOUT(panel.status()->text().contains(QStringLiteral(" answered, 0 failed")), kPatienceMs);
        QVERIFY2(panel.status()->text().contains(QStringLiteral("p99")), qPrintable(panel.status()->text()));
        QTRY_VERIFY_WITH_TIMEOUT(!panel.isRunning(), kPatienceMs);
        QVERIFY(panel.startButton()->hasFocus());
        for (const char* line : {"requests", "p50", "p99", "server: queue", "server: infer", "client: send"})
            QVERIFY2(!valueOf(panel, line).isEmpty(), line);
        QCOMPARE(linesOf(panel, "Failures"), 0);
        const QString measured = valueOf(panel, "answered");

        page.select(QStringLiteral("identity"));
        QVERIFY(panel.results()->isHidden());
        QVERIFY(!panel.startButton()->isEnabled());
        QCOMPARE(panel.status()->text(), QStringLiteral("identity is not ready: load it first."));
        page.select(QStringLiteral("add_sub"));
        QVERIFY(!panel.results()->isHidden());
        QCOMPARE(valueOf(panel, "answered"), measured);
    }

    void aLoadThatIsStoppedShowsWhatItHas()
    {
        ModelsPage& page = open("add_sub");
        page.showRequests();
        ModelLoadPanel& panel = *page.loadPanel();
        setDuration(panel, 600);
        QTest::mouseClick(panel.startButton(), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(panel.status()->text().contains(QStringLiteral("p99")), kPatienceMs);
        QTest::mouseClick(panel.stopButton(), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(!panel.isRunning(), kPatienceMs);
        QVERIFY(!valueOf(panel, "p99").isEmpty());
        QVERIFY(page.findChild<QLabel*>(QStringLiteral("loadHeading"))->text().endsWith(QStringLiteral(", stopped")));
        QVERIFY(panel.startButton()->isEnabled());
    }

    void theResultsOfALoadAreScrolledToWhereThereIsNoRoomForAll()
    {
        m_window->resize(640, 420);
        ModelsPage& page = open("add_sub");
        page.showRequests();
        ModelLoadPanel& panel = *page.loadPanel();
        setDuration(panel, 0.5);
        panel.start();
        QTRY_VERIFY_WITH_TIMEOUT(!panel.isRunning(), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(panel.results()->visibleRegion().boundingRect().height() > panel.results()->height() / 2, kPatienceMs);
    }

    void aDecodersResponsesAreMeasuredOneByOne()
    {
        ModelsPage& page = open("tiny_decoder");
        QTest::mouseClick(page.loadButton(), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(stateOf(page, "tiny_decoder"), QStringLiteral("ready"), kPatienceMs);
        page.showRequests();
        ModelLoadPanel& panel = *page.loadPanel();
        setDuration(panel, 1);
        QTRY_VERIFY_WITH_TIMEOUT(panel.startButton()->isEnabled(), kPatienceMs);
        panel.start();
        QTRY_VERIFY_WITH_TIMEOUT(!panel.isRunning(), kPatienceMs);
        QVERIFY(!valueOf(panel, "responses").isEmpty());
        QVERIFY(linesOf(panel, "To the first response (TTFT)") > 0);
        QVERIFY(linesOf(panel, "Between responses (ITL)") > 0);
    }

    void aShapeThatDoesNotFitIsSaidAndNothingIsSent()
    {
        ModelsPage& page = open("add_sub");
        page.showRequests();
        ModelLoadPanel& panel = *page.loadPanel();
        auto* shapes = page.findChild<QLineEdit*>(QStringLiteral("loadShapes"));
        shapes->setText(QStringLiteral("INPUT0:x"));
        panel.start();
        QVERIFY(!panel.isRunning());
        QVERIFY2(panel.messages()->sentence().contains(QStringLiteral("write INPUT:DIMENSIONS")), qPrintable(panel.messages()->sentence()));
        shapes->setText(QStringLiteral("NO_INPUT:3"));
        panel.start();
        QTRY_VERIFY_WITH_TIMEOUT(panel.messages()->sentence().contains(QStringLiteral("No request was sent to add_sub")), kPatienceMs);
        QVERIFY2(panel.messages()->sentence().contains(QStringLiteral("'NO_INPUT'")), qPrintable(panel.messages()->sentence()));
        QVERIFY(panel.results()->isHidden());
    }

    void aServerThatEndsUnderItsLoadLeavesTheResultInSight()
    {
        ModelsPage& page = open("add_sub");
        page.showRequests();
        ModelLoadPanel& panel = *page.loadPanel();
        setDuration(panel, 600);
        panel.start();
        QTRY_VERIFY_WITH_TIMEOUT(panel.status()->text().contains(QStringLiteral("p99")), kPatienceMs);
        QVERIFY(m_node->client()->stopTarget(m_target));
        page.refresh();
        QTRY_COMPARE_WITH_TIMEOUT(page.state(), ModelsPage::State::Failed, kPatienceMs);
        QVERIFY(panel.isVisible() && !page.messages()->isHidden());
        panel.stop();
        QTRY_VERIFY_WITH_TIMEOUT(!panel.isRunning(), kPatienceMs);
        QVERIFY(panel.results()->isVisible());
        QVERIFY(linesOf(panel, "Failures") > 0);
    }

    void aServerThatIsNotReachedFromHereSaysWhatToDoAndTakesAnAddress()
    {
        ModelLoadPanel panel(*m_runner);
        panel.setModel(QStringLiteral("add_sub"), true);
        panel.setAddress(Error{ErrorCode::Unreachable, "forward the port (ssh -N -L 8001:127.0.0.1:8001 gpu-07)", {}});
        QVERIFY(!panel.startButton()->isEnabled());
        QVERIFY2(panel.status()->text().contains(QStringLiteral("ssh -N -L")), qPrintable(panel.status()->text()));
        QTest::keyClicks(panel.addressEdit(), QStringLiteral("127.0.0.1:9"));
        QVERIFY(panel.startButton()->isEnabled());
        panel.setAddress(std::string("10.0.0.1:8001"));
        QCOMPARE(panel.addressEdit()->text(), QStringLiteral("127.0.0.1:9")); // the user's stays
        panel.start();
        QTRY_VERIFY_WITH_TIMEOUT(panel.messages()->sentence().contains(QStringLiteral("inference server answers at 127.0.0.1:9")),
                                 kPatienceMs);
    }

private:
    static void setDuration(ModelLoadPanel& panel, double seconds)
    {
        panel.findChild<QDoubleSpinBox*>(QStringLiteral("loadDuration"))->setValue(seconds);
    }

    /// Of the first line with a name.
    static QString valueOf(const ModelLoadPanel& panel, const char* line)
    {
        const auto found = panel.results()->findItems(QLatin1String(line), Qt::MatchExactly | Qt::MatchRecursive);
        return found.isEmpty() ? QString() : found.front()->text(1);
    }

    static int linesOf(const ModelLoadPanel& panel, const char* group)
    {
        const auto found = panel.results()->findItems(QLatin1String(group), Qt::MatchExactly);
        return found.isEmpty() ? 0 : found.front()->childCount();
    }

    /// The page with a model chosen, once its configuration is there.
    ModelsPage& open(const char* model)
    {
        ModelsPage& page = m_window->pages().openModels(*m_node, QString::fromStdString(m_target), QLatin1String(model));
        const auto isShown = [&] {
            return page.state() == ModelsPage::State::Ready && page.tree()->currentItem()->text(0) == QLatin1String(model) &&
                   page.editor()->edit()->isEnabled();
        };
        if (!QTest::qWaitFor(isShown, kPatienceMs))
            throw std::runtime_error("the model is not shown");
        return page;
    }

    static void replace(ModelsPage& page, const char* from, const char* to)
    {
        QTextCursor cursor = page.editor()->edit()->document()->find(QLatin1String(from));
        if (cursor.isNull())
            throw std::runtime_error("the configuration has no " + std::string(from));
        page.editor()->edit()->setTextCursor(cursor);
        QTest::keyClicks(page.editor()->edit(), QLatin1String(to)); // typed over what is selected
    }

    static QString stateOf(const ModelsPage& page, const char* model)
    {
        const auto found = page.tree()->findItems(QLatin1String(model), Qt::MatchExactly);
        return found.isEmpty() ? QString() : found.front()->text(2);
    }

    std::unique_ptr<LocalNode> m_daemon;
    NodeController* m_node = nullptr;
    std::string m_target;
};

QTEST_MAIN(ModelsPageTest)
#include "models_page_test.moc"
