#include "app/remote/node_address.h"

#include "app/remote/node_client.h"
#include "app/remote/ssh_config.h"
#include "app/remote/ssh_words.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <optional>
#include <sys/un.h>
#include <unistd.h>

namespace gantry::app {

namespace {

constexpr std::string_view kForms =
    "an address is ssh://USER@HOST or a host of ~/.ssh/config, unix:/path/to/gantryd.sock, grpc://127.0.0.1:PORT?token-file=FILE or "
    "grpcs://HOST:PORT?ca=FILE";

Error badAddress(std::string_view text, std::string_view problem)
{
    return Error{ErrorCode::BadInput, fmt::format("'{}' is not a node address: {}; {}", text, problem, kForms), {}};
}

/// Values of a query may hold any byte as %XX, so that a path with '&' can be said.
std::optional<std::string> percentDecoded(std::string_view text)
{
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            result.push_back(text[i]);
            continue;
        }
        unsigned byte = 0;
        if (i + 2 >= text.size())
            return std::nullopt;
        const auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
        if (error != std::errc{} || end != text.data() + i + 3)
            return std::nullopt;
        result.push_back(static_cast<char>(byte));
        i += 2;
    }
    return result;
}

Result<void> checkSocketPath(const std::string& path, std::string_view whole)
{
    if (!path.starts_with('/'))
        return badAddress(whole, "the socket's path must be absolute");
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return badAddress(whole, fmt::format("a socket's path has at most {} bytes", sizeof(sockaddr_un::sun_path) - 1));
    return {};
}

Result<void> checkSshQuery(const NodeAddress& address, std::string_view whole)
{
    if (!address.remoteSocket.empty() && !address.remoteTcp.empty())
        return badAddress(whole, "socket and tcp exclude each other");
    if (!address.remoteSocket.empty())
        GANTRY_CHECK(checkSocketPath(address.remoteSocket, whole));
    if (address.remoteTcp.empty() && !address.tokenFile.empty())
        return badAddress(whole, "token-file belongs to tcp");
    if (!address.remoteTcp.empty()) {
        const Result<SshHop> place = SshHop::parse(address.remoteTcp);
        if (!place || place->port == 0 || !place->user.empty())
            return badAddress(whole, fmt::format("'{}' is not HOST:PORT", address.remoteTcp));
    }
    return {};
}

/// "[user@]host[:port]" behind ssh://, or a bare name.
Result<void> readSshPlace(NodeAddress& address, std::string_view place, std::string_view whole)
{
    if (!place.empty() && place.back() == '/')
        place.remove_suffix(1);
    const Result<SshHop> hop = SshHop::parse(place);
    if (!hop)
        return badAddress(whole, hop.error().message);
    if (std::count(place.begin(), place.end(), ':') > 1 && place.find('[') == std::string_view::npos)
        return badAddress(whole, "an IPv6 address needs brackets, as in ssh://[::1]:22");
    address.host = hop->host;
    address.user = hop->user;
    address.port = hop->port;
    return {};
}

/// Whether a text without a scheme can be the name of a host, as people have them in ~/.ssh/config.
bool isBareName(std::string_view text)
{
    const std::string_view name = text.substr(0, text.find('?'));
    return !name.empty() && std::isalnum(static_cast<unsigned char>(name.front())) != 0 &&
           name.find_first_of(":/") == std::string_view::npos;
}

Result<void> readQuery(NodeAddress& address, std::string_view query, std::string_view whole)
{
    while (!query.empty()) {
        const std::size_t separator = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, separator);
        query.remove_prefix(std::min(separator + 1, query.size()));
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos || equals + 1 == pair.size())
            return badAddress(whole, fmt::format("'{}' has no value", pair.substr(0, equals)));
        const std::string_view key = pair.substr(0, equals);
        const std::optional<std::string> value = percentDecoded(pair.substr(equals + 1));
        if (!value)
            return badAddress(whole, fmt::format("the value of '{}' has a broken % escape", key));
        const bool isTls = address.transport == NodeAddress::Transport::Tls, isSsh = address.transport == NodeAddress::Transport::Ssh;
        if (key == "token-file")
            address.tokenFile = *value;
        else if (key == "ca" && isTls)
            address.caFile = *value;
        else if (key == "cert" && isTls)
            address.certificateFile = *value;
        else if (key == "key" && isTls)
            address.keyFile = *value;
        else if (key == "socket" && isSsh)
            address.remoteSocket = *value;
        else if (key == "tcp" && isSsh)
            address.remoteTcp = *value;
        else if (key == "config" && isSsh)
            address.sshConfigFile = *value;
        else if (key == "bundle" && isSsh)
            address.bundleFile = *value;
        else if (key == "deploy" && isSsh && (*value == "yes" || *value == "no"))
            address.mayDeploy = *value == "yes";
        else
            return badAddress(whole, fmt::format("there is no parameter '{}' for this transport", key));
    }
    if (address.certificateFile.empty() != address.keyFile.empty())
        return badAddress(whole, "cert and key belong together");
    return address.transport == NodeAddress::Transport::Ssh ? checkSshQuery(address, whole) : Result<void>();
}

