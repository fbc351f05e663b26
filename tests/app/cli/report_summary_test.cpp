#include "app/cli/report_summary.h"

#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/base/counted.h"
#include "trace_model/trace/trace_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace gantry::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// PyTorch has rows of a made-up process "Spans", and a pid 0 for what it does not know the process of.
TEST(ReportSummary, CountsProcessesAndNotWhatOnlyLooksLikeThem)
{
    const test::TemporaryFolder folder;
    std::ofstream(folder / "a.json") << R"({"schemaVersion": 1, "traceEvents": [
        {"ph":"X","cat":"Trace","name":"Profiler","pid":"Spans","tid":"Profiler","ts":0,"dur":9},
        {"ph":"X","cat":"python_function","name":"main","pid":0,"tid":0,"ts":1,"dur":1},
        {"ph":"X","cat":"cpu_op","name":"aten::add","pid":17,"tid":18,"ts":1,"dur":1},
        {"ph":"X","cat":"x","name":"step","pid":3,"tid":1,"ts":1,"dur":1},
        {"ph":"M","name":"process_name","pid":3,"args":{"name":"GPU 0"}},
        {"ph":"M","name":"thread_name","pid":3,"tid":1,"args":{"name":"Steps"}}]})";
    const auto trace = trace::loadTrace(folder / "a.json");
    ASSERT_TRUE(trace) << trace.error().text();
    EXPECT_EQ(processCount(**trace), 1u);
    EXPECT_THAT(text(summarise(**trace)), HasSubstr("\nranges            4 ranges in 1 process\n"));

    std::ofstream(folder / "b.json") << R"({"traceEvents": [{"ph":"X","cat":"x","name":"a","ts":0,"dur":9}]})";
    const auto other = trace::loadTrace(folder / "b.json");
    ASSERT_TRUE(other) << other.error().text();
    EXPECT_THAT(text(summarise(**other)), HasSubstr("\nranges            1 range\n"));
}

