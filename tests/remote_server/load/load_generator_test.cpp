#include "remote_server/load/load_generator.h"

#include "tests/remote_server/load/scripted_server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace gantry::load {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
namespace wire = ::inference;
using test::ScriptedServer;

constexpr DurationNs kMillisecond = 1'000'000;
constexpr std::chrono::seconds kPatience{30}; // of a test with a generator that does not do its part

TEST(LoadGenerator, SendsAsManyRequestsAsAskedFor)
{
    ScriptedServer server;
    LoadOptions options = server.options();
    options.count = 100;
    options.concurrency = 7;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(result->sent, 100u);
    EXPECT_EQ(result->ok, 100u);
    EXPECT_EQ(server.requests, 100u);
    EXPECT_TRUE(result->errors.empty());
    EXPECT_NEAR(result->requestsPerSecond * result->seconds, 100, 1e-6);
}

TEST(LoadGenerator, MakesInputsFromTheModelsMetadata)
{
    ScriptedServer server;
    server.addInput("ids", "INT64", {-1, -1});
    server.addInput("values", "FP32", {-1, 2});
    server.addInput("counts", "INT32", {3});
    wire::ModelInferRequest seen;
    server.onInfer = [&](std::uint64_t, grpc::ServerContext&, const wire::ModelInferRequest& request) {
        seen = request;
        return grpc::Status::OK;
    };
    LoadOptions options = server.options();
    options.count = 1;
    options.input.sequenceLength = 5;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(seen.model_name(), "m");
    ASSERT_EQ(seen.inputs_size(), 3);
    ASSERT_EQ(seen.raw_input_contents_size(), 3);
    EXPECT_THAT(seen.inputs(0).shape(), ElementsAre(1, 5)) << "one row, as long as asked";
    EXPECT_THAT(seen.inputs(1).shape(), ElementsAre(1, 2));
    EXPECT_EQ(seen.raw_input_contents(0).size(), 5u * 8);
    EXPECT_EQ(seen.raw_input_contents(1).size(), 2u * 4);
    EXPECT_EQ(seen.raw_input_contents(2).size(), 3u * 4);
}

TEST(LoadGenerator, GivesEachRequestAnIdOfItsOwn)
{
    ScriptedServer server;
    std::mutex mutex;
    std::set<std::string> ids;
    server.onInfer = [&](std::uint64_t, grpc::ServerContext&, const wire::ModelInferRequest& request) {
        const std::lock_guard lock(mutex);
        ids.insert(request.id());
        return grpc::Status::OK;
    };
    LoadOptions options = server.options();
    options.count = 40;
    options.concurrency = 4;
    ASSERT_TRUE(runLoad(options, {}));
    EXPECT_EQ(ids.size(), 40u);
    EXPECT_FALSE(ids.contains(""));
}

TEST(LoadGenerator, AClosedLoopKeepsAsManyRequestsInFlightAsTheConcurrency)
{
    ScriptedServer server;
    std::mutex mutex;
    std::condition_variable changed;
    int inside = 0, most = 0;
    server.onInfer = [&](std::uint64_t, grpc::ServerContext&, const wire::ModelInferRequest&) {
        std::unique_lock lock(mutex);
        most = std::max(most, ++inside);
        changed.notify_all();
        changed.wait_for(lock, kPatience, [&] { return most >= 3; }); // the first three answer only once they are here together
        --inside;
        return grpc::Status::OK;
    };
    LoadOptions options = server.options();
    options.concurrency = 3;
    options.count = 12;
    ASSERT_TRUE(runLoad(options, {}));
    EXPECT_EQ(most, 3);
}

TEST(LoadGenerator, AnOpenLoopSendsByTimeAndWaitsForNoAnswer)
{
    ScriptedServer server;
    std::mutex mutex;
    std::condition_variable changed;
    int here = 0;
    server.onInfer = [&](std::uint64_t, grpc::ServerContext&, const wire::ModelInferRequest&) {
        std::unique_lock lock(mutex);
        ++here;
        changed.notify_all();
        // Nothing is answered until all are here.
        const bool all = changed.wait_for(lock, kPatience, [&] { return here == 20; });
        return all ? grpc::Status::OK : grpc::Status(grpc::StatusCode::ABORTED, "the others did not come");
    };
    LoadOptions options = server.options();
    options.ratePerSecond = 400;
    options.concurrency = 20;
    options.count = 20;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->ok, 20u);
}

