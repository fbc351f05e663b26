#include "remote_server/node/capture_engine.h"

#include "remote_server/node/capture_board.h"
#include "remote_server/node/capture_links.h"
#include "remote_server/node/capture_plan.h"
#include "remote_server/node/capture_window.h"
#include "remote_server/node/clock.h"
#include "remote_server/node/cost_meter.h"
#include "remote_server/node/notes.h"
#include "remote_server/node/report_worker.h"
#include "remote_server/node/sample_history.h"
#include "trace_model/report/meta_keys.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace gantry::node {
namespace {

constexpr std::int64_t kOpenGraceNs = 10'000'000'000;         // the first enable on a busy process can take seconds
constexpr std::size_t kMaxRecordBytes = std::size_t{1} << 30; // held in memory, of open windows and of those that become reports
constexpr std::int64_t kArmGraceNs = 1'000'000'000;           // a process that does not say that it waits is not waited for
constexpr int kDrainPollMs = 10;
constexpr int kIdlePollMs = 200;
constexpr std::uint32_t kMostPendingSaves = 2; // of a ring: each may hold as much as the ring itself

class Engine final : public CaptureEngine
{
public:
    Engine(Options options, int listenSocket)
        : m_options(std::move(options)),
          m_wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
          m_links(listenSocket),
          m_costs({m_history, m_options.reportFolder,
                   [this](const auto& id, const auto& report, const auto& cost) { takeCost(id, report, cost); }}),
          m_worker({m_options.reportFolder, m_options.nodeSnapshot, m_options.targetName, m_options.targetFacts,
                    [this](const auto& job, const auto& written) { conclude(job, written); }})
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
        close(m_wake);
        unlink(m_options.socketPath.c_str());
    }

    std::vector<AttachedProcess> processes() const override
    {
        const std::lock_guard lock(m_mutex);
        return m_links.processes();
    }

    Result<proto::CaptureStatus> start(const proto::CaptureRequest& request) override
    {
        GANTRY_TRY(const CapturePlan plan, CapturePlan::of(request, monotonicNow(), utcNow()));
        GANTRY_TRY(auto companion, m_options.companion ? m_options.companion(request) : std::shared_ptr<WindowCompanion>());
        GANTRY_TRY(auto saveRule, SaveRule::create(request, m_history));
        const std::lock_guard lock(m_mutex);
        if (!m_links.hasProcess(request) && request.awaitNs <= 0)
            return Error{ErrorCode::NotFound,
                         "target " + request.targetId +
                             " has no process with the capture library: launch it through gantryd, or start it with CUDA_INJECTION64_PATH, "
                             "NVTX_INJECTION64_PATH and GANTRY_CAPTURE_SOCKET set",
                         {}};
        if (const RunningCapture* holder = m_board.holderFor(request); holder && plan.isDue(monotonicNow()) && !request.mayQueue)
            return holder->busy();
        RunningCapture& added = m_board.add(request, plan);
        added.companion = std::move(companion);
        added.saveRule = std::move(saveRule);
        const std::string id = added.status.captureId;
        schedule();
        wake();
        const proto::CaptureStatus now = *m_board.status(id);
        if (now.state == proto::CaptureState::Failed)
            return Error{ErrorCode::TargetGone, now.message, {}};
        return now;
    }

    Result<proto::CaptureStatus> stop(const std::string& captureId) override
    {
        const std::lock_guard lock(m_mutex);
        RunningCapture* capture = captureId.empty() ? m_board.active : m_board.find(captureId);
        if (!capture)
            return m_board.status(captureId);
        end(*capture);
        const std::string id = capture->status.captureId;
        schedule();
        wake();
        return m_board.status(id);
    }

    Result<void> fail(const std::string& captureId, const Error& error) override
    {
        const std::lock_guard lock(m_mutex);
        RunningCapture* capture = m_board.find(captureId);
        if (!capture)
            return Error{ErrorCode::NotFound, "there is no capture " + captureId + " that has not ended", {}};
        capture->fail(error);
        end(*capture);
        schedule();
        wake();
        return {};
    }

