#include "remote_server/load/request_stream.h"

#include "remote_server/load/load_generator.h"
#include "remote_server/load/perf_analyzer_files.h"
#include "tests/remote_server/load/scripted_server.h"
#include "tests/support/collecting_sink.h"
#include "trace_model/import/perf_analyzer_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace gantry::load {
namespace {

using test::ScriptedServer;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
namespace wire = ::inference;

/// A decoupled model, asked for ten requests one after the other.
class RequestStreamTest : public testing::Test
{
protected:
    using Context = grpc::ServerContext;
    using Request = wire::ModelInferRequest;
    using Stream = ScriptedServer::Stream;

    RequestStreamTest()
    {
        m_server.maxBatch = 0;
        m_server.isDecoupled = true;
        m_server.onInfer = [](std::uint64_t, Context&, const Request&) {
            return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "ModelInfer RPC doesn't support models with decoupled transaction policy");
        };
        m_options = m_server.options();
        m_options.concurrency = 1;
        m_options.count = 10;
    }

    LoadResult run()
    {
        auto result = runLoad(m_options, {});
        EXPECT_TRUE(result) << result.error().text();
        return result ? *result : LoadResult();
    }

    ScriptedServer m_server;
    LoadOptions m_options;
};

TEST_F(RequestStreamTest, ADecoupledModelIsAskedByOneStreamAWorker)
{
    std::atomic<int> wanted{0};
    m_server.onStreamed = [&](std::uint64_t, Context&, const Request& request, Stream& stream) {
        wanted += request.parameters().at("triton_enable_empty_final_response").bool_param() ? 1 : 0;
        for (int i = 0; i < 3; ++i)
            ScriptedServer::respond(stream, request.id(), i == 2);
        return grpc::Status::OK;
    };
    m_options.concurrency = 2;
    const LoadResult result = run();
    EXPECT_EQ(result.ok, 10u);
    EXPECT_THAT(result.errors, IsEmpty());
    EXPECT_EQ(wanted, 10) << "else a model without any response would never be done";
    EXPECT_LE(m_server.streams, 2u);
    ASSERT_TRUE(result.stream);
    EXPECT_EQ(result.stream->responses, 30u);
    EXPECT_NEAR(result.stream->responsesPerSecond * result.seconds, 30, 1e-6);
    ASSERT_TRUE(result.stream->first && result.stream->between);
    EXPECT_EQ(result.stream->first->count, 10u);
    EXPECT_EQ(result.stream->between->count, 20u);
    EXPECT_LE(result.stream->first->max, result.max);
}

TEST_F(RequestStreamTest, AnEmptyLastResponseEndsTheRequestAndIsNoResponse)
{
    m_server.onStreamed = [](std::uint64_t number, Context&, const Request& request, Stream& stream) {
        if (number > 0)
            ScriptedServer::respond(stream, request.id(), false);
        std::this_thread::sleep_for(std::chrono::milliseconds(20)); // what the model takes
        ScriptedServer::respond(stream, request.id(), true, true);
        return grpc::Status::OK;
    };
    const LoadResult result = run();
    EXPECT_EQ(result.ok, 10u);
    ASSERT_TRUE(result.stream);
    EXPECT_EQ(result.stream->responses, 9u);
    ASSERT_TRUE(result.stream->first);
    EXPECT_EQ(result.stream->first->count, 9u) << "the first request had none";
    EXPECT_FALSE(result.stream->between);
    EXPECT_GE(result.p50, 20'000'000) << "to the last response";
}

TEST_F(RequestStreamTest, ARequestThatTheServerRefusesIsCountedByReason)
{
    m_server.onStreamed = [](std::uint64_t number, Context&, const Request& request, Stream& stream) {
        if (number % 2 == 0) {
            ScriptedServer::respond(stream, request.id(), true);
            return grpc::Status::OK;
        }
        wire::ModelStreamInferResponse response;
        response.mutable_infer_response()->set_id(request.id());
        response.set_error_message("[request id: " + request.id() + "] no block of the cache is free");
        stream.Write(response);
        ScriptedServer::respond(stream, request.id(), true, true); // of the request that failed, and none of the next one
        return grpc::Status::OK;
    };
    const LoadResult result = run();
    EXPECT_EQ(result.ok, 5u);
    EXPECT_THAT(result.errors, ElementsAre(Pair("no block of the cache is free", 5u)));
}

