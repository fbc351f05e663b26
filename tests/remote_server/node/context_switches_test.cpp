#include "remote_server/node/context_switches.h"

#include "remote_server/node/clock.h"
#include "tests/support/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace gantry::node {
namespace {

using testing::HasSubstr;

std::vector<ContextSwitch> ofThread(const ContextSwitches::Recorded& recorded, std::uint32_t tid)
{
    std::vector<ContextSwitch> result;
    std::copy_if(recorded.switches.begin(), recorded.switches.end(), std::back_inserter(result),
                 [&](const ContextSwitch& one) { return one.tid == tid; });
    return result;
}

/// A thread that sleeps and wakes again and again.
class Sleeper
{
public:
    Sleeper()
        : m_thread([this](std::stop_token stop) {
              m_tid = static_cast<std::uint32_t>(syscall(SYS_gettid));
              std::unique_lock lock(m_mutex);
              while (!stop.stop_requested())
                  m_never.wait_for(lock, std::chrono::milliseconds(1));
          })
    {
        while (m_tid == 0)
            std::this_thread::yield();
    }

    [[nodiscard]] std::uint32_t tid() const { return m_tid; }

private:
    std::mutex m_mutex;
    std::condition_variable m_never;
    std::atomic<std::uint32_t> m_tid{0};
    std::jthread m_thread;
};

class ContextSwitchesTest : public testing::Test
{
protected:
    void SetUp() override
    {
        if (const auto permitted = ContextSwitches::permitted(); !permitted)
            GTEST_SKIP() << permitted.error().text();
    }
};

TEST_F(ContextSwitchesTest, TellWhenAThreadRunsAndWhenItDoesNot)
{
    const Sleeper sleeper;
    const std::int64_t begin = monotonicNow();
    ContextSwitches switches;
    switches.add(getpid());
    EXPECT_TRUE(test::eventually([&] { return ofThread(switches.recorded(getpid()), sleeper.tid()).size() > 20; }));
    const auto recorded = ofThread(switches.recorded(getpid()), sleeper.tid());
    for (std::size_t i = 0; i < recorded.size(); ++i) {
        EXPECT_GE(recorded[i].monotonicNs, begin);
        EXPECT_LE(recorded[i].monotonicNs, monotonicNow());
        if (i > 0) {
            EXPECT_NE(recorded[i].isIn, recorded[i - 1].isIn) << "switch " << i;
            EXPECT_GE(recorded[i].monotonicNs, recorded[i - 1].monotonicNs);
        }
    }
}

TEST_F(ContextSwitchesTest, FindThreadsThatBeginLater)
{
    ContextSwitches switches;
    switches.add(getpid());
    const Sleeper sleeper;
    EXPECT_TRUE(test::eventually([&] { return ofThread(switches.recorded(getpid()), sleeper.tid()).size() > 2; }));
}

TEST_F(ContextSwitchesTest, OfAThreadThatNeverSleepsSayThatItRuns)
{
    std::atomic<std::uint32_t> tid{0};
    const std::jthread spinning([&](std::stop_token stop) {
        tid = static_cast<std::uint32_t>(syscall(SYS_gettid));
        while (!stop.stop_requested()) {
        }
    });
    while (tid == 0)
        std::this_thread::yield();
    ContextSwitches switches;
    switches.add(getpid());
    EXPECT_TRUE(test::eventually([&] {
        const auto recorded = ofThread(switches.recorded(getpid()), tid);
        return !recorded.empty() && std::any_of(recorded.begin(), recorded.end(), [](const auto& one) { return one.isIn; });
    }));
}

TEST_F(ContextSwitchesTest, ForgetWhatIsOlderThanWasAskedFor)
{
    constexpr DurationNs kKept = 50'000'000;
    const Sleeper sleeper;
    ContextSwitches switches(kKept);
    switches.add(getpid());
    const auto oldest = [&] {
        const auto recorded = switches.recorded(getpid());
        return recorded.switches.empty() ? 0 : recorded.switches.front().monotonicNs;
    };
    EXPECT_TRUE(test::eventually([&] { return oldest() != 0; }));
    const std::int64_t first = oldest();
    EXPECT_TRUE(test::eventually([&] { return oldest() > first + kKept; }));
}

TEST_F(ContextSwitchesTest, OfAProcessThatIsNotThereAreNone)
{
    ContextSwitches switches;
    switches.add(999'999'999);
    EXPECT_TRUE(switches.recorded(999'999'999).switches.empty());
    EXPECT_TRUE(switches.recorded(1).switches.empty()) << "nobody asked for it";
}

TEST(PerfEventError, SaysWhichSettingForbidsIt)
{
    const Error paranoid = perfEventError(EACCES, 3);
    EXPECT_EQ(paranoid.code, ErrorCode::NotPermitted);
    EXPECT_THAT(paranoid.message, HasSubstr("kernel.perf_event_paranoid is 3"));
    EXPECT_THAT(paranoid.message, HasSubstr("sysctl kernel.perf_event_paranoid=2"));
    const Error container = perfEventError(EPERM, 2);
    EXPECT_EQ(container.code, ErrorCode::NotPermitted);
    EXPECT_THAT(container.message, HasSubstr("though kernel.perf_event_paranoid is 2"));
    EXPECT_THAT(container.message, HasSubstr("seccomp"));
    EXPECT_THAT(perfEventError(EPERM, std::nullopt).message, HasSubstr("seccomp"));
    EXPECT_EQ(perfEventError(ENOSYS, std::nullopt).code, ErrorCode::Unsupported);
}

} // namespace
} // namespace gantry::node