    Result<proto::CaptureStatus> save(const std::string& captureId, DurationNs lastNs, const std::string& label) override
    {
        const std::lock_guard lock(m_mutex);
        RunningCapture* capture = m_board.find(captureId);
        if (!capture)
            return Error{ErrorCode::NotFound, "there is no capture " + captureId + " that records on this node", {}};
        if (!capture->request.isRing())
            return Error{ErrorCode::BadInput, "capture " + captureId + " does not record into a ring: stop it, and its report follows", {}};
        CaptureWindow* window = windowOf(*capture);
        if (!window || !window->isOpened() || window->closingNs != 0)
            return Error{ErrorCode::Busy,
                         "the ring of " + captureId + " does not record at the moment: " + std::string(name(capture->status.state)),
                         {}};
        if (capture->savesPending >= kMostPendingSaves)
            return Error{ErrorCode::Busy,
                         std::to_string(capture->savesPending) + " reports of " + captureId +
                             " are being written: save again when one of them is done",
                         {}};
        drain(*window, monotonicNow());
        saveRing(*capture, *window, lastNs, label);
        return capture->status;
    }

    Result<proto::CaptureStatus> status(const std::string& captureId) const override
    {
        const std::lock_guard lock(m_mutex);
        return m_board.status(captureId);
    }

    std::vector<proto::CaptureStatus> captures() const override
    {
        const std::lock_guard lock(m_mutex);
        return m_board.statuses();
    }

    Result<proto::CaptureStatus> waitForChange(const std::string& captureId, const proto::CaptureStatus& known,
                                               std::chrono::milliseconds timeout) const override
    {
        std::unique_lock lock(m_mutex);
        m_changed.wait_for(lock, timeout, [&] { return m_board.hasChanged(captureId, known); });
        return m_board.status(captureId);
    }

private:
    CaptureWindow* windowOf(const RunningCapture& capture)
    {
        const auto found =
            std::find_if(m_windows.begin(), m_windows.end(), [&](const auto& w) { return w->captureId == capture.status.captureId; });
        return found == m_windows.end() ? nullptr : found->get();
    }

    void wake()
    {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = write(m_wake, &one, sizeof one);
    }

    void run(std::stop_token stop)
    {
        m_costs.setCaptureThread();
        while (!stop.stop_requested())
            guarded([this] {
                waitForWork();
                const std::lock_guard lock(m_mutex);
                readLinks();
                tendWindows();
                schedule();
                m_changed.notify_all();
            });
        guarded([this] {
            const std::lock_guard lock(m_mutex);
            for (const auto& capture : m_board.running())
                capture->isEnding = true;
            while (!m_windows.empty()) // the daemon ends: what was captured is kept
                finishWindow(0);
        });
    }

    /// The last resort: what a library throws, or the lack of memory, ends the windows and not the daemon.
    template <typename Body>
    void guarded(Body body)
    {
        try {
            body();
        } catch (const std::exception& exception) {
            failWindows(exception.what());
        }
    }

    void failWindows(const char* reason)
    {
        {
            const std::lock_guard lock(m_mutex);
            if (!m_windows.empty()) {
                for (const auto& window : m_windows) {
                    closeWindow(*window);
                    if (RunningCapture* capture = m_board.find(window->captureId)) {
                        --capture->windowsOpen;
                        capture->isEnding = true;
                        disarm(*capture);
                        capture->fail({ErrorCode::Internal, std::string("gantryd failed while it captured: ") + reason, {}});
                    }
                }
                m_windows.clear(); // the memory that may be what lacks
                return;
            }
        }
        spdlog::error("gantryd failed while no window was open: {}", reason);
        poll(nullptr, 0, kIdlePollMs); // whatever it is may be there again at once
    }

