#include "trace_model/report/window_times.h"

#include "tests/support/temporary_folder.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/report_writer.h"

#include <gtest/gtest.h>

#include <fstream>

namespace gantry::report {
namespace {

std::filesystem::path written(const test::TemporaryFolder& folder, const ReportWriter::Session& session)
{
    const std::filesystem::path path = folder / "a.gantry";
    auto writer = ReportWriter::create(path);
    EXPECT_TRUE(writer);
    writer->add(ProcessRow{42ULL << 24, 42, "server"});
    EXPECT_TRUE(writer->finish(session));
    return path;
}

TEST(WindowTimes, AReportSaysWhenItsWindowWasOpenAndOfWhat)
{
    const test::TemporaryFolder folder;
    ReportWriter::Session session;
    session.utcEpochNs = 1'795'370'251'000'000'000;
    session.window = {-500, 2'000'000};
    session.meta = {{meta::kTargetName, "bert"}, {meta::kLabel, "before the change"}, {meta::kNodeSession, "two nodes"}};
    const auto times = readWindowTimes(written(folder, session));
    ASSERT_TRUE(times) << times.error().text();
    EXPECT_EQ(times->beginUtcNs, 1'795'370'250'999'999'500);
    EXPECT_EQ(times->durationNs, 2'000'500);
    EXPECT_EQ(times->targetName, "bert");
    EXPECT_EQ(times->label, "before the change");
    EXPECT_EQ(times->session, "two nodes");
    EXPECT_TRUE(times->areKnown());
}

TEST(WindowTimes, OneThatDoesNotKnowTheWallClockSaysTheRest)
{
    const test::TemporaryFolder folder;
    ReportWriter::Session session;
    session.window = {0, 1'000};
    session.meta = {{meta::kTargetName, "bert"}};
    const auto times = readWindowTimes(written(folder, session));
    ASSERT_TRUE(times) << times.error().text();
    EXPECT_FALSE(times->areKnown());
    EXPECT_EQ(times->beginUtcNs, 0);
    EXPECT_EQ(times->durationNs, 1'000);
    EXPECT_EQ(times->targetName, "bert");
}

TEST(WindowTimes, AnotherFileIsNoReport)
{
    const test::TemporaryFolder folder;
    std::ofstream(folder / "a.gantry") << "no report";
    EXPECT_FALSE(readWindowTimes(folder / "a.gantry"));
    EXPECT_FALSE(readWindowTimes(folder / "gone.gantry"));
}

} // namespace
} // namespace gantry::report
