#include "remote_server/node/stdio_relay.h"

#include "trace_model/base/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <stop_token>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace gantry::node {
namespace {

constexpr const char* kIdleExit = "10m";
constexpr int kBusyStatus = 75; ///< exitStatus(ErrorCode::Busy)
constexpr int kUnreachableStatus = 69;
constexpr int kLookEveryMs = 20;
constexpr std::chrono::seconds kStartPatience{60}; ///< NVML takes seconds where no persistence daemon keeps the driver awake
constexpr std::chrono::seconds kOtherPatience{5};  ///< with another gantryd, which has the folder and should listen
constexpr std::size_t kCopyBytes = 256 * 1024;

int complain(int status, const std::string& sentence)
{
    std::fprintf(stderr, "gantryd: %s\n", sentence.c_str());
    return status;
}

UniqueFd connectTo(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? std::move(fd) : UniqueFd();
}

bool writeAll(int fd, const char* bytes, std::size_t size)
{
    while (size > 0) {
        const ssize_t written = ::write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        size -= static_cast<std::size_t>(written);
    }
    return true;
}

enum class CopyEnd
{
    Input,  ///< is at its end
    Output, ///< nobody reads it
    Told,   ///< by `wake`
};

/// From one to the other, as they are: descriptors that others share must keep blocking. `wake` -1: nobody tells.
CopyEnd copyBytes(int from, int to, int wake)
{
    std::vector<char> buffer(kCopyBytes);
    for (;;) {
        pollfd events[] = {{from, POLLIN, 0}, {wake, POLLIN, 0}};
        if (::poll(events, std::size(events), -1) < 0 && errno == EINTR)
            continue;
        if (events[1].revents != 0)
            return CopyEnd::Told;
        const ssize_t size = ::read(from, buffer.data(), buffer.size());
        if (size < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (size <= 0)
            return CopyEnd::Input;
        if (!writeAll(to, buffer.data(), static_cast<std::size_t>(size)))
            return CopyEnd::Output;
    }
}

/// A gantryd in the background. Its standard error comes here until it listens.
class StartedDaemon
{
public:
    /// Errno, or 0.
    int start(const std::vector<std::string>& arguments)
    {
        int errors[2] = {-1, -1};
        if (::pipe2(errors, O_CLOEXEC) != 0)
            return errno;
        m_errors.reset(errors[0]);
        const UniqueFd theirs(errors[1]);
        ::fcntl(errors[0], F_SETFL, O_NONBLOCK);
        posix_spawn_file_actions_t files;
        ::posix_spawn_file_actions_init(&files);
        // It outlives this program, whose own output nobody must have to wait for because of it.
        ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_adddup2(&files, theirs.get(), STDERR_FILENO);
        ::posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
        posix_spawnattr_t attributes;
        ::posix_spawnattr_init(&attributes);
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
        std::vector<char*> argv;
        for (const std::string& argument : arguments)
            argv.push_back(const_cast<char*>(argument.c_str()));
        argv.push_back(nullptr);
        const int failure = ::posix_spawn(&m_pid, "/proc/self/exe", &files, &attributes, argv.data(), environ);
        ::posix_spawnattr_destroy(&attributes);
        ::posix_spawn_file_actions_destroy(&files);
        return failure;
    }

    /// Waits a moment; its exit status once it has ended, 128 and more after a signal.
    std::optional<int> look()
    {
        pollfd ready{m_errors.get(), POLLIN, 0};
        ::poll(&ready, 1, kLookEveryMs);
        int status = 0;
        const bool hasEnded = ::waitpid(m_pid, &status, WNOHANG) == m_pid;
        readErrors(); // also so that its log never waits for us
        if (!hasEnded)
            return std::nullopt;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    [[nodiscard]] const std::string& errors() const { return m_text; }

private:
    void readErrors()
    {
        std::array<char, 4096> bytes;
        for (ssize_t size = 0; (size = ::read(m_errors.get(), bytes.data(), bytes.size())) > 0;)
            m_text.append(bytes.data(), static_cast<std::size_t>(size));
        if (m_text.size() > kCopyBytes)
            m_text.erase(0, m_text.size() - kCopyBytes);
    }

    pid_t m_pid = -1;
    UniqueFd m_errors;
    std::string m_text;
};

/// A connection to the daemon that runs or is started; else the exit status, and the sentence has been said.
struct Connection
{
    UniqueFd socket;
    int status = 0;
};

Connection startAndConnect(const std::string& path, const std::vector<std::string>& arguments)
{
    StartedDaemon daemon;
    if (const int failure = daemon.start(arguments); failure != 0)
        return {{}, complain(kUnreachableStatus, std::string("cannot start a gantryd in the background: ") + std::strerror(failure))};
    auto until = std::chrono::steady_clock::now() + kStartPatience;
    bool isOther = false; // somebody has just started one, or had it listening elsewhere all the time
    while (std::chrono::steady_clock::now() < until) {
        if (UniqueFd socket = connectTo(path))
            return {std::move(socket), 0};
        if (isOther) {
            ::poll(nullptr, 0, kLookEveryMs);
            continue;
        }
        const std::optional<int> ended = daemon.look();
        isOther = ended == kBusyStatus;
        if (isOther)
            until = std::chrono::steady_clock::now() + kOtherPatience;
        else if (ended) {
            std::fputs(daemon.errors().c_str(), stderr);
            return {{}, complain(*ended == 0 ? kUnreachableStatus : *ended, "the gantryd that was to run in the background ended at once")};
        }
    }
    std::fputs(daemon.errors().c_str(), stderr);
    return {{}, complain(isOther ? kBusyStatus : kUnreachableStatus, "no gantryd listens on " + path)};
}

int relay(const UniqueFd& socket)
{
    const UniqueFd wake(::eventfd(0, EFD_CLOEXEC));
    CopyEnd outputEnd = CopyEnd::Input;
    std::jthread output([&] {
        outputEnd = copyBytes(socket.get(), STDOUT_FILENO, -1);
        ::eventfd_write(wake.get(), 1);
    });
    const CopyEnd inputEnd = copyBytes(STDIN_FILENO, socket.get(), wake.get());
    // Who has sent everything may still read; the daemon ends the connection. Where nobody reads there is nothing to wait for.
    ::shutdown(socket.get(), inputEnd == CopyEnd::Input ? SHUT_WR : SHUT_RDWR);
    output.join();
    if (inputEnd == CopyEnd::Input || outputEnd == CopyEnd::Output)
        return 0;
    return complain(kUnreachableStatus, "the daemon ended the connection");
}

} // namespace

int relayStdio(const ListenOptions& options, std::vector<std::string> arguments)
{
    if (::isatty(STDIN_FILENO) || ::isatty(STDOUT_FILENO))
        return complain(
            64, "--stdio speaks gRPC with a program, not with a terminal: connect with `gantryctl --node 'exec:COMMAND'`, where COMMAND "
                "runs `gantryd --stdio` without a terminal (kubectl exec -i, not -it)");
    const auto path = prepareSocketPath(options);
    if (!path) {
        return complain(exitStatus(path.error().code), path.error().text());
    }
    ::signal(SIGPIPE, SIG_IGN);
    Connection connection{connectTo(*path), 0};
    if (!connection.socket) {
        const auto isGiven = [&](std::string_view option) {
            return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
                return argument == option || argument.starts_with(std::string(option) + "=");
            });
        };
        if (!isGiven("--idle-exit") && !isGiven("--pinned"))
            arguments.insert(arguments.end(), {"--idle-exit", kIdleExit});
        connection = startAndConnect(*path, arguments);
    }
    return connection.socket ? relay(connection.socket) : connection.status;
}

} // namespace gantry::node
