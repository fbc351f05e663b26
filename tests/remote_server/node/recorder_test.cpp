#include "remote_server/node/capture_plan.h"
#include "tests/remote_server/node/capture_engine_fixture.h"

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>

namespace gantry::node {
namespace {

using testing::HasSubstr;

/// A capture that records into a ring.
class RecorderTest : public CaptureEngineTest
{
protected:
    void startEngine()
    {
        CaptureEngine::Options options;
        options.isTargetRunning = [this](const std::string&) { return isTargetRunning.load(); };
        std::filesystem::create_directory(folder / "reports");
        options.reportFolder = folder / "reports";
        CaptureEngineTest::startEngine(std::move(options));
    }
    static proto::CaptureRequest ring(std::uint64_t bytes = 0)
    {
        auto wanted = request();
        wanted.ringNs = 60'000'000'000;
        wanted.ringBytes = bytes;
        return wanted;
    }
    /// Saves, and waits for that save's end.
    proto::RingSave save(const std::string& id, DurationNs last = 0)
    {
        const auto begun = engine->save(id, last, "");
        EXPECT_TRUE(begun) << begun.error().text();
        return begun ? ended(id, begun->savesBegun) : proto::RingSave{};
    }
    proto::RingSave ended(const std::string& id, std::uint64_t number)
    {
        proto::RingSave result;
        EXPECT_TRUE(test::eventually([&] {
            const auto status = engine->status(id);
            for (const proto::RingSave& save : status.value().saves)
                if (save.number == number)
                    result = save;
            return result.number == number;
        }));
        return result;
    }
    std::uint64_t eventsOf(const std::string& report)
    {
        const auto loaded = trace::loadTrace(folder / "reports" / report);
        EXPECT_TRUE(loaded) << loaded.error().text();
        return loaded ? (*loaded)->eventCount() : 0;
    }

