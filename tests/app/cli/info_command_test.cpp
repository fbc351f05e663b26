#include "tests/app/cli/run_gantryctl.h"
#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>

namespace gantry::cli {
namespace {

using nlohmann::json;
using test::gantryctl;
using test::ProcessResult;
using test::writeFile;
using testing::HasSubstr;
using testing::Not;

/// A Chrome trace of some events.
void writeTrace(const std::string& path, const std::string& events)
{
    writeFile(path, "{\"traceEvents\": [" + events + "]}");
}

class InfoCommand : public testing::Test
{
protected:
    std::string info(std::vector<std::string> files) const
    {
        files.insert(files.begin(), {"report", "info"});
        const ProcessResult result = gantryctl(files);
        EXPECT_EQ(result.exitStatus, 0) << result.err;
        return result.out;
    }
    json infoJson(std::vector<std::string> files) const
    {
        files.emplace_back("--json");
        return json::parse(info(std::move(files)));
    }

    test::TemporaryFolder folder;
    std::string a = folder / "a.json", b = folder / "b.json", table = folder / "perf.csv";
};

// Text had them between bars, and JSON not at all.
TEST_F(InfoCommand, TablesOfALoadGeneratorHaveTheirNumbers)
{
    writeFile(table, "Concurrency,Inferences/Second,Client Send,p99 latency\n1,69.2,225,21018\n16,1084,9,567\n");
    const std::string text = info({table});
    EXPECT_THAT(text, HasSubstr("  Concurrency  Inferences/Second  Client Send (µs)  p99 latency (µs)\n"
                                "            1               69.2               225             21018\n"
                                "           16               1084                 9               567\n"));
    EXPECT_THAT(text, Not(HasSubstr("0 ns")));
    EXPECT_THAT(text, Not(HasSubstr("window cost")));
    const json tables = infoJson({table}).at("summaries");
    ASSERT_EQ(tables.size(), 1u);
    EXPECT_EQ(tables[0].at("rows")[0],
              (json{{"concurrency", 1}, {"inferences_per_second", 69.2}, {"client_send_us", 225}, {"p99_latency_us", 21018}}));
    const ProcessResult converted = gantryctl({"report", "convert", table, "--to", "chrome", "-o", folder / "out.json"});
    EXPECT_EQ(converted.exitStatus, 64);
    EXPECT_THAT(converted.err, HasSubstr("convert it to csv or sqlite"));
}

TEST_F(InfoCommand, SaysHowFilesWereAligned)
{
    writeTrace(a, R"({"ph": "X", "cat": "x", "name": "n", "pid": 1, "tid": 1, "ts": 1, "dur": 2})");
    writeTrace(b, R"({"ph": "X", "cat": "x", "name": "n", "pid": 2, "tid": 1, "ts": 1, "dur": 2})");
    const json guessed = infoJson({a, b});
    ASSERT_EQ(guessed.at("files").size(), 2u);
    EXPECT_EQ(guessed.at("files")[0],
              (json{{"file", "a.json"}, {"offset_ns", 0}, {"alignment", "first file"}, {"alignment_error_ns", nullptr}}));
    EXPECT_EQ(guessed.at("files")[1].at("alignment"), "not aligned");
    EXPECT_THAT(guessed.at("warnings").dump(), HasSubstr("know no common clock"));
    const json byHand = infoJson({a, b, "--offset", "1.5ms"});
    EXPECT_EQ(byHand.at("files")[1],
              (json{{"file", "b.json"}, {"offset_ns", 1'500'000}, {"alignment", "by hand"}, {"alignment_error_ns", nullptr}}));
    EXPECT_THAT(info({a, b, "--offset", "1.5ms"}),
                HasSubstr("Aligned by hand. Offset 1.500 ms.\nEvents from 1.500 ms to 1.502 ms of the report, 2.000 µs in all.\n"));
}

// Times counted from the event that was first in the file, which need not be the first in time.
TEST_F(InfoCommand, TimesCountFromTheEarliestEvent)
{
    const std::string events = R"({"ph": "X", "cat": "x", "name": "late", "pid": 1, "tid": 1, "ts": 9, "dur": 2},
                                  {"ph": "X", "cat": "x", "name": "early", "pid": 1, "tid": 1, "ts": 1, "dur": 2})";
    writeFile(a, "{\"baseTimeNanoseconds\": 1700000000000000000, \"traceEvents\": [" + events + "]}");
    EXPECT_THAT(info({a}), HasSubstr("Events from 0 ns to 10.000 µs of the report"));
    const json document = infoJson({a});
    EXPECT_EQ(document.at("time_range_ns"), (json{0, 10'000}));
    EXPECT_EQ(document.at("start_utc_ns"), 1700000000000001000);
    EXPECT_EQ(document.at("imports")[0].at("time_range_ns"), (json{0, 10'000}));
    const ProcessResult csv = gantryctl({"report", "convert", a, "--to", "csv", "--table", "nvtx_ranges", "-o", "-"});
    EXPECT_THAT(csv.out, HasSubstr("\r\n0,2000,2000,early,"));
    EXPECT_THAT(csv.out, HasSubstr("\r\n8000,10000,2000,late,"));
}

TEST_F(InfoCommand, CountsWhatIsUsedButInPart)
{
    writeTrace(a, R"({"ph": "X", "cat": "cpu_op", "name": "n", "pid": 1, "tid": 1, "ts": 1, "dur": 2, "args": {"Input Dims": []}})");
    EXPECT_THAT(info({a}), HasSubstr(" 1 used without arguments that no view shows: Input Dims\n"));
    EXPECT_EQ(infoJson({a}).at("imports")[0].at("tables")[0].at("used_in_part"),
              (json{{{"reason", "without arguments that no view shows: Input Dims"}, {"count", 1}}}));
    const ProcessResult converted = gantryctl({"report", "convert", a, "--to", "sqlite", "-o", folder / "out.sqlite"});
    EXPECT_THAT(converted.out, HasSubstr("note              it does not hold what no view shows of the file's events, such as arguments"));
}

// "complete": false alone left scripts to look for the reason in the text.
TEST_F(InfoCommand, SaysWhyAReportIsNotComplete)
{
    const std::string event = R"({"ph": "X", "cat": "x", "name": "n", "pid": 1, "tid": 1, "ts": 1, "dur": 2})";
    writeTrace(a, event);
    EXPECT_EQ(infoJson({a}).at("incomplete_reasons"), json::array());
    writeFile(b, "{\"traceEvents\": [" + event + ", " + event);
    const json cut = infoJson({b});
    EXPECT_EQ(cut.at("complete"), false);
    EXPECT_EQ(cut.at("incomplete_reasons"), (json{"the file ends in the middle of its list of events"}));
    EXPECT_THAT(info({b}), HasSubstr("the report is not complete: the file ends in the middle of its list of events\n"));
    EXPECT_EQ(infoJson({a, b}).at("incomplete_reasons"), (json{"b.json: the file ends in the middle of its list of events"}));
}

// A server's log beside a trace of the same minute: the log says local time, and not of where.
TEST_F(InfoCommand, SaysWhichTimeZoneALogWasTakenToBeOf)
{
    const std::string log = folder / "trtllm.log";
    writeFile(log, "[TensorRT-LLM][INFO] {\"Iteration Counter\":90,\"Active Request Count\":2,\"Timestamp\":\"12-13-2023 14:55:14\"}\n");
    // 2023-12-13 13:55:14 UTC
    writeFile(
        a,
        R"({"baseTimeNanoseconds": 1702475714000000000, "traceEvents": [{"ph": "X", "cat": "x", "name": "n", "pid": 1, "tid": 1, "ts": 0, "dur": 2}]})");
    const json together = infoJson({a, log});
    EXPECT_EQ(together.at("files")[1].at("alignment"), "local time");
    EXPECT_EQ(together.at("files")[1].at("offset_ns"), 0);
    EXPECT_THAT(together.at("imports")[1].at("clock").dump(), HasSubstr("taken as UTC+01:00"));
    EXPECT_THAT(together.at("warnings").dump(), HasSubstr("--offset"));
}

// Each stood in one line with its line breaks, as often as the tool had repeated it.
TEST_F(InfoCommand, NotesThatSayTheSameAreOneAndTheirLinesStandBelowEachOther)
{
    const auto warning = [](const char* text) {
        return std::string(R"({"ph": "M", "name": "gantry_warning", "pid": 1, "tid": 0, "ts": 0, "args": {"text": ")") + text + "\"}}";
    };
    writeTrace(a, warning("first\\nsecond ") + ", " + warning("other") + ", " + warning("first\\nsecond ") +
                      R"(, {"ph": "X", "cat": "x", "name": "n", "pid": 1, "tid": 1, "ts": 1, "dur": 2})");
    EXPECT_THAT(info({a}), HasSubstr("note              first\n                  second (×2)\nnote              other\n"));
}

TEST_F(InfoCommand, WhatWasNotRecordedIsNotZero)
{
    writeTrace(a, R"({"ph": "X", "cat": "x", "name": "n", "pid": 1, "tid": 1, "ts": 1, "dur": 2})");
    EXPECT_TRUE(infoJson({a}).at("window_cost_clear").is_null());
    const std::string csv = folder / "api.csv";
    ASSERT_TRUE(test::writeEventScript("window 0..1000\nprocess p\napi 12 cudaFree 10..20 corr 1\n", folder / "c.gantry"));
    ASSERT_EQ(gantryctl({"report", "convert", folder / "c.gantry", "--to", "csv", "--table", "api_summary", "-o", csv}).exitStatus, 0);
    EXPECT_THAT(test::readFile(csv), HasSubstr("cudaFree,,1,10,1,10,10,10,10,\r\n")) << "calls have no bytes";
}

TEST_F(InfoCommand, CountersOfAnIterationLogAreShown)
{
    const std::string log = folder / "iterations.json";
    writeFile(log, R"([{"iter": 1, "iterLatencyMS": 10.5, "numActiveRequests": 2, "gpuMemUsage": 100},
 {"iter": 2, "iterLatencyMS": 20.5, "numActiveRequests": 4, "gpuMemUsage": 100}])");
    const ProcessResult counters = gantryctl({"report", "stats", log, "--by", "counter", "--json"});
    ASSERT_EQ(counters.exitStatus, 0) << counters.err;
    const json rows = json::parse(counters.out);
    const auto active = std::find_if(rows.begin(), rows.end(), [](const json& row) { return row.at("max") == 4; });
    ASSERT_NE(active, rows.end()) << rows;
    EXPECT_EQ(active->at("min"), 2);
    EXPECT_EQ(active->at("mean"), 3);
    EXPECT_EQ(active->at("samples"), 2);
    EXPECT_THAT(info({log}), HasSubstr("counter"));
}

class StatsCommand : public testing::Test
{
protected:
    ProcessResult stats(std::vector<std::string> options) const
    {
        options.insert(options.begin(), {"report", "stats", report});
        return gantryctl(options);
    }

    test::TemporaryFolder folder;
    std::string report = folder / "a.json";
};

TEST_F(StatsCommand, TellsTheFiftyLongestAndHowManyMoreThereAre)
{
    std::string events;
    for (int i = 0; i < 60; ++i)
        events += std::string(i ? ", " : "") + R"({"ph": "X", "cat": "kernel", "name": "k)" + std::to_string(i) +
                  R"(", "pid": 0, "tid": 7, "ts": )" + std::to_string(i * 100) + R"(, "dur": )" + std::to_string(i + 1) +
                  R"(, "args": {"device": 0, "stream": 7, "correlation": 1}})";
    writeTrace(report, events);
    const std::string usual = stats({}).out;
    EXPECT_EQ(std::count(usual.begin(), usual.end(), '\n'), 52);
    EXPECT_THAT(usual, HasSubstr("10 more, of 60 in all: --limit 0 shows them\n"));
    for (const char* column : {"min", "p50", "p95", "p99", "max"})
        EXPECT_THAT(usual.substr(0, usual.find('\n')), HasSubstr(column));
    const std::string few = stats({"--limit", "2"}).out;
    EXPECT_THAT(few, HasSubstr("k59\n"));
    EXPECT_THAT(few, Not(HasSubstr("k57\n")));
    EXPECT_THAT(stats({"--limit", "0"}).out, Not(HasSubstr("more, of")));
    EXPECT_EQ(json::parse(stats({"--json"}).out).size(), 60u);
    EXPECT_EQ(json::parse(stats({"--json", "--limit", "3"}).out).size(), 3u);
}

TEST_F(StatsCommand, KernelsAreToldApartByTheirFullNames)
{
    const auto kernel = [](const char* name, int at) {
        return std::string(R"({"ph": "X", "cat": "kernel", "name": ")") + name + R"(", "pid": 0, "tid": 7, "ts": )" + std::to_string(at) +
               R"(, "dur": 2, "args": {"device": 0, "stream": 7, "correlation": 1, "short name": "gemm"}})";
    };
    writeTrace(report, kernel("void gemm<float>(int)", 10) + ", " + kernel("void gemm<half>(int)", 20));
    EXPECT_EQ(json::parse(stats({"--json"}).out).size(), 1u);
    const json full = json::parse(stats({"--names", "full", "--json"}).out);
    ASSERT_EQ(full.size(), 2u);
    EXPECT_EQ(full[0].at("name"), "void gemm<float>(int)");
    EXPECT_EQ(stats({"--names", "long"}).exitStatus, 64);
}

TEST_F(StatsCommand, LaunchesOfGraphsAreCounted)
{
    const auto launch = [](int graph, int at) {
        return R"({"ph": "X", "cat": "cuda_graph", "name": "CUDA graph", "pid": 0, "tid": 7, "ts": )" + std::to_string(at) +
               R"(, "dur": 3, "args": {"device": 0, "context": 1, "stream": 7, "correlation": 1, "graph id": )" + std::to_string(graph) +
               "}}";
    };
    writeTrace(report, launch(21, 10) + ", " + launch(21, 20) + ", " + launch(5, 30));
    const json graphs = json::parse(stats({"--by", "graph", "--json"}).out);
    ASSERT_EQ(graphs.size(), 2u);
    EXPECT_EQ(graphs[0].at("name"), "graph 21");
    EXPECT_EQ(graphs[0].at("count"), 2);
    const json streams = json::parse(stats({"--by", "stream", "--json"}).out);
    ASSERT_EQ(streams.size(), 1u);
    EXPECT_EQ(streams[0].at("total_ns"), 9'000);
    const ProcessResult info = gantryctl({"report", "info", report, "--json"});
    EXPECT_EQ(json::parse(info.out).at("counts").at("graph_launches"), 3);
    EXPECT_EQ(stats({}).out, "this report has nothing to group by kernel; it has something by graph, stream\n");
}

TEST_F(StatsCommand, AMissingFileIsNamedAsSuch)
{
    EXPECT_THAT(gantryctl({"report", "stats"}).err, HasSubstr("there is no FILE on the command line; see `gantryctl report stats --help`"));
}

// The name of the file was said twice.
TEST_F(StatsCommand, AnErrorNamesTheFileOnce)
{
    writeFile(report, "hello");
    const std::string error = gantryctl({"report", "stats", report}).err;
    EXPECT_EQ(error.find("a.json"), error.rfind("a.json")) << error;
    EXPECT_THAT(error, HasSubstr("this is a text of 5 bytes, too short to be a report or a trace"));
    std::string database = "SQLite format 3";
    database.resize(60);
    writeFile(report, database);
    const std::string truncated = gantryctl({"report", "stats", report}).err;
    EXPECT_EQ(truncated.find("a.json"), truncated.rfind("a.json")) << truncated;
    EXPECT_THAT(truncated, HasSubstr("the file is truncated (60 of 100 bytes)"));
}

TEST_F(StatsCommand, BenchLeavesOutWhatSmallFilesCannotTell)
{
    writeTrace(report, R"({"ph": "X", "cat": "x", "name": "n", "pid": 1, "tid": 1, "ts": 1, "dur": 2})");
    const std::string text = gantryctl({"bench", "report", report}).out;
    EXPECT_THAT(text, HasSubstr("not kept: so small that reading is as quick"));
    EXPECT_THAT(text, HasSubstr("not told: of fewer than 10000 events the fixed costs are most of it"));
    const json figures = json::parse(gantryctl({"bench", "report", report, "--json"}).out);
    EXPECT_TRUE(figures.at("reopen_s").is_null());
    EXPECT_TRUE(figures.at("bytes_per_event").is_null());
}

// It ended by the signal, without a word and with its folder left behind.
TEST_F(StatsCommand, BenchThatIsInterruptedSaysSoAndLeavesNothing)
{
    std::string script = "window 0..1000000000\nprocess p\n";
    for (int i = 0; i < 300'000; ++i)
        script += "kernel gpu0/stream7 gemm " + std::to_string(i * 100) + ".." + std::to_string(i * 100 + 50) + " corr " +
                  std::to_string(i + 1) + '\n';
    const std::string large = folder / "large.gantry";
    ASSERT_TRUE(test::writeEventScript(script, large));
    const std::filesystem::path scratch = folder / "scratch";
    std::filesystem::create_directory(scratch);
    test::ChildProcess::Options options;
    options.environment = {{"TMPDIR", scratch.string()}};
    test::ChildProcess process({GANTRYCTL, "bench", "report", large}, options);
    ASSERT_TRUE(test::eventually([&] { return !std::filesystem::is_empty(scratch); }));
    process.signal(SIGINT);
    const auto result = process.wait();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->exitStatus, 2);
    EXPECT_EQ(result->err, "gantryctl: the bench was cancelled\n");
    EXPECT_TRUE(std::filesystem::is_empty(scratch));
}

} // namespace
} // namespace gantry::cli
