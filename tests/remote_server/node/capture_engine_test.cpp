#include "tests/remote_server/node/capture_engine_fixture.h"

#include "trace_model/records/request_phase.h"
#include "trace_model/report/meta_keys.h"

#include <gmock/gmock.h>

#include <atomic>
#include <set>

namespace gantry::node {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

TEST_F(CaptureEngineTest, EndsAWindowAfterSoManyRequestsWhateverChunkTheirEndsAreIn)
{
    startEngine();
    const auto library = attach();
    auto wanted = request();
    wanted.maxRequests = 3;
    const std::string id = opened(wanted, *library);
    // The engine reads chunks by their index: all ends first, then the starts, and last what their text is.
    records::ThreadCursor ends{}, starts{}, dictionary{};
    for (std::uint64_t range = 1; range <= 3; ++range)
        library->range(ends, records::RecordType::NvtxEnd, range);
    for (std::uint64_t range = 1; range <= 3; ++range)
        library->range(starts, records::RecordType::NvtxStart, range);
    using namespace records;
    library->write(dictionary, RecordType::Domain, NamedRecord{{}, 0, kDomain, sizeof nvtx_convention::kDomain - 1, 0},
                   nvtx_convention::kDomain);
    library->write(dictionary, RecordType::Text, TextRecord{{}, kRequestText, sizeof nvtx_convention::kRequest - 1},
                   nvtx_convention::kRequest);
    library->close();
    EXPECT_EQ(finished(id).state, proto::CaptureState::Done);
}

TEST_F(CaptureEngineTest, TellsOfDamageInTheReportOfItsWindowAndOfNoLaterOne)
{
    startEngine();
    const auto library = attach();
    const auto first = capture(*library, [&] { library->damage(); });
    EXPECT_EQ(loss(load(first), "chunk_damaged"), 1U);
    const auto second = capture(*library, [] {});
    EXPECT_EQ(loss(load(second), "chunk_damaged"), 0U);
}

TEST_F(CaptureEngineTest, DoesNotShowTheLossesOfTheLastWindowWhileTheNextOneOpens)
{
    startEngine();
    const auto library = attach();
    const auto first = capture(*library, [&] { library->region->count(records::LossCounter::NvtxNoChunk, 7); });
    EXPECT_EQ(loss(load(first), "nvtx_no_chunk"), 7U);

    const std::string id = start(request());
    records::ThreadCursor cursor{};
    ++library->windowId;                                       // it has not taken the Open yet
    library->range(cursor, records::RecordType::NvtxStart, 1); // its event shows that the engine has looked
    ASSERT_TRUE(test::eventually([&] { return engine->status(id)->events == 1; }));
    EXPECT_EQ(engine->status(id)->dropped, 0U);
}

TEST_F(CaptureEngineTest, DoesNotTakeAProcessThatIsSilentForOneThatHasEnded)
{
    CaptureEngine::Options options;
    options.closeGrace = 50ms;
    startEngine(std::move(options));
    const auto library = attach();
    const std::string id = opened(request(), *library);
    ASSERT_TRUE(engine->stop(id)); // a stopped process answers nothing
    const auto status = finished(id);
    EXPECT_EQ(status.state, proto::CaptureState::Done);
    EXPECT_FALSE(status.targetExited);
    EXPECT_THAT(status.message, HasSubstr("did not answer"));
    const auto trace = load(status);
    EXPECT_FALSE(trace->meta.targetExited);
    EXPECT_EQ(loss(trace, "window_end_unanswered"), 1U);
}

TEST_F(CaptureEngineTest, SaysThatAProcessEndedInItsWindow)
{
    startEngine();
    auto library = attach();
    const std::string id = opened(request(), *library);
    library.reset();
    const auto status = finished(id);
    EXPECT_EQ(status.state, proto::CaptureState::Done);
    EXPECT_TRUE(status.targetExited);
    const auto trace = load(status);
    EXPECT_TRUE(trace->meta.targetExited);
    EXPECT_EQ(loss(trace, "window_end_unanswered"), 0U);
}

TEST_F(CaptureEngineTest, MakesNoReportOfATargetThatEndedBeforeItRecorded)
{
    startEngine();
    auto library = attach();
    const std::string id = start(request());
    library->open(false);
    library.reset();
    const auto status = finished(id);
    EXPECT_EQ(status.state, proto::CaptureState::Failed);
    EXPECT_EQ(status.error, name(ErrorCode::TargetGone));
    EXPECT_THAT(status.message, HasSubstr("before it began to record"));
    EXPECT_EQ(status.reportName, "");
}

TEST_F(CaptureEngineTest, RefusesAWindowThatNoProcessOfTheTargetTakes)
{
    startEngine();
    const auto library = attach();
    library->refuse();
    const auto started = engine->start(request());
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, ErrorCode::TargetGone);
    EXPECT_THAT(started.error().message, HasSubstr("t1"));
    EXPECT_EQ(engine->start(request("t2")).error().code, ErrorCode::NotFound) << "no window is open";
}

