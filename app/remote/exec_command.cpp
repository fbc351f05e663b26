#include "app/remote/exec_command.h"

#include "remote_server/proto/convert.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <iterator>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char** environ;

namespace gantry::app {

namespace {

constexpr std::size_t kKeptErrorBytes = 4096;
constexpr int kLookEveryMs = 200;
constexpr std::size_t kShownBytes = 400;
/// Of each step of the end: the input's, SIGTERM, SIGKILL.
constexpr std::chrono::milliseconds kEndPatience{150};
/// Between the end of the output and that of the command, whose status tells why.
constexpr std::chrono::milliseconds kStatusPatience{1000};

/// RFC 9113, 4.1 and 6.5: the first that a server sends is a SETTINGS frame (type 4) of stream 0, in multiples of six bytes.
constexpr std::size_t kFrameHeaderBytes = 9;
bool isServersFirstFrame(const unsigned char* bytes)
{
    const unsigned length = bytes[0] << 16 | bytes[1] << 8 | bytes[2];
    return length % 6 == 0 && length <= 16'384 && bytes[3] == 4 && bytes[4] == 0 &&
           std::all_of(bytes + 5, bytes + 9, [](unsigned char byte) { return byte == 0; });
}

/// Text of a stranger for a sentence, on one line: of a long one the last lines that fit.
std::string shown(std::string_view text)
{
    text = text.substr(0, text.find_last_not_of(" \r\n") + 1);
    if (text.size() > kShownBytes) {
        text = text.substr(text.size() - kShownBytes);
        text = text.substr(std::min(text.find('\n') + 1, text.size())); // none: all of it
    }
    std::string line;
    for (const char c : text) {
        const bool isBlank = static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
        if (!isBlank)
            line.push_back(c);
        else if (!line.empty() && line.back() != ' ')
            line.push_back(' ');
    }
    return proto::validUtf8(line);
}

std::string statusText(int status)
{
    if (WIFSIGNALED(status))
        return fmt::format("it was ended by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
    return fmt::format("it ended with exit status {}", WEXITSTATUS(status));
}

class SpawnActions
{
public:
    SpawnActions() { ::posix_spawn_file_actions_init(&actions); }
    ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions); }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;

    posix_spawn_file_actions_t actions;
};

} // namespace

Result<std::unique_ptr<ExecCommand>> ExecCommand::start(std::vector<std::string> argv)
{
    std::unique_ptr<ExecCommand> command(new ExecCommand(std::move(argv)));
    GANTRY_CHECK(command->spawn());
    command->m_watcher = std::jthread([raw = command.get()](const std::stop_token& stop) { raw->watch(stop); });
    return command;
}

Result<void> ExecCommand::spawn()
{
    int stream[2] = {-1, -1}, errors[2] = {-1, -1};
    const bool hasStream = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) == 0;
    m_stream.reset(stream[0]);
    const UniqueFd theirs(stream[1]);
    const bool hasErrors = ::pipe2(errors, O_CLOEXEC) == 0;
    m_errors.reset(errors[0]);
    const UniqueFd theirErrors(errors[1]);
    m_wake.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    m_streamCopy.reset(hasStream ? ::fcntl(stream[0], F_DUPFD_CLOEXEC, 0) : -1);
    // gRPC wants its end not to block; the command has a description of its own.
    if (!hasStream || !hasErrors || !m_wake || !m_streamCopy || ::fcntl(stream[0], F_SETFL, O_NONBLOCK) != 0 ||
        ::fcntl(errors[0], F_SETFL, O_NONBLOCK) != 0)
        return errnoError(errno, fmt::format("cannot start {}", m_argv.front()));

    SpawnActions files;
    ::posix_spawn_file_actions_adddup2(&files.actions, theirs.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files.actions, theirs.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files.actions, theirErrors.get(), STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&files.actions, STDERR_FILENO + 1);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none, ours;
    sigemptyset(&none);
    sigemptyset(&ours); // that this program may ignore
    for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD})
        sigaddset(&ours, number);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &ours);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> argv;
    for (std::string& word : m_argv)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    const int failure = ::posix_spawnp(&m_pid, argv.front(), &files.actions, &attributes, argv.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    if (failure != 0) {
        m_pid = -1;
        return Error{ErrorCode::Unreachable,
                     fmt::format("cannot run {}: {}; is it installed, and in a folder of PATH?", m_argv.front(), std::strerror(failure)),
                     {}};
    }
    m_process.reset(static_cast<int>(::syscall(SYS_pidfd_open, m_pid, 0)));
    return {};
}

ExecCommand::~ExecCommand()
{
    if (!m_watcher.joinable())
        return;
    ::shutdown(m_streamCopy.get(), SHUT_RDWR);
    m_watcher.request_stop();
    ::eventfd_write(m_wake.get(), 1);
}

