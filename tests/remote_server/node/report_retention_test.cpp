#include "remote_server/node/report_retention.h"

#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace gantry::node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::int64_t kSecond = 1'000'000'000, kHour = 3'600 * kSecond;
constexpr std::int64_t kNow = 1'800'000'000 * kSecond;

class ReportRetentionTest : public testing::Test
{
protected:
    ReportRetentionTest() { std::filesystem::create_directory(reportFolder); }

    /// A report of so many bytes that was written so long ago.
    void put(const std::string& name, std::int64_t ageNs, std::size_t bytes = 1000)
    {
        test::writeFile(reportFolder / name, std::string(bytes, 'x'));
        const std::int64_t time = kNow - ageNs;
        const timespec times[2] = {{time / kSecond, time % kSecond}, {time / kSecond, time % kSecond}};
        ASSERT_EQ(utimensat(AT_FDCWD, (reportFolder / name).c_str(), times, 0), 0);
    }
    [[nodiscard]] ReportRetention::Options options()
    {
        ReportRetention::Options options;
        options.utcNow = [this] { return utc.load(); };
        options.steadyNow = [this] {
            ++looks;
            return steadyNow();
        };
        options.diskRoom = [this](const std::filesystem::path&) -> Result<DiskRoom> {
            if (isDiskGone || roomAnswers == 0)
                return errnoError(ESTALE, "statvfs");
            if (roomAnswers > 0)
                --roomAnswers;
            return DiskRoom{freeBytes + 1000 * (reportsAtFirst - std::min(reportsAtFirst.load(), names().size())), std::uint64_t{1} << 40,
                            isReadOnly};
        };
        options.onDeleted = [this](const std::string& name, const std::string& why) { deleted.push_back(name + ": " + why); };
        options.isOfRunningCapture = [this](const std::string& name) { return isCapturing && name == "running.gantry"; };
        options.lookAgain = lookAgain;
        options.lockPatience = lockPatience;
        return options;
    }
    ReportRetention& retention()
    {
        if (!m_retention) {
            const int before = looks;
            m_retention = std::make_unique<ReportRetention>(store, options());
            // Its thread looks once by itself: not amid the test.
            EXPECT_TRUE(test::eventually([&] { return looks > before; }));
        }
        return *m_retention;
    }
    void restart() { m_retention.reset(); }
    void passMinute() { steadySeconds += 61; }
    /// As of a daemon that has known its reports for a while.
    [[nodiscard]] Result<void> setPolicy(const proto::ReportPolicy& policy)
    {
        (void)retention().shelf();
        passMinute();
        return retention().setPolicy(policy);
    }
    [[nodiscard]] std::chrono::steady_clock::time_point steadyNow() const
    {
        return std::chrono::steady_clock::time_point(std::chrono::seconds(steadySeconds.load()));
    }
    [[nodiscard]] std::vector<std::string> names() const
    {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator(reportFolder))
            if (entry.path().extension() == ".gantry")
                found.push_back(entry.path().stem());
        std::sort(found.begin(), found.end());
        return found;
    }

    test::TemporaryFolder folder;
    std::filesystem::path reportFolder = folder / "reports";
    ReportStore store{reportFolder, [this] { return steadyNow(); }};
    // The retention's own thread asks too.
    std::atomic<std::uint64_t> freeBytes = std::uint64_t{1} << 39;
    std::atomic<std::size_t> reportsAtFirst = 0; ///< each of them that is deleted frees 1000 bytes of the disk
    std::atomic<bool> isDiskGone = false, isReadOnly = false, isCapturing = false;
    std::atomic<int> roomAnswers = -1; ///< how often it answers before it fails; negative: always
    std::atomic<int> looks = 0;
    std::atomic<std::int64_t> utc = kNow, steadySeconds = 1'000'000;
    std::chrono::milliseconds lookAgain = std::chrono::hours(1), lockPatience = std::chrono::seconds(10);
    std::vector<std::string> deleted;

private:
    std::unique_ptr<ReportRetention> m_retention;
};

