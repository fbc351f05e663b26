#include "app/remote/ssh_deploy.h"

#include "app/remote/node_bundle.h"
#include "app/remote/node_client.h"
#include "app/remote/sftp_upload.h"
#include "tests/app/remote/scripted_prompter.h"
#include "tests/support/sshd_fixture.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::app {
namespace {

using test::SshdFixture;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string readText(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

/// A host whose home is empty, and a bundle that holds the gantryd of this build.
class SshDeploy : public testing::Test
{
protected:
    static void SetUpTestSuite()
    {
        s_folder = new test::TemporaryFolder();
        const std::filesystem::path root = *s_folder / "gantry-node-test";
        std::filesystem::create_directories(root / "bin");
        std::filesystem::copy_file(GANTRYD, root / "bin" / "gantryd");
        const auto packed = test::runProcess({"/bin/tar", "--use-compress-program=zstd -1 -q", "-cf", bundle().string(), "-C",
                                              s_folder->path().string(), "gantry-node-test"});
        ASSERT_EQ(packed.exitStatus, 0) << packed.err;
        ::setenv("XDG_CACHE_HOME", (*s_folder / "cache").c_str(), 1); // of bundles packed anew
    }
    static void TearDownTestSuite()
    {
        delete s_folder;
        s_folder = nullptr;
    }
    void SetUp() override
    {
        if (const auto reason = test::whyNoSshd())
            GTEST_SKIP() << *reason;
    }

    [[nodiscard]] static std::filesystem::path bundle() { return *s_folder / "bundle.tar.zst"; }
    /// A host on which nothing that was started outlives the test.
    struct Host : SshdFixture
    {
        using SshdFixture::SshdFixture;
        ~Host()
        {
            for (const int pid : gantrydsIn(folder().string())) {
                ::kill(pid, SIGTERM);
                EXPECT_TRUE(test::eventually([&] { return !test::isRunning(pid); }));
            }
        }
        [[nodiscard]] std::string stateFolder() const
        {
            SshNodeFacts facts;
            facts.userId = std::to_string(::getuid());
            facts.temporary = temporary().string();
            return facts.stateFolder();
        }
    };
    /// Processes of gantryd whose socket is in a folder, or below it.
    [[nodiscard]] static std::vector<int> gantrydsIn(const std::string& folder)
    {
        std::vector<int> pids;
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
            const std::string arguments = readText(entry.path() / "cmdline");
            if (arguments.find("gantryd") != std::string::npos && arguments.find(folder + "/") != std::string::npos &&
                arguments.find("gantryd.sock") != std::string::npos)
                pids.push_back(std::atoi(entry.path().filename().c_str()));
        }
        return pids;
    }
    [[nodiscard]] static std::shared_ptr<SshSession> session(const SshdFixture& sshd)
    {
        test::ScriptedPrompter nobody;
        auto made =
            connectSsh(SshConfigPlaces::ofThisUser(sshd.writeConfig().string()), {"node", {}, 0}, nobody, [](auto, const auto&) {}, {});
        EXPECT_TRUE(made) << made.error().text();
        return made ? *made : nullptr;
    }
    [[nodiscard]] static std::string addressOf(const SshdFixture& sshd)
    {
        return "ssh://node?config=" + sshd.writeConfig().string() + "&bundle=" + bundle().string();
    }
    [[nodiscard]] Result<std::shared_ptr<NodeClient>> connect(const SshdFixture& sshd)
    {
        m_steps.clear();
        NodeClient::ConnectOptions options;
        options.clientName = "test";
        options.onStep = [this](ConnectStep step, const std::string&) {
            if (m_steps.empty() || m_steps.back() != step)
                m_steps.push_back(step);
        };
        return NodeClient::connect(addressOf(sshd), options);
    }

    static test::TemporaryFolder* s_folder;
    const OnConnectStep m_ignore = [](ConnectStep, const std::string&) {};
    std::vector<ConnectStep> m_steps;
};
test::TemporaryFolder* SshDeploy::s_folder = nullptr;

TEST_F(SshDeploy, ABareNodeIsGivenGantrydAndTheNextConnectionFindsIt)
{
    const Host sshd;
    const auto first = connect(sshd);
    ASSERT_TRUE(first) << first.error().text();
    EXPECT_EQ((*first)->hello().daemonVersion, GANTRY_VERSION);
    EXPECT_THAT(m_steps, AllOf(Contains(ConnectStep::Deploy), Contains(ConnectStep::Start)));
    EXPECT_EQ(m_steps.back(), ConnectStep::Ready);
    EXPECT_TRUE((*first)->nodeInfo());
    const std::vector<int> daemons = gantrydsIn(sshd.stateFolder());
    ASSERT_EQ(daemons.size(), 1u);

    const auto second = connect(sshd);
    ASSERT_TRUE(second) << second.error().text();
    EXPECT_THAT(m_steps, AllOf(Not(Contains(ConnectStep::Deploy)), Not(Contains(ConnectStep::Start))));
    EXPECT_EQ(gantrydsIn(sshd.stateFolder()), daemons);
}

TEST_F(SshDeploy, GantrydOutlivesTheConnectionThatStartedIt)
{
    Host sshd;
    ASSERT_TRUE(connect(sshd));
    sshd.kill();
    EXPECT_THAT(gantrydsIn(sshd.stateFolder()), Not(IsEmpty()));
    sshd.start();
    EXPECT_TRUE(connect(sshd));
    EXPECT_THAT(m_steps, Not(Contains(ConnectStep::Start)));
}

TEST_F(SshDeploy, AGantrydThatWasKilledIsStartedAgainWithoutSendingItTwice)
{
    const Host sshd;
    ASSERT_TRUE(connect(sshd));
    for (const int pid : gantrydsIn(sshd.stateFolder())) {
        ::kill(pid, SIGKILL);
        ASSERT_TRUE(test::eventually([&] { return !test::isRunning(pid); }));
    }
    const auto before = readText(sshd.folder() / "sshd_log").size();
    ASSERT_TRUE(connect(sshd));
    EXPECT_THAT(m_steps, Contains(ConnectStep::Start));
    EXPECT_THAT(sshd.log().substr(before), Not(HasSubstr("subsystem 'sftp'")));
}

TEST_F(SshDeploy, OnlyTheUserCanEnterWhatIsMadeOnTheNode)
{
    const Host sshd;
    ASSERT_TRUE(connect(sshd));
    const auto mode = [](const std::filesystem::path& path) {
        struct stat status
        {
        };
        return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
    };
    EXPECT_EQ(mode(sshd.stateFolder()), 0700u);
    EXPECT_EQ(mode(sshd.stateFolder() + "/gantryd.sock"), 0600u);
    EXPECT_EQ(mode(sshd.stateFolder() + "/log"), 0600u);
    EXPECT_EQ(mode(sshd.home() / ".cache" / "gantry"), 0700u);
}

TEST_F(SshDeploy, ANodeThatForbidsSocketForwardingIsReachedOnAPortWithAToken)
{
    test::SshdFixture::Options options;
    options.lines = {"AllowStreamLocalForwarding no"};
    const Host sshd(options);
    for (int time = 1; time <= 2; ++time) {
        const auto client = connect(sshd);
        ASSERT_TRUE(client) << client.error().text();
        EXPECT_TRUE((*client)->nodeInfo());
    }
    const std::vector<int> daemons = gantrydsIn(sshd.stateFolder() + "-tcp");
    ASSERT_EQ(daemons.size(), 1u) << "the second connection finds the first one's";
    const std::string token = readText(sshd.stateFolder() + "-tcp/token");
    EXPECT_EQ(token.size(), 64u);
    EXPECT_THAT(readText("/proc/" + std::to_string(daemons[0]) + "/cmdline"), Not(HasSubstr(token)));
    EXPECT_THAT(sshd.log(), Not(HasSubstr(token)));
}

TEST_F(SshDeploy, ADamagedBeginningOfAnUploadIsFoundAndSentAnew)
{
    const Host sshd;
    const auto packed = packNodeBundle(bundle(), BundlePacking::Zstd, {});
    ASSERT_TRUE(packed);
    const std::filesystem::path cache = sshd.home() / ".cache" / "gantry";
    std::filesystem::create_directories(cache);
    std::ofstream(cache / (".upload-" + packed->sha256), std::ios::binary) << std::string(100'000, 'x');
    const auto client = connect(sshd);
    EXPECT_TRUE(client) << client.error().text();
}

TEST_F(SshDeploy, AnUploadGoesOnWhereItWasCut)
{
    const Host sshd;
    const auto ssh = session(sshd);
    ASSERT_TRUE(ssh);
    const std::filesystem::path local = sshd.folder() / "local", remote = sshd.folder() / "remote";
    std::string data(20'000'001, '\0'); // far more than what may be under way when it is cut
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<char>(i * 7 + i / 256);
    std::ofstream(local, std::ios::binary) << data;
    std::stop_source stop;
    const auto cut = sftpUpload(
        *ssh->openSftp({}), local, remote.string(),
        [&](std::uint64_t bytes, std::uint64_t) {
            if (bytes > 500'000)
                stop.request_stop();
        },
        stop.get_token());
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, ErrorCode::Cancelled);
    const auto kept = std::filesystem::file_size(remote);
    EXPECT_GT(kept, 0u);
    std::uint64_t firstTold = 0;
    const auto rest = sftpUpload(*ssh->openSftp({}), local, remote.string(),
                                 [&](std::uint64_t bytes, std::uint64_t) {
                                     if (firstTold == 0)
                                         firstTold = bytes;
                                 },
                                 {});
    ASSERT_TRUE(rest) << rest.error().text();
    EXPECT_GE(firstTold, kept);
    EXPECT_EQ(readText(remote), data);
}

TEST_F(SshDeploy, AnUploadThatCannotBeWrittenSaysWhatTheHostSays)
{
    const Host sshd;
    const auto ssh = session(sshd);
    ASSERT_TRUE(ssh);
    const auto sent = sftpUpload(*ssh->openSftp({}), bundle(), "/nowhere/file", {}, {});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, ErrorCode::CannotWrite);
    EXPECT_THAT(sent.error().message, HasSubstr("No such file"));
}

TEST_F(SshDeploy, NodesWithoutZstdGetWhatTheyCanUnpack)
{
    for (const bool hasGzip : {true, false}) {
        const Host sshd;
        const auto ssh = session(sshd);
        ASSERT_TRUE(ssh);
        auto facts = readSshNodeFacts(*ssh, {});
        ASSERT_TRUE(facts) << facts.error().text();
        EXPECT_EQ(facts->home, sshd.home().string());
        facts->hasZstd = false;
        facts->hasGzip = hasGzip;
        const auto folder = installNodeBundle(*ssh, *facts, bundle(), m_ignore, {});
        ASSERT_TRUE(folder) << folder.error().text();
        EXPECT_EQ(readText(*folder + "/bin/gantryd"), readText(GANTRYD));
    }
}

TEST_F(SshDeploy, OldVersionsThatNothingUsesAreRemovedAndOthersLeftAlone)
{
    const Host sshd;
    const std::filesystem::path cache = sshd.home() / ".cache" / "gantry";
    for (const char* version : {"0.0.1-old", "0.0.2-runs", "0.0.3-young"}) {
        std::filesystem::create_directories(cache / version / "bin");
        std::filesystem::copy_file("/bin/sleep", cache / version / "bin" / "gantryd");
    }
    test::ChildProcess running({(cache / "0.0.2-runs" / "bin" / "gantryd").string(), "1000"});
    ASSERT_TRUE(test::eventually([&] { // exec has happened
        return readText("/proc/" + std::to_string(running.pid()) + "/maps").find("0.0.2-runs") != std::string::npos;
    }));
    for (const char* version : {"0.0.1-old", "0.0.2-runs"})
        std::filesystem::last_write_time(cache / version, std::filesystem::file_time_type::clock::now() - std::chrono::hours(72));
    ASSERT_TRUE(connect(sshd));
    EXPECT_FALSE(std::filesystem::exists(cache / "0.0.1-old"));
    EXPECT_TRUE(std::filesystem::exists(cache / "0.0.2-runs"));
    EXPECT_TRUE(std::filesystem::exists(cache / "0.0.3-young"));
}

TEST_F(SshDeploy, AMachineThatTheBundleDoesNotRunOnIsToldSo)
{
    const Host sshd;
    const auto ssh = session(sshd);
    ASSERT_TRUE(ssh);
    const auto facts = readSshNodeFacts(*ssh, {});
    ASSERT_TRUE(facts);
    const auto failure = [&](const std::function<void(SshNodeFacts&)>& change) {
        SshNodeFacts other = *facts;
        change(other);
        const auto folder = installNodeBundle(*ssh, other, bundle(), m_ignore, {});
        return folder ? std::string("installed") : folder.error().message;
    };
    EXPECT_THAT(failure([](SshNodeFacts& f) { f.machine = "aarch64"; }), HasSubstr("is a Linux aarch64 machine"));
    EXPECT_THAT(failure([](SshNodeFacts& f) { f.glibc = "2.31"; }), HasSubstr("has glibc 2.31, and the node bundle needs glibc 2.35"));
    EXPECT_THAT(failure([](SshNodeFacts& f) { f.glibc = ""; }), HasSubstr("another C library"));
    EXPECT_THAT(failure([](SshNodeFacts& f) { f.freeBytes = 1 << 20; }), HasSubstr("has 1 MiB free"));
    EXPECT_THAT(failure([](SshNodeFacts& f) { f.hasTar = false; }), HasSubstr("no tar"));
    EXPECT_THAT(failure([](SshNodeFacts& f) { f.hasSha256 = false; }), HasSubstr("no sha256sum"));
    EXPECT_FALSE(std::filesystem::exists(sshd.home() / ".cache"));
}

TEST_F(SshDeploy, DeployNoGivesTheNodeNothing)
{
    const Host sshd;
    const auto client = NodeClient::connect(addressOf(sshd) + "&deploy=no", "test");
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::Unreachable);
    EXPECT_THAT(client.error().message, HasSubstr("deploy=no"));
    EXPECT_FALSE(std::filesystem::exists(sshd.home() / ".cache"));
}

