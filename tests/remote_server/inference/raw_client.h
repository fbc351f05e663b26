#pragma once

#include <arpa/inet.h>
#include <cstdint>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace gantry::inference_server {

/// A connection of TCP to this machine, for what no well-behaved client does. Throws std::runtime_error when nobody listens.
class RawClient
{
public:
    explicit RawClient(int port) : m_socket(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(m_socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("nobody listens on port " + std::to_string(port));
    }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;
    ~RawClient() { close(); }

    /// False: the server has closed the connection.
    [[nodiscard]] bool send(std::string_view bytes) const
    {
        return ::send(m_socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
    }

    /// So many bytes, fewer at the end of the connection or after so many seconds in which nothing came.
    [[nodiscard]] std::string receive(std::size_t size, int patienceSeconds) const
    {
        const timeval patience{patienceSeconds, 0};
        setsockopt(m_socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        std::string bytes(size, '\0');
        const ssize_t count = recv(m_socket, bytes.data(), bytes.size(), MSG_WAITALL);
        bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        return bytes;
    }

    /// Whether bytes or the end of the connection came, or come within so many milliseconds.
    [[nodiscard]] bool hasAnswer(int withinMs) const
    {
        pollfd wanted{m_socket, POLLIN, 0};
        return poll(&wanted, 1, withinMs) > 0;
    }

    void close()
    {
        if (m_socket >= 0)
            ::close(m_socket);
        m_socket = -1;
    }

private:
    int m_socket;
};

} // namespace gantry::inference_server