TEST_F(CaptureEngineTest, DoesNotTakeAnEmptyTargetForAllThatWereStartedByHand)
{
    startEngine();
    const auto library = attach("");
    EXPECT_EQ(engine->start(request("")).error().code, ErrorCode::BadInput);
    EXPECT_TRUE(engine->start(request("p" + std::to_string(getpid()))));
}

TEST_F(CaptureEngineTest, RecordsSeveralWindowsAsReportsOfOneSession)
{
    startEngine();
    const auto library = attach();
    auto wanted = request();
    wanted.windowCount = 3;
    wanted.durationNs = 1'000'000;
    const std::string id = start(wanted);
    for (int i = 0; i < 3; ++i) {
        library->open();
        library->close();
    }
    const auto status = finished(id);
    EXPECT_EQ(status.state, proto::CaptureState::Done);
    ASSERT_EQ(status.reportNames.size(), 3U);
    EXPECT_EQ(std::set(status.reportNames.begin(), status.reportNames.end()).size(), 3U);
    for (const std::string& name : status.reportNames)
        EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
    EXPECT_EQ(meta(status.reportNames[1], report::meta::kSessionWindow), "2");
    EXPECT_EQ(meta(status.reportNames[1], report::meta::kSessionWindows), "3");
    EXPECT_EQ(meta(status.reportNames[1], report::meta::kSession), meta(status.reportNames[0], report::meta::kSession));
}

TEST_F(CaptureEngineTest, LetsASecondClientQueueBehindTheFirstAndTellsBothWhoRecords)
{
    startEngine();
    const auto library = attach();
    auto first = request();
    first.clientName = "alice@desk";
    const std::string firstId = start(first);
    library->open();
    auto second = request();
    second.clientName = "bob@desk";
    const auto refused = engine->start(second);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Busy);
    EXPECT_THAT(refused.error().message, HasSubstr("alice@desk"));
    second.mayQueue = true;
    const std::string secondId = start(second);
    EXPECT_EQ(engine->status(secondId)->state, proto::CaptureState::Queued);
    EXPECT_EQ(engine->status(secondId)->waitsFor, "alice@desk");
    ASSERT_TRUE(engine->stop(firstId));
    library->close();
    library->open();
    EXPECT_TRUE(waitForState(secondId, proto::CaptureState::Capturing));
    EXPECT_EQ(finished(firstId).state, proto::CaptureState::Done);
}

// Without a period the next window of a series began before anybody who had queued meanwhile.
TEST_F(CaptureEngineTest, AQueuedClientGoesBeforeTheNextWindowOfASeries)
{
    startEngine();
    const auto library = attach();
    auto series = request();
    series.windowCount = 2;
    const std::string seriesId = opened(series, *library);
    auto queued = request();
    queued.mayQueue = true;
    const std::string queuedId = start(queued);
    library->sendClosed(); // the first window is over by its time
    library->open();
    EXPECT_TRUE(waitForState(queuedId, proto::CaptureState::Capturing));
    EXPECT_EQ(engine->status(seriesId)->state, proto::CaptureState::Queued);
    ASSERT_TRUE(engine->stop(queuedId));
    library->close();
    library->open();
    EXPECT_TRUE(waitForState(seriesId, proto::CaptureState::Capturing));
    EXPECT_EQ(engine->status(seriesId)->windowsBegun, 2U);
}

TEST_F(CaptureEngineTest, EndsAWindowThatNobodyAskedFor)
{
    startEngine();
    const auto library = attach();
    library->windowId = 7;
    library->sendOpened(); // as of a trigger that was taken back meanwhile
    library->awaitClose();
}

TEST_F(CaptureEngineTest, BeginsAWindowWhenItIsDueAndLetsOthersRecordBefore)
{
    startEngine();
    const auto library = attach();
    auto later = request();
    later.delayNs = 3'600'000'000'000;
    const std::string laterId = start(later);
    EXPECT_EQ(engine->status(laterId)->state, proto::CaptureState::Waiting);
    EXPECT_GT(engine->status(laterId)->waitsNs, 3'000'000'000'000);
    EXPECT_EQ(capture(*library, [] {}).state, proto::CaptureState::Done);
    ASSERT_TRUE(engine->stop(laterId));
    EXPECT_EQ(finished(laterId).state, proto::CaptureState::Done) << "a capture that is called off has not failed";
    EXPECT_TRUE(finished(laterId).reportNames.empty());

    later.delayNs = 20'000'000;
    const std::string soonId = start(later);
    library->open();
    EXPECT_TRUE(waitForState(soonId, proto::CaptureState::Capturing));
}

TEST_F(CaptureEngineTest, EndsAWindowAfterSoManyBytesOrIterations)
{
    startEngine();
    const auto library = attach();
    auto wanted = request();
    wanted.maxBytes = 4096;
    std::string id = opened(wanted, *library);
    records::ThreadCursor cursor{};
    for (std::uint64_t range = 1; range <= 100; ++range)
        library->range(cursor, records::RecordType::NvtxStart, range);
    library->close();
    EXPECT_GE(finished(id).bytes, 4096U);

    wanted.maxBytes = 0;
    wanted.maxIterations = 2;
    wanted.iterationRange = "step";
    id = opened(wanted, *library);
    for (std::uint64_t push = 1; push <= 2; ++push) {
        records::NvtxRecord step{};
        step.tid = kTid;
        step.rangeId = push;
        step.textLength = 4;
        library->write(cursor, records::RecordType::NvtxPush, step, "step");
        step.textLength = 0;
        library->write(cursor, records::RecordType::NvtxPop, step);
    }
    library->close();
    EXPECT_EQ(finished(id).state, proto::CaptureState::Done);
}

