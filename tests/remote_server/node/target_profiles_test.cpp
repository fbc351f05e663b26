#include "remote_server/node/target_profiles.h"

#include "remote_server/node/target_profiler.h"
#include "tests/support/child_process.h"
#include "tests/support/fake_engine.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <mutex>
#include <optional>

namespace gantry::node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<std::string>;

TargetProfiles bundled()
{
    return TargetProfiles::read(GANTRY_SOURCE_DIR "/resources/target_profiles");
}

std::string detected(const Words& argv)
{
    static const TargetProfiles profiles = bundled();
    const TargetProfile* profile = profiles.detect(argv);
    return profile ? profile->name : "";
}

TEST(TargetProfiles, EachEngineOfTheBundleHasOne)
{
    const TargetProfiles profiles = bundled();
    Words names;
    for (const TargetProfile& profile : profiles.all()) {
        names.push_back(profile.name);
        EXPECT_FALSE(profile.title.empty() || profile.notes.empty()) << profile.name;
        EXPECT_EQ(profile.start.has_value(), profile.stop.has_value()) << profile.name;
        EXPECT_EQ(profile.start.has_value(), profile.port > 0) << profile.name;
    }
    EXPECT_THAT(names, ElementsAre("dynamo", "pytorch", "sglang", "tensorrt-llm", "triton", "vllm"));
}

TEST(TargetProfiles, AnEngineIsKnownByItsCommandLine)
{
    EXPECT_EQ(detected({"vllm", "serve", "meta-llama/Llama-3.1-8B"}), "vllm");
    EXPECT_EQ(detected({"/usr/bin/python3", "/usr/local/bin/vllm", "serve", "m"}), "vllm") << "a script";
    EXPECT_EQ(detected({"python", "-u", "-m", "vllm.entrypoints.openai.api_server", "--model", "m"}), "vllm");
    EXPECT_EQ(detected({"python3.12", "-m", "sglang.launch_server"}), "sglang");
    EXPECT_EQ(detected({"/opt/tritonserver/bin/tritonserver", "--model-repository", "m"}), "triton");
    EXPECT_EQ(detected({"trtllm-serve", "m"}), "tensorrt-llm");
    EXPECT_EQ(detected({"python", "-m", "dynamo.vllm", "--model", "m"}), "dynamo");
    EXPECT_EQ(detected({"torchrun", "train.py"}), "pytorch");
    EXPECT_EQ(detected({"python", "bench.py", "-m", "vllm.entrypoints.openai.api_server"}), "") << "an argument of another program";
    EXPECT_EQ(detected({"python", "-m", "vllm.entrypointsplus"}), "") << "another module";
    EXPECT_EQ(detected({"/bin/sleep", "1"}), "");
    EXPECT_EQ(detected({}), "");
}

TEST(TargetProfiles, AProfileIsFoundByItsNameOrByTheCommandLine)
{
    const TargetProfiles profiles = bundled();
    EXPECT_EQ(profiles.find("sglang", {"anything"}).value()->title, "SGLang");
    EXPECT_EQ(profiles.find("auto", {"vllm"}).value()->name, "vllm");
    EXPECT_THAT(profiles.find("vlm", {"x"}).error().message, HasSubstr("there are vllm, "));
    EXPECT_THAT(profiles.find("auto", {"x"}).error().message, HasSubstr("name its profile"));
}

TEST(TargetProfiles, IterationsAreSetInTheVariablesOfTheEngineInAllItsVersions)
{
    const TargetProfiles profiles = bundled();
    const TargetProfile& trtllm = *profiles.find("tensorrt-llm", {}).value();
    const std::map<std::string, std::string> wanted{{"TLLM_PROFILE_START_STOP", "100-150"}, {"TLLM_GPTM_PROFILE_START_STOP", "100-150"}};
    EXPECT_EQ(trtllm.iterationEnvironment("100-150").value(), wanted);
    for (const char* range : {"", "100", "150-100", "100-100", "a-b", "100-150x", "-5", "1--5"})
        EXPECT_EQ(trtllm.iterationEnvironment(range).error().code, ErrorCode::BadInput) << range;
    EXPECT_EQ(profiles.find("sglang", {}).value()->iterationEnvironment("1-2").error().code, ErrorCode::Unsupported);
}