TEST(SshNodeFactsAnswer, TextOfALoginScriptIsPassedOver)
{
    const auto facts =
        parseSshNodeFacts("Welcome!\nuid 7\ngantry-node-facts 1\nuid 1000\nhome /home/me and more\nsystem Linux\nmachine x86_64\n"
                          "glibc glibc 2.36\nfree /dev/sda1 100 50 49 50% /\nhas tar\nsocket /a\nsocket /a\nsocket relative\n"
                          "version /home/me/.cache/gantry/0.1.0-abc/bin/gantryd\nunknown x\nend\n");
    ASSERT_TRUE(facts) << facts.error().text();
    EXPECT_EQ(facts->userId, "1000");
    EXPECT_EQ(facts->home, "/home/me and more");
    EXPECT_EQ(facts->glibc, "2.36");
    EXPECT_EQ(facts->freeBytes, 49u * 1024);
    EXPECT_TRUE(facts->hasTar);
    EXPECT_FALSE(facts->hasZstd);
    EXPECT_THAT(facts->sockets, ElementsAre("/a"));
    EXPECT_THAT(facts->versions, ElementsAre("0.1.0-abc"));
}

TEST(SshNodeFactsAnswer, AnythingElseIsNoAnswer)
{
    EXPECT_FALSE(parseSshNodeFacts(""));
    EXPECT_FALSE(parseSshNodeFacts("This account is currently not available.\n"));
    EXPECT_FALSE(parseSshNodeFacts("gantry-node-facts 1\nuid 1000\n")) << "cut";
    EXPECT_FALSE(parseSshNodeFacts("gantry-node-facts 1\nuid $(id)\nend\n"));
}

} // namespace
} // namespace gantry::app
