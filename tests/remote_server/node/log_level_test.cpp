#include "remote_server/node/log_level.h"

#include "remote_server/proto/management_types.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace gantry::node {
namespace {

TEST(LogLevel, IsReadFromTheLinesOfTheProgramsThatServeModels)
{
    const std::vector<std::pair<std::string, std::string>> lines = {
        // glog, Triton
        {"I0611 12:00:00.123456 77 server.cc:120] Started", "info"},
        {"W0611 12:00:00.123456 77 server.cc:120] slow", "warning"},
        {"E20250611 12:00:00.123456 77 model.cc:9] failed to load", "error"},
        {"F0611 12:00:00.1 77 x.cc:1] Check failed", "error"},
        // spdlog
        {"[2025-06-11 12:00:00.123] [warning] the disk is nearly full", "warning"},
        {"[2025-06-11 12:00:00.123] [engine] [critical] gone", "error"},
        {"[2025-06-11 12:00:00.123] [debug] ERROR is what it would be", "debug"},
        // Python
        {"WARNING:root:deprecated", "warning"},
        {"ERROR:    Exception in ASGI application", "error"},
        {"INFO:     127.0.0.1:51234 - \"POST /v1/completions HTTP/1.1\" 200 OK", "info"},
        {"2025-06-11 12:00:00,123 - transformers - WARNING - slow tokenizer", "warning"},
        {"2025-06-11 12:00:00.123 | ERROR    | module:function:12 - no", "error"},
        // vLLM
        {"INFO 11-20 10:01:02 [llm_engine.py:237] Initializing", "info"},
        {"(EngineCore_0 pid=77) WARNING 11-20 10:01:02 [gpu.py:1] low", "warning"},
        {"\x1b[0;36m(APIServer pid=1)\x1b[0;0m ERROR 11-20 10:01:02 [x.py:1] dead", "error"},
        // TensorRT-LLM
        {"[TRT-LLM] [W] Overriding", "warning"},
        {"[06/11/2025-12:00:00] [TRT-LLM] [E] no engine", "error"},
        {"[TensorRT-LLM][WARNING] max_tokens", "warning"},
        {"[TensorRT-LLM][INFO] Engine version", "info"},
        // Rust, as Dynamo
        {"2025-06-11T12:00:00.123456Z  WARN dynamo_llm::http: slow", "warning"},
        // JSON
        {R"({"ts":"2025-06-11","level":"warn","msg":"INFO"})", "warning"},
        {R"({"severity": "ERROR", "message": "x"})", "error"},
        {R"({"message":"no level"})", "unknown"},
        // Compilers and the like
        {"error: no such file", "error"},
        {"warning: unused", "warning"},
    };
    for (const auto& [line, level] : lines)
        EXPECT_EQ(proto::name(logLevelOf(line)), level) << line;
}

TEST(LogLevel, IsNotGuessedFromTheWordsOfASentence)
{
    for (const char* line : {"",
                             "   ",
                             "Traceback (most recent call last):",
                             "  File \"x.py\", line 3, in main",
                             "the ERROR was mended",
                             "loading WARNING lights model",
                             "I am ready",
                             "E = mc2",
                             "I0611",
                             "W1",
                             "{",
                             "[",
                             "[]",
                             "[ERROR",
                             "information about INFOrmation",
                             "\x1b[",
                             "errors: 3",
                             "Error handling works",
                             "10 ERRORS found",
                             "ValueError: not a number"})
        EXPECT_EQ(logLevelOf(line), proto::LogLevel::Unknown) << line;
}

TEST(LogLevel, OfAnyBytesIsOneOfTheLevels)
{
    std::uint32_t random = 1;
    for (int i = 0; i < 20'000; ++i) {
        std::string line;
        for (int length = static_cast<int>(random % 300); length > 0; --length) {
            random = random * 1664525U + 1013904223U;
            constexpr std::string_view kBytes = "[]{}\":- |\x1bmIWEFERROR0123456789INFO\xff\t";
            line += kBytes[(random >> 16) % kBytes.size()];
        }
        random = random * 1664525U + 1013904223U;
        EXPECT_LE(static_cast<int>(logLevelOf(line)), static_cast<int>(proto::LogLevel::Error));
    }
}

} // namespace
} // namespace gantry::node
