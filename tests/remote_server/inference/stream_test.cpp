#include "tests/remote_server/inference/serving_fixture.h"
#include "tests/support/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <set>

namespace gantry::inference_server {
namespace {

namespace wire = ::inference;

class Stream : public testing::Test
{
protected:
    Stream()
    {
        m_context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
        m_repository.addAddSub("m", "dynamic_batching { }");
        m_repository.addAddSub("patient", "dynamic_batching { max_queue_delay_microseconds: 100000 }");
        m_repository.add("repeat", R"(
            backend: "identity"
            input { name: "INPUT0" data_type: TYPE_INT32 dims: 1 }
            output { name: "OUTPUT0" data_type: TYPE_INT32 dims: 1 }
            model_transaction_policy { decoupled: true }
            parameters { key: "responses" value { string_value: "3" } })");
        m_server = std::make_unique<TestServer>(m_repository);
    }

    static wire::ModelInferRequest repeatRequest(bool wantsEmptyFinal)
    {
        wire::ModelInferRequest request;
        request.set_model_name("repeat");
        request.set_id("r");
        auto* input = request.add_inputs();
        input->set_name("INPUT0");
        input->set_datatype("INT32");
        input->add_shape(1);
        request.add_raw_input_contents(std::string("\7\0\0\0", 4));
        if (wantsEmptyFinal)
            (*request.mutable_parameters())["triton_enable_empty_final_response"].set_bool_param(true);
        return request;
    }

    TestRepository m_repository;
    std::unique_ptr<TestServer> m_server;
    grpc::ClientContext m_context;
};

TEST_F(Stream, AnswersEveryRequestOnce)
{
    const auto stream = m_server->stub().ModelStreamInfer(&m_context);
    constexpr int kCount = 600;
    auto reader = std::async(std::launch::async, [&] {
        std::set<std::string> ids;
        wire::ModelStreamInferResponse response;
        while (stream->Read(&response)) {
            EXPECT_EQ(response.error_message(), "");
            const int number = std::stoi(response.infer_response().id());
            EXPECT_THAT(int32Output(response.infer_response(), 0), testing::Each(number + 1));
            EXPECT_TRUE(ids.insert(response.infer_response().id()).second);
        }
        return ids.size();
    });
    for (int i = 0; i < kCount; ++i) {
        wire::ModelInferRequest request = addSubRequest("m", i, 1);
        request.set_id(std::to_string(i));
        EXPECT_TRUE(stream->Write(request));
    }
    stream->WritesDone();
    EXPECT_EQ(reader.get(), static_cast<std::size_t>(kCount));
    EXPECT_TRUE(stream->Finish().ok());
    EXPECT_EQ(m_server->statistics("m").inference_count(), static_cast<std::uint64_t>(kCount));
}

// The id was missing in answers with an error: a client with several requests under way could not tell which one had failed.
TEST_F(Stream, AnswersABadRequestWithAnErrorThatNamesItAndGoesOn)
{
    const auto stream = m_server->stub().ModelStreamInfer(&m_context);
    wire::ModelStreamInferResponse response;
    ASSERT_TRUE(stream->Write(addSubRequest("nope")));
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.error_message(), "Request for unknown model: 'nope' is not found");
    EXPECT_EQ(response.infer_response().id(), "from-the-test");

    wire::ModelInferRequest wrong = addSubRequest("m");
    wrong.mutable_inputs(0)->set_shape(1, 5);
    ASSERT_TRUE(stream->Write(wrong));
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_THAT(response.error_message(), testing::HasSubstr("unexpected shape"));
    EXPECT_EQ(response.infer_response().id(), "from-the-test");