    void waitForWork()
    {
        std::vector<pollfd> fds{{m_wake, POLLIN, 0}};
        int timeout = kIdlePollMs;
        {
            const std::lock_guard lock(m_mutex);
            m_links.addTo(fds);
            if (!m_windows.empty())
                timeout = kDrainPollMs;
            for (const auto& capture : m_board.running()) // that are due already wait for something else
                if (const DurationNs wait = capture->plan.untilDue(monotonicNow()); wait > 0 || capture->gpuSampler)
                    timeout = std::min(timeout, std::clamp(static_cast<int>(wait / 1'000'000), wait > 0 ? 1 : kDrainPollMs, kIdlePollMs));
        }
        poll(fds.data(), fds.size(), timeout);
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = read(m_wake, &count, sizeof count);
    }

    // ---- processes

    /// A new process of the target that is being captured takes part; any other goes on at once.
    void greet(CaptureLink& link)
    {
        m_nextWindowId = std::max(m_nextWindowId, link.lastWindowId() + 1);
        if (m_board.active && CaptureLinks::isOf(m_board.active->request, link)) {
            if (m_board.active->isArmed)
                (void)link.send(m_board.active->triggerMessage());
            if (CaptureWindow* window = windowOf(*m_board.active); window && window->closingNs == 0 && window->id > link.lastWindowId()) {
                window->add(link);
                (void)link.send(window->openMessage(monotonicNow()));
                return;
            }
            if (m_board.active->isArmed)
                return;
        }
        for (const auto& capture : m_board.running())
            if (CaptureLinks::isOf(capture->request, link) && capture->plan.isDue(monotonicNow()) && !m_board.active)
                return; // its window opens now
        (void)link.send(capture::WelcomeMessage{capture::MessageType::Welcome, 0});
    }

    void readLinks()
    {
        m_links.acceptNew([this](CaptureLink& link) { greet(link); });
        m_links.readAll([this](CaptureLink& link,
                               const CaptureLink::Event& event) { std::visit([&](const auto& message) { take(link, message); }, event); },
                        [this](CaptureLink& link) {
                            for (const auto& window : m_windows)
                                if (CaptureWindow::Member* member = window->find(link))
                                    window->takeEnd(*member, budget(*window), monotonicNow());
                        });
    }

    void take(CaptureLink& link, const capture::CudaLoadedMessage& message)
    {
        link.setCudaLoaded();
        if (CaptureWindow* window = findWindow(message.windowId))
            window->takeCuda(link, message);
        else
            takeWatching(link, message);
    }

    void take(CaptureLink& link, const capture::ArmedMessage& message)
    {
        if (!m_board.active || message.windowId < m_board.active->firstWindowId)
            return;
        m_board.active->profilerDueNs = 0; // the others answer in the same moment
        takeWatching(link, message);
    }

    /// Whether a process can tell when the program opens a window.
    template <typename Message>
    void takeWatching(const CaptureLink& link, const Message& message)
    {
        using capture::OpenOutcome;
        RunningCapture* capture = m_board.active;
        if (!capture || !capture->isArmed || !CaptureLinks::isOf(capture->request, link))
            return;
        if (message.outcome == OpenOutcome::CudaBusy || message.outcome == OpenOutcome::CudaFailed)
            addNote(capture->status.message, "process " + std::to_string(link.pid()) + " cannot wait for cudaProfilerStart: " +
                                                 std::string(message.detail, strnlen(message.detail, sizeof message.detail)));
    }

    CaptureWindow* findWindow(std::uint32_t id)
    {
        const auto found = std::find_if(m_windows.begin(), m_windows.end(), [&](const auto& window) { return window->id == id; });
        return found == m_windows.end() ? nullptr : found->get();
    }