TEST(TargetProfiles, ThePortIsThatOfTheCommandLineOrOfTheEnvironmentOrTheEnginesOwn)
{
    const TargetProfiles profiles = bundled();
    const TargetProfile& vllm = *profiles.find("vllm", {}).value();
    EXPECT_EQ(vllm.portOf({"vllm", "serve", "m"}, {}), 8000);
    EXPECT_EQ(vllm.portOf({"vllm", "serve", "--port", "9000"}, {}), 9000);
    EXPECT_EQ(vllm.portOf({"vllm", "serve", "--port=9001"}, {}), 9001);
    EXPECT_EQ(vllm.portOf({"vllm", "serve", "--port"}, {}), 8000);
    EXPECT_EQ(profiles.find("dynamo", {}).value()->portOf({"python"}, {{"DYN_SYSTEM_PORT", "9090"}}), 9090);
}

TEST(TargetProfiles, WhatTheProfilerNeedsIsAddedToACommandLineThatDoesNotSayIt)
{
    const TargetProfiles profiles = bundled();
    const TargetProfile& vllm = *profiles.find("vllm", {}).value();
    EXPECT_THAT(vllm.withArguments({"vllm", "serve", "m"}),
                ElementsAre("vllm", "serve", "m", "--profiler-config", R"({"profiler": "cuda"})"));
    EXPECT_EQ(vllm.withArguments({"vllm", "--profiler-config={}"}).size(), 2u);
    EXPECT_EQ(vllm.withArguments({"vllm", "--profiler-config", "{}"}).size(), 3u);
}

TEST(TargetProfiles, AFileThatIsNoProfileIsLeftOut)
{
    const test::TemporaryFolder folder;
    std::ofstream(folder / "a.json") << R"({"name": "mine", "title": "Mine", "detect": {"executables": ["mine"]}})";
    std::ofstream(folder / "b.json") << R"({"name": "no title"})";
    std::ofstream(folder / "c.json") << "{";
    std::ofstream(folder / "d.json")
        << R"({"name": "x", "title": "X", "detect": {}, "profiler": {"port": 1, "start": {"method": "DELETE", "path": "/"},
                                            "stop": {"method": "POST", "path": "/"}}})";
    const TargetProfiles profiles = TargetProfiles::read(folder.path());
    ASSERT_EQ(profiles.all().size(), 1u);
    EXPECT_EQ(profiles.all()[0].name, "mine");
    EXPECT_TRUE(TargetProfiles::read(folder / "none").all().empty());
}

/// The profiler of an engine behind the endpoints that the profiles name.
class TargetProfilerTest : public testing::Test
{
protected:
    TargetProfiler::Calls callsOf(const std::string& name)
    {
        const TargetProfile& profile = *m_profiles.find(name, {}).value();
        return {engine.address(), *profile.start, *profile.stop, profile.title};
    }
    void begin()
    {
        profiler.emplace([this](const std::string& captureId, const Error& error) {
            const std::lock_guard lock(mutex);
            failed.emplace_back(captureId, error);
        });
    }
    bool waitForCalls(std::size_t count)
    {
        return test::eventually([&] { return engine.asked().size() == count; });
    }
    Error failure()
    {
        EXPECT_TRUE(test::eventually([&] {
            const std::lock_guard lock(mutex);
            return !failed.empty();
        }));
        const std::lock_guard lock(mutex);
        return failed.empty() ? Error{} : failed[0].second;
    }

    test::FakeEngine engine;
    std::mutex mutex;
    std::vector<std::pair<std::string, Error>> failed;
    std::optional<TargetProfiler> profiler;

private:
    const TargetProfiles m_profiles = bundled();
};

