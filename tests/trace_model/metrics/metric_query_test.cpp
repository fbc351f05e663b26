#include "trace_model/metrics/metric_query.h"

#include "tests/support/test_files.h"
#include "trace_model/metrics/prometheus_text.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gantry::metrics {
namespace {

constexpr DurationNs kSecond = 1'000'000'000;
constexpr TimeRange kAlways{0, 1000 * kSecond};
using Labels = std::map<std::string, std::string>;
using Values = std::vector<double>;

/// Series that are sampled once a second.
class MetricQueryTest : public testing::Test
{
protected:
    void add(const std::string& name, const Labels& labels, SeriesKind kind, const Values& values, DurationNs later = 0)
    {
        const auto id = static_cast<std::uint32_t>(m_store.definitions().size() + 1);
        m_store.define({id, name, "unit", kind, labels, {}});
        for (std::size_t i = 0; i < values.size(); ++i)
            m_store.append({id, static_cast<TimestampNs>(i + 1) * kSecond + later, values[i]});
    }
    void gauge(const std::string& name, const Labels& labels, const Values& values) { add(name, labels, SeriesKind::Gauge, values); }
    void counter(const std::string& name, const Labels& labels, const Values& values) { add(name, labels, SeriesKind::Counter, values); }

    std::vector<QueryCurve> ask(const std::string& text)
    {
        const auto query = MetricQuery::parse(text);
        EXPECT_TRUE(query) << query.error().text();
        return query ? query->evaluate(m_store, kAlways, 0) : std::vector<QueryCurve>();
    }
    /// Of an answer of one curve.
    Values valuesOf(const std::string& text)
    {
        const auto curves = ask(text);
        EXPECT_EQ(curves.size(), 1U) << text;
        Values values;
        for (const QueryCurve& curve : curves)
            for (const Point& point : curve.points)
                values.push_back(point.value);
        return values;
    }

    /// Two dumps of a server's metrics, ten seconds apart; false: they are not here.
    bool hasSeedDumps()
    {
        const auto files = test::sharedFiles("seed");
        for (const auto& [name, time] : {std::pair("triton_2.24_metrics_before.txt", 10), std::pair("triton_2.24_metrics_after.txt", 20)}) {
            const auto file = std::find_if(files.begin(), files.end(), [&](const auto& path) { return path.filename() == name; });
            if (file == files.end())
                return false;
            const auto scrape = parsePrometheusText(test::readFile(*file));
            for (const PrometheusSample& sample : scrape.samples) {
                const auto [known, isNew] = m_ids.try_emplace({sample.name, sample.labels}, static_cast<std::uint32_t>(m_ids.size() + 1));
                if (isNew)
                    m_store.define({known->second, sample.name, {}, SeriesKind::Counter, sample.labels, {}});
                m_store.append({known->second, time * kSecond, sample.value});
            }
        }
        return true;
    }

