#include "trace_model/analysis/sweep/sweep_files.h"

#include "tests/support/simulated_server.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/analysis/sweep/sweep_report.h"
#include "trace_model/report/meta_keys.h"

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <string>

namespace gantry::sweep {
namespace {

using TracePointer = std::shared_ptr<const trace::Trace>;

TracePointer withSettings(const test::ServerSetup& setup, const std::map<std::string, std::string>& settings)
{
    auto trace = std::make_shared<trace::Trace>(*test::traceOfServer(setup));
    for (const auto& [key, value] : settings)
        trace->meta.settings[key] = value;
    return trace;
}

std::string loadOf(double rate, double p99Ms, const std::string& extra = {})
{
    return R"({"levels":[{"ok":400,"inferences_per_second":)" + std::to_string(rate) + R"(,"latency_p99_ns":)" +
           std::to_string(static_cast<std::int64_t>(p99Ms * 1e6)) + R"(,"latency_p50_ns":null,"errors":{"refused":2},"concurrency":4.0)" +
           extra + "}]}";
}

/// A folder and the traces that its files stand for.
class SweepFiles : public testing::Test
{
protected:
    void write(const std::string& name, const std::string& text) { std::ofstream(folder.path() / name) << text; }
    void report(const std::string& name, TracePointer trace)
    {
        // A report is known by its first bytes.
        write(name, std::string("SQLite format 3") + '\0' + std::string(84, '\0'));
        traces[name] = std::move(trace);
    }
    Result<Sweep> read(const std::vector<std::filesystem::path>& paths)
    {
        ReadOptions options;
        options.open = [this](const std::filesystem::path& path) -> Result<TracePointer> {
            const auto found = traces.find(path.filename().string());
            if (found == traces.end())
                return Error{ErrorCode::NotFound, path.filename().string() + " is not there", {}};
            return found->second;
        };
        options.stop = stop.get_token();
        return readSweep(paths, options);
    }

