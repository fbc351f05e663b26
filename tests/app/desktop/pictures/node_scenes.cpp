#include "scenes.h"

#include "app/desktop/alert_panel.h"
#include "app/desktop/dashboard_editor.h"
#include "app/desktop/launch_dialog.h"
#include "app/desktop/live_page.h"
#include "app/desktop/log_panel.h"
#include "app/desktop/node_log_panel.h"
#include "app/desktop/node_page.h"
#include "app/desktop/notice_stack.h"
#include "app/desktop/page_area.h"
#include "app/desktop/process_panel.h"
#include "app/desktop/readiness_panel.h"
#include "app/desktop/reports_panel.h"
#include "app/desktop/source_panel.h"

#include <QAction>
#include <QComboBox>
#include <QLineEdit>
#include <QMenu>
#include <QPushButton>
#include <QTableView>
#include <QTableWidget>
#include <QToolButton>

#include <stdexcept>

namespace gantry::desktop_test {

namespace {

using desktop::NodePage;
using Tab = NodePage::Tab;

constexpr QSize kUsual{1280, 800}, kTiny{640, 420};

/// The page of a node that plays the shipped recording. Null: this build has no gantryd.
NodePage* openPage(Stage& stage, Tab tab, const QStringList& options = LocalNode::rehearsalOptions())
{
    desktop::NodeController* node = stage.connectToNode(options);
    if (!node)
        return nullptr;
    stage.waitUntil("what works is known", [node] { return node->readiness().report().has_value(); });
    NodePage& page = stage.window().pages().openNode(*node);
    page.showTab(tab);
    return &page;
}

void waitForContent(Stage& stage, const desktop::NodePanel& panel)
{
    stage.waitUntil("the node has answered", [&panel] { return panel.stack().isContentShown(); });
}

void showReadiness(Stage& stage)
{
    if (NodePage* page = openPage(stage, Tab::Readiness, {}))
        waitForContent(stage, page->readiness());
}

void showProcesses(Stage& stage)
{
    if (NodePage* page = openPage(stage, Tab::Processes))
        waitForContent(stage, page->processes());
}

/// Of a machine without a GPU, on which a server runs.
void showProcessesWithoutGpu(Stage& stage)
{
    desktop::NodeController* node = stage.connectToServer();
    if (!node)
        return;
    NodePage& page = stage.window().pages().openNode(*node);
    page.showTab(Tab::Processes);
    stage.waitUntil("the server is listed", [&page] { return page.processes().table().model()->rowCount() > 0; });
}

NodePage* showReports(Stage& stage)
{
    NodePage* page = openPage(stage, Tab::Reports);
    if (!page)
        return nullptr;
    desktop::NodeController& node = *stage.window().nodes().current();
    for (int window = 0; window < 2; ++window) {
        proto::CaptureRequest request;
        request.targetId = node.targets().front().id;
        request.durationNs = 100'000'000;
        const auto started = node.client()->startCapture(request);
        if (started)
            (void)node.client()->watchCapture(started->captureId, [](const proto::CaptureStatus&) {}, {});
    }
    node.refresh();
    const QAbstractItemModel& model = *page->reports().table().model();
    stage.waitUntil("the reports are listed", [&model] { return model.rowCount() > 1; });
    page->reports().table().selectRow(0);
    stage.find<QPushButton>("reportKeep").click();
    stage.waitUntil("it is kept", [&model] { return !model.index(0, 5).data().toString().isEmpty(); });
    return page;
}

void showLog(Stage& stage)
{
    NodePage* page = openPage(stage, Tab::Log, {});
    if (!page)
        return;
    desktop::NodeController& node = *stage.window().nodes().current();
    proto::LaunchRequest request;
    request.name = "server";
    request.inject = false;
    request.argv = {"/bin/sh", "-c",
                    "echo 'DEBUG reading config.pbtxt of bert_base'; echo 'INFO 3 models are loaded'; "
                    "echo 'WARNING the response cache is off'; echo 'ERROR bert_large was not loaded: out of memory'; "
                    "echo '    while allocating 2.1 GiB for weights'; echo 'INFO serving 2 of 3 models'; sleep 1000"};
    const auto launched = node.client()->launch(request);
    if (!launched)
        throw std::runtime_error(launched.error().text());
    node.refresh();
    stage.waitUntil("it is a target", [&] { return node.target(launched->id) != nullptr; });
    page->log().setSource(launched->id);
    stage.waitUntil("it has said all", [page] { return page->log().log().text().contains(QStringLiteral("serving 2")); });
    page->log().log().searchEdit().setText(QStringLiteral("models"));
}

/// Rules in several states, the first of which has fired.
NodePage* showAlerts(Stage& stage)
{
    NodePage* page = openPage(stage, Tab::Alerts);
    if (!page)
        return nullptr;
    QTableWidget& table = page->alerts().table();
    int watched = 0;
    for (const auto& [name, condition] :
         {std::pair("power is drawn", "gpu_power_w > 1 W"), std::pair("slow requests", "p99 queue > 500ms"),
          std::pair("power has changed", "anomaly gpu_power_w > 30%"), std::pair("server is gone", "absent no_such_metric")}) {
        proto::AlertRule rule;
        rule.name = name;
        rule.condition = condition;
        page->alerts().set(rule);
        // One after another: they are shown in the order in which the node got them.
        stage.waitUntil("it is watched", [&table, count = ++watched] { return table.rowCount() == count; });
    }
    stage.waitUntil("the first has fired", [&table] { return table.item(0, 0)->text() == QStringLiteral("FIRING"); });
    table.selectRow(0);
    return page;
}

void showSources(Stage& stage)
{
    desktop::NodeController* node = stage.connectToServer();
    if (!node)
        return;
    NodePage& page = stage.window().pages().openNode(*node);
    page.showTab(Tab::Sources);
    (void)node->client()->addMetricSource("http://127.0.0.1:1/metrics", 0);
    QTableWidget& table = page.sources().table();
    stage.waitUntil("the endpoint has failed",
                    [&table] { return table.rowCount() >= 2 && table.item(0, 6)->text().contains(QStringLiteral("answer")); });
}

/// A dashboard of the live page, while the recording plays.
void showDashboard(Stage& stage, const QString& title)
{
    if (!stage.connectToNode(LocalNode::rehearsalOptions()))
        return;
    auto& dashboards = stage.find<QComboBox>("dashboard");
    stage.waitUntil("the dashboard is offered", [&] { return dashboards.findText(title) >= 0; });
    dashboards.setCurrentIndex(dashboards.findText(title));
    stage.waitUntil("some seconds are drawn", [&] { return stage.find<desktop::LivePage>().drawnSpan() > 8'000'000'000; });
}

void editDashboard(Stage& stage)
{
    showDashboard(stage, QStringLiteral("GPU node"));
    auto* menu = stage.find<QToolButton>("dashboardMenu").menu();
    emit menu->aboutToShow();
    if (auto* edit = menu->findChild<QAction*>(QStringLiteral("editDashboard")))
        edit->trigger();
}

void showDisconnected(Stage& stage)
{
    if (openPage(stage, Tab::Processes))
        stage.window().nodes().current()->close();
}

void showLaunch(Stage& stage)
{
    if (!openPage(stage, Tab::Readiness))
        return;
    desktop::LaunchProfile profile;
    profile.name = QStringLiteral("bert, 8 ranks");
    profile.command = QStringLiteral("python3 serve.py --port 8000 --node-rank {rank}");
    profile.container = QStringLiteral("apptainer exec --nv bert.sif");
    profile.wrapper = QStringLiteral("mpirun -np 8");
    profile.environment = {{QStringLiteral("NCCL_DEBUG"), QStringLiteral("WARN"), false},
                           {QStringLiteral("HF_TOKEN"), QStringLiteral("secret"), true}};
    stage.settings().setLaunchProfile(profile);
    stage.find<QPushButton>("nodeLaunch").click();
    stage.find<desktop::LaunchDialog>().setProfile(profile);
}

} // namespace

void addNodePages(std::vector<Scene>& scenes)
{
    scenes.push_back({"node-readiness", showReadiness, kUsual});
    scenes.push_back({"tiny-node-readiness", showReadiness, kTiny});
    scenes.push_back({"node-processes", showProcesses, kUsual});
    scenes.push_back({"tiny-node-processes", showProcesses, kTiny});
    scenes.push_back({"node-processes-no-gpu", showProcessesWithoutGpu, kUsual});
    scenes.push_back({"node-reports", [](Stage& stage) { showReports(stage); }, kUsual});
    scenes.push_back({"tiny-node-reports", [](Stage& stage) { showReports(stage); }, kTiny});
    scenes.push_back({"node-reports-policy",
                      [](Stage& stage) {
                          if (showReports(stage))
                              stage.find<QPushButton>("reportPolicyEdit").click();
                      },
                      kUsual});
    scenes.push_back({"node-alerts", [](Stage& stage) { showAlerts(stage); }, kUsual});
    scenes.push_back({"tiny-node-alerts", [](Stage& stage) { showAlerts(stage); }, kTiny});
    scenes.push_back({"node-alerts-add",
                      [](Stage& stage) {
                          if (showAlerts(stage))
                              stage.find<QPushButton>("alertEdit").click();
                      },
                      kUsual});
    scenes.push_back({"node-sources", showSources, kUsual});
    scenes.push_back({"dashboard-triton", [](Stage& stage) { showDashboard(stage, QStringLiteral("Triton")); }, kUsual});
    scenes.push_back({"dashboard-gantry-serve", [](Stage& stage) { showDashboard(stage, QStringLiteral("gantry-serve")); }, kUsual});
    scenes.push_back({"tiny-dashboard-gantry-serve", [](Stage& stage) { showDashboard(stage, QStringLiteral("gantry-serve")); }, kTiny});
    scenes.push_back({"dashboard-editor", editDashboard, kUsual});
    scenes.push_back({"tiny-dashboard-editor", editDashboard, kTiny});
    scenes.push_back({"metric-picker",
                      [](Stage& stage) {
                          editDashboard(stage);
                          if (auto* editor = stage.window().findChild<desktop::DashboardEditor*>())
                              editor->findChild<QPushButton*>(QStringLiteral("pickMetric"))->click();
                      },
                      kUsual});
    scenes.push_back({"dashboard-gpu-node", [](Stage& stage) { showDashboard(stage, QStringLiteral("GPU node")); }, kUsual});
    scenes.push_back({"tiny-dashboard-gpu-node", [](Stage& stage) { showDashboard(stage, QStringLiteral("GPU node")); }, kTiny});
    scenes.push_back({"node-log", showLog, kUsual});
    scenes.push_back({"tiny-node-log", showLog, kTiny});
    scenes.push_back({"node-launch", showLaunch, kUsual});
    scenes.push_back({"tiny-node-launch", showLaunch, kTiny});
    scenes.push_back({"node-not-connected", showDisconnected, kUsual});
}

} // namespace gantry::desktop_test
