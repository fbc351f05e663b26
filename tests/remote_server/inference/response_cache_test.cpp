#include "remote_server/inference/response_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace gantry::inference_server {
namespace {

std::vector<Tensor> tensor(const std::string& data, const std::string& name = "X", std::vector<std::int64_t> shape = {1, 4})
{
    return {{name, inference::TYPE_UINT8, std::move(shape), data}};
}

TEST(CacheKey, DiffersWhereAnythingOfARequestDoes)
{
    std::set<CacheKey> keys;
    const auto isNew = [&](std::uint64_t load, const std::vector<Tensor>& inputs) { return keys.insert(cacheKeyOf(load, inputs)).second; };
    EXPECT_TRUE(isNew(1, tensor("abcd")));
    EXPECT_FALSE(isNew(1, tensor("abcd"))) << "the same request";
    EXPECT_TRUE(isNew(2, tensor("abcd"))) << "another model";
    EXPECT_TRUE(isNew(1, tensor("abce")));
    EXPECT_TRUE(isNew(1, tensor("abcd", "Y")));
    EXPECT_TRUE(isNew(1, tensor("abcd", "X", {4, 1})));
    EXPECT_TRUE(isNew(1, tensor("abcd", "X", {4})));
    EXPECT_TRUE(isNew(1, {{"X", inference::TYPE_INT8, {1, 4}, "abcd"}}));
    EXPECT_TRUE(isNew(1, tensor("")));
    EXPECT_TRUE(isNew(1, {}));
    // Bytes at the end of a word, zeros, and lengths that differ by zeros only.
    for (std::size_t size = 5; size < 40; ++size) {
        EXPECT_TRUE(isNew(1, tensor(std::string(size, '\0')))) << size;
        EXPECT_TRUE(isNew(1, tensor(std::string(size - 1, '\0') + "x"))) << size;
        EXPECT_TRUE(isNew(1, tensor("x" + std::string(size - 1, '\0')))) << size;
    }
    // One bit anywhere.
    const std::string zeros(64, '\0');
    for (std::size_t bit = 0; bit < zeros.size() * 8; ++bit) {
        std::string flipped = zeros;
        flipped[bit / 8] = static_cast<char>(1 << bit % 8);
        EXPECT_TRUE(isNew(1, tensor(flipped))) << bit;
    }
}

CacheKey key(std::uint64_t number)
{
    return {1, number};
}

/// What the answers below answer.
std::vector<Tensor> question()
{
    return tensor("?");
}

TEST(ResponseCache, KnowsWhatWasPutIn)
{
    ResponseCache cache(10'000);
    EXPECT_EQ(cache.lookup(key(1), question()), nullptr);
    cache.insert(key(1), question(), tensor("abc"));
    ASSERT_NE(cache.lookup(key(1), question()), nullptr);
    EXPECT_EQ(cache.lookup(key(1), question())->front().data, "abc");
    const auto counts = cache.counts();
    EXPECT_EQ(counts.entries, 1u);
    EXPECT_EQ(counts.lookups, 3u);
    EXPECT_EQ(counts.hits, 2u);
    EXPECT_EQ(counts.misses, 1u);
    EXPECT_EQ(counts.insertions, 1u);
    EXPECT_EQ(counts.capacityBytes, 10'000u);
    EXPECT_GT(counts.bytes, 3u);
}

// Somebody who works out inputs with the key of another's got the answer to those.
TEST(ResponseCache, InputsWithTheKeyOfOthersHaveNotTheirAnswer)
{
    ResponseCache cache(10'000);
    const std::vector<Tensor> secret = tensor("secret");
    cache.insert(key(1), secret, tensor("answer"));
    EXPECT_NE(cache.lookup(key(1), secret), nullptr);
    for (const auto& crafted : {tensor("sEcret"), tensor("secret", "Y"), tensor("secret", "X", {4, 1}), std::vector<Tensor>{}})
        EXPECT_EQ(cache.lookup(key(1), crafted), nullptr);
    EXPECT_EQ(cache.lookup(key(1), {{"X", inference::TYPE_INT8, {1, 4}, "secret"}}), nullptr);
    EXPECT_EQ(cache.lookup({2, 1}, secret), nullptr) << "another model";
    cache.insert(key(1), tensor("crafted"), tensor("other"));
    EXPECT_EQ(cache.lookup(key(1), secret), nullptr);
    EXPECT_EQ(cache.lookup(key(1), tensor("crafted"))->front().data, "other");
    EXPECT_EQ(cache.counts().entries, 1u);
    EXPECT_EQ(cache.counts().hits, 2u);
    EXPECT_EQ(cache.counts().misses, 7u);
}

TEST(ResponseCache, CountsTheBytesOfTheInputsToo)
{
    ResponseCache cache(1'000);
    cache.insert(key(1), tensor(std::string(2'000, 'x')), tensor("small"));
    EXPECT_EQ(cache.counts().tooLarge, 1u);
    EXPECT_EQ(cache.counts().bytes, 0u);
}

TEST(ResponseCache, ForgetsTheLongestUnusedFirst)
{
    ResponseCache cache(3'200); // two of the entries below
    for (const std::uint64_t number : {1, 2})
        cache.insert(key(number), question(), tensor(std::string(1'000, 'x')));
    EXPECT_NE(cache.lookup(key(1), question()), nullptr);
    cache.insert(key(3), question(), tensor(std::string(1'000, 'x')));
    EXPECT_EQ(cache.lookup(key(2), question()), nullptr);
    EXPECT_NE(cache.lookup(key(1), question()), nullptr);
    EXPECT_NE(cache.lookup(key(3), question()), nullptr);
    EXPECT_EQ(cache.counts().evictions, 1u);
    EXPECT_LE(cache.counts().bytes, 3'200u);
}

TEST(ResponseCache, DoesNotKeepWhatIsLargerThanAllOfIt)
{
    ResponseCache cache(1'000);
    cache.insert(key(1), question(), tensor("small"));
    cache.insert(key(2), question(), tensor(std::string(2'000, 'x')));
    EXPECT_EQ(cache.lookup(key(2), question()), nullptr);
    EXPECT_NE(cache.lookup(key(1), question()), nullptr) << "nothing made room for it";
    EXPECT_EQ(cache.counts().tooLarge, 1u);
    EXPECT_EQ(cache.counts().evictions, 0u);
}

TEST(ResponseCache, HasAnAnswerOnceThatTwoRequestsBroughtAtOnce)
{
    ResponseCache cache(10'000);
    cache.insert(key(1), question(), tensor("first"));
    const std::uint64_t bytes = cache.counts().bytes;
    cache.insert(key(1), question(), tensor("again"));
    EXPECT_EQ(cache.counts().entries, 1u);
    EXPECT_EQ(cache.counts().bytes, bytes);
    EXPECT_EQ(cache.lookup(key(1), question())->front().data, "again");
}

TEST(ResponseCache, AnAnswerThatIsForgottenLivesForWhoHasIt)
{
    ResponseCache cache(1'500);
    cache.insert(key(1), question(), tensor(std::string(1'000, 'x')));
    const ResponseCache::Outputs held = cache.lookup(key(1), question());
    cache.insert(key(2), question(), tensor(std::string(1'000, 'y')));
    ASSERT_EQ(cache.lookup(key(1), question()), nullptr);
    EXPECT_EQ(held->front().data.front(), 'x');
}

} // namespace
} // namespace gantry::inference_server
