#include "remote_server/load/load_generator.h"
#include "tests/remote_server/load/scripted_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <thread>

namespace gantry::load {
namespace {

using test::ScriptedServer;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::SizeIs;

constexpr DurationNs kMillisecond = 1'000'000;

/// Requests as the server got them.
class Seen
{
public:
    explicit Seen(ScriptedServer& server)
    {
        server.onInfer = [this](std::uint64_t, grpc::ServerContext&, const inference::ModelInferRequest& request) {
            const std::lock_guard lock(m_mutex);
            all.push_back(request);
            return grpc::Status::OK;
        };
    }
    std::vector<inference::ModelInferRequest> all;

private:
    std::mutex m_mutex;
};

TEST(LoadLevels, EachLevelIsMeasuredByItself)
{
    ScriptedServer server;
    LoadOptions options = server.options();
    options.count = 10;
    std::vector<double> told;
    const auto results = runLevels(options, {{false, 1}, {false, 3}, {true, 500}}, {}, {},
                                   [&](const LoadResult& level) { told.push_back(level.level.value); });
    ASSERT_TRUE(results) << results.error().text();
    EXPECT_THAT(*results, Each(Field(&LoadResult::ok, 10u)));
    EXPECT_THAT(told, ElementsAre(1, 3, 500));
    EXPECT_TRUE(results->back().level.isRate);
    EXPECT_EQ(server.requests, 30u);
}

TEST(LoadLevels, WindowsAreMeasuredUntilThreeAgree)
{
    ScriptedServer server;
    server.onInfer = [](std::uint64_t, grpc::ServerContext&, const inference::ModelInferRequest&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5)); // what a request takes, so that windows are alike
        return grpc::Status::OK;
    };
    LoadOptions options = server.options();
    options.concurrency = 1;
    options.rule = StabilityRule{200 * kMillisecond, 10.0, 50}; // any three of them agree
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->isStable, true);
    EXPECT_EQ(result->windows, 3);
    EXPECT_THAT(result->boundariesUtcNs, SizeIs(6));
    EXPECT_TRUE(std::is_sorted(result->boundariesUtcNs.begin(), result->boundariesUtcNs.end()));
}

TEST(LoadLevels, WindowsThatNeverAgreeEndAfterSoMany)
{
    ScriptedServer server;
    server.onInfer = [](std::uint64_t, grpc::ServerContext&, const inference::ModelInferRequest&) {
        return grpc::Status(grpc::StatusCode::INTERNAL, "oops"); // windows without a success agree about nothing
    };
    LoadOptions options = server.options();
    options.rule = StabilityRule{20 * kMillisecond, 10.0, 4};
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->isStable, false);
    EXPECT_EQ(result->windows, 4);
}

TEST(LoadLevels, AStopLeavesAPartialResult)
{
    ScriptedServer server;
    std::stop_source stop;
    server.onInfer = [&](std::uint64_t number, grpc::ServerContext&, const inference::ModelInferRequest&) {
        if (number == 20)
            stop.request_stop();
        return grpc::Status::OK;
    };
    LoadOptions options = server.options();
    options.concurrency = 1;
    options.rule.emplace();
    const auto results = runLevels(options, {{false, 1}, {false, 2}}, stop.get_token());
    ASSERT_TRUE(results);
    ASSERT_THAT(*results, SizeIs(1)) << "no further level begins";
    EXPECT_TRUE(results->front().isPartial);
    EXPECT_FALSE(results->front().isStable) << "it was not compared to its end";
    EXPECT_EQ(results->front().ok, 20u);
    EXPECT_TRUE(results->front().errors.empty());
}

TEST(LoadLevels, AFinishAwaitsWhatIsInFlight)
{
    ScriptedServer server;
    std::stop_source finish;
    server.onInfer = [&](std::uint64_t number, grpc::ServerContext&, const inference::ModelInferRequest&) {
        if (number == 20)
            finish.request_stop();
        return grpc::Status::OK;
    };
    LoadOptions options = server.options();
    options.concurrency = 1;
    options.finish = finish.get_token();
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result);
    EXPECT_FALSE(result->isPartial);
    EXPECT_EQ(result->ok, server.requests) << "none was cancelled";
    EXPECT_GE(result->ok, 21u);
}

