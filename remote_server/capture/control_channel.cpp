#include "remote_server/capture/control_channel.h"

#include "remote_server/capture/control_protocol.h"
#include "remote_server/capture/cupti_session.h"
#include "remote_server/capture/descriptor_message.h"
#include "remote_server/capture/nvtx_recorder.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace gantry::capture {
namespace {

constexpr int kReconnectMs = 200;
constexpr int kIdlePollMs = 250;   // notices a late cuInit
constexpr int kWindowPollMs = 10;  // moves CUPTI buffers, ends the window on time
constexpr std::int64_t kClockPeriodNs = 1'000'000'000;
constexpr std::size_t kStackBytes = 256 * 1024;

char g_socketPath[108];
char g_targetId[64];

/// The control thread's own data.
class ControlChannel
{
public:
    explicit ControlChannel(CaptureState& state) : m_state(state) {}

    [[noreturn]] void run()
    {
        for (;;) {
            if (m_socket >= 0) {
                step();
                continue;
            }
            closeWindow(); // however the daemon was lost: nobody would read what we record
            if (!connectToDaemon())
                poll(nullptr, 0, kReconnectMs);
        }
    }

private:
    bool connectToDaemon()
    {
        m_socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (m_socket < 0)
            return false;
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, g_socketPath, sizeof g_socketPath);
        if (connect(m_socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || !sendHello()) {
            disconnect();
            return false;
        }
        return true;
    }

    void disconnect()
    {
        close(m_socket);
        m_socket = -1;
    }

    bool sendHello()
    {
        HelloMessage hello{};
        hello.type = MessageType::Hello;
        hello.version = kControlVersion;
        hello.pid = getpid();
        m_cudaAnnounced = m_state.cudaLoaded.load(std::memory_order_acquire);
        hello.cudaLoaded = m_cudaAnnounced;
        std::memcpy(hello.targetId, g_targetId, sizeof g_targetId);
        const ssize_t length = readlink("/proc/self/exe", hello.executable, sizeof hello.executable - 1);
        hello.executable[length > 0 ? length : 0] = '\0';
        return sendWithDescriptor(m_socket, hello, m_state.regionFd);
    }

    template <typename Message>
    void reply(const Message& message)
    {
        if (m_socket >= 0 && send(m_socket, &message, sizeof message, MSG_NOSIGNAL) < 0)
            disconnect();
    }

    void step()
    {
        pollfd ready{m_socket, POLLIN, 0};
        const int events = poll(&ready, 1, m_windowId ? kWindowPollMs : kIdlePollMs);
        if (m_state.cudaLoaded.load(std::memory_order_acquire) && !m_cudaAnnounced) {
            m_cudaAnnounced = true;
            reply(CudaLoadedMessage{MessageType::CudaLoaded, 0});
        }
        if (events > 0 && m_socket >= 0)
            receive();
        if (m_windowId && m_socket >= 0)
            tendWindow();
    }

    void receive()
    {
        alignas(8) char bytes[kMaxMessageSize];
        const ssize_t size = recv(m_socket, bytes, sizeof bytes, MSG_DONTWAIT);
        if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
            disconnect();
            return;
        }
        MessageType type{};
        if (size < static_cast<ssize_t>(sizeof type))
            return;
        std::memcpy(&type, bytes, sizeof type);
        if (type == MessageType::Open && size == sizeof(OpenMessage)) {
            OpenMessage open;
            std::memcpy(&open, bytes, sizeof open);
            openWindow(open);
        } else if (type == MessageType::Close && size == sizeof(CloseMessage)) {
            CloseMessage close;
            std::memcpy(&close, bytes, sizeof close);
            if (close.windowId == m_windowId)
                closeWindow();
        }
    }

