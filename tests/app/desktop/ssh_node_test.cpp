#include "local_node.h"
#include "memory_keyring.h"

#include "app/desktop/capture_controller.h"
#include "app/desktop/connect_panel.h"
#include "app/desktop/keyring.h"
#include "app/desktop/live_page.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/node_controller.h"
#include "app/desktop/node_desk.h"
#include "app/desktop/secret_edit.h"
#include "app/desktop/secret_keeper.h"
#include "tests/app/desktop/window_test.h"
#include "tests/support/silent_host.h"
#include "tests/support/sshd_fixture.h"

#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QDialog>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QRegularExpression>
#include <QSignalSpy>
#include <QTest>
#include <QTimer>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <stop_token>
#include <utility>

using namespace gantry;
using namespace gantry::desktop;
using gantry::desktop_test::LocalNode;
using gantry::desktop_test::MemoryKeyring;
using gantry::test::SilentHost;
using gantry::test::SshdFixture;
using Step = app::ConnectStep;
using State = NodeController::State;

namespace {

constexpr int kPatienceMs = 30'000;
constexpr char kReportName[] = "long.gantry";
constexpr std::size_t kReportBytes = 96u << 20;

std::string readText(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

/// Processes of gantryd that were started with a path below a folder.
std::vector<int> gantrydsBelow(const std::string& folder)
{
    std::vector<int> pids;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        const std::string arguments = readText(entry.path() / "cmdline");
        if (arguments.find("gantryd") != std::string::npos && arguments.find(folder + "/") != std::string::npos)
            pids.push_back(std::atoi(entry.path().filename().c_str()));
    }
    return pids;
}

} // namespace

/// The window and its nodes with a real sshd, and a real gantryd behind it.
class SshNodeTest : public WindowTest
{
    Q_OBJECT

private slots:
    void init()
    {
        if (LocalNode::daemonProgram().isEmpty())
            QSKIP("gantryd is not built here");
        if (const auto reason = test::whyNoSshd())
            QSKIP(reason->c_str());
        m_daemon = std::make_unique<LocalNode>();
        QVERIFY(m_daemon->start());
        m_sshd = std::make_unique<SshdFixture>();
        openWindow();
    }

    void cleanup()
    {
        closeWindow();
        if (m_sshd)
            for (const int pid : gantrydsBelow(m_sshd->folder().string())) {
                ::kill(pid, SIGTERM);
                QVERIFY(test::eventually([pid] { return !test::isRunning(pid); }));
            }
        m_sshd.reset();
        m_daemon.reset();
    }

    void connectsStepByStepAndShowsWhichWereNotNeeded()
    {
        NodeController& node = open(addressWith(m_sshd->writeConfig()));
        std::vector<Step> steps;
        connect(&node, &NodeController::progressed, this, [&] {
            if (steps.empty() || steps.back() != *node.progress().now)
                steps.push_back(*node.progress().now);
        });
        QVERIFY(shownStep(Step::Resolve).first == QStringLiteral("now"));
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        QCOMPARE(steps, (std::vector{Step::Resolve, Step::Connect, Step::HostKey, Step::Authenticate, Step::Ready}));
        QVERIFY(node.progress().details.at(Step::HostKey).contains(QStringLiteral("SHA256:")));
        QVERIFY(node.progress().details.at(Step::Connect).contains(QStringLiteral("127.0.0.1")));
        QCOMPARE(shownStep(Step::Authenticate).first, QStringLiteral("done"));
        QCOMPARE(shownStep(Step::Deploy).first, QStringLiteral("not needed"));
        QVERIFY(node.info() && !node.info()->hostName.empty());
    }

