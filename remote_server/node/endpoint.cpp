#include "remote_server/node/endpoint.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

namespace gantry::node {

namespace {

constexpr std::size_t kTokenBytes = 32;

Result<sockaddr_un> unixAddress(const std::filesystem::path& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.size() >= sizeof(address.sun_path))
        return Error{ErrorCode::BadInput,
                     fmt::format("the socket path {} is longer than the {} characters a unix socket may have: choose a shorter one with --socket",
                                 text, sizeof(address.sun_path) - 1),
                     {}};
    std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
    return address;
}

/// Whether somebody accepts connections there.
bool isListening(const sockaddr_un& address)
{
    const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe)
        return false;
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
        return true;
    return errno == EAGAIN; // the backlog of a live listener is full
}

bool isLoopback(const sockaddr* address)
{
    if (address->sa_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
        return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    }
    if (address->sa_family == AF_INET6) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
        return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    }
    return false;
}

Error badAddress(const std::string& text, std::string_view why)
{
    return Error{ErrorCode::BadInput, fmt::format("cannot listen on \"{}\": {}; write HOST:PORT, for example 127.0.0.1:8090", text, why), {}};
}

} // namespace

std::filesystem::path defaultSocketPath(const std::string& runtimeFolder)
{
    if (!runtimeFolder.empty())
        return std::filesystem::path(runtimeFolder) / "gantry" / "gantryd.sock";
    return std::filesystem::path(fmt::format("/tmp/gantry-{}", ::getuid())) / "gantryd.sock";
}

Result<void> ensureFolder(const std::filesystem::path& folder, FolderRule rule)
{
    if (::mkdir(folder.c_str(), 0700) != 0 && errno == ENOENT && folder.has_parent_path() && folder != folder.parent_path()) {
        std::error_code ignored; // the mkdir below reports what is wrong
        std::filesystem::create_directories(folder.parent_path(), ignored);
        ::mkdir(folder.c_str(), 0700);
    }
    struct stat status{};
    // lstat for our own folder: a link in /tmp planted by somebody else must not lead us elsewhere.
    if ((rule == FolderRule::Private ? ::lstat(folder.c_str(), &status) : ::stat(folder.c_str(), &status)) != 0) {
        Error error = errnoError(errno, fmt::format("cannot create the folder {}", folder.string()));
        error.code = error.code == ErrorCode::NotPermitted ? ErrorCode::NotPermitted : ErrorCode::CannotWrite;
        return error;
    }
    if (!S_ISDIR(status.st_mode))
        return Error{ErrorCode::CannotWrite, fmt::format("{} is not a folder: remove it or choose another place", folder.string()), {}};
    if (rule == FolderRule::Private) {
        if (status.st_uid != ::getuid())
            return Error{ErrorCode::NotPermitted,
                         fmt::format("{} belongs to user {}, not to us: choose another place with --socket", folder.string(), status.st_uid), {}};
        if ((status.st_mode & 077) != 0)
            return Error{ErrorCode::NotPermitted,
                         fmt::format("{} can be entered by other users (mode {:04o}): run chmod 700 {}", folder.string(), status.st_mode & 07777,
                                     folder.string()),
                         {}};
        return {};
    }
    const bool writableByOthers = (status.st_mode & 022) != 0 && (status.st_mode & S_ISVTX) == 0;
    if (writableByOthers || (status.st_uid != ::getuid() && status.st_uid != 0))
        return Error{ErrorCode::NotPermitted,
                     fmt::format("other users can replace files in {}: choose a folder that only you can write to", folder.string()), {}};
    return {};
}

