// The real gantryd as a process: where it listens, who it refuses, and how it ends.

#include "remote_server/proto/convert.h"
#include "remote_server/proto/protocol_version.h"
#include "tests/remote_server/node/gantryd_process.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include "gantry/v1/node.grpc.pb.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>

namespace gantry::node {
namespace {

using test::modeOf;
using test::readFile;
using testing::HasSubstr;
using namespace std::chrono_literals;

class GantrydTest : public testing::Test
{
protected:
    static std::unique_ptr<grpc::ClientContext> call()
    {
        auto context = std::make_unique<grpc::ClientContext>();
        context->set_deadline(std::chrono::system_clock::now() + 20s);
        context->AddMetadata(proto::kProtocolKey, std::to_string(proto::kProtocolVersion));
        return context;
    }

    v1::Target launch(v1::Node::Stub& stub, std::vector<std::string> argv)
    {
        v1::LaunchTargetRequest request;
        for (std::string& argument : argv)
            request.add_argv(std::move(argument));
        v1::Target target;
        const auto status = stub.LaunchTarget(call().get(), request, &target);
        EXPECT_TRUE(status.ok()) << status.error_message();
        return target;
    }

    test::TemporaryFolder folder;
    std::filesystem::path socket = folder / "state/gantryd.sock";
};

TEST_F(GantrydTest, ListensOnASocketThatOnlyItsUserCanReach)
{
    Gantryd daemon(folder.path(), {"--socket", socket});
    ASSERT_TRUE(daemon.isReady()) << daemon.log();
    EXPECT_EQ(modeOf(socket), 0600U);
    EXPECT_EQ(modeOf(socket.parent_path()), 0700U);
    EXPECT_EQ(modeOf(folder / "reports"), 0700U);
    EXPECT_EQ(daemon.ready()["address"], "unix:" + socket.string());
    EXPECT_TRUE(daemon.ready()["token_file"].is_null());
    v1::NodeInfo info;
    const auto status = daemon.connect()->GetNodeInfo(call().get(), {}, &info);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(info.report_folder(), (folder / "reports").string());
    EXPECT_TRUE(info.gpus_size() > 0 || !info.no_gpu_reason().empty());
}

TEST_F(GantrydTest, RefusesAFolderThatOthersCanEnter)
{
    std::filesystem::create_directory(socket.parent_path());
    ::chmod(socket.parent_path().c_str(), 0755);
    Gantryd daemon(folder.path(), {"--socket", socket});
    EXPECT_EQ(daemon.exitStatus(), 77);
    EXPECT_THAT(daemon.log(), HasSubstr("chmod 700"));
}

TEST_F(GantrydTest, LeavesTheModeOfAReportFolderThatWasThereAndWarnsWhenOthersCanWrite)
{
    std::filesystem::create_directory(folder / "reports");
    for (const unsigned mode : {0755U, 0777U}) {
        ::chmod((folder / "reports").c_str(), mode);
        Gantryd daemon(folder.path(), {"--socket", socket});
        ASSERT_TRUE(daemon.isReady()) << daemon.log();
        EXPECT_EQ(modeOf(folder / "reports"), mode);
        daemon.signal(SIGTERM);
        EXPECT_EQ(daemon.exitStatus(), 0);
        EXPECT_EQ(daemon.log().find("others can write") != std::string::npos, mode == 0777U) << daemon.log();
    }
}

TEST_F(GantrydTest, RefusesASocketOnWhichAnotherDaemonAnswers)
{
    Gantryd first(folder.path(), {"--socket", socket});
    ASSERT_TRUE(first.isReady()) << first.log();
    const test::TemporaryFolder other;
    Gantryd second(other.path(), {"--socket", socket});
    EXPECT_EQ(second.exitStatus(), 75);
    EXPECT_THAT(second.log(), HasSubstr(socket.parent_path().string()));
    v1::NodeInfo info;
    EXPECT_TRUE(first.connect()->GetNodeInfo(call().get(), {}, &info).ok()) << "the first one is untouched";
}

TEST_F(GantrydTest, TakesOverTheSocketOfADaemonThatWasKilled)
{
    {
        Gantryd killed(folder.path(), {"--socket", socket});
        ASSERT_TRUE(killed.isReady()) << killed.log();
        killed.signal(SIGKILL);
        EXPECT_EQ(killed.exitStatus(), 128 + SIGKILL);
    }
    ASSERT_TRUE(std::filesystem::exists(socket));
    Gantryd daemon(folder.path(), {"--socket", socket});
    EXPECT_TRUE(daemon.isReady()) << daemon.log();
}

TEST_F(GantrydTest, RefusesToListenBeyondLoopbackWithoutTls)
{
    Gantryd daemon(folder.path(), {"--socket", socket, "--listen", "0.0.0.0:0"});
    EXPECT_EQ(daemon.exitStatus(), 77);
    EXPECT_THAT(daemon.log(), HasSubstr("TLS"));
}

TEST_F(GantrydTest, AsksForATokenOverTcp)
{
    Gantryd daemon(folder.path(), {"--socket", socket, "--listen", "127.0.0.1:0"});
    ASSERT_TRUE(daemon.isReady()) << daemon.log();
    const std::string address = daemon.ready()["address"];
    EXPECT_FALSE(address.ends_with(":0")) << "the port that was taken";
    const std::string tokenFile = daemon.ready()["token_file"];
    EXPECT_EQ(modeOf(tokenFile), 0600U);
    const std::string token = readFile(tokenFile);
    EXPECT_EQ(token.substr(0, token.find('\n')).size(), 64U);

    const auto stub = daemon.connect();
    v1::NodeInfo info;
    const auto bare = call();
    EXPECT_EQ(proto::toError(stub->GetNodeInfo(bare.get(), {}, &info), *bare).code, ErrorCode::NotPermitted);
    const auto wrong = call();
    wrong->AddMetadata(proto::kAuthorizationKey, "Bearer " + std::string(64, '0'));
    EXPECT_EQ(proto::toError(stub->GetNodeInfo(wrong.get(), {}, &info), *wrong).code, ErrorCode::NotPermitted);
    const auto right = call();
    right->AddMetadata(proto::kAuthorizationKey, "Bearer " + token.substr(0, token.find('\n')));
    EXPECT_TRUE(stub->GetNodeInfo(right.get(), {}, &info).ok());
}

TEST_F(GantrydTest, EndsByItselfWhenNobodyUsesIt)
{
    Gantryd daemon(folder.path(), {"--socket", socket, "--idle-exit", "0.3s"});
    EXPECT_EQ(daemon.exitStatus(), 0) << daemon.log();
    EXPECT_FALSE(std::filesystem::exists(socket));
}

TEST_F(GantrydTest, StaysThoughNobodyUsesItWhenItIsPinned)
{
    Gantryd daemon(folder.path(), {"--socket", socket, "--idle-exit", "0.3s", "--pinned"});
    ASSERT_TRUE(daemon.isReady()) << daemon.log();
    const test::TemporaryFolder other;
    Gantryd unpinned(other.path(), {"--socket", folder / "unpinned/gantryd.sock", "--idle-exit", "2s"});
    EXPECT_EQ(unpinned.exitStatus(), 0) << unpinned.log();
    EXPECT_TRUE(daemon.isReady()) << "another that was started later has ended";
}

TEST_F(GantrydTest, StaysWhileSomebodyWatches)
{
    Gantryd daemon(folder.path(), {"--socket", socket, "--idle-exit", "0.3s"});
    ASSERT_TRUE(daemon.isReady()) << daemon.log();
    const auto stub = daemon.connect();
    const auto context = call();
    const auto reader = stub->StreamMetrics(context.get(), {});
    v1::MetricsBatch batch;
    ASSERT_TRUE(reader->Read(&batch));
    for (const auto begin = std::chrono::steady_clock::now(); std::chrono::steady_clock::now() - begin < 3s;)
        ASSERT_TRUE(reader->Read(&batch));
    context->TryCancel();
    while (reader->Read(&batch)) {
    }
    reader->Finish();
    EXPECT_EQ(daemon.exitStatus(), 0) << daemon.log();
}

TEST_F(GantrydTest, SpeaksWithNoTerminal)
{
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_TRUE(terminal >= 0 && ::grantpt(terminal) == 0 && ::unlockpt(terminal) == 0);
    const int inner = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_GE(inner, 0);
    test::ChildProcess relay({GANTRYD, "--stdio", "--socket", socket}, {.environment = {}, .beforeExec = [&] { ::dup2(inner, 0); }});
    const auto ended = relay.wait();
    ::close(inner);
    ::close(terminal);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->exitStatus, 64);
    EXPECT_THAT(ended->err, HasSubstr("not with a terminal"));
}

TEST_F(GantrydTest, SaysThatTheOneThatRunsHasNoSocket)
{
    Gantryd first(folder.path(), {"--socket", socket, "--listen", "127.0.0.1:0"});
    ASSERT_TRUE(first.isReady()) << first.log();
    const auto ended = test::runProcess({GANTRYD, "--stdio", "--socket", socket});
    EXPECT_EQ(ended.exitStatus, 75);
    EXPECT_THAT(ended.err, HasSubstr("no gantryd listens on " + socket.string()));
}

TEST_F(GantrydTest, StaysWhileATargetRunsAndEndsAfterIt)
{
    Gantryd daemon(folder.path(), {"--socket", socket, "--idle-exit", "1s"});
    ASSERT_TRUE(daemon.isReady()) << daemon.log();
    // Nobody calls for three times the limit, but the target runs.
    const v1::Target target = launch(*daemon.connect(), {"/bin/sleep", "3"});
    const auto launched = std::chrono::steady_clock::now();
    EXPECT_EQ(daemon.exitStatus(), 0) << daemon.log();
    EXPECT_GE(std::chrono::steady_clock::now() - launched, 3s);
    EXPECT_FALSE(test::isRunning(target.pid()));
}

TEST_F(GantrydTest, EndsCleanlyOnSigtermWithAStreamOpenAndATargetRunning)
{
    Gantryd daemon(folder.path(), {"--socket", socket});
    ASSERT_TRUE(daemon.isReady()) << daemon.log();
    const auto stub = daemon.connect();
    const v1::Target target = launch(*stub, {"/bin/sleep", "60"});
    const auto context = call();
    const auto reader = stub->StreamMetrics(context.get(), {});
    v1::MetricsBatch batch;
    ASSERT_TRUE(reader->Read(&batch));

    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.exitStatus(), 0) << daemon.log();
    while (reader->Read(&batch)) {
    }
    reader->Finish();
    EXPECT_FALSE(std::filesystem::exists(socket));
    EXPECT_FALSE(test::isRunning(target.pid())) << "what it launched is stopped";
}