    SeriesStore m_store;
    std::map<std::pair<std::string, Labels>, std::uint32_t> m_ids;
};

TEST_F(MetricQueryTest, AGaugeIsShownAsItIsAndACounterAsItsRate)
{
    gauge("power", {{"gpu", "0"}}, {100, 200});
    counter("requests", {}, {0, 10, 30});
    EXPECT_EQ(valuesOf("power"), (Values{100, 200}));
    EXPECT_EQ(valuesOf("rate(requests)"), (Values{10, 20}));
}

TEST_F(MetricQueryTest, LabelsChooseSeries)
{
    gauge("power", {{"gpu", "0"}}, {100});
    gauge("power", {{"gpu", "1"}}, {200});
    EXPECT_EQ(ask("power").size(), 2U);
    EXPECT_EQ(valuesOf("power{gpu=\"1\"}"), (Values{200}));
    EXPECT_TRUE(ask("power{gpu=\"2\"}").empty());
}

TEST_F(MetricQueryTest, QuotientsAreOfTheSameLabelsAndAbsentWhereThereIsNothingToDivideBy)
{
    counter("inferences", {{"model", "a"}}, {0, 40, 40});
    counter("inferences", {{"model", "b"}}, {0, 12, 24});
    counter("executions", {{"model", "a"}}, {0, 10, 10});
    counter("executions", {{"model", "b"}}, {0, 3, 4});
    const auto curves = ask("rate(inferences) / rate(executions)");
    ASSERT_EQ(curves.size(), 2U);
    EXPECT_EQ(curves[0].labels.at("model"), "a");
    ASSERT_EQ(curves[0].points.size(), 1U) << "no executions in the second second";
    EXPECT_EQ(curves[0].points[0].value, 4);
    EXPECT_EQ(curves[1].points[1].value, 12);
}

TEST_F(MetricQueryTest, OneOfFewerLabelsMatchesAllThatHaveThem)
{
    gauge("joules", {}, {100, 200});
    gauge("requests", {{"model", "a"}}, {10, 10});
    EXPECT_EQ(valuesOf("requests / joules * 1000"), (Values{100, 50}));
    EXPECT_TRUE(ask("joules / requests").empty()) << "which of several models?";
}

TEST_F(MetricQueryTest, WhatIsMeasuredByAnotherClockTickIsTakenWithTheNewestOfThen)
{
    gauge("watts", {}, {100, 200, 300});
    add("rate", {}, SeriesKind::Gauge, {10, 20, 30}, kSecond / 3);
    const auto curves = ask("rate / watts");
    ASSERT_EQ(curves.size(), 1U);
    EXPECT_EQ(curves[0].points.size(), 3U);
    EXPECT_DOUBLE_EQ(curves[0].points[1].value, 0.1);
}

TEST_F(MetricQueryTest, ProductsBindBeforeSumsAndBracketsBeforeBoth)
{
    gauge("a", {}, {6});
    gauge("b", {}, {2});
    EXPECT_EQ(valuesOf("a + b * 10"), (Values{26}));
    EXPECT_EQ(valuesOf("(a + b) * 10"), (Values{80}));
    EXPECT_EQ(valuesOf("a - b - 1"), (Values{3}));
    EXPECT_EQ(valuesOf("100 / a * 3"), (Values{50}));
}

TEST_F(MetricQueryTest, CurvesAreTakenTogetherByLabels)
{
    gauge("used", {{"gpu", "0"}, {"process", "x"}}, {1, 5});
    gauge("used", {{"gpu", "0"}, {"process", "y"}}, {2, 4});
    gauge("used", {{"gpu", "1"}, {"process", "z"}}, {7, 8});
    const auto sums = ask("sum by (gpu) (used)");
    ASSERT_EQ(sums.size(), 2U);
    EXPECT_EQ(sums[0].points[0].value, 3);
    EXPECT_EQ(sums[1].labels, (Labels{{"gpu", "1"}}));
    EXPECT_EQ(valuesOf("max(used)"), (Values{7, 8}));
    EXPECT_EQ(valuesOf("min(used)"), (Values{1, 4}));
    EXPECT_DOUBLE_EQ(valuesOf("avg(used)")[0], 10.0 / 3);
}

TEST_F(MetricQueryTest, ASumIsOfThoseThatWereMeasuredLately)
{
    gauge("rate", {{"target", "t1"}}, {1, 2, 3});
    add("rate", {{"target", "t2"}}, SeriesKind::Gauge, {10, 20}, 10 * kSecond); // the server that came after it
    EXPECT_EQ(valuesOf("sum(rate)"), (Values{1, 2, 3, 10, 20}));
    EXPECT_EQ(valuesOf("max(rate)"), (Values{1, 2, 3, 10, 20}));
}

TEST_F(MetricQueryTest, TheFirstNameThatThereIsCounts)
{
    gauge("old_name", {}, {5});
    EXPECT_EQ(valuesOf("any(new_name, old_name)"), (Values{5}));
    EXPECT_TRUE(ask("any(a, b)").empty());
}

TEST_F(MetricQueryTest, PercentilesAreOfWhatAHistogramCountedLately)
{
    counter("wait_seconds_bucket", {{"le", "0.1"}}, {1000, 1090});
    counter("wait_seconds_bucket", {{"le", "0.2"}}, {1000, 1100});
    counter("wait_seconds_bucket", {{"le", "+Inf"}}, {1000, 1100});
    const Values p95 = valuesOf("p95(wait_seconds)");
    ASSERT_EQ(p95.size(), 1U);
    EXPECT_NEAR(p95[0], 0.15, 1e-9);
}

TEST_F(MetricQueryTest, PercentilesOfASummaryAreThoseThatItPublishes)
{
    gauge("wait_us", {{"quantile", "0.99"}}, {300});
    gauge("wait_us", {{"quantile", "0.5"}}, {100});
    EXPECT_EQ(valuesOf("p99(wait_us)"), (Values{300}));
    EXPECT_TRUE(ask("p90(wait_us)").empty());
}

TEST_F(MetricQueryTest, ARestartIsAGapInARateAndNoneInWhatHasGrown)
{
    counter("requests", {}, {100, 110, 5, 9});
    EXPECT_EQ(valuesOf("rate(requests)"), (Values{10, 4}));
    EXPECT_EQ(valuesOf("delta(requests)"), (Values{0, 10, 15, 19}));
}

TEST_F(MetricQueryTest, TheDumpsOfAnOldServerGiveWhatItsRequestsTook)
{
    if (!hasSeedDumps())
        GTEST_SKIP() << "the dumps of Triton 2.24 are not here";
    const std::string particlenet = "{model=\"particlenet_PT\"}", addSub = "{model=\"add_sub\"}";
    const auto meanUs = [&](const std::string& name, const std::string& model) {
        return valuesOf("rate(nv_inference_" + name + "_duration_us" + model + ") / rate(nv_inference_request_success" + model + ")").at(0);
    };
    EXPECT_NEAR(meanUs("request", particlenet) / 1e3, 744.9, 0.05) << "ms per cold request";
    EXPECT_NEAR(meanUs("request", addSub) / 1e3, 3.39, 0.005);
    const auto overheadUs = [&](const std::string& model) {
        std::string text = "delta(nv_inference_request_duration_us" + model + ")";
        for (const char* phase : {"queue", "compute_input", "compute_infer", "compute_output"})
            text += std::string(" - delta(nv_inference_") + phase + "_duration_us" + model + ")";
        return valuesOf(text).back();
    };
    EXPECT_DOUBLE_EQ(overheadUs(particlenet), 467);
    EXPECT_DOUBLE_EQ(overheadUs(addSub), 216);
    EXPECT_DOUBLE_EQ(valuesOf("delta(nv_gpu_memory_used_bytes) / 1048576").back(), 138.0);
    EXPECT_DOUBLE_EQ(valuesOf("delta(nv_inference_count" + particlenet + ") / delta(nv_inference_exec_count" + particlenet + ")").back(),
                     1.0);
}

TEST_F(MetricQueryTest, WhatCannotBeReadIsSaidWithItsPlace)
{
    for (const char* text : {"", "rate(", "rate()", "a +", "(a", "a b", "p100(a)", "q(a)", "a{model=bert}", "a{model=\"x\"",
                             "sum by () (a)", "1e", "any(a,)", "rate(a) rate(b)"}) {
        const auto query = MetricQuery::parse(text);
        ASSERT_FALSE(query) << text;
        EXPECT_EQ(query.error().code, ErrorCode::BadInput) << text;
    }
    EXPECT_FALSE(MetricQuery::parse(std::string(500, '(') + "a" + std::string(500, ')'))) << "no end of brackets";
}

TEST_F(MetricQueryTest, ItsNamesAreAllThatItMayBeMadeOf)
{
    const auto query = MetricQuery::parse("sum(rate(a)) / any(b{x=\"1\"}, p99(c))");
    ASSERT_TRUE(query);
    auto names = query->names();
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c", "c_bucket"}));
}

} // namespace
} // namespace gantry::metrics
