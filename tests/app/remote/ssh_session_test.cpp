#include "app/remote/ssh_session.h"

#include "tests/app/remote/scripted_prompter.h"
#include "tests/support/sshd_fixture.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <netinet/in.h>
#include <poll.h>
#include <set>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>

namespace gantry::app {
namespace {

using test::ScriptedPrompter;
using test::SshdFixture;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string readText(const std::filesystem::path& path)
{
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

class SshSessionTest : public testing::Test
{
protected:
    void SetUp() override
    {
        if (const auto reason = test::whyNoSshd())
            GTEST_SKIP() << *reason;
    }

    [[nodiscard]] Result<std::shared_ptr<SshSession>> connect(const std::filesystem::path& config, std::stop_token stop = {},
                                                              const std::string& name = "node")
    {
        const SshConfigPlaces places = SshConfigPlaces::ofThisUser(config.string());
        const auto onStep = [this](ConnectStep step, const std::string& detail) {
            m_steps.emplace_back(step, detail);
            if (m_onStep)
                m_onStep(step);
        };
        return connectSsh(places, *SshHop::parse(name), m_prompter, onStep, std::move(stop));
    }
    [[nodiscard]] std::shared_ptr<SshSession> connected(const std::filesystem::path& config, const std::string& name = "node")
    {
        auto session = connect(config, {}, name);
        EXPECT_TRUE(session) << session.error().text();
        return session ? *session : nullptr;
    }

    ScriptedPrompter m_prompter;
    std::vector<std::pair<ConnectStep, std::string>> m_steps;
    std::function<void(ConnectStep)> m_onStep;
};

TEST_F(SshSessionTest, ConnectsToAKnownHostWithAKeyAndSaysEachStep)
{
    const SshdFixture sshd;
    const auto session = connected(sshd.writeConfig());
    ASSERT_TRUE(session);
    EXPECT_TRUE(session->isConnected());
    EXPECT_THAT(m_prompter.questions, IsEmpty());
    std::vector<ConnectStep> steps;
    for (const auto& [step, detail] : m_steps)
        if (steps.empty() || steps.back() != step)
            steps.push_back(step);
    EXPECT_THAT(steps, ElementsAre(ConnectStep::Resolve, ConnectStep::Connect, ConnectStep::HostKey, ConnectStep::Authenticate));
}

TEST_F(SshSessionTest, ACommandHasItsInputOutputErrorsAndStatus)
{
    const SshdFixture sshd;
    const auto session = connected(sshd.writeConfig());
    ASSERT_TRUE(session);
    const auto result = session->run({"sh", "-c", "cat; echo oops >&2; exit 3"}, "in $HOME 'quoted'", {});
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(result->out, "in $HOME 'quoted'");
    EXPECT_EQ(result->err, "oops\n");
    EXPECT_EQ(result->exitStatus, 3);
    const auto quoted = session->run({"printf", "%s", "it's; $(id) `id` \"x\"\n*"}, {}, {});
    ASSERT_TRUE(quoted);
    EXPECT_EQ(quoted->out, "it's; $(id) `id` \"x\"\n*");
}

TEST_F(SshSessionTest, ACommandsFloodIsCutAndSaysSo)
{
    const SshdFixture sshd;
    const auto session = connected(sshd.writeConfig());
    ASSERT_TRUE(session);
    const auto result = session->run({"sh", "-c", "head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2"}, {}, {});
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(result->out.size(), kMostCommandOutput);
    EXPECT_EQ(result->err.size(), kMostCommandOutput);
    EXPECT_TRUE(result->isCut);
}

TEST_F(SshSessionTest, ACommandThatIsCancelledEndsThere)
{
    const SshdFixture sshd;
    const auto session = connected(sshd.writeConfig());
    ASSERT_TRUE(session);
    std::stop_source stop;
    const std::filesystem::path started = sshd.folder() / "started";
    std::jthread canceller([&] {
        (void)test::eventually([&] { return std::filesystem::exists(started); });
        stop.request_stop();
    });
    const auto result = session->run({"sh", "-c", "touch " + started.string() + "; sleep 1000"}, {}, stop.get_token());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::Cancelled);
    EXPECT_TRUE(session->run({"true"}, {}, {})) << "the session goes on";
}

TEST_F(SshSessionTest, AnUnknownHostKeyIsAskedAboutWithItsFingerprintAndKept)
{
    const SshdFixture sshd;
    const auto config = sshd.writeConfig({"StrictHostKeyChecking no"}, false);
    m_prompter.acceptsHostKeys = true;
    ASSERT_TRUE(connected(config));
    ASSERT_EQ(m_prompter.hostKeys.size(), 1u) << "whatever StrictHostKeyChecking says";
    const HostKeyQuestion& asked = m_prompter.hostKeys[0];
    EXPECT_EQ(asked.keyType, "ssh-ed25519");
    const auto printed = test::runProcess({"/usr/bin/ssh-keygen", "-lf", (sshd.folder() / "host_key_ed25519.pub").string()});
    EXPECT_THAT(printed.out, HasSubstr(asked.fingerprint));
    EXPECT_TRUE(asked.fingerprint.starts_with("SHA256:"));
    EXPECT_EQ(readText(sshd.knownHosts()), "[127.0.0.1]:" + std::to_string(sshd.port()) + " " + sshd.publicHostKey() + "\n");
    ASSERT_TRUE(connected(config));
    EXPECT_EQ(m_prompter.hostKeys.size(), 1u) << "known from now on";
}

TEST_F(SshSessionTest, AHostKeyThatIsNotAcceptedEndsItBeforeAnySecret)
{
    const SshdFixture sshd;
    const auto session = connect(sshd.writeConfig({}, false));
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, ErrorCode::NotPermitted);
    EXPECT_EQ(readText(sshd.knownHosts()), "");
    EXPECT_THAT(sshd.log(), Not(HasSubstr("Accepted publickey")));
}

TEST_F(SshSessionTest, AChangedHostKeyIsRefusedWhateverTheConfigurationSays)
{
    SshdFixture sshd;
    const auto config = sshd.writeConfig({"StrictHostKeyChecking no"});
    std::ofstream(sshd.knownHosts(), std::ios::app) << "another.example ssh-ed25519 AAAA\n";
    sshd.changeHostKeys();
    m_prompter.acceptsHostKeys = true;
    const auto session = connect(config);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, ErrorCode::NotPermitted);
    EXPECT_THAT(session.error().message, AllOf(HasSubstr("has changed"), HasSubstr(sshd.knownHosts().string() + " line 1"),
                                               HasSubstr("ssh-keygen -R '[127.0.0.1]:" + std::to_string(sshd.port()) + "'")));
    EXPECT_THAT(m_prompter.hostKeys, IsEmpty()) << "there is nothing to accept";
}