TEST_F(GantrydTest, LeavesItsTargetsRunningWhenItIsKilled)
{
    v1::Target target;
    {
        Gantryd daemon(folder.path(), {"--socket", socket});
        ASSERT_TRUE(daemon.isReady()) << daemon.log();
        target = launch(*daemon.connect(), {"/bin/sleep", "60"});
        daemon.signal(SIGKILL);
        EXPECT_EQ(daemon.exitStatus(), 128 + SIGKILL);
    }
    EXPECT_TRUE(test::isRunning(target.pid()));
    ::kill(target.pid(), SIGKILL);
}

TEST_F(GantrydTest, DoesNotEndATargetThatWritesAfterItWasKilled)
{
    const std::string followed = folder / "followed";
    std::ofstream(followed) << "first\n";
    v1::Target target;
    {
        Gantryd daemon(folder.path(), {"--socket", socket});
        ASSERT_TRUE(daemon.isReady()) << daemon.log();
        target = launch(*daemon.connect(), {"/usr/bin/tail", "-n", "+1", "-s", "0.05", "-f", followed});
        daemon.signal(SIGKILL);
        EXPECT_EQ(daemon.exitStatus(), 128 + SIGKILL);
    }
    std::ofstream(followed, std::ios::app) << "second\n";
    // Its standard output moves on by both lines: a pipe to the daemon would have ended it with SIGPIPE.
    EXPECT_TRUE(
        test::eventually([&] { return readFile("/proc/" + std::to_string(target.pid()) + "/fdinfo/1").starts_with("pos:\t13\n"); }));
    EXPECT_TRUE(test::isRunning(target.pid()));
    ::kill(target.pid(), SIGKILL);
}

