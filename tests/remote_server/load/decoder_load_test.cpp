#include "remote_server/load/load_generator.h"
#include "tests/remote_server/inference/serve_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>

namespace gantry::load {
namespace {

using inference_server::ServeProcess;
using inference_server::TestRepository;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;

/// gantry-serve with the decoder that it comes with.
class DecoderLoad : public testing::Test
{
protected:
    void SetUp() override
    {
        std::ifstream file(GANTRY_SOURCE_DIR "/resources/models/tiny_decoder/config.pbtxt");
        m_repository.add("tiny_decoder", std::string(std::istreambuf_iterator<char>(file), {}));
        m_server = std::make_unique<ServeProcess>(m_repository, std::map<std::string, std::string>{{"OPENBLAS_NUM_THREADS", "1"}});
        m_options.address = "127.0.0.1:" + std::to_string(m_server->grpcPort());
        m_options.models = {{"tiny_decoder", 1}};
    }

    TestRepository m_repository;
    std::unique_ptr<ServeProcess> m_server;
    LoadOptions m_options;
};

// Random ids were outside its vocabulary, a random number of tokens more than it has positions, and ModelInfer is not for it.
TEST_F(DecoderLoad, TheShippedDecoderIsLoadedWithoutADataFile)
{
    m_options.count = 30;
    m_options.input.outputTokens = 8;
    const auto result = runLoad(m_options, {});
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_THAT(result->errors, IsEmpty());
    EXPECT_EQ(result->ok, 30u);
    ASSERT_TRUE(result->stream && result->stream->first && result->stream->between);
    EXPECT_EQ(result->stream->responses, 30u * 8);
    EXPECT_EQ(result->stream->between->count, 30u * 7);
    ASSERT_TRUE(result->server) << result->whyNoServer;
    EXPECT_EQ(result->server->requests, 30u);
    EXPECT_GT(result->server->computeInfer, 0);
    EXPECT_LE(result->server->accounted(), result->server->total);
}

TEST_F(DecoderLoad, WhatItRefusesIsCountedWithItsReason)
{
    m_options.count = 10;
    m_options.input.ranges = {{"INPUT_IDS", {512, 600}}};
    const auto result = runLoad(m_options, {});
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(result->ok, 0u);
    EXPECT_THAT(result->errors, Contains(Key(HasSubstr("is outside the vocabulary of 512"))));
}

TEST_F(DecoderLoad, AServerThatDiesUnderItsStreamsLeavesNothingHanging)
{
    std::stop_source finish;
    m_options.finish = finish.get_token();
    m_options.concurrency = 3;
    m_options.input.outputTokens = 450;
    const auto result = runLoad(m_options, {}, [&](const LoadProgress&) {
        m_server->process().signal(SIGKILL);
        static_cast<void>(m_server->wait());
        finish.request_stop();
    });
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(
        result->sent, result->ok + [&] {
            std::uint64_t failed = 0;
            for (const auto& [message, count] : result->errors)
                failed += count;
            return failed;
        }());
    EXPECT_THAT(result->errors, Contains(Key(HasSubstr("the stream ended before the last response"))));
}

} // namespace
} // namespace gantry::load
