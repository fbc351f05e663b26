#include "remote_server/proto/convert_live.h"

#include <gtest/gtest.h>

#include <limits>

namespace gantry::proto {
namespace {

TEST(ConvertLive, ColumnsComeBackAsTheyWere)
{
    HistoryColumns columns;
    columns.times = {-5'000'000'000, -4, 0, 7'000'000'000'000};
    columns.values = {1, 2.5, -3, 4};
    columns.minima = {0, 2, -4, 4};
    columns.maxima = {2, 3, -2, 4};
    v1::HistorySeries wire;
    putColumns(columns, wire);
    const HistoryColumns back = columnsOf(wire);
    EXPECT_EQ(back.times, columns.times);
    EXPECT_EQ(back.values, columns.values);
    EXPECT_EQ(back.minima, columns.minima);
    EXPECT_EQ(back.maxima, columns.maxima);
}

TEST(ConvertLive, ColumnsThatDoNotAgreeAreNone)
{
    v1::HistorySeries wire;
    wire.add_values(1);
    EXPECT_TRUE(columnsOf(wire).times.empty()) << "a value without a time";
    wire.add_time_steps_ns(5);
    EXPECT_EQ(columnsOf(wire).times.size(), 1U);
    wire.add_minima(1);
    EXPECT_TRUE(columnsOf(wire).times.empty()) << "a smallest without a largest";
    wire.clear_minima();
    wire.set_time_steps_ns(0, std::numeric_limits<std::int64_t>::max());
    wire.add_values(2);
    wire.add_time_steps_ns(1);
    EXPECT_TRUE(columnsOf(wire).times.empty()) << "times beyond all times";
}

TEST(ConvertLive, AlertsAndSourcesComeBackAsTheyWere)
{
    AlertState state;
    state.rule = {"a1", "long queue", "queue > 5ms", 1, 2, "22:00-07:00", AlertAction::Capture, "t1", true, false};
    state.phase = AlertPhase::Firing;
    state.sinceUtcNs = 3;
    state.value = "6 ms";
    state.problem = "none";
    state.events = {{4, 5, AlertPhase::Firing, "7 ms", "captured"}};
    EXPECT_EQ(fromWire(toWire(state)), state);
    MetricSource source{"id", "name", "http://x/metrics", "t1", 6, 7, std::nullopt, 8, 9, "slow", true};
    EXPECT_EQ(fromWire(toWire(source)), source);
}

TEST(ConvertLive, APhaseOfANewerPeerIsNoData)
{
    v1::AlertState wire;
    wire.set_phase(static_cast<v1::AlertPhase>(77));
    EXPECT_EQ(fromWire(wire).phase, AlertPhase::NoData);
}

} // namespace
} // namespace gantry::proto
