#include "remote_server/inference/inflight_batcher.h"

#include "remote_server/inference/backends/decoder_cpu.h"
#include "tests/remote_server/inference/tiny_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace gantry::inference_server {
namespace {

using testing::ElementsAre;

class InflightBatching : public testing::Test
{
protected:
    using Made = std::map<std::uint64_t, std::vector<std::int32_t>>;

    InflightBatcher makeBatcher(const InflightBatcher::Limits& limits) const
    {
        return {std::make_unique<DecoderCpu>(m_weights, limits.cache()), limits};
    }

    InflightBatcher::Plan iterate(InflightBatcher& batcher, Made& made)
    {
        const InflightBatcher::Plan plan = batcher.plan();
        EXPECT_TRUE(batcher.compute([](int, const std::function<void()>& run) { run(); }));
        for (const InflightBatcher::Token& token : batcher.takeTokens())
            made[token.request].push_back(token.id);
        return plan;
    }

    /// What a request of its own gets.
    std::vector<std::int32_t> alone(const Generation& generation)
    {
        InflightBatcher batcher = makeBatcher({});
        Made made;
        batcher.add(1, generation);
        while (!batcher.empty())
            iterate(batcher, made);
        return made[1];
    }

    const BertWeights m_weights = BertWeights::random(kTinyDecoder, 3);
};

TEST_F(InflightBatching, MakesTheTokensForEachRequestThatItGetsAlone)
{
    InflightBatcher batcher = makeBatcher({});
    std::map<std::uint64_t, Generation> asked;
    for (int i = 0; i < 7; ++i)
        asked[static_cast<std::uint64_t>(i)] = {promptOf(1 + 5 * i, i), 20 - 2 * i};
    Made made;
    for (const auto& [request, generation] : asked) { // they come one after the other: each iteration has both phases
        ASSERT_TRUE(batcher.hasRoomFor(generation));
        batcher.add(request, generation);
        iterate(batcher, made);
    }
    while (!batcher.empty())
        iterate(batcher, made);
    ASSERT_EQ(made.size(), asked.size());
    std::set<std::int32_t> different;
    for (const auto& [request, generation] : asked) {
        EXPECT_EQ(made[request], alone(generation)) << request;
        EXPECT_EQ(made[request].size(), static_cast<std::size_t>(generation.maxTokens));
        different.insert(made[request].begin(), made[request].end());
    }
    EXPECT_GT(different.size(), 5u) << "a model that says one thing would pass";
    EXPECT_EQ(batcher.cache().freeBlocks(), batcher.cache().shape().blocks);
}

TEST_F(InflightBatching, TellsWhatAnIterationComputes)
{
    InflightBatcher batcher = makeBatcher({});
    Made made;
    batcher.add(1, {promptOf(5), 3});
    iterate(batcher, made);
    batcher.add(2, {promptOf(4), 3});
    const InflightBatcher::Plan plan = iterate(batcher, made);
    EXPECT_THAT(plan.members, ElementsAre(1, 2));
    EXPECT_EQ(plan.contextRequests, 1);
    EXPECT_EQ(plan.contextTokens, 4);
    EXPECT_EQ(plan.generationTokens, 1);
    EXPECT_EQ(plan.cachedTokens, 5);
    EXPECT_EQ(plan.paused, 0);
}

// A cache of 6 blocks for 4 requests that come to need 4 each.
TEST_F(InflightBatching, UnderPressurePutsTheYoungestOutAndMakesTheSameTokens)
{
    InflightBatcher batcher = makeBatcher({.blocks = 6, .tokensPerBlock = 4, .mostRequests = 4});
    std::map<std::uint64_t, Generation> asked;
    for (std::uint64_t request = 1; request <= 4; ++request)
        asked[request] = {promptOf(4, static_cast<int>(request)), 12};
    Made made;
    for (const auto& [request, generation] : asked)
        batcher.add(request, generation);
    std::vector<std::uint64_t> ended;
    int mostPaused = 0;
    while (!batcher.empty()) {
        const InflightBatcher::Plan plan = iterate(batcher, made);
        ASSERT_FALSE(plan.members.empty());
        mostPaused = std::max(mostPaused, plan.paused);
        if (plan.paused > 0) {
            EXPECT_FALSE(batcher.hasRoomFor({promptOf(1), 1})) << "those that were put out go first";
        }
        for (const auto& [request, ids] : made)
            if (ids.size() == 12 && std::find(ended.begin(), ended.end(), request) == ended.end())
                ended.push_back(request);
    }
    EXPECT_GE(mostPaused, 2);
    EXPECT_THAT(ended, ElementsAre(1, 2, 3, 4)) << "the oldest are never put out";
    for (const auto& [request, generation] : asked)
        EXPECT_EQ(made[request], alone(generation)) << request;
    EXPECT_EQ(batcher.cache().freeBlocks(), 6);
}

TEST_F(InflightBatching, LetsNobodyJoinWithoutRoom)
{
    InflightBatcher batcher = makeBatcher({.blocks = 4, .tokensPerBlock = 4, .mostRequests = 2});
    EXPECT_TRUE(batcher.hasRoomFor({promptOf(16), 1}));
    EXPECT_FALSE(batcher.hasRoomFor({promptOf(17), 1}));
    batcher.add(1, {promptOf(9), 2}); // 3 blocks
    EXPECT_TRUE(batcher.hasRoomFor({promptOf(4), 1}));
    EXPECT_FALSE(batcher.hasRoomFor({promptOf(5), 1}));
    batcher.add(2, {promptOf(1), 1});
    EXPECT_FALSE(batcher.hasRoomFor({promptOf(1), 1})) << "two are the most";
}

TEST_F(InflightBatching, BlocksOfARequestThatIsTakenOutAreFree)
{
    InflightBatcher batcher = makeBatcher({.blocks = 6, .tokensPerBlock = 4, .mostRequests = 4});
    Made made;
    for (std::uint64_t request = 1; request <= 3; ++request)
        batcher.add(request, {promptOf(7, static_cast<int>(request)), 10});
    EXPECT_EQ(batcher.cache().freeBlocks(), 0);
    for (int i = 0; i < 3; ++i)
        iterate(batcher, made);
    batcher.remove(1);
    EXPECT_EQ(batcher.cache().freeBlocks(), 3) << "one of three runs on, in three blocks, the other waits";
    EXPECT_EQ(batcher.plan().members.size(), 2u);
    batcher.remove(3);
    batcher.remove(2);
    EXPECT_TRUE(batcher.empty());
    EXPECT_EQ(batcher.cache().freeBlocks(), 6);
}

} // namespace
} // namespace gantry::inference_server