TEST(LoadLevels, TheWarmUpIsNotMeasured)
{
    ScriptedServer server;
    LoadOptions options = server.options();
    options.concurrency = 1;
    options.warmUpCount = 15;
    options.count = 10;
    options.keepsRequests = true;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result);
    EXPECT_GE(server.requests, 25u);
    EXPECT_LE(result->ok, 11u) << "one may have been on its way";
    EXPECT_EQ(result->requests.size(), server.requests) << "the export has all";
}

TEST(LoadLevels, ModelsGetTheirShares)
{
    ScriptedServer server;
    server.models = {"a", "b"};
    Seen seen(server);
    LoadOptions options = server.options();
    options.models = {{"a", 0.7}, {"b", 0.3}};
    options.count = 1000;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result);
    std::map<std::string, int> count;
    for (const auto& request : seen.all)
        ++count[request.model_name()];
    EXPECT_NEAR(count["a"], 700, 60) << "binomial: a deviation of 14";
    ASSERT_THAT(result->models, SizeIs(2));
    EXPECT_EQ(result->models[0].ok, static_cast<std::uint64_t>(count["a"]));
    EXPECT_EQ(result->models[1].model, "b");
}

TEST(LoadLevels, ABatchTakesItsRowsFromTheDataInTurn)
{
    ScriptedServer server;
    server.maxBatch = 8;
    server.addInput("IN", "INT8", {-1, 2});
    Seen seen(server);
    LoadOptions options = server.options();
    options.input.dataText = R"({"data": [{"IN": [1, 2]}, {"IN": [3, 4]}, {"IN": [5, 6]}]})";
    options.input.batch = 2;
    options.concurrency = 1;
    options.count = 3;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result) << result.error().text();
    ASSERT_THAT(seen.all, SizeIs(3));
    EXPECT_THAT(seen.all[0].inputs(0).shape(), ElementsAre(2, 2));
    EXPECT_EQ(seen.all[0].raw_input_contents(0), "\1\2\3\4");
    EXPECT_EQ(seen.all[1].raw_input_contents(0), "\5\6\1\2");
    EXPECT_EQ(seen.all[2].raw_input_contents(0), "\3\4\5\6");
    EXPECT_DOUBLE_EQ(result->inferencesPerSecond, 2 * result->requestsPerSecond);
}

TEST(LoadLevels, InputsThatDoNotFitAreNamed)
{
    ScriptedServer server;
    server.maxBatch = 4;
    server.addInput("IN", "FP32", {-1, -1, 2});
    const auto error = [&](const std::function<void(InputOptions&)>& change) {
        LoadOptions options = server.options();
        options.count = 1;
        change(options.input);
        const auto result = runLoad(options, {});
        return result ? "none" : result.error().text();
    };
    EXPECT_EQ(error([](InputOptions& input) { input.shape["IN"] = {3, 2}; }), "none");
    EXPECT_THAT(error([](InputOptions& input) { input.shape["IN"] = {3, 3}; }), HasSubstr("[3,3] does not fit the model's [-1,2]"));
    EXPECT_THAT(error([](InputOptions& input) { input.shape["IM"] = {3}; }), HasSubstr("'IM', and there is none; there are: IN"));
    EXPECT_THAT(error([](InputOptions& input) { input.batch = 5; }), HasSubstr("its max_batch_size is 4"));
    EXPECT_THAT(error([](InputOptions& input) { input.dataText = R"({"data": [{"IN": [1]}]})"; }),
                HasSubstr("input 'IN' of model 'm': 1 values"));
    EXPECT_THAT(error([](InputOptions& input) { input.dataText = R"({"data": [{"IN": ["x"]}]})"; }), HasSubstr("no value of type FP32"));
}

TEST(LoadLevels, AServerWithoutStatisticsHasNoPhases)
{
    ScriptedServer server;
    LoadOptions options = server.options();
    options.count = 5;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result);
    EXPECT_FALSE(result->server);
    EXPECT_FALSE(result->remainder);
    EXPECT_EQ(result->whyNoRemainder, "the server has no statistics extension");
    EXPECT_GT(result->sendMean, 0);
}

} // namespace
} // namespace gantry::load
