#include "tests/remote_server/inference/scheduler_fixture.h"

#include <atomic>
#include <new>
#include <stdexcept>

namespace gantry::inference_server {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST_F(Scheduler, SendsAFullBatchAtOnce)
{
    start(kForever);
    for (int i = 0; i < 8; ++i)
        send();
    ASSERT_TRUE(answered(8));
    EXPECT_THAT(executions(), ElementsAre(Pair(8, 1)));
}

TEST_F(Scheduler, SendsAsSoonAsAPreferredSizeIsReached)
{
    start(std::string("preferred_batch_size: [ 3, 6 ] ") + kForever);
    for (int i = 0; i < 3; ++i)
        send();
    ASSERT_TRUE(answered(3));
    EXPECT_THAT(executions(), ElementsAre(Pair(3, 1)));
}

TEST_F(Scheduler, WaitsForCompanyUntilTheDelayIsOver)
{
    start("max_queue_delay_microseconds: 30000");
    send();
    send();
    ASSERT_TRUE(answered(2));
    // The first of a batch waits the whole delay; a slow machine may let it wait alone.
    EXPECT_GE(m_times[0].computeStart - m_times[0].queueStart, 30'000'000);
    EXPECT_EQ(m_model->statistics().values().inferences, 2u);
}

TEST_F(Scheduler, ExecutesEveryRequestAloneWithoutDynamicBatching)
{
    start("");
    for (int i = 0; i < 5; ++i)
        send();
    ASSERT_TRUE(answered(5));
    EXPECT_THAT(executions(), ElementsAre(Pair(1, 5)));
}

TEST_F(Scheduler, KeepsSequencesOfDifferentLengthsApart)
{
    start(std::string("preferred_batch_size: 4 ") + kForever);
    for (const std::size_t length : {4u, 5u, 4u, 4u})
        send(length);
    ASSERT_TRUE(answered(2)) << "a batch that cannot grow waits for nothing";
    m_model->drain(); // what is queued is answered first
    EXPECT_THAT(m_answers, ElementsAre(4, 5, 4, 4));
    EXPECT_THAT(executions(), ElementsAre(Pair(1, 2), Pair(2, 1)));
}

TEST_F(Scheduler, AnswersRequestsBeyondTheQueuesBoundAtOnce)
{
    start(std::string("default_queue_policy { max_queue_size: 2 } ") + kForever);
    for (int i = 0; i < 5; ++i)
        send();
    ASSERT_EQ(m_errors.size(), 3u) << "on the caller's thread";
    for (const Error& error : m_errors) {
        EXPECT_EQ(error.code, ErrorCode::Unreachable);
        EXPECT_EQ(error.text(), "Exceeds maximum queue size");
    }
    const auto values = m_model->statistics().values();
    EXPECT_EQ(values.failed, 3u);
    EXPECT_EQ(values.pending, 2u);
    EXPECT_EQ(values.success, 0u);
}

TEST_F(Scheduler, AnswersWhatIsQueuedBeforeItEnds)
{
    start(kForever);
    for (int i = 0; i < 3; ++i)
        send();
    m_model.reset();
    EXPECT_EQ(m_answers.size(), 3u);
    EXPECT_TRUE(m_errors.empty());
}

TEST_F(Scheduler, AnswersWhoIsCancelledWhileQueuedAndNobodyElse)
{
    start(kForever);
    const auto cancelled = std::make_shared<std::atomic<bool>>(false);
    send(4);
    send(4, [&](InferJob& job) { job.cancelled = cancelled; });
    m_model->dropCancelled();
    EXPECT_TRUE(m_answers.empty());
    *cancelled = true;
    m_model->dropCancelled();
    ASSERT_EQ(m_errors.size(), 1u) << "on the caller's thread";
    EXPECT_EQ(m_errors[0].code, ErrorCode::Cancelled);
    const auto values = m_model->statistics().values();
    EXPECT_EQ(values.failedBy[static_cast<std::size_t>(FailureReason::Cancelled)], 1u);
    EXPECT_EQ(values.pending, 1u);
}

TEST_F(Scheduler, TellsOfEveryRequestThatEndsBeforeItIsAnswered)
{
    std::mutex mutex;
    std::vector<std::string> told;
    m_parts->onFinished = [&](const InferJob& job) {
        const std::lock_guard lock(mutex);
        told.push_back(job.model->name + (job.batchId > 0 ? " executed by " + job.instance : " not executed") +
                       (job.times.end > 0 ? "" : " and has no end"));
    };
    start(std::string("default_queue_policy { max_queue_size: 1 } ") + kForever);
    send();
    send();
    m_model->drain();
    EXPECT_THAT(told, ElementsAre("m not executed", "m executed by m_0_0"));
}

TEST_F(Scheduler, RefusesRequestsOfASequence)
{
    start("");
    InferJob job;
    job.inputs.push_back({"input_ids", inference::TYPE_INT64, {1, 1}, std::string(8, '\0')});
    EXPECT_TRUE(m_model->check(job));
    job.sequence = {"7", true, false};
    const auto refused = m_model->check(job);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text(), "model 'm' does not batch sequences: send the request without sequence_id");
}

