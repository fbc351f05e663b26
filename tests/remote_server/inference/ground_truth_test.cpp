#include "remote_server/inference/ground_truth.h"

#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace gantry::inference_server {
namespace {

/// The lines of a log that was closed.
std::vector<nlohmann::json> linesOf(const std::filesystem::path& path)
{
    std::vector<nlohmann::json> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        lines.push_back(nlohmann::json::parse(line));
    return lines;
}

TEST(GroundTruth, SaysWhatHappenedToARequestAndNothingElse)
{
    const test::TemporaryFolder folder;
    ModelDescription model;
    model.name = "m";
    model.version = "3";
    {
        auto log = GroundTruthLog::create(folder / "log");
        ASSERT_TRUE(log) << log.error().text();
        InferJob executed;
        executed.id = 7;
        executed.model = &model;
        executed.clientId = "a\"\n\xFF";
        executed.rows = 2;
        executed.batchId = 5;
        executed.instance = "m_0_1";
        executed.threadId = 99;
        executed.streamId = 13;
        executed.times = {
            .start = 10, .queueStart = 11, .computeStart = 12, .inputEnd = 13, .outputStart = 14, .computeEnd = 15, .end = 16};
        (*log)->add(executed, true);
        InferJob refused;
        refused.id = 8;
        refused.model = &model;
        refused.failure = FailureReason::Rejected;
        refused.times.start = 20;
        (*log)->add(refused, false);
        EXPECT_EQ((*log)->counts().requests, 2u);
        EXPECT_EQ((*log)->counts().dropped, 0u);
    }
    const auto lines = linesOf(folder / "log");
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0].at("clock"), "monotonic");
    EXPECT_GT(lines[0].at("realtime_minus_monotonic_ns").get<std::int64_t>(), 0);
    EXPECT_EQ(lines[1],
              nlohmann::json::parse(R"({"request":7,"client_id":"a\"\n?","model":"m","version":"3","rows":2,"priority":0,"batch":5,
        "instance":"m_0_1","thread":99,"stream":13,"start_ns":10,"lookup_start_ns":null,"lookup_end_ns":null,"queue_start_ns":11,
        "compute_start_ns":12,"compute_input_end_ns":13,"compute_output_start_ns":14,"compute_end_ns":15,"insert_start_ns":null,
        "insert_end_ns":null,"end_ns":16,"cache_hit":false,"outcome":"ok"})"));
    EXPECT_EQ(lines[2].at("outcome"), "REJECTED");
    for (const char* absent : {"client_id", "batch", "instance", "thread", "stream", "queue_start_ns", "compute_start_ns", "end_ns"})
        EXPECT_TRUE(lines[2].at(absent).is_null()) << absent;
    EXPECT_EQ(lines[3], nlohmann::json::parse(R"({"requests":2,"dropped":0})"));
}

TEST(GroundTruth, HasALineForEachRequestThatItDidNotDrop)
{
    const test::TemporaryFolder folder;
    ModelDescription model;
    constexpr std::uint64_t kRequests = 200'000; // more than wait at once
    {
        auto log = GroundTruthLog::create(folder / "log");
        ASSERT_TRUE(log);
        InferJob job;
        job.model = &model;
        for (job.id = 1; job.id <= kRequests; ++job.id)
            (*log)->add(job, true);
    }
    std::uint64_t lines = 0;
    std::ifstream file(folder / "log");
    std::string last;
    for (std::string line; std::getline(file, line); last = line)
        ++lines;
    const auto counts = nlohmann::json::parse(last);
    EXPECT_EQ(counts.at("requests"), kRequests);
    EXPECT_EQ(lines - 2, kRequests - counts.at("dropped").get<std::uint64_t>());
}

TEST(GroundTruth, SaysThatItCannotWrite)
{
    const auto log = GroundTruthLog::create("/dev/null/nonexistent/log");
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().code, ErrorCode::CannotWrite);
    EXPECT_THAT(log.error().text(), testing::HasSubstr("/dev/null/nonexistent/log"));
}

} // namespace
} // namespace gantry::inference_server
