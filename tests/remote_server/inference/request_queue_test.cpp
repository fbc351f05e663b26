#include "remote_server/inference/request_queue.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace gantry::inference_server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kUs = 1000;

/// What the tests say of a request.
struct Request
{
    std::uint64_t rows = 1, priority = 0, timeoutUs = 0;
    std::int64_t width = 4;
    std::shared_ptr<std::atomic<bool>> cancelled = nullptr;
};

/// A queue, and the times that the test says.
class Queue : public testing::Test
{
protected:
    void make(const std::string& batching, const std::string& more = "max_batch_size: 8")
    {
        inference::ModelConfig config;
        ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString("dynamic_batching { " + batching + " } " + more, &config));
        m_queue = std::make_unique<RequestQueue>(config);
    }

    /// False: the queue is full.
    bool push(const std::string& name, std::int64_t nowUs = 0, const Request& request = {})
    {
        auto job = std::make_unique<InferJob>();
        job->clientId = name;
        job->rows = request.rows;
        job->priority = request.priority;
        job->timeoutUs = request.timeoutUs;
        job->cancelled = request.cancelled;
        job->inputs.push_back({"X", inference::TYPE_FP32, {static_cast<std::int64_t>(request.rows), request.width}, {}});
        job->times.queueStart = nowUs * kUs;
        return m_queue->push(std::move(job)) == nullptr;
    }

    static std::vector<std::string> names(const std::vector<RequestQueue::Job>& jobs)
    {
        std::vector<std::string> result;
        for (const auto& job : jobs)
            result.push_back(job->clientId);
        return result;
    }

    /// What executes together now; nothing: it waits.
    std::vector<std::string> batch(std::int64_t nowUs = 0) { return names(m_queue->take(m_queue->plan(nowUs * kUs).requests)); }

    /// When a queue that waits is to be looked at again, us.
    std::int64_t lookAgain(std::int64_t nowUs = 0) { return m_queue->plan(nowUs * kUs).lookAgainAtNs.value_or(-1) / kUs; }

    std::unique_ptr<RequestQueue> m_queue;
};

TEST_F(Queue, SendsWhatThereIsWithoutADelay)
{
    make("");
    EXPECT_THAT(batch(), IsEmpty());
    push("a");
    push("b");
    EXPECT_THAT(batch(), ElementsAre("a", "b"));
    EXPECT_TRUE(m_queue->empty());
}

TEST_F(Queue, ExecutesEachRequestAloneWhereTheModelDoesNotBatch)
{
    make("", "max_batch_size: 0");
    push("a");
    push("b");
    EXPECT_THAT(batch(), ElementsAre("a"));
    EXPECT_THAT(batch(), ElementsAre("b"));
}

TEST_F(Queue, CountsRowsNotRequests)
{
    make("max_queue_delay_microseconds: 100");
    push("a", 0, {.rows = 3});
    push("b", 0, {.rows = 4});
    EXPECT_THAT(batch(), IsEmpty()) << "7 of 8";
    EXPECT_EQ(lookAgain(), 100);
    push("c", 0, {.rows = 2});
    EXPECT_THAT(batch(), ElementsAre("a", "b")) << "the third does not fit, and nothing overtakes it";
    push("d", 0, {.rows = 6});
    EXPECT_THAT(batch(), ElementsAre("c", "d")) << "8 of 8";
}

TEST_F(Queue, TakesTheLargestPreferredSizeThatIsThere)
{
    make("preferred_batch_size: [ 2, 4 ] max_queue_delay_microseconds: 100");
    push("a");
    EXPECT_THAT(batch(), IsEmpty());
    for (const char* name : {"b", "c", "d", "e"})
        push(name);
    EXPECT_THAT(batch(), ElementsAre("a", "b", "c", "d"));
    EXPECT_THAT(batch(99), IsEmpty());
    EXPECT_THAT(batch(100), ElementsAre("e")) << "the delay is over";
}

TEST_F(Queue, SendsAllThatFitsOnceTheOldestHasWaitedTheDelay)
{
    make("preferred_batch_size: [ 2 ] max_queue_delay_microseconds: 100");
    push("a", 0);
    push("b", 90);
    push("c", 95);
    EXPECT_THAT(batch(100), ElementsAre("a", "b", "c")) << "not the preferred two: they would be late already";
}

TEST_F(Queue, DoesNotPutShapesTogetherThatDiffer)
{
    make("max_queue_delay_microseconds: 100");
    push("a");
    push("wide", 0, {.width = 5});
    push("b");
    EXPECT_THAT(batch(), ElementsAre("a")) << "at once: it cannot grow";
    EXPECT_THAT(batch(), ElementsAre("wide"));
    EXPECT_THAT(batch(), IsEmpty());

    make("max_queue_delay_microseconds: 100", "max_batch_size: 2 input { name: \"X\" allow_ragged_batch: true }");
    push("a");
    push("wide", 0, {.width = 5});
    EXPECT_THAT(batch(), ElementsAre("a", "wide")) << "unless the model says that they may";
}

TEST_F(Queue, ServesHigherPrioritiesFirst)
{
    make("priority_levels: 3 default_priority_level: 2", "max_batch_size: 2");
    push("default");
    push("low", 0, {.priority = 3});
    push("unknown", 0, {.priority = 9});
    push("high", 0, {.priority = 1});
    EXPECT_THAT(batch(), ElementsAre("high", "default"));
    EXPECT_THAT(batch(), ElementsAre("unknown", "low")) << "a level that there is not is the default one";
}

