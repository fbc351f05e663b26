#include "trace_model/analysis/sweep/sweep_table.h"

#include "trace_model/base/result.h"

#include <gtest/gtest.h>
#include <string>

namespace gantry::sweep {
namespace {

constexpr const char* kPerfHeader = "Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,Client Recv,p50 "
                                    "latency,p90 latency,p95 latency,p99 latency\n";

std::string errorOf(const std::string& text)
{
    const auto points = pointsOfCsv(text, "table.csv");
    return points ? "" : points.error().message;
}

TEST(SweepTable, ARowOfPerfAnalyzerIsAPointInMicroseconds)
{
    const auto points = pointsOfCsv(std::string(kPerfHeader) + "4,84.2,279,1604,33669,1,47045,56545,59225,64886\n", "runs/perf.csv");
    ASSERT_TRUE(points) << points.error().text();
    ASSERT_EQ(points->size(), 1u);
    const Point& point = points->front();
    EXPECT_EQ(*point.parameter("concurrency"), "4");
    EXPECT_EQ(*point.parameter("file"), "perf");
    EXPECT_DOUBLE_EQ(*point.figures[Figure::Throughput], 84.2);
    EXPECT_DOUBLE_EQ(*point.figures[Figure::P50], 47'045'000);
    EXPECT_DOUBLE_EQ(*point.figures[Figure::P99], 64'886'000);
    EXPECT_FALSE(point.figures[Figure::Requests]);
    EXPECT_EQ(point.others,
              (std::vector<std::pair<std::string, std::string>>{
                  {"Client Send", "279"}, {"Network+Server Send/Recv", "1604"}, {"Server Queue", "33669"}, {"Client Recv", "1"}}));
}

TEST(SweepTable, ModelAnalyzersUnitsAreThoseOfItsHeader)
{
    const auto points =
        pointsOfCsv("Model,Batch,Concurrency,Model Config Path,Instance Group,Max Batch Size,Satisfies Constraints,Throughput (infer/sec),"
                    "p99 Latency (ms),GPU Memory Usage (MB),GPU Utilization (%)\n"
                    "add_sub,2,1,add_sub_config_3,2:GPU,8,Yes,6967.9,0.8,874.5,2.8\n",
                    "metrics-model-inference.csv");
    ASSERT_TRUE(points) << points.error().text();
    const Point& point = points->front();
    EXPECT_DOUBLE_EQ(*point.figures[Figure::P99], 800'000);
    EXPECT_DOUBLE_EQ(*point.figures[Figure::GpuMemory], 874.5e6);
    EXPECT_DOUBLE_EQ(*point.figures[Figure::GpuBusy], 0.028);
    EXPECT_EQ(*point.parameter("instances"), "2");
    EXPECT_EQ(*point.parameter("instance kind"), "GPU");
    EXPECT_EQ(*point.parameter("max batch size"), "8");
    EXPECT_EQ(*point.parameter("model config"), "add_sub_config_3");
}

TEST(SweepTable, WhatIsNoNumberIsAbsentAndNotZero)
{
    const auto points = pointsOfCsv("Request Rate,Inferences/Second,p50 latency,p99 latency\n10,N/A,,-1\n20,nan,7,8\n", "a.csv");
    ASSERT_TRUE(points) << points.error().text();
    EXPECT_EQ(*points->front().parameter("request rate"), "10");
    for (const Figure figure : {Figure::Throughput, Figure::P50, Figure::P99})
        EXPECT_FALSE(points->front().figures[figure]) << wordsOf(figure).title;
    EXPECT_FALSE(points->back().figures[Figure::Throughput]);
    EXPECT_DOUBLE_EQ(*points->back().figures[Figure::P99], 8000);
}

// perf_analyzer ends lines with figures of each GPU with one more comma.
TEST(SweepTable, FiguresOfSeveralGpusAreOne)
{
    const auto points = pointsOfCsv("Concurrency,Inferences/Second,p99 latency,Avg GPU Utilization,Max GPU Memory Usage\n"
                                    "1,10,20,GPU-1:0.25;GPU-2:0.75;,GPU-1:1000;GPU-2:2000;,\n"
                                    "2,10,20,GPU-1:0.25;GPU-2:?;,,\n",
                                    "a.csv");
    ASSERT_TRUE(points) << points.error().text();
    EXPECT_DOUBLE_EQ(*points->front().figures[Figure::GpuBusy], 0.5);
    EXPECT_DOUBLE_EQ(*points->front().figures[Figure::GpuMemory], 3000);
    EXPECT_FALSE(points->back().figures[Figure::GpuBusy]);
    EXPECT_FALSE(points->back().figures[Figure::GpuMemory]);
}

TEST(SweepTable, ErrorsSayLineAndColumn)
{
    EXPECT_EQ(errorOf(std::string(kPerfHeader) + "1,69.2,225,2148,64,0,13891,18795,19753,21018\n\n2,87.2,235\n"),
              "line 4, column 4: this row has 3 cells and the header 10");
    EXPECT_EQ(errorOf(std::string(kPerfHeader) + "1,\"69.2,225\n"),
              "line 2, column 2: a quote begins here that does not end: is the file cut off?");
    EXPECT_EQ(errorOf(""), "line 1, column 1: the file is empty: a table begins with a line of column names");
    EXPECT_EQ(errorOf(kPerfHeader),
              "line 2, column 1: there is no row below the header: was the measurement ended before its first result?");
    EXPECT_EQ(errorOf("Concurrency,Throughput (infer/sec),Inferences/Second\n1,2,3\n"),
              "line 1, column 3: 'Inferences/Second' is the same figure as column 2: leave one of them out");
    EXPECT_TRUE(errorOf("time,value\n1,2\n").starts_with("line 1, column 1: no column of this header is a throughput"));
}

TEST(SweepTable, AUnitThatIsUnknownLeavesTheColumnAsItIs)
{
    const auto points = pointsOfCsv("Concurrency,Throughput (infer/sec),p99 Latency (fortnights)\n1,2,3\n", "a.csv");
    ASSERT_TRUE(points) << points.error().text();
    EXPECT_FALSE(points->front().figures[Figure::P99]);
    EXPECT_EQ(points->front().others.front().second, "3");
}

} // namespace
} // namespace gantry::sweep