TEST_F(SshSessionTest, ARevokedHostKeyIsRefused)
{
    const SshdFixture sshd;
    const auto config = sshd.writeConfig();
    std::ofstream(sshd.knownHosts(), std::ios::app) << "@revoked * " << sshd.publicHostKey() << "\n";
    const auto session = connect(config);
    ASSERT_FALSE(session);
    EXPECT_THAT(session.error().message, AllOf(HasSubstr("is revoked"), HasSubstr("line 2")));
}

TEST_F(SshSessionTest, AHostWithSeveralKeysShowsTheOneThatIsKnown)
{
    SshdFixture::Options options;
    options.hostKeyTypes = {"ed25519", "ecdsa", "rsa"};
    const SshdFixture sshd(options);
    const auto config = sshd.writeConfig();
    for (const char* type : {"ed25519", "ecdsa", "rsa"}) {
        std::ofstream(sshd.knownHosts()) << "[127.0.0.1]:" << sshd.port() << ' ' << sshd.publicHostKey(type) << '\n';
        EXPECT_TRUE(connected(config)) << type;
    }
}

TEST_F(SshSessionTest, AHostThatIsKnownByAnotherTypeAloneIsRefused)
{
    SshdFixture::Options options;
    options.hostKeyTypes = {"ed25519", "ecdsa"};
    const SshdFixture both(options);
    const std::string other = both.publicHostKey("ecdsa");
    const SshdFixture sshd;
    const auto config = sshd.writeConfig();
    std::ofstream(sshd.knownHosts()) << "[127.0.0.1]:" << sshd.port() << ' ' << other << '\n';
    m_prompter.acceptsHostKeys = true;
    const auto session = connect(config);
    ASSERT_FALSE(session);
    EXPECT_THAT(session.error().message, AllOf(HasSubstr("another type"), HasSubstr("ecdsa-sha2-nistp256"), HasSubstr("line 1")));
}

