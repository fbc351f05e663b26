#include "tests/remote_server/inference/scheduler_fixture.h"
#include "tests/support/child_process.h"

#include <atomic>
#include <future>
#include <latch>
#include <set>

namespace gantry::inference_server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

/// Executions wait in it until the test opens it.
class Gate
{
public:
    void pass()
    {
        ++m_arrived;
        m_open.get_future().share().wait();
    }
    void open() { m_open.set_value(); }
    [[nodiscard]] bool isReached(int times = 1) const
    {
        return test::eventually([&] { return m_arrived >= times; });
    }

private:
    std::atomic<int> m_arrived = 0;
    std::promise<void> m_open;
};

ScriptedFactory::Step step(const char* wanted, std::function<void()> action)
{
    return [wanted, action = std::move(action)](const char* name) -> Result<void> {
        if (std::string(name) == wanted)
            action();
        return {};
    };
}

auto named(const std::string& name, std::uint64_t priority = 0)
{
    return [=](InferJob& job) {
        job.clientId = name;
        job.priority = priority;
    };
}

class SchedulerPolicies : public Scheduler
{
protected:
    [[nodiscard]] std::vector<std::string> answeredNames()
    {
        const std::lock_guard lock(m_mutex);
        std::vector<std::string> names;
        for (const Finished& finished : m_finished)
            names.push_back(finished.clientId);
        return names;
    }
};

TEST_F(SchedulerPolicies, EveryInstanceOfEveryGroupHasAThreadAndAName)
{
    std::latch all(3); // each of three batches waits for the two others
    startScripted("preferred_batch_size: 1", step("infer", [&] { all.arrive_and_wait(); }),
                  "instance_group { name: \"second\" count: 2 kind: KIND_CPU }"); // the first is addTinyBert's
    for (int i = 0; i < 3; ++i)
        send(static_cast<std::size_t>(i + 1));
    ASSERT_TRUE(answered(3));
    std::vector<std::string> instances;
    std::set<std::int64_t> threads;
    std::set<std::uint64_t> batches;
    for (const Finished& finished : m_finished) {
        instances.push_back(finished.instance);
        threads.insert(finished.thread);
        batches.insert(finished.batchId);
    }
    EXPECT_THAT(instances, UnorderedElementsAre("m_0_0", "second_0", "second_1"));
    EXPECT_EQ(threads.size(), 3u);
    EXPECT_EQ(batches.size(), 3u);
}

TEST_F(SchedulerPolicies, ARequestThatWaitedTooLongIsRejected)
{
    Gate gate;
    startScripted("default_queue_policy { default_timeout_microseconds: 3600000000 allow_timeout_override: true }",
                  step("infer", [&] { gate.pass(); }));
    send(4, named("first"));
    ASSERT_TRUE(gate.isReached());
    send(4, [](InferJob& job) { job.timeoutUs = 1; });
    gate.open();
    ASSERT_TRUE(answered(2));
    ASSERT_EQ(m_errors.size(), 1u);
    EXPECT_EQ(m_errors[0].code, ErrorCode::Unreachable);
    EXPECT_EQ(m_errors[0].text(), "Request timeout expired");
    const auto values = m_model->statistics().values();
    EXPECT_EQ(values.failedBy[static_cast<std::size_t>(FailureReason::Rejected)], 1u);
    EXPECT_EQ(values.pending, 0u);
}

TEST_F(SchedulerPolicies, HigherPrioritiesOvertakeInTheQueue)
{
    Gate gate;
    startScripted("preferred_batch_size: 1 priority_levels: 2 default_priority_level: 2",
                  step("infer", [&, first = std::make_shared<bool>(true)] {
                      if (std::exchange(*first, false))
                          gate.pass();
                  }));
    send(4, named("first"));
    ASSERT_TRUE(gate.isReached());
    send(5, named("low"));
    send(6, named("high", 1));
    gate.open();
    ASSERT_TRUE(answered(3));
    EXPECT_THAT(answeredNames(), ElementsAre("first", "high", "low"));
}