    void aNodeWithoutGantrydIsGivenOneAndTheBytesAreShown()
    {
        const std::filesystem::path root = *m_folder / "gantry-node-test";
        std::filesystem::create_directories(root / "bin");
        std::filesystem::copy_file(LocalNode::daemonProgram().toStdString(), root / "bin" / "gantryd");
        const std::filesystem::path bundle = *m_folder / "bundle.tar.zst";
        const auto packed = test::runProcess(
            {"/bin/tar", "--use-compress-program=zstd -1 -q", "-cf", bundle.string(), "-C", m_folder->path().string(), "gantry-node-test"});
        QVERIFY2(packed.exitStatus == 0, packed.err.c_str());
        NodeController& node = open("ssh://node?config=" + m_sshd->writeConfig().string() + "&bundle=" + bundle.string());
        QStringList deployed;
        connect(&node, &NodeController::progressed, this, [&] {
            if (node.progress().now == Step::Deploy)
                deployed << node.progress().details.at(Step::Deploy);
        });
        QTRY_VERIFY_WITH_TIMEOUT(node.state() == State::Connected || node.state() == State::Lost, 2 * kPatienceMs);
        QVERIFY2(!node.error(), node.error() ? node.error()->text().c_str() : "");
        QVERIFY2(deployed.join(QLatin1Char('|')).contains(QRegularExpression(QStringLiteral("\\d+(\\.\\d+)? of \\d+(\\.\\d+)? MiB"))),
                 qPrintable(deployed.join(QLatin1Char('|'))));
        QCOMPARE(shownStep(Step::Start).first, QStringLiteral("done"));
    }

    void anUnknownKeyIsAskedAboutOnceAndKept()
    {
        const std::string address = addressWith(m_sshd->writeConfig({}, false));
        NodeController& node = open(address);
        QDialog* dialog = nextDialog();
        QVERIFY(dialog);
        QVERIFY(dialog->findChild<QLabel*>(QStringLiteral("fingerprint"))->text().startsWith(QStringLiteral("SHA256:")));
        QVERIFY(dialog->findChild<QLabel*>(QStringLiteral("questionHeading"))->text().contains(QStringLiteral("node")));
        QVERIFY(!dialog->findChild<QPushButton*>(QStringLiteral("acceptKey"))->isDefault());
        QCOMPARE(node.state(), State::Connecting);
        QTest::mouseClick(dialog->findChild<QPushButton*>(QStringLiteral("acceptKey")), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        QVERIFY(readText(m_sshd->knownHosts()).find(m_sshd->publicHostKey()) != std::string::npos);

        QSignalSpy questions(&node, &NodeController::questionChanged);
        node.close();
        node.open();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        QVERIFY(questions.isEmpty());
    }

    void anUnattendedRunAsksNobody()
    {
        NodeController& node = m_window->nodes().open(addressWith(m_sshd->writeConfig({}, false)), NodeController::Asked::Nobody);
        QSignalSpy questions(&node, &NodeController::questionChanged);
        QTRY_VERIFY_WITH_TIMEOUT(node.needsPerson(), kPatienceMs);
        QVERIFY(questions.isEmpty() && dialogs().isEmpty());
        QCOMPARE(node.error()->code, ErrorCode::NotPermitted);
    }

    void aKeyThatIsNotAcceptedEndsItUntilThePersonTriesAgain()
    {
        NodeController& node = open(addressWith(m_sshd->writeConfig({}, false)));
        QDialog* dialog = nextDialog();
        QVERIFY(dialog);
        QTest::keyClick(dialog, Qt::Key_Escape);
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Lost, kPatienceMs);
        QVERIFY(node.needsPerson());
        QVERIFY2(banner().contains(QStringLiteral("was not accepted")), qPrintable(banner()));
        QCOMPARE(shownStep(Step::HostKey).first, QStringLiteral("failed"));
        QVERIFY(readText(m_sshd->knownHosts()).empty());
        QTest::mouseClick(m_window->findChild<QPushButton*>(QStringLiteral("openNode")), Qt::LeftButton);
        QVERIFY(nextDialog());
    }

