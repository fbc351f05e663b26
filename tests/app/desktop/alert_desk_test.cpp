#include "app/desktop/alert_desk.h"

#include "app/desktop/alert_dialog.h"
#include "app/desktop/alert_panel.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/node_list.h"
#include "app/desktop/node_page.h"
#include "app/desktop/page_area.h"
#include "local_node.h"
#include "tests/app/desktop/window_test.h"
#include "tests/support/test_files.h"

#include <QCheckBox>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableWidget>
#include <QTest>

using namespace gantry;
using namespace gantry::desktop;
using gantry::desktop_test::LocalNode;

namespace {

constexpr int kPatienceMs = 30'000;

proto::AlertState state(const char* rule, proto::AlertPhase phase, std::vector<std::int64_t> began)
{
    proto::AlertState said;
    said.rule.id = said.rule.name = rule;
    said.phase = phase;
    for (const std::int64_t utc : began)
        said.events.push_back({utc, 0, proto::AlertPhase::Firing, "1", {}});
    return said;
}

} // namespace

/// The window with a real gantryd whose rules fire.
class AlertDeskTest : public WindowTest
{
    Q_OBJECT

private slots:
    void init()
    {
        if (LocalNode::daemonProgram().isEmpty())
            QSKIP("gantryd is not built here");
        openWindow();
        m_daemon = std::make_unique<LocalNode>();
    }

    void cleanup()
    {
        closeWindow();
        m_daemon.reset();
    }

    void whatFiredBeforeAnybodyListenedIsNoNewsAndWhatFiredSinceIs()
    {
        using Heard = AlertWatch::Heard;
        using Phase = proto::AlertPhase;
        NodeList nodes;
        AlertWatch watch(nodes);
        NodeController node("unix:/nowhere", *m_runner);
        QSignalSpy fired(&watch, &AlertWatch::fired);
        watch.take(node, state("a", Phase::Firing, {100}), Heard::AtFirst);
        QCOMPARE(fired.count(), 0);
        watch.take(node, state("a", Phase::Firing, {100}), Heard::Later); // another value
        QCOMPARE(fired.count(), 0);
        watch.take(node, state("a", Phase::Ok, {100}), Heard::Later);
        watch.take(node, state("a", Phase::Firing, {100, 200}), Heard::Later);
        QCOMPARE(fired.count(), 1);
        watch.take(node, state("a", Phase::Firing, {100, 200, 300}), Heard::AtFirst); // it began while the connection was lost
        QCOMPARE(fired.count(), 2);
        watch.take(node, state("a", Phase::Ok, {100, 200, 300, 400}), Heard::AtFirst); // and this one has ended
        QCOMPARE(fired.count(), 2);
        watch.take(node, state("new", Phase::Firing, {500}), Heard::Later);
        QCOMPARE(fired.count(), 3);
        proto::AlertState quiet = state("new", Phase::Firing, {500, 550});
        quiet.events.back().isHeldBack = true;
        watch.take(node, quiet, Heard::Later);
        QCOMPARE(fired.count(), 3);
        proto::AlertState off = state("a", Phase::Firing, {600});
        off.rule.isOff = true;
        watch.take(node, off, Heard::Later);
        QCOMPARE(fired.count(), 3);
    }

    void aRuleCanBeOneOfWhichNoDesktopIsTold()
    {
        proto::AlertRule rule;
        rule.condition = "host_memory_used_bytes > 1 B";
        AlertDialog dialog(QStringLiteral("gpu-07"), rule, {});
        QVERIFY(dialog.rule().notifies);
        dialog.findChild<QCheckBox*>(QStringLiteral("alertNotifies"))->setChecked(false);
        QVERIFY(!dialog.rule().notifies);
    }

    void aRuleThatFiresIsSaidAndRunsTheCommandOfTheUser()
    {
        QVERIFY(m_daemon->start());
        NodeController& node = m_window->nodes().open(m_daemon->address());
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Connected, kPatienceMs);
        NodePage& page = m_window->pages().openNode(node);
        page.showTab(NodePage::Tab::Alerts);
        auto* desk = m_window->findChild<AlertDesk*>();
        QVERIFY(desk);
        const std::string file = (*m_folder / "alert").string();
        const QString address = QString::fromStdString(node.address()), rule = QStringLiteral("memory is used");
        desk->commands().setCommand(
            address, rule,
            {QStringLiteral("sh -c 'echo \"$GANTRY_ALERT_RULE on $GANTRY_ALERT_NODE\" | tee \"%1\"'").arg(QString::fromStdString(file)), 10,
             true});
        QSignalSpy fired(&desk->watch(), &AlertWatch::fired);
        proto::AlertRule wanted;
        wanted.name = rule.toStdString();
        wanted.condition = "host_memory_used_bytes > 1 B";
        wanted.forNs = 3'000'000'000; // so that it does not fire before the desktop listens
        page.alerts().set(wanted);
        QTRY_COMPARE_WITH_TIMEOUT(fired.count(), 1, kPatienceMs);
        const auto saysIt = [&] {
            for (const MessageBar* bar : m_window->findChildren<MessageBar*>())
                if (bar->sentence().contains(QStringLiteral("\"memory is used\" fires")))
                    return true;
            return false;
        };
        QTRY_VERIFY_WITH_TIMEOUT(saysIt(), kPatienceMs); // no tray where there is no display
        QTRY_VERIFY_WITH_TIMEOUT(desk->commands().status(address, rule).contains(QStringLiteral("ended with status 0")), kPatienceMs);
        QCOMPARE(test::readFile(file), "memory is used on " + node.title().toStdString() + "\n");

        QTableWidget& table = page.alerts().table();
        QTRY_COMPARE_WITH_TIMEOUT(table.rowCount(), 1, kPatienceMs);
        table.selectRow(0);
        const auto* events = page.findChild<QLabel*>(QStringLiteral("alertEvents"));
        QVERIFY2(events->text().contains(QStringLiteral("the command ended with status 0.\nmemory is used on")),
                 qPrintable(events->text()));
        QVERIFY(page.findChild<QPushButton*>(QStringLiteral("alertCommand"))->isVisibleTo(&page));
    }

private:
    std::unique_ptr<LocalNode> m_daemon;
};

QTEST_MAIN(AlertDeskTest)
#include "alert_desk_test.moc"