TEST(ReportSummary, CountsWhatTheReportHolds)
{
    const test::TemporaryFolder folder;
    const auto written =
        test::writeEventScript("window    0..1000000\n"
                               "process   gantry-serve\n"
                               "thread    12  bert_0\n"
                               "kernel    gpu0/stream7  gemm  100000..140000  corr 1\n"
                               "memcpy    gpu0/stream7  HtoD  pageable  10000..20000  bytes 4096  corr 2\n"
                               "api       12  cudaLaunchKernel  90000..95000  corr 1\n"
                               "range     12  compute_infer  90000..140000\n"
                               "execution 3  thread 12  model bert:1  instance bert_0  80000..150000\n"
                               "request   7  model bert:1  0..200000  queue 0..80000  compute_infer 90000..140000  batch 3\n",
                               folder / "a.gantry");
    ASSERT_TRUE(written) << written.error().text();
    const auto trace = trace::loadTrace(folder / "a.gantry");
    ASSERT_TRUE(trace) << trace.error().text();
    const ReportSummary summary = summarise(**trace);
    EXPECT_EQ(summary.requests.requests, 1u);
    EXPECT_EQ(summary.kernels, 1u);
    EXPECT_EQ(summary.kernelTime, 40'000);
    EXPECT_EQ(summary.memcpys, 1u);
    EXPECT_EQ(summary.apiCalls, 1u);
    EXPECT_EQ(summary.dropped(), std::nullopt) << "the script has no counters of losses";

    const std::string said = text(summary);
    EXPECT_THAT(said, HasSubstr("1 complete"));
    EXPECT_THAT(said, HasSubstr("1 kernel (40.000 µs in all), 1 memcpy, 0 memsets on 1 stream; 1 API call"));
    EXPECT_THAT(said, HasSubstr("  queue           p50   80.000 µs"));
    EXPECT_THAT(said, HasSubstr("dropped           not recorded\n"));
    EXPECT_THAT(said, HasSubstr("window cost       not measured")) << "absent is not zero";
    EXPECT_THAT(said, Not(HasSubstr("compute_output"))) << "a phase that does not occur has no line";
    EXPECT_LE(std::count(said.begin(), said.end(), '\n'), 12);
}

TEST(ReportSummary, SaysWhatWasLostAndWhatTheTargetDid)
{
    ReportSummary summary;
    summary.hasTimes = summary.isCapture = true;
    summary.isWindowCostClear = true;
    summary.losses = {{"cupti_dropped_records", LossSeverity::Warning, 12, "Records that CUPTI dropped."},
                      {"cut", LossSeverity::Info, 5, "Cut."}};
    summary.targetExited = true;
    summary.complete = false;
    summary.whyIncomplete = {"the file is cut off", "b.json: the file ends too early"};
    summary.cost.ratio = -0.008;
    summary.cost.error = 0.004;
    summary.cost.p99 = report::CostDifference{100'000, 200'000};
    const std::string said = text(summary);
    EXPECT_THAT(said, HasSubstr("dropped           12; 12 cupti_dropped_records: Records that CUPTI dropped."));
    EXPECT_THAT(said, HasSubstr("the report is not complete: the file is cut off; b.json: the file ends too early\n"));
    EXPECT_THAT(said, HasSubstr("window cost       -0.8 % ± 0.4 % req/s, +0.1 ± 0.2 ms p99\n"));
    EXPECT_THAT(said, HasSubstr("the target process ended inside the window"));
    EXPECT_THAT(said, HasSubstr("not complete"));
    EXPECT_THAT(said, HasSubstr("requests          none in this report\n"));
    EXPECT_THAT(said, HasSubstr("gpu work          none"));
}

// A load generator's table began with "0 ns", no requests, and costs of a window that there was not.
TEST(ReportSummary, SaysOfTablesNothingThatIsAboutTimes)
{
    ReportSummary summary;
    summary.title = "results.csv";
    summary.producer = "perf_analyzer";
    summary.tables = 2;
    EXPECT_EQ(text(summary), "report            results.csv (perf_analyzer)\nholds             2 tables without times\n");
}

// Of a producer that is not known stood "a.json ()".
TEST(ReportSummary, SaysOfANearlyEmptyFileWhatIsKnown)
{
    ReportSummary summary;
    summary.title = "a.json";
    summary.complete = false;
    summary.whyIncomplete = {"the file is cut off"};
    EXPECT_EQ(text(summary),
              "report            a.json\nholds             nothing\nnote              the report is not complete: the file is cut off\n");
    summary.hostName = "node3";
    EXPECT_THAT(text(summary), HasSubstr("a.json (on node3)\n"));
}

TEST(ReportSummary, SaysOfACaptureThatHoldsNothingThatItsTargetEnded)
{
    ReportSummary summary;
    summary.isCapture = summary.targetExited = true;
    EXPECT_THAT(text(summary), HasSubstr("the target process ended inside the window"));
}

TEST(ReportSummary, ZeroIsOneOfWhatIsRecordedOnly)
{
    ReportSummary summary;
    summary.hasTimes = true;
    EXPECT_THAT(text(summary), HasSubstr("dropped           not recorded\n"));
    EXPECT_THAT(text(summary), Not(HasSubstr("window cost"))) << "of a file that is no capture of ours";
    summary.losses = {{"cupti_dropped_records", LossSeverity::Warning, 0, "Records that CUPTI dropped."}};
    EXPECT_THAT(text(summary), HasSubstr("dropped           0\n"));
}

TEST(ReportSummary, CountsInWords)
{
    EXPECT_EQ(counted(1, "stream"), "1 stream");
    EXPECT_EQ(counted(0, "memcpy"), "0 memcpys");
    EXPECT_EQ(counted(2, "process"), "2 processes");
    EXPECT_EQ(counted(3, "graph launch"), "3 graph launches");
    EXPECT_EQ(counted(4, "entry"), "4 entries");
}

} // namespace
} // namespace gantry::cli
