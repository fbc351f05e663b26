#include "tests/remote_server/inference/serving_fixture.h"
#include "tests/support/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <map>
#include <string>
#include <vector>

namespace gantry::inference_server {
namespace {

namespace wire = ::inference;
using testing::HasSubstr;

constexpr char kDecoupled[] = "model_transaction_policy { decoupled: true }";

std::string decoderConfig(const std::string& more, int maxRequests = 4, int positions = 512)
{
    std::string config = "backend: \"decoder\" instance_group { count: 1 kind: KIND_CPU } " + more;
    const std::map<std::string, int> parameters{
        {"layers", 2},      {"hidden", 16},           {"heads", 2},       {"ffn", 32},
        {"vocabulary", 60}, {"positions", positions}, {"kv_blocks", 128}, {"max_requests", maxRequests}};
    for (const auto& [name, value] : parameters)
        config += " parameters { key: \"" + name + "\" value { string_value: \"" + std::to_string(value) + "\" } }";
    return config;
}

wire::ModelInferRequest generate(const std::string& model, const std::vector<std::int32_t>& ids, std::int32_t maxTokens,
                                 const std::string& id = "g")
{
    wire::ModelInferRequest request;
    request.set_model_name(model);
    request.set_id(id);
    const auto add = [&](const char* name, const std::vector<std::int32_t>& values) {
        auto* input = request.add_inputs();
        input->set_name(name);
        input->set_datatype("INT32");
        input->add_shape(static_cast<std::int64_t>(values.size()));
        request.add_raw_input_contents(values.data(), values.size() * sizeof(std::int32_t));
    };
    add("INPUT_IDS", ids);
    add("MAX_TOKENS", {maxTokens});
    return request;
}

class InflightServing : public testing::Test
{
protected:
    void SetUp() override
    {
        m_repository.add("stream", decoderConfig(kDecoupled));
        m_repository.add("whole", decoderConfig({}));
        m_repository.add("narrow", decoderConfig(kDecoupled, 1, 2000));
        m_server = std::make_unique<TestServer>(m_repository);
    }

    /// The tokens of all requests of a stream, by their ids.
    std::map<std::string, std::vector<std::int32_t>> streamed(const std::vector<wire::ModelInferRequest>& requests)
    {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
        const auto stream = m_server->stub().ModelStreamInfer(&context);
        auto writer = std::async(std::launch::async, [&] {
            for (const auto& request : requests)
                stream->Write(request);
            stream->WritesDone();
        });
        std::map<std::string, std::vector<std::int32_t>> tokens;
        std::map<std::string, int> finals;
        for (wire::ModelStreamInferResponse response; stream->Read(&response);) {
            EXPECT_EQ(response.error_message(), "");
            const auto& answer = response.infer_response();
            EXPECT_EQ(finals[answer.id()], 0) << "nothing comes behind the final one";
            const auto ids = int32Output(answer, 0);
            EXPECT_EQ(ids.size(), 1u) << "a token a response";
            tokens[answer.id()].insert(tokens[answer.id()].end(), ids.begin(), ids.end());
            finals[answer.id()] += answer.parameters().at("triton_final_response").bool_param();
        }
        EXPECT_TRUE(stream->Finish().ok());
        for (const auto& [id, count] : finals)
            EXPECT_EQ(count, 1) << id;
        return tokens;
    }

    [[nodiscard]] ModelStatistics::Values values(const std::string& model) const
    {
        return m_server->inference().find(model, {})->statistics().values();
    }

