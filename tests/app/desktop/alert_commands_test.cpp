#include "app/desktop/alert_commands.h"

#include "app/desktop/alert_command_dialog.h"
#include "app/desktop/settings.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <QCheckBox>
#include <QDialogButtonBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>

#include <csignal>
#include <fstream>
#include <memory>
#include <sys/stat.h>

using namespace gantry;
using namespace gantry::desktop;

namespace {

constexpr int kPatienceMs = 20'000;
const QString kNode = QStringLiteral("ssh://me@gpu-07"), kRule = QStringLiteral("slow");

proto::AlertState firing()
{
    proto::AlertState state;
    state.rule.name = "slow";
    state.rule.condition = "p99 queue > 5ms";
    state.phase = proto::AlertPhase::Firing;
    state.value = "6.2 ms\n$(reboot)";
    state.sinceUtcNs = 1'700'000'000'000'000'000;
    return state;
}

} // namespace

/// With real programs.
class AlertCommandsTest : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<test::TemporaryFolder>();
        m_settings = std::make_unique<Settings>(QString::fromStdString(m_folder->path().string()));
        m_commands = std::make_unique<AlertCommands>(*m_settings);
    }

    void cleanup()
    {
        m_commands.reset();
        m_settings.reset();
    }

    void nothingRunsUntilTheUserSetsAndTurnsItOn()
    {
        QCOMPARE(m_commands->command(kNode, kRule), AlertCommand());
        run();
        QCOMPARE(m_commands->status(kNode, kRule), QString());
        const std::string file = (*m_folder / "ran").string();
        m_commands->setCommand(kNode, kRule, {QStringLiteral("touch '%1'").arg(QString::fromStdString(file)), 5, false});
        run();
        QCOMPARE(m_commands->status(kNode, kRule), QString());
        m_commands->setCommand(kNode, kRule, {QStringLiteral("touch '%1'").arg(QString::fromStdString(file)), 5, true});
        m_commands->run(QStringLiteral("ssh://me@other"), QStringLiteral("other"), firing());
        QCOMPARE(m_commands->status(QStringLiteral("ssh://me@other"), kRule), QString()); // a command is of one node
        run();
        QVERIFY(waitForStatus(QStringLiteral("ended with status 0")));
        QVERIFY(std::filesystem::exists(file));
        const AlertCommands again(*m_settings);
        QVERIFY(again.command(kNode, kRule).isOn);
        QCOMPARE(again.command(kNode, kRule).limitSeconds, 5);
    }

    void theAlertIsInTheEnvironmentAndNoShellReadsTheWords()
    {
        set(QStringLiteral("printenv GANTRY_ALERT_NODE GANTRY_ALERT_VALUE GANTRY_ALERT_SINCE"));
        run();
        QVERIFY(waitForStatus(QStringLiteral("ended with status 0.\ngpu-07\n6.2 ms $(reboot)\n2023-11-14T22:13:20.000Z")));
        set(QStringLiteral("echo $HOME ; ls | wc '$GANTRY_ALERT_VALUE'"));
        run();
        QVERIFY(waitForStatus(QStringLiteral("$HOME ; ls | wc $GANTRY_ALERT_VALUE")));
    }

    void ofARuleOneRunsAtATime()
    {
        const std::string pipe = (*m_folder / "pipe").string(), file = (*m_folder / "runs").string();
        QCOMPARE(::mkfifo(pipe.c_str(), 0600), 0);
        set(QStringLiteral("sh -c 'echo run >> %1; read line < %2'").arg(QString::fromStdString(file), QString::fromStdString(pipe)));
        run();
        run();
        QVERIFY(m_commands->status(kNode, kRule).startsWith(QStringLiteral("The command runs since")));
        std::ofstream(pipe) << "go\n";
        QVERIFY(waitForStatus(QStringLiteral("ended with status 0")));
        QCOMPARE(test::readFile(file), std::string("run\n"));
    }

    void oneThatDoesNotEndIsEndedWithWhatItHasStarted()
    {
        QSignalSpy failed(m_commands.get(), &AlertCommands::failed);
        m_commands->setCommand(kNode, kRule, {QStringLiteral("sh -c 'sleep 1000 & echo $!; wait'"), 1, true});
        run();
        QVERIFY(waitForStatus(QStringLiteral("ran longer than it may")));
        QCOMPARE(failed.count(), 1);
        const int child = m_commands->status(kNode, kRule).split(QLatin1Char('\n')).constLast().toInt();
        QVERIFY(child > 1);
        QTRY_VERIFY_WITH_TIMEOUT(isGone(child), kPatienceMs);
    }

    void oneThatFailsSaysHow()
    {
        QSignalSpy failed(m_commands.get(), &AlertCommands::failed);
        set(QStringLiteral("/there/is/no/such/program"));
        run();
        QVERIFY(waitForStatus(QStringLiteral("cannot be started")));
        set(QStringLiteral("sh -c 'echo one; echo two; echo three; echo the disk is full >&2; exit 3'"));
        run();
        QVERIFY(waitForStatus(QStringLiteral("ended with status 3.\ntwo\nthree\nthe disk is full")));
        QCOMPARE(failed.count(), 2);
    }

    void whatRunsIsEndedWithTheWindow()
    {
        set(QStringLiteral("sh -c 'echo $$ > %1; exec sleep 1000'").arg(QString::fromStdString((*m_folder / "pid").string())));
        run();
        const auto pid = [&] { return std::atoi(test::readFile(*m_folder / "pid").c_str()); };
        QTRY_VERIFY_WITH_TIMEOUT(std::filesystem::exists(*m_folder / "pid") && pid() > 1, kPatienceMs);
        const int running = pid();
        m_commands.reset();
        QTRY_VERIFY_WITH_TIMEOUT(isGone(running), kPatienceMs);
    }

    void aCommandThatCannotBeSplitIsNotTaken()
    {
        AlertCommandDialog dialog(kRule, {});
        auto& ok = *dialog.findChild<QDialogButtonBox*>()->button(QDialogButtonBox::Ok);
        auto& words = *dialog.findChild<QLineEdit*>(QStringLiteral("commandWords"));
        QVERIFY(!dialog.command().isOn);
        words.setText(QStringLiteral("echo 'open"));
        QVERIFY(!ok.isEnabled());
        QVERIFY(!dialog.findChild<QLabel*>(QStringLiteral("commandProblem"))->text().isEmpty());
        words.setText(QStringLiteral("echo done"));
        QVERIFY(ok.isEnabled());
        dialog.findChild<QCheckBox*>(QStringLiteral("commandIsOn"))->setChecked(true);
        QCOMPARE(dialog.command(), (AlertCommand{QStringLiteral("echo done"), 60, true}));
        words.clear();
        QVERIFY(!ok.isEnabled()); // nothing is to be run
    }

private:
    void set(const QString& words) { m_commands->setCommand(kNode, kRule, {words, 60, true}); }
    void run() { m_commands->run(kNode, QStringLiteral("gpu-07"), firing()); }
    bool waitForStatus(const QString& part)
    {
        const bool isThere = QTest::qWaitFor([&] { return m_commands->status(kNode, kRule).contains(part); }, kPatienceMs);
        if (!isThere)
            qWarning() << m_commands->status(kNode, kRule);
        return isThere;
    }
    /// Also one that nobody has waited for yet.
    static bool isGone(int pid)
    {
        std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
        std::string number, name, state;
        return !(stat >> number >> name >> state) || state == "Z";
    }

    std::unique_ptr<test::TemporaryFolder> m_folder;
    std::unique_ptr<Settings> m_settings;
    std::unique_ptr<AlertCommands> m_commands;
};

QTEST_MAIN(AlertCommandsTest)
#include "alert_commands_test.moc"
