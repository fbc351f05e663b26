#pragma once

#include "remote_server/capture/control_protocol.h"
#include "trace_model/base/result.h"
#include "trace_model/base/time.h"
#include "trace_model/records/chunk_reader.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

namespace gantry::node {

/// The socket that capture libraries connect to, for this user alone. Errors: BadInput (the path is too long), CannotWrite.
[[nodiscard]] Result<int> listenForLibraries(const std::filesystem::path& socketPath);

/// One connected capture library: its socket and its shared memory. One thread at a time (the engine's mutex is held): its own
/// thread reads, the threads of clients send.
class CaptureLink
{
public:
    /// Takes over an accepted socket and reads the Hello. Errors: BadInput or UnsupportedVersion for something that is not our
    /// library, NotPermitted when the peer is another user.
    [[nodiscard]] static Result<std::unique_ptr<CaptureLink>> accept(int socket);
    ~CaptureLink();
    CaptureLink(const CaptureLink&) = delete;
    CaptureLink& operator=(const CaptureLink&) = delete;

    using Event = std::variant<capture::ArmedMessage, capture::OpenedMessage, capture::ClosedMessage, capture::CudaLoadedMessage>;

    /// Next message, if one is waiting. Error TargetGone: the process has ended or closed the connection.
    [[nodiscard]] Result<std::optional<Event>> receive();

    /// False: the process is gone.
    [[nodiscard]] bool send(const capture::OpenMessage& message) { return sendMessage(&message, sizeof message); }
    [[nodiscard]] bool send(const capture::CloseMessage& message) { return sendMessage(&message, sizeof message); }
    [[nodiscard]] bool send(const capture::WelcomeMessage& message) { return sendMessage(&message, sizeof message); }

    [[nodiscard]] int socket() const { return m_socket; }
    [[nodiscard]] int pid() const { return m_pid; } ///< as this daemon sees it (SO_PEERCRED)
    [[nodiscard]] const std::string& targetId() const { return m_targetId; }
    [[nodiscard]] const std::string& executable() const { return m_executable; }
    [[nodiscard]] std::string commandLine() const; ///< as /proc tells it now
    [[nodiscard]] bool cudaLoaded() const { return m_cudaLoaded; }
    void setCudaLoaded() { m_cudaLoaded = true; }
    [[nodiscard]] std::uint32_t lastWindowId() const { return m_lastWindowId; } ///< that it had open before it connected
    [[nodiscard]] records::RegionReader& region() { return *m_region; }

private:
    explicit CaptureLink(int socket) : m_socket(socket) {}
    bool sendMessage(const void* message, std::size_t size);

    int m_socket = -1;
    int m_pid = 0;
    std::string m_targetId;
    std::string m_executable;
    bool m_cudaLoaded = false;
    std::uint32_t m_lastWindowId = 0;
    std::span<std::byte> m_memory;
    std::optional<records::RegionReader> m_region;
};

} // namespace gantry::node
