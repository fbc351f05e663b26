#include "trace_model/metrics/derived_metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace gantry::metrics {
namespace {

constexpr DurationNs kSecond = 1'000'000'000;
constexpr TimeRange kAlways{0, 1000 * kSecond};

/// A store with these series, each sampled once a second with these values.
class Server
{
public:
    Server& counter(std::string name, const std::string& model, std::vector<double> values)
    {
        return add(std::move(name), "count", SeriesKind::Counter, {{"model", model}, {"version", "1"}}, std::move(values));
    }

    Server& gauge(std::string name, std::map<std::string, std::string> labels, std::vector<double> values)
    {
        return add(std::move(name), "unit", SeriesKind::Gauge, std::move(labels), std::move(values));
    }

    [[nodiscard]] std::vector<DerivedMetric> metrics(OtherSeries others = OtherSeries::Included) const
    {
        return derivedMetrics(m_store, kAlways, 0, others);
    }

    [[nodiscard]] std::vector<double> values(const std::string& subject, const std::string& name) const
    {
        std::vector<double> values;
        for (const DerivedMetric& metric : metrics())
            if (metric.subject == subject && metric.name == name)
                for (const Point& point : metric.points)
                    values.push_back(point.value);
        return values;
    }

private:
    Server& add(std::string name, std::string unit, SeriesKind kind, std::map<std::string, std::string> labels, std::vector<double> values)
    {
        const auto id = static_cast<std::uint32_t>(m_store.definitions().size() + 1);
        m_store.define({id, std::move(name), std::move(unit), kind, std::move(labels), {}});
        for (std::size_t i = 0; i < values.size(); ++i)
            m_store.append({id, static_cast<TimestampNs>(i + 1) * kSecond, values[i]});
        return *this;
    }

