#pragma once

#include <csignal>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gantry::test {

/// A copy of this process that runs a function, whose value is its exit status. Killed and reaped with this object. For processes that
/// have one thread at that time.
class ForkedProcess
{
public:
    explicit ForkedProcess(const std::function<int()>& work) : m_pid(::fork())
    {
        if (m_pid < 0)
            throw std::runtime_error("cannot fork");
        if (m_pid == 0)
            ::_exit(work());
    }
    ForkedProcess(const ForkedProcess&) = delete;
    ForkedProcess& operator=(const ForkedProcess&) = delete;
    ~ForkedProcess() { kill(); }

    [[nodiscard]] pid_t pid() const { return m_pid; }
    /// Waits for the end. The exit status; -1: ended by a signal.
    int wait()
    {
        int status = 0;
        if (m_pid < 0 || ::waitpid(std::exchange(m_pid, -1), &status, 0) < 0)
            return -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    /// SIGKILL, and waits for the end.
    void kill()
    {
        if (m_pid > 0)
            ::kill(m_pid, SIGKILL);
        wait();
    }
    /// Returns when the process stands still.
    void stop() const
    {
        ::kill(m_pid, SIGSTOP);
        int status = 0;
        ::waitpid(m_pid, &status, WUNTRACED);
    }
    void resume() const { ::kill(m_pid, SIGCONT); }

private:
    pid_t m_pid;
};

/// Whether a process has a file of a folder open that has bytes already.
[[nodiscard]] inline bool isWritingIn(pid_t pid, const std::filesystem::path& folder)
{
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone)) {
        struct stat info = {};
        if (std::filesystem::read_symlink(entry.path(), gone).string().starts_with(folder.string() + "/") &&
            ::stat(entry.path().c_str(), &info) == 0 && info.st_size > 0)
            return true;
    }
    return false;
}

/// Whether files can be written in a folder that have no name there: open(2), O_TMPFILE.
[[nodiscard]] inline bool hasNamelessFiles(const std::filesystem::path& folder)
{
    const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        ::close(fd);
    return fd >= 0;
}

} // namespace gantry::test
