#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <grpcpp/security/server_credentials.h>
#include <memory>
#include <string>

namespace gantry::node {

/// Where gantryd was told to listen; empty fields were not given.
struct ListenOptions
{
    std::string socket, tcp, tokenFile, tlsCertificate, tlsKey, tlsClientAuthority;
    std::string metrics; ///< HOST:PORT for a Prometheus
};

/// Where it does.
struct Endpoint
{
    std::string address;     ///< as gRPC wants it
    std::string host;        ///< TCP
    std::string stateFolder; ///< private to this user; holds the sockets and a token that was made
    std::string token;       ///< TCP clients must show it; empty: unix socket
    std::string tokenFile;
    bool isTcp = false;
    std::shared_ptr<grpc::ServerCredentials> credentials;
    UniqueFd lock; ///< while open, no other daemon listens, takes captures or makes a token in stateFolder
};

/// Where metrics are shown to a Prometheus.
struct MetricsListen
{
    std::string host;
    int port = 0; ///< 0: a free one
    std::string token, tokenFile;
    std::string tlsCertificate, tlsKey; ///< files; empty: loopback without TLS
};

/// Checks the rules for --metrics-listen: always a token, TLS beyond loopback. Errors as those of prepareEndpoint().
[[nodiscard]] Result<MetricsListen> prepareMetricsListen(const ListenOptions& options, const std::string& stateFolder);

/// Checks the rules (unix socket in a folder of mode 0700 owned by us; TCP with a token; TLS beyond loopback) and prepares
/// folders, token and certificates. A socket left by a daemon that was killed is removed. Errors: NotPermitted (a rule), Busy
/// (another daemon has the folder), BadInput.
[[nodiscard]] Result<Endpoint> prepareEndpoint(const ListenOptions& options);

/// Where the unix socket is or will be, in a folder that is made if need be and private to this user. Errors as prepareEndpoint().
[[nodiscard]] Result<std::string> prepareSocketPath(const ListenOptions& options);

/// JSON {"address", "token_file"} for whoever started the daemon, written whole by rename.
[[nodiscard]] Result<void> writeReadyFile(const std::string& path, const std::string& address, const std::string& tokenFile);

} // namespace gantry::node