    void aChangedKeyIsRefusedWithFileAndLineAndNeverAQuestion()
    {
        const std::string address = addressWith(m_sshd->writeConfig());
        m_sshd->changeHostKeys();
        NodeController& node = open(address);
        QSignalSpy questions(&node, &NodeController::questionChanged);
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Lost, kPatienceMs);
        QVERIFY(questions.isEmpty());
        QVERIFY2(banner().contains(QString::fromStdString(m_sshd->knownHosts().string()) + QStringLiteral(" line 1")),
                 qPrintable(banner()));
        QCOMPARE(node.retryInSeconds(), 0);
    }

    void aPassphraseIsAskedForAgainWhileItIsWrongAndNotAfterALostConnection()
    {
        const std::string key = m_sshd->addClientKey("locked", "correct horse").string();
        NodeController& node = open(addressWith(m_sshd->writeConfig({"IdentityFile " + key, "IdentitiesOnly yes"})));
        std::filesystem::remove(m_sshd->clientKey());
        QDialog* dialog = nextDialog();
        QVERIFY(dialog);
        answer(*dialog, QStringLiteral("wrong"));
        dialog = nextDialog(dialog);
        QVERIFY(dialog && dialog->findChild<QLabel*>(QStringLiteral("wrong")));
        answer(*dialog, QStringLiteral("correct horse"));
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);

        QSignalSpy questions(&node, &NodeController::questionChanged), returned(&node, &NodeController::returned);
        m_sshd->kill();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Lost, kPatienceMs);
        QVERIFY(node.info()); // what was known stays
        QVERIFY(node.retryInSeconds() > 0 && !node.needsPerson());
        m_sshd->start();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        QVERIFY(questions.isEmpty());
        QTRY_COMPARE_WITH_TIMEOUT(returned.size(), 1, kPatienceMs);
        QVERIFY2(m_window->messages().sentence().contains(QStringLiteral("is back")), qPrintable(m_window->messages().sentence()));
        QVERIFY(banner().isEmpty());

        // By the person, and what was kept for them is gone.
        node.close();
        node.open();
        QVERIFY(nextDialog());
    }

    void aSecretIsKeptInTheKeyringOnlyWhenThePersonSaysSo()
    {
        const auto drawer = useKeyring();
        NodeController& node = open(lockedAddress());
        QDialog* dialog = nextDialog();
        QVERIFY(dialog);
        auto* keep = dialog->findChild<QCheckBox*>(QStringLiteral("keepSecret"));
        QVERIFY(keep && !keep->isChecked());
        answer(*dialog, QStringLiteral("correct horse"));
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        QVERIFY(drawer->secrets.empty());

        node.close();
        node.open();
        dialog = nextDialog();
        QVERIFY(dialog);
        QTest::keyClick(dialog->findChild<QCheckBox*>(QStringLiteral("keepSecret")), Qt::Key_Space);
        answer(*dialog, QStringLiteral("correct horse"));
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        QCOMPARE(drawer->secrets.size(), std::size_t{1});
        QVERIFY(drawer->secrets.begin()->first.startsWith(QStringLiteral("passphrase of ")));

        node.close();
        node.open();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        QVERIFY(dialogs().isEmpty());
    }

    void aKeptSecretThatIsWrongIsForgottenAndAskedFor()
    {
        const auto drawer = useKeyring();
        const std::string address = lockedAddress();
        drawer->secrets[QStringLiteral("passphrase of ") + QString::fromStdString((m_sshd->folder() / "locked").string())] = "old";
        NodeController& node = open(address);
        QDialog* dialog = nextDialog();
        QVERIFY(dialog && dialog->findChild<QLabel*>(QStringLiteral("wrong")));
        QVERIFY(drawer->secrets.empty());
        answer(*dialog, QStringLiteral("correct horse"));
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
    }

    void ofTheSecretsOfARefusedConnectionOnlyTheLastIsForgotten()
    {
        const auto drawer = std::make_shared<MemoryKeyring::Drawer>();
        drawer->secrets = {{QStringLiteral("password of me at jump"), "one"}, {QStringLiteral("password of me at node"), "two"}};
        SecretKeeper keeper(std::make_unique<MemoryKeyring>(drawer));
        QObject connection;
        std::stop_source atOnce; // looks whether there is an answer
        atOnce.request_stop();
        for (const char* host : {"jump", "node"}) {
            app::SecretQuestion asked;
            asked.host = host;
            asked.user = "me";
            const auto question = std::make_shared<PersonQuestion>(asked);
            keeper.answer(&connection, question, [] { QFAIL("the keyring has it"); });
            QTRY_VERIFY(static_cast<bool>(question->waitForSecret(atOnce.get_token())));
        }
        keeper.settle(&connection, false);
        QCOMPARE(drawer->secrets.size(), std::size_t{1});
        QCOMPARE(drawer->secrets.begin()->first, QStringLiteral("password of me at jump"));
    }

    void withoutAKeyringThereIsNothingToKeepASecretIn()
    {
        useKeyring()->isThere = false;
        open(lockedAddress());
        QDialog* dialog = nextDialog();
        QVERIFY(dialog && !dialog->findChild<QCheckBox*>(QStringLiteral("keepSecret")));
    }

    void aConnectionThatNeedsAPersonAgainWaitsForThePerson()
    {
        NodeController& node = open(addressWith(m_sshd->writeConfig()));
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        std::ofstream(m_sshd->knownHosts()).close(); // the key is to be asked about again
        QSignalSpy questions(&node, &NodeController::questionChanged);
        m_sshd->kill();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Lost, kPatienceMs);
        m_sshd->start();
        QTRY_VERIFY_WITH_TIMEOUT(node.needsPerson(), kPatienceMs);
        QVERIFY(questions.isEmpty());
        QVERIFY(dialogs().isEmpty());
        QVERIFY2(banner().contains(QStringLiteral("connect to say whether it is right")), qPrintable(banner()));
        node.open();
        QDialog* dialog = nextDialog();
        QVERIFY(dialog);
        QTest::mouseClick(dialog->findChild<QPushButton*>(QStringLiteral("acceptKey")), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
    }

    void aKilledGantrydIsFoundAgainThroughTheSameSshd()
    {
        NodeController& node = open(addressWith(m_sshd->writeConfig()));
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        QSignalSpy lost(&node, &NodeController::lost), returned(&node, &NodeController::returned),
            restarted(&node, &NodeController::metricsRestarted);
        m_daemon->kill();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Lost, kPatienceMs);
        QVERIFY(m_daemon->start());
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        QCOMPARE(lost.size(), 1);
        QTRY_COMPARE_WITH_TIMEOUT(returned.size(), 1, kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(!restarted.isEmpty(), kPatienceMs);
    }

    // Packets are lost without a word, as on a laptop that has slept or has changed its network.
    void aLinkThatFallsSilentIsNoticedAndMadeAnew()
    {
        NodeController& node = open(addressWith(m_sshd->writeConfig()));
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        QSignalSpy lost(&node, &NodeController::lost), returned(&node, &NodeController::returned),
            questions(&node, &NodeController::questionChanged);
        for (const int pid : m_sshd->connections())
            ::kill(pid, SIGSTOP);
        QTRY_COMPARE_WITH_TIMEOUT(lost.size(), 1, kPatienceMs);
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        QCOMPARE(lost.size(), 1);
        QTRY_COMPARE_WITH_TIMEOUT(returned.size(), 1, kPatienceMs);
        QVERIFY(questions.isEmpty());
    }

    void aKeyThatChangesWhileTheNodeIsAwayIsRefusedWithoutAQuestion()
    {
        NodeController& node = open(addressWith(m_sshd->writeConfig()));
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        QSignalSpy questions(&node, &NodeController::questionChanged), returned(&node, &NodeController::returned);
        m_sshd->changeHostKeys();
        QTRY_VERIFY_WITH_TIMEOUT(node.needsPerson(), kPatienceMs);
        QVERIFY(questions.isEmpty() && returned.isEmpty() && dialogs().isEmpty());
        QVERIFY2(banner().contains(QString::fromStdString(m_sshd->knownHosts().string()) + QStringLiteral(" line 1")),
                 qPrintable(banner()));
        QVERIFY(node.info()); // what was known stays
    }

    void aFetchThatIsCutGoesOnAtItsByte()
    {
        const std::string content = bigReport();
        NodeController& node = open(addressWith(m_sshd->writeConfig()));
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        CaptureController& capture = m_window->capture();
        QSignalSpy ready(&capture, &CaptureController::reportsReady), failed(&capture, &CaptureController::failed);
        const std::filesystem::path target = *m_folder / "fetched";
        std::vector<std::uint64_t> bytes;
        bool isCut = false;
        connect(&capture, &CaptureController::changed, this, [&] {
            if (capture.fetchedBytes() > 0 && (bytes.empty() || bytes.back() != capture.fetchedBytes()))
                bytes.push_back(capture.fetchedBytes());
            if (!bytes.empty() && !std::exchange(isCut, true))
                m_sshd->kill(); // in the middle of it
        });
        capture.fetch(node.client(), {.name = kReportName, .sizeBytes = content.size()}, target);
        QTRY_VERIFY_WITH_TIMEOUT(capture.isAway(), kPatienceMs);
        const auto part = std::filesystem::file_size(target / (std::string(kReportName) + ".part"));
        QVERIFY(part > 0 && part < content.size());
        m_sshd->start();
        QTRY_COMPARE_WITH_TIMEOUT(ready.size(), 1, 2 * kPatienceMs);
        QVERIFY(failed.isEmpty());
        QVERIFY(std::is_sorted(bytes.begin(), bytes.end())); // never from the start again
        QVERIFY(readText(target / kReportName) == content);
    }

    void disconnectingTheNodeEndsAFetchThatWaitsForIt()
    {
        const std::string content = bigReport();
        NodeController& node = open(addressWith(m_sshd->writeConfig()));
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        CaptureController& capture = m_window->capture();
        QSignalSpy failed(&capture, &CaptureController::failed);
        m_sshd->kill();
        capture.fetch(node.client(), {.name = kReportName, .sizeBytes = content.size()}, *m_folder / "fetched");
        QTRY_VERIFY_WITH_TIMEOUT(capture.isAway(), kPatienceMs);
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Lost, kPatienceMs);
        QVERIFY(capture.isAway());
        node.close();
        QVERIFY(!capture.isBusy());
        QCOMPARE(failed.size(), 1);
    }

    void nodesThatComeBackTogetherAreToldOfInOneMessage()
    {
        LocalNode second;
        QVERIFY(second.start());
        const std::string config = m_sshd->writeConfig().string();
        NodeController& one = open(addressWith(config));
        NodeController& other = open("ssh://node?config=" + config + "&socket=" + second.address().substr(std::string("unix:").size()));
        QTRY_COMPARE_WITH_TIMEOUT(one.state(), State::Connected, kPatienceMs);
        QTRY_COMPARE_WITH_TIMEOUT(other.state(), State::Connected, kPatienceMs);
        m_sshd->kill();
        QTRY_COMPARE_WITH_TIMEOUT(one.state(), State::Lost, kPatienceMs);
        QTRY_COMPARE_WITH_TIMEOUT(other.state(), State::Lost, kPatienceMs);
        m_sshd->start();
        QTRY_VERIFY2_WITH_TIMEOUT(m_window->messages().sentence().startsWith(QStringLiteral("2 nodes were away and are back: ")),
                                  qPrintable(m_window->messages().sentence()), kPatienceMs);
        QVERIFY(m_window->messages().sentence().contains(one.title()) && m_window->messages().sentence().contains(other.title()));
    }

    void cancellingAtAQuestionEndsTheConnectionAndTheDialog()
    {
        NodeController& node = open(addressWith(m_sshd->writeConfig({}, false)));
        QVERIFY(nextDialog());
        node.close();
        QCOMPARE(node.state(), State::Disconnected);
        QTRY_VERIFY(dialogs().isEmpty());
        QTRY_VERIFY_WITH_TIMEOUT(m_sshd->connections().empty(), kPatienceMs);
    }

    void cancellingWhileTheHostIsSilentEndsItAtOnce()
    {
        const SilentHost host;
        const std::filesystem::path config = *m_folder / "config";
        std::ofstream(config) << "Host node\n HostName 127.0.0.1\n Port " << host.port() << "\n UserKnownHostsFile none\n";
        NodeController& node = open("ssh://node?config=" + config.string());
        QTRY_VERIFY_WITH_TIMEOUT(node.progress().now == Step::Connect, kPatienceMs);
        QTest::mouseClick(m_window->findChild<QPushButton*>(QStringLiteral("cancelConnecting")), Qt::LeftButton);
        QCOMPARE(node.state(), State::Disconnected);
        QTRY_VERIFY_WITH_TIMEOUT(host.isHungUp(), kPatienceMs);
    }

    void closingTheWindowAtAQuestionWaitsForNobody()
    {
        open(addressWith(m_sshd->writeConfig({}, false)));
        QVERIFY(nextDialog());
        m_window->close();
        m_window.reset();
        QTRY_VERIFY_WITH_TIMEOUT(m_sshd->connections().empty(), kPatienceMs);
    }

    void whatTheConfigurationAsksForInVainIsShown()
    {
        NodeController& node = open(addressWith(m_sshd->writeConfig({"StrictHostKeyChecking no"})));
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        QCOMPARE(node.notes().size(), 1);
        QVERIFY2(node.notes().front().contains(QStringLiteral("stricthostkeychecking"), Qt::CaseInsensitive),
                 qPrintable(node.notes().front()));
        QCOMPARE(m_window->findChild<QLabel*>(QStringLiteral("connectNotes"))->text(), node.notes().front());
    }

    void aSecretLineKeepsNothingButDots()
    {
        SecretEdit line;
        QTest::keyClicks(&line, QStringLiteral("h"));
        QTest::sendKeyEvent(QTest::Click, &line, Qt::Key_Eacute, QStringLiteral("é"), Qt::NoModifier); // keyClicks() knows ASCII alone
        QTest::keyClicks(&line, QStringLiteral("llo w"));
        QVERIFY(!line.text().contains(QLatin1Char('h')));
        QCOMPARE(line.text().size(), 7);
        QTest::keyClick(&line, Qt::Key_Backspace);
        QApplication::clipboard()->setText(QStringLiteral("ß\n"));
        QTest::keyClick(&line, Qt::Key_V, Qt::ControlModifier);
        QCOMPARE(line.text().size(), 7);
        line.selectAll();
        line.copy();
        QVERIFY(!QApplication::clipboard()->text().contains(QLatin1Char('h')));
        QCOMPARE(std::string(line.take().text()), std::string("héllo ß"));
        QVERIFY(line.text().isEmpty() && line.take().isEmpty());
    }

