#include "remote_server/node/capture_engine.h"

#include "remote_server/node/capture_link.h"
#include "remote_server/node/clock.h"
#include "remote_server/node/report_assembler.h"
#include "remote_server/node/request_counter.h"
#include "remote_server/node/sample_history.h"
#include "remote_server/proto/convert.h"
#include "trace_model/report/meta_keys.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <ctime>
#include <deque>
#include <fcntl.h>
#include <fstream>
#include <mutex>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace gantry::node {
namespace {

constexpr DurationNs kLongestWindowNs = 600'000'000'000;      // node.proto, StartCaptureRequest.duration_ns
constexpr std::int64_t kOpenGraceNs = 10'000'000'000;         // the first enable on a busy process can take seconds
constexpr std::size_t kMaxWindowBytes = std::size_t{1} << 30; // records held in memory per process
constexpr int kDrainPollMs = 10;
constexpr int kIdlePollMs = 200;
constexpr std::size_t kKeptStatuses = 64;

std::string readFile(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string commandLineOf(int pid)
{
    std::string text = readFile("/proc/" + std::to_string(pid) + "/cmdline");
    std::replace(text.begin(), text.end(), '\0', ' ');
    while (!text.empty() && text.back() == ' ')
        text.pop_back();
    return text;
}

std::map<std::uint32_t, std::string> threadNamesOf(int pid)
{
    std::map<std::uint32_t, std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator entry("/proc/" + std::to_string(pid) + "/task", error), end; !error && entry != end; entry.increment(error)) {
        std::string name = readFile((entry->path() / "comm").string());
        if (!name.empty() && name.back() == '\n')
            name.pop_back();
        names[static_cast<std::uint32_t>(std::strtoul(entry->path().filename().c_str(), nullptr, 10))] = name;
    }
    return names;
}

std::uint32_t contentBits(const proto::CaptureContent& c)
{
    using namespace capture;
    return (c.nvtx ? ContentNvtx : 0u) | (c.kernels ? ContentKernels : 0u) | (c.memcpy ? ContentMemcpy : 0u) | (c.runtimeApi ? ContentRuntimeApi : 0u)
        | (c.driverApi ? ContentDriverApi : 0u) | (c.synchronization ? ContentSynchronization : 0u) | (c.overhead ? ContentOverhead : 0u);
}

/// Lets go of a lock for as long as it lives, also when an exception ends it.
class Unlocked
{
public:
    explicit Unlocked(std::unique_lock<std::mutex>& lock) : m_lock(lock) { m_lock.unlock(); }
    ~Unlocked() { m_lock.lock(); }
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;

private:
    std::unique_lock<std::mutex>& m_lock;
};

/// The open window. Made by whoever starts it, then the engine thread's; with the engine's mutex held, but for the records while
/// they are assembled.
struct Window
{
    struct Member
    {
        CaptureLink* link = nullptr; ///< null: the process has ended
        ProcessCapture capture;
        RequestCounter requests;
        std::uint64_t damagedBefore = 0; ///< chunks, of earlier windows
    };

    std::uint32_t id = 0;
    proto::CaptureRequest request;
    proto::CaptureStatus status;
    std::vector<Member> members;
    std::int64_t startedNs = 0;  ///< command given
    std::int64_t openedNs = 0;   ///< last process recording; 0: arming
    std::int64_t closingNs = 0;  ///< close sent; 0: still open
    std::int64_t openRealtimeNs = 0;
    std::string reportName;
    bool unanswered = false; ///< a process did not say that it has closed
};

class Engine final : public CaptureEngine
{
public:
    Engine(Options options, int listenSocket) : m_options(std::move(options)), m_listen(listenSocket), m_wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
    {
        if (m_options.metrics)
            m_options.metrics->add(m_history);
        m_thread = std::jthread([this](std::stop_token stop) { run(stop); });
    }

    ~Engine() override
    {
        m_thread.request_stop();
        wake();
        m_thread = {};
        if (m_options.metrics)
            m_options.metrics->remove(m_history);
        close(m_listen);
        close(m_wake);
        unlink(m_options.socketPath.c_str());
    }

    std::vector<AttachedProcess> processes() const override
    {
        const std::lock_guard lock(m_mutex);
        std::vector<AttachedProcess> result;
        for (const auto& link : m_links)
            result.push_back({link->pid(), link->targetId(), link->executable(), commandLineOf(link->pid()), link->cudaLoaded()});
        return result;
    }

