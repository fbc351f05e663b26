#include "scenes.h"

#include "app/desktop/live_page.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/node_dialog.h"
#include "app/desktop/window_actions.h"

#include <QAction>
#include <QDialog>
#include <QLabel>
#include <QLineEdit>
#include <QTest>
#include <QTreeWidget>

#include <fstream>

namespace gantry::desktop_test {

namespace {

using desktop::NodeController;
using desktop::NodeDialog;
using State = NodeController::State;

constexpr DurationNs kLiveSpan = 3'000'000'000;
constexpr QSize kUsual{1600, 1000}, kTiny{640, 420};

NodeDialog& askForNode(Stage& stage)
{
    stage.window().actions().connectNode->trigger();
    return stage.find<NodeDialog>();
}

/// The dialog with a configuration of the scene's own.
void askWithHosts(Stage& stage)
{
    const QString trainer = QStringLiteral("ssh://ada@trainer-02.example.org");
    app::SshConfigPlaces places;
    places.userFile = stage.folder() / "config";
    std::ofstream(places.userFile) << "Host gpu-07 gpu-08\n HostName %h.example.org\nHost bastion\nHost *\n User ada\n";
    auto* dialog = new NodeDialog(
        NodeDialog::Purpose::Add,
        {{trainer, QStringLiteral("Trainer"), QStringLiteral("Research"), {QStringLiteral("h100"), QStringLiteral("staging")}}},
        {trainer, QString(), QStringLiteral("ssh://old-host:2222")}, stage.runner(), &stage.window());
    dialog->offerHostsOf(places);
    dialog->open();
    stage.waitUntil("the hosts are offered", [dialog] {
        return !dialog->findChild<QTreeWidget*>()->findItems(QStringLiteral("gpu-08"), Qt::MatchExactly | Qt::MatchRecursive).isEmpty();
    });
    QTest::keyClick(dialog->findChild<QLineEdit*>(QStringLiteral("nodeAddress")), Qt::Key_Down);
}

/// Opens a host and waits for the question that it leads to.
void openToQuestion(Stage& stage, const std::string& address)
{
    if (address.empty())
        return; // a machine without sshd
    stage.window().nodes().open(address);
    stage.waitUntil("it asks", [&stage] {
        const auto* dialog = stage.window().findChild<QDialog*>();
        return dialog && dialog->isVisible();
    });
}

void openToLoss(Stage& stage, const std::string& address)
{
    if (address.empty())
        return;
    const NodeController& node = stage.window().nodes().open(address);
    stage.waitUntil("it has failed", [&node] { return node.state() == State::Lost; });
}

void openLocked(Stage& stage)
{
    const std::string address = stage.hostOverSsh();
    if (address.empty())
        return;
    const std::string key = stage.sshd().addClientKey("id_work", "correct horse").string();
    (void)stage.sshd().writeConfig({"IdentityFile " + key});
    std::filesystem::remove(stage.sshd().clientKey());
    openToQuestion(stage, address);
}

void reconnect(Stage& stage)
{
    const std::string address = stage.hostOverSsh();
    if (address.empty())
        return;
    const NodeController& node = stage.window().nodes().open(address);
    const desktop::LivePage& live = stage.window().live();
    stage.waitUntil("live metrics are drawn", [&live] { return live.drawnSpan() >= kLiveSpan; });
    stage.sshd().kill();
    stage.waitUntil("it is tried again later", [&] { return node.state() == State::Lost && node.retryInSeconds() > 2; });
}

void comeBack(Stage& stage)
{
    const std::string address = stage.hostOverSsh();
    if (address.empty())
        return;
    const NodeController& node = stage.window().nodes().open(address);
    const desktop::LivePage& live = stage.window().live();
    stage.waitUntil("live metrics are drawn", [&live] { return live.drawnSpan() >= kLiveSpan; });
    stage.sshd().kill();
    stage.waitUntil("it is tried again later", [&] { return node.state() == State::Lost && node.retryInSeconds() > 2; });
    stage.sshd().start();
    stage.waitUntil("it is back", [&node] { return node.state() == State::Connected; });
    DurationNs before = live.drawnSpan(); // then it is longer by the time that it was away
    stage.waitUntil("live metrics are there again", [&] { return live.drawnSpan() > before; });
    before = live.drawnSpan();
    stage.waitUntil("live metrics are drawn again", [&] { return live.drawnSpan() > before + kLiveSpan; });
}

} // namespace

void addConnections(std::vector<Scene>& scenes)
{
    const auto add = [&](const std::string& name, const std::function<void(Stage&)>& play) {
        scenes.push_back({name, play, kUsual});
        scenes.push_back({"tiny-" + name, play, kTiny});
    };
    add("add-node", [](Stage& stage) { askForNode(stage); });
    add("add-node-hosts", [](Stage& stage) { askWithHosts(stage); });
    add("add-node-invalid", [](Stage& stage) {
        QTest::keyClicks(askForNode(stage).findChild<QLineEdit*>(QStringLiteral("nodeAddress")), QStringLiteral("grpc://gpu-07:8800"));
    });
    add("connecting", [](Stage& stage) {
        const NodeController& node = stage.window().nodes().open(stage.silentHost());
        stage.waitUntil("it connects", [&node] { return node.progress().now == app::ConnectStep::Connect; });
    });
    add("host-key", [](Stage& stage) { openToQuestion(stage, stage.hostOverSsh({}, false)); });
    add("passphrase", openLocked);
    add("passphrase-wrong", [](Stage& stage) {
        openLocked(stage);
        auto* dialog = stage.window().findChild<QDialog*>();
        if (!dialog)
            return;
        QTest::keyClicks(dialog->findChild<QLineEdit*>(QStringLiteral("answer")), QStringLiteral("wrong"));
        QTest::keyClick(dialog, Qt::Key_Return);
        stage.waitUntil("it asks again", [&stage] { return stage.window().findChild<QLabel*>(QStringLiteral("wrong")) != nullptr; });
        QTest::keyClicks(stage.window().findChild<QLineEdit*>(QStringLiteral("answer")), QStringLiteral("another"));
    });
    add("connect-failed", [](Stage& stage) {
        const std::string address = stage.hostOverSsh({"StrictHostKeyChecking no", "Ciphers +aes128-cbc"});
        if (!address.empty())
            stage.sshd().changeHostKeys();
        openToLoss(stage, address);
    });
    add("connect-refused", [](Stage& stage) {
        const std::string address = stage.hostOverSsh();
        if (!address.empty())
            stage.sshd().kill();
        openToLoss(stage, address);
    });
    add("reconnecting", reconnect);
    add("reconnected", comeBack);
}

} // namespace gantry::desktop_test
