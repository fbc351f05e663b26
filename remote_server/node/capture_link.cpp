#include "remote_server/node/capture_link.h"

#include "remote_server/capture/descriptor_message.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace gantry::node {
namespace {

using namespace gantry::capture;

/// A fixed array of the peer that may lack its terminator.
template <std::size_t n>
std::string textOf(const char (&array)[n])
{
    return {array, strnlen(array, n)};
}

Result<int> receiveHello(int socket, HelloMessage& hello)
{
    pollfd ready{socket, POLLIN, 0};
    // The library sends its Hello right after connecting; whoever does not is not ours and must not hold the engine up.
    if (poll(&ready, 1, 500) != 1)
        return Error{ErrorCode::BadInput, "a process connected to the capture socket and said nothing", {}};
    int memory = -1;
    const bool isWhole = capture::receiveWithDescriptor(socket, hello, memory);
    if (!isWhole || hello.type != MessageType::Hello || memory < 0) {
        if (memory >= 0)
            close(memory);
        return Error{ErrorCode::BadInput, "a process connected to the capture socket without a capture library's greeting", {}};
    }
    if (hello.version != kControlVersion) {
        close(memory);
        return Error{ErrorCode::UnsupportedVersion,
                     "process " + std::to_string(hello.pid) + " was started with another version of the capture library: restart it",
                     {}};
    }
    return memory;
}

Result<std::span<std::byte>> mapRegion(int fd)
{
    struct stat status
    {
    };
    const int seals = fcntl(fd, F_GET_SEALS);
    // Without the seal the target could shrink the memory under us, and reading it would end the daemon with SIGBUS.
    if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &status) != 0 || static_cast<std::size_t>(status.st_size) < records::kRegionSize)
        return Error{ErrorCode::BadInput, "a capture library offered memory that is not a sealed capture region", {}};
    void* memory = mmap(nullptr, records::kRegionSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return errnoError(errno, "cannot map a target's capture memory");
    return std::span(static_cast<std::byte*>(memory), records::kRegionSize);
}

} // namespace

Result<int> listenForLibraries(const std::filesystem::path& socketPath)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = socketPath.string();
    if (path.size() >= sizeof address.sun_path)
        return Error{ErrorCode::BadInput, "the capture socket's path is longer than the system allows (107 bytes): " + path, {}};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int listenSocket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listenSocket < 0)
        return errnoError(errno, "cannot make the capture socket");
    unlink(path.c_str());
    const mode_t mask = umask(0177);
    const bool bound = bind(listenSocket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const int error = errno;
    umask(mask);
    if (!bound || listen(listenSocket, 64) != 0) {
        close(listenSocket);
        return errnoError(error, "cannot listen on " + path);
    }
    return listenSocket;
}

Result<std::unique_ptr<CaptureLink>> CaptureLink::accept(int socket)
{
    std::unique_ptr<CaptureLink> link(new CaptureLink(socket));
    ucred peer{};
    socklen_t length = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return errnoError(errno, "cannot identify a process on the capture socket");
    if (peer.uid != geteuid() && peer.uid != 0)
        return Error{
            ErrorCode::NotPermitted, "a process of user " + std::to_string(peer.uid) + " tried to connect to the capture socket", {}};

    HelloMessage hello{};
    GANTRY_TRY(const int fd, receiveHello(socket, hello));
    auto memory = mapRegion(fd);
    close(fd);
    if (!memory)
        return std::move(memory).error();
    link->m_memory = *memory;
    GANTRY_TRY(auto region, records::RegionReader::open(*memory));
    link->m_region = std::move(region);
    link->m_region->freeReadyChunks();
    link->m_pid = peer.pid > 0 ? peer.pid : hello.pid; // 0: another pid namespace, where only its own number is known
    link->m_targetId = textOf(hello.targetId);
    link->m_executable = textOf(hello.executable);
    link->m_cudaLoaded = hello.cudaLoaded != 0;
    link->m_lastWindowId = hello.lastWindowId;
    return link;
}

std::string CaptureLink::commandLine() const
{
    std::ifstream file("/proc/" + std::to_string(m_pid) + "/cmdline", std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    std::replace(text.begin(), text.end(), '\0', ' ');
    while (!text.empty() && text.back() == ' ')
        text.pop_back();
    return text;
}

CaptureLink::~CaptureLink()
{
    if (!m_memory.empty())
        munmap(m_memory.data(), m_memory.size());
    if (m_socket >= 0)
        close(m_socket);
}

Result<std::optional<CaptureLink::Event>> CaptureLink::receive()
{
    alignas(8) std::byte bytes[kMaxMessageSize];
    const ssize_t size = recv(m_socket, bytes, sizeof bytes, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return std::optional<Event>{};
    if (size <= 0)
        return Error{ErrorCode::TargetGone, "process " + std::to_string(m_pid) + " has ended", {}};
    const auto as = [&]<typename Message>(Message message) -> std::optional<Event> {
        if (size != sizeof message)
            return std::nullopt;
        std::memcpy(&message, bytes, sizeof message);
        return Event(message);
    };
    MessageType type{};
    if (size >= static_cast<ssize_t>(sizeof type))
        std::memcpy(&type, bytes, sizeof type);
    switch (type) {
    case MessageType::Armed:
        return as(ArmedMessage{});
    case MessageType::Opened:
        return as(OpenedMessage{});
    case MessageType::Closed:
        return as(ClosedMessage{});
    case MessageType::CudaLoaded:
        return as(CudaLoadedMessage{});
    default:
        return std::optional<Event>{};
    }
}

bool CaptureLink::sendMessage(const void* message, std::size_t size)
{
    return ::send(m_socket, message, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

} // namespace gantry::node
