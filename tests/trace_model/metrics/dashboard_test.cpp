#include "trace_model/metrics/dashboard.h"

#include "tests/support/test_files.h"
#include "trace_model/metrics/prometheus_text.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace gantry::metrics {
namespace {

std::string messageOf(const std::string& json)
{
    const auto dashboard = Dashboard::parse(json);
    return dashboard ? std::string() : dashboard.error().message;
}

TEST(Dashboard, EveryDashboardThatComesWithGantryCanBeRead)
{
    int read = 0;
    for (const auto& file : std::filesystem::directory_iterator(std::filesystem::path(GANTRY_SOURCE_DIR) / "resources/dashboards")) {
        if (file.path().extension() != ".json")
            continue;
        const auto dashboard = Dashboard::parse(test::readFile(file.path()));
        ASSERT_TRUE(dashboard) << file.path() << ": " << dashboard.error().text();
        EXPECT_FALSE(dashboard->appliesTo.empty()) << file.path() << " would never be offered";
        EXPECT_FALSE(dashboard->about.empty()) << file.path();
        for (const DashboardPanel& panel : dashboard->panels)
            EXPECT_FALSE(panel.unit.empty()) << file.path() << ": " << panel.title << " has no unit";
        ++read;
    }
    EXPECT_GE(read, 4);
}

/// A page that comes with Gantry, with the curves that each of its panels has of these series.
std::map<std::string, std::set<std::string>> legendsOf(const std::string& file, const SeriesStore& store, TimeRange window)
{
    std::map<std::string, std::set<std::string>> legends;
    const auto dashboard = Dashboard::parse(test::readFile(std::filesystem::path(GANTRY_SOURCE_DIR) / "resources/dashboards" / file));
    EXPECT_TRUE(dashboard && dashboard->fits(store.definitions())) << file << " is not offered";
    for (const DashboardPanel& panel : dashboard ? dashboard->panels : std::vector<DashboardPanel>())
        for (const PanelQuery& query : panel.queries) {
            const auto curves = query.query.evaluate(store, window, 1'000'000'000);
            for (const QueryCurve& curve : curves)
                if (!curve.points.empty())
                    legends[panel.title].insert(legendOf(query, curve, curves));
        }
    return legends;
}

/// Two scrapes of a text, ten seconds apart; of counters the second one has ten more.
SeriesStore scrapedTwice(const std::string& text)
{
    SeriesStore store;
    std::map<std::string, SeriesKind, std::less<>> kinds;
    std::uint32_t id = 0;
    for (PrometheusLines lines(text); lines.next();) {
        if (lines.kind() == PrometheusLines::Kind::Type)
            addKinds(lines.name(), lines.word(), kinds);
        if (lines.kind() != PrometheusLines::Kind::Sample)
            continue;
        const auto kind = kinds.find(lines.name());
        const bool isCounter = kind != kinds.end() && kind->second == SeriesKind::Counter;
        store.define({++id,
                      std::string(lines.name()),
                      "count",
                      isCounter ? SeriesKind::Counter : SeriesKind::Gauge,
                      *labelsOfSeries(lines.series()),
                      {}});
        store.append({id, 1'000'000'000, lines.value()});
        store.append({id, 11'000'000'000, lines.value() + (isCounter ? 10 : 0)});
    }
    return store;
}

constexpr TimeRange kBothScrapes{0, 12'000'000'000};

TEST(Dashboard, ThatOfSGLangShowsWhatItsServersPublish)
{
    const SeriesStore store = scrapedTwice("# TYPE sglang:prompt_tokens_total counter\n"
                                           "sglang:prompt_tokens_total{model_name=\"m\",tp_rank=\"0\"} 100\n"
                                           "sglang:num_running_reqs{model_name=\"m\"} 3\nsglang:num_queue_reqs{model_name=\"m\"} 1\n"
                                           "sglang:token_usage{model_name=\"m\"} 0.5\nsglang:cache_hit_rate{model_name=\"m\"} 0.25\n"
                                           "# TYPE sglang:time_to_first_token_seconds histogram\n"
                                           "sglang:time_to_first_token_seconds_bucket{le=\"0.1\",model_name=\"m\"} 4\n"
                                           "sglang:time_to_first_token_seconds_bucket{le=\"+Inf\",model_name=\"m\"} 4\n");
    const auto legends = legendsOf("sglang.json", store, kBothScrapes);
    EXPECT_EQ(legends.at("Requests"), (std::set<std::string>{"running", "waiting"}));
    EXPECT_EQ(legends.at("Tokens"), (std::set<std::string>{"prompt"}));
    EXPECT_EQ(legends.at("KV cache in use"), (std::set<std::string>{"m"}));
    EXPECT_EQ(legends.at("Time to first token"), (std::set<std::string>{"p50", "p99"}));
}

TEST(Dashboard, ThatOfDynamoShowsItsFrontendAndItsWorkers)
{
    const SeriesStore store =
        scrapedTwice("# TYPE dynamo_frontend_requests_total counter\n"
                     "dynamo_frontend_requests_total{model=\"m\",status=\"success\"} 5\n"
                     "dynamo_frontend_inflight_requests{model=\"m\"} 2\ndynamo_frontend_queued_requests{model=\"m\"} 1\n"
                     "dynamo_component_inflight_requests{dynamo_component=\"prefill\"} 1\n"
                     "dynamo_component_inflight_requests{dynamo_component=\"decode\"} 4\n");
    const auto legends = legendsOf("dynamo.json", store, kBothScrapes);
    EXPECT_EQ(legends.at("Requests at the frontend"), (std::set<std::string>{"in flight", "waiting"}));
    EXPECT_EQ(legends.at("Requests that ended"), (std::set<std::string>{"success"}));
    EXPECT_EQ(legends.at("Requests at workers"), (std::set<std::string>{"decode", "prefill"}));
}

TEST(Dashboard, ThatOfTheDcgmExporterShowsEachGpuInUnitsOfPeople)
{
    const SeriesStore store =
        scrapedTwice("DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"GPU-a\"} 97\nDCGM_FI_DEV_GPU_UTIL{gpu=\"1\",UUID=\"GPU-b\"} 3\n"
                     "DCGM_FI_DEV_FB_USED{gpu=\"0\",UUID=\"GPU-a\"} 2048\nDCGM_FI_DEV_FB_FREE{gpu=\"0\",UUID=\"GPU-a\"} 2048\n");
    const auto legends = legendsOf("dcgm-exporter.json", store, kBothScrapes);
    EXPECT_EQ(legends.at("Utilisation").size(), 2U);
    EXPECT_TRUE(legends.contains("Memory in use"));
}

TEST(Dashboard, ThatOfTensorRtLlmShowsItsIterations)
{
    SeriesStore store;
    store.define({1, "trtllm.iterLatencyMS", "ms", SeriesKind::Gauge, {{"target", "t"}}, {}});
    store.define({2, "trtllm.kvCacheStats.usedNumBlocks", "count", SeriesKind::Gauge, {{"target", "t"}}, {}});
    store.append({1, 1'000'000'000, 12});
    store.append({2, 1'000'000'000, 40});
    const auto legends = legendsOf("tensorrt-llm.json", store, kBothScrapes);
    EXPECT_EQ(legends.at("Each iteration"), (std::set<std::string>{"latency"}));
    EXPECT_EQ(legends.at("KV cache blocks"), (std::set<std::string>{"used"}));
}

TEST(Dashboard, APanelHasItsQueriesLegendsAndThresholdsInOrder)
{
    const auto dashboard =
        Dashboard::parse(R"j({"title": "T", "columns": 3, "panels": [{"title": "P", "unit": "W", "kind": "area", "columns": 2,
        "queries": ["a", {"query": "rate(b)", "legend": "{gpu} b"}],
        "thresholds": [{"value": 98, "critical": true}, {"value": 90}]}]})j");
    ASSERT_TRUE(dashboard) << dashboard.error().text();
    const DashboardPanel& panel = dashboard->panels.at(0);
    EXPECT_EQ(panel.kind, PanelKind::Area);
    EXPECT_EQ(panel.columns, 2);
    ASSERT_EQ(panel.queries.size(), 2U);
    EXPECT_EQ(panel.queries[1].query.text(), "rate(b)");
    ASSERT_EQ(panel.thresholds.size(), 2U);
    EXPECT_EQ(panel.thresholds[0].value, 90);
    EXPECT_TRUE(panel.thresholds[1].isCritical);
}

std::string withServer(const std::string& server, const std::string& query = "promql: up")
{
    return R"({"title": "T", "prometheus": )" + server + R"(, "panels": [{"title": "P", "queries": [")" + query + R"("]}]})";
}

TEST(Dashboard, AQueryForAPrometheusServerGoesToThatOfTheDashboard)
{
    const auto dashboard = Dashboard::parse(
        withServer(R"({"url": "https://host:9090/prom", "user": "me", "secret_file": "~/secret", "ca_file": "/ca.pem", "period_s": 30})",
                   "promql: sum(rate(up[5m])) or vector(0)"));
    ASSERT_TRUE(dashboard) << dashboard.error().text();
    EXPECT_EQ(dashboard->panels[0].queries[0].promql, "sum(rate(up[5m])) or vector(0)");
    EXPECT_TRUE(dashboard->panels[0].queries[0].query.names().empty());
    EXPECT_EQ(dashboard->prometheus.periodSeconds, 30);
    EXPECT_TRUE(dashboard->fits({})) << "it is of use for a node that measures nothing of it";
    const auto again = Dashboard::parse(dashboard->toJson());
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(again->prometheus, dashboard->prometheus);
    EXPECT_EQ(again->panels[0].queries[0].text(), "promql: sum(rate(up[5m])) or vector(0)");
}

TEST(Dashboard, APrometheusServerIsAnAddressWithoutASecretInIt)
{
    EXPECT_NE(messageOf(withServer(R"({"url": "http://me:password@host:9090"})")).find("holds a user or a password"), std::string::npos);
    EXPECT_NE(messageOf(withServer(R"({"url": "http://host:9090?token=x"})")).find("has a query"), std::string::npos);
    for (const char* url : {"", "host:9090", "ftp://host", "http://", "https:///x"})
        EXPECT_NE(messageOf(withServer(R"({"url": ")" + std::string(url) + R"("})")).find("is no address"), std::string::npos) << url;
    EXPECT_NE(messageOf(withServer(R"({"url": "http://host", "password": "x"})")).find("'password' is not known"), std::string::npos);
    EXPECT_NE(messageOf(withServer(R"({"url": "http://host", "period_s": 0})")).find("period_s"), std::string::npos);
}

TEST(Dashboard, AQueryForAPrometheusServerWithoutOneSaysWhatToAdd)
{
    const std::string message = messageOf(R"({"title": "T", "panels": [{"title": "P", "queries": ["promql: up"]}]})");
    EXPECT_NE(message.find("add \"prometheus\""), std::string::npos) << message;
    EXPECT_NE(messageOf(withServer(R"({"url": "http://host"})", "promql: ")).find("a query for the Prometheus server is expected"),
              std::string::npos);
}

TEST(Dashboard, AMistakeIsSaidWithThePanelAndTheField)
{
    EXPECT_NE(messageOf("{").find("no JSON"), std::string::npos);
    EXPECT_EQ(messageOf("{}"), "the dashboard 'title' is missing");
    EXPECT_EQ(messageOf(R"j({"title": "T", "panels": []})j"), "the dashboard 'panels' is missing: a dashboard has at least one");
    EXPECT_EQ(messageOf(R"j({"title": "T", "panels": [{"title": "P", "queries": ["a"]}, {"title": "Q"}]})j"),
              "panel 2: 'queries' is missing: a panel shows at least one");
    EXPECT_NE(messageOf(R"j({"title": "T", "panels": [{"title": "P", "colour": "red", "queries": ["a"]}]})j").find("'colour' is not known"),
              std::string::npos);
    EXPECT_EQ(messageOf(R"j({"title": "T", "panels": [{"title": "P", "kind": "pie", "queries": ["a"]}]})j"),
              "panel 1: 'kind' is none of line, area, tile, bar, table, heat map, states");
    EXPECT_NE(messageOf(R"j({"title": "T", "panels": [{"title": "P", "queries": ["rate("]}]})j").find("panel 1: 'rate('"),
              std::string::npos);
    EXPECT_EQ(messageOf(R"j({"title": "T", "panels": [{"title": "P", "columns": 3, "queries": ["a"]}]})j"),
              "panel 1: 'columns' is no whole number from 1 to 2");
    EXPECT_NE(messageOf("[]"), "");
}

TEST(Dashboard, WhatIsWrittenIsReadAgainAsItWas)
{
    for (const auto& file : std::filesystem::directory_iterator(std::filesystem::path(GANTRY_SOURCE_DIR) / "resources/dashboards")) {
        if (file.path().extension() != ".json")
            continue;
        const auto dashboard = Dashboard::parse(test::readFile(file.path()));
        ASSERT_TRUE(dashboard) << file.path();
        const auto again = Dashboard::parse(dashboard->toJson());
        ASSERT_TRUE(again) << file.path() << ": " << again.error().text();
        EXPECT_EQ(again->toJson(), dashboard->toJson());
        EXPECT_EQ(again->panels.size(), dashboard->panels.size());
    }
    const std::string json =
        R"j({"title": "T", "columns": 3, "panels": [{"title": "P", "unit": "W", "kind": "heat map", "columns": 2, "help": "h",
        "at_least": 1.5, "at_most": 7, "shown_empty": true, "queries": ["a", {"query": "rate(b)", "legend": "{gpu} b"}],
        "thresholds": [{"value": 90}, {"value": 98, "critical": true}], "states": {"0": "idle", "2.5": "busy"}}]})j";
    const auto dashboard = Dashboard::parse(json);
    ASSERT_TRUE(dashboard) << dashboard.error().text();
    const auto again = Dashboard::parse(dashboard->toJson());
    ASSERT_TRUE(again);
    const DashboardPanel& panel = again->panels.at(0);
    EXPECT_EQ(again->columns, 3);
    EXPECT_EQ(panel.kind, PanelKind::HeatMap);
    EXPECT_EQ(panel.columns, 2);
    EXPECT_EQ(panel.atLeast, 1.5);
    EXPECT_EQ(panel.atMost, 7);
    EXPECT_TRUE(panel.isShownEmpty);
    EXPECT_EQ(panel.queries.at(1).legend, "{gpu} b");
    EXPECT_EQ(panel.states, (std::map<double, std::string>{{0, "idle"}, {2.5, "busy"}}));
    EXPECT_TRUE(panel.thresholds.at(1).isCritical);
}

TEST(Dashboard, StatesAreNumbersWithNames)
{
    EXPECT_EQ(messageOf(R"j({"title": "T", "panels": [{"title": "P", "queries": ["a"], "states": {"idle": "0"}}]})j"),
              "panel 1: 'states' names \"idle\", which is no number with a text");
    EXPECT_EQ(messageOf(R"j({"title": "T", "panels": [{"title": "P", "queries": ["a"], "states": {"1": 2}}]})j"),
              "panel 1: 'states' names \"1\", which is no number with a text");
    EXPECT_NE(messageOf(R"j({"title": "T", "panels": [{"title": "P", "queries": ["a"], "states": []}]})j"), "");
}

TEST(Dashboard, ItIsOfUseWhereOneOfItsMetricsIs)
{
    const auto dashboard =
        Dashboard::parse(R"j({"title": "T", "applies_to": ["vllm:*", "exact"], "panels": [{"title": "P", "queries": ["a"]}]})j");
    ASSERT_TRUE(dashboard);
    const auto fits = [&](const char* name) {
        const SeriesDefinition series{1, name, {}, SeriesKind::Gauge, {}, {}};
        return dashboard->fits({&series});
    };
    EXPECT_TRUE(fits("vllm:num_requests_running"));
    EXPECT_TRUE(fits("exact"));
    EXPECT_FALSE(fits("exactly"));
    EXPECT_FALSE(dashboard->fits({}));
}

TEST(Dashboard, SaysOnceWhichSeriesItsPanelsAskFor)
{
    const auto dashboard = Dashboard::parse(
        R"j({"title": "T", "panels": [{"title": "P", "queries": ["rate(b) / a", "any(c, a)"]}, {"title": "Q", "queries": ["b"]}]})j");
    ASSERT_TRUE(dashboard);
    EXPECT_EQ(dashboard->names(), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(Dashboard, ACurveIsCalledByTheLabelsThatTellItFromTheOthers)
{
    const PanelQuery query{*MetricQuery::parse("x"), {}};
    const std::vector<QueryCurve> curves{{{{"model", "a"}, {"version", "1"}}, {}}, {{{"model", "b"}, {"version", "1"}}, {}}};
    EXPECT_EQ(legendOf(query, curves[0], curves), "a");
    EXPECT_EQ(legendOf(query, curves[1], curves), "b");
    EXPECT_EQ(legendOf(query, curves[0], {curves[0]}), "a") << "one alone is still somebody's";
    const PanelQuery named{*MetricQuery::parse("x"), "{model} of {nobody}version {version"};
    EXPECT_EQ(legendOf(named, curves[1], curves), "b of version {version");
}

} // namespace
} // namespace gantry::metrics
