#include "trace_model/analysis/block_test.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace gantry::analysis {
namespace {

/// `blocks` blocks of ten values each around `mean`; each block is like the one before it by `memory`.
BlockSums blocksOf(std::size_t blocks, double mean, double memory, unsigned seed)
{
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    BlockSums sums(blocks);
    double state = normal(random);
    for (std::size_t i = 0; i < blocks; ++i) {
        sums.add(i, 10 * (mean + state), 10);
        state = memory * state + std::sqrt(1 - memory * memory) * normal(random);
    }
    return sums;
}

int alarmsOf(double memory)
{
    const ResamplingPlan plan(32, 32);
    int alarms = 0;
    for (unsigned i = 0; i < 400; ++i)
        alarms += testBlocks(blocksOf(32, 100, memory, 2 * i), blocksOf(32, 100, memory, 2 * i + 1), plan)->pValue < 0.05;
    return alarms;
}

TEST(BlockTest, OfTheSameSourceFallsBelowFivePercentInAboutFivePercent)
{
    const int alarms = alarmsOf(0);
    EXPECT_LE(alarms, 28); // 20 expected of 400, standard deviation 4.4
    EXPECT_GE(alarms, 4);  // a test that never raises an alarm has no power either
}

// As if each block were evidence of its own, these were 140 of 400.
TEST(BlockTest, AllowsForNeighbouringBlocksBeingAlike)
{
    EXPECT_LE(alarmsOf(0.4), 32);
    EXPECT_LE(alarmsOf(0.6), 44); // a correlation that long is hard to tell from 32 blocks; what asks many of them corrects for more
}

TEST(BlockTest, TellsADifferenceOfOneStandardDeviationAndItsIntervalHoldsIt)
{
    const ResamplingPlan plan(32, 32);
    int told = 0, held = 0;
    for (unsigned i = 0; i < 100; ++i) {
        const auto test = testBlocks(blocksOf(32, 100, 0, 2 * i), blocksOf(32, 101, 0, 2 * i + 1), plan);
        told += test->pValue < 0.05;
        held += test->low <= 1 && test->high >= 1;
    }
    EXPECT_GE(told, 90);
    EXPECT_GE(held, 88);
}

TEST(BlockTest, WithoutAnyVariationEqualSidesAreEqualAndOthersAreNot)
{
    const ResamplingPlan plan(20, 20);
    BlockSums a(20), b(20);
    for (std::size_t i = 0; i < 20; ++i) {
        a.add(i, 100);
        b.add(i, 110);
    }
    EXPECT_EQ(testBlocks(a, a, plan)->pValue, 1);
    const auto test = testBlocks(a, b, plan);
    EXPECT_LT(test->pValue, 0.001);
    EXPECT_GT(test->pValue, 0); // no sample makes sure
    EXPECT_DOUBLE_EQ(test->low, 10);
    EXPECT_DOUBLE_EQ(test->high, 10);
}

TEST(BlockTest, IsNotMadeOfFewBlocks)
{
    const ResamplingPlan plan(20, 20);
    BlockSums few(20);
    for (std::size_t i = 0; i + 1 < kFewestBlocks; ++i)
        few.add(i, 5);
    EXPECT_FALSE(testBlocks(few, blocksOf(20, 5, 0, 1), plan));
    EXPECT_FALSE(testBlocks(BlockSums(20), blocksOf(20, 5, 0, 1), plan));
}

TEST(BlockTest, GivesTheSameAnswerEachTime)
{
    const BlockSums a = blocksOf(32, 100, 0.3, 1), b = blocksOf(32, 100.5, 0.3, 2);
    const auto first = testBlocks(a, b, ResamplingPlan(32, 32)), second = testBlocks(a, b, ResamplingPlan(32, 32));
    EXPECT_EQ(first->pValue, second->pValue);
    EXPECT_EQ(first->low, second->low);
}

// Tables of Student's distribution.
TEST(StudentTail, HasTheKnownValues)
{
    EXPECT_NEAR(studentTail(2.228, 10), 0.05, 1e-4);
    EXPECT_NEAR(studentTail(12.706, 1), 0.05, 1e-4);
    EXPECT_NEAR(studentTail(1.96, 1e6), 0.05, 1e-4);
    EXPECT_NEAR(studentQuantile(0.95, 10), 2.228, 1e-3);
    EXPECT_EQ(studentTail(0, 5), 1);
}

TEST(Holm, CorrectsTheSmallestByAllAndNeverLetsALargerOneBeSmaller)
{
    std::vector<double> p = {0.01, 0.04, 0.03, 0.5};
    correctByHolm(p);
    EXPECT_DOUBLE_EQ(p[0], 0.04);
    EXPECT_DOUBLE_EQ(p[2], 0.09);
    EXPECT_DOUBLE_EQ(p[1], 0.09); // 0.04 * 2 is less than that of 0.03
    EXPECT_DOUBLE_EQ(p[3], 0.5);
    std::vector<double> none;
    correctByHolm(none);
    EXPECT_TRUE(none.empty());
}

} // namespace
} // namespace gantry::analysis