TEST_F(RequestStreamTest, AStreamThatIsCutFailsItsRequestAndTheNextOneHasAnother)
{
    m_server.onStreamed = [](std::uint64_t number, Context&, const Request& request, Stream& stream) {
        ScriptedServer::respond(stream, request.id(), number != 4);
        return number == 4 ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "going down") : grpc::Status::OK;
    };
    const LoadResult result = run();
    EXPECT_EQ(result.ok, 9u);
    EXPECT_THAT(result.errors, ElementsAre(Pair("the stream ended before the last response: going down", 1u)));
    EXPECT_EQ(m_server.streams, 2u);
}

TEST_F(RequestStreamTest, AnAnswerThatCannotBeTheRequestsFailsIt)
{
    m_server.onStreamed = [](std::uint64_t number, Context&, const Request& request, Stream& stream) {
        if (number < 5) {
            ScriptedServer::respond(stream, "another", true);
        } else {
            wire::ModelStreamInferResponse response;
            response.mutable_infer_response()->set_id(request.id());
            stream.Write(response);
        }
        return grpc::Status::OK;
    };
    const LoadResult result = run();
    EXPECT_EQ(result.ok, 0u);
    EXPECT_FALSE(result.stream);
    EXPECT_THAT(result.errors, ElementsAre(Pair("a response came with the id of another request", 5u),
                                           Pair("the server does not say which response is the last (its responses have no "
                                                "triton_final_response): it may be too old",
                                                5u)));
}

TEST_F(RequestStreamTest, AServerWithoutStreamsSaysSoForEachRequest)
{
    m_server.onStreamed = [](std::uint64_t, Context&, const Request&, Stream&) {
        return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "no streams here");
    };
    EXPECT_THAT(run().errors, ElementsAre(Pair("no streams here", 10u)));
}

TEST_F(RequestStreamTest, AStopEndsAStreamThatSaysNothingMore)
{
    std::stop_source stop;
    m_server.onStreamed = [&](std::uint64_t number, Context& context, const Request& request, Stream& stream) {
        ScriptedServer::respond(stream, request.id(), number < 3);
        if (number < 3)
            return grpc::Status::OK;
        stop.request_stop();
        while (!context.IsCancelled())
            std::this_thread::yield();
        return grpc::Status::CANCELLED;
    };
    const auto result = runLoad(m_options, stop.get_token());
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_TRUE(result->isPartial);
    EXPECT_EQ(result->sent, 3u) << "what was in flight counts as never sent";
    EXPECT_THAT(result->errors, IsEmpty());
}

TEST_F(RequestStreamTest, TheProfileHasTheTimeOfEachResponse)
{
    m_server.onStreamed = [](std::uint64_t, Context&, const Request& request, Stream& stream) {
        for (int i = 0; i < 4; ++i)
            ScriptedServer::respond(stream, request.id(), i == 3, i == 3);
        return grpc::Status::OK;
    };
    m_options.keepsRequests = true;
    m_options.count = 2;
    const LoadResult result = run();
    ASSERT_EQ(result.requests.size(), 2u);
    for (const RequestTimes& request : result.requests) {
        EXPECT_EQ(request.earlierUtcNs.size(), 3u);
        EXPECT_TRUE(std::is_sorted(request.earlierUtcNs.begin(), request.earlierUtcNs.end()));
        EXPECT_LE(request.earlierUtcNs.back(), request.doneUtcNs);
    }
    gantry::test::CollectingSink sink;
    const auto read = importing::parsePerfAnalyzerProfile(profileText({result}, m_options.models, "a", "1"), sink, {});
    ASSERT_TRUE(read) << read.error().text();
    ASSERT_EQ(sink.requests.size(), 2u);
    EXPECT_EQ(*sink.requests[0].end - *sink.requests[0].start, result.requests[0].doneUtcNs - result.requests[0].scheduledUtcNs);
}

