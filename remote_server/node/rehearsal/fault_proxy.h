#pragma once

#include "remote_server/node/rehearsal/faults.h"
#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <functional>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <thread>

namespace gantry::node {

/// Stands between clients and the node and does to their bytes what the faults say. Owns its thread.
class FaultProxy
{
public:
    /// Listens on a unix socket (mode 0600). `serve` is given the node's end of each connection (a socket that does not block) and owns it.
    [[nodiscard]] static Result<std::unique_ptr<FaultProxy>> create(const std::string& socketPath, const FaultWatch& faults,
                                                                    std::function<void(int fd)> serve);
    FaultProxy(const FaultProxy&) = delete;
    FaultProxy& operator=(const FaultProxy&) = delete;
    ~FaultProxy(); ///< cuts what is open and removes the socket

private:
    struct Connection;
    FaultProxy(std::string path, UniqueFd listener, const FaultWatch& faults, std::function<void(int fd)> serve);
    void run(const std::stop_token& stop);
    void accept();
    void forward(const FaultWatch::Now& now, bool isStalled);

    std::string m_path;
    UniqueFd m_listener;
    const FaultWatch& m_faults;
    std::function<void(int fd)> m_serve;
    std::list<Connection> m_connections;
    std::minstd_rand m_random; ///< the same losses each time
    std::jthread m_thread;
};

} // namespace gantry::node