TEST_F(SshSessionTest, AKeyWithAPassphraseIsAskedForUntilItIsRight)
{
    SshdFixture sshd;
    const auto key = sshd.addClientKey("locked", "open sesame");
    const auto config = sshd.writeConfig({"IdentityFile " + key.string()});
    m_prompter.secrets = {"wrong", "open sesame"};
    std::filesystem::rename(sshd.clientKey(), sshd.clientKey().string() + ".away");
    ASSERT_TRUE(connected(config));
    ASSERT_EQ(m_prompter.questions.size(), 2u);
    EXPECT_EQ(m_prompter.questions[0].kind, SecretQuestion::Kind::Passphrase);
    EXPECT_EQ(m_prompter.questions[0].file, key.string());
    EXPECT_EQ(m_prompter.questions[1].attempt, 2);
}

TEST_F(SshSessionTest, AKeyThatTheHostDoesNotTakeIsNotUnlocked)
{
    SshdFixture sshd;
    const auto key = sshd.addClientKey("stranger", "secret");
    std::ofstream(sshd.folder() / "authorized_keys") << readText(sshd.clientKey().string() + ".pub");
    ASSERT_TRUE(connected(sshd.writeConfig({"IdentityFile " + key.string()})));
    EXPECT_THAT(m_prompter.questions, IsEmpty());
}

TEST_F(SshSessionTest, NoKeyThatFitsSaysWhatWasTriedAndWhatToDo)
{
    SshdFixture sshd;
    std::ofstream(sshd.folder() / "authorized_keys").close();
    const auto session = connect(sshd.writeConfig({"IdentityFile /nowhere/key"}));
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, ErrorCode::NotPermitted);
    EXPECT_THAT(session.error().message, AllOf(HasSubstr("it takes publickey"), HasSubstr("/nowhere/key (No such file or directory)"),
                                               HasSubstr(sshd.clientKey().string()), HasSubstr("ssh-copy-id")));
}

TEST_F(SshSessionTest, AKeyThatOthersCanReadIsNotUsed)
{
    SshdFixture sshd;
    std::filesystem::permissions(sshd.clientKey(), std::filesystem::perms::group_read, std::filesystem::perm_options::add);
    const auto session = connect(sshd.writeConfig());
    ASSERT_FALSE(session);
    EXPECT_THAT(session.error().message, HasSubstr("chmod 600"));
}

TEST_F(SshSessionTest, TheAgentIsUsed)
{
    SshdFixture sshd;
    const std::string socket = (sshd.folder() / "agent").string();
    test::ChildProcess agent({"/usr/bin/ssh-agent", "-D", "-a", socket});
    ASSERT_TRUE(test::eventually([&] { return std::filesystem::exists(socket); }));
    ASSERT_EQ(test::runProcess({"/usr/bin/env", "SSH_AUTH_SOCK=" + socket, "/usr/bin/ssh-add", "-q", sshd.clientKey().string()}).exitStatus,
              0);
    const auto config = sshd.writeConfig({"IdentityAgent " + socket});
    std::filesystem::rename(sshd.clientKey(), sshd.clientKey().string() + ".away");
    std::filesystem::remove(sshd.clientKey().string() + ".pub");
    EXPECT_TRUE(connected(config));
}