private:
    [[nodiscard]] std::shared_ptr<MemoryKeyring::Drawer> useKeyring() const
    {
        auto drawer = std::make_shared<MemoryKeyring::Drawer>();
        m_window->desk().setKeyring(std::make_unique<MemoryKeyring>(drawer));
        return drawer;
    }
    /// Of a host that takes nothing but a key with the passphrase "correct horse".
    [[nodiscard]] std::string lockedAddress() const
    {
        const std::string key = m_sshd->addClientKey("locked", "correct horse").string();
        std::filesystem::remove(m_sshd->clientKey());
        return addressWith(m_sshd->writeConfig({"IdentityFile " + key, "IdentitiesOnly yes"}));
    }
    /// A file of the node that takes a while to fetch; its content.
    [[nodiscard]] std::string bigReport() const
    {
        std::string content(kReportBytes, ' ');
        for (std::size_t i = 0; i < content.size(); i += 7)
            content[i] = static_cast<char>(i * 2'654'435'761u >> 24);
        std::ofstream(m_daemon->folder().toStdString() + "/reports/" + kReportName, std::ios::binary) << content;
        return content;
    }
    [[nodiscard]] std::string addressWith(const std::filesystem::path& config) const
    {
        return "ssh://node?config=" + config.string() + "&socket=" + m_daemon->address().substr(std::string("unix:").size());
    }
    NodeController& open(const std::string& address) { return m_window->nodes().open(address); }
    [[nodiscard]] QString banner() const { return m_window->live().banner()->sentence(); }
    [[nodiscard]] std::pair<QString, QString> shownStep(Step step) const { return m_window->live().connecting().step(step); }
    [[nodiscard]] QList<QDialog*> dialogs() const
    {
        QList<QDialog*> open = m_window->findChildren<QDialog*>();
        open.removeIf([](const QDialog* dialog) { return !dialog->isVisible(); });
        return open;
    }
    /// The dialog that opens, or is open; another one than `before`. Null: none did in time.
    [[nodiscard]] QDialog* nextDialog(const QDialog* before = nullptr) const
    {
        QDialog* found = nullptr;
        (void)QTest::qWaitFor(
            [&] {
                const QList<QDialog*> open = dialogs();
                found = open.isEmpty() || open.front() == before ? nullptr : open.front();
                return found != nullptr;
            },
            kPatienceMs);
        return found;
    }
    static void answer(QDialog& dialog, const QString& text)
    {
        auto* line = dialog.findChild<QLineEdit*>(QStringLiteral("answer"));
        QTest::keyClicks(line, text);
        QVERIFY(!line->text().contains(text));
        QTest::keyClick(line, Qt::Key_Return);
    }

    std::unique_ptr<LocalNode> m_daemon;
    std::unique_ptr<SshdFixture> m_sshd;
};

QTEST_MAIN(SshNodeTest)
#include "ssh_node_test.moc"
