#include "app/remote/report_fetcher.h"

#include "tests/app/remote/fake_node.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/base/digest.h"

#include <fcntl.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace gantry::app {
namespace {

using test::FakeNode;
using testing::HasSubstr;

std::string content(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string reportOf(std::size_t bytes)
{
    std::string data(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i)
        data[i] = static_cast<char>(i * 31 + i / 251);
    return data;
}

class ReportFetcher : public testing::Test
{
protected:
    [[nodiscard]] Result<FetchedReport> fetch(FakeNode& node, std::stop_token stop = {})
    {
        auto client = NodeClient::connect(node.address(), "test");
        if (!client)
            return client.error();
        return fetchReport(**client, "a.gantry", destination, progress, stop);
    }

    test::TemporaryFolder folder;
    std::filesystem::path destination = folder / "a.gantry";
    std::filesystem::path part = folder / "a.gantry.part";
    std::function<void(std::uint64_t, std::uint64_t)> progress;
};

// A node that was taken over could name a report "../../.bashrc".
TEST(LocalFileName, IsThatOfTheReportUnlessItLeadsElsewhere)
{
    EXPECT_EQ(localFileName("20261121-bert.gantry").value(), "20261121-bert.gantry");
    EXPECT_EQ(localFileName("ü .gantry").value(), "ü .gantry");
    for (const std::string& name : {std::string(), std::string("../../.bashrc"), std::string("/etc/passwd"), std::string(".."), std::string(".hidden"), std::string("a/b"),
                                    std::string("a\\b"), std::string("a\0b", 3)}) {
        const auto refused = localFileName(name);
        ASSERT_FALSE(refused) << name;
        EXPECT_EQ(refused.error().code, ErrorCode::BadInput);
    }
}

TEST_F(ReportFetcher, FetchesVerifiesAndLeavesNoPart)
{
    FakeNode::Behaviour behaviour;
    behaviour.reportData = reportOf(10'500);
    FakeNode node(behaviour);
    std::vector<std::uint64_t> steps;
    progress = [&](std::uint64_t bytes, std::uint64_t total) {
        steps.push_back(bytes);
        EXPECT_EQ(total, 10'500u);
    };
    const auto fetched = fetch(node);
    ASSERT_TRUE(fetched) << fetched.error().text();
    EXPECT_EQ(content(destination), behaviour.reportData);
    EXPECT_EQ(fetched->bytes, 10'500u);
    EXPECT_EQ(fetched->resumedFrom, 0u);
    EXPECT_EQ(fetched->sha256, *sha256OfFile(destination));
    EXPECT_FALSE(std::filesystem::exists(part));
    EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
    EXPECT_EQ(steps.front(), 0u);
    EXPECT_EQ(steps.back(), 10'500u);
    struct stat status{};
    ASSERT_EQ(::stat(destination.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(ReportFetcher, GoesOnWhereACutConnectionLeftOff)
{
    FakeNode::Behaviour behaviour;
    behaviour.reportData = reportOf(10'000);
    behaviour.cutAfterChunks = 4;
    FakeNode node(behaviour);
    const auto fetched = fetch(node);
    ASSERT_TRUE(fetched) << fetched.error().text();
    EXPECT_EQ(node.fetches(), 2);
    EXPECT_EQ(node.lastFetchOffset(), 4000u);
    EXPECT_EQ(content(destination), behaviour.reportData);
}

TEST_F(ReportFetcher, GoesOnFromThePartOfAnEarlierRun)
{
    FakeNode::Behaviour behaviour;
    behaviour.reportData = reportOf(10'000);
    FakeNode node(behaviour);
    std::ofstream(part, std::ios::binary) << behaviour.reportData.substr(0, 6543);
    const auto fetched = fetch(node);
    ASSERT_TRUE(fetched) << fetched.error().text();
    EXPECT_EQ(fetched->resumedFrom, 6543u);
    EXPECT_EQ(node.lastFetchOffset(), 6543u);
    EXPECT_EQ(content(destination), behaviour.reportData);
}

TEST_F(ReportFetcher, StartsOverWhenThePartBelongsToAnotherReport)
{
    FakeNode::Behaviour behaviour;
    behaviour.reportData = reportOf(10'000);
    FakeNode node(behaviour);
    std::ofstream(part, std::ios::binary) << std::string(5000, 'x');
    const auto fetched = fetch(node);
    ASSERT_TRUE(fetched) << fetched.error().text();
    EXPECT_EQ(fetched->resumedFrom, 0u);
    EXPECT_EQ(content(destination), behaviour.reportData);
}

TEST_F(ReportFetcher, StartsOverWhenThePartIsLongerThanTheReport)
{
    FakeNode::Behaviour behaviour;
    behaviour.reportData = reportOf(1000);
    FakeNode node(behaviour);
    std::ofstream(part, std::ios::binary) << std::string(5000, 'x');
    const auto fetched = fetch(node);
    ASSERT_TRUE(fetched) << fetched.error().text();
    EXPECT_EQ(fetched->resumedFrom, 0u);
    EXPECT_EQ(content(destination), behaviour.reportData);
}

TEST_F(ReportFetcher, AsksAgainForAChunkWhoseCrcDoesNotFit)
{
    FakeNode::Behaviour behaviour;
    behaviour.reportData = reportOf(10'000);
    behaviour.damagedChunk = 3;
    FakeNode node(behaviour);
    const auto fetched = fetch(node);
    ASSERT_TRUE(fetched) << fetched.error().text();
    EXPECT_EQ(node.lastFetchOffset(), 3000u) << "the damaged chunk itself was not kept";
    EXPECT_EQ(content(destination), behaviour.reportData);
}

TEST_F(ReportFetcher, ChecksumThatDoesNotFitRemovesWhatArrived)
{
    FakeNode::Behaviour behaviour;
    behaviour.reportData = reportOf(10'000);
    behaviour.announcedSha256 = std::string(64, '0');
    FakeNode node(behaviour);
    const auto fetched = fetch(node);
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().code, ErrorCode::BadInput);
    EXPECT_THAT(fetched.error().message, HasSubstr("arrived damaged"));
    EXPECT_FALSE(std::filesystem::exists(part));
    EXPECT_FALSE(std::filesystem::exists(destination));
}

TEST_F(ReportFetcher, UnknownReportIsNotFoundAndLeavesNoFile)
{
    FakeNode::Behaviour behaviour;
    behaviour.reportName = "b.gantry";
    FakeNode node(behaviour);
    const auto fetched = fetch(node);
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().code, ErrorCode::NotFound);
    EXPECT_THAT(fetched.error().message, HasSubstr("gantryctl report list"));
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(ReportFetcher, CancellingKeepsThePartForTheNextTime)
{
    FakeNode::Behaviour behaviour;
    behaviour.reportData = reportOf(10'000);
    FakeNode node(behaviour);
    std::stop_source stop;
    progress = [&](std::uint64_t bytes, std::uint64_t) {
        if (bytes >= 3000)
            stop.request_stop();
    };
    const auto fetched = fetch(node, stop.get_token());
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().code, ErrorCode::Cancelled);
    EXPECT_FALSE(std::filesystem::exists(destination));
    EXPECT_EQ(content(part), behaviour.reportData.substr(0, 3000));
    progress = {};
    const auto again = fetch(node);
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(again->resumedFrom, 3000u);
}

TEST_F(ReportFetcher, FolderThatIsNotThereCannotBeWritten)
{
    FakeNode::Behaviour behaviour;
    behaviour.reportData = reportOf(100);
    FakeNode node(behaviour);
    destination = folder / "missing" / "a.gantry";
    const auto fetched = fetch(node);
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().code, ErrorCode::CannotWrite);
}

TEST_F(ReportFetcher, SecondFetchToTheSameFileIsBusy)
{
    FakeNode::Behaviour behaviour;
    behaviour.reportData = reportOf(100);
    FakeNode node(behaviour);
    const int other = ::open(part.c_str(), O_RDWR | O_CREAT, 0600);
    ASSERT_EQ(::flock(other, LOCK_EX | LOCK_NB), 0);
    const auto fetched = fetch(node);
    ::close(other);
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().code, ErrorCode::Busy);
}

TEST_F(ReportFetcher, SurvivesANodeThatGoesAwayAndComesBack)
{
    FakeNode::Behaviour behaviour;
    behaviour.reportData = reportOf(10'000);
    behaviour.cutAfterChunks = 5;
    FakeNode node(behaviour);
    bool restarted = false;
    std::jthread restart;
    progress = [&](std::uint64_t bytes, std::uint64_t) {
        if (bytes == 5000 && !std::exchange(restarted, true))
            restart = std::jthread([&] {
                node.stop();
                node.start();
            });
    };
    const auto fetched = fetch(node);
    ASSERT_TRUE(fetched) << fetched.error().text();
    EXPECT_EQ(content(destination), behaviour.reportData);
}

} // namespace
} // namespace gantry::app