/// Holds everything until 600 ms after the first request came.
void stall(ScriptedServer& server, std::atomic<std::int64_t>& first)
{
    server.onInfer = [&first](std::uint64_t, grpc::ServerContext&, const wire::ModelInferRequest&) {
        using Clock = std::chrono::steady_clock;
        std::int64_t none = 0;
        first.compare_exchange_strong(none, Clock::now().time_since_epoch().count());
        std::this_thread::sleep_until(Clock::time_point(Clock::duration(first.load())) + std::chrono::milliseconds(600));
        return grpc::Status::OK;
    };
}

TEST(LoadGenerator, AStalledServerShowsInTheLatenciesOfAnOpenLoop)
{
    ScriptedServer server;
    std::atomic<std::int64_t> first{0};
    stall(server, first);
    LoadOptions options = server.options();
    options.ratePerSecond = 150;
    options.count = 40;      // meant to leave in about 270 ms, all within the stall
    options.concurrency = 1; // the generator itself is held up, and must not forget the time
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(result->ok, 40u);
    EXPECT_GE(result->max, 500 * kMillisecond);
    EXPECT_GE(result->p50, 200 * kMillisecond) << "coordinated omission";
}

TEST(LoadGenerator, AClosedLoopSeesAStallOnlyInTheRequestThatMetIt)
{
    ScriptedServer server;
    std::atomic<std::int64_t> first{0};
    stall(server, first);
    LoadOptions options = server.options();
    options.count = 40;
    options.concurrency = 1;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result);
    EXPECT_GE(result->max, 600 * kMillisecond);
    EXPECT_LT(result->p50, 200 * kMillisecond);
}

TEST(LoadGenerator, TheRateAndTheSeedDecideHowManyRequestsLeave)
{
    const auto sent = [] {
        ScriptedServer server;
        LoadOptions options = server.options();
        options.ratePerSecond = 400;
        options.duration = 500 * kMillisecond;
        const auto result = runLoad(options, {});
        return result ? result->sent : 0;
    };
    const std::uint64_t once = sent();
    EXPECT_NEAR(static_cast<double>(once), 200, 60) << "Poisson: 200 with a deviation of 14";
    EXPECT_EQ(sent(), once) << "times do not depend on how fast the answers come";
}

TEST(LoadGenerator, PercentilesAreNearestRanksOfTheAnsweredRequests)
{
    ScriptedServer server;
    // Of 100 requests 7 take 200 ms longer: ranks 94 to 100, so that p90 lies below them and p95 is one of them.
    server.onInfer = [](std::uint64_t number, grpc::ServerContext&, const wire::ModelInferRequest&) {
        if (number % 15 == 14 || number == 99)
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
        return grpc::Status::OK;
    };
    LoadOptions options = server.options();
    options.count = 100;
    options.concurrency = 2;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result);
    EXPECT_LT(result->p50, 200 * kMillisecond);
    EXPECT_LT(result->p90, 200 * kMillisecond);
    EXPECT_GE(result->p95, 200 * kMillisecond);
    EXPECT_LE(result->p50, result->p90);
    EXPECT_LE(result->p95, result->p99);
    EXPECT_LE(result->p99, result->max);
    EXPECT_GE(result->mean, 14 * kMillisecond);
    EXPECT_LT(result->mean, result->max);
}

TEST(LoadGenerator, AllPercentilesOfOneRequestAreItsLatency)
{
    ScriptedServer server;
    LoadOptions options = server.options();
    options.count = 1;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result);
    EXPECT_GT(result->max, 0);
    for (const DurationNs percentile : {result->p50, result->p90, result->p95, result->p99, result->mean})
        EXPECT_EQ(percentile, result->max);
}

TEST(LoadGenerator, CountsErrorsByMessageAndLeavesThemOutOfTheLatencies)
{
    ScriptedServer server;
    server.onInfer = [](std::uint64_t number, grpc::ServerContext&, const wire::ModelInferRequest&) {
        if (number % 4 == 0)
            return grpc::Status(grpc::StatusCode::UNAVAILABLE, "Exceeds maximum queue size");
        return number % 4 == 1 ? grpc::Status(grpc::StatusCode::INTERNAL, "oops") : grpc::Status::OK;
    };
    LoadOptions options = server.options();
    options.count = 40;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->sent, 40u);
    EXPECT_EQ(result->ok, 20u);
    EXPECT_THAT(result->errors, ElementsAre(Pair("Exceeds maximum queue size", 10u), Pair("oops", 10u)));
}

