#include "tests/remote_server/node/capture_engine_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <vector>

namespace gantry::node {
namespace {

/// What the engine asks of a target's profiler.
class DrivenCaptureTest : public CaptureEngineTest
{
protected:
    void SetUp() override
    {
        CaptureEngine::Options options;
        options.startProfiler = [this](const std::string& id, const std::string& target) { note("start " + id + " " + target); };
        options.stopProfiler = [this](const std::string& id) { note("stop " + id); };
        startEngine(std::move(options));
        library = attach();
    }
    ~DrivenCaptureTest() override { engine.reset(); }

    static proto::CaptureRequest driven()
    {
        auto wanted = request();
        wanted.trigger = proto::CaptureTrigger::CudaProfiler;
        wanted.drivesProfiler = true;
        return wanted;
    }
    void note(const std::string& what)
    {
        const std::lock_guard lock(m_mutex);
        if (m_asked.empty() || m_asked.back() != what) // to be stopped twice is nothing
            m_asked.push_back(what);
    }
    std::vector<std::string> asked()
    {
        const std::lock_guard lock(m_mutex);
        return m_asked;
    }

    std::unique_ptr<FakeLibrary> library;

private:
    std::mutex m_mutex;
    std::vector<std::string> m_asked;
};

TEST_F(DrivenCaptureTest, TheProfilerIsStartedWhenTheProcessesWaitForItAndStoppedBehindTheWindow)
{
    const std::string id = start(driven());
    const auto armed = library->awaitTrigger();
    EXPECT_TRUE(asked().empty()) << "the process may not wait yet";
    library->sendArmed(armed.windowId);
    ASSERT_TRUE(test::eventually([&] { return asked().size() == 1; }));
    EXPECT_EQ(asked()[0], "start " + id + " t1");
    library->windowId = armed.windowId;
    library->sendOpened();
    ASSERT_TRUE(waitForState(id, proto::CaptureState::Capturing));
    EXPECT_EQ(asked().size(), 1u);
    library->sendClosed();
    EXPECT_EQ(finished(id).reportNames.size(), 1u);
    EXPECT_EQ(asked(), (std::vector<std::string>{"start " + id + " t1", "stop " + id}));
}

TEST_F(DrivenCaptureTest, AProfilerThatDoesNotStartFailsTheCaptureWithItsReason)
{
    const std::string id = start(driven());
    library->sendArmed(library->awaitTrigger().windowId);
    ASSERT_TRUE(test::eventually([&] { return !asked().empty(); }));
    ASSERT_TRUE(engine->fail(id, {ErrorCode::Unsupported, "vLLM has no profiler to ask", {}}));
    const auto status = finished(id);
    EXPECT_EQ(status.state, proto::CaptureState::Failed);
    EXPECT_EQ(status.error, name(ErrorCode::Unsupported));
    EXPECT_EQ(status.message, "vLLM has no profiler to ask");
    EXPECT_EQ(asked().back(), "stop " + id);
    EXPECT_FALSE(engine->fail(id, {})) << "it has ended";
}

TEST_F(DrivenCaptureTest, TheProfilerIsStoppedWhenTheCaptureIsEndedOrItsProcessIsGone)
{
    const std::string stopped = start(driven());
    library->sendArmed(library->awaitTrigger().windowId);
    ASSERT_TRUE(test::eventually([&] { return asked().size() == 1; }));
    ASSERT_TRUE(engine->stop(stopped));
    finished(stopped);
    EXPECT_EQ(asked().back(), "stop " + stopped);
    library->awaitClose();
    const std::string gone = start(driven());
    library->sendArmed(library->awaitTrigger().windowId);
    ASSERT_TRUE(test::eventually([&] { return asked().back() == "start " + gone + " t1"; }));
    library.reset();
    EXPECT_EQ(finished(gone).state, proto::CaptureState::Failed);
    EXPECT_EQ(asked().back(), "stop " + gone);
}

TEST_F(DrivenCaptureTest, OneWindowOfCudaProfilerCallsIsWhatAProfilerCanBeAskedFor)
{
    auto wanted = driven();
    wanted.windowCount = 2;
    EXPECT_EQ(engine->start(wanted).error().code, ErrorCode::BadInput);
    wanted = driven();
    wanted.trigger = proto::CaptureTrigger::None;
    EXPECT_EQ(engine->start(wanted).error().code, ErrorCode::BadInput);
}

} // namespace
} // namespace gantry::node
