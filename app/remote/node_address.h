#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::app {

/// Where a node is and how to get in, parsed from the text a person gives:
///  - `unix:/path/gantryd.sock`, or just `/path/gantryd.sock`; empty text is the default socket
///  - `grpc://host:port[?token-file=PATH]`: plain text, so only to a loopback host
///  - `ssh://[user@]host[:port]`, or just the name of a host, as `ssh` takes it: the configuration of ssh counts. Parameters:
///    `socket=PATH` of a gantryd that runs there, or `tcp=HOST:PORT` of one and its `token-file=PATH` (here), else the node is asked and
///    given one; `deploy=no` gives it none, `bundle=FILE` this one; `config=FILE` is read instead of ~/.ssh/config, as with `ssh -F`
///  - `grpcs://host:port?ca=FILE[&cert=FILE&key=FILE][&token-file=PATH]`: TLS, mutual when cert and key are given
/// A value type; nothing is opened or resolved here.
struct NodeAddress
{
    enum class Transport
    {
        UnixSocket,
        Tcp,
        Tls,
        Ssh
    };

    Transport transport = Transport::UnixSocket;
    std::string socketPath;               ///< UnixSocket
    std::string host;                     ///< Tcp, Tls, Ssh; an IPv6 address without brackets
    std::uint16_t port = 0;               ///< Tcp, Tls, Ssh; 0 (Ssh): as the configuration says
    std::string tokenFile;                ///< empty: no token is sent
    std::string caFile;                   ///< Tls: PEM of the authority that signed the node's certificate
    std::string certificateFile, keyFile; ///< Tls: ours, for mutual TLS; both or none
    std::string user;                     ///< Ssh; empty: as the configuration says
    std::string remoteSocket, remoteTcp;  ///< Ssh: where gantryd listens on the node; at most one
    bool mayDeploy = true;                ///< Ssh: a node without a gantryd of this version is given one
    std::string bundleFile;               ///< Ssh: the node bundle to give it; empty: the one beside this program
    std::string sshConfigFile;            ///< Ssh; empty: the user's and the system's

    /// Errors: BadInput with what is wrong and what an address looks like; Unsupported for transports this build has not.
    [[nodiscard]] static Result<NodeAddress> parse(std::string_view text);

    /// The target string of a gRPC channel: "unix:/path", "127.0.0.1:8800", "[::1]:8800". Not for Ssh.
    [[nodiscard]] std::string channelTarget() const;

    /// The address for messages: as parse() reads it, without the query.
    [[nodiscard]] std::string text() const;
};

/// True for localhost, 127.0.0.0/8 and ::1: hosts that nobody else can listen in on.
[[nodiscard]] bool isLoopback(std::string_view host);

} // namespace gantry::app