    Result<proto::CaptureStatus> start(const proto::CaptureRequest& request) override
    {
        const std::lock_guard lock(m_mutex);
        if (m_window)
            return Error{ErrorCode::Busy,
                         "a capture window is already open, held by " + (m_window->status.holder.empty() ? "another client" : m_window->status.holder)
                             + ": wait until it is done or stop it",
                         {}};
        if (request.durationNs < 0)
            return Error{ErrorCode::BadInput, "the length of a capture window cannot be negative", {}};
        if (request.targetId.empty()) // would be all processes that were started by hand
            return Error{ErrorCode::BadInput, "a capture window needs a target: `gantryctl target list` shows them", {}};
        auto window = std::make_unique<Window>();
        for (const auto& link : m_links)
            if (link->targetId() == request.targetId || "p" + std::to_string(link->pid()) == request.targetId) {
                window->members.emplace_back();
                window->members.back().link = link.get();
                window->members.back().capture.pid = link->pid();
                window->members.back().capture.executable = link->executable();
                window->members.back().damagedBefore = link->region().damagedChunks();
            }
        if (window->members.empty())
            return Error{ErrorCode::NotFound,
                         "target " + request.targetId
                             + " has no process with the capture library: launch it through gantryd, or start it with CUDA_INJECTION64_PATH, "
                               "NVTX_INJECTION64_PATH and GANTRY_CAPTURE_SOCKET set",
                         {}};
        window->id = m_nextWindowId++;
        window->request = request;
        window->startedNs = monotonicNow();
        const DurationNs length = request.durationNs == 0 ? kLongestWindowNs : std::min(request.durationNs, kLongestWindowNs);
        proto::CaptureStatus& status = window->status;
        status.captureId = "c" + std::to_string(window->id);
        status.targetId = request.targetId;
        status.state = proto::CaptureState::Arming;
        status.holder = request.clientName;
        status.durationNs = request.durationNs;
        bool anyOpens = false;
        for (Window::Member& member : window->members) {
            const bool opens = member.link->sendOpen(window->id, contentBits(request.content), length);
            anyOpens = anyOpens || opens;
            if (!opens)
                member.link = nullptr;
            member.capture.ended = !opens;
        }
        if (!anyOpens)
            return Error{ErrorCode::TargetGone, "target " + request.targetId + " has ended", {}};
        m_history.keepFrom(window->startedNs);
        m_window = std::move(window);
        publish();
        wake();
        return m_window->status;
    }

    Result<proto::CaptureStatus> stop(const std::string& captureId) override
    {
        const std::lock_guard lock(m_mutex);
        if (m_window && (captureId.empty() || m_window->status.captureId == captureId)) {
            sendClose();
            wake();
            return m_window->status;
        }
        return find(captureId);
    }

    Result<proto::CaptureStatus> status(const std::string& captureId) const override
    {
        const std::lock_guard lock(m_mutex);
        return find(captureId);
    }

    Result<proto::CaptureStatus> waitForChange(const std::string& captureId, const proto::CaptureStatus& known, std::chrono::milliseconds timeout) const override
    {
        std::unique_lock lock(m_mutex);
        m_changed.wait_for(lock, timeout, [&] {
            const auto now = find(captureId);
            return !now || now->state != known.state || now->events != known.events || now->bytes != known.bytes;
        });
        return find(captureId);
    }

private:
    Result<proto::CaptureStatus> find(const std::string& captureId) const
    {
        for (const proto::CaptureStatus& status : m_statuses)
            if (status.captureId == captureId)
                return status;
        return Error{ErrorCode::NotFound, "there is no capture " + captureId + " on this node", {}};
    }

    /// Makes the window's status visible to clients. Mutex held.
    void publish()
    {
        const proto::CaptureStatus& status = m_window->status;
        const auto place = std::find_if(m_statuses.begin(), m_statuses.end(), [&](const auto& s) { return s.captureId == status.captureId; });
        if (place != m_statuses.end())
            *place = status;
        else
            m_statuses.push_back(status);
        if (m_statuses.size() > kKeptStatuses)
            m_statuses.pop_front();
        m_changed.notify_all();
    }

    void wake()
    {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = write(m_wake, &one, sizeof one);
    }

