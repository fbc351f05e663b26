#pragma once

#include "trace_model/base/result.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace gantry::app {

/// A server that takes samples by Prometheus' remote write.
struct RemoteWriteTarget
{
    std::string url;        ///< "http://host:9090/api/v1/write"
    std::string user;       ///< of a password; empty: what is secret is a bearer token
    std::string secretFile; ///< see readSecretFile(); empty: no login
    std::string caFile;     ///< PEM; empty: the system's certificates
};

struct RemoteWritePatience
{
    int mostTries = 8;                          ///< of a request that the server cannot take now
    std::chrono::milliseconds firstPause{1000}; ///< doubled after each, where the server names none
    std::chrono::milliseconds longestPause{60'000};
    std::chrono::milliseconds answer{30'000};
};

/// Sends the bodies of requests one after another. One that the server cannot take now (status 429 or 5xx, or no answer after one that was
/// taken) is tried again, when the server says. `onSent`: so many were taken. Waits for the network: no UI thread. Errors: BadInput (the
/// address, or the server's own words against the samples), NotPermitted (the login, or a secret that would go over plain http to another
/// machine), Unreachable, Cancelled.
[[nodiscard]] Result<void> remoteWrite(const RemoteWriteTarget& target, const std::vector<std::function<std::string()>>& bodies,
                                       const std::function<void(std::size_t sent)>& onSent, const std::stop_token& stop,
                                       const RemoteWritePatience& patience = {});

} // namespace gantry::app
