#include "remote_server/capture/control_channel.h"

#include "remote_server/capture/control_protocol.h"
#include "remote_server/capture/cupti_session.h"
#include "remote_server/capture/descriptor_message.h"
#include "remote_server/capture/nvtx_dictionary.h"
#include "remote_server/capture/nvtx_recorder.h"
#include "remote_server/capture/time_stamp.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iterator>
#include <new>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace gantry::capture {
namespace {

constexpr int kReconnectMs = 200;
constexpr int kIdlePollMs = 250;  // notices a late cuInit
constexpr int kWindowPollMs = 10; // moves CUPTI buffers, ends the window on time
constexpr std::int64_t kClockPeriodNs = 1'000'000'000;
constexpr int kFirstCommandMs = 1000;
constexpr int kExitPatienceS = 2;
constexpr std::size_t kStackBytes = 256 * 1024;

char g_socketPath[108];
char g_targetId[64];

class MutexLock
{
public:
    explicit MutexLock(pthread_mutex_t& mutex) : m_mutex(mutex) { pthread_mutex_lock(&m_mutex); }
    ~MutexLock() { pthread_mutex_unlock(&m_mutex); }
    MutexLock(const MutexLock&) = delete;
    MutexLock& operator=(const MutexLock&) = delete;

private:
    pthread_mutex_t& m_mutex;
};

/// Negative: it is over.
std::int64_t nsUntil(const timespec& realtime)
{
    return realtime.tv_sec * 1'000'000'000LL + realtime.tv_nsec - clockNs(CLOCK_REALTIME);
}

/// What the daemon wants and what is done about it. The control thread does it, and the application's threads where a trigger or
/// cuInit is theirs: one at a time.
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
            bool isConnected = false;
            {
                const MutexLock lock(m_mutex);
                disarm();
                closeWindow(); // however the daemon was lost: nobody would read what we record
                if (!m_isExiting)
                    m_cupti.leave();
                isConnected = connectToDaemon();
                if (!isConnected)
                    commanded(); // by nobody
            }
            if (!isConnected)
                poll(nullptr, 0, kReconnectMs);
        }
    }

    void abandon() { disconnect(); }

    void awaitFirstCommand()
    {
        timespec until{};
        clock_gettime(CLOCK_REALTIME, &until); // what condition variables count by
        until.tv_sec += kFirstCommandMs / 1000;
        const MutexLock lock(m_mutex);
        while (!m_isCommanded && pthread_cond_timedwait(&m_commandedChanged, &m_mutex, &until) == 0) {
        }
    }

    void closeAtExit()
    {
        timespec until{};
        clock_gettime(CLOCK_REALTIME, &until); // what mutexes count by
        until.tv_sec += kExitPatienceS;
        if (pthread_mutex_timedlock(&m_mutex, &until) != 0)
            return;
        m_isExiting = true;
        disarm();
        closeWindow();
        m_cupti.stay(nsUntil(until));
        pthread_mutex_unlock(&m_mutex);
    }

    void cudaLoaded()
    {
        const MutexLock lock(m_mutex);
        m_state.cudaLoaded.store(true, std::memory_order_release);
        CuptiSession::Opened joined;
        if (m_armed.trigger == Trigger::CudaProfiler)
            joined = watchProfilerCalls();
        if (m_windowId && !m_cupti.isOpen())
            joined = openCupti({.id = m_windowId, .content = m_content, .isBeforeContexts = true, .isFollowed = m_isFollowed});
        m_cudaLoaded = {MessageType::CudaLoaded, m_windowId, joined.outcome, joined.cuptiVersion, {}};
        std::memcpy(m_cudaLoaded.detail, joined.detail, sizeof joined.detail);
    }

    std::uint32_t triggerBegins()
    {
        const MutexLock lock(m_mutex);
        if (m_windowId || m_armed.trigger == Trigger::None || m_triggersSeen++ % m_armed.triggerEvery >= m_armed.triggerKept)
            return 0;
        openWindow(m_nextTriggeredId++, m_armed.content, m_armed.durationNs, true);
        return m_windowId;
    }

    void triggerEnds(std::uint32_t windowId)
    {
        const MutexLock lock(m_mutex);
        if (windowId && m_windowId == windowId)
            closeWindow();
    }

