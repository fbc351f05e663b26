#include "app/remote/ssh_agent_filter.h"

#include "app/remote/ssh_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <pthread.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>

namespace gantry::app {

namespace {

constexpr char kIdentitiesAnswer = 12;           // draft-miller-ssh-agent: SSH_AGENT_IDENTITIES_ANSWER
constexpr std::size_t kMostMessage = 256 * 1024; // as OpenSSH's agent

std::uint32_t read32(std::string_view bytes)
{
    std::uint32_t value = 0;
    for (const char c : bytes.substr(0, 4))
        value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

std::string text32(std::uint32_t value)
{
    return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8), static_cast<char>(value)};
}

/// A string with its length before it, taken off the front.
std::optional<std::string_view> takeString(std::string_view& bytes)
{
    if (bytes.size() < 4 || read32(bytes) > bytes.size() - 4)
        return std::nullopt;
    const std::string_view text = bytes.substr(4, read32(bytes));
    bytes.remove_prefix(4 + text.size());
    return text;
}

bool readAll(int socket, char* to, std::size_t size)
{
    while (size > 0) {
        const ssize_t count = ::recv(socket, to, size, 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        to += count;
        size -= static_cast<std::size_t>(count);
    }
    return true;
}

bool writeAll(int socket, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

/// A message without its length.
std::optional<std::string> readMessage(int socket)
{
    char length[4];
    if (!readAll(socket, length, sizeof length))
        return std::nullopt;
    std::string message(read32(std::string_view(length, sizeof length)), '\0');
    if (message.empty() || message.size() > kMostMessage || !readAll(socket, message.data(), message.size()))
        return std::nullopt;
    return message;
}

bool writeMessage(int socket, const std::string& message)
{
    return writeAll(socket, text32(static_cast<std::uint32_t>(message.size())) + message);
}

} // namespace

std::string orderedIdentities(const std::string& answer, const std::vector<std::string>& wanted, bool onlyWanted)
{
    std::string_view rest = answer;
    if (rest.size() < 5 || rest[0] != kIdentitiesAnswer)
        return answer;
    const std::uint32_t count = read32(rest.substr(1));
    rest.remove_prefix(5);
    std::string first, others;
    std::uint32_t firstCount = 0, otherCount = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::string_view before = rest;
        const std::optional<std::string_view> blob = takeString(rest);
        if (!blob || !takeString(rest)) // and a comment
            return answer;
        const std::string_view entry = before.substr(0, before.size() - rest.size());
        const bool isWanted = std::find(wanted.begin(), wanted.end(), *blob) != wanted.end();
        (isWanted ? first : others) += entry;
        ++(isWanted ? firstCount : otherCount);
    }
    if (onlyWanted)
        return kIdentitiesAnswer + text32(firstCount) + first;
    return kIdentitiesAnswer + text32(firstCount + otherCount) + first + others;
}

Result<std::unique_ptr<SshAgentFilter>> SshAgentFilter::start(const std::string& agentSocket, std::vector<std::string> wanted,
                                                              bool onlyWanted)
{
    auto filter = std::unique_ptr<SshAgentFilter>(new SshAgentFilter());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (agentSocket.size() >= sizeof address.sun_path)
        return Error{ErrorCode::Unreachable, fmt::format("the path of the agent's socket is too long: {}", agentSocket), {}};
    std::memcpy(address.sun_path, agentSocket.data(), agentSocket.size());
    filter->m_agent = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(filter->m_agent.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        Error error = errnoError(errno, fmt::format("cannot reach the agent at {}", agentSocket));
        error.code = ErrorCode::Unreachable;
        return error;
    }
    GANTRY_TRY(auto ends, streamPair());
    filter->m_ours = std::move(ends.first);
    filter->m_theirs = std::move(ends.second);
    (void)::fcntl(filter->m_ours.get(), F_SETFL, 0); // the relay has a thread to wait in
    filter->m_wanted = std::move(wanted);
    filter->m_onlyWanted = onlyWanted;
    filter->m_thread = std::jthread([raw = filter.get()] { raw->relay(); });
    return filter;
}

SshAgentFilter::~SshAgentFilter()
{
    (void)::shutdown(m_ours.get(), SHUT_RDWR);
    (void)::shutdown(m_agent.get(), SHUT_RDWR);
    if (m_thread.joinable())
        m_thread.join();
}

void SshAgentFilter::relay() const
{
    ::pthread_setname_np(::pthread_self(), "ssh-agent");
    for (;;) {
        const std::optional<std::string> request = readMessage(m_ours.get());
        if (!request || !writeMessage(m_agent.get(), *request))
            break;
        const std::optional<std::string> answer = readMessage(m_agent.get());
        if (!answer || !writeMessage(m_ours.get(), orderedIdentities(*answer, m_wanted, m_onlyWanted)))
            break;
    }
    (void)::shutdown(m_ours.get(), SHUT_RDWR); // libssh sees an agent that ended
}

} // namespace gantry::app
