#include "trace_model/metrics/metric_condition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gantry::metrics {
namespace {

using testing::HasSubstr;

constexpr TimestampNs kSecond = 1'000'000'000;

/// Series of a server and of the machine, measured five times a second for three seconds.
class MetricConditionTest : public testing::Test
{
protected:
    std::uint32_t define(const std::string& name, SeriesKind kind, std::map<std::string, std::string> labels = {},
                         const std::string& unit = "count")
    {
        m_series.push_back({static_cast<std::uint32_t>(m_series.size() + 1), name, unit, kind, std::move(labels), {}});
        return m_series.back().id;
    }
    /// A counter that grows by so much a second.
    void counter(const std::string& name, double perSecond, std::map<std::string, std::string> labels = {})
    {
        const std::uint32_t id = define(name, SeriesKind::Counter, std::move(labels));
        for (TimestampNs at = 0; at <= kNow; at += kSecond / 5)
            m_samples.push_back({id, at, perSecond * static_cast<double>(at) / 1e9});
    }
    void gauge(const std::string& name, double value, std::map<std::string, std::string> labels = {}, const std::string& unit = "count")
    {
        const std::uint32_t id = define(name, SeriesKind::Gauge, std::move(labels), unit);
        for (TimestampNs at = 0; at <= kNow; at += kSecond / 5)
            m_samples.push_back({id, at, value});
    }
    /// A histogram whose values a second lie in these buckets.
    void histogram(const std::string& name, const std::vector<std::pair<std::string, double>>& upTo)
    {
        for (const auto& [le, perSecond] : upTo)
            counter(name + "_bucket", perSecond, {{"le", le}, {"model", "bert"}});
    }

    MetricCondition condition(const std::string& text)
    {
        auto parsed = MetricCondition::parse(text);
        EXPECT_TRUE(parsed) << parsed.error().text();
        const auto checked = parsed->check(m_series);
        EXPECT_TRUE(checked) << checked.error().text();
        for (const SeriesDefinition& series : m_series)
            parsed->define(series);
        for (const Sample& sample : m_samples)
            parsed->take(sample);
        return std::move(*parsed);
    }
    bool isTrue(const std::string& text, TimestampNs now = kNow) { return condition(text).read(now).isTrue; }
    std::string whyNot(const std::string& text)
    {
        const auto parsed = MetricCondition::parse(text);
        if (!parsed)
            return parsed.error().message;
        const auto checked = parsed->check(m_series);
        return checked ? "" : checked.error().message;
    }