TEST_F(ReportRetentionTest, KeepsEverythingWithoutAPolicy)
{
    put("a.gantry", 1000 * kHour);
    retention().apply();
    EXPECT_THAT(names(), ElementsAre("a"));
    const auto shelf = retention().shelf();
    EXPECT_EQ(shelf.policy, proto::ReportPolicy{});
    EXPECT_EQ(shelf.totalBytes, 1000U);
    EXPECT_GT(shelf.diskFreeBytes.value_or(0), 0U);
}

TEST_F(ReportRetentionTest, TheOldestGoUntilTheRestFits)
{
    for (const auto& [name, age] : {std::pair("a", 4), {"b", 3}, {"c", 2}, {"d", 1}})
        put(std::string(name) + ".gantry", age * kHour);
    ASSERT_TRUE(setPolicy({2500, 0, 0}));
    EXPECT_THAT(names(), ElementsAre("c", "d"));
    EXPECT_THAT(deleted, ElementsAre(HasSubstr("a.gantry: reports take"), HasSubstr("b.gantry")));
    EXPECT_EQ(retention().shelf().totalBytes, 2000U);
}

TEST_F(ReportRetentionTest, WhatAnEngineWroteBesideAReportCountsAndGoesWithIt)
{
    put("a.gantry", 4 * kHour);
    test::writeFile(reportFolder / "a.nsys-rep", std::string(5000, 'n'));
    put("b.gantry", 3 * kHour);
    EXPECT_EQ(retention().shelf().totalBytes, 7000U);
    ASSERT_TRUE(setPolicy({6500, 0, 0}));
    EXPECT_THAT(names(), ElementsAre("b"));
    EXPECT_FALSE(std::filesystem::exists(reportFolder / "a.nsys-rep"));
}

TEST_F(ReportRetentionTest, ThoseThatAreTooOldGoAndOthersStay)
{
    put("old.gantry", 49 * kHour);
    put("new.gantry", 47 * kHour);
    ASSERT_TRUE(setPolicy({0, 48 * kHour, 0}));
    EXPECT_THAT(names(), ElementsAre("new"));
    EXPECT_THAT(deleted, ElementsAre("old.gantry: it is 49 h old"));
}

TEST_F(ReportRetentionTest, TheDiskIsKeptFreeOfTheOldest)
{
    for (const auto& [name, age] : {std::pair("a", 4), {"b", 3}, {"c", 2}})
        put(std::string(name) + ".gantry", age * kHour);
    reportsAtFirst = 3;
    freeBytes = 1500;
    ASSERT_TRUE(setPolicy({0, 0, 3000}));
    EXPECT_THAT(names(), ElementsAre("c")) << "1500 bytes and those of two reports";
}

TEST_F(ReportRetentionTest, ADiskThatDoesNotAnswerDeletesNothing)
{
    put("a.gantry", 4 * kHour);
    isDiskGone = true;
    ASSERT_TRUE(setPolicy({0, 0, std::uint64_t{1} << 50}));
    EXPECT_THAT(names(), ElementsAre("a"));
}

TEST_F(ReportRetentionTest, NeverDeletesWhatIsKeptOrYoungOrFetchedOrOfTheFuture)
{
    put("kept.gantry", 9 * kHour);
    put("young.gantry", 59 * kSecond);
    put("fetched.gantry", 8 * kHour);
    put("future.gantry", -5 * kHour);
    put("other.gantry", 1 * kHour);
    const auto kept = retention().keep("kept.gantry", true);
    ASSERT_TRUE(kept) << kept.error().text();
    EXPECT_TRUE(kept->isKept);
    {
        const ReportStore::Fetch fetch(store, "fetched.gantry");
        ASSERT_TRUE(setPolicy({1, kSecond, std::uint64_t{1} << 50}));
        EXPECT_THAT(names(), ElementsAre("fetched", "future", "kept", "young"));
    }
    retention().apply();
    EXPECT_THAT(names(), ElementsAre("fetched", "future", "kept", "young")) << "a fetch that was cut may go on";
    passMinute();
    {
        ReportStore::Fetch fetch(store, "fetched.gantry");
        fetch.setComplete();
    }
    ASSERT_TRUE(retention().keep("kept.gantry", false));
    retention().apply();
    EXPECT_THAT(names(), ElementsAre("future", "young")) << "one that was fetched whole, and one that is kept no longer";
}