    void run(std::stop_token stop)
    {
        while (!stop.stop_requested())
            guarded([this] {
                waitForWork();
                std::unique_lock lock(m_mutex);
                acceptNew();
                readLinks();
                if (m_window)
                    tendWindow(lock);
            });
        guarded([this] {
            std::unique_lock lock(m_mutex);
            if (m_window) // the daemon ends: what was captured is kept
                finishWindow(lock);
        });
    }

    /// The last resort: what a library throws, or the lack of memory, ends the window and not the daemon.
    template <typename Body>
    void guarded(Body body)
    {
        try {
            body();
        } catch (const std::exception& exception) {
            failWindow(exception.what());
        }
    }

    void failWindow(const char* reason)
    {
        {
            std::unique_lock lock(m_mutex);
            if (m_window) {
                sendClose();
                m_window->members.clear(); // the memory that may be what lacks
                m_history.keepFrom(INT64_MAX);
                conclude(Error{ErrorCode::Internal, std::string("gantryd failed while it captured: ") + reason, {}});
                return;
            }
        }
        spdlog::error("gantryd failed while no window was open: {}", reason);
        poll(nullptr, 0, kIdlePollMs); // whatever it is may be there again at once
    }

    void waitForWork()
    {
        std::vector<pollfd> fds{{m_listen, POLLIN, 0}, {m_wake, POLLIN, 0}};
        int timeout = kIdlePollMs;
        {
            const std::lock_guard lock(m_mutex);
            for (const auto& link : m_links)
                fds.push_back({link->socket(), POLLIN, 0});
            if (m_window)
                timeout = kDrainPollMs;
        }
        poll(fds.data(), fds.size(), timeout);
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = read(m_wake, &count, sizeof count);
    }