    test::TemporaryFolder folder;
    std::map<std::string, TracePointer> traces;
    std::stop_source stop;
};

TEST_F(SweepFiles, PointsOfReportsHaveWhatTheServerRecordedAndWhatDiffers)
{
    const std::string config = std::string(report::meta::kModelConfigPrefix) + "bert";
    test::ServerSetup one, two;
    one.instances = 1;
    report("one.gantry", withSettings(one, {{config, "max_batch_size: 4\ninstance_group [ { count: 1 } ]\n"}}));
    report("two.gantry", withSettings(two, {{config, "max_batch_size: 4\ninstance_group [ { count: 2 } ]\ndynamic_batching { }\n"}}));
    const auto sweep = read({folder.path() / "one.gantry", folder.path() / "two.gantry"});
    ASSERT_TRUE(sweep) << sweep.error().text();
    ASSERT_EQ(sweep->points.size(), 2u);
    const Point& fast = sweep->points[0];
    EXPECT_EQ(fast.name, "two");
    EXPECT_EQ(fast.measuredBy, MeasuredBy::Server);
    EXPECT_EQ(fast.trace, folder.path() / "two.gantry");
    EXPECT_EQ(*fast.parameter("instances"), "2");
    EXPECT_EQ(*fast.parameter("dynamic batching"), "on");
    EXPECT_EQ(*sweep->points[1].parameter("dynamic batching"), "off");
    EXPECT_GT(*fast.figures[Figure::Throughput], *sweep->points[1].figures[Figure::Throughput]);
    EXPECT_LE(*fast.figures[Figure::P50], *fast.figures[Figure::P90]);
    EXPECT_LE(*fast.figures[Figure::P95], *fast.figures[Figure::P99]);
    EXPECT_GT(*fast.figures[Figure::AverageBatch], 1);
    EXPECT_GT(*fast.figures[Figure::GpuBusy], 0);
    EXPECT_LE(*fast.figures[Figure::GpuBusy], 1);
    EXPECT_FALSE(fast.figures[Figure::GpuMemory]);
    EXPECT_NE(std::find(sweep->parameters.begin(), sweep->parameters.end(), "instances"), sweep->parameters.end());
    EXPECT_EQ(std::find(sweep->parameters.begin(), sweep->parameters.end(), "max batch size"), sweep->parameters.end());
}

TEST_F(SweepFiles, ALoadOfSomebodyElsesReportThatSaysNothingOrNestsWithoutEndIsNoLoad)
{
    const std::string deep = R"({"levels":[{"x":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}]}";
    std::string many = R"({"levels":[{})";
    for (int i = 0; i < 5000; ++i)
        many += ",{}";
    report("a.gantry", withSettings({}, {{report::meta::kRecipeLoad, R"({"levels":[{},{}]})"}}));
    report("b.gantry", withSettings({}, {{report::meta::kRecipeLoad, deep}}));
    report("c.gantry", withSettings({}, {{report::meta::kRecipeLoad, many + "]}"}}));
    const auto sweep = read({folder.path()});
    ASSERT_TRUE(sweep) << sweep.error().text();
    EXPECT_EQ(sweep->points.size(), 4u); // two levels of the first, and a point each
}

TEST_F(SweepFiles, WhatTheRecipesLoadMeasuredStandsInTheReportsPlace)
{
    report("a.gantry",
           withSettings({}, {{report::meta::kRecipeLoad, loadOf(812.5, 9, R"(,"partial":true)")}, {report::meta::kRecipeName, "a"}}));
    write("a.csv", "Concurrency,Inferences/Second,p99 latency\n4,812.5,9000\n"); // of the same load
    const auto sweep = read({folder.path()});
    ASSERT_TRUE(sweep) << sweep.error().text();
    ASSERT_EQ(sweep->points.size(), 1u);
    const Point& point = sweep->points[0];
    EXPECT_EQ(point.measuredBy, MeasuredBy::Client);
    EXPECT_DOUBLE_EQ(*point.figures[Figure::Throughput], 812.5);
    EXPECT_DOUBLE_EQ(*point.figures[Figure::P99], 9e6);
    EXPECT_FALSE(point.figures[Figure::P50]);
    EXPECT_DOUBLE_EQ(*point.figures[Figure::Failures], 2);
    EXPECT_EQ(*point.parameter("concurrency"), "4");
    EXPECT_EQ(remarksOn(*sweep, 0), (std::vector<std::string>{"the load was interrupted", "2 requests failed"}));
}

TEST_F(SweepFiles, TheIndexOfARecipesSweepHasItsFailedCombinationsToo)
{
    report("bert-1.gantry", test::traceOfServer({}));
    write("bert.sweep.json", indexText("bert", {{{{"instances", "1"}, {"concurrency", "4"}}, "bert-1.gantry", loadOf(100, 5), {}},
                                                {{{"instances", "2"}, {"concurrency", "4"}}, {}, {}, "out of memory"}}));
    const auto sweep = read({folder.path()});
    ASSERT_TRUE(sweep) << sweep.error().text();
    ASSERT_EQ(sweep->points.size(), 2u);
    EXPECT_EQ(sweep->parameters, std::vector<std::string>{"instances"});
    EXPECT_EQ(sweep->points[0].name, "instances 1");
    EXPECT_EQ(sweep->points[0].trace, folder.path() / "bert-1.gantry");
    EXPECT_TRUE(sweep->points[0].figures[Figure::GpuBusy]);
    EXPECT_EQ(sweep->points[1].error, "out of memory");
    EXPECT_EQ(sweep->front, std::vector<std::size_t>{0});
    EXPECT_EQ(sweep->limits.back(), "1 of 2 points could not be measured or read.");
}

TEST_F(SweepFiles, TheIndexHasTheVersionOfItsDocument)
{
    std::ifstream file(GANTRY_SOURCE_DIR "/trace_model/analysis/sweep/INDEX_FORMAT.md");
    const std::string document(std::istreambuf_iterator<char>(file), {});
    EXPECT_TRUE(document.starts_with("# Index of a sweep, version " + std::to_string(kIndexVersion) + "\n"));
    EXPECT_NE(indexText("a", {}).find("\"version\": " + std::to_string(kIndexVersion)), std::string::npos);
}

TEST_F(SweepFiles, AnIndexNamesNoFileOutsideOfItsFolder)
{
    const auto entries = parseIndex(R"({"format":"gantry-sweep","version":1,"points":[{"parameters":[],"report":"../x.gantry"}]})");
    ASSERT_FALSE(entries);
    EXPECT_EQ(entries.error().message, "the report of point 1 is not a file beside the index");
    EXPECT_EQ(parseIndex(R"({"format":"gantry-sweep","version":2,"points":[]})").error().code, ErrorCode::UnsupportedVersion);
    EXPECT_EQ(parseIndex("[1,").error().code, ErrorCode::BadInput);
    std::string deep = R"({"format":"gantry-sweep","version":1,"points":[{"parameters":[],"load":{"a":)";
    deep += std::string(1 << 20, '[') + std::string(1 << 20, ']') + "}}]}";
    const auto shallow = parseIndex(deep);
    ASSERT_TRUE(shallow) << shallow.error().text();
    EXPECT_LT(shallow->front().load.size(), 100u);
}

TEST_F(SweepFiles, WhatOfAFolderCannotBeReadIsAPointAndWhatWasNamedAnError)
{
    write("bad.csv", "Concurrency,Inferences/Second\n1\n");
    write("good.csv", "Concurrency,Inferences/Second,p99 latency\n1,10,2000\n2,15,3000\n");
    const auto sweep = read({folder.path()});
    ASSERT_TRUE(sweep) << sweep.error().text();
    ASSERT_EQ(sweep->points.size(), 3u);
    EXPECT_NE(sweep->points[2].error.find("line 2, column 2"), std::string::npos) << sweep->points[2].error;
    const auto named = read({folder.path() / "bad.csv"});
    ASSERT_FALSE(named);
    EXPECT_EQ(named.error().code, ErrorCode::BadInput);
    EXPECT_EQ(named.error().context.back(), (folder.path() / "bad.csv").string());
}

// Model Analyzer writes what GPUs did into a table of its own.
TEST_F(SweepFiles, TablesOfGpusAreJoinedToThoseOfInferences)
{
    write("metrics-model-inference.csv", "Model,Batch,Concurrency,Model Config Path,Throughput (infer/sec),p99 Latency "
                                         "(ms)\nadd,1,2,add_config_0,100,1.5\nadd,1,4,add_config_0,150,2.5\n");
    write("metrics-model-gpu.csv", "Model,GPU UUID,Batch,Concurrency,Model Config Path,GPU Memory Usage (MB),GPU Utilization (%)\n"
                                   "add,GPU-1,1,2,add_config_0,100,20\nadd,GPU-2,1,2,add_config_0,200,40\n");
    write("metrics-server-only.csv", "Model,GPU UUID,GPU Memory Usage (MB),GPU Utilization (%)\ntriton-server,GPU-1,90,0\n");
    const auto sweep = read({folder.path()});
    ASSERT_TRUE(sweep) << sweep.error().text();
    ASSERT_EQ(sweep->points.size(), 2u);
    EXPECT_FALSE(sweep->points[0].figures[Figure::GpuMemory]);
    EXPECT_DOUBLE_EQ(*sweep->points[1].figures[Figure::GpuMemory], 300e6);
    EXPECT_DOUBLE_EQ(*sweep->points[1].figures[Figure::GpuBusy], 0.3);
    EXPECT_EQ(sweep->parameters, std::vector<std::string>{"concurrency"});
}

TEST_F(SweepFiles, AnEmptyFolderAndAMissingFileSaySo)
{
    EXPECT_EQ(read({folder.path()}).error().code, ErrorCode::BadInput);
    EXPECT_EQ(read({folder.path() / "none.csv"}).error().code, ErrorCode::NotFound);
}

TEST_F(SweepFiles, ReadingStopsWhenItIsCancelled)
{
    write("good.csv", "Concurrency,Inferences/Second,p99 latency\n1,10,2000\n");
    stop.request_stop();
    EXPECT_EQ(read({folder.path()}).error().code, ErrorCode::Cancelled);
}

} // namespace
} // namespace gantry::sweep