Result<SocketClaim> SocketClaim::take(const std::filesystem::path& socketPath, FolderRule rule)
{
    const std::filesystem::path path = std::filesystem::absolute(socketPath).lexically_normal();
    GANTRY_TRY(const sockaddr_un address, unixAddress(path));
    GANTRY_CHECK(ensureFolder(path.parent_path(), rule));

    const Error busy{ErrorCode::Busy, fmt::format("a gantryd already listens on {}: use it, stop it, or choose another --socket", path.string()), {}};
    const std::string lockPath = path.string() + ".lock";
    UniqueFd lock(::open(lockPath.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock)
        return errnoError(errno, fmt::format("cannot open {}", lockPath));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        return busy;
    // Somebody who does not take our lock may listen there too.
    if (isListening(address))
        return busy;

    struct stat status{};
    if (::lstat(path.c_str(), &status) == 0) {
        if (!S_ISSOCK(status.st_mode))
            return Error{ErrorCode::CannotWrite, fmt::format("{} exists and is not a socket: remove it or choose another --socket", path.string()), {}};
        if (::unlink(path.c_str()) != 0)
            return errnoError(errno, fmt::format("cannot remove the stale socket {}", path.string()));
    }
    return SocketClaim(path, std::move(lock));
}

SocketClaim::~SocketClaim()
{
    // The lock file stays: removing it would let two daemons lock two files of the same name.
    if (m_lock)
        ::unlink(m_path.c_str());
}

std::string ListenAddress::text() const
{
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

Result<ListenAddress> parseListenAddress(const std::string& text)
{
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos)
        return badAddress(text, "the port is missing");
    std::string host = text.substr(0, colon);
    const std::string portText = text.substr(colon + 1);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string::npos)
        return badAddress(text, "an IPv6 address needs brackets");
    if (host.empty())
        return badAddress(text, "the host is missing");
    std::uint16_t port = 0;
    const auto [end, code] = std::from_chars(portText.data(), portText.data() + portText.size(), port);
    if (code != std::errc() || end != portText.data() + portText.size())
        return badAddress(text, "the port is not a number from 0 to 65535");

    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    if (const int failure = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); failure != 0)
        return badAddress(text, ::gai_strerror(failure));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);

    ListenAddress address{{}, port, true};
    const addrinfo* chosen = found;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        address.loopback = address.loopback && isLoopback(entry->ai_addr);
        if (entry->ai_family == AF_INET && chosen->ai_family != AF_INET)
            chosen = entry; // IPv4 first: it is what clients write
    }
    std::array<char, NI_MAXHOST> numeric{};
    if (const int failure = ::getnameinfo(chosen->ai_addr, chosen->ai_addrlen, numeric.data(), numeric.size(), nullptr, 0, NI_NUMERICHOST); failure != 0)
        return badAddress(text, ::gai_strerror(failure));
    address.host = numeric.data();
    return address;
}

Result<std::string> readToken(const std::filesystem::path& file)
{
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0)
        return errnoError(errno, fmt::format("cannot read the token file {}", file.string()));
    if ((status.st_mode & 077) != 0)
        return Error{ErrorCode::NotPermitted,
                     fmt::format("other users can read the token file {}: run chmod 600 {}", file.string(), file.string()), {}};
    GANTRY_TRY(std::string token, readTextFile(file));
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
        token.pop_back();
    if (token.empty())
        return Error{ErrorCode::BadInput, fmt::format("the token file {} is empty: put a long random text into it", file.string()), {}};
    return token;
}

Result<std::string> readOrCreateToken(const std::filesystem::path& file)
{
    if (std::filesystem::exists(file))
        return readToken(file);
    GANTRY_CHECK(ensureFolder(file.parent_path(), FolderRule::Trustable));

    std::array<unsigned char, kTokenBytes> random{};
    if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
        return errnoError(errno, "cannot read random bytes for the token");
    std::string token;
    for (const unsigned char byte : random)
        token += fmt::format("{:02x}", byte);

    const UniqueFd out(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!out)
        return errnoError(errno, fmt::format("cannot create the token file {}", file.string()));
    const std::string line = token + "\n";
    if (::write(out.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        return errnoError(errno, fmt::format("cannot write the token file {}", file.string()));
    return token;
}

bool tokensEqual(const std::string& expected, const std::string& presented)
{
    // Every presented byte is compared, against a repetition of the expected ones, so neither the position of the first
    // difference nor the expected length shows in the time taken.
    if (expected.empty())
        return false;
    unsigned difference = expected.size() == presented.size() ? 0U : 1U;
    for (std::size_t i = 0; i < presented.size(); ++i)
        difference |= static_cast<unsigned>(static_cast<unsigned char>(expected[i % expected.size()]) ^ static_cast<unsigned char>(presented[i]));
    return difference == 0;
}

Result<std::string> readTextFile(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    if (!in)
        return errnoError(errno, fmt::format("cannot read {}", file.string()));
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

} // namespace gantry::node
