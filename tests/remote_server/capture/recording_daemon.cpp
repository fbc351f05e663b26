#include "tests/remote_server/capture/recording_daemon.h"

#include "remote_server/capture/descriptor_message.h"
#include "tests/support/child_process.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <span>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace gantry::capture {
namespace {

using records::RecordType;

constexpr int kPatienceMs = 30'000;

void check(bool good, const char* what)
{
    if (!good)
        throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

OpenMessage openMessage(std::uint32_t windowId, std::uint32_t content, std::int64_t durationNs)
{
    OpenMessage message{};
    message.type = MessageType::Open;
    message.windowId = windowId;
    message.content = content;
    message.durationNs = durationNs;
    return message;
}

} // namespace

RecordingDaemon::RecordingDaemon() : m_listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0))
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socketPath().copy(address.sun_path, sizeof address.sun_path - 1);
    check(::bind(m_listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && ::listen(m_listener, 4) == 0,
          "cannot listen");
}

RecordingDaemon::~RecordingDaemon()
{
    disconnect();
    ::close(m_listener);
}

void RecordingDaemon::waitForInput(int fd) const
{
    pollfd ready{fd, POLLIN, 0};
    check(::poll(&ready, 1, kPatienceMs) == 1, "the capture library is silent");
}

HelloMessage RecordingDaemon::accept()
{
    waitForInput(m_listener);
    m_socket = ::accept4(m_listener, nullptr, nullptr, SOCK_CLOEXEC);
    check(m_socket >= 0, "cannot accept");
    waitForInput(m_socket);
    HelloMessage hello{};
    int fd = -1;
    check(receiveWithDescriptor(m_socket, hello, fd) && fd >= 0, "no hello");
    m_seals = ::fcntl(fd, F_GET_SEALS);
    m_memory = ::mmap(nullptr, records::kRegionSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    check(m_memory != MAP_FAILED, "cannot map the region");
    auto region = records::RegionReader::open({static_cast<std::byte*>(m_memory), records::kRegionSize});
    if (!region)
        throw std::runtime_error(region.error().text());
    m_region = std::move(*region);
    m_region->freeReadyChunks();
    send(WelcomeMessage{MessageType::Welcome, 0});
    return hello;
}

void RecordingDaemon::disconnect()
{
    if (m_socket < 0)
        return;
    ::close(m_socket);
    m_socket = -1;
    m_region.reset();
    ::munmap(m_memory, records::kRegionSize);
}

template <typename Message>
void RecordingDaemon::send(const Message& message)
{
    check(::send(m_socket, &message, sizeof message, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof message), "cannot send");
}

template <typename Message>
Message RecordingDaemon::receive(MessageType type)
{
    waitForInput(m_socket);
    Message message{};
    check(::recv(m_socket, &message, sizeof message, 0) == static_cast<ssize_t>(sizeof message) && message.type == type,
          "another message was expected");
    return message;
}

template OpenedMessage RecordingDaemon::receive(MessageType);
template ClosedMessage RecordingDaemon::receive(MessageType);
template CudaLoadedMessage RecordingDaemon::receive(MessageType);

void RecordingDaemon::openAndDie(std::uint32_t windowId)
{
    // From here on the library can read, and its answers fail as with a daemon that is gone.
    check(::shutdown(m_socket, SHUT_RD) == 0, "cannot shut down");
    send(openMessage(windowId, ContentNvtx, 0));
    disconnect();
}

OpenedMessage RecordingDaemon::open(std::uint32_t windowId, std::uint32_t content, std::int64_t durationNs, bool isFollowed)
{
    OpenMessage opening = openMessage(windowId, content, durationNs);
    opening.isFollowed = isFollowed;
    send(opening);
    return receive<OpenedMessage>(MessageType::Opened);
}

ArmedMessage RecordingDaemon::arm(const OpenMessage& trigger)
{
    send(trigger);
    return receive<ArmedMessage>(MessageType::Armed);
}

ClosedMessage RecordingDaemon::close(std::uint32_t windowId)
{
    disarm(windowId);
    return receive<ClosedMessage>(MessageType::Closed);
}

void RecordingDaemon::disarm(std::uint32_t windowId)
{
    send(CloseMessage{MessageType::Close, windowId, 1, 0});
    waitUntilTaken();
}

void RecordingDaemon::order(std::uint32_t windowId)
{
    send(openMessage(windowId, ContentNvtx, 0));
    waitUntilTaken();
}

/// The library takes a message under the lock under which it also acts on it.
void RecordingDaemon::waitUntilTaken() const
{
    const bool isTaken = test::eventually([this] {
        int unread = 0;
        check(ioctl(m_socket, SIOCOUTQ, &unread) == 0, "cannot ask what is unread");
        return unread == 0;
    });
    if (!isTaken)
        throw std::runtime_error("the library takes no message");
}

Recording RecordingDaemon::read(std::uint32_t windowId)
{
    if (m_windowId != windowId) {
        m_texts.clear();
        m_domains.clear();
        m_clock = {};
        m_windowId = windowId;
    }
    Recording recording;
    std::vector<std::pair<std::uint32_t, std::pair<std::uint32_t, std::string>>> categories; // names may come after their use
    m_region->drain(windowId, [&](const records::RecordView& view) {
        if (const auto* text = view.type == RecordType::Text ? view.as<records::TextRecord>() : nullptr)
            m_texts[text->id] = view.textBehind<records::TextRecord>(text->length);
        const bool isName = view.type == RecordType::Domain || view.type == RecordType::Category || view.type == RecordType::ThreadName ||
                            view.type == RecordType::StreamName;
        if (const auto* name = isName ? view.as<records::NamedRecord>() : nullptr) {
            const std::string text(view.textBehind<records::NamedRecord>(name->length));
            if (view.type == RecordType::Domain)
                m_domains[name->id] = text;
            else if (view.type == RecordType::ThreadName)
                recording.threads[name->id] = text;
            else if (view.type == RecordType::StreamName)
                recording.streams[{name->scope, name->id}] = text;
            else
                categories.push_back({name->scope, {name->id, text}});
        }
        if (const auto* schema = view.type == RecordType::PayloadSchema ? view.as<records::NamedRecord>() : nullptr)
            recording.payloadSchemas.push_back({schema->scope, std::string(view.textBehind<records::NamedRecord>(schema->length))});
        if (const auto* clock = view.type == RecordType::ClockSample ? view.as<records::ClockRecord>() : nullptr) {
            recording.clocks.push_back(*clock);
            m_clock.add(*clock);
        }
        if (!records::nvtxTime(view))
            recording.others.emplace_back(view.type, std::vector(view.bytes.begin(), view.bytes.end()));
        if (const auto event = records::nvtxEvent(view))
            recording.events.push_back({event->type,
                                        event->record.tid,
                                        {},
                                        std::string(event->text),
                                        event->record,
                                        0,
                                        event->type != view.type,
                                        std::string(event->extendedPayload)});
    });
    recording.texts = m_texts;
    for (Event& event : recording.events) {
        event.timeMonotonicNs = m_clock.monotonicNs(event.record.time);
        if (event.record.textId != 0)
            event.text = m_texts.contains(event.record.textId) ? m_texts[event.record.textId] : "unknown text";
        if (event.record.domain != 0)
            event.domain = m_domains.contains(event.record.domain) ? m_domains[event.record.domain] : "unknown domain";
    }
    for (const auto& [domain, category] : categories)
        recording.categories[{m_domains[domain], category.first}] = category.second;
    return recording;
}

} // namespace gantry::capture
