#pragma once

#include "tests/support/temporary_folder.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace gantry::test {

/// How a process ended, and what it wrote.
struct ProcessResult
{
    int exitStatus = -1; ///< -1: ended by `signal`
    int signal = 0;
    std::string out, err;
};

/// A program started with an argv (no shell), its output going to files. Killed and reaped with this object. One thread.
class ChildProcess
{
public:
    struct Options
    {
        std::map<std::string, std::string> environment; ///< added to ours
        std::function<void()> beforeExec;               ///< in the child, async-signal-safe calls only
    };

    explicit ChildProcess(const std::vector<std::string>& argv) : ChildProcess(argv, Options{}) {}
    ChildProcess(const std::vector<std::string>& argv, const Options& options);
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();

    [[nodiscard]] pid_t pid() const { return m_pid; }
    [[nodiscard]] bool isRunning();
    void signal(int number) const;
    /// SIGKILL, and waits for the end.
    void kill();
    /// Waits for the end; nothing when it has not ended in time.
    [[nodiscard]] std::optional<ProcessResult> wait(std::chrono::milliseconds timeout = std::chrono::seconds(60));
    /// What it has written to standard error so far.
    [[nodiscard]] std::string errorText() const;

private:
    void reap(int options);

    TemporaryFolder m_folder;
    pid_t m_pid = -1;
    std::optional<int> m_status; ///< as of waitpid
};

/// Runs a program to its end. Throws std::runtime_error when it takes longer than `timeout`.
[[nodiscard]] ProcessResult runProcess(const std::vector<std::string>& argv, std::chrono::milliseconds timeout = std::chrono::seconds(60));

/// Whether a process runs, ours or not. One that has ended and waits for its parent does not: nobody may ever wait for an orphan.
[[nodiscard]] bool isRunning(pid_t pid);

/// Asks until the condition holds or the time is over; says whether it held.
[[nodiscard]] bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds timeout = std::chrono::seconds(30));

} // namespace gantry::test
