// The real gantryd: who can reach it, what it leaves on the disk, and where its token is not.

#include "remote_server/proto/convert.h"
#include "remote_server/proto/protocol_version.h"
#include "tests/remote_server/node/gantryd_process.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gantry::node {
namespace {

using test::modeOf;
using test::readFile;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

constexpr unsigned kNobody = 65534;

std::unique_ptr<grpc::ClientContext> call(const std::string& token = {})
{
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + 60s);
    context->AddMetadata(proto::kProtocolKey, std::to_string(proto::kProtocolVersion));
    if (!token.empty())
        context->AddMetadata(proto::kAuthorizationKey, "Bearer " + token);
    return context;
}

/// errno of connect() by another user; 0: it could.
int connectAsNobody(const std::filesystem::path& socket)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
    const pid_t child = ::fork();
    if (child == 0) { // async-signal-safe calls only: gRPC has threads
        if (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)
            ::_exit(255);
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ::_exit(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

/// Everything below a folder that others than its user may do something with, and its mode.
std::vector<std::string> openToOthers(const std::filesystem::path& folder)
{
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (const unsigned mode = modeOf(entry.path()); !entry.is_symlink() && (mode & 077U) != 0) {
            char text[16];
            std::snprintf(text, sizeof text, "%o ", mode);
            found.push_back(text + entry.path().string());
        }
    return found;
}

class DaemonSecurityTest : public testing::Test
{
protected:
    DaemonSecurityTest()
    {
        // What others could enter, were it not for the daemon's own folders.
        ::chmod(folder.path().c_str(), 0755);
        m_umask = ::umask(0); // that of a careless shell
    }
    ~DaemonSecurityTest() override { ::umask(m_umask); }

    test::TemporaryFolder folder;
    std::filesystem::path socket = folder / "state/gantryd.sock";

private:
    mode_t m_umask = 0;
};

TEST_F(DaemonSecurityTest, AnotherUserReachesNeitherTheSocketNorThatOfTargets)
{
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root can become another user";
    Gantryd daemon(folder.path(), {"--socket", socket});
    ASSERT_TRUE(daemon.isReady()) << daemon.log();
    EXPECT_EQ(connectAsNobody(socket), EACCES);
    EXPECT_EQ(connectAsNobody(socket.parent_path() / "capture.sock"), EACCES);
    ::chmod(socket.parent_path().c_str(), 0777);
    EXPECT_EQ(connectAsNobody(socket), EACCES) << "even where its folder is open, by the mode of the socket itself";
    EXPECT_EQ(connectAsNobody(socket.parent_path() / "capture.sock"), EACCES);
}

TEST_F(DaemonSecurityTest, WhatAWholeCaptureLeavesOnTheDiskIsOfItsUserAlone)
{
    Gantryd daemon(folder.path(), {"--socket", socket});
    ASSERT_TRUE(daemon.isReady()) << daemon.log();
    const auto stub = daemon.connect();
    v1::LaunchTargetRequest launching;
    launching.add_argv(NVTX_LOOP);
    launching.set_inject(true);
    launching.set_python_functions(R"([{"domain":"d","module":"json","functions":["dumps"]}])");
    v1::Target target;
    const auto launched = stub->LaunchTarget(call().get(), launching, &target);
    ASSERT_TRUE(launched.ok()) << launched.error_message();

    v1::StartCaptureRequest starting;
    starting.set_target_id(target.id());
    starting.set_duration_ns(200'000'000);
    starting.set_await_ns(30'000'000'000);
    v1::CaptureStatus status;
    const auto started = stub->StartCapture(call().get(), starting, &status);
    ASSERT_TRUE(started.ok()) << started.error_message();
    v1::WatchCaptureRequest watching;
    watching.set_capture_id(status.capture_id());
    const auto context = call();
    const auto reader = stub->WatchCapture(context.get(), watching);
    while (reader->Read(&status))
        EXPECT_EQ(openToOthers(folder / "reports"), std::vector<std::string>()) << "while the report is written";
    ASSERT_TRUE(reader->Finish().ok());
    ASSERT_EQ(status.state(), v1::CAPTURE_STATE_DONE) << status.message();
    v1::KeepReportRequest keeping;
    keeping.set_name(status.report_name());
    keeping.set_keep(true);
    v1::ReportInfo kept;
    ASSERT_TRUE(stub->KeepReport(call().get(), keeping, &kept).ok());

    EXPECT_EQ(openToOthers(folder.path() / "reports"), std::vector<std::string>());
    EXPECT_EQ(openToOthers(folder.path() / "state"), std::vector<std::string>());
    EXPECT_EQ(modeOf(folder / "reports"), 0700U);
    EXPECT_EQ(modeOf(folder / "state"), 0700U);
    EXPECT_EQ(modeOf(folder / "reports" / status.report_name()), 0600U);
    v1::StopTargetRequest stopping;
    stopping.set_id(target.id());
    v1::Target stopped;
    EXPECT_TRUE(stub->StopTarget(call().get(), stopping, &stopped).ok());
}

TEST_F(DaemonSecurityTest, TheTokenIsInNoCommandLineNoEnvironmentNoLogAndNoAnswer)
{
    Gantryd daemon(folder.path(), {"--socket", socket, "--listen", "127.0.0.1:0", "--log-level", "trace"});
    ASSERT_TRUE(daemon.isReady()) << daemon.log();
    const std::string tokenFile = daemon.ready()["token_file"];
    EXPECT_EQ(modeOf(tokenFile), 0600U);
    const std::string text = readFile(tokenFile);
    const std::string token = text.substr(0, text.find('\n'));
    ASSERT_EQ(token.size(), 64U);
    const auto stub = daemon.connect();
    v1::LaunchTargetRequest launching;
    for (const char* word : {"/bin/sleep", "600"})
        launching.add_argv(word);
    v1::Target target;
    ASSERT_TRUE(stub->LaunchTarget(call(token).get(), launching, &target).ok());
    v1::NodeInfo info;
    EXPECT_FALSE(stub->GetNodeInfo(call(token + "x").get(), {}, &info).ok());
    ASSERT_TRUE(stub->GetNodeInfo(call(token).get(), {}, &info).ok());
    v1::ReadinessReport readiness;
    ASSERT_TRUE(stub->CheckReadiness(call(token).get(), {}, &readiness).ok());
    v1::ListProcessesReply processes;
    ASSERT_TRUE(stub->ListProcesses(call(token).get(), {}, &processes).ok());

    for (const int pid : {daemon.pid(), target.pid()})
        for (const char* file : {"cmdline", "environ"})
            EXPECT_THAT(readFile("/proc/" + std::to_string(pid) + "/" + file), Not(HasSubstr(token))) << pid << " " << file;
    EXPECT_THAT(info.SerializeAsString() + readiness.SerializeAsString() + processes.SerializeAsString(), Not(HasSubstr(token)));
    EXPECT_THAT(readFile(folder / "ready"), Not(HasSubstr(token))) << "it names the file";
    v1::StopTargetRequest stopping;
    stopping.set_id(target.id());
    v1::Target stopped;
    EXPECT_TRUE(stub->StopTarget(call(token).get(), stopping, &stopped).ok());
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.exitStatus(), 0);
    EXPECT_THAT(daemon.log(), HasSubstr("listens on"));
    EXPECT_THAT(daemon.log(), Not(HasSubstr(token)));
}

} // namespace
} // namespace gantry::node