    void acceptNew()
    {
        while (true) {
            const int socket = accept4(m_listen, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (socket < 0)
                return;
            auto link = CaptureLink::accept(socket);
            if (!link) {
                spdlog::warn("{}", link.error().text());
                continue;
            }
            spdlog::info("process {} ({}) is ready for capture", (*link)->pid(), (*link)->executable());
            m_links.push_back(std::move(*link));
        }
    }

    Window::Member* memberOf(const CaptureLink* link)
    {
        if (m_window)
            for (Window::Member& member : m_window->members)
                if (member.link == link)
                    return &member;
        return nullptr;
    }

    void readLinks()
    {
        for (std::size_t i = 0; i < m_links.size();) {
            CaptureLink& link = *m_links[i];
            auto event = link.receive();
            if (!event) {
                spdlog::info("{}", event.error().text());
                if (Window::Member* member = memberOf(&link)) {
                    drain(*member);
                    takeLosses(*member);
                    member->link = nullptr;
                    member->capture.ended = !member->capture.closed;
                    m_window->status.targetExited = m_window->status.targetExited || member->capture.ended;
                }
                m_links.erase(m_links.begin() + static_cast<std::ptrdiff_t>(i));
                continue;
            }
            if (!*event) {
                ++i; // nothing more from this one
                continue;
            }
            std::visit([&](const auto& message) { take(link, message); }, **event);
        }
    }

    void take(CaptureLink& link, const capture::CudaLoadedMessage&) { link.setCudaLoaded(); }

    void take(CaptureLink& link, const capture::OpenedMessage& message)
    {
        Window::Member* member = memberOf(&link);
        if (!member || message.windowId != m_window->id)
            return;
        member->capture.opened = message;
        const std::string detail(message.detail, strnlen(message.detail, sizeof message.detail));
        const std::string process = "process " + std::to_string(link.pid());
        if (message.outcome == capture::OpenOutcome::CudaBusy)
            m_window->status.message = process + " is held by another CUDA profiler, so only NVTX is captured: end that profiler first (" + detail + ")";
        else if (message.outcome == capture::OpenOutcome::CudaFailed)
            m_window->status.message = "CUDA work of " + process + " cannot be captured, only NVTX is: " + detail;
        else if (!detail.empty())
            m_window->status.message = process + ": " + detail;
    }

    void take(CaptureLink& link, const capture::ClosedMessage& message)
    {
        Window::Member* member = memberOf(&link);
        if (!member || message.windowId != m_window->id)
            return;
        drain(*member);
        takeLosses(*member);
        member->capture.closed = message;
    }

    void drain(Window::Member& member)
    {
        auto& bytes = member.capture.records;
        const std::size_t records = member.link->region().drain(m_window->id, [&](const records::RecordView& view) {
            if (bytes.size() + view.bytes.size() > kMaxWindowBytes) {
                ++member.capture.overBudgetRecords;
                return;
            }
            bytes.insert(bytes.end(), view.bytes.begin(), view.bytes.end());
            if (m_window->request.maxRequests > 0)
                member.requests.take(view);
        });
        m_window->status.events += records;
    }

    /// Until the process has opened the window, its counters are those of the one before.
    void takeLosses(Window::Member& member)
    {
        if (member.capture.opened)
            for (std::size_t i = 0; i < member.capture.losses.size(); ++i)
                member.capture.losses[i] = member.link->region().loss(static_cast<records::LossCounter>(i));
        member.capture.damagedChunks = member.link->region().damagedChunks() - member.damagedBefore;
        if (member.capture.threadNames.empty())
            member.capture.threadNames = threadNamesOf(member.capture.pid);
    }

    void tendWindow(std::unique_lock<std::mutex>& lock)
    {
        Window& window = *m_window;
        const std::int64_t now = monotonicNow();
        std::uint64_t bytes = 0, finishedRequests = 0, dropped = 0;
        bool allOpened = true, allClosed = true;
        for (Window::Member& member : window.members) {
            if (member.link && !member.capture.closed)
                drain(member);
            bytes += member.capture.records.size();
            finishedRequests += member.requests.finished();
            dropped += member.capture.overBudgetRecords;
            if (member.link && member.capture.opened)
                for (const auto counter : {records::LossCounter::NvtxNoChunk, records::LossCounter::CuptiNoChunk, records::LossCounter::CuptiDropped})
                    dropped += member.link->region().loss(counter);
            allOpened = allOpened && (member.capture.opened || !member.link);
            allClosed = allClosed && (member.capture.closed || !member.link);
        }
        window.status.bytes = bytes;
        window.status.dropped = dropped;
        if (window.openedNs == 0 && (allOpened || now - window.startedNs > kOpenGraceNs))
            markOpened(window, now);
        if (window.openedNs != 0 && window.closingNs == 0) {
            window.status.elapsedNs = now - window.openedNs;
            if (window.request.maxRequests > 0 && finishedRequests >= window.request.maxRequests)
                sendClose();
            else if (window.request.durationNs > 0 && window.status.elapsedNs >= window.request.durationNs) {
                window.closingNs = now; // the libraries close by themselves at this moment
                window.status.state = proto::CaptureState::Closing;
            }
        }
        publish();
        if (allClosed || (window.closingNs != 0 && now - window.closingNs > m_options.closeGrace.count()))
            finishWindow(lock);
    }

    void markOpened(Window& window, std::int64_t now)
    {
        window.openedNs = now;
        for (const Window::Member& member : window.members)
            if (member.capture.opened) {
                window.status.openCostNs = std::max(window.status.openCostNs, member.capture.opened->costNs);
                window.openedNs = std::min(window.openedNs, member.capture.opened->openMonotonicNs);
            }
        window.openRealtimeNs = utcNow() - (now - window.openedNs);
        if (window.status.state == proto::CaptureState::Arming)
            window.status.state = proto::CaptureState::Capturing;
    }

    void sendClose()
    {
        if (m_window->closingNs != 0)
            return;
        m_window->closingNs = monotonicNow();
        m_window->status.state = proto::CaptureState::Closing;
        for (Window::Member& member : m_window->members)
            if (member.link && !member.link->sendClose(m_window->id))
                spdlog::warn("process {} did not take the end of the window", member.capture.pid);
        publish();
    }

    std::string newReportName(const std::string& target)
    {
        const std::time_t now = std::time(nullptr);
        std::tm utc{};
        gmtime_r(&now, &utc);
        char stamp[32];
        std::strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &utc);
        std::string safe;
        for (const char c : target)
            safe += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ? c : '-';
        return std::string(stamp) + "-" + (safe.empty() ? "capture" : safe) + "-" + std::to_string(m_window->id) + ".gantry";
    }