Result<void> readHostAndPort(NodeAddress& address, std::string_view authority, std::string_view whole)
{
    if (!authority.empty() && authority.back() == '/')
        authority.remove_suffix(1);
    std::size_t colon = std::string_view::npos;
    if (!authority.empty() && authority.front() == '[') {
        const std::size_t bracket = authority.find(']');
        if (bracket == std::string_view::npos)
            return badAddress(whole, "the [ of an IPv6 address is never closed");
        address.host = authority.substr(1, bracket - 1);
        if (bracket + 1 < authority.size() && authority[bracket + 1] == ':')
            colon = bracket + 1;
    } else {
        colon = authority.rfind(':');
        address.host = authority.substr(0, colon);
        if (address.host.find(':') != std::string::npos)
            return badAddress(whole, "an IPv6 address needs brackets, as in [::1]:8800");
    }
    if (address.host.empty())
        return badAddress(whole, "the host is missing");
    if (colon == std::string_view::npos)
        return badAddress(whole, "the port is missing");
    const std::optional<std::uint16_t> port = parseTcpPort(authority.substr(colon + 1));
    if (!port)
        return badAddress(whole, fmt::format("'{}' is not a port (1 to 65535)", authority.substr(colon + 1)));
    address.port = *port;
    return {};
}

} // namespace

Result<NodeAddress> NodeAddress::parse(std::string_view text)
{
    NodeAddress address;
    if (text.empty()) {
        address.socketPath = defaultSocketPath();
        return address;
    }

    std::string_view rest = text;
    const auto take = [&rest](std::string_view prefix) {
        const bool matches = rest.starts_with(prefix);
        if (matches)
            rest.remove_prefix(prefix.size());
        return matches;
    };
    if (take("grpc://"))
        address.transport = Transport::Tcp;
    else if (take("grpcs://"))
        address.transport = Transport::Tls;
    else if (take("ssh://") || isBareName(text))
        address.transport = Transport::Ssh;
    else if (rest.starts_with("exec:"))
        return Error{ErrorCode::Unsupported, fmt::format("'{}': this build does not open exec: nodes; {}", text, kForms), {}};
    else if (!take("unix:") && !rest.starts_with('/'))
        return badAddress(text, "it has no known scheme");

    const std::size_t question = std::min(rest.find('?'), rest.size());
    const std::string_view location = rest.substr(0, question);
    const std::string_view query = rest.substr(std::min(question + 1, rest.size()));

    if (address.transport == Transport::UnixSocket) {
        address.socketPath = location;
        GANTRY_CHECK(checkSocketPath(address.socketPath, text));
    } else if (address.transport == Transport::Ssh) {
        GANTRY_CHECK(readSshPlace(address, location, text));
    } else {
        GANTRY_CHECK(readHostAndPort(address, location, text));
    }
    GANTRY_CHECK(readQuery(address, query, text));

    if (address.transport == Transport::Tcp && !isLoopback(address.host))
        return Error{ErrorCode::BadInput,
                     fmt::format("'{}': grpc:// is not encrypted and {} is another machine; use ssh://{}, or grpcs:// with ca=FILE", text,
                                 address.host, address.host),
                     {}};
    return address;
}

std::string NodeAddress::channelTarget() const
{
    if (transport == Transport::UnixSocket)
        return "unix:" + socketPath;
    const bool isIpv6 = host.find(':') != std::string::npos;
    return isIpv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string NodeAddress::text() const
{
    switch (transport) {
    case Transport::UnixSocket:
        return channelTarget();
    case Transport::Tcp:
        return "grpc://" + channelTarget();
    case Transport::Tls:
        return "grpcs://" + channelTarget();
    case Transport::Ssh:
        return "ssh://" + SshHop{host, user, port}.text();
    }
    return channelTarget();
}

bool isLoopback(std::string_view host)
{
    if (host == "localhost")
        return true;
    const std::string text(host);
    in_addr v4{};
    if (inet_pton(AF_INET, text.c_str(), &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    in6_addr v6{};
    return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string defaultSocketPath()
{
    // The XDG base directory specification: a folder of the user's own that ends with the session; /tmp where there is none.
    const char* const runtimeFolder = std::getenv("XDG_RUNTIME_DIR");
    if (runtimeFolder && *runtimeFolder == '/')
        return fmt::format("{}/gantry/gantryd.sock", runtimeFolder);
    return fmt::format("/tmp/gantry-{}/gantryd.sock", ::getuid());
}

} // namespace gantry::app