TEST_F(GantrydTest, DoesNotDeleteAFileThatIsNotASocket)
{
    std::filesystem::create_directory(socket.parent_path());
    ::chmod(socket.parent_path().c_str(), 0700);
    std::ofstream(socket) << "precious";
    Gantryd daemon(folder.path(), {"--socket", socket});
    EXPECT_EQ(daemon.exitStatus(), 73);
    EXPECT_EQ(readFile(socket), "precious");
}

TEST_F(GantrydTest, RefusesAFolderInWhichAnotherDaemonTakesCaptures)
{
    Gantryd first(folder.path(), {"--socket", socket});
    ASSERT_TRUE(first.isReady()) << first.log();
    const test::TemporaryFolder other;
    Gantryd second(other.path(), {"--socket", socket.parent_path() / "another.sock"});
    EXPECT_EQ(second.exitStatus(), 75);
    EXPECT_TRUE(std::filesystem::exists(socket.parent_path() / "capture.sock"));
}

TEST_F(GantrydTest, DoesNotShareAPortWithAnotherDaemon)
{
    // gRPC sets SO_REUSEPORT, and the kernel would give each of the two half of the calls.
    Gantryd first(folder.path(), {"--socket", socket, "--listen", "127.0.0.1:0"});
    ASSERT_TRUE(first.isReady()) << first.log();
    const test::TemporaryFolder other;
    Gantryd second(other.path(), {"--socket", other / "state/gantryd.sock", "--listen", first.ready()["address"].get<std::string>()});
    EXPECT_EQ(second.exitStatus(), 69);
    EXPECT_THAT(second.log(), HasSubstr("cannot listen"));
}

