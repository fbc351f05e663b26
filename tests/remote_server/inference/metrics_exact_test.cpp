// /metrics against the ground truth: both are of the real server, which is asked as fast as this machine goes while somebody reads the
// metrics all the time.

#include "remote_server/inference/grpc_codec.h"
#include "remote_server/inference/protocol_calls.h"
#include "tests/remote_server/inference/serving_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

namespace gantry::inference_server {
namespace {

constexpr int kThreads = 4, kRequestsEach = 5'000, kMostInFlight = 200;

using Counters = std::map<std::string, std::uint64_t>;

/// One client: so many requests at a time, some of which it cancels.
class Client
{
public:
    Client(ProtocolCalls& calls, int number) : m_calls(calls), m_number(number) {}

    void run()
    {
        for (int i = 0; i < kRequestsEach; ++i) {
            {
                std::unique_lock lock(m_mutex);
                m_changed.wait(lock, [this] { return m_inFlight < kMostInFlight; });
                ++m_inFlight;
            }
            send(i);
        }
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [this] { return m_inFlight == 0; });
    }

private:
    void send(int i)
    {
        static constexpr std::array kModels{"batched", "cached", "narrow"};
        const auto wire = addSubRequest(kModels[static_cast<std::size_t>(i) % kModels.size()], i % 50, m_number);
        auto call =
            prepareCall(m_calls, {wire.model_name(), {}, wire.id()}, [&](const ModelDescription&) { return requestFromProto(wire); });
        ASSERT_TRUE(call) << call.error().text();
        call->job->done = [this](InferJob&, const Result<void>&) {
            const std::lock_guard lock(m_mutex);
            --m_inFlight;
            m_changed.notify_all();
        };
        call->model->enqueue(std::move(call->job));
        if (i % 7 == 0)
            call->cancel();
    }

    ProtocolCalls& m_calls;
    const int m_number;
    std::mutex m_mutex;
    std::condition_variable m_changed;
    int m_inFlight = 0;
};

/// Adds up what counters grow by from one look at /metrics to the next.
class Reader
{
public:
    explicit Reader(const ProtocolCalls& calls) : m_calls(calls) {}

    void look()
    {
        std::istringstream lines(m_calls.metricsText());
        for (std::string line; std::getline(lines, line);) {
            if (!line.starts_with("nv_inference_") && !line.starts_with("nv_cache_num"))
                continue;
            const std::size_t space = line.rfind(' ');
            const std::string series = line.substr(0, space);
            const std::uint64_t value = std::stoull(line.substr(space + 1));
            const bool isCounter = !series.starts_with("nv_inference_pending") && !series.starts_with("nv_cache_num_entries");
            EXPECT_TRUE(!isCounter || value >= m_last[series]) << series;
            m_sums[series] += value - m_last[series];
            m_last[series] = value;
        }
        ++m_looks;
    }
    [[nodiscard]] const Counters& sums() const { return m_sums; }
    [[nodiscard]] int looks() const { return m_looks; }

private:
    const ProtocolCalls& m_calls;
    Counters m_last, m_sums;
    int m_looks = 0;
};

/// What /metrics should say by the lines of the ground truth.
class Truth
{
public:
    explicit Truth(const std::filesystem::path& path)
    {
        std::ifstream file(path);
        for (std::string line; std::getline(file, line);) {
            const auto entry = nlohmann::json::parse(line);
            if (entry.contains("request")) {
                add(entry);
                continue;
            }
            EXPECT_EQ(entry.value("dropped", 0), 0);
        }
        for (const auto& [labels, batches] : m_batches)
            counters["nv_inference_exec_count" + labels] = batches.size();
        for (const auto& [series, ns] : m_ns)
            counters[series] = ns / 1000;
    }

