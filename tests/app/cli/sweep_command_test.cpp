#include "tests/app/cli/run_gantryctl.h"
#include "tests/support/temporary_folder.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <nlohmann/json.hpp>

namespace gantry::cli {
namespace {

using nlohmann::json;
using test::gantryctl;
using test::ProcessResult;
using testing::HasSubstr;
using testing::Not;

class SweepCommand : public testing::Test
{
protected:
    void SetUp() override
    {
        std::ofstream(table) << "Concurrency,Inferences/Second,Server Queue,p50 latency,p99 latency\n"
                                "1,69.2,64,13891,21018\n3,84.2,21673,35398,51701\n4,84.1,33669,47045,64886\n2,87.2,9151,21874,34766\n";
    }
    [[nodiscard]] std::string textOf(const std::string& name) const
    {
        std::ifstream file(folder / name);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    test::TemporaryFolder folder;
    std::string table = folder / "perf.csv";
};

TEST_F(SweepCommand, SortsByThroughputAndMarksTheFront)
{
    const ProcessResult result = gantryctl({"sweep", table});
    EXPECT_EQ(result.exitStatus, 0) << result.err;
    EXPECT_THAT(result.out, testing::ContainsRegex("\\* +2 +87.2 /s +21.874 ms +34.766 ms +9151"));
    EXPECT_THAT(result.out, testing::ContainsRegex("\n   +3 +84.2 /s"));
    EXPECT_THAT(result.out, HasSubstr("no other point has both a higher throughput and a lower p99 (2 of 4)"));
    EXPECT_THAT(result.out, HasSubstr("best: concurrency 2 with 87.2 /s and a p99 of 34.766 ms"));
}

TEST_F(SweepCommand, TheBestWithinLimitsAndNoneIsAnExitStatus)
{
    const ProcessResult some = gantryctl({"sweep", table, "--p99-below", "25ms"}),
                        none = gantryctl({"sweep", table, "--p99-below", "20ms"});
    EXPECT_EQ(some.exitStatus, 0) << some.err;
    EXPECT_THAT(some.out, HasSubstr("best: concurrency 1"));
    EXPECT_EQ(none.exitStatus, 1) << none.err;
    EXPECT_THAT(none.out, HasSubstr("best: none: there is no point with a p99 below 20.000 ms"));
    EXPECT_EQ(gantryctl({"sweep", table, "--p99-below", "20"}).exitStatus, 64);
    EXPECT_EQ(gantryctl({"sweep", table, "--objective", "speed"}).exitStatus, 64);
    std::ofstream(table) << "Concurrency,Inferences/Second\n1,69.2\n";
    EXPECT_EQ(gantryctl({"sweep", table}).exitStatus, 2);
}

TEST_F(SweepCommand, JsonHasNullForWhatIsAbsent)
{
    const ProcessResult result = gantryctl({"--json", "sweep", table, "--objective", "p99"});
    ASSERT_EQ(result.exitStatus, 0) << result.err;
    const json document = json::parse(result.out);
    const json& point = document["points"][0];
    EXPECT_EQ(point["parameters"], (json{{"concurrency", "2"}}));
    EXPECT_EQ(point["latency_p99_ns"], 34'766'000);
    EXPECT_TRUE(point["latency_p95_ns"].is_null());
    EXPECT_TRUE(point["requests"].is_null());
    EXPECT_EQ(point["others"]["Server Queue"], "9151");
    EXPECT_EQ(document["front"], (json{3, 0}));
    EXPECT_EQ(document["best"]["point"], 3);
}

// What it writes it reads.
TEST_F(SweepCommand, TheTableAndThePageAreWritten)
{
    const ProcessResult result = gantryctl({"sweep", table, "--csv", folder / "out.csv", "--html", folder / "out.html"});
    ASSERT_EQ(result.exitStatus, 0) << result.err;
    EXPECT_THAT(textOf("out.csv"),
                testing::StartsWith("on_front,point,concurrency,throughput_per_second,latency_p50_ns,latency_p99_ns,Server Queue,report\n"
                                    "1,concurrency 2,2,87.2,21874000,34766000,9151,\n"));
    EXPECT_THAT(gantryctl({"sweep", folder / "out.csv"}).out, HasSubstr("best: concurrency 2 with 87.2 /s and a p99 of 34.766 ms"));
    EXPECT_THAT(textOf("out.html"), HasSubstr("<polyline"));
    EXPECT_THAT(textOf("out.html"), Not(HasSubstr("http")));
    EXPECT_EQ(gantryctl({"sweep", table, "--csv", folder / "none/out.csv"}).exitStatus, 73);
}

TEST_F(SweepCommand, ABadTableIsRefusedWithLineAndColumn)
{
    std::ofstream(table, std::ios::app) << "5,1,2\n";
    const ProcessResult result = gantryctl({"sweep", table});
    EXPECT_EQ(result.exitStatus, 65);
    EXPECT_THAT(result.err, HasSubstr("perf.csv: line 6, column 4: this row has 3 cells and the header 5"));
    EXPECT_EQ(gantryctl({"sweep", folder / "gone"}).exitStatus, 65);
}

} // namespace
} // namespace gantry::cli
