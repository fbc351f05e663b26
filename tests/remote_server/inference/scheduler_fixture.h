#pragma once

#include "remote_server/inference/model_repository.h"
#include "remote_server/inference/scheduler.h"
#include "tests/remote_server/inference/serving_fixture.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace gantry::inference_server {

inline constexpr char kForever[] = "max_queue_delay_microseconds: 3600000000"; // a test that waited for it would time out

/// A backend that does in its steps what the test says.
class ScriptedFactory final : public BackendFactory
{
public:
    using Step = std::function<Result<void>(const char* step)>;
    explicit ScriptedFactory(Step step) : m_step(std::move(step)) {}
    Result<void> check(const std::vector<Tensor>&) const override { return {}; }
    Result<std::unique_ptr<Backend>> createInstance(const InstancePlace&, RequestRanges&) override
    {
        ++m_instances;
        return std::unique_ptr<Backend>(new Instance(m_step));
    }
    std::string platform() const override { return "cpu"; }
    [[nodiscard]] int instances() const { return m_instances; }

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
    std::atomic<int> m_instances = 0;
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
    void startScripted(const std::string& batching, ScriptedFactory::Step step, const std::string& more = {})
    {
        m_repository.addTinyBert("m", "dynamic_batching { " + batching + " }" + more);
        startModel(std::make_unique<ScriptedFactory>(std::move(step)));
    }

    /// The first model of the repository.
    void startModel(std::unique_ptr<BackendFactory> factory = nullptr)
    {
        auto models = readModelRepository(m_repository.path());
        ASSERT_TRUE(models);
        ASSERT_EQ(models->at(0).problem, "");
        const ModelDescription& model = models->at(0).versions.at(0);
        auto server = factory ? ModelServer::start(model, 1, std::move(factory), m_parts)
                              : ModelServer::start(model, 1, {.allowGpu = false}, m_parts);
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
            m_finished.push_back({finished.clientId, finished.instance, finished.batchId, finished.threadId, finished.cacheHit});
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
    struct Finished
    {
        std::string clientId, instance;
        std::uint64_t batchId;
        std::int64_t thread;
        bool cacheHit;
    };
    std::vector<Finished> m_finished;
    std::vector<Error> m_errors;
    std::shared_ptr<ModelServer> m_model; ///< first to go: its instances answer into the others
};

} // namespace gantry::inference_server