TEST_F(SshSessionTest, AnAgentFullOfKeysOffersThoseOfTheConfigurationFirstOrAlone)
{
    SshdFixture::Options options;
    options.lines = {"MaxAuthTries 2"};
    SshdFixture sshd(options);
    const std::string socket = (sshd.folder() / "agent").string();
    test::ChildProcess agent({"/usr/bin/ssh-agent", "-D", "-a", socket});
    ASSERT_TRUE(test::eventually([&] { return std::filesystem::exists(socket); }));
    for (int i = 0; i < 6; ++i) {
        const std::string stranger = (sshd.folder() / ("stranger" + std::to_string(i))).string();
        ASSERT_EQ(test::runProcess({"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger}).exitStatus, 0);
        ASSERT_EQ(test::runProcess({"/usr/bin/env", "SSH_AUTH_SOCK=" + socket, "/usr/bin/ssh-add", "-q", stranger}).exitStatus, 0);
    }
    ASSERT_EQ(test::runProcess({"/usr/bin/env", "SSH_AUTH_SOCK=" + socket, "/usr/bin/ssh-add", "-q", sshd.clientKey().string()}).exitStatus,
              0);
    std::filesystem::remove(sshd.clientKey()); // its public half is left to say which one is meant
    for (const char* only : {"no", "yes"})
        EXPECT_TRUE(connected(sshd.writeConfig({"IdentityAgent " + socket, std::string("IdentitiesOnly ") + only}))) << only;
    EXPECT_THAT(sshd.log(), Not(HasSubstr("Failed publickey")));
}

TEST_F(SshSessionTest, AnAgentThatIsNotThereIsPassedOver)
{
    const SshdFixture sshd;
    EXPECT_TRUE(connected(sshd.writeConfig({"IdentityAgent /nowhere/agent"})));
}

TEST_F(SshSessionTest, JumpsAreTakenInProcessWithEachHostsOwnKeyAndRules)
{
    const SshdFixture first, second, last;
    std::ofstream known(last.knownHosts());
    for (const SshdFixture* host : {&first, &second, &last})
        known << "[127.0.0.1]:" << host->port() << ' ' << host->publicHostKey() << '\n';
    known.close();
    const std::string rest = "UserKnownHostsFile " + last.knownHosts().string();
    const std::filesystem::path config = last.folder() / "ssh_config";
    std::ofstream(config) << first.configOf("first", {rest}) << second.configOf("second", {rest})
                          << last.configOf("node", {rest, "ProxyJump first,second"});
    const auto session = connected(config);
    ASSERT_TRUE(session);
    const auto said = session->run({"sh", "-c", "echo $HOME"}, {}, {});
    ASSERT_TRUE(said);
    EXPECT_EQ(said->out, last.home().string() + "\n");
    EXPECT_THAT(first.log(), HasSubstr("Accepted publickey"));
    EXPECT_THAT(second.log(), HasSubstr("Accepted publickey"));
    for (const SshdFixture* host : {&first, &second, &last})
        EXPECT_THAT(host->connections(), Not(IsEmpty()));
}

TEST_F(SshSessionTest, AJumpHostsChangedKeyIsRefusedToo)
{
    SshdFixture jump;
    const SshdFixture last;
    std::ofstream(last.knownHosts()) << "[127.0.0.1]:" << jump.port() << ' ' << jump.publicHostKey() << '\n';
    jump.changeHostKeys();
    m_prompter.acceptsHostKeys = true;
    const std::string rest = "UserKnownHostsFile " + last.knownHosts().string();
    std::ofstream(last.folder() / "ssh_config") << jump.configOf("jump", {rest}) << last.configOf("node", {rest, "ProxyJump jump"});
    const auto session = connect(last.folder() / "ssh_config");
    ASSERT_FALSE(session);
    EXPECT_THAT(session.error().message, HasSubstr("the key of jump"));
    EXPECT_THAT(last.connections(), IsEmpty());
}

TEST_F(SshSessionTest, AJumpThatLeadsBackToItselfIsSaid)
{
    const SshdFixture sshd;
    const auto session = connect(sshd.writeConfig({"ProxyJump node"}));
    ASSERT_FALSE(session);
    EXPECT_THAT(session.error().message, HasSubstr("back to itself"));
}

TEST_F(SshSessionTest, AProxyCommandCarriesTheConnection)
{
    const SshdFixture sshd, jump;
    const std::string ssh = "ssh -F " + jump.writeConfig().string() + " -W 127.0.0.1:" + std::to_string(sshd.port()) + " node";
    const auto session = connected(sshd.writeConfig({"ProxyCommand " + ssh}));
    ASSERT_TRUE(session);
    EXPECT_EQ(session->run({"echo", "through"}, {}, {})->out, "through\n");
    EXPECT_THAT(jump.connections(), Not(IsEmpty()));
}

TEST_F(SshSessionTest, AProxyCommandThatFailsIsQuoted)
{
    const SshdFixture sshd;
    const auto session = connect(sshd.writeConfig({"ProxyCommand sh -c 'echo no route to %h >&2; exit 1'"}));
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, ErrorCode::Unreachable);
    EXPECT_THAT(session.error().message, HasSubstr("said: no route to 127.0.0.1"));
}

TEST_F(SshSessionTest, NobodyListensIsUnreachableAndAsksForThePort)
{
    SshdFixture sshd;
    const auto config = sshd.writeConfig();
    sshd.kill();
    const auto session = connect(config);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, ErrorCode::Unreachable);
    EXPECT_THAT(session.error().message, AllOf(HasSubstr("Connection refused"), HasSubstr("is the port right?")));
}

TEST_F(SshSessionTest, AHostWithoutAnAddressIsUnreachable)
{
    const SshdFixture sshd;
    const auto session = connect(sshd.writeConfig(), {}, "host.invalid"); // RFC 6761: never resolves
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, ErrorCode::Unreachable);
    EXPECT_THAT(session.error().message, HasSubstr("there is no address for host.invalid"));
}

