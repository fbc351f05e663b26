#include "trace_model/metrics/dashboard.h"

#include "tests/support/test_files.h"

#include <gtest/gtest.h>

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
