#include "app/remote/node_session.h"

#include "tests/app/remote/fake_node.h"
#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"
#include "trace_model/report/database.h"
#include "trace_model/report/meta_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace gantry::app {
namespace {

using test::FakeNode;
using testing::HasSubstr;

std::int64_t utcNow()
{
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

/// Nodes in this process, whose windows end at once with the same small report.
class NodeSession : public testing::Test
{
protected:
    NodeSession()
    {
        EXPECT_TRUE(test::writeEventScript("window 0..1000\nkernel gpu0/stream7 gemm 100..400 corr 1\n", folder / "made.gantry"));
    }
    [[nodiscard]] FakeNode::Behaviour behaviour(std::int64_t clockOffsetNs) const
    {
        FakeNode::Behaviour result;
        result.reportData = test::readFile(folder / "made.gantry");
        result.chunkBytes = 100'000;
        result.clockOffsetNs = clockOffsetNs;
        return result;
    }
    [[nodiscard]] SessionMember member(const FakeNode& node, const std::string& file, const std::string& target = "t1") const
    {
        auto client = NodeClient::connect(node.address(), "test");
        EXPECT_TRUE(client) << client.error().text();
        return {*client, target, folder / file};
    }
    [[nodiscard]] static std::map<std::string, std::string> metaOf(const std::filesystem::path& report)
    {
        std::map<std::string, std::string> meta;
        const auto database = report::Database::open(report);
        if (auto rows = database->rows("META_DATA_CAPTURE", {"name", "value"}))
            while (rows->next())
                meta[std::string(rows->text(0))] = rows->text(1);
        return meta;
    }
    static proto::CaptureRequest request()
    {
        proto::CaptureRequest result;
        result.durationNs = 1'000'000;
        return result;
    }

    test::TemporaryFolder folder;
};

TEST_F(NodeSession, OpensWindowsAtOneInstantOfEachNodesOwnClockAndPutsTheirReportsOnOurs)
{
    constexpr std::int64_t kAhead = 100'000'000'000, kBehind = -7'000'000'000;
    const FakeNode ahead(behaviour(kAhead)), behind(behaviour(kBehind));
    const auto results = captureTogether({member(ahead, "ahead.gantry"), member(behind, "behind.gantry")}, request(), {});
    ASSERT_EQ(results.size(), 2U);
    for (const auto& result : results)
        ASSERT_TRUE(result) << result.error().text();
    const auto first = ahead.lastStart(), second = behind.lastStart();
    EXPECT_NE(first.utcNs, 0);
    EXPECT_LT(std::abs((first.utcNs - kAhead) - (second.utcNs - kBehind)), 50'000'000) << "the same instant, but for errors of measuring";
    EXPECT_LT(std::abs(first.utcNs - kAhead - utcNow()), 60'000'000'000);
    EXPECT_FALSE(first.session.empty());
    EXPECT_EQ(first.session, second.session);
    EXPECT_EQ(first.sessionNodes, 2U);
    const std::int64_t offsets[] = {-kAhead, -kBehind};
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(results[i]->clock) << results[i]->whyNoClock;
        EXPECT_LE(std::abs(results[i]->clock->offsetNs - offsets[i]), results[i]->clock->errorNs)
            << "the stated error holds the true offset";
        const auto meta = metaOf(results[i]->fetched.path);
        EXPECT_EQ(meta.at(report::meta::kSharedClockOffsetNs), std::to_string(results[i]->clock->offsetNs));
        EXPECT_EQ(meta.at(report::meta::kSharedClockErrorNs), std::to_string(results[i]->clock->errorNs));
    }
}

TEST_F(NodeSession, ANodeThatRefusesOrIsGoneDoesNotSpoilTheOthers)
{
    FakeNode::Behaviour failing = behaviour(0);
    failing.captureError = "target_gone";
    const FakeNode good(behaviour(0)), busy(behaviour(0)), failed(failing);
    FakeNode gone(behaviour(0));
    const std::vector<SessionMember> members{member(good, "good.gantry"), member(busy, "busy.gantry", "busy"), member(gone, "gone.gantry"),
                                             member(failed, "failed.gantry")};
    gone.stop();
    const auto results = captureTogether(members, request(), {});
    ASSERT_TRUE(results[0]) << results[0].error().text();
    EXPECT_TRUE(std::filesystem::exists(folder / "good.gantry"));
    ASSERT_FALSE(results[1]);
    EXPECT_EQ(results[1].error().code, ErrorCode::Busy);
    ASSERT_FALSE(results[2]);
    EXPECT_EQ(results[2].error().code, ErrorCode::Unreachable);
    ASSERT_FALSE(results[3]);
    EXPECT_EQ(results[3].error().code, ErrorCode::TargetGone);
    EXPECT_EQ(good.lastStart().sessionNodes, 3U) << "of those that answered before the windows opened";
}

TEST_F(NodeSession, AClockThatIsSetMeanwhileIsSaidInsteadOfAnOffset)
{
    FakeNode::Behaviour set = behaviour(0);
    set.clockSetAfter = 16; // the measurement before the window is over
    const FakeNode node(set);
    const auto results = captureTogether({member(node, "r.gantry")}, request(), {});
    ASSERT_TRUE(results[0]) << results[0].error().text();
    EXPECT_FALSE(results[0]->clock);
    EXPECT_THAT(results[0]->whyNoClock, HasSubstr("was set"));
    EXPECT_FALSE(metaOf(results[0]->fetched.path).contains(report::meta::kSharedClockOffsetNs));
}

TEST_F(NodeSession, IsGivenUpBeforeAWindowOpens)
{
    const FakeNode node(behaviour(0));
    std::stop_source giveUp;
    giveUp.request_stop();
    SessionWatch watch;
    watch.giveUp = giveUp.get_token();
    const auto results = captureTogether({member(node, "r.gantry")}, request(), watch);
    ASSERT_FALSE(results[0]);
    EXPECT_EQ(results[0].error().code, ErrorCode::Cancelled);
    EXPECT_EQ(node.lastStart().utcNs, 0) << "no window was asked for";
}

TEST_F(NodeSession, AFolderGetsTheReportUnderItsNameOnTheNode)
{
    const FakeNode node(behaviour(0));
    std::filesystem::create_directory(folder / "reports");
    const auto results = captureTogether({member(node, "reports")}, request(), {});
    ASSERT_TRUE(results[0]) << results[0].error().text();
    EXPECT_EQ(results[0]->fetched.path, folder / "reports/a.gantry");
}

} // namespace
} // namespace gantry::app