TEST_F(GantrydTest, MakesCertificatesWithWhichItAndItsClientsKnowEachOther)
{
    const auto certs = [&](std::vector<std::string> more) {
        std::vector<std::string> argv{GANTRYD, "certs", "init", "--folder", folder / "tls", "--host", "localhost", "--host", "127.0.0.1"};
        argv.insert(argv.end(), more.begin(), more.end());
        return test::runProcess(argv);
    };
    const auto made = certs({});
    ASSERT_EQ(made.exitStatus, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr("--tls-client-ca"));
    for (const char* key : {"tls/ca.key", "tls/node.key", "tls/client.key"})
        EXPECT_EQ(modeOf(folder / key), 0600U) << key;
    const auto again = certs({});
    EXPECT_EQ(again.exitStatus, 73);
    EXPECT_THAT(again.err, HasSubstr("exists already"));

    const auto connected = [&](Gantryd& daemon, bool withCertificate) {
        grpc::SslCredentialsOptions options;
        options.pem_root_certs = readFile(folder / "tls/ca.pem");
        if (withCertificate) {
            options.pem_cert_chain = readFile(folder / "tls/client.pem");
            options.pem_private_key = readFile(folder / "tls/client.key");
        }
        const std::string token = readFile(daemon.ready()["token_file"].get<std::string>());
        const auto context = call();
        context->AddMetadata(proto::kAuthorizationKey, "Bearer " + token.substr(0, token.find('\n')));
        v1::NodeInfo info;
        const auto stub =
            v1::Node::NewStub(grpc::CreateChannel(daemon.ready()["address"].get<std::string>(), grpc::SslCredentials(options)));
        return stub->GetNodeInfo(context.get(), {}, &info).ok();
    };
    const std::vector<std::string> listen{"--socket",        socket,
                                          "--listen",        "127.0.0.1:0",
                                          "--tls-cert",      folder / "tls/node.pem",
                                          "--tls-key",       folder / "tls/node.key",
                                          "--tls-client-ca", folder / "tls/ca.pem"};
    {
        Gantryd daemon(folder.path(), listen);
        ASSERT_TRUE(daemon.isReady()) << daemon.log();
        EXPECT_TRUE(connected(daemon, true));
        EXPECT_FALSE(connected(daemon, false)) << "it asks for a certificate";
        EXPECT_THAT(daemon.log(), testing::Not(HasSubstr("expires")));
    }
    // The authority stays, so that its clients need no other.
    for (const char* name : {"tls/node.pem", "tls/node.key"})
        std::filesystem::remove(folder / name);
    const std::string client = readFile(folder / "tls/client.pem"), clientKey = readFile(folder / "tls/client.key");
    for (const char* name : {"tls/client.pem", "tls/client.key"})
        std::filesystem::remove(folder / name);
    ASSERT_EQ(certs({"--days", "5"}).exitStatus, 0);
    std::ofstream(folder / "tls/client.pem") << client;
    std::ofstream(folder / "tls/client.key") << clientKey;
    Gantryd daemon(folder.path(), listen);
    ASSERT_TRUE(daemon.isReady()) << daemon.log();
    EXPECT_TRUE(connected(daemon, true));
    EXPECT_TRUE(test::eventually([&] { return daemon.log().find("expires in ") != std::string::npos; })) << daemon.log();
}

