#include "trace_model/analysis/sweep/sweep.h"

#include "trace_model/analysis/sweep/sweep_choice.h"
#include "trace_model/analysis/sweep/sweep_grid.h"

#include <gtest/gtest.h>
#include <string>

namespace gantry::sweep {
namespace {

using Of = analysis::CircumstanceChange::Of;
using Names = std::vector<std::string>;

Point pointAt(const std::string& name, std::optional<double> throughput, std::optional<double> p99Ms, double requests = 1000)
{
    Point point;
    point.name = name;
    point.figures[Figure::Throughput] = throughput;
    point.figures[Figure::P99] = p99Ms ? std::optional(*p99Ms * 1e6) : std::nullopt;
    point.figures[Figure::Requests] = requests;
    return point;
}

Names namesOf(const Sweep& sweep, const std::vector<std::size_t>& points)
{
    Names names;
    for (const std::size_t point : points)
        names.push_back(sweep.points[point].name);
    return names;
}

TEST(Sweep, TheFrontHasThePointsThatNoOtherOneBeatsInBoth)
{
    const Sweep sweep = arranged({pointAt("slow", 100, 5), pointAt("fast", 300, 20), pointAt("middle", 200, 10), pointAt("beaten", 150, 12),
                                  pointAt("same throughput, later", 300, 25)});
    EXPECT_EQ(namesOf(sweep, sweep.front), (Names{"slow", "middle", "fast"}));
    EXPECT_EQ(sweep.points.front().name, "fast");
    EXPECT_TRUE(sweep.ties.empty());
}

TEST(Sweep, PointsWithoutAFigureAreNotOnTheFront)
{
    const Sweep sweep =
        arranged({pointAt("no p99", 900, std::nullopt), pointAt("no throughput", std::nullopt, 1), pointAt("both", 100, 5)});
    EXPECT_EQ(namesOf(sweep, sweep.front), Names{"both"});
    EXPECT_EQ(sweep.points.back().name, "no throughput");
    EXPECT_EQ(sweep.limits, Names{"2 of 3 points have no throughput or no p99 and cannot be on the front."});
}

TEST(Sweep, EqualPointsAreBothOnTheFrontAndSaidToBeEqual)
{
    const Sweep sweep = arranged({pointAt("one", 100, 5), pointAt("two", 100, 5)});
    EXPECT_EQ(sweep.front.size(), 2u);
    EXPECT_EQ(remarksOn(sweep, 0), Names{"the same throughput and p99 as two"});
}

TEST(Sweep, OfManyEqualPointsAFewAreNamed)
{
    std::vector<Point> points;
    for (int i = 0; i < 6; ++i)
        points.push_back(pointAt("p" + std::to_string(i), 100, 5));
    EXPECT_EQ(remarksOn(arranged(points), 1), Names{"the same throughput and p99 as p0, p2, p3 and 2 more"});
}

TEST(Sweep, AP99OfFewRequestsIsNotClaimed)
{
    const Sweep sweep = arranged({pointAt("few", 300, 5, 99), pointAt("enough", 100, 6, 100)});
    EXPECT_FALSE(sweep.points[0].figures[Figure::P99]);
    EXPECT_EQ(remarksOn(sweep, 0), Names{"no p99: 99 requests, of which one in 100 would lie beyond it: measure longer"});
    EXPECT_EQ(namesOf(sweep, sweep.front), Names{"enough"});
}

TEST(Sweep, PointsWithFailuresAreMarked)
{
    Point point = pointAt("a", 100, 5);
    point.figures[Figure::Failures] = 3;
    EXPECT_EQ(remarksOn(arranged({point}), 0), Names{"3 requests failed"});
}

TEST(Sweep, OnlyWhatDiffersIsAColumn)
{
    std::vector<Point> points(2);
    points[0].parameters = {{"model", "bert"}, {"instances", "1"}};
    points[1].parameters = {{"model", "bert"}, {"instances", "2"}};
    const Sweep sweep = arranged(points);
    EXPECT_EQ(sweep.parameters, Names{"instances"});
    EXPECT_EQ(sweep.points[0].name, "instances 1");
}

TEST(Sweep, WhatWasMeasuredTwiceHasANumber)
{
    std::vector<Point> points(3);
    for (std::size_t i = 0; i < points.size(); ++i)
        points[i].parameters = {{"concurrency", i < 2 ? "4" : "8"}};
    const Sweep sweep = arranged(points);
    EXPECT_EQ(namesOf(sweep, {0, 1, 2}), (Names{"concurrency 4", "concurrency 4 #2", "concurrency 8"}));
}

// Of a circumstance that changes with nothing else that was said, nobody could tell which of the two it was: it stays.
TEST(Sweep, ACircumstanceThatSaysNoMoreThanWhatWasSetIsNoColumn)
{
    std::vector<Point> points(3);
    for (std::size_t i = 0; i < points.size(); ++i)
        points[i].parameters = {{"instances", i == 0 ? "1" : "2"},
                                {"instances of bert that executed", i == 0 ? "1" : "2", Of::Model},
                                {"driver", i == 1 ? "580" : "590", Of::Software}};
    EXPECT_EQ(arranged(points).parameters, (Names{"instances", "driver"}));
}

TEST(Sweep, WhatAReportDoesNotSayIsNoDifference)
{
    std::vector<Point> points(2);
    points[0].parameters = {{"driver", "580", Of::Software}};
    EXPECT_TRUE(arranged(points).parameters.empty());
    points[0].parameters = {{"CUDA_LAUNCH_BLOCKING", "1", Of::Environment}};
    EXPECT_EQ(arranged(points).parameters, Names{"CUDA_LAUNCH_BLOCKING"});
}

TEST(Sweep, LatenciesOfClientsAndServersAreNotComparedSilently)
{
    Point client = pointAt("client", 100, 5), server = pointAt("server", 100, 4);
    client.measuredBy = MeasuredBy::Client;
    server.measuredBy = MeasuredBy::Server;
    ASSERT_EQ(arranged({client, server}).limits.size(), 1u);
    EXPECT_TRUE(arranged({client, client}).limits.empty());
}

TEST(SweepChoice, TheBestPointIsThatOfTheHighestThroughputWithinTheLimits)
{
    const Sweep sweep = arranged({pointAt("slow", 100, 5), pointAt("fast", 300, 20), pointAt("middle", 200, 10)});
    const auto best = [&](const ChoiceRule& rule) {
        const Choice choice = choose(sweep, rule);
        return choice.best ? sweep.points[*choice.best].name : choice.sentence;
    };
    EXPECT_EQ(best({}), "fast");
    EXPECT_EQ(best({Objective::Throughput, 20e6, {}}), "middle");
    EXPECT_EQ(best({Objective::P99, {}, {}}), "slow");
    EXPECT_EQ(best({Objective::P99, {}, 100.0}), "middle");
    EXPECT_EQ(best({Objective::Throughput, 5e6, {}}), "none: there is no point with a p99 below 5.000 ms");
    EXPECT_FALSE(choose(arranged({pointAt("a", 1, std::nullopt)}), {}).canSay);
}

TEST(SweepGrid, FiguresThatNoPointHasAreNoColumns)
{
    const Sweep sweep = arranged({pointAt("a", 100, 5), pointAt("b", 50, std::nullopt)});
    Names titles;
    for (const Column& column : columnsOf(sweep))
        titles.push_back(column.title);
    EXPECT_EQ(titles, (Names{"front", "point", "throughput", "n", "p99"}));
    EXPECT_EQ(cellOf(sweep, 0, columnsOf(sweep)[4]).text, "5.000 ms");
    EXPECT_EQ(cellOf(sweep, 1, columnsOf(sweep)[4]).text, "");
}

} // namespace
} // namespace gantry::sweep