    void take(CaptureLink& link, const capture::OpenedMessage& message)
    {
        CaptureWindow* window = findWindow(message.windowId);
        const bool isTriggers = m_board.active && m_board.active->isArmed && CaptureLinks::isOf(m_board.active->request, link) &&
                                message.windowId >= m_board.active->firstWindowId &&
                                message.windowId - m_board.active->firstWindowId < m_board.active->request.windowCount;
        if (!window && isTriggers)
            window = &openTriggered(link, message.windowId);
        if (!window) { // it is over, or nobody wants it any more
            (void)link.send(capture::CloseMessage{capture::MessageType::Close, message.windowId, 0, 0});
            return;
        }
        if (CaptureWindow::Member* member = window->find(link))
            window->takeOpened(*member, message);
    }

    void take(CaptureLink& link, const capture::ClosedMessage& message)
    {
        CaptureWindow* window = findWindow(message.windowId);
        CaptureWindow::Member* member = window ? window->find(link) : nullptr;
        if (!member)
            return;
        window->takeClosed(*member, message, budget(*window), monotonicNow());
        if (window->isTriggered) // the range is over in one process, so it is in its siblings
            closeWindow(*window);
    }

    // ---- windows

    /// How many bytes of records this window may hold.
    std::size_t budget(const CaptureWindow& window) const
    {
        std::size_t others = m_worker.pendingBytes();
        for (const auto& other : m_windows)
            if (other.get() != &window)
                others += other->bytes();
        return kMaxRecordBytes - std::min(kMaxRecordBytes, others);
    }

    /// Opens windows that are due, arms triggers, and tells the others why they wait.
    void schedule()
    {
        const std::int64_t now = monotonicNow();
        for (std::size_t i = 0; i < m_board.running().size();) {
            RunningCapture& capture = *m_board.running()[i];
            advance(capture, now);
            if (!concludeIfDone(capture)) // else the next one has come into its place
                ++i;
        }
    }

    void advance(RunningCapture& capture, std::int64_t now)
    {
        if (capture.isArmed && capture.windowsOpen == 0 && !hasProcess(capture) && !isRunning(capture)) {
            if (capture.plan.windowsBegun == 0)
                capture.fail({ErrorCode::TargetGone, "the target ended before it came to a range that opens a window", {}});
            disarm(capture);
        }
        if (capture.mustAskProfiler(now) && m_options.startProfiler)
            m_options.startProfiler(capture.status.captureId, capture.request.targetId);
        if (capture.isEnding || capture.windowsOpen > 0 || capture.isArmed)
            return;
        if (m_board.active == &capture)
            m_board.active = nullptr; // between two of its windows another one may record
        if (!capture.hasWindowsLeft()) {
            capture.isEnding = true;
            return;
        }
        capture.status.waitsNs = capture.plan.untilDue(now);
        capture.status.state = proto::CaptureState::Waiting;
        capture.status.waitsFor.clear();
        if (capture.status.waitsNs > 0)
            return;
        if (!hasProcess(capture)) {
            awaitFirst(capture, now);
            return;
        }
        if (m_board.active && m_board.active->request.isRing() && !capture.request.isRing())
            if (CaptureWindow* ring = windowOf(*m_board.active))
                closeWindow(*ring); // it begins anew afterwards
        const RunningCapture* holder =
            m_board.active ? m_board.active : m_board.firstDue(now, [this](const auto& other) { return hasProcess(other); });
        if (holder && holder != &capture) {
            capture.status.state = proto::CaptureState::Queued;
            capture.status.waitsFor = holder->holderName();
            return;
        }
        begin(capture, now);
    }

    bool hasProcess(const RunningCapture& capture) const { return m_links.hasProcess(capture.request); }

    bool isRunning(const RunningCapture& capture) const
    {
        return m_options.isTargetRunning && m_options.isTargetRunning(capture.request.targetId);
    }

    void begin(RunningCapture& capture, std::int64_t now)
    {
        const std::vector<CaptureLink*> links = m_links.of(capture.request);
        if (!hasGpuSampler(capture, now))
            return;
        if (capture.isTriggered())
            arm(capture, links);
        else
            open(capture, links, now);
    }