/// Its own thread: reads standard error, waits for the end, and brings it about.
void ExecCommand::watch(const std::stop_token& stop)
{
    while (!stop.stop_requested() && !hasEnded()) {
        pollfd events[] = {{m_errors.get(), POLLIN, 0}, {m_process.get(), POLLIN, 0}, {m_wake.get(), POLLIN, 0}};
        ::poll(events, std::size(events), m_process ? -1 : kLookEveryMs); // kernels and sandboxes may lack pidfd_open
        if (events[0].revents != 0)
            readErrors();
        if (events[1].revents != 0 || !m_process)
            takeStatus();
    }
    end();
}

/// Children of the command may hold its standard error for longer than it lives: nobody waits for those.
void ExecCommand::readErrors()
{
    char bytes[kKeptErrorBytes];
    for (ssize_t size = 1; size > 0;) {
        size = ::read(m_errors.get(), bytes, sizeof bytes);
        if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
            m_errors.reset(); // poll() passes over what is negative
        const std::lock_guard lock(m_mutex);
        m_said.append(bytes, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        m_saidBytes += static_cast<std::uint64_t>(std::max<ssize_t>(size, 0));
        m_said.erase(0, m_said.size() > kKeptErrorBytes ? m_said.size() - kKeptErrorBytes : 0);
    }
}

void ExecCommand::takeStatus()
{
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(m_pid, &status, WNOHANG)) < 0 && errno == EINTR) {
    }
    if (ended == 0)
        return;
    if (m_errors)
        readErrors();
    const std::lock_guard lock(m_mutex);
    m_hasEnded = true;
    if (ended == m_pid)
        m_status = status;
    m_changed.notify_all();
}

/// The input has ended already. Whatever is left gets the signals, with what it has started.
void ExecCommand::end()
{
    for (const int number : {0, SIGTERM, SIGKILL}) {
        if (hasEnded())
            return;
        if (number != 0)
            ::kill(-m_pid, number);
        pollfd ended{m_process.get(), POLLIN, 0};
        ::poll(&ended, 1, static_cast<int>(kEndPatience.count()));
        takeStatus();
    }
}

bool ExecCommand::waitForEnd(std::chrono::milliseconds timeout) const
{
    std::unique_lock lock(m_mutex);
    return m_changed.wait_for(lock, timeout, [this] { return m_hasEnded; });
}

bool ExecCommand::hasEnded() const
{
    const std::lock_guard lock(m_mutex);
    return m_hasEnded;
}

std::string ExecCommand::state() const
{
    const std::lock_guard lock(m_mutex);
    std::string text = !m_hasEnded ? "it still runs" : m_status ? statusText(*m_status) : "it has ended";
    if (const std::string said = shown(m_said); !said.empty())
        text += fmt::format(", and said{}: {}", m_saidBytes > kShownBytes ? " at last" : "", said);
    return text;
}

std::string ExecCommand::stateAfterEnd() const
{
    (void)waitForEnd(kStatusPatience);
    return state();
}

Error ExecCommand::unreachable(std::string_view problem) const
{
    const std::lock_guard lock(m_mutex);
    const std::string_view hint = m_said.empty() ? "; it must run `gantryd --stdio` there" : "";
    return Error{ErrorCode::Unreachable, fmt::format("no gantryd through `{}`: {}{}", fmt::join(m_argv, " "), problem, hint), {}};
}

Result<void> ExecCommand::awaitServer(std::chrono::milliseconds timeout, const std::stop_token& stop)
{
    const UniqueFd stopped(::eventfd(0, EFD_CLOEXEC));
    const std::stop_callback wake(stop, [&stopped] { ::eventfd_write(stopped.get(), 1); });
    const auto until = std::chrono::steady_clock::now() + timeout;
    unsigned char bytes[kShownBytes] = {};
    std::size_t known = 0;
    for (;;) {
        const ssize_t size = ::recv(m_stream.get(), bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
        const bool isOver = size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
        known = size > 0 ? static_cast<std::size_t>(size) : known;
        if (known >= kFrameHeaderBytes && isServersFirstFrame(bytes))
            return {};
        const std::string_view text(reinterpret_cast<const char*>(bytes), known);
        if (known >= kFrameHeaderBytes || (isOver && known > 0))
            return unreachable(
                fmt::format("it printed '{}' where gRPC begins; nothing else may write to its standard output, neither a start-up file of "
                            "a shell nor a terminal (leave out -t)",
                            shown(text.substr(0, text.find('\n')))));
        if (isOver)
            return unreachable(stateAfterEnd());
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
        if (left <= 0)
            return unreachable(fmt::format("nothing came within {:g} s, {}", static_cast<double>(timeout.count()) / 1e3, state()));
        // What is there but not enough would keep poll() from waiting.
        pollfd events[] = {{stopped.get(), POLLIN, 0}, {known > 0 ? -1 : m_stream.get(), POLLIN, 0}};
        ::poll(events, std::size(events), static_cast<int>(known > 0 ? std::min<long>(left, 10) : left));
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "connecting was cancelled", {}};
    }
}

int ExecCommand::releaseStream()
{
    return m_stream.release();
}

} // namespace gantry::app
