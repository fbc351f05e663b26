#include "app/cli/interrupts.h"

#include <condition_variable>
#include <csignal>
#include <gtest/gtest.h>
#include <mutex>
#include <sys/wait.h>
#include <unistd.h>

namespace gantry::cli {
namespace {

TEST(Interrupts, HandlerIsCalledAndTheProgramLives)
{
    Interrupts interrupts;
    std::mutex mutex;
    std::condition_variable changed;
    int last = 0;
    const InterruptScope scope(&interrupts, [&](int count) {
        const std::lock_guard lock(mutex);
        last = count;
        changed.notify_all();
    });
    for (int expected = 1; expected <= 2; ++expected) {
        ::kill(::getpid(), SIGINT);
        std::unique_lock lock(mutex);
        ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return last == expected; }));
    }
}

TEST(Interrupts, WithoutAHandlerTheSignalEndsTheProgram)
{
    const pid_t child = ::fork();
    if (child == 0) {
        const Interrupts interrupts;
        ::kill(::getpid(), SIGINT);
        for (;;)
            ::pause();
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGINT);
}

TEST(Interrupts, AfterItsScopeTheHandlerIsGone)
{
    const pid_t child = ::fork();
    if (child == 0) {
        Interrupts interrupts;
        { const InterruptScope scope(&interrupts, [](int) { ::_exit(3); }); }
        ::kill(::getpid(), SIGTERM);
        for (;;)
            ::pause();
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

} // namespace
} // namespace gantry::cli