TEST_F(TargetProfilerTest, AsksVllmAndSglangAsTheirDocumentationSays)
{
    begin();
    profiler->prepare("t1", callsOf("vllm"));
    profiler->start("c1", "t1");
    ASSERT_TRUE(waitForCalls(1));
    profiler->stop("c1");
    profiler->stop("c1"); // it is stopped
    ASSERT_TRUE(waitForCalls(2));
    profiler->prepare("t1", callsOf("sglang"));
    profiler->start("c2", "t1");
    ASSERT_TRUE(waitForCalls(3));
    profiler.reset();
    EXPECT_THAT(engine.asked(), ElementsAre("POST /start_profile", "POST /stop_profile",
                                            R"(POST /start_profile {"activities":["CUDA_PROFILER"]})", "POST /stop_profile"));
    EXPECT_TRUE(failed.empty());
}

TEST_F(TargetProfilerTest, StopsWhatItHasStartedWhenGantrydEnds)
{
    begin();
    profiler->prepare("t1", callsOf("vllm"));
    profiler->start("c1", "t1");
    ASSERT_TRUE(waitForCalls(1));
    profiler.reset();
    EXPECT_EQ(engine.asked().back(), "POST /stop_profile");
}

TEST_F(TargetProfilerTest, ACaptureThatEndsWhileItIsAskedToStartIsStoppedBehindThat)
{
    begin();
    profiler->prepare("t1", callsOf("vllm"));
    profiler->start("c1", "t1");
    profiler->stop("c1"); // before or after the first call has gone out
    profiler.reset();
    const auto asked = engine.asked();
    EXPECT_TRUE(asked.empty() || asked == (Words{"POST /start_profile", "POST /stop_profile"})) << asked.size();
}

TEST_F(TargetProfilerTest, AServerWithoutTheEndpointsSaysWhatToDo)
{
    engine.hasProfiler = false;
    begin();
    profiler->prepare("t1", callsOf("vllm"));
    profiler->start("c1", "t1");
    const Error error = failure();
    EXPECT_EQ(error.code, ErrorCode::Unsupported);
    EXPECT_THAT(error.message, HasSubstr("launch it with --profile"));
    profiler.reset();
    EXPECT_THAT(engine.asked(), ElementsAre("POST /start_profile")) << "nothing was started";
}

TEST_F(TargetProfilerTest, AProfilerThatMayHaveStartedIsStopped)
{
    engine.startStatus = 500;
    begin();
    profiler->prepare("t1", callsOf("vllm"));
    profiler->start("c1", "t1");
    EXPECT_EQ(failure().code, ErrorCode::TargetGone);
    profiler.reset();
    EXPECT_THAT(engine.asked(), ElementsAre("POST /start_profile", "POST /stop_profile"));
}

TEST_F(TargetProfilerTest, AnotherClientsProfileIsNotStopped)
{
    begin();
    profiler->prepare("t1", callsOf("vllm"));
    TargetProfiler other([](const std::string&, const Error&) {});
    other.prepare("t1", callsOf("vllm"));
    other.start("c9", "t1");
    ASSERT_TRUE(waitForCalls(1));
    profiler->start("c1", "t1");
    EXPECT_EQ(failure().code, ErrorCode::Busy);
    profiler.reset();
    EXPECT_THAT(engine.asked(), ElementsAre("POST /start_profile", "POST /start_profile"));
}

TEST_F(TargetProfilerTest, AServerThatIsNotThereFailsTheCapture)
{
    begin();
    auto calls = callsOf("vllm");
    calls.address = "http://127.0.0.1:1";
    profiler->prepare("t1", calls);
    profiler->start("c1", "t1");
    EXPECT_EQ(failure().code, ErrorCode::Unreachable);
    EXPECT_EQ(failed[0].first, "c1");
}

} // namespace
} // namespace gantry::node
