#include "trace_model/analysis/kernel_stats.h"

#include "tests/support/event_script.h"
#include "trace_model/trace/trace_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using trace::EventId;
using trace::EventKind;

class ActivityTable : public testing::Test
{
protected:
    void SetUp() override
    {
        m_trace = test::traceOf(
            "window 0..1000\n"
            "kernel gpu0/stream7 gemm 100..130 corr 1\n"
            "kernel gpu0/stream7 gemm 200..260 corr 2\n"
            "kernel gpu0/stream7 gemm 300..360 corr 3\n"
            "kernel gpu0/stream13 softmax 150..190 corr 4\n"
            "memcpy gpu0/stream7 HtoD pageable 40..60 bytes 4096 corr 5\n"
            "memset gpu0/stream7 70..75 bytes 64 corr 6\n"
            "request 1 model bert:1 0..100 queue 0..40\n"
            "request 2 model add_sub:1 0..10 queue 0..4\n");
    }

    static std::vector<std::string> names(const std::vector<ActivityRow>& rows)
    {
        std::vector<std::string> texts;
        for (const ActivityRow& row : rows)
            texts.push_back(row.title() + " " + std::to_string(row.duration.count));
        return texts;
    }

    std::shared_ptr<const trace::Trace> m_trace;
};

TEST_F(ActivityTable, PointsToTheFirstOfTheLongestEventsOfEachRow)
{
    const auto rows = activityTable(*m_trace, GroupBy::Kernel);
    ASSERT_THAT(names(rows), ElementsAre("gemm 3", "softmax 1"));
    EXPECT_EQ(m_trace->timeOf(rows[0].longest), (TimeRange{200, 260}));
    EXPECT_EQ(m_trace->nameOf(rows[1].longest), "softmax");
}

TEST_F(ActivityTable, TakesTheKindsOfAStreamTogether)
{
    const auto rows = activityTable(*m_trace, GroupBy::Stream);
    ASSERT_THAT(names(rows), ElementsAre("GPU 0 context 1 stream 7 5", "GPU 0 context 1 stream 13 1"));
    EXPECT_EQ(rows[0].bytes, 4160u);
    EXPECT_EQ(rows[0].longest.kind(), EventKind::Kernel);
}

TEST_F(ActivityTable, CountsOnlyWhatLiesInTheWindow)
{
    EXPECT_THAT(names(activityTable(*m_trace, GroupBy::Kernel, TimeRange{120, 200})), ElementsAre("softmax 1", "gemm 1"));
    EXPECT_THAT(activityTable(*m_trace, GroupBy::Kernel, TimeRange{500, 600}), IsEmpty());
}

// A kernel that ends where the window starts was counted: the window is half-open, and so is the kernel.
TEST_F(ActivityTable, LeavesOutWhatOnlyTouchesTheWindow)
{
    EXPECT_THAT(names(activityTable(*m_trace, GroupBy::Kernel, TimeRange{130, 150})), IsEmpty());
    EXPECT_THAT(names(activityTable(*m_trace, GroupBy::Kernel, TimeRange{260, 301})), ElementsAre("gemm 1"));
}

TEST_F(ActivityTable, NamesTheModelOfAPhaseAndCountsARequestOnce)
{
    EXPECT_THAT(names(activityTable(*m_trace, GroupBy::Phase)), ElementsAre("bert outside 1", "bert queue 1", "add_sub outside 1", "add_sub queue 1"));
}

TEST(StatisticsOfSynchronizations, AreByWhatWasWaitedFor)
{
    trace::TraceBuilder builder;
    builder.beginFile("report.sqlite");
    importing::RowSink& rows = builder.rows();
    const auto add = [&](TimestampNs start, TimestampNs end, trace::SyncType type) {
        report::SynchronizationRow row;
        row.start = start;
        row.end = end;
        row.syncType = static_cast<std::uint8_t>(type);
        rows.add(row);
    };
    add(0, 100, trace::SyncType::StreamSync);
    add(200, 210, trace::SyncType::EventSync);
    add(300, 500, trace::SyncType::StreamSync);
    const auto trace = builder.finish({});
    ASSERT_TRUE(trace);
    const auto table = activityTable(**trace, *groupByFromName("synchronization"));
    ASSERT_EQ(table.size(), 2u);
    EXPECT_EQ(table[0].name, trace::name(trace::SyncType::StreamSync));
    EXPECT_EQ(table[0].duration.count, 2u);
    EXPECT_EQ(table[0].duration.total, 300);
    EXPECT_EQ((*trace)->timeOf(table[0].longest), (TimeRange{300, 500}));
}

TEST(StreamTable, AStreamHasTheNameThatItsProgramGaveIt)
{
    trace::TraceBuilder builder;
    builder.beginFile("report.sqlite");
    for (const std::uint32_t stream : {7, 13}) {
        report::KernelRow row;
        row.start = stream;
        row.end = stream + 100;
        row.contextId = 1;
        row.streamId = stream;
        builder.rows().add(row);
    }
    builder.nameStream(0, 0, 1, 7, "Stream 7 · default");
    builder.nameStream(0, 0, 1, 13, "decode · stream 13");
    const auto trace = builder.finish({});
    ASSERT_TRUE(trace);
    std::vector<std::string> names;
    for (const ActivityRow& row : activityTable(**trace, GroupBy::Stream))
        names.push_back(row.name);
    EXPECT_THAT(names, testing::UnorderedElementsAre("GPU 0 context 1 stream 7", "GPU 0 context 1 · decode · stream 13"));
}

// Streams of two processes with the same numbers, and two of one process with the same name, were one line.
TEST(StreamTable, StreamsThatShareANameAreLinesOfTheirOwn)
{
    constexpr std::uint64_t kFirst = 11ull << 24, kSecond = 22ull << 24; // processes 11 and 22
    trace::TraceBuilder builder;
    builder.beginFile("report.sqlite");
    for (const auto& [process, stream] : {std::pair(kFirst, 7u), std::pair(kSecond, 7u), std::pair(kFirst, 13u), std::pair(kFirst, 14u)}) {
        report::KernelRow row;
        row.start = stream;
        row.end = stream + 100;
        row.globalPid = process;
        row.contextId = 1;
        row.streamId = stream;
        builder.rows().add(row);
    }
    builder.nameStream(kFirst, 0, 1, 13, "decode");
    builder.nameStream(kFirst, 0, 1, 14, "decode");
    const auto trace = builder.finish({});
    ASSERT_TRUE(trace);
    std::vector<std::string> names;
    for (const ActivityRow& row : activityTable(**trace, GroupBy::Stream)) {
        names.push_back(row.name);
        EXPECT_EQ(row.duration.count, 1u) << row.name;
    }
    EXPECT_THAT(names, testing::UnorderedElementsAre("GPU 0 context 1 stream 7 · process 11", "GPU 0 context 1 stream 7 · process 22",
                                                     "GPU 0 context 1 · decode · stream 13", "GPU 0 context 1 · decode · stream 14"));
}

} // namespace
} // namespace gantry::analysis