    /// Writes the report, with the mutex released: clients see "assembling" meanwhile.
    void finishWindow(std::unique_lock<std::mutex>& lock)
    {
        Window& window = *m_window;
        const std::int64_t now = monotonicNow();
        if (window.openedNs == 0)
            markOpened(window, now);
        if (window.closingNs == 0)
            window.closingNs = now; // there is nothing left to stop
        std::int64_t closed = 0;
        bool anyOpened = false;
        for (Window::Member& member : window.members) {
            anyOpened = anyOpened || member.capture.opened || !member.capture.records.empty();
            if (member.capture.closed) {
                closed = std::max(closed, member.capture.closed->closeMonotonicNs);
                window.status.closeCostNs = std::max(window.status.closeCostNs, member.capture.closed->costNs);
            } else if (member.link) {
                takeLosses(member);
                window.unanswered = true;
            }
        }
        if (!anyOpened) {
            m_history.keepFrom(INT64_MAX);
            conclude(window.unanswered
                         ? Error{ErrorCode::Unreachable, "no process of the target had begun to record when the window ended: is it stopped?", {}}
                         : Error{ErrorCode::TargetGone, "the target ended before it began to record", {}});
            return;
        }
        std::string targetName;
        std::map<std::string, std::string> snapshot;
        {
            // Whoever knows the names may ask this engine for its processes: not with the mutex held.
            const Unlocked unlocked(lock);
            if (m_options.targetName)
                targetName = m_options.targetName(window.request.targetId);
            if (m_options.nodeSnapshot)
                snapshot = m_options.nodeSnapshot();
        }
        window.reportName = newReportName(targetName);
        window.status.state = proto::CaptureState::Assembling;
        publish();

        WindowCapture capture;
        for (Window::Member& member : window.members)
            capture.processes.push_back(std::move(member.capture));
        capture.openMonotonicNs = window.openedNs;
        capture.closeMonotonicNs = closed ? closed : monotonicNow();
        capture.openRealtimeNs = window.openRealtimeNs;
        capture.targetId = window.request.targetId;
        if (window.request.content.metrics)
            m_history.copyTo(capture);
        m_history.keepFrom(INT64_MAX);
        capture.meta = std::move(snapshot);
        capture.meta[report::meta::kLabel] = window.request.label;
        capture.meta[report::meta::kTargetName] = targetName;
        capture.meta[report::meta::kOpenCostNs] = std::to_string(window.status.openCostNs);
        if (window.status.closeCostNs > 0) // nobody closes what a process took with it
            capture.meta[report::meta::kCloseCostNs] = std::to_string(window.status.closeCostNs);

        Result<void> written;
        {
            const Unlocked unlocked(lock);
            written = assembleReport(capture, m_options.reportFolder / window.reportName);
        }
        conclude(written);
    }

    /// Tells how the window has ended, and forgets it.
    void conclude(const Result<void>& written)
    {
        proto::CaptureStatus& status = m_window->status;
        if (written) {
            status.state = proto::CaptureState::Done;
            status.reportName = m_window->reportName;
            if (status.targetExited)
                status.message = "the target ended inside the window: the report holds what came before";
            else if (m_window->unanswered)
                status.message = "a process of the target did not answer the end of the window: the report holds what it had written";
        } else {
            status.state = proto::CaptureState::Failed;
            status.error = std::string(name(written.error().code));
            status.message = written.error().text();
            spdlog::warn("window {} failed: {}", status.captureId, status.message);
        }
        publish();
        const std::string reportName = status.reportName;
        m_window.reset();
        if (written && m_options.onReport)
            m_options.onReport(reportName);
    }

    Options m_options;
    int m_listen;
    int m_wake;
    SampleHistory m_history;

    mutable std::mutex m_mutex; ///< everything below
    mutable std::condition_variable m_changed;
    std::vector<std::unique_ptr<CaptureLink>> m_links;
    std::unique_ptr<Window> m_window;
    std::deque<proto::CaptureStatus> m_statuses;
    std::uint32_t m_nextWindowId = static_cast<std::uint32_t>(utcNow() / 1'000'000'000) | 1u; ///< differs after a restart of the daemon
    std::jthread m_thread;
};

} // namespace

Result<std::unique_ptr<CaptureEngine>> CaptureEngine::create(Options options)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = options.socketPath.string();
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
    return std::unique_ptr<CaptureEngine>(std::make_unique<Engine>(std::move(options), listenSocket));
}

} // namespace gantry::node