    SeriesStore m_store;
};

using Values = std::vector<double>;

TEST(DerivedMetrics, CountersOfAModelBecomeRatesAndMeansPerRequest)
{
    Server server;
    server.counter("nv_inference_request_success", "bert", {0, 10, 30})
        .counter("nv_inference_queue_duration_us", "bert", {0, 1000, 1000})
        .counter("nv_inference_compute_infer_duration_us", "bert", {0, 20000, 80000})
        .counter("nv_inference_count", "bert", {0, 12, 32})
        .counter("nv_inference_exec_count", "bert", {0, 3, 8});
    EXPECT_EQ(server.values("bert", "requests"), (Values{10, 20}));
    EXPECT_EQ(server.values("bert", "queue"), (Values{100, 0}));
    EXPECT_EQ(server.values("bert", "compute_infer"), (Values{2000, 3000}));
    EXPECT_EQ(server.values("bert", "batch size"), (Values{4, 4}));
    EXPECT_EQ(server.metrics().size(), 4u) << "what the four are made of is not shown again";
}

TEST(DerivedMetrics, AMeanPerRequestIsAbsentWhileThereAreNoRequests)
{
    Server server;
    server.counter("nv_inference_request_success", "bert", {5, 5, 6}).counter("nv_inference_queue_duration_us", "bert", {7, 7, 9});
    EXPECT_EQ(server.values("bert", "requests"), (Values{0, 1}));
    EXPECT_EQ(server.values("bert", "queue"), (Values{2}));
}

TEST(DerivedMetrics, FailedRequestsAreShownOnceThereAreSome)
{
    Server healthy, failing;
    healthy.counter("nv_inference_request_success", "bert", {0, 1}).counter("nv_inference_request_failure", "bert", {3, 3});
    failing.counter("nv_inference_request_success", "bert", {0, 1}).counter("nv_inference_request_failure", "bert", {3, 5});
    EXPECT_EQ(healthy.metrics().size(), 1u);
    EXPECT_EQ(failing.values("bert", "failed requests"), (Values{2}));
}

TEST(DerivedMetrics, ModelsAreNotMixed)
{
    Server server;
    server.counter("nv_inference_request_success", "a", {0, 2})
        .counter("nv_inference_request_success", "b", {0, 4})
        .counter("nv_inference_queue_duration_us", "b", {0, 40});
    EXPECT_EQ(server.values("a", "requests"), (Values{2}));
    EXPECT_TRUE(server.values("a", "queue").empty());
    EXPECT_EQ(server.values("b", "queue"), (Values{10}));
}

TEST(DerivedMetrics, GaugesAreInTheUnitsPeopleUse)
{
    Server server;
    server.gauge("host_cpu_ratio", {}, {0.25})
        .gauge("gpu_utilization_ratio", {{"gpu", "1"}}, {0.5})
        .gauge("gpu_memory_used_bytes", {{"gpu", "1"}}, {3.0 * (1 << 30)})
        .gauge("gpu_sm_clock_hz", {{"gpu", "1"}}, {1.98e9})
        .gauge("gpm_pcie_receive_bytes_per_second", {{"gpu", "1"}}, {25e9});
    EXPECT_EQ(server.values("host CPU", "utilisation"), (Values{25}));
    EXPECT_EQ(server.values("GPU 1", "utilisation"), (Values{50}));
    EXPECT_EQ(server.values("GPU 1", "memory"), (Values{3}));
    EXPECT_EQ(server.values("GPU 1", "SM clock"), (Values{1980}));
    ASSERT_EQ(server.values("GPU 1", "PCIe received").size(), 1u);
    EXPECT_DOUBLE_EQ(server.values("GPU 1", "PCIe received").front(), 25);
}

TEST(DerivedMetrics, SeriesNobodyKnowsAreShownAsTheyAreWithTheirLabels)
{
    Server server;
    server.gauge("vllm:num_requests_waiting", {{"engine", "0"}}, {7}).counter("my_events", "m", {0, 3});
    EXPECT_EQ(server.values("0", "vllm:num_requests_waiting"), (Values{7}));
    EXPECT_EQ(server.values("m", "my_events"), (Values{3}));
    const auto metrics = server.metrics();
    EXPECT_EQ(metrics[0].source, "vllm:num_requests_waiting{engine=\"0\"}");
    EXPECT_EQ(metrics[1].unit, "1/s");
}

TEST(DerivedMetrics, SeriesOfNoKnownMeaningCanBeLeftOut)
{
    Server server;
    server.gauge("vllm:num_requests_swapped", {}, {1, 2})
        .gauge("gpu_temperature_c", {{"gpu", "0"}}, {60})
        .gauge("gpu_power_w", {{"gpu", "0"}}, {300});
    EXPECT_EQ(server.metrics().size(), 3u);
    const auto known = server.metrics(OtherSeries::LeftOut);
    ASSERT_EQ(known.size(), 1u);
    EXPECT_EQ(known.front().name, "power");
}

TEST(DerivedMetrics, AreMadeOfSeriesWhoseNamesAreKnownBeforehand)
{
    Server server;
    for (const std::string& name : derivedNames())
        server.counter(name, "bert", {10, 20, 40});
    std::set<std::string> used;
    for (const DerivedMetric& metric : server.metrics(OtherSeries::LeftOut))
        used.insert(metric.source.substr(0, metric.source.find('{')));
    const auto names = derivedNames();
    for (const char* name : {"nv_inference_request_success", "nv_inference_request_failure", "nv_inference_queue_duration_us",
                             "nv_inference_exec_count", "gpu_power_w", "host_cpu_ratio"}) {
        EXPECT_TRUE(used.contains(name)) << name;
        EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
    }
    EXPECT_EQ(std::find(names.begin(), names.end(), "gpu_temperature_c"), names.end()); // of no panel by itself
}

TEST(DerivedMetrics, ComeInTheOrderOfTheirQuantityAndNeverWithoutPoints)
{
    Server server;
    server.gauge("gpu_power_w", {{"gpu", "0"}}, {300}).gauge("host_cpu_ratio", {}, {0.1}).counter("nv_inference_request_success", "bert", {0, 1}).gauge("silent", {}, {});
    const auto metrics = server.metrics();
    ASSERT_EQ(metrics.size(), 3u);
    EXPECT_EQ(metrics[0].quantity, Quantity::RequestRate);
    EXPECT_EQ(metrics[1].quantity, Quantity::Utilisation);
    EXPECT_EQ(metrics[2].quantity, Quantity::Power);
}

} // namespace
} // namespace gantry::metrics