TEST_F(SchedulerPolicies, ARequestCancelledInTheQueueIsNotExecuted)
{
    Gate gate;
    std::atomic<int> executions = 0;
    startScripted("preferred_batch_size: 8", step("infer", [&] {
                      if (++executions == 1)
                          gate.pass();
                  }));
    send(4, named("first"));
    ASSERT_TRUE(gate.isReached());
    const auto cancelled = std::make_shared<std::atomic<bool>>(false);
    send(4, [&](InferJob& job) { job.cancelled = cancelled; });
    *cancelled = true; // nobody says dropCancelled()
    gate.open();
    ASSERT_TRUE(answered(2));
    ASSERT_EQ(m_errors.size(), 1u);
    EXPECT_EQ(m_errors[0].code, ErrorCode::Cancelled);
    EXPECT_EQ(executions, 1);
    EXPECT_EQ(m_model->statistics().values().failedBy[static_cast<std::size_t>(FailureReason::Cancelled)], 1u);
}

TEST_F(SchedulerPolicies, AnswersComeInTheOrderOfTheRequestsWhereTheModelPreservesIt)
{
    Gate slow;
    std::atomic<int> executions = 0;
    startScripted("preferred_batch_size: 1 preserve_ordering: true",
                  step("infer",
                       [&] {
                           if (++executions == 1)
                               slow.pass();
                       }),
                  "instance_group { count: 1 kind: KIND_CPU }");
    send(1, named("slow"));
    ASSERT_TRUE(slow.isReached());
    send(2, named("quick"));
    send(3, named("quicker"));
    ASSERT_TRUE(test::eventually([&] { return m_model->statistics().values().executions == 2; }));
    EXPECT_TRUE(answeredNames().empty());
    slow.open();
    ASSERT_TRUE(answered(3));
    EXPECT_THAT(answeredNames(), ElementsAre("slow", "quick", "quicker"));
}

TEST_F(SchedulerPolicies, TheCacheAnswersWhatWasAskedBefore)
{
    m_parts->cache = std::make_unique<ResponseCache>(1 << 20);
    std::atomic<int> executions = 0;
    startScripted("", step("infer", [&] { ++executions; }), "response_cache { enable: true }");
    send(4);
    ASSERT_TRUE(answered(1));
    send(4);
    ASSERT_EQ(m_finished.size(), 2u) << "on the caller's thread";
    EXPECT_FALSE(m_finished[0].cacheHit);
    EXPECT_TRUE(m_finished[1].cacheHit);
    EXPECT_EQ(m_finished[1].batchId, 0u);
    EXPECT_EQ(executions, 1);
    EXPECT_TRUE(m_errors.empty());
    const RequestTimes &miss = m_times[0], &hit = m_times[1];
    EXPECT_LE(miss.start, miss.lookupStart);
    EXPECT_LE(miss.lookupEnd, miss.queueStart);
    EXPECT_LE(miss.computeEnd, miss.insertStart);
    EXPECT_LE(miss.insertEnd, miss.end);
    EXPECT_GT(hit.lookupEnd, 0);
    EXPECT_EQ(hit.insertStart, 0);
    EXPECT_EQ(hit.computeStart, 0);
    const auto values = m_model->statistics().values();
    EXPECT_EQ(values.success, 2u);
    EXPECT_EQ(values.inferences, 1u);
    EXPECT_EQ(values.cacheHits, 1u);
    EXPECT_EQ(values.cacheMisses, 1u);

    send(5);
    ASSERT_TRUE(answered(3));
    EXPECT_EQ(executions, 2) << "other inputs";
}

TEST_F(SchedulerPolicies, TheCacheForgetsAModelThatIsLoadedAgain)
{
    m_parts->cache = std::make_unique<ResponseCache>(1 << 20);
    std::atomic<int> executions = 0;
    for (int load = 1; load <= 2; ++load) {
        startScripted("", step("infer", [&] { ++executions; }), "response_cache { enable: true }");
        send(4);
        ASSERT_TRUE(answered(static_cast<std::size_t>(load)));
    }
    EXPECT_EQ(executions, 2) << "it may compute something else now";
}

TEST_F(SchedulerPolicies, FailuresAreNotKeptInTheCache)
{
    m_parts->cache = std::make_unique<ResponseCache>(1 << 20);
    startScripted("", step("infer", [] { throw std::runtime_error("not today"); }), "response_cache { enable: true }");
    send(4);
    ASSERT_TRUE(answered(1));
    send(4);
    ASSERT_TRUE(answered(2));
    EXPECT_EQ(m_errors.size(), 2u);
    EXPECT_EQ(m_parts->cache->counts().entries, 0u);
}