    Counters counters;
    std::map<std::string, std::uint64_t> outcomes;

private:
    void add(const nlohmann::json& entry)
    {
        const std::string model = entry.at("model").get<std::string>(), outcome = entry.at("outcome").get<std::string>();
        const std::string labels = "{model=\"" + model + "\",version=\"1\"}";
        ++outcomes[outcome];
        if (outcome != "ok") {
            ++counters["nv_inference_request_failure{model=\"" + model + "\",reason=\"" + outcome + "\",version=\"1\"}"];
            return;
        }
        const bool isHit = entry.at("cache_hit").get<bool>();
        ++counters["nv_inference_request_success" + labels];
        if (!entry.at("lookup_start_ns").is_null())
            ++counters[(isHit ? "nv_cache_num_hits_per_model" : "nv_cache_num_misses_per_model") + labels];
        addTime("nv_inference_request_duration_us" + labels, entry, "start_ns", "end_ns");
        addTime("nv_inference_queue_duration_us" + labels, entry, "queue_start_ns", isHit ? "lookup_start_ns" : "compute_start_ns");
        if (isHit)
            return;
        counters["nv_inference_count" + labels] += entry.at("rows").get<std::uint64_t>();
        addTime("nv_inference_compute_infer_duration_us" + labels, entry, "compute_input_end_ns", "compute_output_start_ns");
        m_batches[labels].insert(entry.at("batch").get<std::uint64_t>());
    }
    void addTime(const std::string& series, const nlohmann::json& entry, const char* from, const char* to)
    {
        m_ns[series] += entry.at(to).get<std::uint64_t>() - entry.at(from).get<std::uint64_t>();
    }

    std::map<std::string, std::set<std::uint64_t>> m_batches;
    std::map<std::string, std::uint64_t> m_ns;
};

TEST(ExactMetrics, WhatTheyGrowByIsWhatTheGroundTruthSays)
{
    TestRepository models;
    models.addAddSub("batched", "dynamic_batching { max_queue_delay_microseconds: 100 }");
    models.addAddSub("cached", "dynamic_batching { } response_cache { enable: true } instance_group { count: 2 }");
    models.addAddSub("narrow", "dynamic_batching { default_queue_policy { max_queue_size: 20 } }");
    const test::TemporaryFolder folder;
    Counters sums;
    {
        auto server = InferenceServer::load(models.path(),
                                            {.backend = {.allowGpu = false}, .cacheBytes = 1'000'000, .groundTruth = folder / "truth"});
        ASSERT_TRUE(server) << server.error().text();
        ProtocolOptions options;
        options.metrics.machine.cpu = options.metrics.machine.gpu = false;
        ProtocolCalls calls(**server, options);
        Reader reader(calls);
        std::jthread looking([&](const std::stop_token& stop) {
            while (!stop.stop_requested())
                reader.look();
        });
        {
            std::vector<std::jthread> clients;
            for (int i = 0; i < kThreads; ++i)
                clients.emplace_back([&calls, i] { Client(calls, i).run(); });
        }
        looking.request_stop();
        looking.join();
        reader.look();
        EXPECT_GT(reader.looks(), 3);
        sums = reader.sums();
    }
    const Truth truth(folder / "truth");
    std::uint64_t requests = 0;
    for (const auto& [outcome, count] : truth.outcomes)
        requests += count;
    EXPECT_EQ(requests, std::uint64_t{kThreads} * kRequestsEach);
    EXPECT_GT(truth.outcomes.at("CANCELED"), 0u);
    EXPECT_GT(truth.outcomes.at("REJECTED"), 0u);
    for (const char* counted :
         {"nv_cache_num_hits_per_model{model=\"cached\",version=\"1\"}", "nv_inference_count{model=\"narrow\",version=\"1\"}"})
        EXPECT_TRUE(truth.counters.contains(counted)) << counted;
    for (const auto& [series, value] : truth.counters)
        EXPECT_EQ(sums[series], value) << series;
}

} // namespace
} // namespace gantry::inference_server
