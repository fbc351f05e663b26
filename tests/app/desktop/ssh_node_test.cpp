#include "local_node.h"

#include "app/desktop/connect_panel.h"
#include "app/desktop/live_page.h"
#include "app/desktop/main_window.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/node_controller.h"
#include "app/desktop/secret_edit.h"
#include "app/desktop/settings.h"
#include "app/jobs/job_runner.h"
#include "tests/support/silent_host.h"
#include "tests/support/sshd_fixture.h"

#include <QApplication>
#include <QClipboard>
#include <QDialog>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QRegularExpression>
#include <QSignalSpy>
#include <QTest>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>

using namespace gantry;
using namespace gantry::desktop;
using gantry::desktop_test::LocalNode;
using gantry::test::SilentHost;
using gantry::test::SshdFixture;
using Step = app::ConnectStep;
using State = NodeController::State;

namespace {

constexpr int kPatienceMs = 30'000;

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
class SshNodeTest : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        if (LocalNode::daemonProgram().isEmpty())
            QSKIP("gantryd is not built here");
        if (const auto reason = test::whyNoSshd())
            QSKIP(reason->c_str());
        m_folder = std::make_unique<test::TemporaryFolder>();
        m_daemon = std::make_unique<LocalNode>();
        QVERIFY(m_daemon->start());
        m_sshd = std::make_unique<SshdFixture>();
        m_runner = std::make_unique<jobs::JobRunner>(2);
        m_settings = std::make_unique<Settings>(QString::fromStdString((*m_folder / "data").string()));
        m_window = std::make_unique<MainWindow>(*m_runner, *m_settings);
        m_window->setUnattended();
        m_window->show();
    }

    void cleanup()
    {
        m_window.reset();
        m_settings.reset();
        m_runner.reset();
        if (m_sshd)
            for (const int pid : gantrydsBelow(m_sshd->folder().string())) {
                ::kill(pid, SIGTERM);
                QVERIFY(test::eventually([pid] { return !test::isRunning(pid); }));
            }
        m_sshd.reset();
        m_daemon.reset();
        m_folder.reset();
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
        QCOMPARE(returned.size(), 1);
        QVERIFY2(m_window->messages().sentence().contains(QStringLiteral("is back")), qPrintable(m_window->messages().sentence()));
        QVERIFY(banner().isEmpty());

        // By the person, and what was kept for them is gone.
        node.close();
        node.open();
        QVERIFY(nextDialog());
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
        QCOMPARE(returned.size(), 1);
        QTRY_VERIFY_WITH_TIMEOUT(!restarted.isEmpty(), kPatienceMs);
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

    std::unique_ptr<test::TemporaryFolder> m_folder;
    std::unique_ptr<LocalNode> m_daemon;
    std::unique_ptr<SshdFixture> m_sshd;
    std::unique_ptr<jobs::JobRunner> m_runner;
    std::unique_ptr<Settings> m_settings;
    std::unique_ptr<MainWindow> m_window;
};

QTEST_MAIN(SshNodeTest)
#include "ssh_node_test.moc"
