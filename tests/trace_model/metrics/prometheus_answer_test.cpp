#include "trace_model/metrics/prometheus_answer.h"

#include <gtest/gtest.h>

namespace gantry::metrics {
namespace {

constexpr DurationNs kSecond = 1'000'000'000;

std::string matrix(const std::string& result)
{
    return R"({"status":"success","data":{"resultType":"matrix","result":[)" + result + "]}}";
}

std::string problemOf(const std::string& answer)
{
    const auto read = readPrometheusAnswer(answer, 100);
    return read ? std::string() : read.error().message;
}

TEST(PrometheusAnswer, TheStepIsOneOfAPixelAndItsPointsStayWhereTheyAre)
{
    const auto hour = PrometheusRange::forPlot({1000 * kSecond + 7, 4600 * kSecond + 7}, 600);
    EXPECT_EQ(hour.step, 6 * kSecond);
    EXPECT_EQ(hour.time.start % hour.step, 0);
    EXPECT_LE(hour.time.start, 1000 * kSecond + 7);
    EXPECT_EQ(hour.time.end % hour.step, 0);
    EXPECT_LE(hour.time.end, 4600 * kSecond + 7); // nothing of a time that is yet to come
    EXPECT_GT(hour.time.end, 4600 * kSecond + 7 - hour.step);
    EXPECT_EQ(PrometheusRange::forPlot({1001 * kSecond, 4601 * kSecond}, 600).time.start, hour.time.start);
}

TEST(PrometheusAnswer, NoWidthOrTimeAsksForMorePointsThanAServerGives)
{
    for (const DurationNs length : {DurationNs{0}, kSecond, 3600 * kSecond, 31 * 86'400 * kSecond, 3650 * 86'400 * kSecond})
        for (const int width : {-1, 0, 1, 600, 10'998, 11'000, 1'000'000}) {
            const auto range = PrometheusRange::forPlot({12'345'678'901, 12'345'678'901 + length}, width);
            EXPECT_GE(range.step, PrometheusRange::kLeastStep);
            EXPECT_LE((range.time.end - range.time.start) / range.step + 1, PrometheusRange::kMostPoints) << length << ' ' << width;
        }
}

TEST(PrometheusAnswer, WhatTheServerWarnsOfIsKept)
{
    const auto read = readPrometheusAnswer(
        R"({"status":"success","warnings":["partial response: store-3","another"],"data":{"resultType":"matrix","result":[]}})", 100);
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->warning, "partial response: store-3");
}

TEST(PrometheusAnswer, EachSeriesIsACurveWithItsLabels)
{
    const auto read = readPrometheusAnswer(
        matrix(R"({"metric":{"__name__":"up","job":"node"},"values":[[1435781430.781,"1"],[1435781445.781,"0.5"]]})"), 100);
    ASSERT_TRUE(read) << read.error().text();
    ASSERT_EQ(read->curves.size(), 1U);
    EXPECT_EQ(read->curves[0].labels.at("job"), "node");
    ASSERT_EQ(read->curves[0].points.size(), 2U);
    EXPECT_EQ(read->curves[0].points[0].time, 1'435'781'430'781'000'000);
    EXPECT_EQ(read->curves[0].points[1].value, 0.5);
}

TEST(PrometheusAnswer, WhatIsNoNumberIsAGapAndNotZero)
{
    const auto read = readPrometheusAnswer(
        matrix(R"({"metric":{},"values":[[1,"1"],[2,"NaN"],[3,"+Inf"],[4,"-Inf"],[5,"x"],[6,6],[7,"7"],[1e300,"1"]]})"), 100);
    ASSERT_TRUE(read) << read.error().text();
    ASSERT_EQ(read->curves[0].points.size(), 2U);
    EXPECT_EQ(read->curves[0].points[1].time, 7 * kSecond);
}

TEST(PrometheusAnswer, SeriesBeyondTheMostAreCounted)
{
    const std::string series = R"({"metric":{},"values":[[1,"1"]]})";
    const auto read = readPrometheusAnswer(matrix(series + ',' + series + ',' + series), 2);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->curves.size(), 2U);
    EXPECT_EQ(read->hidden, 1U);
}

TEST(PrometheusAnswer, WhatTheServerSaysIsSaid)
{
    EXPECT_EQ(problemOf(R"({"status":"error","errorType":"bad_data","error":"1:5: parse error: unclosed left parenthesis"})"),
              "the server refused the query: 1:5: parse error: unclosed left parenthesis (bad_data)");
}

TEST(PrometheusAnswer, AnAnswerOfSomethingElseSaysWhatToLookFor)
{
    EXPECT_NE(problemOf("<html>login</html>").find("no JSON"), std::string::npos);
    EXPECT_NE(problemOf("").find("no JSON"), std::string::npos);
    EXPECT_NE(problemOf("[]").find("no JSON"), std::string::npos);
    EXPECT_NE(problemOf(R"({"status":"ok"})").find("not that of a Prometheus server"), std::string::npos);
    EXPECT_NE(problemOf(R"({"status":"success","data":{"resultType":"scalar","result":[1,"1"]}})").find("gives a scalar"),
              std::string::npos);
    EXPECT_NE(problemOf(R"({"status":"success","data":{"resultType":"matrix"}})").find("no result"), std::string::npos);
    EXPECT_NE(problemOf(matrix(R"({"metric":[]})")).find("no labels or no values"), std::string::npos);
}

} // namespace
} // namespace gantry::metrics
