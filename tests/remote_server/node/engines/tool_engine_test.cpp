#include "remote_server/node/engines/capture_engines.h"

#include "tests/remote_server/node/fake_capture_engine.h"
#include "tests/support/child_process.h"
#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/trace/trace_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;
using test::eventually;
using testing::ElementsAre;
using testing::HasSubstr;

/// A tool whose windows hold one kernel.
class FakeTool final : public WindowTool
{
public:
    Result<std::vector<std::string>> plan(const proto::CaptureRequest& request) override
    {
        return std::vector{"record " + request.targetId};
    }
    Result<bool> isReady(const proto::CaptureRequest&) override
    {
        if (targetEnded)
            return Error{ErrorCode::TargetGone, "the target has ended", {}};
        return ready.load();
    }
    Result<void> open(ToolWindow&) override
    {
        if (!openFailure.empty())
            return Error{ErrorCode::Internal, openFailure, {}};
        ++opened;
        return {};
    }
    bool hasEnded(ToolWindow&) override { return targetEnded; }
    Result<void> close(ToolWindow&) override
    {
        ++closed;
        return {};
    }
    Result<ToolReport> report(ToolWindow& window) override
    {
        ToolReport made;
        made.report = window.folder / "r.sqlite";
        made.original = window.folder / "r.nsys-rep";
        test::writeFile(made.original, "as the tool wrote it");
        if (!test::writeEventScript("window 0..1000\nkernel gpu0/stream7 gemm 100..400 corr 1\n", made.report))
            return Error{ErrorCode::CannotWrite, "cannot write the report", {}};
        made.meta[report::meta::kEngine] = "fake 1.0";
        return made;
    }

    std::atomic<bool> ready{true}, targetEnded{false};
    std::atomic<int> opened{0}, closed{0};
    std::string openFailure;
};

class RecordingWithATool : public testing::Test
{
protected:
    RecordingWithATool()
    {
        auto fake = std::make_unique<FakeCaptureEngine>();
        native = fake.get();
        engines = std::make_unique<CaptureEngines>(std::move(fake));
        ToolEngine::Options options;
        options.reportFolder = reports;
        options.targetName = [](const std::string&) { return "serve"; };
        options.stopTarget = [this](const std::string& id) { stoppedTarget = id; };
        fs::create_directory(reports);
        engines->add(proto::EngineKind::Nsys, std::make_unique<ToolEngine>(options, tool));
    }
    [[nodiscard]] static proto::CaptureRequest request(DurationNs duration = 1'000'000)
    {
        proto::CaptureRequest asked;
        asked.engine = proto::EngineKind::Nsys;
        asked.targetId = "t1";
        asked.clientName = "alice@desk: gantry";
        asked.durationNs = duration;
        return asked;
    }
    [[nodiscard]] proto::CaptureStatus finished(const std::string& id) const
    {
        auto status = engines->status(id);
        for (int i = 0; i < 600 && status && !status->isFinished(); ++i)
            status = engines->waitForChange(id, *status, std::chrono::milliseconds(100));
        return status ? *status : proto::CaptureStatus();
    }

    test::TemporaryFolder folder;
    fs::path reports = folder / "reports";
    FakeTool tool;
    FakeCaptureEngine* native = nullptr;
    std::string stoppedTarget;
    std::unique_ptr<CaptureEngines> engines;
};

TEST_F(RecordingWithATool, MakesAReportThatSaysWhoRecordedItAndKeepsTheOriginal)
{
    proto::CaptureRequest asked = request();
    asked.label = "slow morning";
    const auto started = engines->start(asked);
    ASSERT_TRUE(started) << started.error().text();
    EXPECT_THAT(started->commands, ElementsAre("record t1"));
    const proto::CaptureStatus status = finished(started->captureId);
    ASSERT_EQ(status.state, proto::CaptureState::Done) << status.message;
    ASSERT_EQ(status.reportNames.size(), 1u);
    const fs::path report = reports / status.reportName;
    const auto trace = trace::loadTrace(report);
    ASSERT_TRUE(trace) << trace.error().text();
    EXPECT_EQ((*trace)->meta.title, "slow morning");
    EXPECT_EQ((*trace)->meta.targetName, "serve");
    EXPECT_EQ((*trace)->meta.settings.at(report::meta::kEngine), "fake 1.0");
    EXPECT_EQ(test::readFile(fs::path(report).replace_extension(".nsys-rep")), "as the tool wrote it");
    EXPECT_EQ(std::distance(fs::directory_iterator(reports), fs::directory_iterator()), 2) << "the folder for the work is gone";
}

TEST_F(RecordingWithATool, OpensAsManyWindowsAsWereAskedFor)
{
    proto::CaptureRequest asked = request();
    asked.windowCount = 3;
    asked.stopTarget = true;
    const auto started = engines->start(asked);
    ASSERT_TRUE(started);
    const proto::CaptureStatus status = finished(started->captureId);
    EXPECT_EQ(status.state, proto::CaptureState::Done) << status.message;
    EXPECT_EQ(status.reportNames.size(), 3u);
    EXPECT_EQ(status.windowsBegun, 3u);
    EXPECT_EQ(tool.opened, 3);
    EXPECT_EQ(tool.closed, 3);
    EXPECT_TRUE(eventually([&] { return stoppedTarget == "t1"; }));
}