private:
    static const CuptiSession::ProfilerCalls kProfilerCalls;

    /// Whoever waits for the daemon's first word need not wait any longer.
    void commanded()
    {
        m_isCommanded = true;
        pthread_cond_broadcast(&m_commandedChanged);
    }

    bool connectToDaemon()
    {
        m_socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); // threads of the target may wait for m_mutex
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
        if (m_socket >= 0)
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
        hello.lastWindowId = m_lastWindowId;
        std::memcpy(hello.targetId, g_targetId, sizeof g_targetId);
        const ssize_t length = readlink("/proc/self/exe", hello.executable, sizeof hello.executable - 1);
        hello.executable[length > 0 ? length : 0] = '\0';
        return sendWithDescriptor(m_socket, hello, m_state.regionFd);
    }

    template <typename Message>
    void reply(const Message& message)
    {
        // A daemon that is gone, or so far behind that it is as good as gone, is the control thread's to notice: it may be waiting on the
        // socket. The target never waits for it.
        if (m_socket >= 0 && send(m_socket, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            shutdown(m_socket, SHUT_RDWR);
    }

    void step()
    {
        pollfd ready{m_socket, POLLIN, 0};
        const int events = poll(&ready, 1, patienceMs());
        const MutexLock lock(m_mutex);
        if (m_state.cudaLoaded.load(std::memory_order_acquire) && !m_cudaAnnounced) {
            m_cudaAnnounced = true;
            reply(m_cudaLoaded);
        }
        if (events > 0 && m_socket >= 0)
            receive();
        if (m_windowId && m_socket >= 0)
            tendWindow();
        if (!m_isExiting)
            m_cupti.leave(); // which a window prevents that holds CUPTI
    }

    /// Until there is something to do: an open window ends on time, to the ms.
    int patienceMs()
    {
        const MutexLock lock(m_mutex);
        if (!m_windowId)
            return m_cupti.isLeaving() ? kWindowPollMs : kIdlePollMs;
        const std::int64_t left = std::min<std::int64_t>(m_deadlineNs - clockNs(CLOCK_MONOTONIC), kWindowPollMs * 1'000'000LL);
        return left <= 0 ? 0 : static_cast<int>((left + 999'999) / 1'000'000);
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
            take(open);
            commanded();
        } else if (type == MessageType::Close && size == sizeof(CloseMessage)) {
            CloseMessage close;
            std::memcpy(&close, bytes, sizeof close);
            if (close.disarms)
                disarm();
            if (close.windowId == 0 || close.windowId == m_windowId)
                closeWindow();
        } else if (type == MessageType::Welcome) {
            commanded();
        }
    }

    void take(const OpenMessage& open)
    {
        if (open.trigger != Trigger::None) {
            arm(open);
            return;
        }
        if (open.windowId <= m_lastWindowId) // a trigger of ours was faster than that of a sibling, and its window may be over by now
            return;
        openWindow(open.windowId, open.content, open.durationNs, open.isFollowed != 0 || m_armed.trigger != Trigger::None);
        if (m_armed.trigger != Trigger::None)
            m_nextTriggeredId = open.windowId + 1;
    }

    void arm(const OpenMessage& open)
    {
        unwatch();
        m_armed = open;
        m_isWatching = true;
        m_armed.triggerMessage[sizeof m_armed.triggerMessage - 1] = m_armed.triggerDomain[sizeof m_armed.triggerDomain - 1] = '\0';
        m_armed.triggerEvery = std::max(1u, open.triggerEvery);
        m_armed.triggerKept = std::max(1u, open.triggerKept);
        m_triggersSeen = 0;
        m_nextTriggeredId = open.windowId;
        CuptiSession::Opened outcome;
        if (open.trigger == Trigger::CudaProfiler)
            outcome = watchProfilerCalls();
        else
            setNvtxTrigger(m_armed.triggerMessage, m_armed.triggerDomain);
        ArmedMessage armed{};
        armed.type = MessageType::Armed;
        armed.windowId = open.windowId;
        armed.outcome = outcome.outcome;
        std::memcpy(armed.detail, outcome.detail, sizeof armed.detail);
        reply(armed);
    }

    static CuptiSession::Opened exiting()
    {
        CuptiSession::Opened result{.outcome = OpenOutcome::CudaFailed};
        std::snprintf(result.detail, sizeof result.detail, "the process is exiting");
        return result;
    }

    CuptiSession::Opened watchProfilerCalls()
    {
        if (m_isExiting)
            return exiting();
        const CuptiSession::Opened watched = m_cupti.watchProfilerCalls(m_state, kProfilerCalls);
        awaitExit();
        return watched;
    }

    /// Handlers of exit run in the reverse order of their registration: ours before those of CUPTI, which are there once it has been used.
    void awaitExit()
    {
        if (m_cupti.isAttached() && !m_hasExitHandler)
            m_hasExitHandler = std::atexit(capture::closeAtExit) == 0;
    }

    CuptiSession::Opened openCupti(const CuptiSession::Window& window)
    {
        if (window.content == ContentNvtx) // CUPTI would slow the target down for nothing
            return {.outcome = m_state.cudaLoaded.load(std::memory_order_acquire) ? OpenOutcome::Capturing : OpenOutcome::NvtxOnly};
        if (m_isExiting)
            return exiting();
        const CuptiSession::Opened opened = m_cupti.open(m_state, window);
        awaitExit();
        return opened;
    }

    /// No range opens a window any more; one that is open goes on until its range ends.
    void disarm()
    {
        m_armed.trigger = Trigger::None;
        if (m_windowId == 0)
            unwatch();
    }

    void unwatch()
    {
        if (!std::exchange(m_isWatching, false))
            return;
        m_cupti.ignoreProfilerCalls();
        setNvtxTrigger(nullptr, nullptr);
    }

    void openWindow(std::uint32_t windowId, std::uint32_t content, std::int64_t durationNs, bool isFollowed)
    {
        if (m_windowId)
            closeWindow();
        const std::int64_t received = clockNs(CLOCK_MONOTONIC);
        m_state.region.clearLosses();
        m_windowId = m_lastWindowId = windowId;
        m_content = content;
        m_isFollowed = isFollowed;
        sampleClocks();
        const CuptiSession::Opened cupti = openCupti({.id = windowId, .content = content, .isFollowed = isFollowed});
        // NVTX before its dictionary: what is registered from here on is written by who registers it, the rest by the dump.
        if (content & ContentNvtx) {
            m_state.nvtxWindow.store(windowId, std::memory_order_release);
            dumpNvtxDictionary(m_state, windowId);
            updateNvtxHandlers();
        }
        OpenedMessage opened{};
        opened.type = MessageType::Opened;
        opened.windowId = windowId;
        opened.outcome = cupti.outcome;
        opened.cuptiVersion = cupti.cuptiVersion;
        std::memcpy(opened.detail, cupti.detail, sizeof opened.detail);
        opened.openMonotonicNs = clockNs(CLOCK_MONOTONIC);
        opened.openRealtimeNs = clockNs(CLOCK_REALTIME);
        opened.costNs = opened.openMonotonicNs - received;
        m_deadlineNs = durationNs > 0 ? opened.openMonotonicNs + durationNs : INT64_MAX;
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
        updateNvtxHandlers();
        m_cupti.close();
        sampleClocks();
        ClosedMessage closed{};
        closed.type = MessageType::Closed;
        closed.windowId = m_windowId;
        closed.closeMonotonicNs = begin;
        closed.costNs = clockNs(CLOCK_MONOTONIC) - begin;
        for (std::size_t i = 0; i < std::size(closed.losses); ++i)
            closed.losses[i] = m_state.region.header().losses[i].load(std::memory_order_relaxed);
        const bool isLast =
            m_armed.trigger != Trigger::None && m_armed.windowCount > 0 && m_windowId - m_armed.windowId + 1 >= m_armed.windowCount;
        m_windowId = 0;
        if (isLast || m_armed.trigger == Trigger::None)
            disarm();
        reply(closed);
    }

    void sampleClocks()
    {
        const records::ClockRecord sample = clockSample();
        m_lastClockNs = sample.monotonicNs;
        if (!threadCursor().append(m_state.region, m_windowId, currentThreadId(), records::RecordType::ClockSample, sample))
            m_state.region.count(records::LossCounter::NvtxNoChunk);
    }

    CaptureState& m_state;
    int m_socket = -1;                                   ///< control thread, or m_mutex held
    pthread_mutex_t m_mutex = PTHREAD_MUTEX_INITIALIZER; ///< everything below
    pthread_cond_t m_commandedChanged = PTHREAD_COND_INITIALIZER;
    bool m_isCommanded = false;
    CuptiSession m_cupti;
    bool m_hasExitHandler = false;
    bool m_isExiting = false; ///< CUPTI and the driver may be gone
    bool m_cudaAnnounced = false;
    CudaLoadedMessage m_cudaLoaded{};
    OpenMessage m_armed{}; ///< trigger None: nothing is waited for
    std::uint32_t m_triggersSeen = 0;
    std::uint32_t m_nextTriggeredId = 0;
    bool m_isWatching = false; ///< for ranges that open or close a window
    std::uint32_t m_windowId = 0;
    std::uint32_t m_lastWindowId = 0; ///< ids only grow
    std::uint32_t m_content = 0;
    bool m_isFollowed = false; ///< by another window, soon
    std::int64_t m_deadlineNs = 0;
    std::int64_t m_lastClockNs = 0;
};

std::atomic<std::uint32_t> g_profilerWindow{0}; ///< that cudaProfilerStart has opened

const CuptiSession::ProfilerCalls ControlChannel::kProfilerCalls{
    [] {
        if (const std::uint32_t window = capture::triggerBegins())
            g_profilerWindow.store(window, std::memory_order_relaxed);
    },
    [] { capture::triggerEnds(g_profilerWindow.exchange(0, std::memory_order_relaxed)); },
};

ControlChannel* g_channel = nullptr; ///< one per process, never destroyed

void* controlThread(void*)
{
    prctl(PR_SET_NAME, "gantry-control");
    g_channel->run();
}

} // namespace

bool startControlThread(CaptureState& state, const char* socketPath, const char* targetId)
{
    if (std::strlen(socketPath) >= sizeof g_socketPath)
        return false;
    std::strncpy(g_socketPath, socketPath, sizeof g_socketPath - 1);
    if (targetId)
        std::strncpy(g_targetId, targetId, sizeof g_targetId - 1);

    alignas(ControlChannel) static char memory[sizeof(ControlChannel)];
    g_channel = new (memory) ControlChannel(state);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // inherited: the target's signals stay the target's
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStackBytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    const bool started = pthread_create(&thread, &attributes, controlThread, nullptr) == 0;
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
}

void awaitFirstCommand()
{
    g_channel->awaitFirstCommand();
}

void abandonControlChannel()
{
    if (g_channel)
        g_channel->abandon();
    g_channel = nullptr;
}

void closeAtExit()
{
    if (g_channel)
        g_channel->closeAtExit();
}

void announceCuda()
{
    g_channel->cudaLoaded(); // the control thread tells of it within kIdlePollMs
}

std::uint32_t triggerBegins()
{
    return g_channel->triggerBegins();
}

void triggerEnds(std::uint32_t windowId)
{
    g_channel->triggerEnds(windowId);
}

} // namespace gantry::capture
