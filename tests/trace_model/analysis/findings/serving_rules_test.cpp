#include "tests/trace_model/analysis/findings/diagnosis_of.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::findings {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Forty requests that come at once and are executed one after the other, each for 1 ms.
Script oneByOne()
{
    Script script;
    script.window(41'000);
    for (int i = 0; i < 40; ++i)
        script.execution(i + 1, 1, i * 1000, i * 1000 + 1000).request(i + 1, 0, i * 1000, i * 1000 + 1000, i + 1);
    return script;
}

/// Forty requests at a slow pace, each executed when it comes.
Script unhurried()
{
    Script script;
    script.window(400'000);
    for (int i = 0; i < 40; ++i)
        script.execution(i + 1, 1, i * 10'000 + 10, i * 10'000 + 1000)
            .request(i + 1, i * 10'000, i * 10'000 + 10, i * 10'000 + 1000, i + 1);
    return script;
}

TEST(QueueBound, SaysHowMuchRequestsWaitAndThatTheInstanceIsBusy)
{
    const Diagnosed d(oneByOne().text());
    const Finding* finding = d.find("queue-bound");
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->severity, Severity::Problem);
    EXPECT_THAT(
        finding->sentence,
        HasSubstr(
            "Requests of m spend 95 % of their time in the queue (19.500 ms of 20.500 ms on average); its instance is busy for 100 %"));
    EXPECT_EQ(d.trace->requests[finding->evidence.front().request.value].id, 40u);
    EXPECT_THAT(finding->remedies.front().edit, HasSubstr("dynamic_batching"));
}

// As add_sub of the demo: a delay of 100 µs for batches, an execution of 1 µs, and two requests in flight.
TEST(QueueBound, SaysThatRequestsWaitForABatchWhereTheInstanceIsFree)
{
    Script script;
    script.window(100'000);
    for (int i = 0; i < 60; ++i)
        script.execution(i / 2 + 1, 1, i / 2 * 1000 + 150, i / 2 * 1000 + 152)
            .request(i + 1, i / 2 * 1000, i / 2 * 1000 + 150, i / 2 * 1000 + 152, i / 2 + 1);
    const Diagnosed d(script.text());
    EXPECT_THAT(d.sentence("queue-bound"), HasSubstr("They wait for a batch to fill, or are held back, for an instance is free."));
    ASSERT_TRUE(d.find("queue-bound"));
    EXPECT_THAT(d.find("queue-bound")->remedies.front().edit, HasSubstr("max_queue_delay_microseconds: 0"));
}

TEST(QueueBound, IsSilentWhereRequestsDoNotWait)
{
    EXPECT_TRUE(Diagnosed(unhurried().text()).wasSilent("queue-bound"));
}

TEST(QueueBound, IsNotJudgedWithoutRequests)
{
    EXPECT_EQ(Diagnosed(Script().window(1000).kernel(7, 1, 10, 20).text()).whyNot("queue-bound"), "no requests were recorded");
}

TEST(BatchingAbsent, IsFoundWhereOthersWaitWhileOneIsExecuted)
{
    const Diagnosed d(oneByOne().text());
    EXPECT_THAT(d.sentence("batching-absent"), HasSubstr("m executes one request at a time, though 19.5 others wait on average"));
}

TEST(BatchingAbsent, IsSilentWhereNobodyWaits)
{
    EXPECT_TRUE(Diagnosed(unhurried().text()).wasSilent("batching-absent"));
}

/// Requests in pairs that wait for 800 µs, a batch of eight once; there is time for all of them.
Script halfEmpty()
{
    Script script;
    script.window(400'000);
    for (int batch = 0; batch < 30; ++batch) {
        script.execution(batch + 1, 1, batch * 10'000 + 800, batch * 10'000 + 1'800);
        for (int i = 0; i < (batch == 15 ? 8 : 2); ++i)
            script.request(batch * 10 + i + 1, batch * 10'000, batch * 10'000 + 800, batch * 10'000 + 1'800, batch + 1);
    }
    return script;
}

TEST(BatchesNotFilling, SaysWhatWaitingBringsAtThisRate)
{
    const Diagnosed d(halfEmpty().text());
    EXPECT_THAT(d.sentence("batches-not-filling"),
                HasSubstr("Requests of m wait 800.000 µs for others to share an execution with, but at 165 requests/s only 0.1 come"));
    EXPECT_THAT(d.sentence("batches-not-filling"), HasSubstr("batches hold 2.2 on average, and 8 at most"));
}

TEST(BatchesNotFilling, IsSilentWhereBatchesAreFull)
{
    Script script;
    script.window(400'000);
    for (int batch = 0; batch < 30; ++batch) {
        script.execution(batch + 1, 1, batch * 10'000 + 800, batch * 10'000 + 1'800);
        for (int i = 0; i < 8; ++i)
            script.request(batch * 10 + i + 1, batch * 10'000, batch * 10'000 + 800, batch * 10'000 + 1'800, batch + 1);
    }
    EXPECT_TRUE(Diagnosed(script.text()).wasSilent("batches-not-filling"));
}

TEST(IdleInstances, AreFoundWhileRequestsWait)
{
    Script script; // two instances that take turns though two requests are always there
    script.window(41'000);
    for (int i = 0; i < 40; ++i)
        script.execution(i + 1, 1 + i % 2, i * 1000, i * 1000 + 1000)
            .request(i * 2 + 1, i * 1000 - (i > 0 ? 1000 : 0), i * 1000, i * 1000 + 1000, i + 1);
    for (int i = 0; i < 30; ++i) // batches of two, so that batching is there
        script.request(i * 2 + 2, i * 1000, i * 1000, i * 1000 + 1000, i + 1);
    const Diagnosed d(script.text());
    EXPECT_THAT(d.sentence("idle-instances"), HasSubstr("requests of m wait while at least one of its 2 instances does nothing"));
}

TEST(IdleInstances, IsSilentWhereAllInstancesAreBusy)
{
    EXPECT_TRUE(Diagnosed(oneByOne().text()).wasSilent("idle-instances"));
}

/// A first request that is executed and takes 242 ms, and a later one of 44 ms.
std::string twoRequests(std::string_view later)
{
    return fmt::format("window 0..500000000\n"
                       "execution 1 thread 1 model m:1 instance m_0 1000..242000000\n"
                       "request 1 model m:1 0..242000000 queue 0..1000 compute_infer 1000..242000000 batch 1\n{}",
                       later);
}
const std::string kExecutedLater =
    "execution 2 thread 1 model m:1 instance m_0 300001000..344000000\n"
    "request 2 model m:1 300000000..344000000 queue 300000000..300001000 compute_infer 300001000..344000000 batch 2\n";

TEST(FirstRequest, IsWarmUpWhereNoLaterOneIsACacheHit)
{
    const Diagnosed d(twoRequests(kExecutedLater));
    EXPECT_THAT(d.sentence("first-request"),
                HasSubstr("The first request of m takes 242.000 ms, the later one 44.000 ms: that is warm-up"));
    EXPECT_THAT(d.sentence("first-request"), HasSubstr("the response cache answered none of them"));
    EXPECT_THAT(d.find("first-request")->remedies.front().edit, HasSubstr("model_warmup"));
}

TEST(FirstRequest, IsTheCacheWhereTheLaterOneIsAHit)
{
    const Diagnosed d(twoRequests("request 2 model m:1 300000000..344000000 cache 300000000..343000000\n"));
    EXPECT_THAT(d.sentence("first-request"), HasSubstr("that is the response cache, which answered 1 of them, not warm-up"));
    EXPECT_EQ(d.find("first-request")->severity, Severity::Note);
}

TEST(FirstRequest, IsTheCacheWhereTheServersCounterSaysSo)
{
    const Diagnosed d("window 0..500000000\nrequest 1 model m:1 0..242000000\nrequest 2 model m:1 300000000..344000000\n"
                      "counter nv_cache_num_hits_per_model{model=\"m\"} 1000=0 400000000=1\n");
    EXPECT_THAT(d.sentence("first-request"),
                HasSubstr("that is the response cache, which answered by the server's counter at least one of them"));
}

TEST(FirstRequest, IsWarmUpWhereTheServersCounterDoesNotMove)
{
    const Diagnosed d("window 0..500000000\nrequest 1 model m:1 0..242000000\nrequest 2 model m:1 300000000..344000000\n"
                      "counter nv_cache_num_hits_per_model{model=\"m\"} 1000=0 400000000=0\n");
    EXPECT_THAT(d.sentence("first-request"), HasSubstr("that is warm-up"));
}

TEST(FirstRequest, SaysWhatWasLoadedMeanwhile)
{
    const Diagnosed d(twoRequests(kExecutedLater + "api 1 cuModuleLoadData 2000..150002000\n"));
    EXPECT_THAT(d.sentence("first-request"), HasSubstr("code was loaded or compiled meanwhile for 150.000 ms"));
}

TEST(FirstRequest, IsSilentWhereItIsAsFastAsTheOthers)
{
    EXPECT_TRUE(Diagnosed(unhurried().text()).wasSilent("first-request"));
}

/// Fifty requests that are looked up, of which `hits` are answered by the cache in `hit` µs; the others take 1 ms.
std::string cached(int hits, int hit, int lookUp = 20)
{
    Script script;
    script.window(500'000);
    for (int i = 0; i < 50; ++i) {
        const int start = i * 10'000 * 1000, us = 1000;
        if (i < hits) {
            script.line("request {} model m:1 {}..{} cache {}..{}", i + 1, start, start + hit * us, start, start + hit * us);
        } else {
            script.line("execution {} thread 1 model m:1 instance m_0 {}..{}", i + 1, start + lookUp * us, start + 1000 * us);
            script.line("request {} model m:1 {}..{} cache {}..{} compute_infer {}..{} batch {}", i + 1, start, start + 1000 * us, start,
                        start + lookUp * us, start + lookUp * us, start + 1000 * us, i + 1);
        }
    }
    return script.text();
}

TEST(CacheUseless, SaysHowFewAnswersItGaveAndWhatItCost)
{
    const Diagnosed d(cached(1, 30, 100));
    EXPECT_THAT(d.sentence("cache-useless"), HasSubstr("The response cache answered 1 of 50 requests of m; looking up took"));
    EXPECT_EQ(d.find("cache-useless")->severity, Severity::Problem);
    EXPECT_TRUE(d.wasSilent("cache-hides"));
}

TEST(CacheHides, IsSaidWhereItAnswersMuch)
{
    const Diagnosed d(cached(25, 30));
    EXPECT_THAT(d.sentence("cache-hides"), HasSubstr("answered 50 % of the requests of m (25 of 50)"));
    EXPECT_THAT(d.sentence("cache-hides"), HasSubstr("Those that were computed take 1.000 ms at the median"));
    EXPECT_TRUE(d.wasSilent("cache-useless"));
    EXPECT_TRUE(d.wasSilent("cache-harmful"));
}

TEST(CacheHarmful, IsFoundWhereAnAnswerTakesAsLongAsComputing)
{
    EXPECT_THAT(Diagnosed(cached(25, 980)).sentence("cache-harmful"), HasSubstr("it saves nothing"));
}

TEST(Caches, AreNotJudgedWhereNothingIsLookedUp)
{
    EXPECT_EQ(Diagnosed(unhurried().text()).whyNot("cache-useless"), "no request was looked up in a response cache");
}

TEST(SlowestRequests, SayWhichPhaseSetsThemApart)
{
    Script script;
    script.window(3'000'000);
    for (int i = 0; i < 200; ++i)
        script.request(i + 1, i * 10'000, i * 10'000 + (i % 50 == 7 ? 5'000 : 100), i * 10'000 + (i % 50 == 7 ? 6'000 : 1'100));
    const Diagnosed d(script.text());
    EXPECT_THAT(d.sentence("slowest-requests"), HasSubstr("The slowest 4 requests of m take 6.000 ms or more, where the median is 1.100 "
                                                          "ms; most of the difference is queue (4.900 ms of 4.900 ms)"));
    EXPECT_EQ(d.find("slowest-requests")->evidence.size(), 3u);
}

TEST(SlowestRequests, AreNotJudgedOfFew)
{
    EXPECT_EQ(Diagnosed(unhurried().text()).whyNot("slowest-requests"), "no model has 100 complete requests");
}

TEST(SlowestRequests, IsSilentOfAnEvenLoad)
{
    Script script;
    script.window(3'000'000);
    for (int i = 0; i < 200; ++i)
        script.request(i + 1, i * 10'000, i * 10'000 + 100, i * 10'000 + 1'100 + i % 10);
    EXPECT_TRUE(Diagnosed(script.text()).wasSilent("slowest-requests"));
}

TEST(FailedRequests, AreAProblem)
{
    const Diagnosed d(unhurried().line("request 99 model m:1 5000000..6000000 failed").text());
    EXPECT_EQ(d.sentence("failed-requests"), "1 request of m failed, beside 40 that did not.");
    EXPECT_EQ(d.find("failed-requests")->severity, Severity::Problem);
}

TEST(FailedRequests, IsSilentWhereNoneFailed)
{
    EXPECT_TRUE(Diagnosed(unhurried().text()).wasSilent("failed-requests"));
}

} // namespace
} // namespace gantry::findings