    ASSERT_TRUE(stream->Write(addSubRequest("m")));
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.error_message(), "");
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(Stream, AnswersWhatIsUnderWayAfterTheLastWrite)
{
    const auto stream = m_server->stub().ModelStreamInfer(&m_context);
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(stream->Write(addSubRequest("patient")));
    stream->WritesDone();
    int answers = 0;
    for (wire::ModelStreamInferResponse response; stream->Read(&response);)
        ++answers;
    EXPECT_EQ(answers, 3);
    EXPECT_TRUE(stream->Finish().ok());
}

// The server kept them all: a client that read none of them filled its memory.
TEST_F(Stream, ARequestWhoseResponsesAreNotReadIsCancelledAndCounted)
{
    constexpr int kResponses = 400;
    m_repository.add("flood", R"(
        backend: "identity"
        input { name: "INPUT0" data_type: TYPE_INT32 dims: -1 }
        output { name: "OUTPUT0" data_type: TYPE_INT32 dims: -1 }
        model_transaction_policy { decoupled: true }
        parameters { key: "responses" value { string_value: ")" +
                                  std::to_string(kResponses) + R"(" } })");
    m_server = std::make_unique<TestServer>(m_repository);
    wire::ModelInferRequest request = repeatRequest(false);
    request.set_model_name("flood");
    request.mutable_inputs(0)->set_shape(0, 1 << 18);
    request.set_raw_input_contents(0, std::string(1 << 20, '\1')); // 400 MiB come back
    const auto stream = m_server->stub().ModelStreamInfer(&m_context);
    ASSERT_TRUE(stream->Write(request));
    const auto values = [&] { return m_server->inference().find("flood", {})->statistics().values(); };
    ASSERT_TRUE(test::eventually([&] { return values().failed + values().success == 1; }));
    EXPECT_EQ(values().failedBy[static_cast<std::size_t>(FailureReason::Cancelled)], 1u);

    stream->WritesDone();
    int responses = 0;
    wire::ModelStreamInferResponse response;
    for (; stream->Read(&response) && response.error_message().empty(); ++responses)
        EXPECT_EQ(response.infer_response().raw_output_contents(0).size(), 1u << 20);
    EXPECT_GT(responses, 32);
    EXPECT_LT(responses, 100) << "64 MiB, and what fits between the two";
    EXPECT_EQ(response.error_message(), "the request was cancelled: its responses were made faster than the client read them");
    EXPECT_EQ(response.infer_response().id(), "r");
    EXPECT_FALSE(stream->Read(&response));
    EXPECT_TRUE(stream->Finish().ok());
    const auto stats = m_server->statistics("flood").response_stats();
    EXPECT_EQ(stats.at("0").success().count(), 1u);
    EXPECT_EQ(stats.at("0").cancel().count(), 0u);
    EXPECT_EQ(stats.at(std::to_string(stats.size() - 1)).cancel().count(), 1u) << "the place of the one that was not made";
    EXPECT_GE(stats.size(), static_cast<std::size_t>(responses)) << "those that were sent, and what was made while it was found out";
}

TEST_F(Stream, TheStatisticsTellTheResponsesApartByTheirPlace)
{
    const auto stream = m_server->stub().ModelStreamInfer(&m_context);
    wire::ModelStreamInferResponse response;
    for (int i = 0; i < 2; ++i)
        ASSERT_TRUE(stream->Write(repeatRequest(false)));
    stream->WritesDone();
    while (stream->Read(&response))
        EXPECT_EQ(response.error_message(), "");
    EXPECT_TRUE(stream->Finish().ok());
    const auto stats = m_server->statistics("repeat").response_stats();
    ASSERT_EQ(stats.size(), 3u);
    for (const char* place : {"0", "1", "2"}) {
        const auto& of = stats.at(place);
        EXPECT_EQ(of.success().count(), 2u) << place;
        EXPECT_EQ(of.compute_infer().count(), 2u);
        EXPECT_EQ(of.compute_infer().ns() + of.compute_output().ns(), of.success().ns());
        EXPECT_EQ(of.fail().count() + of.empty_response().count() + of.cancel().count(), 0u);
    }
    wire::ModelInferResponse answer;
    ASSERT_TRUE(infer(m_server->stub(), addSubRequest("m"), answer).ok());
    EXPECT_TRUE(m_server->statistics("m").response_stats().empty()) << "it answers once";
}

// The last response was sent first and the request counted then: a client that asked at once did not find it.
TEST_F(Stream, WhoHasTheLastResponseFindsTheRequestInTheStatistics)
{
    const auto stream = m_server->stub().ModelStreamInfer(&m_context);
    const auto values = [&] { return m_server->inference().find("repeat", {})->statistics().values(); };
    for (std::uint64_t request = 1; request <= 50; ++request) {
        ASSERT_TRUE(stream->Write(repeatRequest(false)));
        for (wire::ModelStreamInferResponse response; !response.infer_response().parameters().contains("triton_final_response") ||
                                                      !response.infer_response().parameters().at("triton_final_response").bool_param();)
            ASSERT_TRUE(stream->Read(&response));
        ASSERT_EQ(values().success, request);
        ASSERT_EQ(values().responses.back().sent.count, request);
        ASSERT_EQ(values().executions, request);
    }
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
}

// The server read on and kept the answers: a client that never read them filled its memory.
TEST_F(Stream, AClientThatDoesNotReadIsNotReadFrom)
{
    // 64 KiB in each direction: what fits between the two in flow control is few of them.
    constexpr std::int32_t kElements = 8192;
    constexpr int kCount = 1200, kMostUnread = 512;
    m_repository.add("large", R"(
        backend: "add_sub"
        max_batch_size: 8
        input [ { name: "INPUT0" data_type: TYPE_INT32 dims: 8192 }, { name: "INPUT1" data_type: TYPE_INT32 dims: 8192 } ]
        output [ { name: "OUTPUT0" data_type: TYPE_INT32 dims: 8192 }, { name: "OUTPUT1" data_type: TYPE_INT32 dims: 8192 } ])");
    m_server = std::make_unique<TestServer>(m_repository);
    wire::ModelInferRequest request = addSubRequest("large");
    for (int i = 0; i < 2; ++i) {
        request.mutable_inputs(i)->set_shape(1, kElements);
        request.set_raw_input_contents(i, std::string(kElements * sizeof(std::int32_t), '\1'));
    }
    const auto stream = m_server->stub().ModelStreamInfer(&m_context);
    auto writer = std::async(std::launch::async, [&] {
        for (int i = 0; i < kCount && stream->Write(request); ++i) {
        }
        stream->WritesDone();
    });
    const auto inferences = [&] { return m_server->inference().find("large", {})->statistics().values().inferences; };
    while (inferences() < 200 && writer.wait_for(std::chrono::milliseconds(1)) == std::future_status::timeout) {
    }
    // Time for as many again, were they read.
    wire::ModelInferResponse other;
    for (int i = 0; i < 2 * kCount; ++i)
        ASSERT_TRUE(infer(m_server->stub(), addSubRequest("m"), other).ok());
    EXPECT_LE(inferences(), kMostUnread);

    int answers = 0;
    for (wire::ModelStreamInferResponse response; stream->Read(&response); ++answers)
        EXPECT_EQ(response.error_message(), "");
    EXPECT_EQ(answers, kCount) << "once it reads, all are served";
    EXPECT_TRUE(stream->Finish().ok());
}

// The number of responses is the model's; the last one says so, or an empty one behind it when the client asked for that.
TEST_F(Stream, ADecoupledModelAnswersARequestSeveralTimes)
{
    for (const bool wantsEmptyFinal : {false, true}) {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
        const auto stream = m_server->stub().ModelStreamInfer(&context);
        ASSERT_TRUE(stream->Write(repeatRequest(wantsEmptyFinal)));
        stream->WritesDone();
        int filled = 0, empty = 0;
        bool isFinal = false;
        for (wire::ModelStreamInferResponse response; stream->Read(&response);) {
            EXPECT_EQ(response.error_message(), "");
            EXPECT_EQ(response.infer_response().id(), "r");
            EXPECT_FALSE(isFinal) << "one is the last";
            isFinal = response.infer_response().parameters().at("triton_final_response").bool_param();
            ++(response.infer_response().outputs().empty() ? empty : filled);
            if (!response.infer_response().outputs().empty()) {
                EXPECT_THAT(int32Output(response.infer_response(), 0), testing::ElementsAre(7));
            }
        }
        EXPECT_EQ(filled, 3);
        EXPECT_LE(empty, wantsEmptyFinal ? 1 : 0);
        EXPECT_TRUE(isFinal || !wantsEmptyFinal);
        EXPECT_TRUE(stream->Finish().ok());
    }
    grpc::ClientContext context;
    wire::ModelInferResponse response;
    const grpc::Status status = m_server->stub().ModelInfer(&context, repeatRequest(false), &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
    EXPECT_EQ(status.error_message(), "ModelInfer RPC doesn't support models with decoupled transaction policy");
}

TEST_F(Stream, WithoutRequestsEndsWell)
{
    const auto stream = m_server->stub().ModelStreamInfer(&m_context);
    stream->WritesDone();
    wire::ModelStreamInferResponse response;
    EXPECT_FALSE(stream->Read(&response));
    EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(Stream, AClientThatGoesAwayLeavesTheServerWell)
{
    {
        const auto stream = m_server->stub().ModelStreamInfer(&m_context);
        for (int i = 0; i < 3; ++i)
            ASSERT_TRUE(stream->Write(addSubRequest("patient")));
        m_context.TryCancel();
        EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
    }
    wire::ModelInferResponse response;
    EXPECT_TRUE(infer(m_server->stub(), addSubRequest("patient"), response).ok());
}

TEST_F(Stream, ACancelledRequestOrStreamTakesWhatIsQueuedWithIt)
{
    m_repository.addAddSub("waiting", "dynamic_batching { max_queue_delay_microseconds: 60000000 preferred_batch_size: 8 }");
    m_server = std::make_unique<TestServer>(m_repository);
    const auto values = [&] { return m_server->inference().find("waiting", {})->statistics().values(); };
    const auto cancelled = [&] { return values().failedBy[static_cast<std::size_t>(FailureReason::Cancelled)]; };
    grpc::ClientContext unary;
    auto answer = std::async(std::launch::async, [&] {
        wire::ModelInferResponse response;
        return m_server->stub().ModelInfer(&unary, addSubRequest("waiting"), &response).error_code();
    });
    ASSERT_TRUE(test::eventually([&] { return values().pending == 1; }));
    unary.TryCancel();
    EXPECT_EQ(answer.get(), grpc::StatusCode::CANCELLED);
    EXPECT_TRUE(test::eventually([&] { return cancelled() == 1; })) << "it would have waited for a minute";

    grpc::ClientContext context;
    const auto stream = m_server->stub().ModelStreamInfer(&context);
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(stream->Write(addSubRequest("waiting")));
    ASSERT_TRUE(test::eventually([&] { return values().pending == 3; }));
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
    EXPECT_TRUE(test::eventually([&] { return cancelled() == 4; }));
    EXPECT_EQ(values().inferences, 0u);
}

} // namespace
} // namespace gantry::inference_server
