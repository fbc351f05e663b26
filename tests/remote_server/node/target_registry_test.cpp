#include "remote_server/node/target_registry.h"

#include "tests/remote_server/node/fake_capture_engine.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <limits>
#include <thread>

namespace gantry::node {
namespace {

using testing::Contains;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr const char* kLibrary = "/opt/gantry/lib/libgantry_capture.so";

class TargetRegistryTest : public testing::Test
{
protected:
    proto::LaunchRequest command(std::vector<std::string> argv)
    {
        proto::LaunchRequest request;
        request.argv = std::move(argv);
        request.inject = false;
        return request;
    }

    proto::Target target(const std::string& id)
    {
        for (const proto::Target& candidate : registry.list())
            if (candidate.id == id)
                return candidate;
        return {};
    }

    /// The target once it has ended.
    proto::Target ended(const std::string& id)
    {
        EXPECT_TRUE(test::eventually([&] {
            const auto state = target(id).state;
            return state == proto::TargetState::Exited || state == proto::TargetState::Killed;
        }));
        return target(id);
    }

    std::vector<std::string> lines(const std::string& id)
    {
        const auto ring = registry.log(id);
        if (!ring)
            return {};
        std::uint64_t sequence = ring->tail(1000);
        std::vector<std::string> texts;
        for (const proto::LogLine& line : ring->follow(sequence, 0ms))
            texts.push_back(line.text);
        return texts;
    }