TEST_F(CaptureEngineTest, ARangeInOneProcessOpensTheWindowInItsSiblings)
{
    startEngine();
    const auto leader = attach(), sibling = attach();
    auto wanted = request();
    wanted.trigger = proto::CaptureTrigger::NvtxRange;
    wanted.triggerRange = "step@engine";
    wanted.windowCount = 2;
    const std::string id = start(wanted);
    EXPECT_EQ(engine->status(id)->state, proto::CaptureState::Armed);
    const auto armed = leader->awaitTrigger();
    EXPECT_STREQ(armed.triggerMessage, "step");
    EXPECT_STREQ(armed.triggerDomain, "engine");
    EXPECT_EQ(sibling->awaitTrigger().windowId, armed.windowId);
    for (std::uint32_t i = 0; i < 2; ++i) {
        leader->windowId = armed.windowId + i;
        leader->region->clearLosses();
        leader->sendOpened(); // the range begins
        records::ThreadCursor cursor{};
        leader->range(cursor, records::RecordType::NvtxStart, 1);
        leader->sendClosed(); // and is over before anybody else has begun
        sibling->open();
        EXPECT_EQ(sibling->windowId, armed.windowId + i);
        sibling->close();
    }
    const auto status = finished(id);
    EXPECT_EQ(status.state, proto::CaptureState::Done);
    EXPECT_EQ(status.windowsBegun, 2U);
    ASSERT_EQ(status.reportNames.size(), 2U);
    EXPECT_EQ(meta(status.reportNames[1], report::meta::kSessionWindow), "2");
}

TEST_F(CaptureEngineTest, AProcessThatStartsInsideOfAWindowTakesPart)
{
    startEngine();
    const auto first = attach();
    const std::string id = start(request());
    first->open();
    ASSERT_TRUE(waitForState(id, proto::CaptureState::Capturing));
    FakeLibrary late(folder / "capture.sock", "t1");
    late.open();
    records::ThreadCursor cursor{};
    late.range(cursor, records::RecordType::NvtxStart, 1);
    ASSERT_TRUE(test::eventually([&] { return engine->status(id)->events == 1; }));
    EXPECT_EQ(engine->status(id)->processes, 2U);
    ASSERT_TRUE(engine->stop(id));
    for (FakeLibrary* library : {first.get(), &late}) {
        library->close();
    }
    EXPECT_EQ(finished(id).state, proto::CaptureState::Done);
}

TEST_F(CaptureEngineTest, AWindowThatAwaitsItsTargetBeginsWithItsFirstProcess)
{
    startEngine();
    auto wanted = request("t7");
    wanted.awaitNs = 60'000'000'000;
    const std::string id = start(wanted);
    EXPECT_EQ(engine->status(id)->state, proto::CaptureState::Waiting);
    FakeLibrary library(folder / "capture.sock", "t7");
    library.open(); // its first word from the daemon
    EXPECT_TRUE(waitForState(id, proto::CaptureState::Capturing));
}

TEST_F(CaptureEngineTest, RefusesWhatCannotBe)
{
    startEngine();
    const auto library = attach();
    const auto refused = [&](auto change) {
        auto wanted = request();
        change(wanted);
        const auto started = engine->start(wanted);
        return started ? std::string("it was started") : std::string(name(started.error().code));
    };
    EXPECT_EQ(refused([](auto& r) { r.windowCount = 10'001; }), name(ErrorCode::BadInput));
    EXPECT_EQ(refused([](auto& r) { r.periodNs = -1; }), name(ErrorCode::BadInput));
    EXPECT_EQ(refused([](auto& r) { r.trigger = proto::CaptureTrigger::NvtxRange; }), name(ErrorCode::BadInput));
    EXPECT_EQ(refused([](auto& r) { r.ringNs = 3'600'000'000'000; }), name(ErrorCode::BadInput));
    EXPECT_EQ(engine->save("c99", 0, "").error().code, ErrorCode::NotFound);
}

TEST_F(CaptureEngineTest, OutlivesAnExceptionAndFailsTheWindow)
{
    std::atomic<bool> throws = true;
    CaptureEngine::Options options;
    options.nodeSnapshot = [&]() -> std::map<std::string, std::string> {
        if (throws)
            throw std::runtime_error("no memory");
        return {};
    };
    startEngine(std::move(options));
    const auto library = attach();
    const auto failed = capture(*library, [] {});
    EXPECT_EQ(failed.state, proto::CaptureState::Failed);
    EXPECT_THAT(failed.message, HasSubstr("no memory"));
    throws = false;
    EXPECT_EQ(capture(*library, [] {}).state, proto::CaptureState::Done);
}

} // namespace
} // namespace gantry::node
