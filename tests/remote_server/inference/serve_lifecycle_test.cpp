#include "tests/remote_server/inference/raw_client.h"
#include "tests/remote_server/inference/serve_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <map>

namespace gantry::inference_server {
namespace {

namespace wire = ::inference;
using testing::HasSubstr;

/// Adds an add_sub that waits an hour for company.
void addPatient(TestRepository& models)
{
    models.addAddSub("patient", "dynamic_batching { max_queue_delay_microseconds: 3600000000 }");
}

/// Adds an identity whose executions take an hour.
void addEndless(TestRepository& models)
{
    models.add("endless", R"(backend: "identity"
        max_batch_size: 8
        input [ { name: "INPUT0" data_type: TYPE_INT32 dims: 4 }, { name: "INPUT1" data_type: TYPE_INT32 dims: 4 } ]
        parameters { key: "execute_delay_ms" value { string_value: "3600000" } })");
}

/// Two requests for it: one waits while the other executes.
std::future<std::vector<grpc::Status>> sendTwo(ServeProcess& serve)
{
    return std::async(std::launch::async, [&] { return inferAtOnce(serve.stub(), std::vector(2, addSubRequest("endless"))); });
}

/// Waits until /metrics has a line.
[[nodiscard]] bool showsMetric(const ServeProcess& serve, const std::string& line)
{
    return test::eventually([&] { return serve.get("/metrics").find(line + "\n") != std::string::npos; });
}

TEST(ServeLifecycle, SigtermAnswersWhatIsQueuedAtOnce)
{
    TestRepository models;
    addPatient(models);
    ServeProcess serve(models);
    auto answers = std::async(std::launch::async, [&] { return inferAtOnce(serve.stub(), std::vector(3, addSubRequest("patient"))); });
    ASSERT_TRUE(showsMetric(serve, "nv_inference_pending_request_count{model=\"patient\",version=\"1\"} 3"));
    EXPECT_EQ(serve.terminate(), 0);
    for (const grpc::Status& status : answers.get())
        EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST(ServeLifecycle, EndsWithoutTheRestWhenTheExitTimeoutIsOver)
{
    TestRepository models;
    addEndless(models);
    ServeProcess serve(models, {}, {"--exit-timeout-secs", "1"});
    auto answers = sendTwo(serve);
    ASSERT_TRUE(showsMetric(serve, "nv_inference_pending_request_count{model=\"endless\",version=\"1\"} 1"));
    EXPECT_EQ(serve.terminate(), 1);
    EXPECT_THAT(serve.process().errorText(), HasSubstr("not every request was answered within 1 s of --exit-timeout-secs"));
    EXPECT_FALSE(answers.get().front().ok());
}

// The server waited for the rest of the request until the exit timeout, and then ended as one that has failed.
TEST(ServeLifecycle, HalfARequestOfHttpDoesNotHoldUpTheEnd)
{
    TestRepository models;
    models.addAddSub("m");
    ServeProcess serve(models, {}, {"--exit-timeout-secs", "20"});
    const RawClient http(serve.httpPort()), metrics(serve.metricsPort());
    ASSERT_TRUE(http.send("POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"));
    ASSERT_TRUE(metrics.send("GET /metr"));
    ASSERT_NE(serve.get("/metrics"), "no answer");
    EXPECT_EQ(serve.terminate(), 0) << serve.process().errorText();
}

// gRPC waited for the client to end it, until the exit timeout.
TEST(ServeLifecycle, AnOpenStreamDoesNotHoldUpTheEnd)
{
    TestRepository models;
    models.addAddSub("m");
    addPatient(models);
    ServeProcess serve(models, {}, {"--exit-timeout-secs", "20"});
    grpc::ClientContext idleContext, busyContext;
    const auto idle = serve.stub().ModelStreamInfer(&idleContext), busy = serve.stub().ModelStreamInfer(&busyContext);
    wire::ModelStreamInferResponse response;
    ASSERT_TRUE(idle->Write(addSubRequest("m")));
    ASSERT_TRUE(idle->Read(&response));
    ASSERT_TRUE(busy->Write(addSubRequest("patient")));
    ASSERT_TRUE(showsMetric(serve, "nv_inference_pending_request_count{model=\"patient\",version=\"1\"} 1"));
    EXPECT_EQ(serve.terminate(), 0) << serve.process().errorText();
    EXPECT_TRUE(busy->Read(&response)) << "what was in flight is answered";
    EXPECT_EQ(response.error_message(), "");
    EXPECT_FALSE(busy->Read(&response));
    EXPECT_EQ(busy->Finish().error_message(), "the server is shutting down");
    EXPECT_EQ(idle->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST(ServeLifecycle, ASecondSigtermEndsItAtOnce)
{
    TestRepository models;
    addEndless(models);
    ServeProcess serve(models);
    auto answers = sendTwo(serve);
    ASSERT_TRUE(showsMetric(serve, "nv_inference_pending_request_count{model=\"endless\",version=\"1\"} 1"));
    serve.process().signal(SIGTERM);
    ASSERT_TRUE(test::eventually([&] { return !serve.isReady(); }));
    serve.process().signal(SIGTERM);
    EXPECT_EQ(serve.wait(), -1) << "by the signal";
    EXPECT_FALSE(answers.get().front().ok());
}

TEST(ServeLifecycle, TheGroundTruthHasEveryRequestThatItAnswered)
{
    TestRepository models;
    models.addAddSub("m", "dynamic_batching { max_queue_delay_microseconds: 1000 } response_cache { enable: true }");
    const test::TemporaryFolder folder;
    {
        ServeProcess serve(models, {}, {"--ground-truth", folder / "log", "--cache-config", "local,size=1000000"});
        std::vector<wire::ModelInferRequest> requests;
        for (int i = 0; i < 50; ++i)
            requests.push_back(addSubRequest("m", i));
        for (const grpc::Status& status : inferAtOnce(serve.stub(), requests))
            EXPECT_TRUE(status.ok()) << status.error_message();
        wire::ModelInferResponse response;
        ASSERT_TRUE(infer(serve.stub(), addSubRequest("m", 7), response).ok());
        EXPECT_EQ(int32Output(response, 0).front(), 10);
        const auto stats = serve.statistics("m");
        EXPECT_EQ(stats.inference_stats().cache_hit().count(), 1u);
        EXPECT_EQ(stats.inference_stats().cache_miss().count(), 50u);
        EXPECT_EQ(stats.inference_count(), 50u);
        EXPECT_EQ(serve.terminate(), 0);
    }
    std::map<std::uint64_t, int> batches;
    int hits = 0, lines = 0;
    nlohmann::json last;
    std::ifstream file(folder / "log");
    for (std::string line; std::getline(file, line); ++lines) {
        last = nlohmann::json::parse(line);
        if (!last.contains("request"))
            continue;
        EXPECT_EQ(last.at("outcome"), "ok");
        EXPECT_EQ(last.at("client_id"), "from-the-test");
        hits += last.at("cache_hit").get<bool>();
        if (!last.at("batch").is_null())
            ++batches[last.at("batch").get<std::uint64_t>()];
    }
    EXPECT_EQ(lines, 53) << "with the first and the last";
    EXPECT_EQ(last, nlohmann::json::parse(R"({"requests":51,"dropped":0})"));
    EXPECT_EQ(hits, 1);
    int executed = 0;
    for (const auto& [batch, members] : batches)
        executed += members;
    EXPECT_EQ(executed, 50);
}

TEST(ServeLifecycle, RefusesFlagsThatSayNothing)
{
    TestRepository models;
    models.addAddSub("m");
    const auto refused = [&](std::vector<std::string> flags) {
        flags.insert(flags.begin(), {"--model-repository", models.path(), "--grpc-port", "0", "--http-port", "0", "--metrics-port", "0",
                                     "--cpu-only", "--ready-file", "/dev/null/nonexistent/ready"}); // it would not stay up
        return runServe(flags);
    };
    const auto cache = refused({"--cache-config", "redis,host=x"});
    EXPECT_EQ(cache.exitStatus, exitStatus(ErrorCode::BadInput));
    EXPECT_THAT(cache.err, HasSubstr("--cache-config=redis,host=x: it has the form local,size=BYTES"));
    for (const char* resource : {"R", ":3", "R:x", "R:1:GPU0", "R:1:"})
        EXPECT_THAT(refused({"--rate-limit", "execution_count", "--rate-limit-resource", resource}).err,
                    HasSubstr("it has the form NAME:COUNT"))
            << resource;
    EXPECT_EQ(refused({"--rate-limit", "sometimes"}).exitStatus, 64);
    EXPECT_THAT(refused({"--rate-limit", "execution_count", "--rate-limit-resource", "R:4:global"}).err,
                HasSubstr("cannot write /dev/null"));
}

} // namespace
} // namespace gantry::inference_server