    static constexpr TimestampNs kNow = 3 * kSecond;
    std::vector<SeriesDefinition> m_series;
    std::vector<Sample> m_samples;
};

TEST_F(MetricConditionTest, ComparesAGaugeInTheUnitThatWasTyped)
{
    gauge("gpu_utilization_ratio", 0.4, {{"gpu", "0"}}, "ratio");
    gauge("gpu_power_w", 310, {{"gpu", "0"}}, "W");
    EXPECT_TRUE(isTrue("gpu_utilization_ratio < 50%"));
    EXPECT_TRUE(isTrue("gpu_utilization_ratio<0.5"));
    EXPECT_FALSE(isTrue("gpu_utilization_ratio < 40 %"));
    EXPECT_TRUE(isTrue("gpu_utilization_ratio <= 40%"));
    EXPECT_TRUE(isTrue("gpu_power_w > 300W"));
    EXPECT_EQ(condition("gpu_power_w > 300W").valueText(310), "310 W");
}

TEST_F(MetricConditionTest, ComparesTheTimeOfARequestByWhatItsCountersGrewByInTheLastSecond)
{
    counter("nv_inference_request_success", 100, {{"model", "bert"}});
    counter("nv_inference_queue_duration_us", 600'000, {{"model", "bert"}}); // 6 ms each
    EXPECT_TRUE(isTrue("queue > 5ms"));
    EXPECT_FALSE(isTrue("queue > 7 ms"));
    EXPECT_NEAR(condition("queue > 5ms").read(kNow).value.value(), 6e6, 1);
    EXPECT_TRUE(isTrue("requests >= 100/s"));
    EXPECT_TRUE(isTrue("requests < 101"));
    EXPECT_TRUE(isTrue("nv_inference_request_success > 99/s")) << "a counter by its own name is its rate";
}

TEST_F(MetricConditionTest, ComparesAPercentileOfWhatAHistogramGrewBy)
{
    histogram("vllm:request_queue_time_seconds", {{"0.005", 98}, {"0.01", 100}, {"+Inf", 100}});
    EXPECT_FALSE(isTrue("p50 queue > 5ms"));
    EXPECT_TRUE(isTrue("p99 queue > 5ms"));
    EXPECT_NEAR(condition("p99 queue > 5ms").read(kNow).value.value(), 7.5e6, 1);
    EXPECT_TRUE(isTrue("p99.5 vllm:request_queue_time_seconds > 8ms"));
}

TEST_F(MetricConditionTest, ComparesAPercentileThatTheServerItselfPublishes)
{
    gauge("nv_inference_queue_summary_us", 4000, {{"model", "bert"}, {"quantile", "0.5"}}, "us");
    gauge("nv_inference_queue_summary_us", 9000, {{"model", "bert"}, {"quantile", "0.99"}}, "us");
    EXPECT_TRUE(isTrue("p99 queue > 5ms"));
    EXPECT_FALSE(isTrue("p50 queue > 5ms"));
    EXPECT_FALSE(condition("p95 queue > 5ms").read(kNow).value) << "one that it does not publish is absent";
}

TEST_F(MetricConditionTest, IsTrueOfOneOfSeveralAndSaysOfWhich)
{
    gauge("gpu_temperature_c", 60, {{"gpu", "0"}}, "°C");
    gauge("gpu_temperature_c", 85, {{"gpu", "1"}}, "°C");
    const auto reading = condition("gpu_temperature_c > 80C").read(kNow);
    EXPECT_TRUE(reading.isTrue);
    EXPECT_EQ(reading.value, 85);
    EXPECT_EQ(reading.subject, "gpu=\"1\"");
    EXPECT_FALSE(isTrue("gpu_temperature_c{gpu=\"0\"} > 80C"));
    EXPECT_TRUE(isTrue("gpu_temperature_c < 70C")) << "of the other one";
}

TEST_F(MetricConditionTest, WhatWasNotMeasuredLatelyIsNeverTrue)
{
    gauge("gpu_utilization_ratio", 0.1, {{"gpu", "0"}}, "ratio");
    counter("nv_inference_request_success", 0, {{"model", "bert"}});
    counter("nv_inference_queue_duration_us", 0, {{"model", "bert"}});
    EXPECT_TRUE(isTrue("gpu_utilization_ratio < 50%"));
    EXPECT_FALSE(isTrue("gpu_utilization_ratio < 50%", kNow + 5 * kSecond)) << "stale";
    EXPECT_FALSE(isTrue("queue < 5ms")) << "no request waited at all";
    const auto reading = condition("queue < 5ms").read(kNow);
    EXPECT_FALSE(reading.value);
}

TEST_F(MetricConditionTest, AServerThatBeganAnewHasNoRateUntilASecondLater)
{
    counter("nv_inference_request_success", 100, {{"model", "bert"}});
    m_samples.push_back({1, kNow + kSecond / 5, 3}); // counts from 0 again
    EXPECT_FALSE(condition("requests < 1000/s").read(kNow + 2 * kSecond).value);
}

TEST_F(MetricConditionTest, AMetricThatIsNotThereIsAnsweredWithThoseThatAreTheNearestFirst)
{
    gauge("gpu_utilization_ratio", 0.4, {{"gpu", "0"}}, "ratio");
    gauge("host_cpu_ratio", 0.4, {}, "ratio");
    counter("nv_inference_request_success", 100);
    counter("nv_inference_queue_duration_us", 100);
    EXPECT_THAT(whyNot("queu > 5ms"), HasSubstr("no metric 'queu' here: there are queue, "));
    EXPECT_THAT(whyNot("gpu_utilisation_ratio > 5%"), HasSubstr("there are gpu_utilization_ratio, "));
    EXPECT_EQ(whyNot("p99 queue > 5ms"), "there is no 'p99 queue' here: no metric has percentiles, watch its mean");
    EXPECT_EQ(whyNot("host_cpu_ratio{cpu=\"3\"} > 5%"), "no 'host_cpu_ratio' has the labels {cpu=\"3\"}");
    m_series.clear();
    EXPECT_THAT(whyNot("queue > 5ms"), HasSubstr("those of a server appear once it answers"));
}

TEST_F(MetricConditionTest, SaysWhatToWriteInsteadOfWhatIsNoCondition)
{
    gauge("gpu_memory_used_bytes", 1e9, {{"gpu", "0"}}, "bytes");
    for (const char* text :
         {"", "queue", "queue 5ms", "> 5ms", "queue > ", "queue > fast", "queue > 5 parsecs", "p0 queue > 5ms", "pp queue > 5ms",
          "a b c > 5ms", "queue{model} > 5ms", "queue{model=\"a\" > 5ms", "queue > nan", "queue > inf ms"})
        EXPECT_THAT(whyNot(text), HasSubstr("write ")) << text;
    EXPECT_EQ(whyNot("gpu_memory_used_bytes > 5ms"), "'gpu_memory_used_bytes' is compared with an amount of memory, such as 2GiB");
    EXPECT_EQ(whyNot("gpu_memory_used_bytes > 5"), "'gpu_memory_used_bytes' is compared with an amount of memory, such as 2GiB")
        << "of what?";
    EXPECT_EQ(whyNot("gpu_memory_used_bytes > 5GiB"), "");
}

} // namespace
} // namespace gantry::metrics
