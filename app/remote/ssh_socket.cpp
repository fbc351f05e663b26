#include "app/remote/ssh_socket.h"

#include "app/remote/ssh_words.h"

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>

extern char** environ; // environ(7)

namespace gantry::app {

namespace {

constexpr int kSendBuffer = 1 << 20; // the kernel gives what wmem_max allows: socket(7)
constexpr std::chrono::seconds kConnectTimeout{10}; // without ConnectTimeout
constexpr int kSilentPeerMs = 30'000;
constexpr int kKeepAliveIdleS = 15;

using AddressList = std::shared_ptr<addrinfo>;

Error cancelled()
{
    return Error{ErrorCode::Cancelled, "connecting was cancelled", {}};
}

/// getaddrinfo(3), but for its wait, which nothing ends: it has a thread of its own that is left behind when the caller gives up, with
/// everything it touches in shared hands.
Result<AddressList> lookUp(const SshHost& host, const std::stop_token& stop)
{
    struct Lookup
    {
        std::mutex mutex;
        std::condition_variable_any done;
        bool isDone = false;
        int failure = 0;
        AddressList addresses;
    };
    const auto lookup = std::make_shared<Lookup>();
    std::thread([lookup, name = host.hostName, port = std::to_string(host.port), family = host.addressFamily] {
        addrinfo hints{}, *found = nullptr;
        hints.ai_family = family;
        hints.ai_socktype = SOCK_STREAM;
        const int failure = ::getaddrinfo(name.c_str(), port.c_str(), &hints, &found);
        const std::lock_guard lock(lookup->mutex);
        lookup->failure = failure;
        if (failure == 0)
            lookup->addresses = AddressList(found, &::freeaddrinfo);
        lookup->isDone = true;
        lookup->done.notify_all();
    }).detach();
    std::unique_lock lock(lookup->mutex);
    if (!lookup->done.wait(lock, stop, [&] { return lookup->isDone; }))
        return cancelled();
    if (lookup->failure != 0)
        return Error{ErrorCode::Unreachable,
                     fmt::format("there is no address for {}: {}; is the name spelled as in ~/.ssh/config, and is the network (or VPN) up?",
                                 host.hostName, ::gai_strerror(lookup->failure)),
                     {}};
    return lookup->addresses;
}

std::string numericAddress(const addrinfo& address)
{
    char host[NI_MAXHOST] = {};
    ::getnameinfo(address.ai_addr, address.ai_addrlen, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
    return host;
}

/// 0, or the errno of what failed; ECANCELED when `wake` was written.
int connectWithin(int socket, const addrinfo& address, std::chrono::milliseconds timeout, int wake)
{
    if (::connect(socket, address.ai_addr, address.ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    pollfd waiting[] = {{socket, POLLOUT, 0}, {wake, POLLIN, 0}};
    const int ready = ::poll(waiting, 2, static_cast<int>(timeout.count()));
    if (ready < 0)
        return errno;
    if (waiting[1].revents != 0)
        return ECANCELED;
    if (ready == 0)
        return ETIMEDOUT;
    int failure = 0;
    socklen_t size = sizeof failure;
    ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &size);
    return failure;
}

void setTcpOptions(int socket)
{
    const auto set = [&](int level, int option, int value) { (void)::setsockopt(socket, level, option, &value, sizeof value); };
    set(IPPROTO_TCP, TCP_NODELAY, 1); // else small messages wait 40 ms for the acknowledgement of the one before
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleS);
    set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIdleS / 3);
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, kSilentPeerMs);
}

Error cannotConnect(const SshHost& host, const std::string& address, int failure)
{
    const char* hint = "is the machine on, and is the network (or VPN) up?";
    if (failure == ECONNREFUSED)
        hint = "the machine is there, but no sshd listens on this port: is the port right?";
    else if (failure == ETIMEDOUT)
        hint = "nothing answered: is the machine on, is the address right, does a firewall keep you out?";
    return Error{ErrorCode::Unreachable,
                 fmt::format("cannot connect to {} at {} port {}: {}; {}", host.alias, address, host.port, std::strerror(failure), hint),
                 {}};
}

} // namespace

