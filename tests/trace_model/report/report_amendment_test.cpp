#include "trace_model/report/report_amendment.h"

#include "tests/support/temporary_folder.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/report_writer.h"
#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace gantry::report {
namespace {

class ReportAmendment : public testing::Test
{
protected:
    void SetUp() override
    {
        auto writer = ReportWriter::create(m_path);
        ASSERT_TRUE(writer);
        writer->add(ProcessRow{42ULL << 24, 42, "server"});
        ReportWriter::Session session;
        session.window = {0, 1000};
        session.meta = {{meta::kLabel, "a"}, {meta::kWindowCostRatio, "-0.5"}, {meta::kCostWhyNoAfter, "it was still to come"}};
        ASSERT_TRUE(writer->finish(session));
    }

    std::shared_ptr<const trace::Trace> loaded()
    {
        auto trace = trace::loadTrace(m_path);
        EXPECT_TRUE(trace) << trace.error().text();
        return *trace;
    }

    test::TemporaryFolder m_folder;
    std::filesystem::path m_path = m_folder / "a.gantry";
};

TEST_F(ReportAmendment, ChangesAddsAndTakesAwayRowsAndNothingElse)
{
    ASSERT_TRUE(amendReport(m_path, {{meta::kWindowCostRatio, "-0.25"}, {meta::kCostWhyNoAfter, ""}, {meta::kCostTargetCpuNs, "7"}}));
    const auto trace = loaded();
    EXPECT_EQ(trace->meta.windowCostRatio, -0.25);
    EXPECT_EQ(trace->meta.settings.count(meta::kCostWhyNoAfter), 0u);
    EXPECT_EQ(trace->meta.settings.at(meta::kCostTargetCpuNs), "7");
    EXPECT_EQ(trace->meta.title, "a");
    EXPECT_TRUE(trace->meta.complete) << "the number of rows that the report promises is there";
    EXPECT_TRUE(trace->meta.warnings.empty());
    const auto entries = std::distance(std::filesystem::directory_iterator(m_folder.path()), std::filesystem::directory_iterator());
    EXPECT_EQ(entries, 1) << "nothing is left beside it";
}

TEST_F(ReportAmendment, WhoReadsTheReportGoesOnReadingTheOneThatWasThere)
{
    std::ifstream reader(m_path, std::ios::binary);
    const auto size = std::filesystem::file_size(m_path);
    const auto changed = std::filesystem::last_write_time(m_path);
    std::ifstream before(m_path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(before), {}};
    ASSERT_TRUE(amendReport(m_path, {{meta::kWindowCostRatio, "-0.25"}}));
    const std::string read{std::istreambuf_iterator<char>(reader), {}};
    EXPECT_EQ(read, bytes);
    EXPECT_EQ(read.size(), size);
    EXPECT_GT(std::filesystem::last_write_time(m_path), changed) << "else a digest that is remembered would be taken for this one's";
    EXPECT_LT(std::filesystem::last_write_time(m_path), changed + std::chrono::milliseconds(1)) << "when it was captured stays";
}

TEST_F(ReportAmendment, AReportThatIsNotThereOrCannotBeReplacedStaysAsItIs)
{
    EXPECT_FALSE(amendReport(m_folder / "no.gantry", {{meta::kLabel, "b"}}));
    if (geteuid() == 0)
        GTEST_SKIP() << "root may write into any folder";
    std::filesystem::permissions(m_folder.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    const auto refused = amendReport(m_path, {{meta::kLabel, "b"}});
    std::filesystem::permissions(m_folder.path(), std::filesystem::perms::owner_all);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::CannotWrite);
    EXPECT_EQ(loaded()->meta.title, "a");
}

} // namespace
} // namespace gantry::report
