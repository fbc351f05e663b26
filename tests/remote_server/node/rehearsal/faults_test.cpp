#include "remote_server/node/rehearsal/faults.h"

#include "tests/support/temporary_folder.h"

#include <chrono>
#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <thread>

namespace gantry::node {
namespace {

using namespace std::chrono_literals;

TEST(FaultsTest, ReadsEveryFaultThatTheHelpNames)
{
    const auto faults =
        parseFaults("latency=200ms loss=5% cut-after=3s # the line is bad\nstall=2s disk-full=on\tcrash clock=+5s version=1");
    ASSERT_TRUE(faults) << faults.error().text();
    Faults expected;
    expected.latencyNs = 200'000'000;
    expected.lossRatio = 0.05;
    expected.cutAfterNs = 3'000'000'000;
    expected.stallNs = 2'000'000'000;
    expected.isDiskFull = true;
    expected.crashes = true;
    expected.clockNs = 5'000'000'000;
    expected.protocol = 1;
    EXPECT_EQ(*faults, expected);
}

TEST(FaultsTest, TakesNothingForNoFaults)
{
    for (const char* text : {"", "  \n\n", "# latency=1s", "disk-full=off"}) {
        const auto faults = parseFaults(text);
        ASSERT_TRUE(faults) << text;
        EXPECT_EQ(*faults, Faults()) << text;
    }
}

TEST(FaultsTest, LetsTheClockGoWrongInBothDirections)
{
    EXPECT_EQ(parseFaults("clock=-250ms").value().clockNs, -250'000'000);
}

TEST(FaultsTest, NamesTheWordThatCannotBeMeant)
{
    for (const std::string word : {"latency", "latency=5", "latency=-1s", "loss=5", "loss=101%", "cut-after=soon", "disk-full=yes",
                                   "crash=now", "version=one", "speed=1s", "clock=nans", "stall=1e99s"}) {
        const auto faults = parseFaults("stall=1s " + word);
        ASSERT_FALSE(faults) << word;
        EXPECT_EQ(faults.error().code, ErrorCode::BadInput);
        EXPECT_NE(faults.error().message.find("\"" + word + "\""), std::string::npos) << faults.error().message;
    }
}

class FaultWatchTest : public testing::Test
{
protected:
    void write(const std::string& text) { std::ofstream(file, std::ios::trunc) << text; }

    /// True as soon as the watch says so; false after some seconds.
    static bool becomes(const FaultWatch& watch, const std::function<bool(const Faults&)>& expected)
    {
        for (int i = 0; i < 500; ++i) {
            if (expected(watch.now().faults))
                return true;
            std::this_thread::sleep_for(10ms);
        }
        return false;
    }

    test::TemporaryFolder folder;
    const std::filesystem::path file = folder / "faults";
};

TEST_F(FaultWatchTest, SeesThatTheFileChangesAndKeepsWhatItKnowsWhenItCannotBeRead)
{
    write("latency=1s");
    const auto watch = FaultWatch::open(file, [] {});
    ASSERT_TRUE(watch) << watch.error().text();
    EXPECT_EQ((*watch)->now().faults.latencyNs, 1'000'000'000);
    const std::int64_t since = (*watch)->now().sinceNs;
    write("nonsense");
    std::filesystem::remove(file);
    write("latency=2s");
    EXPECT_TRUE(becomes(**watch, [](const Faults& faults) { return faults.latencyNs == 2'000'000'000; }));
    EXPECT_GT((*watch)->now().sinceNs, since);
}

TEST_F(FaultWatchTest, CrashesWhenTheFileSaysSoButNotOfWhatItSaidAtTheStart)
{
    write("crash");
    std::promise<void> crashed;
    bool isEarly = true;
    const auto watch = FaultWatch::open(file, [&] {
        EXPECT_FALSE(isEarly);
        crashed.set_value();
    });
    ASSERT_TRUE(watch) << watch.error().text();
    write("latency=1ms");
    ASSERT_TRUE(becomes(**watch, [](const Faults& faults) { return faults.latencyNs == 1'000'000; }));
    isEarly = false;
    write("crash latency=1ms");
    EXPECT_EQ(crashed.get_future().wait_for(10s), std::future_status::ready);
}

TEST_F(FaultWatchTest, RefusesAFileThatIsNotThere)
{
    const auto watch = FaultWatch::open(file, [] {});
    ASSERT_FALSE(watch);
    EXPECT_NE(watch.error().message.find("make the file"), std::string::npos) << watch.error().message;
}

} // namespace
} // namespace gantry::node