// The exception ended the whole server.
TEST_F(Scheduler, AnExceptionFailsItsBatchAndTheInstanceGoesOn)
{
    std::atomic<int> batch = 0;
    startScripted(std::string("preferred_batch_size: 2 ") + kForever, [&](const char* step) -> Result<void> {
        if (std::string(step) == "infer") {
            switch (++batch) {
            case 1:
                throw std::runtime_error("the weights are gone");
            case 2:
                throw std::bad_alloc();
            case 3:
                throw 42;
            default:
                break;
            }
        }
        return {};
    });
    for (std::size_t round = 1; round <= 4; ++round) {
        send();
        send();
        ASSERT_TRUE(answered(2 * round));
    }
    ASSERT_EQ(m_errors.size(), 6u) << "of the first three batches";
    for (const Error& error : m_errors)
        EXPECT_EQ(error.code, ErrorCode::Internal);
    EXPECT_EQ(m_errors[0].text(), "the model failed with this batch: the weights are gone");
    EXPECT_EQ(m_errors[1].text(), m_errors[0].text());
    EXPECT_EQ(m_errors[2].text(), "the model ran out of memory with this batch");
    EXPECT_EQ(m_errors[4].text(), "the model failed with this batch");
    const auto values = m_model->statistics().values();
    EXPECT_EQ(values.failed, 6u);
    EXPECT_EQ(values.success, 2u);
    EXPECT_EQ(values.pending, 0u);
    EXPECT_THAT(executions(), ElementsAre(Pair(2, 1)));
}

// The sentence was that of a full queue.
TEST_F(Scheduler, SaysThatItEndsToWhoAsksThen)
{
    ModelServer* model = nullptr; // m_model is null already when it ends
    startScripted(kForever, [&](const char* step) -> Result<void> {
        if (std::string(step) == "infer") { // not before it ends
            auto late = std::make_unique<InferJob>();
            late->done = [this](InferJob&, const Result<void>& result) {
                const std::lock_guard lock(m_mutex);
                m_errors.push_back(result.error());
            };
            model->enqueue(std::move(late));
        }
        return {};
    });
    model = m_model.get();
    send();
    m_model.reset();
    EXPECT_EQ(m_answers.size(), 1u);
    ASSERT_EQ(m_errors.size(), 1u);
    EXPECT_EQ(m_errors[0].code, ErrorCode::Unreachable) << "UNAVAILABLE on the wire";
    EXPECT_EQ(m_errors[0].text(), "the server is shutting down");
}

TEST_F(Scheduler, TimesOfARequestAreInOrder)
{
    start("");
    send();
    ASSERT_TRUE(answered(1));
    const RequestTimes& t = m_times[0];
    EXPECT_GT(t.start, 0);
    EXPECT_LE(t.start, t.queueStart);
    EXPECT_LE(t.queueStart, t.computeStart);
    EXPECT_LE(t.computeStart, t.inputEnd);
    EXPECT_LE(t.inputEnd, t.outputStart);
    EXPECT_LE(t.outputStart, t.computeEnd);
    EXPECT_LE(t.computeEnd, t.end);
}

TEST_F(Scheduler, AnIdleInstanceTakesWhatABusyOneLeft)
{
    std::string config = R"(
        backend: "bert" max_batch_size: 2
        input { name: "input_ids" data_type: TYPE_INT64 dims: -1 }
        output { name: "h" data_type: TYPE_FP32 dims: [ -1, 256 ] }
        instance_group { kind: KIND_CPU count: 2 }
        dynamic_batching { max_queue_delay_microseconds: 20000 })";
    for (const auto& [key, value] : {std::pair("layers", 4), std::pair("hidden", 256), std::pair("heads", 4), std::pair("ffn", 1024),
                                     std::pair("vocabulary", 2), std::pair("positions", 512)})
        config += std::string("parameters { key: \"") + key + "\" value { string_value: \"" + std::to_string(value) + "\" } }\n";
    m_repository.add("m", config);
    startModel();
    for (int round = 0; round < 3; ++round) {
        m_answers.clear();
        send(512);
        send(1);
        send(1);
        ASSERT_TRUE(answered(3));
        EXPECT_THAT(m_answers, ElementsAre(1, 1, 512)) << "the short ones take a thousandth of the time, on the other instance";
    }
}

} // namespace
} // namespace gantry::inference_server
