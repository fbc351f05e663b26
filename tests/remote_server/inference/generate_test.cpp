// Triton's generate extension, as clients of language models use it.

#include "tests/remote_server/inference/serving_fixture.h"
#include "tests/support/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include <sstream>

namespace gantry::inference_server {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Generate : public testing::Test
{
protected:
    Generate()
    {
        std::string decoder = "backend: \"decoder\" model_transaction_policy { decoupled: true } instance_group { kind: KIND_CPU }";
        for (const auto& [key, value] :
             {std::pair("layers", 2), std::pair("hidden", 16), std::pair("heads", 2), std::pair("ffn", 32), std::pair("vocabulary", 60),
              std::pair("positions", 64), std::pair("kv_blocks", 8), std::pair("tokens_per_block", 8)})
            decoder += " parameters { key: \"" + std::string(key) + "\" value { string_value: \"" + std::to_string(value) + "\" } }";
        m_repository.add("llm", decoder);
        m_repository.add("text", R"(
            backend: "identity"
            max_batch_size: 2
            input { name: "text_input" data_type: TYPE_STRING dims: 1 }
            output { name: "text_output" data_type: TYPE_STRING dims: 1 })");
        m_server = std::make_unique<TestServer>(m_repository);
    }

    httplib::Response post(const std::string& path, const std::string& body)
    {
        const auto answer = httplib::Client("127.0.0.1", m_server->httpPort()).Post("/v2/models/" + path, body, "application/json");
        if (!answer)
            throw std::runtime_error("no answer: " + httplib::to_string(answer.error()));
        return *answer;
    }

    TestRepository m_repository;
    std::unique_ptr<TestServer> m_server;
};

TEST_F(Generate, ATextGoesInAndOutByTheNamesOfTheTensors)
{
    const auto answer = post("text/generate", R"({"text_input": "hello", "id": "7", "max_tokens": 5, "parameters": {"stream": false}})");
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(json::parse(answer.body), json::parse(R"({"id": "7", "model_name": "text", "model_version": "1", "text_output": "hello"})"));
}

TEST_F(Generate, AStreamHasAnEventForEachTokenAndTheWholeHasThemAll)
{
    const std::string body = R"({"INPUT_IDS": [3, 1, 4], "MAX_TOKENS": 5})";
    const auto stream = post("llm/versions/1/generate_stream", body);
    ASSERT_EQ(stream.status, 200) << stream.body;
    EXPECT_THAT(stream.get_header_value("Content-Type"), HasSubstr("text/event-stream"));
    json tokens = json::array();
    std::istringstream lines(stream.body);
    for (std::string line, empty; std::getline(lines, line) && std::getline(lines, empty);) {
        ASSERT_TRUE(line.starts_with("data: ")) << line;
        EXPECT_EQ(empty, "");
        const json event = json::parse(line.substr(6));
        EXPECT_EQ(event.at("model_name"), "llm");
        tokens.push_back(event.at("OUTPUT_ID"));
    }
    EXPECT_EQ(tokens.size(), 5u);
    const auto whole = post("llm/generate", body);
    ASSERT_EQ(whole.status, 200) << whole.body;
    EXPECT_EQ(json::parse(whole.body).at("OUTPUT_ID"), tokens);
    EXPECT_EQ(m_server->statistics("llm").inference_stats().success().count(), 2u);
}

TEST_F(Generate, WhatCannotBeIsRefusedBeforeAnythingIsStreamed)
{
    for (const char* endpoint : {"llm/generate", "llm/generate_stream"}) {
        const auto missing = post(endpoint, R"({"INPUT_IDS": [1]})");
        EXPECT_EQ(missing.status, 400);
        EXPECT_THAT(missing.body, HasSubstr("MAX_TOKENS"));
        EXPECT_THAT(post(endpoint, R"({"INPUT_IDS": [1], "MAX_TOKENS": 1, "other": [1]})").body,
                    HasSubstr("'other' is no input of model 'llm'"));
        EXPECT_EQ(post(endpoint, "[").status, 400);
        EXPECT_EQ(post(endpoint, R"({"INPUT_IDS": [], "MAX_TOKENS": 1})").status, 400);
        EXPECT_EQ(post(endpoint, R"({"INPUT_IDS": ["a"], "MAX_TOKENS": 1})").status, 400);
    }
    EXPECT_EQ(post("nosuch/generate", "{}").status, 404);
    EXPECT_EQ(httplib::Client("127.0.0.1", m_server->httpPort()).Get("/v2/models/llm/generate")->status, 405);
}

TEST_F(Generate, AClientThatGoesAwayCancelsItsRequest)
{
    m_repository.add("slow", R"(
        backend: "identity"
        input { name: "INPUT0" data_type: TYPE_INT32 dims: -1 }
        output { name: "OUTPUT0" data_type: TYPE_INT32 dims: -1 }
        model_transaction_policy { decoupled: true }
        parameters { key: "responses" value { string_value: "1000000" } }
        parameters { key: "execute_delay_ms" value { string_value: "1" } })");
    m_server = std::make_unique<TestServer>(m_repository);
    httplib::Client client("127.0.0.1", m_server->httpPort());
    int events = 0;
    httplib::Request request;
    request.method = "POST";
    request.path = "/v2/models/slow/generate_stream";
    request.body = R"({"INPUT0": [1, 2]})";
    request.content_receiver = [&](const char*, std::size_t, std::uint64_t, std::uint64_t) { return ++events < 3; };
    static_cast<void>(client.send(request));
    EXPECT_GE(events, 3);
    client.stop();
    const auto failures = [&] { return m_server->inference().find("slow", "")->statistics().values().failedBy; };
    EXPECT_TRUE(test::eventually([&] { return failures()[static_cast<std::size_t>(FailureReason::Cancelled)] == 1; }));
}

} // namespace
} // namespace gantry::inference_server