    TestRepository m_repository;
    std::unique_ptr<TestServer> m_server;
};

TEST_F(InflightServing, StreamsEachTokenAndMakesTheSameOnesInCompany)
{
    std::vector<wire::ModelInferRequest> requests;
    std::map<std::string, std::vector<std::int32_t>> expected;
    for (std::int32_t i = 0; i < 12; ++i) { // three times as many as run at once
        const std::string id = std::to_string(i);
        requests.push_back(generate("stream", {i, 5, 2 * i, 7}, 20 + i, id));
        wire::ModelInferResponse response;
        ASSERT_TRUE(infer(m_server->stub(), generate("whole", {i, 5, 2 * i, 7}, 20 + i), response).ok());
        expected[id] = int32Output(response, 0);
        EXPECT_EQ(expected[id].size(), static_cast<std::size_t>(20 + i)) << "without decoupling all come at once";
    }
    EXPECT_EQ(streamed(requests), expected);

    const ModelStatistics::Values made = values("stream");
    EXPECT_EQ(made.success, 12u);
    EXPECT_EQ(made.inferences, 12u);
    EXPECT_EQ(made.pending, 0u);
    EXPECT_LT(made.firstResponseNs, made.requestNs) << "the first token comes before the last one";
    // Without a listener to the ranges the begin of the computation was never noted, and its time counted from that of the machine.
    EXPECT_GT(made.queueNs, 0u);
    EXPECT_GT(made.inputNs, 0u);
    EXPECT_LE(made.queueNs + made.inputNs + made.inferNs + made.outputNs, made.requestNs);
    std::uint64_t tokens = 0, iterations = 0;
    for (const auto& [size, batch] : made.batches) {
        EXPECT_LE(size, 4u);
        tokens += size * batch[0];
        iterations += batch[0];
    }
    EXPECT_EQ(tokens, 12u * 20 + 66) << "a member makes a token in each iteration";
    EXPECT_EQ(iterations, made.executions);
    EXPECT_EQ(values("whole").executions, 12u * 20 + 66) << "alone each iteration has one member";
}

TEST_F(InflightServing, ACancelledRequestLeavesItsPlaceToTheNext)
{
    grpc::ClientContext first;
    const auto gone = m_server->stub().ModelStreamInfer(&first);
    ASSERT_TRUE(gone->Write(generate("narrow", {1}, 1999)));
    wire::ModelStreamInferResponse response;
    ASSERT_TRUE(gone->Read(&response)) << "it runs";
    grpc::ClientContext second;
    const auto queued = m_server->stub().ModelStreamInfer(&second);
    ASSERT_TRUE(queued->Write(generate("narrow", {1, 2}, 1500)));
    first.TryCancel();
    EXPECT_EQ(gone->Finish().error_code(), grpc::StatusCode::CANCELLED);
    ASSERT_TRUE(queued->Read(&response)) << "there is room for one at a time";
    EXPECT_EQ(response.error_message(), "");
    second.TryCancel();
    EXPECT_EQ(queued->Finish().error_code(), grpc::StatusCode::CANCELLED);
    EXPECT_TRUE(test::eventually([&] { return values("narrow").failedBy[static_cast<std::size_t>(FailureReason::Cancelled)] == 2; }));
    EXPECT_EQ(streamed({generate("narrow", {4}, 3)})["g"].size(), 3u) << "all of the cache is free for it";
}

TEST_F(InflightServing, RefusesWhatItCannotMakeAndSaysWhy)
{
    const auto refusal = [&](const wire::ModelInferRequest& request) {
        wire::ModelInferResponse response;
        const grpc::Status status = infer(m_server->stub(), request, response);
        EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
        return status.error_message();
    };
    EXPECT_THAT(refusal(generate("whole", {60}, 1)), HasSubstr("token id 60 of 'INPUT_IDS' is outside the vocabulary of 60"));
    EXPECT_THAT(refusal(generate("whole", {-1}, 1)), HasSubstr("token id -1"));
    EXPECT_THAT(refusal(generate("whole", {1}, 0)), HasSubstr("'MAX_TOKENS' must be one number, at least 1"));
    EXPECT_THAT(refusal(generate("whole", {1, 2}, 512)),
                HasSubstr("2 tokens of 'INPUT_IDS' and 512 to make need 513 positions: the model has 512"));
    EXPECT_THAT(refusal(generate("whole", {1}, 2147483647)), HasSubstr("2147483647 positions"));
    wire::ModelInferResponse response;
    EXPECT_TRUE(infer(m_server->stub(), generate("whole", {1}, 1), response).ok());
}

TEST_F(InflightServing, AServerThatEndsMakesTheTokensThatItHasPromised)
{
    grpc::ClientContext context;
    const auto stream = m_server->stub().ModelStreamInfer(&context);
    ASSERT_TRUE(stream->Write(generate("stream", {1}, 400)));
    stream->WritesDone();
    wire::ModelStreamInferResponse response;
    ASSERT_TRUE(stream->Read(&response));
    m_server->inference().find("stream", {})->drain();
    EXPECT_EQ(values("stream").success, 1u);
    int tokens = 1;
    while (stream->Read(&response))
        ++tokens;
    EXPECT_EQ(tokens, 400);
    EXPECT_TRUE(stream->Finish().ok());
}

TEST(DecoderConfiguration, ThatCannotBeServedIsRefusedWithTheReason)
{
    TestRepository repository;
    const std::map<std::string, std::pair<std::string, std::string>> wrong{
        {"batches", {"max_batch_size: 4", "max_batch_size must be 0"}},
        {"cold", {"parameters { key: \"cold_start\" value { string_value: \"true\" } }", "does not start cold"}},
        {"blocks", {"parameters { key: \"tokens_per_block\" value { string_value: \"0\" } }", "make no KV cache"}},
        {"input", {"input { name: \"INPUT_IDS\" data_type: TYPE_INT64 dims: -1 }", "decoder needs the inputs INPUT_IDS"}},
    };
    for (const auto& [name, config] : wrong)
        repository.add(name, decoderConfig(config.first));
    TestServer server(repository);
    std::size_t refused = 0;
    for (const IndexEntry& entry : server.inference().index(false)) {
        EXPECT_EQ(entry.state, "UNAVAILABLE") << entry.name;
        EXPECT_THAT(entry.reason, HasSubstr(wrong.at(entry.name).second));
        ++refused;
    }
    EXPECT_EQ(refused, wrong.size());
}

} // namespace
} // namespace gantry::inference_server