    std::atomic<bool> isTargetRunning = true;
};

TEST_F(RecorderTest, KeepsWhatJustHappenedAndSavesItWhileItGoesOn)
{
    startEngine();
    const auto library = attach();
    const std::string id = opened(ring(), *library);
    records::ThreadCursor cursor{};
    for (std::uint64_t saves = 1; saves <= 2; ++saves) {
        library->mark(cursor);
        EXPECT_EQ(eventsOf(save(id).reportName), saves) << "all that the ring holds, each time";
        EXPECT_EQ(engine->status(id)->state, proto::CaptureState::Capturing);
    }
    EXPECT_EQ(eventsOf(save(id, 1).reportName), 0U) << "what ended before the last ns is left out";
    ASSERT_TRUE(engine->stop(id));
    library->close();
    EXPECT_EQ(finished(id).savesBegun, 3U) << "only what was saved is written";
}

TEST_F(RecorderTest, GivesWayToAWindowAndBeginsAnewAfterIt)
{
    startEngine();
    const auto library = attach();
    const std::string ringId = opened(ring(), *library);
    const std::string windowId = start(request());
    library->close();
    library->open();
    ASSERT_TRUE(waitForState(windowId, proto::CaptureState::Capturing));
    EXPECT_EQ(engine->status(ringId)->state, proto::CaptureState::Queued);
    EXPECT_EQ(engine->save(ringId, 0, "").error().code, ErrorCode::Busy);
    ASSERT_TRUE(engine->stop(windowId));
    library->close();
    library->open();
    EXPECT_TRUE(waitForState(ringId, proto::CaptureState::Capturing));
}

// A capture whose target had no process yet closed the ring, which opened anew at once, and so on.
TEST_F(RecorderTest, GoesOnWhileAWindowWaitsForItsTarget)
{
    startEngine();
    const auto library = attach();
    const std::string ringId = opened(ring(), *library);
    auto awaiting = request("t7");
    awaiting.awaitNs = 60'000'000'000;
    const std::string windowId = start(awaiting);
    records::ThreadCursor cursor{};
    library->mark(cursor);
    EXPECT_EQ(eventsOf(save(ringId).reportName), 1U);
    EXPECT_EQ(engine->status(windowId)->state, proto::CaptureState::Waiting);
}

TEST_F(RecorderTest, StaysWithinItsBytesAndCountsWhatMadeRoom)
{
    startEngine();
    const auto library = attach();
    const auto wanted = ring(4 << 20);
    const std::string id = opened(wanted, *library);
    records::ThreadCursor cursor{};
    constexpr std::uint64_t kMarks = 100'000; // of 80 bytes: twice the ring
    for (std::uint64_t i = 0; i < kMarks; ++i)
        library->mark(cursor);
    ASSERT_TRUE(test::eventually([&] { return engine->status(id)->events == kMarks; }));
    const auto status = *engine->status(id);
    EXPECT_LE(status.bytes, wanted.ringBytes);
    EXPECT_GT(status.ringOverwritten, kMarks / 4);
    EXPECT_EQ(status.dropped, 0U);
}

// What processes left that had ended took a share of the ring for ever, and none of it was given up.
TEST_F(RecorderTest, StaysWithinItsBytesOverManyShortProcesses)
{
    startEngine();
    const auto wanted = ring(2 << 20);
    auto library = attach();
    const std::string id = opened(wanted, *library);
    constexpr std::uint64_t kMarks = 20'000; // of 80 bytes
    for (std::uint64_t processes = 1; processes <= 4; ++processes) {
        records::ThreadCursor cursor{};
        for (std::uint64_t i = 0; i < kMarks; ++i)
            library->mark(cursor);
        ASSERT_TRUE(test::eventually([&] { return engine->status(id)->events == processes * kMarks; }));
        EXPECT_LE(engine->status(id)->bytes, wanted.ringBytes);
        library = std::make_unique<FakeLibrary>(folder / "capture.sock", "t1");
        library->open();
    }
    EXPECT_TRUE(test::eventually([&] { return engine->status(id)->processes == 1; }));
    EXPECT_GT(engine->status(id)->ringOverwritten, kMarks);
}

TEST_F(RecorderTest, IsSavedWhenItsTargetEnds)
{
    startEngine();
    auto library = attach();
    const std::string id = opened(ring(), *library);
    records::ThreadCursor cursor{};
    library->mark(cursor, "the last words");
    library.reset();
    isTargetRunning = false;
    const auto status = finished(id);
    EXPECT_EQ(status.state, proto::CaptureState::Done);
    EXPECT_THAT(status.message, HasSubstr("the target ended"));
    ASSERT_EQ(status.saves.size(), 1U);
    EXPECT_EQ(eventsOf(status.reportName), 1U);
}

TEST_F(RecorderTest, GoesOnWhileTheProcessesOfARunningTargetComeAndGo)
{
    startEngine();
    auto library = attach();
    const std::string id = opened(ring(), *library);
    records::ThreadCursor cursor{};
    library->mark(cursor);
    library->sendClosed(); // it exits
    library.reset();
    EXPECT_TRUE(test::eventually([&] { return engine->processes().empty(); }));
    FakeLibrary next(folder / "capture.sock", "t1");
    next.open();
    records::ThreadCursor nextCursor{};
    next.mark(nextCursor);
    ASSERT_TRUE(test::eventually([&] { return engine->status(id)->events == 2; }));
    EXPECT_EQ(eventsOf(save(id).reportName), 2U) << "of both";
}

TEST_F(RecorderTest, EndsWithItsTargetAlsoWhileItStandsStill)
{
    startEngine();
    auto library = attach();
    const std::string ringId = opened(ring(), *library);
    const std::string windowId = start(request());
    library->close();
    library->open();
    ASSERT_TRUE(waitForState(windowId, proto::CaptureState::Capturing));
    library.reset();
    isTargetRunning = false;
    EXPECT_EQ(finished(windowId).state, proto::CaptureState::Done);
    EXPECT_EQ(finished(ringId).state, proto::CaptureState::Done);
    EXPECT_THAT(finished(ringId).message, HasSubstr("has ended"));
}

TEST_F(RecorderTest, TellsWhoSavesWhyThereIsNoReportAndGoesOn)
{
    startEngine();
    const auto library = attach();
    const std::string id = opened(ring(), *library);
    std::filesystem::remove(folder / "reports");
    const auto failed = save(id);
    EXPECT_EQ(failed.error, name(ErrorCode::CannotWrite)) << failed.message;
    EXPECT_TRUE(failed.reportName.empty());
    EXPECT_THAT(failed.message, HasSubstr("reports"));
    std::filesystem::create_directory(folder / "reports");
    EXPECT_EQ(eventsOf(save(id).reportName), 0U);
    EXPECT_EQ(engine->status(id)->state, proto::CaptureState::Capturing);
}

TEST_F(RecorderTest, HasMemoryWithinBounds)
{
    EXPECT_EQ(CapturePlan::of(ring(1), 0, 0).error().code, ErrorCode::BadInput) << "a byte";
    EXPECT_EQ(CapturePlan::of(ring(std::uint64_t{1} << 40), 0, 0).error().code, ErrorCode::BadInput) << "more than there is";
    EXPECT_TRUE(CapturePlan::of(ring(std::uint64_t{512} << 20), 0, 0));
}

} // namespace
} // namespace gantry::node
