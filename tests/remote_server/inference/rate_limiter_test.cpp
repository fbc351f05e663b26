#include "remote_server/inference/rate_limiter.h"

#include "tests/support/child_process.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace gantry::inference_server {
namespace {

inference::ModelRateLimiter wants(const std::string& text)
{
    inference::ModelRateLimiter limiter;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &limiter));
    return limiter;
}

TEST(RateLimiter, LetsInstancesInAsFarAsTheResourceGoes)
{
    RateLimiter limiter({{{"R", RateLimiter::kEveryDevice}, 3}});
    RateLimiter::Member two(limiter, wants("resources { name: \"R\" count: 2 }"), 0);
    RateLimiter::Member another(limiter, wants("resources { name: \"R\" count: 2 }"), 0);
    RateLimiter::Member elsewhere(limiter, wants("resources { name: \"R\" count: 2 }"), 1);
    two.begin();
    elsewhere.begin(); // a device of its own
    std::atomic<bool> entered = false;
    std::jthread waiting([&] {
        another.begin();
        entered = true;
        another.end();
    });
    EXPECT_EQ(limiter.inUse("R", 0), 2u);
    EXPECT_FALSE(entered);
    two.end();
    waiting.join();
    EXPECT_TRUE(entered);
    EXPECT_EQ(limiter.inUse("R", 0), 0u);
    elsewhere.end();
}

TEST(RateLimiter, AGlobalResourceIsSharedByAllDevices)
{
    RateLimiter limiter({});
    const auto config = wants("resources { name: \"R\" global: true count: 1 }");
    RateLimiter::Member first(limiter, config, 0), second(limiter, config, 1);
    first.begin();
    std::atomic<bool> entered = false;
    std::jthread waiting([&] {
        second.begin();
        entered = true;
    });
    EXPECT_EQ(limiter.inUse("R", RateLimiter::kGlobal), 1u) << "there is as much as one instance wants";
    EXPECT_FALSE(entered);
    first.end();
    waiting.join();
    second.end();
}

TEST(RateLimiter, AMemberThatWantsMoreThanThereIsGetsItAlone)
{
    RateLimiter limiter({{{"R", RateLimiter::kEveryDevice}, 1}});
    RateLimiter::Member greedy(limiter, wants("resources { name: \"R\" count: 5 }"), 0);
    greedy.begin(); // it would wait for ever
    EXPECT_EQ(limiter.inUse("R", 0), 5u);
    greedy.end();
}

TEST(RateLimiter, WhoHadFewerTurnsForItsPriorityComesFirst)
{
    RateLimiter limiter({});
    const std::string resource = "resources { name: \"R\" count: 1 } ";
    RateLimiter::Member often(limiter, wants(resource + "priority: 1"), 0), seldom(limiter, wants(resource + "priority: 3"), 0);
    RateLimiter::Member busy(limiter, wants(resource), 0);
    const auto takeTurn = [](RateLimiter::Member& member) {
        member.begin();
        member.end();
    };
    /// Who is let in first when both wait.
    const auto first = [&] {
        std::mutex mutex;
        std::string order;
        const auto wait = [&](RateLimiter::Member& member, char name) {
            member.begin();
            {
                const std::lock_guard lock(mutex);
                order += name;
            }
            member.end();
        };
        busy.begin();
        {
            std::jthread a([&] { wait(often, 'o'); });
            std::jthread b([&] { wait(seldom, 's'); });
            EXPECT_TRUE(test::eventually([&] { return limiter.waiting() == 2; }));
            busy.end();
        }
        return order.front();
    };
    takeTurn(often);
    takeTurn(seldom);
    EXPECT_EQ(first(), 'o') << "one turn each, of which the other's counts three times";
    for (int turn = 0; turn < 10; ++turn)
        takeTurn(often);
    EXPECT_EQ(first(), 's') << "twelve turns by now, to two that count as six";
}

} // namespace
} // namespace gantry::inference_server