Result<UniqueFd> connectTcp(const SshHost& host, const OnConnectStep& onStep, std::stop_token stop)
{
    onStep(ConnectStep::Resolve, host.hostName);
    GANTRY_TRY(const AddressList addresses, lookUp(host, stop));
    const UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const std::stop_callback wakeUp(stop, [&wake] { (void)::eventfd_write(wake.get(), 1); });
    const std::chrono::milliseconds timeout =
        host.connectTimeoutSeconds ? std::chrono::seconds(*host.connectTimeoutSeconds) : kConnectTimeout;
    Error last{ErrorCode::Unreachable, fmt::format("{} has no address", host.hostName), {}};
    for (const addrinfo* address = addresses.get(); address; address = address->ai_next) {
        const std::string shown = numericAddress(*address);
        onStep(ConnectStep::Connect, fmt::format("{} port {}", shown, host.port));
        UniqueFd socket(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const int failure = socket ? connectWithin(socket.get(), *address, timeout, wake.get()) : errno;
        if (failure == ECANCELED || stop.stop_requested())
            return cancelled();
        if (failure == 0) {
            setTcpOptions(socket.get());
            return socket;
        }
        last = cannotConnect(host, shown, failure);
    }
    return last;
}

Result<std::unique_ptr<ProxyProcess>> ProxyProcess::start(const std::string& command)
{
    auto process = std::unique_ptr<ProxyProcess>(new ProxyProcess());
    GANTRY_TRY(auto ends, streamPair());
    int errors[2] = {-1, -1};
    if (::pipe2(errors, O_CLOEXEC | O_NONBLOCK) != 0) // what does not fit is lost to the child, which must not wait for us
        return errnoError(errno, "cannot make a pipe");
    process->m_errors = UniqueFd(errors[0]);
    const UniqueFd theirErrors(errors[1]);
    // A program expects its standard input and output to block.
    (void)::fcntl(ends.second.get(), F_SETFL, 0);

    const char* const fromEnvironment = std::getenv("SHELL");
    const std::string shell = fromEnvironment && *fromEnvironment ? fromEnvironment : "/bin/sh";
    std::string name = shell, flag = "-c", text = "exec " + command;
    char* const argv[] = {name.data(), flag.data(), text.data(), nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends.second.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends.second.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, theirErrors.get(), STDERR_FILENO);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    // Signals may be blocked here, and Ctrl-C is for us: a group of its own, with everything at its default.
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    const int failure = ::posix_spawn(&process->m_pid, shell.c_str(), &actions, &attributes, argv, environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) {
        process->m_pid = -1;
        Error error = errnoError(failure, fmt::format("cannot start {} for the ProxyCommand", shell));
        error.code = ErrorCode::Unreachable;
        return error;
    }
    process->m_socket = std::move(ends.first);
    return process;
}

ProxyProcess::~ProxyProcess()
{
    if (m_pid < 0)
        return;
    ::kill(-m_pid, SIGKILL);
    while (::waitpid(m_pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

std::string ProxyProcess::complaint() const
{
    std::string text(4096, '\0');
    const ssize_t count = ::read(m_errors.get(), text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    const std::size_t line = text.rfind('\n');
    return line == std::string::npos ? text : text.substr(line + 1);
}

Result<std::pair<UniqueFd, UniqueFd>> streamPair()
{
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return errnoError(errno, "cannot make a pair of sockets");
    // Twice the usual, which is as much as the kernel lets everybody have: fewer wake-ups of a stream. A failure changes nothing else.
    for (const int end : ends)
        (void)::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
    return std::pair<UniqueFd, UniqueFd>{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

} // namespace gantry::app