    test::TemporaryFolder folder;
    TargetRegistry registry{{kLibrary, folder / "capture.sock", nullptr}};
};

TEST_F(TargetRegistryTest, RunsACommandAndSaysHowItEnded)
{
    const auto launched = registry.launch(command({"/bin/false"}));
    ASSERT_TRUE(launched) << launched.error().text();
    EXPECT_EQ(launched->name, "false");
    EXPECT_GT(launched->pid, 0);
    const proto::Target target = ended(launched->id);
    EXPECT_EQ(target.state, proto::TargetState::Exited);
    EXPECT_EQ(target.exitCode, 1);
    EXPECT_THAT(target.message, HasSubstr("1"));
}

TEST_F(TargetRegistryTest, CallsAProgramRunningWhenItHasNotEndedAtOnce)
{
    const auto launched = registry.launch(command({"/bin/sleep", "60"}));
    ASSERT_TRUE(launched);
    EXPECT_EQ(launched->state, proto::TargetState::Starting);
    EXPECT_TRUE(test::eventually([&] { return target(launched->id).state == proto::TargetState::Running; }));
    EXPECT_TRUE(registry.anyRunning());
}

TEST_F(TargetRegistryTest, StopsATargetWithSigterm)
{
    const auto launched = registry.launch(command({"/bin/sleep", "60"}));
    ASSERT_TRUE(launched);
    const auto stopped = registry.stop(launched->id, 0);
    ASSERT_TRUE(stopped);
    EXPECT_EQ(stopped->state, proto::TargetState::Killed);
    EXPECT_EQ(stopped->exitSignal, SIGTERM);
    EXPECT_FALSE(registry.anyRunning());
    EXPECT_FALSE(test::isRunning(launched->pid)) << "the process is gone";
}

TEST_F(TargetRegistryTest, GivesATargetTimeToEndHoweverLongTheGraceIsThatIsAskedFor)
{
    // Beyond the end of the clock it was over at once, and the target killed.
    const auto launched =
        registry.launch(command({"/bin/sh", "-c", "trap 'sleep 0.1; exit 7' TERM; echo ready; while :; do sleep 0.01; done"}));
    ASSERT_TRUE(launched);
    ASSERT_TRUE(test::eventually([&] { return !lines(launched->id).empty(); }));
    const auto stopped = registry.stop(launched->id, std::numeric_limits<DurationNs>::max());
    ASSERT_TRUE(stopped);
    EXPECT_EQ(stopped->state, proto::TargetState::Exited);
    EXPECT_EQ(stopped->exitCode, 7);
}

TEST_F(TargetRegistryTest, StartsATargetAgainAsItWasLaunchedWithANewId)
{
    proto::LaunchRequest request = command({"/bin/sh", "-c", "echo $COLOUR in $PWD; exec sleep 60"});
    request.name = "painter";
    request.environment["COLOUR"] = "green";
    request.workingDirectory = folder.path();
    const auto first = registry.launch(request);
    ASSERT_TRUE(first);
    const auto second = registry.restart(first->id, 0);
    ASSERT_TRUE(second) << second.error().text();
    EXPECT_NE(second->id, first->id);
    EXPECT_EQ(second->name, "painter");
    EXPECT_EQ(second->argv, first->argv);
    EXPECT_FALSE(test::isRunning(first->pid)) << "the first has ended before";
    EXPECT_TRUE(registry.isRunning(second->id));
    EXPECT_TRUE(test::eventually([&] { return lines(second->id) == std::vector<std::string>{"green in " + folder.path().string()}; }));
}

TEST_F(TargetRegistryTest, StartsATargetAgainThatHasEndedByItself)
{
    const auto first = registry.launch(command({"/bin/echo", "hello"}));
    ASSERT_TRUE(first);
    (void)ended(first->id);
    const auto second = registry.restart(first->id, 0);
    ASSERT_TRUE(second) << second.error().text();
    (void)ended(second->id);
    EXPECT_EQ(lines(second->id), lines(first->id));
}

TEST_F(TargetRegistryTest, StartsATargetOnceThoughAClientAsksAgainForItsLostAnswer)
{
    const auto first = registry.launch(command({"/bin/sleep", "60"}));
    ASSERT_TRUE(first);
    const auto second = registry.restart(first->id, 0);
    ASSERT_TRUE(second) << second.error().text();
    const auto repeated = registry.restart(first->id, 0);
    ASSERT_TRUE(repeated) << repeated.error().text();
    EXPECT_EQ(repeated->id, second->id);
    EXPECT_EQ(repeated->pid, second->pid);
    EXPECT_TRUE(registry.isRunning(second->id)) << "nor is it stopped";
    EXPECT_EQ(registry.list().size(), 2U);

    const auto third = registry.restart(second->id, 0);
    ASSERT_TRUE(third);
    const auto late = registry.restart(first->id, 0);
    ASSERT_TRUE(late) << late.error().text();
    EXPECT_EQ(late->id, third->id);
    ASSERT_TRUE(registry.stop(third->id, 0));
    const auto gone = registry.restart(first->id, 0);
    ASSERT_FALSE(gone) << "whoever asks for the first does not know that the last was stopped";
    EXPECT_EQ(gone.error().code, ErrorCode::TargetGone);
    EXPECT_THAT(gone.error().message, HasSubstr("target restart " + third->id));
    EXPECT_EQ(registry.list().size(), 3U);
}

TEST_F(TargetRegistryTest, StartsNothingAgainThatItDidNotLaunch)
{
    FakeCaptureEngine engine;
    engine.setProcesses({{77, "", "/opt/server", "/opt/server", true}});
    registry.setEngine(&engine);
    for (const char* id : {"p77", "t9", ""}) {
        const auto restarted = registry.restart(id, 0);
        ASSERT_FALSE(restarted) << id;
        EXPECT_EQ(restarted.error().code, ErrorCode::NotFound);
        EXPECT_THAT(restarted.error().message, HasSubstr("target launch"));
    }
    registry.setEngine(nullptr);
}

TEST_F(TargetRegistryTest, StartsATargetOnceThoughTwoClientsAskAtOnce)
{
    const auto first = registry.launch(command({"/usr/bin/env", "--ignore-signal=TERM", "/bin/sleep", "60"}));
    ASSERT_TRUE(first);
    std::atomic<int> started{0}, busy{0};
    {
        std::vector<std::jthread> clients;
        for (int i = 0; i < 2; ++i)
            clients.emplace_back([&] {
                const auto restarted = registry.restart(first->id, 2'000'000'000); // it ends at the second signal only
                ++(restarted ? started : busy);
            });
    }
    EXPECT_EQ(started, 1);
    EXPECT_EQ(busy, 1);
    EXPECT_EQ(registry.list().size(), 2U);
}

TEST_F(TargetRegistryTest, TellsTheLevelsOfTheLinesThatATargetWrites)
{
    const auto launched = registry.launch(
        command({"/bin/sh", "-c", "echo 'W0611 12:00:00.1 7 a.cc:1] slow'; echo 'ERROR 11-20 10:00:00 [x.py:1] dead'; echo plain"}));
    ASSERT_TRUE(launched);
    (void)ended(launched->id);
    const auto ring = registry.log(launched->id);
    std::uint64_t sequence = ring->tail(10);
    std::vector<proto::LogLevel> levels;
    for (const proto::LogLine& line : ring->follow(sequence, 0ms))
        levels.push_back(line.level);
    EXPECT_EQ(levels, (std::vector<proto::LogLevel>{proto::LogLevel::Warning, proto::LogLevel::Error, proto::LogLevel::Unknown}));
}

TEST_F(TargetRegistryTest, KillsATargetThatIgnoresSigterm)
{
    const auto launched = registry.launch(command({"/usr/bin/env", "--ignore-signal=TERM", "/bin/sleep", "60"}));
    ASSERT_TRUE(launched);
    // env(1) ignores the signal before it becomes sleep; until then SIGTERM would end it.
    ASSERT_TRUE(test::eventually([&] {
        std::ifstream comm("/proc/" + std::to_string(launched->pid) + "/comm");
        std::string name;
        return std::getline(comm, name) && name == "sleep";
    }));
    const auto stopped = registry.stop(launched->id, 50'000'000);
    ASSERT_TRUE(stopped);
    EXPECT_EQ(stopped->exitSignal, SIGKILL);
    EXPECT_THAT(stopped->message, HasSubstr("SIGKILL"));
}

TEST_F(TargetRegistryTest, StopsTheWholeProcessGroup)
{
    // timeout(1) runs its command as a child in the same group.
    const auto launched = registry.launch(command({"/usr/bin/timeout", "--foreground", "60", "/bin/sleep", "61.25"}));
    ASSERT_TRUE(launched);
    int child = 0;
    ASSERT_TRUE(test::eventually([&] {
        std::ifstream children("/proc/" + std::to_string(launched->pid) + "/task/" + std::to_string(launched->pid) + "/children");
        return static_cast<bool>(children >> child);
    }));
    ASSERT_TRUE(registry.stop(launched->id, 0));
    EXPECT_TRUE(test::eventually([&] { return !test::isRunning(child); }));
}

TEST_F(TargetRegistryTest, RefusesACommandThatIsEmptyOrDoesNotExist)
{
    EXPECT_EQ(registry.launch(command({})).error().code, ErrorCode::BadInput);
    const auto missing = registry.launch(command({"/dev/null/nonexistent/program"}));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
    EXPECT_THAT(missing.error().text(), HasSubstr("/dev/null/nonexistent/program"));
    EXPECT_TRUE(registry.list().empty());
}

TEST_F(TargetRegistryTest, RefusesAMetricsUrlThatItCannotScrape)
{
    // The HTTP library throws on an unknown scheme, and did so on the scraper's thread.
    auto request = command({"/bin/true"});
    request.metricsUrl = "ftp://127.0.0.1/metrics";
    const auto launched = registry.launch(request);
    ASSERT_FALSE(launched);
    EXPECT_EQ(launched.error().code, ErrorCode::BadInput);
    EXPECT_THAT(launched.error().text(), HasSubstr("ftp://"));
}

TEST_F(TargetRegistryTest, NumbersTargetsOnWhereTheDaemonBeforeStopped)
{
    // A process launched by a daemon that was killed still has its GANTRY_TARGET_ID.
    const auto first = registry.launch(command({"/bin/true"}));
    ASSERT_TRUE(first);
    TargetRegistry next({kLibrary, folder / "capture.sock", nullptr});
    const auto second = next.launch(command({"/bin/true"}));
    ASSERT_TRUE(second);
    EXPECT_NE(first->id, second->id);
}

TEST_F(TargetRegistryTest, KeepsTheLastOfMoreOutputThanTheRingHolds)
{
    const auto launched = registry.launch(command({"/usr/bin/seq", "1", "1000000"}));
    ASSERT_TRUE(launched);
    EXPECT_EQ(ended(launched->id).exitCode, 0);
    EXPECT_EQ(lines(launched->id).back(), "1000000");
}

TEST_F(TargetRegistryTest, EndsWhatIsLeftOfTheGroupOfATargetThatWasStopped)
{
    // The shell ends at SIGTERM, its child ignores it.
    const auto launched = registry.launch(command({"/bin/sh", "-c", "/usr/bin/env --ignore-signal=TERM /bin/sleep 61.5 & wait"}));
    ASSERT_TRUE(launched);
    int child = 0;
    ASSERT_TRUE(test::eventually([&] {
        std::ifstream children("/proc/" + std::to_string(launched->pid) + "/task/" + std::to_string(launched->pid) + "/children");
        std::string name;
        return static_cast<bool>(children >> child) && std::getline(std::ifstream("/proc/" + std::to_string(child) + "/comm"), name) &&
               name == "sleep";
    }));
    ASSERT_TRUE(registry.stop(launched->id, 100'000'000));
    EXPECT_TRUE(test::eventually([&] { return !test::isRunning(child); }));
}

TEST_F(TargetRegistryTest, GivesChildrenTheSameTimeToEndAsTheTargetItself)
{
    // The shell ends at SIGTERM, its child cleans up first.
    const auto launched = registry.launch(
        command({"/bin/sh", "-c", "(trap 'sleep 0.3; echo cleaned up; exit' TERM; echo ready; while :; do sleep 0.05; done) & wait"}));
    ASSERT_TRUE(launched);
    ASSERT_TRUE(test::eventually([&] { return !lines(launched->id).empty(); }));
    ASSERT_TRUE(registry.stop(launched->id, 0));
    EXPECT_THAT(lines(launched->id), Contains("cleaned up"));
}

TEST_F(TargetRegistryTest, PassesArgumentsWithoutAShell)
{
    const auto launched = registry.launch(command({"/usr/bin/printf", "%s\n", "$HOME; echo 'x'", "a b"}));
    ASSERT_TRUE(launched);
    ended(launched->id);
    EXPECT_THAT(lines(launched->id), testing::ElementsAre("$HOME; echo 'x'", "a b"));
}

TEST_F(TargetRegistryTest, KeepsOutputThatDoesNotEndWithALine)
{
    const auto launched = registry.launch(command({"/usr/bin/printf", "one\ntwo"}));
    ASSERT_TRUE(launched);
    ended(launched->id);
    EXPECT_THAT(lines(launched->id), testing::ElementsAre("one", "two"));
}

TEST_F(TargetRegistryTest, KeepsWhatGoesToStandardErrorToo)
{
    const auto launched = registry.launch(command({"/bin/ls", "/dev/null/nonexistent-folder"}));
    ASSERT_TRUE(launched);
    ended(launched->id);
    EXPECT_THAT(lines(launched->id), Contains(HasSubstr("/dev/null/nonexistent-folder")));
}

TEST_F(TargetRegistryTest, RunsInTheFolderAndEnvironmentAskedFor)
{
    auto request = command({"/usr/bin/env"});
    request.environment["GANTRY_TEST_VALUE"] = "a=b c";
    auto launched = registry.launch(request);
    ASSERT_TRUE(launched);
    ended(launched->id);
    EXPECT_THAT(lines(launched->id), Contains("GANTRY_TEST_VALUE=a=b c"));

    request = command({"/bin/pwd"});
    request.workingDirectory = folder.path();
    launched = registry.launch(request);
    ASSERT_TRUE(launched);
    ended(launched->id);
    EXPECT_THAT(lines(launched->id), Contains(std::filesystem::canonical(folder.path()).string()));
}

// "cannot start sleep: No such file or directory" blamed the program.
TEST_F(TargetRegistryTest, SaysThatTheWorkingDirectoryIsMissing)
{
    auto request = command({"/bin/pwd"});
    request.workingDirectory = folder.path() / "absent";
    const auto refused = registry.launch(request);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::NotFound);
    EXPECT_THAT(refused.error().text(), HasSubstr("there is no working directory"));
}

TEST_F(TargetRegistryTest, SetsTheInjectionVariables)
{
    auto request = command({"/usr/bin/env"});
    request.inject = true;
    const auto launched = registry.launch(request);
    ASSERT_TRUE(launched) << launched.error().text();
    ended(launched->id);
    const auto text = lines(launched->id);
    EXPECT_THAT(text, Contains(std::string("CUDA_INJECTION64_PATH=") + kLibrary));
    EXPECT_THAT(text, Contains(std::string("NVTX_INJECTION64_PATH=") + kLibrary));
    EXPECT_THAT(text, Contains("GANTRY_CAPTURE_SOCKET=" + (folder / "capture.sock").string()));
    EXPECT_THAT(text, Contains("GANTRY_TARGET_ID=" + launched->id));
}

TEST_F(TargetRegistryTest, RefusesInjectionWhereAnotherToolHasTheVariable)
{
    auto request = command({"/bin/true"});
    request.inject = true;
    request.environment["NVTX_INJECTION64_PATH"] = "/opt/other/libtool.so";
    const auto launched = registry.launch(request);
    ASSERT_FALSE(launched);
    EXPECT_EQ(launched.error().code, ErrorCode::Busy);
    EXPECT_THAT(launched.error().text(), HasSubstr("/opt/other/libtool.so"));

    request.environment["NVTX_INJECTION64_PATH"] = kLibrary;
    EXPECT_TRUE(registry.launch(request)) << "our own library is no obstacle";
}

TEST_F(TargetRegistryTest, RefusesInjectionWithoutACaptureLibrary)
{
    TargetRegistry bare({{}, folder / "capture.sock", nullptr});
    auto request = command({"/bin/true"});
    request.inject = true;
    const auto launched = bare.launch(request);
    ASSERT_FALSE(launched);
    EXPECT_EQ(launched.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(launched.error().text(), HasSubstr("--capture-library"));
}

TEST_F(TargetRegistryTest, ShowsTheProcessesOfALaunchedTargetThatCaptureIsAttachedTo)
{
    FakeCaptureEngine engine;
    registry.setEngine(&engine);
    const auto launched = registry.launch(command({"/bin/sleep", "60"}));
    ASSERT_TRUE(launched);
    engine.setProcesses({{launched->pid, launched->id, "/bin/sleep", "sleep 60", true}});
    const proto::Target shown = target(launched->id);
    ASSERT_EQ(shown.processes.size(), 1U);
    EXPECT_TRUE(shown.processes[0].captureAttached);
    EXPECT_TRUE(shown.processes[0].cudaLoaded);
    EXPECT_EQ(registry.list().size(), 1U);
    registry.setEngine(nullptr);
}

TEST_F(TargetRegistryTest, AdoptsProcessesThatItDidNotLaunch)
{
    FakeCaptureEngine engine;
    registry.setEngine(&engine);
    engine.setProcesses({{4001, "", "/usr/bin/python3.11", "python3 serve.py", true}, {4002, "t900", "/bin/old", "old", false}});
    const auto targets = registry.list();
    ASSERT_EQ(targets.size(), 2U);
    EXPECT_EQ(targets[0].id, "p4001");
    EXPECT_EQ(targets[0].name, "python3.11");
    EXPECT_TRUE(targets[0].adopted);
    EXPECT_EQ(targets[0].state, proto::TargetState::Running);
    EXPECT_EQ(targets[1].id, "p4002") << "launched by a daemon that is gone";
    EXPECT_TRUE(registry.anyRunning());
    EXPECT_EQ(registry.nameOf("p4001"), "python3.11");
    registry.setEngine(nullptr);
}

TEST_F(TargetRegistryTest, StopsWhatItLaunchedWhenItEnds)
{
    auto own = std::make_unique<TargetRegistry>(TargetRegistry::Options{kLibrary, folder / "capture.sock", nullptr});
    const auto launched = own->launch(command({"/bin/sleep", "60"}));
    ASSERT_TRUE(launched);
    own.reset();
    EXPECT_FALSE(test::isRunning(launched->pid));
}

} // namespace
} // namespace gantry::node
