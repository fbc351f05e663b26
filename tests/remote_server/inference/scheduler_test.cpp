#include "remote_server/inference/scheduler.h"

#include "remote_server/inference/model_repository.h"
#include "tests/remote_server/inference/serving_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <new>
#include <stdexcept>

namespace gantry::inference_server {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr char kForever[] = "max_queue_delay_microseconds: 3600000000"; // a test that waited for it would time out

/// A backend that does in its steps what the test says.
class ScriptedFactory final : public BackendFactory
{
public:
    using Step = std::function<Result<void>(const char* step)>;
    explicit ScriptedFactory(Step step) : m_step(std::move(step)) {}
    Result<void> check(const std::vector<Tensor>&) const override { return {}; }
    Result<std::unique_ptr<Backend>> createInstance(const InstancePlace&, RequestRanges&) override { return std::unique_ptr<Backend>(new Instance(m_step)); }
    std::string platform() const override { return "cpu"; }

private:
    class Instance final : public Backend
    {
    public:
        explicit Instance(const Step& step) : m_step(step) {}
        Result<void> computeInput(const std::vector<BatchItem>&) override { return m_step("input"); }
        Result<void> computeInfer(const std::vector<BatchItem>&) override { return m_step("infer"); }
        Result<void> computeOutput(const std::vector<BatchItem>& batch) override
        {
            for (const BatchItem& item : batch)
                item.outputs->push_back({"out", inference::TYPE_INT64, {1}, std::string(8, '\0')});
            return m_step("output");
        }

    private:
        Step m_step;
    };
    Step m_step;
};

/// A model's queue and instances without a network. Destroyed, it has answered everything.
class Scheduler : public testing::Test
{
protected:
    void start(const std::string& batching, const std::string& more = {})
    {
        m_repository.addTinyBert("m", (batching.empty() ? "" : "dynamic_batching { " + batching + " }") + more);
        startModel();
    }

    /// The same with a backend that does `step`.
    void startScripted(const std::string& batching, ScriptedFactory::Step step)
    {
        m_repository.addTinyBert("m", "dynamic_batching { " + batching + " }");
        startModel(std::make_unique<ScriptedFactory>(std::move(step)));
    }

    void startModel(std::unique_ptr<BackendFactory> factory = nullptr)
    {
        auto models = readModelRepository(m_repository.path());
        ASSERT_TRUE(models);
        ASSERT_EQ(models->at(0).problem, "");
        const ModelDescription& model = models->at(0).versions.at(0);
        auto server = factory ? ModelServer::start(model, 1, std::move(factory), m_parts) : ModelServer::start(model, 1, {.allowGpu = false}, m_parts);
        ASSERT_TRUE(server) << server.error().text();
        m_model = std::move(*server);
    }

    /// A request of `length` tokens with what `change` makes of it, answered into m_answers.
    void send(std::size_t length = 4, const std::function<void(InferJob&)>& change = {})
    {
        auto job = std::make_unique<InferJob>();
        const std::vector<std::int64_t> ids(length, 1);
        job->inputs.push_back({"input_ids",
                               inference::TYPE_INT64,
                               {1, static_cast<std::int64_t>(length)},
                               {reinterpret_cast<const char*>(ids.data()), ids.size() * 8}});
        job->done = [this, length](InferJob& finished, const Result<void>& result) {
            const std::lock_guard lock(m_mutex);
            EXPECT_TRUE(!result || finished.outputs.size() == 1);
            m_answers.push_back(length);
            m_times.push_back(finished.times);
            if (!result)
                m_errors.push_back(result.error());
            m_changed.notify_all();
        };
        if (change)
            change(*job);
        m_model->enqueue(std::move(job));
    }

    /// Waits until so many are answered; false when they are not within a minute.
    [[nodiscard]] bool answered(std::size_t count)
    {
        std::unique_lock lock(m_mutex);
        return m_changed.wait_for(lock, std::chrono::minutes(1), [&] { return m_answers.size() >= count; });
    }

    /// Number of executions by batch size.
    [[nodiscard]] std::map<std::uint64_t, std::uint64_t> executions() const
    {
        std::map<std::uint64_t, std::uint64_t> result;
        for (const auto& [size, batch] : m_model->statistics().values().batches)
            result[size] = batch[0];
        return result;
    }

    TestRepository m_repository;
    std::shared_ptr<ServingParts> m_parts = std::make_shared<ServingParts>();
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::vector<std::size_t> m_answers; ///< lengths, in the order they were answered
    std::vector<RequestTimes> m_times;
    std::vector<Error> m_errors;
    std::shared_ptr<ModelServer> m_model; ///< first to go: its instances answer into the others
};

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
    ASSERT_TRUE(answered(3));
    EXPECT_THAT(executions(), ElementsAre(Pair(3, 1)));
    m_model.reset(); // what is queued is answered first
    EXPECT_THAT(m_answers, ElementsAre(4, 4, 4, 5));
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