    void openWindow(const OpenMessage& open)
    {
        if (m_windowId)
            closeWindow();
        const std::int64_t received = clockNs(CLOCK_MONOTONIC);
        m_state.region.clearLosses();
        m_windowId = open.windowId;
        sampleClocks();
        const CuptiSession::Opened cupti = m_cupti.open(m_state, open.windowId, open.content);
        // NVTX before its dictionary: what is registered from here on is written by who registers it, the rest by the dump.
        if (open.content & ContentNvtx) {
            m_state.nvtxWindow.store(open.windowId, std::memory_order_release);
            dumpNvtxDictionary(m_state, open.windowId);
        }
        OpenedMessage opened{};
        opened.type = MessageType::Opened;
        opened.windowId = open.windowId;
        opened.outcome = cupti.outcome;
        opened.cuptiVersion = cupti.cuptiVersion;
        std::memcpy(opened.detail, cupti.detail, sizeof opened.detail);
        opened.openMonotonicNs = clockNs(CLOCK_MONOTONIC);
        opened.openRealtimeNs = clockNs(CLOCK_REALTIME);
        opened.costNs = opened.openMonotonicNs - received;
        m_deadlineNs = open.durationNs > 0 ? opened.openMonotonicNs + open.durationNs : INT64_MAX;
        reply(opened);
    }

    void tendWindow()
    {
        const std::int64_t now = clockNs(CLOCK_MONOTONIC);
        if (now >= m_deadlineNs) {
            closeWindow();
            return;
        }
        m_cupti.pump();
        if (now - m_lastClockNs >= kClockPeriodNs)
            sampleClocks();
    }

    void closeWindow()
    {
        if (!m_windowId)
            return;
        const std::int64_t begin = clockNs(CLOCK_MONOTONIC);
        m_state.nvtxWindow.store(0, std::memory_order_release);
        m_cupti.close();
        sampleClocks();
        ClosedMessage closed{};
        closed.type = MessageType::Closed;
        closed.windowId = m_windowId;
        closed.closeMonotonicNs = begin;
        closed.costNs = clockNs(CLOCK_MONOTONIC) - begin;
        m_windowId = 0;
        reply(closed);
    }

    /// Three clocks within the narrowest bracket of a few tries.
    void sampleClocks()
    {
        records::ClockRecord best{};
        best.bracketNs = INT64_MAX;
        for (int i = 0; i < 50; ++i) {
            const std::int64_t before = clockNs(CLOCK_MONOTONIC);
            const std::int64_t realtime = clockNs(CLOCK_REALTIME);
            const std::int64_t raw = clockNs(CLOCK_MONOTONIC_RAW);
            const std::int64_t after = clockNs(CLOCK_MONOTONIC);
            if (after - before < best.bracketNs)
                best = {{}, before + (after - before) / 2, realtime, raw, after - before};
        }
        m_lastClockNs = best.monotonicNs;
        if (!threadCursor().append(m_state.region, m_windowId, currentThreadId(), records::RecordType::ClockSample, best))
            m_state.region.count(records::LossCounter::NvtxNoChunk);
    }

    CaptureState& m_state;
    CuptiSession m_cupti;
    int m_socket = -1;
    bool m_cudaAnnounced = false;
    std::uint32_t m_windowId = 0;
    std::int64_t m_deadlineNs = 0;
    std::int64_t m_lastClockNs = 0;
};

void* controlThread(void* argument)
{
    prctl(PR_SET_NAME, "gantry-control");
    // In static memory, not on the small stack; one per process.
    alignas(ControlChannel) static char memory[sizeof(ControlChannel)];
    (new (memory) ControlChannel(*static_cast<CaptureState*>(argument)))->run();
}

} // namespace

bool startControlThread(CaptureState& state, const char* socketPath, const char* targetId)
{
    if (std::strlen(socketPath) >= sizeof g_socketPath)
        return false;
    std::strncpy(g_socketPath, socketPath, sizeof g_socketPath - 1);
    if (targetId)
        std::strncpy(g_targetId, targetId, sizeof g_targetId - 1);

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // inherited: the target's signals stay the target's
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStackBytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    const bool started = pthread_create(&thread, &attributes, controlThread, &state) == 0;
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
}

void announceCuda(CaptureState& state)
{
    state.cudaLoaded.store(true, std::memory_order_release); // the control thread sees it within kIdlePollMs
}

} // namespace gantry::capture