constexpr char kWarmUp[] = R"( model_warmup { name: "w" batch_size: 2 count: 3
    inputs { key: "input_ids" value { data_type: TYPE_INT64 dims: 4 random_data: true } } })";

TEST_F(SchedulerPolicies, EveryInstanceIsWarmBeforeTheModelServes)
{
    std::atomic<int> executions = 0;
    startScripted("", step("infer", [&] { ++executions; }), std::string("instance_group { kind: KIND_CPU }") + kWarmUp);
    EXPECT_EQ(executions, 6) << "three times on each of two";
    EXPECT_EQ(m_model->statistics().values().executions, 0u) << "nobody asked for them";
}

TEST_F(SchedulerPolicies, AModelThatFailsItsWarmUpDoesNotServe)
{
    m_repository.addTinyBert("m", kWarmUp);
    const auto model = readModel(m_repository.path(), "m", AutoComplete::On);
    ASSERT_EQ(model->problem, "");
    const auto started =
        ModelServer::start(model->versions.at(0), 1,
                           std::make_unique<ScriptedFactory>(step("infer", [] { throw std::runtime_error("no weights"); })), m_parts);
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().text(), HasSubstr("no weights"));
}

TEST_F(SchedulerPolicies, AColdModelMakesItsInstanceWithTheFirstBatch)
{
    std::atomic<int> executions = 0;
    auto factory = std::make_unique<ScriptedFactory>(step("infer", [&] { ++executions; }));
    const ScriptedFactory& made = *factory;
    m_repository.addTinyBert("m", std::string(R"(parameters { key: "cold_start" value { string_value: "true" } })") + kWarmUp);
    startModel(std::move(factory));
    EXPECT_EQ(made.instances(), 0);
    EXPECT_EQ(executions, 0);
    send();
    ASSERT_TRUE(answered(1));
    EXPECT_EQ(made.instances(), 1);
    EXPECT_EQ(executions, 1);
}

TEST_F(SchedulerPolicies, TheRateLimiterKeepsInstancesFromExecutingAtOnce)
{
    m_parts->rateLimiter = std::make_unique<RateLimiter>(RateLimiter::Limits{});
    std::atomic<int> inside = 0, most = 0, executions = 0;
    const auto count = [&](const char* name) -> Result<void> {
        if (std::string(name) == "input")
            most = std::max<int>(most, ++inside);
        if (std::string(name) == "output") {
            --inside;
            ++executions;
        }
        return {};
    };
    m_repository.add("m", R"(
        backend: "bert" max_batch_size: 1
        instance_group { count: 3 kind: KIND_CPU rate_limiter { resources { name: "R" count: 1 } } })");
    startModel(std::make_unique<ScriptedFactory>(count));
    for (int i = 0; i < 200; ++i)
        send();
    ASSERT_TRUE(answered(200));
    EXPECT_EQ(executions, 200);
    EXPECT_EQ(most, 1);
}

TEST_F(SchedulerPolicies, ADecoupledModelRespondsAsOftenAsItLikes)
{
    m_repository.add("m", R"(
        backend: "identity" input { name: "X" data_type: TYPE_INT64 dims: -1 } model_transaction_policy { decoupled: true }
        parameters { key: "responses" value { string_value: "3" } })");
    startModel();
    std::vector<std::string> responses;
    send(2, [&](InferJob& job) {
        job.inputs.front().name = "X";
        job.outputs.emplace_back(); // what the fixture looks for; a decoupled model leaves it alone
        job.respond = [&](InferJob&, const std::vector<Tensor>& outputs, bool final) {
            responses.push_back(outputs.at(0).name + (final ? " final" : "") + (outputs.at(0).data.size() == 16 ? "" : " of another size"));
        };
    });
    ASSERT_TRUE(answered(1));
    EXPECT_THAT(responses, ElementsAre("OUTPUT0", "OUTPUT0", "OUTPUT0 final"));
}

} // namespace
} // namespace gantry::inference_server