TEST_F(RequestStreamTest, TheTableHasColumnsOfTheResponses)
{
    m_server.onStreamed = [](std::uint64_t, Context&, const Request& request, Stream& stream) {
        ScriptedServer::respond(stream, request.id(), true);
        return grpc::Status::OK;
    };
    const std::string csv = csvText({run()});
    const std::string heading = csv.substr(0, csv.find('\n')), row = csv.substr(csv.find('\n') + 1);
    EXPECT_THAT(heading, testing::StartsWith("Concurrency,Inferences/Second,Response Throughput,Client Send,"));
    EXPECT_THAT(heading, testing::EndsWith(",Avg latency,Avg first response latency,p50 first response latency,p90 first response latency,"
                                           "p95 first response latency,p99 first response latency,Avg inter response latency,p50 inter "
                                           "response latency,p90 inter response latency,p95 inter response latency,p99 inter response "
                                           "latency"));
    EXPECT_EQ(std::count(row.begin(), row.end(), ','), std::count(heading.begin(), heading.end(), ','));
    EXPECT_THAT(row, testing::EndsWith(",,,,,\n")) << "one response has no other to be away from";
}

/// The whole numbers of an input of the last request.
std::vector<std::int32_t> numbersOf(const wire::ModelInferRequest& request, int input)
{
    const std::string& raw = request.raw_input_contents(input);
    std::vector<std::int32_t> numbers(raw.size() / sizeof(std::int32_t));
    std::copy_n(raw.data(), raw.size(), reinterpret_cast<char*>(numbers.data()));
    return numbers;
}

TEST_F(RequestStreamTest, MadeUpTokensAreOfTheVocabularyAndTheirNumberIsAsAskedFor)
{
    m_server.addInput("INPUT_IDS", "INT32", {-1});
    m_server.addInput("MAX_TOKENS", "INT32", {1});
    m_server.addInput("TOP_K", "INT32", {1});
    m_server.parameters = {{"vocabulary", "7"}};
    wire::ModelInferRequest seen;
    m_server.onStreamed = [&](std::uint64_t, Context&, const Request& request, Stream& stream) {
        seen = request;
        ScriptedServer::respond(stream, request.id(), true);
        return grpc::Status::OK;
    };
    m_options.count = 1;
    m_options.input.sequenceLength = 500;
    m_options.input.outputTokens = 12;
    run();
    const auto inRange = [&](std::int32_t low, std::int32_t high) {
        const auto ids = numbersOf(seen, 0);
        const auto [least, most] = std::minmax_element(ids.begin(), ids.end());
        return ids.size() == 500 && *least == low && *most == high;
    };
    EXPECT_TRUE(inRange(0, 6));
    EXPECT_THAT(numbersOf(seen, 1), ElementsAre(12));

    m_options.input.ranges = {{"", {-2, 3}}, {"TOP_K", {40, 40}}};
    run();
    EXPECT_TRUE(inRange(-2, 3)) << "what is asked for goes before what the configuration tells";
    EXPECT_THAT(numbersOf(seen, 1), ElementsAre(12));
    EXPECT_THAT(numbersOf(seen, 2), ElementsAre(40));

    m_options.input.isZero = true;
    m_options.input.ranges.clear();
    run();
    EXPECT_TRUE(inRange(0, 0));
    EXPECT_THAT(numbersOf(seen, 1), ElementsAre(12)) << "no token at all is nothing to make";

    m_options.input.ranges = {{"TOP", {1, 1}}};
    EXPECT_THAT(runLoad(m_options, {}).error().text(), testing::HasSubstr("a range names an input 'TOP', and there is none"));
}

} // namespace
} // namespace gantry::load
