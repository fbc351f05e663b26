#include "trace_model/import/child_program.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace gantry::importing {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kKeptText = 4096;
constexpr std::chrono::milliseconds kLook{20}; // between looks at the stop and the program

/// What posix_spawn() is told: a process group of its own, every signal as by default, both outputs to the pipe.
class SpawnSettings
{
public:
    explicit SpawnSettings(int outputPipe)
    {
        posix_spawn_file_actions_init(&m_files);
        posix_spawn_file_actions_addopen(&m_files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&m_files, outputPipe, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&m_files, outputPipe, STDERR_FILENO);
        posix_spawnattr_init(&m_attributes);
        posix_spawnattr_setflags(&m_attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        posix_spawnattr_setpgroup(&m_attributes, 0);
        sigset_t signals;
        sigemptyset(&signals);
        posix_spawnattr_setsigmask(&m_attributes, &signals);
        sigfillset(&signals);
        posix_spawnattr_setsigdefault(&m_attributes, &signals);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
    ~SpawnSettings()
    {
        posix_spawnattr_destroy(&m_attributes);
        posix_spawn_file_actions_destroy(&m_files);
    }

    [[nodiscard]] const posix_spawn_file_actions_t* files() const { return &m_files; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const { return &m_attributes; }

private:
    posix_spawn_file_actions_t m_files{};
    posix_spawnattr_t m_attributes{};
};

/// A started program; its group is killed and it is reaped with this object.
class Program
{
public:
    Program(pid_t pid, int output) : m_pid(pid), m_output(output) {}
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program()
    {
        signalGroup(SIGKILL);
        if (!m_isReaped)
            static_cast<void>(reap());
        close(m_output);
    }

    /// Nothing is signalled after the program was reaped: its number may be another's by then.
    void signalGroup(int number) const
    {
        if (!m_isReaped)
            kill(-m_pid, number);
    }

    /// Whether it has ended; it stays to be reaped.
    [[nodiscard]] bool hasEnded() const
    {
        siginfo_t info{};
        return waitid(P_PID, static_cast<id_t>(m_pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == m_pid;
    }

    int reap()
    {
        int status = 0;
        while (waitpid(m_pid, &status, 0) < 0 && errno == EINTR) {
        }
        m_isReaped = true;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    /// Waits up to `time` for output and hands out what is there. False: there was none.
    template <typename Take>
    bool read(std::chrono::milliseconds time, Take take)
    {
        pollfd waited{m_isOutputOpen ? m_output : -1, POLLIN, 0}; // poll(2): a negative one is passed over
        if (poll(&waited, 1, static_cast<int>(time.count())) <= 0)
            return false;
        std::array<char, 4096> bytes;
        const ssize_t got = ::read(m_output, bytes.data(), bytes.size());
        if (got > 0)
            take(std::string_view(bytes.data(), static_cast<std::size_t>(got)));
        m_isOutputOpen = got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
        return got > 0;
    }

private:
    pid_t m_pid;
    int m_output;
    bool m_isReaped = false, m_isOutputOpen = true;
};

} // namespace

Result<ProgramEnd> runProgram(const std::vector<std::string>& command, const std::function<void(std::string_view)>& output,
                              const std::stop_token& stop, std::chrono::milliseconds grace)
{
    std::vector<char*> arguments;
    for (const std::string& argument : command)
        arguments.push_back(const_cast<char*>(argument.c_str())); // posix_spawn() does not write there
    arguments.push_back(nullptr);
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC) != 0)
        return errnoError(errno, "cannot start " + command.front());
    pid_t pid = 0;
    const SpawnSettings settings(pipe[1]);
    const int failure = posix_spawn(&pid, arguments.front(), settings.files(), settings.attributes(), arguments.data(), environ);
    close(pipe[1]);
    if (failure != 0) {
        close(pipe[0]);
        return Error{ErrorCode::Unsupported, errnoError(failure, "cannot start " + command.front()).message, {}};
    }
    fcntl(pipe[0], F_SETFL, O_NONBLOCK);
    Program program(pid, pipe[0]);

    ProgramEnd end;
    const auto take = [&](std::string_view text) {
        end.lastText += text;
        if (end.lastText.size() > 2 * kKeptText)
            end.lastText.erase(0, end.lastText.size() - kKeptText);
        output(text);
    };
    std::optional<steady_clock::time_point> stoppedAt;
    while (!program.hasEnded()) {
        program.read(kLook, take);
        if (!stop.stop_requested())
            continue;
        if (!stoppedAt)
            program.signalGroup(SIGTERM);
        else if (steady_clock::now() > *stoppedAt + grace)
            program.signalGroup(SIGKILL);
        stoppedAt = stoppedAt.value_or(steady_clock::now());
    }
    // What it started and left may hold the pipe open: only what is there is read.
    while (program.read(std::chrono::milliseconds(0), take)) {
    }
    program.signalGroup(SIGKILL);
    end.exitStatus = program.reap();
    if (stoppedAt)
        return Error{ErrorCode::Cancelled, command.front() + " was cancelled", {}};
    return end;
}

} // namespace gantry::importing