TEST_F(SshSessionTest, EveryStepCanBeCancelled)
{
    const SshdFixture sshd;
    const auto config = sshd.writeConfig();
    for (const ConnectStep at : {ConnectStep::Resolve, ConnectStep::Connect, ConnectStep::HostKey, ConnectStep::Authenticate}) {
        std::stop_source stop;
        m_onStep = [&](ConnectStep step) {
            if (step == at)
                stop.request_stop();
        };
        const auto session = connect(config, stop.get_token());
        ASSERT_FALSE(session) << name(at);
        EXPECT_EQ(session.error().code, ErrorCode::Cancelled) << name(at) << ": " << session.error().text();
    }
}

TEST_F(SshSessionTest, AHostThatNeverAnswersCanBeCancelled)
{
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    const test::TemporaryFolder folder;
    std::ofstream(folder / "config") << "Host node\n HostName 127.0.0.1\n Port " << ntohs(address.sin_port) << "\n IdentityAgent none\n";
    std::stop_source stop;
    std::jthread canceller([&] {
        const int accepted = ::accept(listener, nullptr, nullptr); // the client is connected, and waits for a greeting
        stop.request_stop();
        char byte = 0;
        while (::read(accepted, &byte, 1) > 0) {
        }
        ::close(accepted);
    });
    const auto session = connect(folder / "config", stop.get_token());
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, ErrorCode::Cancelled);
    canceller.join();
    ::close(listener);
}

TEST_F(SshSessionTest, ASessionWhoseSshdIsKilledEndsItsStreamsAndSaysSo)
{
    SshdFixture sshd;
    const auto session = connected(sshd.writeConfig());
    ASSERT_TRUE(session);
    const auto sftp = session->openSftp({});
    ASSERT_TRUE(sftp) << sftp.error().text();
    sshd.kill();
    pollfd waiting{sftp->get(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 30'000), 1);
    char byte = 0;
    EXPECT_EQ(::recv(sftp->get(), &byte, 1, MSG_DONTWAIT), 0);
    ASSERT_TRUE(test::eventually([&] { return !session->isConnected(); }));
    const auto late = session->run({"true"}, {}, {});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::Unreachable);
}

TEST_F(SshSessionTest, EndingASessionLeavesNothingBehind)
{
    const SshdFixture sshd;
    auto session = connected(sshd.writeConfig());
    ASSERT_TRUE(session);
    ASSERT_TRUE(session->openSftp({}));
    ASSERT_THAT(sshd.connections(), Not(IsEmpty()));
    session.reset();
    EXPECT_TRUE(test::eventually([&] { return sshd.connections().empty(); }));
}

TEST_F(SshSessionTest, NoDescriptorIsLeftOpenHoweverASessionEnds)
{
    const SshdFixture sshd;
    const auto config = sshd.writeConfig();
    const auto count = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
    };
    ASSERT_TRUE(connected(config)); // what libraries open once
    const auto before = count();
    for (const ConnectStep at : {ConnectStep::HostKey, ConnectStep::Authenticate, ConnectStep::Ready}) {
        std::stop_source stop;
        m_onStep = [&](ConnectStep step) {
            if (step == at)
                stop.request_stop();
        };
        auto session = connect(config, stop.get_token());
        EXPECT_TRUE(!session || (*session)->run({"true"}, {}, {}));
    }
    EXPECT_EQ(count(), before);
}

} // namespace
} // namespace gantry::app
