// Windows that the nsys of this machine records of a program with NVTX ranges, through a real gantryd.

#include "tests/support/node_fixture.h"
#include "trace_model/import/nsys_export.h"
#include "trace_model/import/nsys_program.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/trace/trace_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <csignal>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;
using test::NodeFixture;
using testing::HasSubstr;

const test::Programs kPrograms{GANTRYD, {}, GANTRYCTL, NVTX_LOOP};

class RecordingWithNsys : public testing::Test
{
protected:
    void SetUp() override
    {
        nsys = importing::findNsys(importing::NsysPlaces::ofThisMachine(), {});
        if (nsys.empty())
            GTEST_SKIP() << "nsys is not installed on this machine";
        node = std::make_unique<NodeFixture>(kPrograms);
    }
    [[nodiscard]] std::shared_ptr<const trace::Trace> open(const fs::path& path) const
    {
        const auto trace = trace::loadTrace(path);
        if (!trace)
            ADD_FAILURE() << trace.error().text();
        return trace ? *trace : std::make_shared<const trace::Trace>();
    }

    fs::path nsys;
    std::unique_ptr<NodeFixture> node;
};

TEST_F(RecordingWithNsys, MakesAReportForEachWindowWhileTheTargetGoesOn)
{
    const auto launched = node->gantryctl({"target", "launch", "--engine", "nsys", "--nsys-trace", "nvtx", "--", kPrograms.nvtxTarget});
    ASSERT_EQ(launched.exitStatus, 0) << launched.err;
    const fs::path out = node->folder() / "w.gantry";
    const auto captured =
        node->gantryctl({"capture", "--engine", "nsys", "--for", "300ms", "--repeat", "2", "--label", "by nsys", "-o", out.string()});
    ASSERT_EQ(captured.exitStatus, 0) << captured.err;
    for (const char* name : {"w-1.gantry", "w-2.gantry"}) {
        const auto trace = open(node->folder() / name);
        EXPECT_GT(trace->nvtxRanges.size(), 20u) << name;
        EXPECT_EQ(trace->meta.title, "by nsys");
        EXPECT_THAT(trace->meta.settings.at(report::meta::kEngine), HasSubstr("nsys " + importing::nsysVersion(nsys)));
        EXPECT_THAT(trace->meta.settings.at(report::meta::kEngineCommands), HasSubstr(nsys.string() + " start --session="));
        const fs::path original = trace->meta.settings.at(report::meta::kOriginalFile);
        EXPECT_TRUE(importing::inspectNsysReport(original)) << "what Nsight Systems itself opens is kept";
    }
    const auto targets = node->connect()->targets();
    ASSERT_TRUE(targets);
    ASSERT_EQ(targets->size(), 1u);
    EXPECT_EQ(targets->front().state, proto::TargetState::Running);
}

TEST_F(RecordingWithNsys, KeepsWhatItRecordedOfATargetThatEnds)
{
    const auto client = node->connect();
    proto::LaunchRequest launch;
    launch.argv = {kPrograms.nvtxTarget};
    launch.engine = proto::EngineKind::Nsys;
    const auto target = client->launch(launch);
    ASSERT_TRUE(target) << target.error().text();
    proto::CaptureRequest request;
    request.engine = proto::EngineKind::Nsys;
    request.targetId = target->id;
    const auto started = client->startCapture(request);
    ASSERT_TRUE(started) << started.error().text();
    bool isEnded = false;
    const auto last =
        client->watchCapture(started->captureId,
                             [&](const proto::CaptureStatus& status) {
                                 if (status.state == proto::CaptureState::Capturing && status.elapsedNs > 200'000'000 && !isEnded) {
                                     isEnded = true;
                                     EXPECT_TRUE(node->connect()->stopTarget(target->id, 0));
                                 }
                             },
                             {});
    ASSERT_TRUE(last) << last.error().text();
    EXPECT_EQ(last->state, proto::CaptureState::Done) << last->message;
    EXPECT_TRUE(last->targetExited);
    ASSERT_EQ(last->reportNames.size(), 1u);
    EXPECT_GT(open(node->reportFolder() / last->reportName)->nvtxRanges.size(), 20u);
}

TEST_F(RecordingWithNsys, ShowsTheCommandsBeforehand)
{
    const auto shown = node->gantryctl(
        {"capture", "--engine", "nsys", "--for", "1s", "--dry-run", "--json", "--launch", "--", kPrograms.nvtxTarget, "--fast"});
    ASSERT_EQ(shown.exitStatus, 0) << shown.err;
    const auto commands = nlohmann::json::parse(shown.out).at("commands").get<std::vector<std::string>>();
    ASSERT_GE(commands.size(), 4u);
    EXPECT_THAT(commands[0], HasSubstr(nsys.string() + " launch --session-new="));
    EXPECT_THAT(commands[0], HasSubstr(kPrograms.nvtxTarget + " --fast"));
    EXPECT_THAT(commands[1], HasSubstr(" start --session="));
    EXPECT_THAT(commands[2], HasSubstr(" stop --session="));
    EXPECT_TRUE(node->connect()->targets()->empty()) << "nothing was started";
}

TEST_F(RecordingWithNsys, SaysWhatToDoWithATargetThatRunsWithoutIt)
{
    proto::LaunchRequest launch;
    launch.argv = {"/bin/sleep", "1000"};
    launch.inject = false;
    const auto target = node->connect()->launch(launch);
    ASSERT_TRUE(target);
    const auto refused = node->gantryctl({"capture", "--engine", "nsys", "--for", "1s", "--target", target->id});
    EXPECT_NE(refused.exitStatus, 0);
    EXPECT_THAT(refused.err, HasSubstr("cannot attach to a program that runs: launch it with `gantryctl target launch --engine nsys`"));
}

} // namespace
} // namespace gantry::node