TEST_F(Queue, GivesBackWhatALevelHasNoRoomFor)
{
    make("priority_levels: 2 default_priority_level: 2 default_queue_policy { max_queue_size: 1 } "
         "priority_queue_policy { key: 1 value { max_queue_size: 2 } }");
    EXPECT_TRUE(push("a"));
    EXPECT_FALSE(push("b"));
    EXPECT_TRUE(push("c", 0, {.priority = 1}));
    EXPECT_TRUE(push("d", 0, {.priority = 1}));
    EXPECT_FALSE(push("e", 0, {.priority = 1}));
    EXPECT_EQ(m_queue->size(), 3u);
}

TEST_F(Queue, RefusesWhatWaitedTooLong)
{
    make("max_queue_delay_microseconds: 1000 default_queue_policy { default_timeout_microseconds: 50 }");
    push("a", 0);
    push("b", 20);
    EXPECT_EQ(lookAgain(0), 50) << "before the delay is over";
    EXPECT_THAT(names(m_queue->takeExpired(50 * kUs)), IsEmpty());
    EXPECT_THAT(names(m_queue->takeExpired(51 * kUs)), ElementsAre("a"));
    EXPECT_EQ(m_queue->size(), 1u);
    EXPECT_THAT(names(m_queue->takeExpired(1000 * kUs)), ElementsAre("b"));
}

// Every arrival and every look walked the whole queue: this took minutes.
TEST_F(Queue, ALongQueueWithDeadlinesIsNotWalkedForEachRequest)
{
    constexpr int kRequests = 100'000;
    make("default_queue_policy { default_timeout_microseconds: 1000000 allow_timeout_override: true }", "max_batch_size: 1");
    for (int i = 0; i < kRequests; ++i) {
        EXPECT_THAT(m_queue->takeExpired(i * kUs), IsEmpty());
        EXPECT_TRUE(push("r", i, {.timeoutUs = i % 2 == 0 ? 500'000u : 0u}));
    }
    EXPECT_EQ(m_queue->takeExpired((kRequests + 500'000) * kUs).size(), kRequests / 2u);
    for (int i = 0; i < kRequests / 4; ++i)
        EXPECT_EQ(batch(kRequests).size(), 1u);
    EXPECT_EQ(m_queue->takeExpired((kRequests + 1'000'000) * kUs).size(), kRequests / 4u);
    EXPECT_TRUE(m_queue->empty());
}

TEST_F(Queue, ThoseThatExpireAreTakenInTheOrderOfTheirDeadlines)
{
    make("default_queue_policy { default_timeout_microseconds: 50 allow_timeout_override: true }");
    push("second", 0);
    push("first", 0, {.timeoutUs = 10});
    push("soonest", 0, {.timeoutUs = 5});
    push("third", 0);
    EXPECT_THAT(names(m_queue->takeExpired(6 * kUs)), ElementsAre("soonest"));
    EXPECT_THAT(names(m_queue->takeExpired(51 * kUs)), ElementsAre("first", "second", "third"));
    EXPECT_THAT(names(m_queue->takeExpired(1000 * kUs)), IsEmpty());
}

TEST_F(Queue, PutsWhatWaitedTooLongBehindTheOthersWhereThePolicyDelays)
{
    make("default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 50 max_queue_size: 3 }");
    push("late", 0);
    push("b", 40);
    EXPECT_THAT(names(m_queue->takeExpired(60 * kUs)), IsEmpty());
    push("c", 60);
    EXPECT_FALSE(push("d", 60)) << "what is delayed is still in the queue";
    EXPECT_THAT(batch(60), ElementsAre("b", "c", "late"));
}

TEST_F(Queue, LetsARequestAskForLessTimeWhereThePolicyAllowsIt)
{
    make("default_queue_policy { default_timeout_microseconds: 50 allow_timeout_override: true }");
    push("hurried", 0, {.timeoutUs = 10});
    push("patient", 0, {.timeoutUs = 1000});
    EXPECT_THAT(names(m_queue->takeExpired(11 * kUs)), ElementsAre("hurried"));
    EXPECT_THAT(names(m_queue->takeExpired(51 * kUs)), ElementsAre("patient")) << "not for more";

    make("default_queue_policy { default_timeout_microseconds: 50 }");
    push("hurried", 0, {.timeoutUs = 10});
    EXPECT_THAT(names(m_queue->takeExpired(11 * kUs)), IsEmpty()) << "it is not its to say";
}

TEST_F(Queue, TakesOutWhoIsCancelled)
{
    make("max_queue_delay_microseconds: 100");
    const auto cancelled = std::make_shared<std::atomic<bool>>(true);
    push("a");
    push("gone", 0, {.cancelled = cancelled});
    push("b", 0, {.cancelled = std::make_shared<std::atomic<bool>>(false)});
    EXPECT_THAT(names(m_queue->takeCancelled()), ElementsAre("gone"));
    EXPECT_THAT(batch(100), ElementsAre("a", "b"));
}

TEST_F(Queue, SendsWhatThereIsWhenItNoLongerWaits)
{
    make("max_queue_delay_microseconds: 100");
    push("a");
    EXPECT_THAT(batch(), IsEmpty());
    m_queue->stopWaiting();
    EXPECT_THAT(batch(), ElementsAre("a"));
}

} // namespace
} // namespace gantry::inference_server
