#include "trace_model/metrics/alert_condition.h"

#include <gtest/gtest.h>

namespace gantry::metrics {
namespace {

constexpr DurationNs kSecond = 1'000'000'000;

AlertCondition conditionOf(const std::string& text)
{
    auto condition = AlertCondition::parse(text);
    EXPECT_TRUE(condition) << condition.error().text();
    condition->define({1, "gpu_power_w", "W", SeriesKind::Gauge, {{"gpu", "0"}}, {}});
    return std::move(*condition);
}

TEST(AlertCondition, AValueIsComparedAndSaidWithItsUnit)
{
    AlertCondition condition = conditionOf("gpu_power_w > 300W");
    condition.take({1, 10 * kSecond, 350});
    const auto reading = condition.read(10 * kSecond);
    EXPECT_EQ(reading.isTrue, true);
    EXPECT_EQ(reading.value, "350 W (gpu=\"0\")");
}

TEST(AlertCondition, WhatIsNotMeasuredCannotBeJudged)
{
    AlertCondition condition = conditionOf("gpu_power_w > 300W");
    const auto reading = condition.read(10 * kSecond);
    EXPECT_FALSE(reading.isTrue.has_value());
    EXPECT_NE(reading.problem, "");
}

TEST(AlertCondition, AbsenceIsTrueWhereNothingIsMeasured)
{
    AlertCondition condition = conditionOf("absent gpu_power_w");
    EXPECT_FALSE(condition.read(10 * kSecond).isTrue.has_value()) << "it may come yet";
    EXPECT_EQ(condition.read(16 * kSecond).isTrue, true) << "it never came";
    condition.take({1, 20 * kSecond, 350});
    EXPECT_EQ(condition.read(20 * kSecond).isTrue, false);
    EXPECT_EQ(condition.read(22 * kSecond).isTrue, false) << "an answer may come late";
    EXPECT_EQ(condition.read(40 * kSecond).isTrue, true);
}

TEST(AlertCondition, AValueOfAnotherQuantityIsNotJudged)
{
    for (const char* text : {"gpu_power_w > 300MHz", "gpu_power_w > 5ms", "gpu_power_w > 85%"}) {
        AlertCondition condition = conditionOf(text);
        condition.take({1, 10 * kSecond, 350});
        const auto reading = condition.read(10 * kSecond);
        EXPECT_FALSE(reading.isTrue.has_value()) << text;
        EXPECT_NE(reading.problem.find("a power, such as 300W"), std::string::npos) << reading.problem;
    }
}

TEST(AlertCondition, AnAnomalyIsFarFromTheMedianToEitherSide)
{
    AlertCondition condition = conditionOf("anomaly gpu_power_w > 30%");
    TimestampNs now = 100 * kSecond;
    for (int i = 0; i < 120; ++i, now += kSecond) {
        condition.take({1, now, 100.0 + i % 5});
        const auto reading = condition.read(now);
        EXPECT_EQ(reading.isTrue.value_or(false), false) << "second " << i;
        EXPECT_EQ(reading.isTrue.has_value(), i >= 60) << "a minute makes what is usual";
    }
    condition.take({1, now, 153});
    const auto above = condition.read(now);
    EXPECT_EQ(above.isTrue, true);
    EXPECT_EQ(above.value, "153 W, 50 % above its median of the last hour (gpu=\"0\")");
    now += kSecond;
    condition.take({1, now, 51});
    EXPECT_EQ(condition.read(now).isTrue, true);
    EXPECT_EQ(condition.read(now).value, "51 W, 50 % below its median of the last hour (gpu=\"0\")");
}

TEST(AlertCondition, WhatIsOlderThanAnHourIsUsualNoMore)
{
    AlertCondition condition = conditionOf("anomaly gpu_power_w > 30%");
    TimestampNs now = 100 * kSecond;
    for (int i = 0; i < 100; ++i, now += kSecond) {
        condition.take({1, now, 100});
        (void)condition.read(now);
    }
    now += 7200 * kSecond;
    condition.take({1, now, 500});
    EXPECT_FALSE(condition.read(now).isTrue.has_value());
}

TEST(AlertCondition, TextsThatMeanNothingAreRefusedWithWhatToWrite)
{
    for (const char* text : {"", "absent", "absent x > 5", "anomaly x > 5ms", "anomaly x < 30%", "anomaly x > 0%", "x"}) {
        const auto condition = AlertCondition::parse(text);
        ASSERT_FALSE(condition) << text;
        EXPECT_EQ(condition.error().code, ErrorCode::BadInput) << text;
    }
}

} // namespace
} // namespace gantry::metrics
