#include "local_node.h"
#include "memory_keyring.h"

#include "app/desktop/fleet_desk.h"
#include "app/desktop/fleet_page.h"
#include "app/desktop/launch_desk.h"
#include "app/desktop/launch_dialog.h"
#include "app/desktop/launch_profile.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/node_page.h"
#include "app/desktop/page_area.h"
#include "tests/app/desktop/window_test.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QTest>

#include <memory>
#include <stop_token>
#include <vector>

using namespace gantry;
using namespace gantry::desktop;
using gantry::desktop_test::LocalNode;
using gantry::desktop_test::MemoryKeyring;

namespace {

constexpr int kPatienceMs = 60'000;
const QString kSecretValue = QStringLiteral("hf-do-not-write-this-down");

LaunchProfile trainer()
{
    LaunchProfile profile;
    profile.name = QStringLiteral("trainer");
    profile.command = QStringLiteral("python3 'my train.py' --rank {rank} --world {ranks} --master {first}");
    profile.container = QStringLiteral("docker exec -i box-{node}");
    profile.wrapper = QStringLiteral("mpirun -np 8");
    profile.folder = QStringLiteral("/srv/{rank}");
    profile.environment = {{QStringLiteral("NODE_RANK"), QStringLiteral("{rank}"), false},
                           {QStringLiteral("HF_TOKEN"), kSecretValue, true}};
    return profile;
}

} // namespace

/// What a person writes down of a program, and how it is started with that on real gantryds.
class LaunchTest : public WindowTest
{
    Q_OBJECT

private slots:
    void init() { openWindow(); }

    void cleanup()
    {
        closeWindow();
        m_daemons.clear();
        m_nodes.clear();
    }

    void aRequestHasTheWrapperBeforeTheContainerBeforeTheCommandAndItsPlaceInAllOfThem()
    {
        const auto request = launchRequest(trainer(), {1, 4, QStringLiteral("gpu-08"), QStringLiteral("gpu-07")});
        QVERIFY(request);
        const std::vector<std::string> argv{"mpirun",      "-np",    "8", "docker",  "exec", "-i",       "box-gpu-08", "python3",
                                            "my train.py", "--rank", "1", "--world", "4",    "--master", "gpu-07"};
        QVERIFY(request->argv == argv);
        QCOMPARE(request->environment.at("NODE_RANK"), std::string("1"));
        QCOMPARE(request->workingDirectory, std::string("/srv/1"));
        QCOMPARE(request->name, std::string("trainer"));
        LaunchProfile unnamed = trainer();
        unnamed.name.clear();
        QCOMPARE(launchRequest(unnamed, {})->name, std::string("python3")); // of the program, not of its wrapper
    }

    void whatCannotBeStartedSaysWhy()
    {
        const auto problemOf = [](LaunchProfile profile) {
            const auto request = launchRequest(profile, {});
            return request ? QString() : QString::fromStdString(request.error().text());
        };
        QVERIFY2(problemOf({}).contains(QStringLiteral("no command")), qPrintable(problemOf({})));
        LaunchProfile open = trainer();
        open.wrapper = QStringLiteral("srun 'open");
        QVERIFY2(problemOf(open).contains(QStringLiteral("rank wrapper")), qPrintable(problemOf(open)));
        LaunchProfile variable = trainer();
        variable.environment = {{QStringLiteral("A=B"), QStringLiteral("1"), false}};
        QVERIFY2(problemOf(variable).contains(QStringLiteral("A=B")), qPrintable(problemOf(variable)));
    }

    void aSavedProfileComesBackWithoutTheValuesOfItsSecrets()
    {
        m_settings->setLaunchProfile(trainer());
        m_settings->sync();
        QFile file(QString::fromStdString((*m_folder / "data" / "gantry.ini").string()));
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QByteArray written = file.readAll();
        QVERIFY(written.contains("HF_TOKEN") && !written.contains(kSecretValue.toUtf8()));
        LaunchProfile expected = trainer();
        expected.environment[1].value.clear();
        QCOMPARE(m_settings->launchProfiles().size(), std::size_t{1});
        QVERIFY(m_settings->launchProfiles().front() == expected);
        m_settings->setLaunchProfile(trainer()); // again is no second one
        QCOMPARE(m_settings->launchProfiles().size(), std::size_t{1});
        m_settings->removeLaunchProfile(QStringLiteral("trainer"));
        QVERIFY(m_settings->launchProfiles().empty());
    }

    void aSecretIsKeptInTheKeyringOnlyWhereThatIsTicked()
    {
        const auto drawer = std::make_shared<MemoryKeyring::Drawer>();
        const auto& kept = drawer->secrets;
        MemoryKeyring keyring(drawer);
        LaunchDialog dialog({{}}, *m_settings, &keyring);
        dialog.setProfile(trainer());
        dialog.save();
        QVERIFY(kept.empty());
        dialog.findChild<QCheckBox*>(QStringLiteral("launchKeep"))->setChecked(true);
        dialog.save();
        QCOMPARE(kept.size(), std::size_t{1});
        QCOMPARE(kept.begin()->second, kSecretValue.toStdString());

        LaunchDialog later({{}}, *m_settings, &keyring);
        auto* names = later.findChild<QComboBox*>(QStringLiteral("launchProfile"));
        names->setCurrentIndex(0);
        emit names->activated(0);
        QTRY_VERIFY(later.profile() == trainer()); // the keyring answers later
        later.remove();
        QVERIFY(kept.empty() && m_settings->launchProfiles().empty());
    }

