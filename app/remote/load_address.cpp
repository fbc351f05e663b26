#include "app/remote/load_address.h"

#include <fmt/format.h>
#include <fstream>
#include <string_view>

namespace gantry::app {
namespace {

struct HostPort
{
    std::string host; ///< an IPv6 address without brackets
    std::string port;
};

HostPort split(std::string_view address)
{
    const std::size_t colon = address.rfind(':');
    std::string_view host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    return {std::string(host), std::string(colon == std::string_view::npos ? std::string_view() : address.substr(colon + 1))};
}

/// It listens at every address of its machine.
bool isWildcard(std::string_view host)
{
    return host.empty() || host == "0.0.0.0" || host == "::" || host == "*";
}

std::string joined(const std::string& host, const std::string& port)
{
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

} // namespace

Result<std::string> loadAddress(const ServerPlace& server)
{
    if (server.address.empty())
        return Error{ErrorCode::NotFound,
                     fmt::format("where the gRPC service of {} listens is not known: give its address, HOST:PORT", server.name),
                     {}};
    const bool isSocket = server.address.starts_with("unix:") || server.address.starts_with('/');
    const auto [host, port] = split(server.address);
    if (server.isHere)
        return !isSocket && isWildcard(host) ? joined("127.0.0.1", port) : server.address;
    // What ssh calls a host need be no name of the network's: it is reached as ssh reaches it, by a forwarded port.
    const bool isSsh = server.node.transport == NodeAddress::Transport::Ssh;
    const bool isTunnel = isSsh || server.node.transport == NodeAddress::Transport::UnixSocket || isLoopback(server.node.host);
    if (!isSocket && isWildcard(host) && !isTunnel)
        return joined(server.node.host, port);
    if (!isSocket && !isWildcard(host) && !isLoopback(host))
        return server.address;
    const std::string& sshHost = isSsh ? server.node.host : server.nodeName;
    const std::string there = isSocket ? server.address : joined("127.0.0.1", port);
    return Error{ErrorCode::Unreachable,
                 isSocket ? fmt::format("{} listens at {} of {}, which only programs there reach: run gantryctl load on {}", server.name,
                                        server.address, server.nodeName, server.nodeName)
                          : fmt::format("from here {} is not reached at {} of {}: forward the port (ssh -N -L {}:{} {}) and give "
                                        "127.0.0.1:{} as the address, or run gantryctl load on {}",
                                        server.name, server.address, server.nodeName, port, there, sshHost, port, server.nodeName),
                 {}};
}

bool isThisMachine(const std::string& bootId)
{
    std::ifstream file("/proc/sys/kernel/random/boot_id"); // random(4)
    std::string ours;
    return std::getline(file, ours) && !bootId.empty() && ours == bootId;
}

} // namespace gantry::app
