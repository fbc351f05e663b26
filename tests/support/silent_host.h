#pragma once

#include "trace_model/base/unique_fd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>

namespace gantry::test {

/// A port of 127.0.0.1 that takes a connection and says nothing. Throws std::runtime_error where there is none.
class SilentHost
{
public:
    SilentHost() : m_listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))
    {
        m_address.sin_family = AF_INET;
        m_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof m_address;
        auto* address = reinterpret_cast<sockaddr*>(&m_address);
        if (::bind(m_listener.get(), address, size) != 0 || ::listen(m_listener.get(), 1) != 0 ||
            ::getsockname(m_listener.get(), address, &size) != 0)
            throw std::runtime_error("no port to listen on");
    }
    [[nodiscard]] int port() const { return ntohs(m_address.sin_port); }
    /// Whether somebody was connected and is no longer.
    [[nodiscard]] bool isHungUp() const
    {
        if (!m_connection)
            m_connection = UniqueFd(::accept4(m_listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        char said[256];
        ssize_t count = -1;
        while (m_connection && (count = ::recv(m_connection.get(), said, sizeof said, 0)) > 0) {
        }
        return count == 0;
    }

private:
    UniqueFd m_listener;
    mutable UniqueFd m_connection;
    sockaddr_in m_address{};
};

} // namespace gantry::test