    /// There is no process of the target (any more).
    void awaitFirst(RunningCapture& capture, std::int64_t now)
    {
        const bool isAwaited = m_options.isTargetRunning ? isRunning(capture) : capture.isAwaitingFirst();
        if (!isAwaited || (capture.isAwaitingFirst() && now - capture.plan.dueNs > capture.request.awaitNs))
            capture.fail(capture.withoutProcess(isAwaited));
    }

    /// The programs that sample hardware counters need a moment to begin; windows open when they do, or say that they cannot.
    bool hasGpuSampler(RunningCapture& capture, std::int64_t now)
    {
        if (capture.request.content.gpuMetricsHz == 0 || m_options.gpuSampler.empty() || m_options.gpus.empty())
            return true;
        if (!capture.gpuSampler) {
            capture.gpuSampler = std::make_shared<GpuSampler>(
                GpuSampler::Options{m_options.gpuSampler, m_options.gpus, 1'000'000'000 / capture.request.content.gpuMetricsHz});
            capture.samplerStartedNs = now;
        }
        capture.status.state = proto::CaptureState::Arming;
        m_board.active = &capture;
        return capture.gpuSampler->isReady() || now - capture.samplerStartedNs > kOpenGraceNs;
    }

    void arm(RunningCapture& capture, const std::vector<CaptureLink*>& links)
    {
        m_board.active = &capture;
        capture.isArmed = true;
        capture.profilerDueNs = monotonicNow() + kArmGraceNs;
        capture.firstWindowId = takeWindowIds(capture.request.windowCount);
        capture.status.state = proto::CaptureState::Armed;
        for (CaptureLink* link : links)
            (void)link->send(capture.triggerMessage()); // one that is gone is noticed when its link is read
    }

    void open(RunningCapture& capture, const std::vector<CaptureLink*>& links, std::int64_t now)
    {
        auto window = std::make_unique<CaptureWindow>(takeWindowIds(1), capture.status.captureId, capture.request, now);
        window->isFollowed = capture.isNextFollowedSoon();
        for (CaptureLink* link : links)
            if (link->send(window->openMessage(now)))
                window->add(*link);
        if (window->members().empty()) {
            capture.fail({ErrorCode::TargetGone, "target " + capture.request.targetId + " has ended", {}});
            return;
        }
        m_board.active = &capture;
        capture.plan.begin(now);
        capture.status.state = proto::CaptureState::Arming;
        begun(capture, std::move(window));
    }

    /// A range in one process has opened a window: its siblings join.
    CaptureWindow& openTriggered(CaptureLink& opener, std::uint32_t id)
    {
        const std::int64_t now = monotonicNow();
        auto window = std::make_unique<CaptureWindow>(id, m_board.active->status.captureId, m_board.active->request, now);
        window->isTriggered = true;
        window->add(opener);
        for (CaptureLink* link : m_links.of(m_board.active->request))
            if (link != &opener && link->send(window->openMessage(now)))
                window->add(*link);
        m_board.active->plan.begin(now);
        begun(*m_board.active, std::move(window));
        return *m_windows.back();
    }

    void begun(RunningCapture& capture, std::unique_ptr<CaptureWindow> window)
    {
        m_costs.opens(window->id, capture.request.targetId, window->pids());
        refreshMetrics();
        ++capture.windowsOpen;
        capture.status.windowsBegun = capture.plan.windowsBegun;
        capture.status.windowsSkipped = capture.plan.windowsSkipped;
        capture.status.elapsedNs = 0;
        capture.status.events = capture.status.bytes = 0;
        if (capture.gpuSampler) {
            if (capture.reportsPending == 0) // else an earlier window's samples are still to be taken
                capture.gpuSampler->keepFrom(window->startedNs);
        } else if (capture.request.content.gpuMetricsHz > 0) {
            window->message = "no hardware counters were sampled: this node has no GPU, or gantryd no gantry-gpu-sampler beside it";
        }
        m_windows.push_back(std::move(window));
        m_history.beginWindow();
        keepHistory();
    }

    std::uint32_t takeWindowIds(std::uint32_t count)
    {
        const std::uint32_t first = m_nextWindowId;
        m_nextWindowId += count;
        return first;
    }

    /// Metrics since before the first of the open windows are kept for their reports, and those of what a ring holds.
    void keepHistory()
    {
        std::int64_t from = INT64_MAX;
        for (const auto& window : m_windows)
            from = std::min(from, window->request.isRing() ? monotonicNow() - window->request.ringNs : window->startedNs);
        m_history.keepFrom(from);
    }

    /// A process is read for one window at a time, in their order: what it wrote to the next one must not free what is left of this one.
    bool isReadFor(const CaptureWindow& window, const CaptureLink& link) const
    {
        return std::none_of(m_windows.begin(), m_windows.end(), [&](const auto& earlier) {
            CaptureWindow::Member* member = earlier->id < window.id ? earlier->find(link) : nullptr;
            return member && member->isRecording();
        });
    }

    void drain(CaptureWindow& window, std::int64_t now)
    {
        for (CaptureWindow::Member& member : window.members())
            if (member.isRecording() && isReadFor(window, *member.link))
                window.drain(member, budget(window), now);
        if (window.request.isRing())
            window.trimRing(now);
    }

    void tendWindows()
    {
        const std::int64_t now = monotonicNow();
        for (std::size_t i = 0; i < m_windows.size();) {
            CaptureWindow& window = *m_windows[i];
            RunningCapture* capture = m_board.find(window.captureId);
            drain(window, now);
            if (!window.isOpened() && (window.isOpenedByAll() || now - window.startedNs > kOpenGraceNs)) {
                window.markOpened(now);
                if (window.closingNs == 0)
                    capture->status.state = proto::CaptureState::Capturing;
            }
            if (window.isOpened() && window.closingNs == 0 && window.hasReachedBound(now))
                closeWindow(window);
            window.describe(capture->status, now);
            if (window.request.isRing())
                tendRing(*capture, window, now);
            const bool hasEndedItself = window.hasAnswered() && !window.request.isRing(); // of a ring: a process that exits
            const bool isOver = window.isClosedByAll() && (window.closingNs != 0 || hasEndedItself || !isRunning(*capture));
            if (isOver || (window.closingNs != 0 && now - window.closingNs > m_options.closeGrace.count()))
                finishWindow(i);
            else
                ++i;
        }
    }

    void tendRing(RunningCapture& capture, CaptureWindow& window, std::int64_t now)
    {
        keepHistory();
        if (capture.gpuSampler && capture.reportsPending == 0)
            capture.gpuSampler->keepFrom(now - window.request.ringNs);
        if (!capture.saveRule || !window.isOpened() || window.closingNs != 0 || capture.savesPending >= kMostPendingSaves)
            return;
        if (const auto save = capture.saveRule->tend(m_history, now)) {
            spdlog::info("capture {} saves itself: {}", capture.status.captureId, save->because);
            saveRing(capture, window, save->lastNs, save->label, &*save);
        }
        capture.saveRule->describe(capture.status);
    }

    void closeWindow(CaptureWindow& window)
    {
        if (window.closingNs == 0) {
            window.closingNs = monotonicNow();
            refreshMetrics();
            if (RunningCapture* capture = m_board.find(window.captureId); capture && !capture->isArmed)
                capture->status.state = proto::CaptureState::Closing;
        }
        for (CaptureWindow::Member& member : window.members()) {
            if (!member.isRecording() || std::exchange(member.isAskedToClose, true))
                continue;
            if (!member.link->send(capture::CloseMessage{capture::MessageType::Close, window.id, 0, 0}))
                spdlog::warn("process {} did not take the end of the window", member.capture.pid);
        }
    }

    /// Nothing more is written to the window: its report is.
    void finishWindow(std::size_t index)
    {
        const std::unique_ptr<CaptureWindow> window = std::move(m_windows[index]);
        m_windows.erase(m_windows.begin() + static_cast<std::ptrdiff_t>(index));
        RunningCapture& capture = *m_board.find(window->captureId);
        const std::int64_t now = monotonicNow();
        window->markOpened(now);
        window->describe(capture.status, now);
        --capture.windowsOpen;
        capture.plan.end(now);
        const bool isUnanswered = window->isUnanswered();
        if (capture.request.isRing() || !window->hasRecorded())
            m_costs.forgets(window->id, capture.request.targetId);
        if (capture.request.isRing()) {
            finishRing(capture, *window);
        } else if (!window->hasRecorded()) {
            capture.fail(isUnanswered ? Error{ErrorCode::Unreachable,
                                              "no process of the target had begun to record when the window ended: is it stopped?",
                                              {}}
                                      : Error{ErrorCode::TargetGone, "the target ended before it began to record", {}});
        } else {
            const bool hasLostProcess = window->hasLostProcess();
            if (capture.gpuSampler && (capture.isEnding || capture.plan.windowsBegun == capture.request.windowCount))
                capture.gpuSampler->stopSampling();
            addReport(capture, *window, window->finish(now), {}, isUnanswered, hasLostProcess);
        }
        keepHistory();
        if (capture.isArmed && capture.plan.windowsBegun == capture.request.windowCount)
            disarm(capture);
        else if (capture.isArmed)
            capture.status.state = proto::CaptureState::Armed;
    }

    /// What a ring holds is written when somebody saves it, or nobody can any more.
    void finishRing(RunningCapture& capture, CaptureWindow& window)
    {
        capture.status.ringHeldNs = 0;
        capture.status.bytes = 0;
        if (window.closingNs != 0 || !window.hasRecorded())
            return;
        capture.isEnding = true;
        const std::string why = isRunning(capture) ? "gantryd ended" : "the target ended";
        addNote(capture.status.message, why + ": what the recorder held is saved");
        addNote(window.message, "saved because " + why);
        saveRing(capture, window, 0, {});
    }

    void saveRing(RunningCapture& capture, CaptureWindow& window, DurationNs lastNs, const std::string& label,
                  const SaveRule::Save* save = nullptr)
    {
        ++capture.savesPending;
        ++capture.status.savesBegun;
        WindowCapture recorded = window.snapshot(lastNs, monotonicNow());
        if (save)
            save->describe(recorded);
        addReport(capture, window, std::move(recorded), label);
    }

    void addReport(RunningCapture& capture, const CaptureWindow& window, WindowCapture recorded, const std::string& label,
                   bool isUnanswered = false, bool hasLostProcess = false)
    {
        namespace meta = report::meta;
        if (capture.request.content.metrics)
            m_history.copyTo(recorded);
        if (!recorded.isOfRing)
            m_costs.closes(capture.status.captureId, window.id, recorded, capture.request.content.metrics);
        capture.describe(recorded.meta, window.id, m_sessionEpoch);
        if (!label.empty())
            recorded.meta[meta::kLabel] = label;
        if (!window.message.empty())
            recorded.meta[meta::kNote] = window.message;
        ++capture.reportsPending;
        if (capture.status.state == proto::CaptureState::Closing)
            capture.status.state = proto::CaptureState::Assembling;
        m_worker.add({capture.status.captureId, window.id, std::move(recorded), capture.gpuSampler, capture.companion,
                      capture.status.savesBegun, isUnanswered, hasLostProcess});
    }

    // ---- the ends of captures

    /// An edge of a window: servers are asked for their metrics now.
    void refreshMetrics()
    {
        if (m_options.metrics)
            m_options.metrics->refresh();
    }

    /// No window follows; one that is open closes.
    void end(RunningCapture& capture)
    {
        capture.isEnding = true;
        disarm(capture);
        for (const auto& window : m_windows)
            if (window->captureId == capture.status.captureId)
                closeWindow(*window);
    }

    void disarm(RunningCapture& capture)
    {
        if (!capture.isArmed)
            return;
        capture.isArmed = false;
        capture.isEnding = true;
        if (m_options.stopProfiler)
            m_options.stopProfiler(capture.status.captureId);
        for (CaptureLink* link : m_links.of(capture.request))
            (void)link->send(capture::CloseMessage{capture::MessageType::Close, UINT32_MAX, 1, 0});
    }

    /// A report is written, or could not be. Worker's thread.
    void conclude(const ReportWorker::Job& job, const Result<std::string>& written)
    {
        {
            const std::lock_guard lock(m_mutex);
            RunningCapture* capture = m_board.find(job.captureId);
            if (!capture)
                return;
            --capture->reportsPending;
            if (const std::string problem = job.gpuSampler ? job.gpuSampler->problem() : std::string(); !problem.empty())
                addNote(capture->status.message, problem);
            if (job.save > 0) {
                --capture->savesPending;
                capture->addSave(job.save, written);
            } else if (written) {
                capture->addReport(*written, job.hasLostProcess, job.isUnanswered);
                capture->status.cost = job.cost;
                capture->status.isCostPending = m_costs.written(job.windowId, *written);
            } else {
                m_costs.failed(job.windowId);
                capture->fail(written.error());
            }
            concludeIfDone(*capture);
            m_changed.notify_all();
        }
        if (written && m_options.onReport)
            m_options.onReport(*written);
    }

    /// The figures of a report are complete. Cost meter's thread.
    void takeCost(const std::string& captureId, const std::string& reportName, const report::WindowCost& cost)
    {
        const std::lock_guard lock(m_mutex);
        m_board.takeCost(captureId, reportName, cost);
        m_changed.notify_all();
    }

    /// True: the capture is over and gone.
    bool concludeIfDone(RunningCapture& capture)
    {
        if (!capture.isEnding || capture.windowsOpen > 0)
            return false;
        if (m_board.active == &capture)
            m_board.active = nullptr;
        proto::CaptureStatus& status = capture.status;
        if (capture.reportsPending > 0) {
            status.state = proto::CaptureState::Assembling;
            return false;
        }
        capture.conclude();
        if (m_options.stopProfiler)
            m_options.stopProfiler(status.captureId);
        if (capture.request.stopTarget && m_options.stopTarget && capture.plan.windowsBegun == capture.request.windowCount)
            m_options.stopTarget(capture.request.targetId);
        m_worker.retire(std::move(capture.gpuSampler), std::move(capture.companion));
        m_board.retire(capture);
        m_changed.notify_all();
        return true;
    }

    Options m_options;
    int m_wake;
    SampleHistory m_history;
    const std::int64_t m_sessionEpoch = utcNow() / 1'000'000'000;

    mutable std::mutex m_mutex; ///< everything below
    mutable std::condition_variable m_changed;
    CaptureLinks m_links;
    CaptureBoard m_board;
    std::vector<std::unique_ptr<CaptureWindow>> m_windows;                                    ///< open, or closing; by id
    std::uint32_t m_nextWindowId = static_cast<std::uint32_t>(utcNow() / 1'000'000'000) | 1u; ///< differs after a restart of the daemon
    CostMeter m_costs;                                                                        ///< likewise
    ReportWorker m_worker; ///< has its own lock; ends before what it concludes
    std::jthread m_thread;
};

} // namespace

Result<std::unique_ptr<CaptureEngine>> CaptureEngine::create(Options options)
{
    GANTRY_TRY(const int listenSocket, listenForLibraries(options.socketPath));
    return std::unique_ptr<CaptureEngine>(std::make_unique<Engine>(std::move(options), listenSocket));
}

} // namespace gantry::node
