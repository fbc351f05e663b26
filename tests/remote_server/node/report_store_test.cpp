#include "remote_server/node/report_store.h"

#include "tests/support/temporary_folder.h"
#include "trace_model/base/digest.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/report_writer.h"

#include <gtest/gtest.h>

#include <fstream>

namespace gantry::node {
namespace {

void writeFile(const std::filesystem::path& path, const std::string& content)
{
    std::ofstream(path, std::ios::binary) << content;
}

TEST(ReportStore, ListsReportsWithWhatTheySayOfThemselves)
{
    const test::TemporaryFolder folder;
    auto writer = report::ReportWriter::create(folder / "a.gantry");
    ASSERT_TRUE(writer) << writer.error().text();
    report::ReportWriter::Session session;
    session.window = {0, 2'000'000'000};
    session.utcEpochNs = 1'795'370'251'000'000'000;
    session.meta[report::meta::kLabel] = "before the change";
    session.meta[report::meta::kTargetName] = "serve";
    ASSERT_TRUE(writer->finish(session));
    writeFile(folder / "notes.txt", "not a report");

    ReportStore store(folder.path());
    const auto reports = store.list();
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].name, "a.gantry");
    EXPECT_EQ(reports[0].label, "before the change");
    EXPECT_EQ(reports[0].targetName, "serve");
    EXPECT_EQ(reports[0].durationNs, 2'000'000'000);
    EXPECT_EQ(reports[0].beginUtcNs, 1'795'370'251'000'000'000);
    EXPECT_EQ(reports[0].sizeBytes, std::filesystem::file_size(folder / "a.gantry"));
    EXPECT_GT(reports[0].createdUtcNs, 0);
}

TEST(ReportStore, ListsADamagedReportByItsNameAndSize)
{
    const test::TemporaryFolder folder;
    writeFile(folder / "broken.gantry", "this is no database");
    ReportStore store(folder.path());
    const auto reports = store.list();
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].sizeBytes, 19U);
    EXPECT_EQ(reports[0].label, "");
}

TEST(ReportStore, ComputesTheChecksumAgainWhenTheFileIsAnotherOne)
{
    const test::TemporaryFolder folder;
    ReportStore store(folder.path());
    writeFile(folder / "a.gantry", "first");
    const auto first = store.info("a.gantry");
    ASSERT_TRUE(first);
    EXPECT_EQ(first->sha256, *sha256OfFile(folder / "a.gantry"));
    EXPECT_EQ(store.info("a.gantry")->sha256, first->sha256);
    writeFile(folder / "a.gantry", "another one");
    EXPECT_EQ(store.info("a.gantry")->sha256, *sha256OfFile(folder / "a.gantry"));
    EXPECT_NE(store.info("a.gantry")->sha256, first->sha256);
}

TEST(ReportStore, RefusesNamesThatLeadOutOfTheFolder)
{
    const test::TemporaryFolder folder;
    std::filesystem::create_directory(folder / "reports");
    writeFile(folder / "secret.gantry", "secret");
    std::filesystem::create_symlink(folder / "secret.gantry", folder / "reports" / "link.gantry");
    ReportStore store(folder / "reports");
    for (const char* name : {"../secret.gantry", "/etc/passwd", "..", ".", "", ".hidden.gantry", "a/b.gantry"}) {
        const auto info = store.info(name);
        ASSERT_FALSE(info) << name;
        EXPECT_EQ(info.error().code, ErrorCode::BadInput) << name;
        EXPECT_FALSE(store.remove(name)) << name;
    }
    EXPECT_EQ(store.info("link.gantry").error().code, ErrorCode::NotFound);
    EXPECT_EQ(store.info("absent.gantry").error().code, ErrorCode::NotFound);
    EXPECT_TRUE(std::filesystem::exists(folder / "secret.gantry"));
}

TEST(ReportStore, HandsOutAndRemovesReportsOnly)
{
    const test::TemporaryFolder folder; // may be one that holds other things
    writeFile(folder / "id_rsa", "secret");
    writeFile(folder / "a.gantry.txt", "notes");
    ReportStore store(folder.path());
    for (const char* name : {"id_rsa", "a.gantry.txt"}) {
        EXPECT_EQ(store.info(name).error().code, ErrorCode::BadInput) << name;
        EXPECT_FALSE(store.remove(name)) << name;
        EXPECT_TRUE(std::filesystem::exists(folder / name));
    }
}

TEST(ReportStore, RemovesAReport)
{
    const test::TemporaryFolder folder;
    writeFile(folder / "a.gantry", "x");
    ReportStore store(folder.path());
    EXPECT_TRUE(store.remove("a.gantry"));
    EXPECT_TRUE(store.list().empty());
    EXPECT_EQ(store.remove("a.gantry").error().code, ErrorCode::NotFound);
}

TEST(ReportStore, ListsNothingOfAFolderThatIsGone)
{
    const test::TemporaryFolder folder;
    ReportStore store(folder / "never made");
    EXPECT_TRUE(store.list().empty());
}

} // namespace
} // namespace gantry::node