TEST_F(RecordingWithATool, EndsAWindowWithoutLengthWhenItIsStopped)
{
    const auto started = engines->start(request(0));
    ASSERT_TRUE(started);
    ASSERT_TRUE(eventually([&] { return engines->status(started->captureId)->state == proto::CaptureState::Capturing; }));
    ASSERT_TRUE(engines->stop("")) << "of whichever engine records";
    const proto::CaptureStatus status = finished(started->captureId);
    EXPECT_EQ(status.state, proto::CaptureState::Done);
    EXPECT_EQ(status.reportNames.size(), 1u);
}

TEST_F(RecordingWithATool, KeepsWhatWasRecordedWhenTheTargetEnds)
{
    const auto started = engines->start(request(0));
    ASSERT_TRUE(started);
    ASSERT_TRUE(eventually([&] { return engines->status(started->captureId)->state == proto::CaptureState::Capturing; }));
    tool.targetEnded = true;
    const proto::CaptureStatus status = finished(started->captureId);
    EXPECT_EQ(status.state, proto::CaptureState::Done);
    EXPECT_TRUE(status.targetExited);
    EXPECT_THAT(status.message, HasSubstr("ended inside the window"));
}

TEST_F(RecordingWithATool, WaitsForATargetThatIsNotReady)
{
    tool.ready = false;
    const auto started = engines->start(request());
    ASSERT_TRUE(started);
    ASSERT_TRUE(eventually([&] { return engines->status(started->captureId)->state == proto::CaptureState::Waiting; }));
    EXPECT_EQ(tool.opened, 0);
    tool.ready = true;
    EXPECT_EQ(finished(started->captureId).reportNames.size(), 1u);
}

TEST_F(RecordingWithATool, SaysWhyAWindowDidNotOpenAndLeavesNothingBehind)
{
    tool.openFailure = "CUPTI is held by another";
    proto::CaptureRequest asked = request();
    asked.windowCount = 5;
    const auto started = engines->start(asked);
    ASSERT_TRUE(started);
    const proto::CaptureStatus status = finished(started->captureId);
    EXPECT_EQ(status.state, proto::CaptureState::Failed);
    EXPECT_THAT(status.message, HasSubstr("held by another"));
    EXPECT_EQ(status.windowsBegun, 1u) << "the next one would fail in the same way";
    EXPECT_TRUE(fs::is_empty(reports));
}

TEST_F(RecordingWithATool, AsksTheTargetForNothingWhereNoReportCanBeWritten)
{
    fs::remove(reports);
    const auto started = engines->start(request());
    ASSERT_TRUE(started);
    const proto::CaptureStatus status = finished(started->captureId);
    EXPECT_EQ(status.state, proto::CaptureState::Failed);
    EXPECT_EQ(status.error, "cannot_write");
    EXPECT_EQ(tool.opened, 0);
}

TEST_F(RecordingWithATool, NamesWhoRecordsWithAnotherEngine)
{
    const auto started = engines->start(request(0));
    ASSERT_TRUE(started);
    proto::CaptureRequest ofGantry = request();
    ofGantry.engine = proto::EngineKind::Native;
    const auto refused = engines->start(ofGantry);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Busy);
    EXPECT_THAT(refused.error().message, HasSubstr("a capture of nsys is under way, held by alice@desk: gantry"));
    ASSERT_TRUE(engines->stop(started->captureId));
    static_cast<void>(finished(started->captureId));

    ASSERT_TRUE(engines->start(ofGantry));
    const auto second = engines->start(request());
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("a capture of gantry is under way"));
}

TEST_F(RecordingWithATool, ShowsWhatItWouldRunAndRunsNothing)
{
    proto::CaptureRequest asked = request();
    asked.isPlanOnly = true;
    const auto planned = engines->start(asked);
    ASSERT_TRUE(planned);
    EXPECT_THAT(planned->commands, ElementsAre("record t1"));
    EXPECT_TRUE(planned->captureId.empty());
    EXPECT_EQ(tool.opened, 0);
}

TEST_F(RecordingWithATool, RefusesWhatOnlyTheCaptureLibraryCan)
{
    proto::CaptureRequest asked = request();
    asked.maxRequests = 10;
    EXPECT_EQ(engines->start(asked).error().code, ErrorCode::BadInput);
    asked = request();
    asked.ringNs = 1'000'000'000;
    EXPECT_EQ(engines->start(asked).error().code, ErrorCode::BadInput);
    asked = request();
    asked.trigger = proto::CaptureTrigger::CudaProfiler;
    EXPECT_EQ(engines->start(asked).error().code, ErrorCode::BadInput);
    asked = request();
    asked.engine = proto::EngineKind::Kineto;
    EXPECT_EQ(engines->start(asked).error().code, ErrorCode::Unsupported) << "this node has none";
}

TEST_F(RecordingWithATool, GivesUpAnOpenWindowWithTheDaemon)
{
    ASSERT_TRUE(engines->start(request(0)));
    ASSERT_TRUE(eventually([&] { return tool.opened == 1; }));
    engines.reset();
    EXPECT_EQ(tool.closed, 1);
}

} // namespace
} // namespace gantry::node
