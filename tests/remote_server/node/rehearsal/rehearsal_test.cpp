#include "remote_server/node/rehearsal/rehearsal.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/report_retention.h"
#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gtest/gtest.h>

namespace gantry::node {
namespace {

/// A recording with a target and a report, played with faults.
class RehearsalTest : public testing::Test
{
protected:
    RehearsalTest()
    {
        std::filesystem::create_directories(folder / "recording/reports");
        std::filesystem::create_directory(folder / "reports");
        EXPECT_TRUE(
            test::writeEventScript("window 0..1000\nkernel gpu0/stream7 gemm 100..400 corr 1\n", folder / "recording/reports/r.gantry"));
        proto::NodeRecording recording;
        recording.title = "a test";
        recording.recordedUtcNs = 1;
        recording.lengthNs = 1'000'000'000;
        proto::Target target;
        target.id = "t1";
        target.name = "serve";
        target.argv = {"serve"};
        target.state = proto::TargetState::Running;
        recording.targets.push_back(target);
        recording.reports.push_back({"reports/r.gantry", "serve"});
        EXPECT_TRUE(proto::writeRecording(folder / "recording", recording));
    }
    std::unique_ptr<Rehearsal> play(const std::string& faults)
    {
        test::writeFile(folder / "faults", faults);
        auto rehearsal = Rehearsal::create({folder / "recording", 0, folder / "faults", folder / "reports", nullptr});
        EXPECT_TRUE(rehearsal) << rehearsal.error().text();
        return rehearsal ? std::move(*rehearsal) : nullptr;
    }

    test::TemporaryFolder folder;
};

TEST_F(RehearsalTest, AWindowOpensAtTheInstantOfTheClockThatClientsAreTold)
{
    constexpr DurationNs kWait = 60'000'000'000;
    for (const char* fault : {"clock=+30s", "clock=-30s", ""}) {
        const auto rehearsal = play(fault);
        ASSERT_TRUE(rehearsal);
        proto::CaptureRequest request;
        request.targetId = "t1";
        request.durationNs = 1'000'000;
        request.windowCount = 1;
        request.startUtcNs = rehearsal->utcNow() + kWait;
        const auto started = rehearsal->engine().start(request);
        ASSERT_TRUE(started) << started.error().text();
        proto::CaptureStatus status = *started;
        for (int i = 0; i < 50 && status.waitsNs == 0; ++i)
            status = *rehearsal->engine().waitForChange(started->captureId, status, std::chrono::milliseconds(100));
        EXPECT_LE(status.waitsNs, kWait) << fault;
        EXPECT_GT(status.waitsNs, kWait - 20'000'000'000) << fault;
        EXPECT_TRUE(rehearsal->engine().stop(started->captureId));
    }
}

TEST_F(RehearsalTest, AFullDiskIsToldWhereverRoomIsTold)
{
    for (const bool isFull : {true, false}) {
        const auto rehearsal = play(isFull ? "disk-full=on" : "disk-full=off");
        ASSERT_TRUE(rehearsal);
        ReportStore store(folder / "reports");
        ReportRetention::Options options;
        options.diskRoom = [&](const std::filesystem::path& path) { return rehearsal->diskRoom(path); };
        ReportRetention retention(store, std::move(options));
        ASSERT_TRUE(retention.shelf().diskFreeBytes);
        EXPECT_EQ(*retention.shelf().diskFreeBytes == 0, isFull);
        EXPECT_EQ(rehearsal->info().diskFreeBytes == 0U, isFull);
        EXPECT_EQ(retention.roomForCapture().hasValue(), !isFull);
    }
}

} // namespace
} // namespace gantry::node
