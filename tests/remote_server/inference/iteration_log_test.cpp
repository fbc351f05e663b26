#include "remote_server/inference/iteration_log.h"

#include "tests/support/collecting_sink.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/import/iteration_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace gantry::inference_server {
namespace {

IterationRecord record()
{
    IterationRecord made{.iteration = 9, .rank = 0, .end = std::chrono::system_clock::from_time_t(1'780'000'000)};
    made.durationNs = 7'400'000;
    made.newRequests = 1;
    made.contextRequests = 1;
    made.contextTokens = 13;
    made.generationTokens = 3;
    made.cachedTokens = 63;
    made.scheduledRequests = 4;
    made.usedBlocks = 8;
    made.blocks = 64;
    return made;
}

TEST(IterationLog, WritesLinesThatTheImporterReads)
{
    const test::TemporaryFolder folder;
    {
        const auto log = IterationLog::create(folder / "log");
        ASSERT_TRUE(log);
        IterationRecord next = record();
        (*log)->add(next);
        ++next.iteration;
        (*log)->add(next);
        next.rank = 1;
        (*log)->add(next);
        EXPECT_EQ((*log)->lost(), 0u);
    }
    test::CollectingSink sink;
    const auto read = importing::readIterationLog(folder / "log", sink, {});
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(sink.meta().producer, "TensorRT-LLM");
    std::map<std::string, double> values;
    for (const auto& sample : sink.all(&test::CollectedRows::samples))
        values[sink.counters.at(sample.counter).name] = sample.value;
    EXPECT_DOUBLE_EQ(values.at("requests scheduled"), 4);
    EXPECT_DOUBLE_EQ(values.at("KV cache utilisation"), 12.5);
    EXPECT_DOUBLE_EQ(values.at("context requests"), 1);
    EXPECT_DOUBLE_EQ(values.at("context tokens"), 13);
    EXPECT_DOUBLE_EQ(values.at("generation tokens"), 3);
    EXPECT_DOUBLE_EQ(values.at("tokens in the KV cache"), 63);
    EXPECT_DOUBLE_EQ(values.at("iteration latency"), 7.4);
    EXPECT_FALSE(values.contains("device step time")) << "there is no device";
    std::vector<std::uint64_t> iterations;
    for (const auto& range : sink.all(&test::CollectedRows::ranges)) {
        iterations.push_back(range.payload.value());
        EXPECT_EQ(*range.end - range.start, 7'400'000);
    }
    EXPECT_THAT(iterations, testing::UnorderedElementsAre(9, 10, 10));
}

TEST(IterationLog, SaysWhenItCannotBeWrittenAndCountsWhatIsMissing)
{
    EXPECT_EQ(IterationLog::create("/dev/null/log").error().code, ErrorCode::CannotWrite);
    const auto full = IterationLog::create("/dev/full");
    ASSERT_TRUE(full);
    (*full)->add(record());
    (*full)->add(record());
    EXPECT_EQ((*full)->lost(), 2u);
}

} // namespace
} // namespace gantry::inference_server