    void theDialogLetsNobodyGoWithAnOpenQuote()
    {
        LaunchDialog dialog({{0, 2, QStringLiteral("gpu-07"), {}}, {1, 2, QStringLiteral("gpu-08"), {}}}, *m_settings, nullptr);
        dialog.show();
        auto* launch = dialog.findChild<QPushButton*>(QStringLiteral("launchButton"));
        auto* command = dialog.findChild<QLineEdit*>(QStringLiteral("launchCommand"));
        auto* problem = dialog.findChild<QLabel*>(QStringLiteral("launchProblem"));
        QVERIFY(!launch->isEnabled() && problem->text().isEmpty()); // nothing is wrong before anything is typed
        QTest::keyClicks(command, QStringLiteral("serve 'it"));
        QVERIFY(!launch->isEnabled());
        QVERIFY2(problem->text().contains(QStringLiteral("never closed")), qPrintable(problem->text()));
        QTest::keyClicks(command, QStringLiteral("' {rank}"));
        QVERIFY(launch->isEnabled() && problem->text().isEmpty());
        const auto* preview = dialog.findChild<QLabel*>(QStringLiteral("launchPreview"));
        QVERIFY2(preview->text().contains(QStringLiteral("gpu-07")) && preview->text().endsWith(QStringLiteral("serve it 0")),
                 qPrintable(preview->text()));
        QCOMPARE(dialog.requests()[1].argv.back(), std::string("1"));
    }

    void aProgramIsLaunchedFromTheNodesPageAndRunsWithItsEnvironment()
    {
        connectTo(1);
        NodePage& page = m_window->pages().openNode(*m_nodes.front());
        QTest::mouseClick(page.findChild<QPushButton*>(QStringLiteral("nodeLaunch")), Qt::LeftButton);
        LaunchProfile profile;
        profile.name = QStringLiteral("greeter");
        profile.command = QStringLiteral("/bin/sh -c 'echo hello $WHO; sleep 1000'");
        profile.environment = {{QStringLiteral("WHO"), QStringLiteral("rank {rank}"), false}};
        profile.isInjected = false;
        start(profile);
        QTRY_VERIFY_WITH_TIMEOUT(targetOf(0), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(saidBy(0).contains("hello rank 0"), kPatienceMs);
        const std::string id = targetOf(0)->id;
        m_nodes.front()->restartTarget(id);
        QTRY_VERIFY_WITH_TIMEOUT(targetOf(0) && targetOf(0)->id != id, kPatienceMs);
    }

    void aProgramIsLaunchedOnAllOfTheSelectionEachWithItsRank()
    {
        connectTo(2);
        m_window->fleet().show();
        m_window->launching().ask(m_nodes);
        LaunchProfile profile;
        profile.name = QStringLiteral("greeter");
        profile.command = QStringLiteral("/bin/sh -c 'echo rank {rank} of {ranks}; sleep 1000'");
        profile.isInjected = false;
        start(profile);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->fleet().work().isBusy(), kPatienceMs);
        for (const FleetStep& step : m_window->fleet().work().steps())
            QCOMPARE(step.kind, FleetStep::Kind::Done);
        QTRY_VERIFY_WITH_TIMEOUT(targetOf(0) && targetOf(1), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(saidBy(0).contains("rank 0 of 2"), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(saidBy(1).contains("rank 1 of 2"), kPatienceMs);
    }

    void aProgramThatIsNotThereIsSaidWhereItWasAskedFor()
    {
        connectTo(1);
        m_window->launching().ask(m_nodes);
        LaunchProfile profile;
        profile.command = QStringLiteral("/no/such/program");
        start(profile);
        QTRY_VERIFY2_WITH_TIMEOUT(m_window->messages().sentence().contains(QStringLiteral("/no/such/program")),
                                  qPrintable(m_window->messages().sentence()), kPatienceMs);
    }

private:
    void connectTo(int count)
    {
        if (LocalNode::daemonProgram().isEmpty())
            QSKIP("gantryd is not built here");
        for (int i = 0; i < count; ++i) {
            m_daemons.push_back(std::make_unique<LocalNode>());
            QVERIFY(m_daemons.back()->start());
            m_nodes.push_back(&m_window->nodes().open(m_daemons.back()->address()));
            QTRY_COMPARE_WITH_TIMEOUT(m_nodes.back()->state(), NodeController::State::Connected, kPatienceMs);
        }
    }

    void start(const LaunchProfile& profile)
    {
        auto* dialog = m_window->findChild<LaunchDialog*>();
        QVERIFY(dialog);
        dialog->setProfile(profile);
        QTest::mouseClick(dialog->findChild<QPushButton*>(QStringLiteral("launchButton")), Qt::LeftButton);
    }

    /// That runs.
    [[nodiscard]] const proto::Target* targetOf(std::size_t node) const
    {
        for (const proto::Target& target : m_nodes[node]->targets())
            if (target.name == "greeter" && target.state == proto::TargetState::Running)
                return &target;
        return nullptr;
    }

    [[nodiscard]] QByteArray saidBy(std::size_t node) const
    {
        QByteArray said;
        std::stop_source enough;
        const proto::Target* target = targetOf(node);
        if (!target)
            return {};
        (void)m_nodes[node]->client()->tailLog(
            target->id, 10,
            [&](const proto::LogLine& line) {
                said += QByteArray::fromStdString(line.text) + '\n';
                enough.request_stop();
            },
            enough.get_token());
        return said;
    }

    std::vector<std::unique_ptr<LocalNode>> m_daemons;
    std::vector<NodeController*> m_nodes;
};

QTEST_MAIN(LaunchTest)
#include "launch_test.moc"
