#include "remote_server/load/load_run.h"

#include "remote_server/load/load_generator.h"
#include "tests/remote_server/load/scripted_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace gantry::load {
namespace {

using test::ScriptedServer;
using testing::HasSubstr;
namespace wire = ::inference;

/// Of this process, in bytes: proc(5), "statm".
struct Memory
{
    Memory()
    {
        std::ifstream("/proc/self/statm") >> addresses >> resident;
        const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
        addresses *= page;
        resident *= page;
    }
    std::uint64_t addresses = 0, resident = 0;
};

/// No more addresses than there are now and `more` bytes.
class LimitedAddresses
{
public:
    explicit LimitedAddresses(std::uint64_t more)
    {
        getrlimit(RLIMIT_AS, &m_before);
        rlimit limited = m_before;
        limited.rlim_cur = Memory().addresses + more;
        setrlimit(RLIMIT_AS, &limited);
    }
    LimitedAddresses(const LimitedAddresses&) = delete;
    LimitedAddresses& operator=(const LimitedAddresses&) = delete;
    ~LimitedAddresses() { setrlimit(RLIMIT_AS, &m_before); }

private:
    rlimit m_before{};
};

// The exception of the thread that could not be made waited for those that had been, which had no end.
TEST(LoadRun, SaysThatThereIsNoThreadForEachRequestInFlight)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer ends the process where a thread cannot be made";
#endif
    ScriptedServer server;
    LoadOptions options = server.options();
    options.concurrency = 20'000; // stacks of 8 MiB each
    options.ratePerSecond = 1e-3;
    const std::vector<ModelRequests> models{{"m", false, {grpc::Slice("")}}};
    const std::vector channels{grpc::CreateChannel(options.address, grpc::InsecureChannelCredentials())};
    ASSERT_TRUE(channels.front()->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(20)));
    const LimitedAddresses limited(1 << 30);
    const auto run = LoadRun::start(options, models, channels, "", {});
    ASSERT_FALSE(run);
    EXPECT_EQ(run.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(run.error().text(), HasSubstr("each of the 20000 requests in flight takes a thread, and after"));
    EXPECT_THAT(run.error().text(), HasSubstr("lower the concurrency"));
}

// Each of them had its own.
TEST(LoadRun, RequestsInFlightShareTheirInputs)
{
    ScriptedServer server;
    server.addInput("x", "FP32", {1'000'000 / 4});
    LoadOptions options = server.options();
    options.concurrency = 300;
    options.ratePerSecond = 0.5; // all but the first wait to leave
    options.distribution = Distribution::Constant;
    std::stop_source finish;
    options.finish = finish.get_token();
    const std::uint64_t before = Memory().resident;
    std::uint64_t during = 0;
    const auto result = runLoad(options, {}, [&](const LoadProgress&) {
        during = Memory().resident;
        finish.request_stop();
    });
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_GT(during, 0u);
    EXPECT_LT(during, before + 150'000'000) << "300 times a megabyte";
}

TEST(LoadRun, TheSharedInputsArriveWithAnIdOfTheirOwnRequest)
{
    ScriptedServer server;
    server.addInput("x", "INT32", {4});
    std::mutex mutex;
    std::set<std::string> ids, inputs;
    server.onInfer = [&](std::uint64_t, grpc::ServerContext&, const wire::ModelInferRequest& request) {
        const std::lock_guard lock(mutex);
        ids.insert(request.id());
        inputs.insert(request.inputs(0).name() + request.model_name() + request.raw_input_contents(0));
        return grpc::Status::OK;
    };
    LoadOptions options = server.options();
    options.count = 30;
    ASSERT_TRUE(runLoad(options, {}));
    EXPECT_EQ(ids.size(), 30u);
    EXPECT_EQ(inputs.size(), 1u);
}

// It was counted in the first window, with a latency from before it.
TEST(LoadRun, AnAnswerToTheWarmUpThatComesLateIsNotMeasured)
{
    ScriptedServer server;
    std::mutex mutex;
    std::condition_variable changed;
    bool isMeasuring = false;
    server.onInfer = [&](std::uint64_t number, grpc::ServerContext&, const wire::ModelInferRequest&) {
        if (number != 0)
            return grpc::Status::OK;
        std::unique_lock lock(mutex);
        changed.wait_for(lock, std::chrono::seconds(25), [&] { return isMeasuring; });
        return grpc::Status(grpc::StatusCode::INTERNAL, "from the warm-up");
    };
    LoadOptions options = server.options();
    options.concurrency = 2;
    options.warmUpCount = 3;
    std::stop_source finish;
    options.finish = finish.get_token();
    const auto result = runLoad(options, {}, [&](const LoadProgress& progress) {
        if (progress.window == 0)
            return;
        finish.request_stop();
        const std::lock_guard lock(mutex);
        isMeasuring = true;
        changed.notify_all();
    });
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_GT(result->ok, 0u);
    EXPECT_THAT(result->errors, testing::IsEmpty());
    EXPECT_EQ(result->sent, result->ok);
}

// What the schedule was behind at the end of the warm-up took the place of requests that are measured.
TEST(LoadRun, RequestsThatTheWarmUpIsBehindWithLeaveAndDoNotCount)
{
    ScriptedServer server;
    server.onInfer = [](std::uint64_t number, grpc::ServerContext&, const wire::ModelInferRequest&) {
        if (number == 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(50)); // what it takes: the schedule has fifty others by then
        return grpc::Status::OK;
    };
    LoadOptions options = server.options();
    options.concurrency = 1;
    options.ratePerSecond = 1000;
    options.distribution = Distribution::Constant;
    options.warmUpCount = 1;
    options.count = 20;
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(result->sent, 20u);
    EXPECT_GE(server.requests, 20u + 49u);
}

TEST(LoadRun, MeasuresAsManyRequestsAsAskedForAfterAWarmUp)
{
    ScriptedServer server;
    LoadOptions options = server.options();
    options.concurrency = 8;
    options.warmUpCount = 20;
    options.count = 200;
    for (const double rate : {0.0, 2000.0}) {
        options.ratePerSecond = rate;
        const auto result = runLoad(options, {});
        ASSERT_TRUE(result) << result.error().text();
        EXPECT_EQ(result->sent, 200u) << rate;
    }
}

// 75,000 a second were counted.
TEST(LoadRun, AClosedLoopWaitsALittleBetweenRequestsThatFindNoServer)
{
    ScriptedServer server;
    LoadOptions options = server.options();
    options.concurrency = 1;
    options.duration = 1'000'000'000;
    std::promise<void> served;
    server.onInfer = [&](std::uint64_t number, auto&, const auto&) {
        if (number == 10)
            served.set_value();
        return grpc::Status::OK;
    };
    const std::jthread end([&] {
        served.get_future().wait();
        server.stop();
    });
    const auto result = runLoad(options, {});
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_GT(result->sent - result->ok, 0u);
    EXPECT_LE(result->sent - result->ok, 101u) << "one in 10 ms";
}

} // namespace
} // namespace gantry::load