TEST_F(GantrydTest, MakesNoCertificatesOfNonsense)
{
    for (const auto& wrong : {std::vector<std::string>{"--host", "gpu-07:8800"}, {"--host", "a,DNS:b"}, {"--host", "x", "--days", "0"}}) {
        std::vector<std::string> argv{GANTRYD, "certs", "init", "--folder", folder / "tls"};
        argv.insert(argv.end(), wrong.begin(), wrong.end());
        EXPECT_EQ(test::runProcess(argv).exitStatus, 65) << wrong[1];
    }
    EXPECT_FALSE(std::filesystem::exists(folder / "tls"));
    EXPECT_EQ(test::runProcess({GANTRYD, "certs", "init"}).exitStatus, 64) << "no host";
    EXPECT_EQ(test::runProcess({GANTRYD, "certs"}).exitStatus, 64);
}

TEST_F(GantrydTest, RefusesHalfOfATlsSetup)
{
    Gantryd daemon(folder.path(), {"--socket", socket, "--listen", "127.0.0.1:0", "--tls-cert", "/dev/null"});
    EXPECT_EQ(daemon.exitStatus(), 65) << "it must not listen without the encryption asked for";
    EXPECT_THAT(daemon.log(), HasSubstr("--tls-key"));
}

TEST_F(GantrydTest, RefusesATokenFileThatOthersCanRead)
{
    const std::string file = folder / "token";
    std::ofstream(file) << std::string(64, 'a');
    ::chmod(file.c_str(), 0644);
    Gantryd daemon(folder.path(), {"--socket", socket, "--listen", "127.0.0.1:0", "--token-file", file});
    EXPECT_EQ(daemon.exitStatus(), 77);
    EXPECT_THAT(daemon.log(), HasSubstr("chmod 600"));
}

TEST_F(GantrydTest, RefusesAnIdleTimeThatIsNone)
{
    for (const char* text : {"nanm", "infs", "1e300h", "-1s", "0s", "10", "soon"}) {
        Gantryd daemon(folder.path(), {"--socket", socket, "--idle-exit", text});
        EXPECT_EQ(daemon.exitStatus(), 65) << text;
    }
}

TEST_F(GantrydTest, LetsNoDescriptorOfItsOwnIntoATarget)
{
    Gantryd daemon(folder.path(), {"--socket", socket});
    ASSERT_TRUE(daemon.isReady()) << daemon.log();
    const v1::Target target = launch(*daemon.connect(), {"/bin/sleep", "60"});
    const std::string process = "/proc/" + std::to_string(target.pid());
    ASSERT_TRUE(test::eventually([&] { return readFile(process + "/comm") == "sleep\n"; }));
    // What this test inherited from whoever started it goes on to the daemon and its targets; nothing else may.
    std::set<std::string> inherited;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        if ((::fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC) == 0)
            inherited.insert(entry.path().filename());
    // Its own loader opens and closes files while it starts.
    std::string foreign;
    EXPECT_TRUE(test::eventually([&] {
        foreign.clear();
        for (const auto& entry : std::filesystem::directory_iterator(process + "/fd"))
            if (std::error_code gone; !inherited.contains(entry.path().filename()))
                foreign += entry.path().string() + " is " + std::filesystem::read_symlink(entry.path(), gone).string() + '\n';
        return foreign.empty();
    })) << foreign;
}

TEST_F(GantrydTest, AnswersAWrongCommandLineWithTheUsageStatus)
{
    for (const auto& wrong :
         {std::vector<std::string>{"--no-such-option"}, {"--log-level", "loud"}, {"--capture-library", "/dev/null/nonexistent.so"}}) {
        Gantryd daemon(folder.path(), wrong);
        EXPECT_EQ(daemon.exitStatus(), 64) << wrong.front();
    }
}

} // namespace
} // namespace gantry::node