// It waited for answers that succeed.
TEST(LoadGenerator, AWarmUpWhoseRequestsFailEndsAsWell)
{
    ScriptedServer server;
    server.onInfer = [](std::uint64_t, grpc::ServerContext&, const wire::ModelInferRequest&) {
        return grpc::Status(grpc::StatusCode::INTERNAL, "oops");
    };
    LoadOptions options = server.options();
    options.warmUpCount = 5;
    options.count = 3;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->ok, 0u);
}

TEST(LoadGenerator, HasNoLatenciesWhenEveryRequestFailed)
{
    ScriptedServer server;
    server.onInfer = [](std::uint64_t, grpc::ServerContext&, const wire::ModelInferRequest&) {
        return grpc::Status(grpc::StatusCode::INTERNAL, "oops");
    };
    LoadOptions options = server.options();
    options.count = 3;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->ok, 0u);
    EXPECT_EQ(result->max, 0);
    EXPECT_EQ(result->requestsPerSecond, 0);
}

// A server that no longer answered held a stopped load for the rest of the request's 30 s.
TEST(LoadGenerator, StopsWhenAskedAndCancelsWhatIsInFlight)
{
    ScriptedServer server;
    std::stop_source stop;
    std::mutex mutex;
    std::condition_variable never;
    server.onInfer = [&](std::uint64_t number, grpc::ServerContext& context, const wire::ModelInferRequest&) {
        if (number == 3) // all of the concurrency are here
            stop.request_stop();
        std::unique_lock lock(mutex);
        while (!context.IsCancelled()) // the synchronous API has no callback for it
            never.wait_for(lock, std::chrono::milliseconds(1));
        return grpc::Status::CANCELLED;
    };
    LoadOptions options = server.options();
    options.concurrency = 4;
    options.duration = 3600 * 1000 * kMillisecond;
    const auto begin = std::chrono::steady_clock::now();
    const auto result = runLoad(options, stop.get_token());
    ASSERT_TRUE(result);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
    EXPECT_EQ(result->ok, 0u);
    EXPECT_TRUE(result->errors.empty()) << "what we cancel is no error of the server";
}

TEST(LoadGenerator, AStopEndsTheWaitForTheNextDeparture)
{
    ScriptedServer server;
    std::stop_source stop;
    server.onInfer = [&](std::uint64_t, grpc::ServerContext&, const wire::ModelInferRequest&) {
        stop.request_stop();
        return grpc::Status::OK;
    };
    LoadOptions options = server.options();
    options.ratePerSecond = 0.01; // the second request is minutes away
    options.duration = 3600 * 1000 * kMillisecond;
    const auto begin = std::chrono::steady_clock::now();
    const auto result = runLoad(options, stop.get_token());
    ASSERT_TRUE(result);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
    EXPECT_LE(result->sent, 1u);
}

TEST(LoadGenerator, ReportsTheTotalsSoFarEverySecond)
{
    ScriptedServer server;
    LoadOptions options = server.options();
    options.ratePerSecond = 100;
    options.duration = 2'300 * kMillisecond;
    std::vector<std::uint64_t> totals;
    const auto result = runLoad(options, {}, [&](const LoadProgress& now) { totals.push_back(now.sent); });
    ASSERT_TRUE(result);
    ASSERT_GE(totals.size(), 2u);
    EXPECT_LT(totals[0], totals[1]);
    EXPECT_LE(totals.back(), result->sent);
}

TEST(LoadGenerator, SaysWhatIsWrongInASentence)
{
    ScriptedServer server;
    LoadOptions options = server.options();
    EXPECT_EQ(runLoad(options, {}).error().text(), "a load needs an end: give it a duration or a count");
    options.count = 1;
    options.models = {{"x"}};
    const auto unknown = runLoad(options, {});
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, ErrorCode::NotFound);
    EXPECT_THAT(unknown.error().message, HasSubstr("'x'"));
    options.models = {{"m"}};
    server.addInput("words", "COMPLEX64", {-1});
    const auto words = runLoad(options, {});
    ASSERT_FALSE(words);
    EXPECT_EQ(words.error().code, ErrorCode::BadInput);
    EXPECT_THAT(words.error().message, HasSubstr("inputs of type COMPLEX64"));
}

TEST(LoadGenerator, SaysThatNoServerAnswers)
{
    LoadOptions options;
    {
        ScriptedServer gone;
        options = gone.options();
    }
    options.count = 1;
    const auto result = runLoad(options, {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::Unreachable);
    EXPECT_THAT(result.error().message, HasSubstr("no inference server answers at " + options.address));
}

} // namespace
} // namespace gantry::load