TEST_F(ReportRetentionTest, WhatAClientDeletesGoesEvenWhileItIsFetchedAndTheFetchEndsQuietly)
{
    put("a.gantry", kHour);
    {
        const ReportStore::Fetch fetch(store, "a.gantry");
        ASSERT_TRUE(store.remove("a.gantry"));
    }
    EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ReportRetentionTest, PolicyAndKeptReportsSurviveTheDaemonInAFileOfItsUserAlone)
{
    put("a.gantry", 4 * kHour);
    ASSERT_TRUE(setPolicy({123'456, 48 * kHour, 1000}));
    ASSERT_TRUE(retention().keep("a.gantry", true));
    struct stat status
    {
    };
    ASSERT_EQ(stat((reportFolder / ReportRetention::kFileName).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    restart();
    const auto shelf = retention().shelf();
    EXPECT_EQ(shelf.policy, (proto::ReportPolicy{123'456, 48 * kHour, 1000}));
    ASSERT_EQ(shelf.reports.size(), 1U) << "the file is no report";
    EXPECT_TRUE(shelf.reports[0].isKept);
}

TEST_F(ReportRetentionTest, ADamagedFileDeletesNothingAndIsNotWrittenOver)
{
    put("a.gantry", 4000 * kHour);
    const auto path = reportFolder / ReportRetention::kFileName;
    for (const char* text :
         {"", "{", R"({"max_total_bytes":1})", R"({"max_total_bytes":1,"max_age_ns":1,"min_free_disk_bytes":1,"kept":7})",
          R"({"max_total_bytes":-1,"max_age_ns":"x","min_free_disk_bytes":1,"kept":[]})"}) {
        restart();
        test::writeFile(path, text);
        passMinute();
        retention().apply();
        EXPECT_THAT(names(), ElementsAre("a")) << text;
        EXPECT_EQ(retention().shelf().policy, proto::ReportPolicy{}) << text;
        const auto set = setPolicy({1, 1, 1});
        ASSERT_FALSE(set) << text;
        EXPECT_EQ(set.error().code, ErrorCode::BadInput);
        EXPECT_EQ(set.error().message, path.string() + " is damaged: which reports are kept is not known; move it away to begin anew");
        const auto kept = retention().keep("a.gantry", true);
        ASSERT_FALSE(kept) << text;
        EXPECT_EQ(kept.error().code, ErrorCode::BadInput);
        EXPECT_EQ(test::readFile(path), text);
        EXPECT_THAT(names(), ElementsAre("a")) << text;
    }
    std::filesystem::remove(path);
    EXPECT_TRUE(setPolicy({1, 0, 0})) << "it was moved away";
    EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ReportRetentionTest, DaemonsOfOneFolderShareThePolicyAndWhatIsKept)
{
    put("a.gantry", 4 * kHour);
    put("b.gantry", 3 * kHour);
    (void)retention().shelf();
    ReportStore otherStore(reportFolder);
    {
        ReportRetention other(otherStore, options());
        ASSERT_TRUE(other.keep("a.gantry", true));
        EXPECT_TRUE(retention().shelf().reports.at(1).isKept);
        ASSERT_TRUE(setPolicy({1, 0, 0}));
        EXPECT_THAT(names(), ElementsAre("a")) << "the other daemon keeps it";
        EXPECT_EQ(other.shelf().policy, (proto::ReportPolicy{1, 0, 0}));
        ASSERT_TRUE(retention().keep("a.gantry", false));
        EXPECT_FALSE(other.shelf().reports.at(0).isKept);
    }
    retention().apply();
    EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ReportRetentionTest, NeverDeletesWhatAnotherDaemonSends)
{
    put("a.gantry", 4 * kHour);
    ReportStore otherStore(reportFolder, [this] { return steadyNow(); });
    {
        const ReportStore::Fetch fetch(otherStore, "a.gantry");
        ASSERT_TRUE(setPolicy({1, 0, 0}));
        EXPECT_THAT(names(), ElementsAre("a"));
    }
    retention().apply();
    EXPECT_THAT(names(), ElementsAre("a")) << "the fetch was cut and may go on";
    passMinute();
    (void)otherStore.list();
    retention().apply();
    EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ReportRetentionTest, DecidesNothingWhileAnotherDaemonDecides)
{
    lockPatience = {};
    put("a.gantry", 4 * kHour);
    ASSERT_TRUE(setPolicy({5000, 0, 0}));
    put("b.gantry", 3 * kHour, 5000);
    (void)retention().shelf();
    passMinute();
    struct stat status
    {
    };
    ASSERT_EQ(stat((reportFolder / ReportRetention::kLockName).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    {
        const UniqueFd held(open((reportFolder / ReportRetention::kLockName).c_str(), O_RDWR | O_CLOEXEC));
        ASSERT_EQ(flock(held.get(), LOCK_EX | LOCK_NB), 0);
        retention().apply();
        EXPECT_THAT(names(), ElementsAre("a", "b"));
        EXPECT_EQ(retention().setPolicy({1, 0, 0}).error().code, ErrorCode::Busy);
        EXPECT_EQ(retention().keep("a.gantry", true).error().code, ErrorCode::Busy);
        EXPECT_EQ(retention().shelf().policy.maxTotalBytes, 5000U) << "a listing waits for nobody";
    }
    retention().apply();
    EXPECT_THAT(names(), ElementsAre("b"));
}

TEST_F(ReportRetentionTest, AKeptReportThatIsAwayForAWhileStaysKeptAndOneThatIsDeletedDoesNot)
{
    put("a.gantry", 4 * kHour);
    put("b.gantry", 3 * kHour);
    ASSERT_TRUE(retention().keep("a.gantry", true));
    std::filesystem::rename(reportFolder / "a.gantry", folder / "a.gantry");
    ASSERT_TRUE(retention().keep("b.gantry", true));
    std::filesystem::rename(folder / "a.gantry", reportFolder / "a.gantry");
    ASSERT_TRUE(setPolicy({1, 0, 0}));
    EXPECT_THAT(names(), ElementsAre("a", "b"));
    ASSERT_TRUE(store.remove("a.gantry"));
    put("a.gantry", 4 * kHour);
    passMinute();
    retention().apply();
    (void)retention().shelf();
    passMinute();
    retention().apply();
    EXPECT_THAT(names(), ElementsAre("b")) << "a new one of the name is another report";
}

TEST_F(ReportRetentionTest, ADiskThatFreesLateOrAnswersOnceLosesNoMoreThanNeeded)
{
    for (const bool answersOnce : {false, true}) {
        for (const auto& [name, age] : {std::pair("a", 4), {"b", 3}, {"c", 2}, {"d", 1}})
            put(std::string(name) + ".gantry", age * kHour);
        restart();
        (void)retention().shelf();
        passMinute();
        reportsAtFirst = 0; // no deleted report shows
        freeBytes = 1500;
        roomAnswers = answersOnce ? 1 : -1;
        ASSERT_TRUE(retention().setPolicy({0, 0, 3000}));
        EXPECT_THAT(names(), ElementsAre("c", "d")) << answersOnce;
        roomAnswers = -1;
        ASSERT_TRUE(retention().setPolicy({}));
    }
}

TEST_F(ReportRetentionTest, ReportsOfACaptureThatRunsStayUntilItsClientHadAMinuteToFetchThem)
{
    put("running.gantry", 9 * kHour);
    put("other.gantry", 8 * kHour);
    isCapturing = true;
    ASSERT_TRUE(setPolicy({1, kHour, 0}));
    EXPECT_THAT(names(), ElementsAre("running"));
    isCapturing = false;
    retention().apply();
    EXPECT_THAT(names(), ElementsAre("running")) << "it has just ended";
    passMinute();
    steadySeconds += 3600; // lookAgain
    retention().apply();
    EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ReportRetentionTest, AStepOfTheClockDeletesNothingThatWasJustWritten)
{
    (void)retention();
    put("a.gantry", 0);
    utc += 72 * kHour;
    ASSERT_TRUE(retention().setPolicy({1, 48 * kHour, 0}));
    EXPECT_THAT(names(), ElementsAre("a"));
    passMinute();
    retention().apply();
    EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ReportRetentionTest, AWholeFetchOfOneClientLeavesTheCutOneOfAnotherItsTime)
{
    put("a.gantry", 4 * kHour);
    {
        const ReportStore::Fetch cut(store, "a.gantry");
    }
    {
        ReportStore::Fetch whole(store, "a.gantry");
        whole.setComplete();
    }
    EXPECT_EQ(store.removeUnlessFetched("a.gantry").error().code, ErrorCode::Busy);
    passMinute();
    EXPECT_TRUE(store.removeUnlessFetched("a.gantry"));
}

TEST_F(ReportRetentionTest, APolicyThatCannotBeWrittenIsNotTaken)
{
    put("a.gantry", 4 * kHour);
    std::filesystem::create_directory(reportFolder / ReportRetention::kFileName); // in its place
    test::writeFile(reportFolder / ReportRetention::kFileName / "inside", "x");
    const auto set = setPolicy({1, 1, 1});
    ASSERT_FALSE(set);
    EXPECT_EQ(retention().shelf().policy, proto::ReportPolicy{});
    EXPECT_THAT(names(), ElementsAre("a"));
    EXPECT_FALSE(retention().keep("a.gantry", true));
    EXPECT_FALSE(retention().shelf().reports.at(0).isKept);
}

TEST_F(ReportRetentionTest, IsAppliedSoonAfterItWasAskedAndOnceWhenTheDaemonStarts)
{
    put("a.gantry", 4 * kHour);
    ASSERT_TRUE(setPolicy({1500, 0, 0}));
    put("b.gantry", 3 * kHour);
    (void)retention().shelf();
    passMinute();
    retention().applySoon();
    EXPECT_TRUE(test::eventually([&] { return names() == std::vector<std::string>{"b"}; }));
    restart();
    put("c.gantry", 2 * kHour);
    lookAgain = std::chrono::milliseconds(1);
    (void)retention();
    EXPECT_TRUE(test::eventually([&] {
        passMinute();
        return names() == std::vector<std::string>{"c"};
    })) << "what is new to the daemon stays for a minute, and is looked at again";
}

TEST_F(ReportRetentionTest, RefusesNamesThatAreNoReports)
{
    for (const char* name : {"../a.gantry", "/etc/passwd", "", ".retention.json", "a.txt"}) {
        const auto kept = retention().keep(name, true);
        ASSERT_FALSE(kept) << name;
        EXPECT_EQ(kept.error().code, ErrorCode::BadInput) << name;
    }
    EXPECT_EQ(retention().keep("none.gantry", true).error().code, ErrorCode::NotFound);
    EXPECT_EQ(retention().setPolicy({0, -1, 0}).error().code, ErrorCode::BadInput);
}

TEST_F(ReportRetentionTest, SaysBeforeACaptureThatThereIsLittleRoomAndRefusesItWhereThereIsNone)
{
    EXPECT_EQ(retention().roomForCapture().value(), "") << "without a policy nothing is little";
    freeBytes = std::uint64_t{5} << 30;
    ASSERT_TRUE(setPolicy({0, 0, std::uint64_t{10} << 30}));
    const auto little = retention().roomForCapture();
    ASSERT_TRUE(little);
    EXPECT_THAT(*little, HasSubstr("5120 MiB are free"));
    EXPECT_THAT(*little, HasSubstr("10240 MiB"));
    freeBytes = 1 << 20;
    ASSERT_FALSE(retention().roomForCapture());
    EXPECT_EQ(retention().roomForCapture().error().code, ErrorCode::CannotWrite);
    EXPECT_THAT(retention().roomForCapture().error().message, HasSubstr("gantryctl report delete"));
    freeBytes = std::uint64_t{1} << 39;
    isReadOnly = true;
    EXPECT_THAT(retention().roomForCapture().error().message, HasSubstr("read-only"));
    isDiskGone = true;
    EXPECT_TRUE(retention().roomForCapture()) << "what cannot be asked may well be written";
}

} // namespace
} // namespace gantry::node
