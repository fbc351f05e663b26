#include "tests/remote_server/inference/serving_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace gantry::inference_server {
namespace {

namespace wire = ::inference;
using testing::HasSubstr;

void send(TestServer& server, const std::string& model, int count)
{
    wire::ModelInferResponse response;
    for (int i = 0; i < count; ++i)
        ASSERT_TRUE(infer(server.stub(), addSubRequest(model), response).ok());
}

TEST(ModelStatistics, ChargesABatchsComputeTimesToEveryRequestOfIt)
{
    ModelStatistics statistics;
    const RequestTimes times{
        .start = 100, .queueStart = 110, .computeStart = 150, .inputEnd = 160, .outputStart = 190, .computeEnd = 195, .end = 200};
    for (int i = 0; i < 3; ++i)
        statistics.enqueued();
    EXPECT_EQ(statistics.values().pending, 3u);
    statistics.dequeued(2);
    statistics.executed(2, times);
    statistics.succeeded(times);
    statistics.succeeded(times);
    statistics.failed(70);
    const auto values = statistics.values();
    EXPECT_EQ(values.pending, 1u);
    EXPECT_EQ(values.success, 2u);
    EXPECT_EQ(values.inferences, 2u);
    EXPECT_EQ(values.executions, 1u);
    EXPECT_EQ(values.requestNs, 200u);
    EXPECT_EQ(values.queueNs, 80u);
    EXPECT_EQ(values.inputNs, 20u);
    EXPECT_EQ(values.inferNs, 60u);
    EXPECT_EQ(values.outputNs, 10u);
    EXPECT_EQ(values.failed, 1u);
    EXPECT_EQ(values.failedNs, 70u);
    ASSERT_EQ(values.batches.size(), 1u);
    EXPECT_EQ(values.batches.at(2), (std::array<std::uint64_t, 4>{1, 10, 30, 5})) << "of the execution, once";
}

TEST(ModelStatistics, CountsEachRequestInTheFirstBucketThatItsLatencyFitsInto)
{
    ModelStatistics statistics;
    for (const std::int64_t latencyNs : {0LL, 100'000LL, 100'001LL, 5'000'000LL, 10'000'000'000LL, 10'000'000'001LL})
        statistics.succeeded({.end = latencyNs});
    const auto values = statistics.values();
    std::map<std::size_t, std::uint64_t> filled;
    for (std::size_t bucket = 0; bucket < values.latencies.size(); ++bucket)
        if (values.latencies[bucket] > 0)
            filled[bucket] = values.latencies[bucket];
    EXPECT_EQ(filled, (std::map<std::size_t, std::uint64_t>{{0, 2}, {1, 1}, {34, 1}, {100, 1}, {101, 1}}));
    EXPECT_LT(ModelStatistics::latencyBoundMs(33), 5.0);
    EXPECT_GE(ModelStatistics::latencyBoundMs(34), 5.0);
}

TEST(ModelStatistics, CountsResponsesByTheirPlaceUpToABound)
{
    ModelStatistics statistics;
    statistics.responded(0, 100, 130, 135, ResponseOutcome::Sent);
    statistics.responded(1, 135, 150, 151, ResponseOutcome::Empty);
    statistics.responded(1, 135, 155, 155, ResponseOutcome::Failed);
    statistics.responded(ModelStatistics::kMostResponses, 1, 2, 3, ResponseOutcome::Sent);
    const auto values = statistics.values();
    ASSERT_EQ(values.responses.size(), 2u);
    EXPECT_EQ(values.responses[0].infer.ns, 30u);
    EXPECT_EQ(values.responses[0].output.ns, 5u);
    EXPECT_EQ(values.responses[0].sent.ns, 35u);
    EXPECT_EQ(values.responses[1].sent.count, 0u);
    EXPECT_EQ(values.responses[1].empty.ns, 16u);
    EXPECT_EQ(values.responses[1].failed.ns, 20u);
    EXPECT_EQ(values.responsesBeyond, 1u);
}

TEST(ModelStatistics, AHitOfTheCacheIsASuccessWithoutAnInference)
{
    ModelStatistics statistics;
    statistics.answeredByCache({.start = 100, .queueStart = 110, .end = 150, .lookupStart = 115, .lookupEnd = 145});
    auto values = statistics.values();
    EXPECT_EQ(values.success, 1u);
    EXPECT_EQ(values.inferences, 0u);
    EXPECT_EQ(values.requestNs, 50u);
    EXPECT_EQ(values.queueNs, 5u) << "until the lookup";
    EXPECT_EQ(values.cacheHits, 1u);
    EXPECT_EQ(values.hitLookupNs, 30u);
    EXPECT_EQ(values.cacheMisses, 0u);

    statistics.succeeded({.end = 1, .lookupStart = 10, .lookupEnd = 14, .insertStart = 20, .insertEnd = 27}, 3);
    values = statistics.values();
    EXPECT_EQ(values.inferences, 3u);
    EXPECT_EQ(values.cacheMisses, 1u);
    EXPECT_EQ(values.missLookupNs, 4u);
    EXPECT_EQ(values.missInsertNs, 7u);
}

TEST(ModelStatistics, CountsFailuresByReason)
{
    ModelStatistics statistics;
    statistics.failed(1, FailureReason::Rejected);
    statistics.failed(1, FailureReason::Backend);
    statistics.failed(1, FailureReason::Rejected);
    EXPECT_EQ(statistics.values().failed, 3u);
    EXPECT_EQ(statistics.values().failedBy, (std::array<std::uint64_t, kFailureReasons>{0, 1, 0, 2}));
    EXPECT_EQ(name(FailureReason::Cancelled), "CANCELED") << "as Triton spells it";
}

TEST(ModelStatistics, DoesNotCountTimeBackwards)
{
    ModelStatistics statistics;
    statistics.succeeded({.start = 100, .queueStart = 90, .computeStart = 80, .end = 70});
    EXPECT_EQ(statistics.values().requestNs, 0u);
    EXPECT_EQ(statistics.values().queueNs, 0u);
}

TEST(Statistics, PhasesOfARequestAddUpToNoMoreThanItsDuration)
{
    TestRepository models;
    models.addAddSub("m");
    TestServer server(models);
    send(server, "m", 3);
    const auto stats = server.statistics("m");
    EXPECT_EQ(stats.name(), "m");
    EXPECT_EQ(stats.version(), "1");
    EXPECT_EQ(stats.inference_count(), 3u);
    EXPECT_EQ(stats.execution_count(), 3u);
    EXPECT_GT(stats.last_inference(), 1'600'000'000'000u) << "milliseconds since 1970";
    const auto& s = stats.inference_stats();
    for (const auto* phase : {&s.success(), &s.queue(), &s.compute_input(), &s.compute_infer(), &s.compute_output()})
        EXPECT_EQ(phase->count(), 3u);
    EXPECT_EQ(s.fail().count(), 0u);
    EXPECT_EQ(s.cache_hit().count(), 0u);
    EXPECT_GT(s.success().ns(), 0u);
    EXPECT_LE(s.queue().ns() + s.compute_input().ns() + s.compute_infer().ns() + s.compute_output().ns(), s.success().ns());
}

TEST(Statistics, RequestsThatComeTogetherExecuteTogether)
{
    TestRepository models;
    models.addAddSub("m", "dynamic_batching { preferred_batch_size: 8 max_queue_delay_microseconds: 60000000 }");
    TestServer server(models);
    for (const grpc::Status& status : inferAtOnce(server.stub(), std::vector(16, addSubRequest("m"))))
        EXPECT_TRUE(status.ok()) << status.error_message();
    const auto stats = server.statistics("m");
    EXPECT_EQ(stats.inference_count(), 16u);
    EXPECT_EQ(stats.execution_count(), 2u);
    ASSERT_EQ(stats.batch_stats_size(), 1);
    EXPECT_EQ(stats.batch_stats(0).batch_size(), 8u);
    EXPECT_EQ(stats.batch_stats(0).compute_infer().count(), 2u);
}

TEST(Statistics, ARefusedRequestIsAFailureWithoutAnInference)
{
    TestRepository models;
    models.addAddSub("m");
    TestServer server(models);
    wire::ModelInferRequest bad = addSubRequest("m");
    bad.mutable_inputs(0)->set_datatype("FP32");
    wire::ModelInferResponse response;
    EXPECT_FALSE(infer(server.stub(), bad, response).ok());
    EXPECT_EQ(server.statistics("m").inference_stats().fail().count(), 1u);
    EXPECT_EQ(server.statistics("m").inference_count(), 0u);
}

TEST(Statistics, AreOfAllModelsWhenNoneIsNamedAndOfNoUnknownOne)
{
    TestRepository models;
    models.addAddSub("a");
    models.addAddSub("b");
    models.add("broken", "");
    TestServer server(models);
    grpc::ClientContext all, unknown;
    wire::ModelStatisticsResponse response;
    ASSERT_TRUE(server.stub().ModelStatistics(&all, {}, &response).ok());
    ASSERT_EQ(response.model_stats_size(), 2);
    EXPECT_EQ(response.model_stats(1).name(), "b");
    wire::ModelStatisticsRequest request;
    request.set_name("x");
    const grpc::Status status = server.stub().ModelStatistics(&unknown, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(status.error_message(), "requested model 'x' is not available");
}

TEST(Statistics, AFullQueueIsUnavailableAndCountedAsFailure)
{
    TestRepository models;
    // Nine requests for a queue of one that waits for company: the first stays, the others are too many unless half a second passes.
    models.addAddSub("m", "dynamic_batching { max_queue_delay_microseconds: 500000 default_queue_policy { max_queue_size: 1 } }");
    TestServer server(models);
    const auto statuses = inferAtOnce(server.stub(), std::vector(9, addSubRequest("m")));
    const auto rejected = std::count_if(statuses.begin(), statuses.end(), [](const grpc::Status& status) {
        return status.error_code() == grpc::StatusCode::UNAVAILABLE && status.error_message() == "Exceeds maximum queue size";
    });
    const auto served = std::count_if(statuses.begin(), statuses.end(), [](const grpc::Status& status) { return status.ok(); });
    EXPECT_GT(rejected, 0);
    EXPECT_GT(served, 0);
    EXPECT_EQ(rejected + served, 9);
    EXPECT_EQ(server.statistics("m").inference_stats().fail().count(), static_cast<std::uint64_t>(rejected));
    EXPECT_THAT(server.calls().metricsText(), HasSubstr("nv_inference_request_failure{model=\"m\",reason=\"REJECTED\",version=\"1\"} " +
                                                        std::to_string(rejected) + "\n"));
}

TEST(Metrics, SayHowLongAModelTookToLoad)
{
    TestRepository repository;
    repository.add("slow", R"(
        backend: "identity"
        max_batch_size: 1
        input { name: "INPUT0" data_type: TYPE_INT32 dims: 4 }
        output { name: "OUTPUT0" data_type: TYPE_INT32 dims: 4 }
        model_warmup { name: "w" batch_size: 1 inputs { key: "INPUT0" value { data_type: TYPE_INT32 dims: 4 zero_data: true } } }
        parameters { key: "execute_delay_ms" value { string_value: "20" } })");
    TestServer server(repository);
    const std::string text = server.calls().metricsText(), line = "\nnv_model_load_duration_secs{model=\"slow\",version=\"1\"} ";
    ASSERT_THAT(text, HasSubstr(line));
    EXPECT_GE(std::stod(text.substr(text.find(line) + line.size())), 0.02) << "with the warm-up";
}

TEST(Metrics, HaveTritonsNamesAndTheNumbersOfTheStatistics)
{
    TestRepository models;
    models.addAddSub("a");
    models.addAddSub("b");
    models.add("broken", "");
    TestServer server(models);
    send(server, "b", 5);
    const std::string text = server.calls().metricsText();
    for (const char* name : {"nv_inference_request_success", "nv_inference_count", "nv_inference_exec_count",
                             "nv_inference_request_duration_us", "nv_inference_queue_duration_us", "nv_inference_compute_input_duration_us",
                             "nv_inference_compute_infer_duration_us", "nv_inference_compute_output_duration_us"})
        EXPECT_THAT(text, HasSubstr(std::string("# TYPE ") + name + " counter\n" + name + "{model=\"a\",version=\"1\"} 0\n" + name +
                                    "{model=\"b\",version=\"1\"} "));
    EXPECT_THAT(text, HasSubstr("# TYPE nv_inference_pending_request_count gauge\n"));
    EXPECT_THAT(text, HasSubstr("nv_inference_request_success{model=\"b\",version=\"1\"} 5\n"));
    EXPECT_THAT(text, HasSubstr("nv_inference_count{model=\"b\",version=\"1\"} 5\n"));
    EXPECT_THAT(text, HasSubstr("nv_inference_exec_count{model=\"b\",version=\"1\"} 5\n"));
    EXPECT_THAT(text, HasSubstr("nv_inference_pending_request_count{model=\"b\",version=\"1\"} 0\n"));
    const auto stats = server.statistics("b").inference_stats();
    EXPECT_THAT(text, HasSubstr("nv_inference_request_duration_us{model=\"b\",version=\"1\"} " +
                                std::to_string(stats.success().ns() / 1000) + "\n"));
    EXPECT_THAT(text, testing::Not(HasSubstr("broken")));
}

TEST(Metrics, NameTheReasonOfEachFailure)
{
    TestRepository models;
    models.addAddSub("m");
    TestServer server(models);
    const std::string text = server.calls().metricsText();
    for (const char* reason : {"OTHER", "BACKEND", "CANCELED", "REJECTED"})
        EXPECT_THAT(text, HasSubstr(std::string("nv_inference_request_failure{model=\"m\",reason=\"") + reason + "\",version=\"1\"} 0\n"));
    EXPECT_THAT(text, testing::Not(HasSubstr("nv_cache_"))) << "no model has a cache";
    EXPECT_THAT(text, testing::Not(HasSubstr("_summary_us"))) << "not asked for";
}

TEST(Metrics, HaveTheFamiliesOfAnOlderTritonWhenAskedTo)
{
    TestRepository models;
    models.addAddSub("m");
    ProtocolOptions options;
    options.metrics.oldNames = true;
    TestServer server(models, ModelControl::None, options);
    const std::string text = server.calls().metricsText();
    EXPECT_THAT(text, HasSubstr("nv_inference_request_failure{model=\"m\",version=\"1\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("nv_inference_queue_duration_us{model=\"m\",version=\"1\"} 0\n"));
    for (const char* later : {"reason=", "pending", "first_response"})
        EXPECT_THAT(text, testing::Not(HasSubstr(later)));
}

// Triton 22.07 had them.
TEST(Metrics, OfAnOlderTritonHaveTheResponseCacheToo)
{
    TestRepository models;
    models.addAddSub("cached", "response_cache { enable: true }");
    ProtocolOptions options;
    options.metrics.oldNames = true;
    TestServer server(models, ModelControl::None, options, 1 << 20);
    send(server, "cached", 3);
    const std::string text = server.calls().metricsText();
    for (const char* family : {"nv_cache_num_entries 1", "nv_cache_num_lookups 3", "nv_cache_num_hits 2", "nv_cache_num_misses 1",
                               "nv_cache_num_evictions 0", "nv_cache_lookup_duration ", "nv_cache_insertion_duration ", "nv_cache_util "})
        EXPECT_THAT(text, HasSubstr(std::string("\n") + family));
    EXPECT_THAT(text, testing::Not(HasSubstr("nv_pinned_memory_pool"))) << "no model is on a GPU";
}

TEST(Metrics, CountWhatTheResponseCacheAnswered)
{
    TestRepository models;
    models.addAddSub("cached", "response_cache { enable: true }");
    TestServer server(models, ModelControl::None, {}, 1 << 20);
    send(server, "cached", 3);
    const std::string text = server.calls().metricsText();
    EXPECT_THAT(text, HasSubstr("nv_cache_num_hits_per_model{model=\"cached\",version=\"1\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("nv_cache_num_misses_per_model{model=\"cached\",version=\"1\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("nv_inference_request_success{model=\"cached\",version=\"1\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("nv_inference_count{model=\"cached\",version=\"1\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("# TYPE nv_cache_num_entries gauge\nnv_cache_num_entries 1\n"));
    EXPECT_THAT(text, HasSubstr("\nnv_cache_num_lookups 3\n"));
    EXPECT_EQ(server.statistics("cached").inference_stats().cache_hit().count(), 2u);
}

TEST(Metrics, SummariesHaveTheCountsOfTheCountersAndQuantilesOfWhatWasLately)
{
    TestRepository models;
    models.addAddSub("busy");
    models.addAddSub("idle");
    ProtocolOptions options;
    options.metrics.summaryLatencies = true;
    options.metrics.quantiles = {0.5};
    TestServer server(models, ModelControl::None, options);
    send(server, "busy", 5);
    const std::string text = server.calls().metricsText();
    EXPECT_THAT(text, HasSubstr("# TYPE nv_inference_request_summary_us summary\n"));
    EXPECT_THAT(text, HasSubstr("nv_inference_queue_summary_us_count{model=\"busy\",version=\"1\"} 5\n"));
    EXPECT_THAT(text, HasSubstr("nv_inference_request_summary_us_sum{model=\"busy\",version=\"1\"} " +
                                std::to_string(server.statistics("busy").inference_stats().success().ns() / 1000) + "\n"));
    EXPECT_THAT(text, HasSubstr("nv_inference_request_summary_us{model=\"idle\",version=\"1\",quantile=\"0.5\"} NaN\n"));
    EXPECT_THAT(text, testing::Not(HasSubstr("nv_inference_request_summary_us{model=\"busy\",version=\"1\",quantile=\"0.5\"} NaN")));
}

} // namespace
} // namespace gantry::inference_server
