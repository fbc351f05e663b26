#include "local_node.h"

#include "app/desktop/alert_dialog.h"
#include "app/desktop/alert_panel.h"
#include "app/desktop/log_panel.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/node_list.h"
#include "app/desktop/node_log_panel.h"
#include "app/desktop/node_page.h"
#include "app/desktop/nodes_panel.h"
#include "app/desktop/notice_stack.h"
#include "app/desktop/page_area.h"
#include "app/desktop/process_model.h"
#include "app/desktop/process_panel.h"
#include "app/desktop/readiness_panel.h"
#include "app/desktop/report_policy_dialog.h"
#include "app/desktop/reports_panel.h"
#include "app/desktop/source_panel.h"
#include "tests/app/desktop/window_test.h"

#include <QAbstractButton>
#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QDoubleSpinBox>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QMessageBox>
#include <QPushButton>
#include <QSortFilterProxyModel>
#include <QTableView>
#include <QTableWidget>
#include <QTest>
#include <QToolButton>
#include <QTreeWidget>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>

using namespace gantry;
using namespace gantry::desktop;
using gantry::desktop_test::LocalNode;

namespace {

constexpr int kPatienceMs = 30'000;

} // namespace

/// The page of a node in the window, with a real gantryd behind it: a bare one, or one that plays the shipped recording.
class NodePageTest : public WindowTest
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

    void aDoubleClickOnANodeOpensItsPageOnce()
    {
        NodePage& page = open();
        QCOMPARE(m_window->pages().currentWidget(), &page);
        QCOMPARE(m_window->pages().tabText(m_window->pages().currentIndex()), m_node->title());
        activateNode();
        QCOMPARE(m_window->pages().count(), 2);
    }

    void readinessSaysWhatWorksAndIsAskedAgain()
    {
        NodePage& page = open();
        page.showTab(NodePage::Tab::Readiness);
        QTRY_VERIFY_WITH_TIMEOUT(page.readiness().stack().isContentShown(), kPatienceMs);
        const auto items = [&] { return page.readiness().findChildren<QWidget*>(QStringLiteral("readinessItem")); };
        QCOMPARE(static_cast<std::size_t>(items().size()), m_node->readiness().report()->items.size());
        const auto texts = [](const QWidget& item) {
            QStringList all;
            for (const QLabel* label : item.findChildren<QLabel*>())
                all << label->text();
            return all;
        };
        // The worst first, and what only this end of the connection can tell is there, too.
        QStringList topics;
        for (const QWidget* item : items())
            topics << texts(*item).value(1);
        QVERIFY2(topics.contains(QStringLiteral("clock offset")), qPrintable(topics.join(QLatin1Char(','))));
        const auto worst = m_node->readiness().report()->worst();
        QCOMPARE(m_node->readiness().report()->items[0].topic.empty(), false);
        const auto isOfWorst = [&](const proto::ReadinessItem& item) {
            return item.level == worst && toText(item.topic) == topics.front();
        };
        QVERIFY(std::any_of(m_node->readiness().report()->items.begin(), m_node->readiness().report()->items.end(), isOfWorst));

        const std::int64_t before = m_node->readiness().report()->checkedUtcNs;
        QTest::mouseClick(page.findChild<QPushButton*>(QStringLiteral("readinessAgain")), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(m_node->readiness().report()->checkedUtcNs > before, kPatienceMs);
    }

    void aFixIsCopied()
    {
        NodePage& page = open();
        QTRY_VERIFY_WITH_TIMEOUT(page.readiness().stack().isContentShown(), kPatienceMs);
        const auto& items = m_node->readiness().report()->items;
        const auto fixed = std::find_if(items.begin(), items.end(), [](const auto& item) { return !item.fix.empty(); });
        if (fixed == items.end())
            QSKIP("nothing is to be mended on this machine");
        for (QToolButton* copy : page.readiness().findChildren<QToolButton*>()) {
            if (!copy->accessibleName().endsWith(toText(fixed->topic)))
                continue;
            QTest::mouseClick(copy, Qt::LeftButton);
            QCOMPARE(QApplication::clipboard()->text(), toText(fixed->fix));
            return;
        }
        QFAIL("the fix has no button");
    }

    void theNodesPanelMarksWhatKeepsGantryFromWorking()
    {
        open();
        QTRY_VERIFY_WITH_TIMEOUT(m_node->readiness().report().has_value(), kPatienceMs);
        const auto worst = m_node->readiness().report()->worst();
        const bool isMarked = worst == proto::ReadinessLevel::Limited || worst == proto::ReadinessLevel::Blocked;
        const QString shown = nodeItem()->text(1);
        QCOMPARE(shown.contains(QStringLiteral("limited")) || shown.contains(QStringLiteral("blocked")), isMarked);
    }

    void processesAreListedSortedAndFiltered()
    {
        NodePage& page = open();
        // A server of the node's, so that there is a process to be listed.
        proto::LaunchRequest request;
        request.name = "sleeper";
        request.argv = {"/bin/sleep", "1000"};
        request.inject = false;
        const auto launched = m_node->client()->launch(request);
        QVERIFY2(launched, launched ? "" : launched.error().text().c_str());
        m_node->refresh();
        page.showTab(NodePage::Tab::Processes);
        const QAbstractItemModel& model = *page.processes().table().model();
        const auto rowOf = [&](const QString& pid) {
            for (int row = 0; row < model.rowCount(); ++row)
                if (model.index(row, ProcessModel::Pid).data().toString() == pid)
                    return row;
            return -1;
        };
        const QString pid = QString::number(launched->pid);
        QTRY_VERIFY_WITH_TIMEOUT(rowOf(pid) >= 0, kPatienceMs);
        QCOMPARE(model.index(rowOf(pid), ProcessModel::Command).data().toString(), QStringLiteral("/bin/sleep 1000"));
        QTRY_COMPARE_WITH_TIMEOUT(model.index(rowOf(pid), ProcessModel::Target).data().toString(), QStringLiteral("sleeper"), kPatienceMs);
        QVERIFY(!model.index(rowOf(pid), ProcessModel::Memory).data().toString().isEmpty());
        // Nothing is known of GPUs on a machine without one: it is said, and not shown as 0.
        const auto* problem = page.findChild<QLabel*>(QStringLiteral("processProblem"));
        if (m_node->info()->gpus.empty())
            QVERIFY2(problem->isVisible() && problem->text().contains(QStringLiteral("not known")), qPrintable(problem->text()));
        QVERIFY(model.index(rowOf(pid), ProcessModel::GpuMemory).data().toString().isEmpty());
        // It is asked again by itself: the share of the CPU is known from the second answer on.
        QTRY_VERIFY_WITH_TIMEOUT(!model.index(rowOf(pid), ProcessModel::Cpu).data().toString().isEmpty(), kPatienceMs);

        QTest::keyClicks(&page.processes().filter(), QStringLiteral("no such process"));
        QCOMPARE(model.rowCount(), 0);
        page.processes().filter().clear();
        QTest::keyClicks(&page.processes().filter(), QStringLiteral("SLEEP 1000"));
        QVERIFY(model.rowCount() >= 1);
        // A process that ended leaves the table.
        QVERIFY(m_node->client()->stopTarget(launched->id));
        QTRY_COMPARE_WITH_TIMEOUT(rowOf(pid), -1, kPatienceMs);
    }

    void numbersOfProcessesSortAsNumbersAndWhatIsNotKnownComesLast()
    {
        proto::ProcessList list;
        const auto add = [&](int pid, std::optional<std::uint64_t> memory) {
            proto::NodeProcess process;
            process.pid = pid;
            process.residentBytes = memory;
            list.processes.push_back(process);
        };
        add(9, 900'000'000);
        add(10, std::nullopt);
        add(11, 2'000'000'000);
        ProcessModel model([](const std::string& id) { return QString::fromStdString(id); });
        model.setProcesses(list.processes);
        QSortFilterProxyModel order;
        order.setSourceModel(&model);
        order.setSortRole(ProcessModel::kSortRole);
        order.sort(ProcessModel::Memory, Qt::DescendingOrder);
        QStringList pids;
        for (int row = 0; row < order.rowCount(); ++row)
            pids << order.index(row, ProcessModel::Pid).data().toString();
        QCOMPARE(pids, QStringList({QStringLiteral("11"), QStringLiteral("9"), QStringLiteral("10")}));
        QCOMPARE(order.index(2, ProcessModel::Memory).data().toString(), QString());
    }

    void reportsAreKeptAndDeletedAndThePolicyIsChanged()
    {
        NodePage& page = open(LocalNode::rehearsalOptions());
        page.showTab(NodePage::Tab::Reports);
        const QAbstractItemModel& model = *page.reports().table().model();
        QTRY_VERIFY_WITH_TIMEOUT(page.reports().stack().isContentShown(), kPatienceMs);
        capture();
        QTRY_VERIFY_WITH_TIMEOUT(model.rowCount() > 0, kPatienceMs);
        const auto* summary = page.findChild<QLabel*>(QStringLiteral("reportSummary"));
        QVERIFY2(summary->text().contains(QStringLiteral("report")), qPrintable(summary->text()));

        page.reports().table().selectRow(0);
        auto* keep = page.findChild<QPushButton*>(QStringLiteral("reportKeep"));
        QTest::mouseClick(keep, Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(model.index(0, 5).data().toString(), QStringLiteral("kept"), kPatienceMs);
        QCOMPARE(keep->text(), QStringLiteral("Do not &keep"));
        QVERIFY(m_node->client()->reportShelf()->reports.front().isKept);

        QTest::mouseClick(page.findChild<QPushButton*>(QStringLiteral("reportPolicyEdit")), Qt::LeftButton);
        auto* dialog = page.findChild<ReportPolicyDialog*>();
        QVERIFY(dialog);
        dialog->findChild<QCheckBox*>(QStringLiteral("policyTotal"))->setChecked(true);
        dialog->findChild<QDoubleSpinBox*>(QStringLiteral("policyTotalValue"))->setValue(3);
        dialog->accept();
        const auto* policy = page.findChild<QLabel*>(QStringLiteral("reportPolicy"));
        QTRY_VERIFY2_WITH_TIMEOUT(policy->text().contains(QStringLiteral("at most 3.0 GiB in all")), qPrintable(policy->text()),
                                  kPatienceMs);
        QCOMPARE(m_node->client()->reportShelf()->policy.maxTotalBytes, 3ull << 30);

        const int before = model.rowCount();
        page.reports().table().selectRow(0);
        QTest::mouseClick(page.findChild<QPushButton*>(QStringLiteral("reportDelete")), Qt::LeftButton);
        auto* box = page.findChild<QMessageBox*>();
        QVERIFY(box);
        QVERIFY2(box->informativeText().contains(QStringLiteral("marked to be kept")), qPrintable(box->informativeText()));
        for (QAbstractButton* button : box->buttons())
            if (box->buttonRole(button) == QMessageBox::DestructiveRole)
                QTest::mouseClick(button, Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(model.rowCount(), before - 1, kPatienceMs);
    }

    void aRuleIsAddedFiresAndIsDeleted()
    {
        NodePage& page = open();
        page.showTab(NodePage::Tab::Alerts);
        QTRY_VERIFY_WITH_TIMEOUT(page.alerts().stack().isContentShown(), kPatienceMs);
        const auto* events = page.findChild<QLabel*>(QStringLiteral("alertEvents"));
        QVERIFY2(events->text().contains(QStringLiteral("Nothing is watched")), qPrintable(events->text()));

        QTest::mouseClick(page.findChild<QPushButton*>(QStringLiteral("alertAdd")), Qt::LeftButton);
        auto* dialog = page.findChild<AlertDialog*>();
        QVERIFY(dialog);
        auto* condition = dialog->findChild<QLineEdit*>(QStringLiteral("alertCondition"));
        QTest::keyClicks(condition, QStringLiteral("host_memory_used_bytes >"));
        const auto* problem = dialog->findChild<QLabel*>(QStringLiteral("alertProblem"));
        QVERIFY2(problem->text().contains(QStringLiteral("no value with a unit")), qPrintable(problem->text()));
        QTest::keyClicks(condition, QStringLiteral(" 1 B"));
        QVERIFY2(!problem->isVisible(), qPrintable(problem->text()));
        dialog->findChild<QLineEdit*>(QStringLiteral("alertName"))->setText(QStringLiteral("memory is used"));
        dialog->accept();

        QTableWidget& table = page.alerts().table();
        QTRY_COMPARE_WITH_TIMEOUT(table.rowCount(), 1, kPatienceMs);
        QCOMPARE(table.item(0, 1)->text(), QStringLiteral("memory is used"));
        QTRY_COMPARE_WITH_TIMEOUT(table.item(0, 0)->text(), QStringLiteral("FIRING"), kPatienceMs);
        table.selectRow(0);
        QVERIFY2(events->text().contains(QStringLiteral("began")), qPrintable(events->text()));
        QTest::mouseClick(page.findChild<QPushButton*>(QStringLiteral("alertRemove")), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(table.rowCount(), 0, kPatienceMs);
    }

    void sourcesAreListedWithTheirPeriodsAndEndpointsAreAdded()
    {
        NodePage& page = open();
        page.showTab(NodePage::Tab::Sources);
        QTableWidget& table = page.sources().table();
        QTRY_VERIFY_WITH_TIMEOUT(page.sources().stack().isContentShown() && table.rowCount() > 0, kPatienceMs);
        const auto rowOf = [&table](const QString& name) {
            for (int row = 0; row < table.rowCount(); ++row)
                if (table.item(row, 0)->text() == name)
                    return row;
            return -1;
        };
        QVERIFY(rowOf(QStringLiteral("host")) >= 0);
        auto* url = page.findChild<QLineEdit*>(QStringLiteral("sourceUrl"));
        QTest::keyClicks(url, QStringLiteral("ftp://nowhere"));
        QTest::keyClick(url, Qt::Key_Return);
        QTRY_VERIFY_WITH_TIMEOUT(page.sources().findChild<MessageBar*>()->isVisible(), kPatienceMs);
        url->clear();
        QTest::keyClicks(url, QStringLiteral("http://127.0.0.1:1/metrics"));
        QTest::keyClick(url, Qt::Key_Return);
        const QString added = QStringLiteral("127.0.0.1:1/metrics");
        QTRY_VERIFY_WITH_TIMEOUT(rowOf(added) >= 0, kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(table.item(rowOf(added), 6)->text().contains(QStringLiteral("does not answer")), kPatienceMs);
        QCOMPARE(table.item(rowOf(added), 2)->text(), QStringLiteral("–"));
        auto* remove = page.findChild<QPushButton*>(QStringLiteral("sourceRemove"));
        table.selectRow(rowOf(QStringLiteral("host")));
        QVERIFY(!remove->isEnabled());
        table.selectRow(rowOf(added));
        QTest::mouseClick(remove, Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(rowOf(added), -1, kPatienceMs);
    }

    void aReportIsFetchedAndOpenedByADoubleClick()
    {
        NodePage& page = open(LocalNode::rehearsalOptions());
        capture();
        page.showTab(NodePage::Tab::Reports);
        QTableView& table = page.reports().table();
        QTRY_VERIFY_WITH_TIMEOUT(table.model()->rowCount() > 0, kPatienceMs);
        const QPoint place = table.visualRect(table.model()->index(0, 0)).center();
        QTest::mouseClick(table.viewport(), Qt::LeftButton, {}, place);
        QTest::mouseDClick(table.viewport(), Qt::LeftButton, {}, place);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->pages().reports().size(), 1, kPatienceMs);
    }

    void theLogIsThatOfTheChosenServerAndIsSearched()
    {
        NodePage& page = open();
        proto::LaunchRequest request;
        request.name = "talker";
        request.argv = {"/bin/sh", "-c", "echo 'INFO first'; echo 'ERROR second'; echo '  at line 7'; echo 'INFO third'; sleep 1000"};
        request.inject = false;
        const auto launched = m_node->client()->launch(request);
        QVERIFY(launched);
        m_node->refresh();
        page.showTab(NodePage::Tab::Log);
        QTRY_VERIFY_WITH_TIMEOUT(m_node->target(launched->id), kPatienceMs);
        page.log().setSource(launched->id);
        LogPanel& log = page.log().log();
        QTRY_VERIFY_WITH_TIMEOUT(log.text().contains(QStringLiteral("third")), kPatienceMs);
        log.setLeastLevel(proto::LogLevel::Warning);
        QVERIFY2(log.text().contains(QStringLiteral("second")) && log.text().contains(QStringLiteral("at line 7")) &&
                     !log.text().contains(QStringLiteral("first")) && !log.text().contains(QStringLiteral("third")),
                 qPrintable(log.text()));
        log.setLeastLevel(proto::LogLevel::Unknown);
        QTest::keyClicks(&log.searchEdit(), QStringLiteral("info"));
        QCOMPARE(log.matchText(), QStringLiteral("2 of 2")); // the newest first
        QTest::keyClick(&log.searchEdit(), Qt::Key_Return);
        QCOMPARE(log.matchText(), QStringLiteral("1 of 2")); // and around
        QTest::keyClick(&log.searchEdit(), Qt::Key_Return, Qt::ShiftModifier);
        QCOMPARE(log.matchText(), QStringLiteral("2 of 2"));
        log.searchEdit().clear();
        QTest::keyClicks(&log.searchEdit(), QStringLiteral("fourth"));
        QCOMPARE(log.matchText(), QStringLiteral("no match"));
    }

    void aNodeThatIsNotConnectedSaysSoAndConnectsFromThere()
    {
        NodePage& page = open();
        page.showTab(NodePage::Tab::Processes);
        m_node->close();
        NoticeStack& stack = page.processes().stack();
        QVERIFY(!stack.isContentShown());
        QVERIFY2(stack.notice().contains(QStringLiteral("not connected")), qPrintable(stack.notice()));
        QTest::mouseClick(stack.findChild<QPushButton*>(QStringLiteral("noticeAction")), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(m_node->state(), NodeController::State::Connected, kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(!stack.notice().contains(QStringLiteral("not connected")), kPatienceMs);
    }

    void aNodeThatIsRemovedLeavesItsPageBehindSayingSo()
    {
        NodePage& page = open();
        m_window->nodes().remove(m_node);
        QCoreApplication::sendPostedEvents(m_node, QEvent::DeferredDelete);
        QVERIFY2(page.readiness().stack().notice().contains(QStringLiteral("removed")), qPrintable(page.readiness().stack().notice()));
    }

private:
    [[nodiscard]] static QString toText(const std::string& text) { return QString::fromStdString(text); }
    [[nodiscard]] QTreeWidgetItem* nodeItem() const { return m_window->findChild<NodesPanel*>()->tree()->topLevelItem(0); }

    void activateNode()
    {
        QTreeWidget* tree = m_window->findChild<NodesPanel*>()->tree();
        tree->setCurrentItem(nodeItem());
        const QPoint place = tree->visualItemRect(nodeItem()).center();
        QTest::mouseClick(tree->viewport(), Qt::LeftButton, {}, place);
        QTest::mouseDClick(tree->viewport(), Qt::LeftButton, {}, place);
    }

    NodePage& open(const QStringList& options = {})
    {
        if (!m_daemon->start(options))
            throw std::runtime_error("gantryd did not start");
        m_node = &m_window->nodes().open(m_daemon->address());
        if (!QTest::qWaitFor([this] { return m_node->state() == NodeController::State::Connected; }, kPatienceMs))
            throw std::runtime_error("the node is not connected");
        activateNode();
        auto* page = qobject_cast<NodePage*>(m_window->pages().currentWidget());
        if (!page)
            throw std::runtime_error("no page was opened");
        return *page;
    }

    /// A window on the first server of a rehearsal node, whose report stays there.
    void capture()
    {
        proto::CaptureRequest request;
        request.targetId = m_node->targets().front().id;
        request.durationNs = 200'000'000;
        const auto started = m_node->client()->startCapture(request);
        QVERIFY2(started, started ? "" : started.error().text().c_str());
        const auto done = m_node->client()->watchCapture(started->captureId, [](const proto::CaptureStatus&) {}, {});
        QVERIFY2(done && !done->reportName.empty(), done ? done->message.c_str() : done.error().text().c_str());
        m_node->refresh();
    }

    std::unique_ptr<LocalNode> m_daemon;
    NodeController* m_node = nullptr;
};

QTEST_MAIN(NodePageTest)
#include "node_page_test.moc"
