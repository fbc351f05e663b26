#include "remote_server/node/engines/tool_engine.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/notes.h"
#include "remote_server/node/report_file_name.h"
#include "remote_server/node/work_folder.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/report_notes.h"

#include <algorithm>
#include <exception>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;

constexpr DurationNs kLook = 50'000'000;             // between looks at a window, its target and who wants it to end
constexpr DurationNs kShortestWait = 10'000'000'000; // for a target that was launched a moment ago
constexpr std::size_t kKeptStatuses = 16;

/// What only the capture library can do.
Result<void> checkShape(const proto::CaptureRequest& request)
{
    const auto refuse = [&](const std::string& what) {
        return Error{ErrorCode::BadInput,
                     "a window of " + std::string(proto::name(request.engine)) + " " + what +
                         ": give it a length or stop it, or capture with Gantry's own engine",
                     {}};
    };
    if (request.isRing())
        return refuse("is no flight recorder");
    if (request.trigger != proto::CaptureTrigger::None)
        return refuse("cannot be opened by a range of the program");
    if (request.maxRequests > 0 || request.maxIterations > 0 || request.maxBytes > 0)
        return refuse("cannot end after requests, iterations or an amount of data");
    if (request.content.gpuMetricsHz > 0)
        return refuse("has no hardware counters of Gantry's");
    return {};
}

} // namespace

struct ToolEngine::Capture
{
    RunningCapture state;
    std::jthread thread;
};

ToolEngine::ToolEngine(Options options, WindowTool& tool) : m_options(std::move(options)), m_tool(tool)
{
    if (!m_options.utcNow)
        m_options.utcNow = [] { return utcNow(); };
}

ToolEngine::~ToolEngine()
{
    std::jthread thread;
    {
        const std::lock_guard lock(m_mutex);
        if (m_active)
            thread = std::move(m_active->thread);
    }
    thread.request_stop();
    m_changed.notify_all();
}

Result<proto::CaptureStatus> ToolEngine::start(const proto::CaptureRequest& request)
{
    GANTRY_TRY(auto commands, m_tool.plan(request)); // first: a tool may have better words for what it cannot do
    GANTRY_CHECK(checkShape(request));
    GANTRY_TRY(const CapturePlan plan, CapturePlan::of(request, monotonicNow(), m_options.utcNow()));
    proto::CaptureStatus status;
    status.targetId = request.targetId;
    status.engine = m_options.kind;
    status.holder = request.clientName;
    status.durationNs = request.durationNs;
    status.windowCount = request.windowCount;
    status.label = request.label;
    status.commands = std::move(commands);
    if (request.isPlanOnly) {
        status.state = proto::CaptureState::Done;
        return status;
    }
    GANTRY_CHECK(m_tool.isReady(request)); // what cannot be waited for is said at once
    std::unique_ptr<Capture> ended;        // its thread is joined without the lock
    const std::lock_guard lock(m_mutex);
    if (m_active && !m_active->state.status.isFinished())
        return m_active->state.busy();
    ended = std::move(m_active);
    auto capture = std::make_unique<Capture>();
    // "nsys1"; those of the capture library are "c1".
    status.captureId = std::string(proto::name(m_options.kind)) + std::to_string(m_nextId++);
    status.state = proto::CaptureState::Waiting;
    capture->state.request = request;
    capture->state.plan = plan;
    capture->state.status = status;
    Capture& begun = *capture;
    m_active = std::move(capture);
    begun.thread = std::jthread([this, &begun](const std::stop_token& stop) { run(begun, stop); });
    return status;
}

Result<proto::CaptureStatus> ToolEngine::stop(const std::string& captureId)
{
    {
        const std::lock_guard lock(m_mutex);
        if (m_active && !m_active->state.status.isFinished() && (captureId.empty() || m_active->state.status.captureId == captureId)) {
            m_active->state.isEnding = true;
            m_changed.notify_all();
            return m_active->state.status;
        }
    }
    return status(captureId);
}

Result<void> ToolEngine::fail(const std::string& captureId, const Error&)
{
    GANTRY_TRY(const auto known, status(captureId));
    return Error{ErrorCode::BadInput, "capture " + known.captureId + " waits for nobody: its tool opens the window", {}};
}

Result<proto::CaptureStatus> ToolEngine::save(const std::string& captureId, DurationNs, const std::string&)
{
    GANTRY_TRY(const auto known, status(captureId));
    return Error{ErrorCode::BadInput, "capture " + known.captureId + " does not record into a ring: stop it, and its report follows", {}};
}

const proto::CaptureStatus* ToolEngine::find(const std::string& captureId) const
{
    if (m_active && m_active->state.status.captureId == captureId)
        return &m_active->state.status;
    const auto ended = std::find_if(m_ended.begin(), m_ended.end(), [&](const auto& status) { return status.captureId == captureId; });
    return ended == m_ended.end() ? nullptr : &*ended;
}

Result<proto::CaptureStatus> ToolEngine::status(const std::string& captureId) const
{
    const std::lock_guard lock(m_mutex);
    if (const proto::CaptureStatus* found = find(captureId))
        return *found;
    return Error{ErrorCode::NotFound, "there is no capture " + captureId + " on this node", {}};
}

std::vector<proto::CaptureStatus> ToolEngine::captures() const
{
    const std::lock_guard lock(m_mutex);
    std::vector<proto::CaptureStatus> all(m_ended.begin(), m_ended.end());
    if (m_active && !m_active->state.status.isFinished())
        all.push_back(m_active->state.status);
    return all;
}

std::optional<proto::CaptureStatus> ToolEngine::active() const
{
    const std::lock_guard lock(m_mutex);
    return m_active && !m_active->state.status.isFinished() ? std::optional(m_active->state.status) : std::nullopt;
}

Result<proto::CaptureStatus> ToolEngine::waitForChange(const std::string& captureId, const proto::CaptureStatus& known,
                                                       std::chrono::milliseconds timeout) const
{
    {
        std::unique_lock lock(m_mutex);
        m_changed.wait_for(lock, timeout, [&] {
            const proto::CaptureStatus* now = find(captureId);
            return !now || now->state != known.state || now->windowsBegun != known.windowsBegun || now->step != known.step ||
                   now->reportNames.size() != known.reportNames.size();
        });
    }
    return status(captureId);
}

template <typename Change>
void ToolEngine::update(Capture& capture, Change change)
{
    const std::lock_guard lock(m_mutex);
    change(capture.state);
    m_changed.notify_all();
}

/// Waits; true when the capture is to end.
bool ToolEngine::pause(Capture& capture, DurationNs time, const std::stop_token& stop)
{
    std::unique_lock lock(m_mutex);
    return m_changed.wait_for(lock, stop, std::chrono::nanoseconds(time), [&] { return capture.state.isEnding; }) || stop.stop_requested();
}

void ToolEngine::run(Capture& capture, const std::stop_token& stop)
{
    // The last resort: what a library throws fails the capture and not the daemon.
    try {
        while (!stop.stop_requested() && awaitWindow(capture, stop))
            record(capture, stop);
    } catch (const std::exception& exception) {
        update(capture, [&](RunningCapture& state) {
            state.fail({ErrorCode::Internal, std::string("gantryd failed while it captured: ") + exception.what(), {}});
        });
    }
    const RunningCapture& done = capture.state;
    const bool endsTarget = done.request.stopTarget && done.plan.windowsBegun == done.request.windowCount;
    update(capture, [&](RunningCapture& state) {
        state.status.step.clear();
        state.conclude();
        m_ended.push_back(state.status);
        if (m_ended.size() > kKeptStatuses)
            m_ended.pop_front();
    });
    if (endsTarget && m_options.stopTarget)
        m_options.stopTarget(done.request.targetId);
}

/// False: no window follows.
bool ToolEngine::awaitWindow(Capture& capture, const std::stop_token& stop)
{
    RunningCapture& state = capture.state;
    if (state.plan.windowsBegun >= state.request.windowCount || pause(capture, 0, stop))
        return false;
    for (;;) {
        const std::int64_t now = monotonicNow();
        const DurationNs wait = state.plan.untilDue(now);
        if (wait == 0) {
            const Result<bool> isReady = m_tool.isReady(state.request);
            const bool isLate = now - state.plan.dueNs > std::max(state.request.awaitNs, kShortestWait);
            if (!isReady || (!*isReady && isLate)) {
                const Error late{
                    ErrorCode::TargetGone, "target " + state.request.targetId + " was not ready for a window in the time it was given", {}};
                update(capture, [&](RunningCapture& s) { s.fail(isReady ? late : isReady.error()); });
                return false;
            }
            if (*isReady)
                return true;
        }
        update(capture, [&](RunningCapture& s) {
            s.status.state = proto::CaptureState::Waiting;
            s.status.waitsNs = wait;
        });
        if (pause(capture, wait == 0 ? 2 * kLook : std::min(wait, 4 * kLook), stop))
            return false;
    }
}

void ToolEngine::record(Capture& capture, const std::stop_token& stop)
{
    RunningCapture& state = capture.state;
    ToolWindow window;
    window.request = state.request;
    window.stop = stop;
    window.tell = [&](const std::string& step) { update(capture, [&](RunningCapture& s) { s.status.step = step; }); };
    const auto fail = [&](const Error& error) {
        update(capture, [&](RunningCapture& s) {
            s.fail(error);
            s.isEnding = true; // the next one would fail in the same way
        });
    };
    // Made before the target is asked for anything: where a report cannot be written, none is begun.
    auto folder = WorkFolder::make(m_options.reportFolder);
    if (!folder)
        return fail(folder.error());
    window.folder = folder->path();
    update(capture, [&](RunningCapture& s) {
        s.plan.begin(monotonicNow());
        s.status.state = proto::CaptureState::Arming;
        s.status.windowsBegun = s.plan.windowsBegun;
        s.status.windowsSkipped = s.plan.windowsSkipped;
        s.status.elapsedNs = 0;
    });
    const std::int64_t asked = monotonicNow();
    if (const auto opened = m_tool.open(window); !opened)
        return fail(opened.error());
    window.openedMonotonicNs = monotonicNow();
    window.openedUtcNs = m_options.utcNow();
    update(capture, [&](RunningCapture& s) {
        s.status.state = proto::CaptureState::Capturing;
        s.status.openCostNs = window.openedMonotonicNs - asked;
        s.status.windowBeginUtcNs = window.openedUtcNs;
        s.status.step.clear();
    });
    holdOpen(capture, window, stop);
    const std::int64_t ended = monotonicNow();
    update(capture, [&](RunningCapture& s) {
        s.status.state = proto::CaptureState::Closing;
        s.status.elapsedNs = ended - window.openedMonotonicNs;
    });
    window.closedMonotonicNs = ended;
    const auto closed = m_tool.close(window);
    update(capture, [&](RunningCapture& s) {
        s.status.state = proto::CaptureState::Assembling;
        s.status.closeCostNs = monotonicNow() - ended;
    });
    const Result<std::string> written = closed ? publish(capture, window) : Result<std::string>(closed.error());
    if (!written)
        return fail(written.error());
    update(capture, [&](RunningCapture& s) {
        s.status.reportNames.push_back(*written);
        s.status.reportName = *written;
        s.status.step.clear();
    });
    if (m_options.onReport)
        m_options.onReport(*written);
}

void ToolEngine::holdOpen(Capture& capture, ToolWindow& window, const std::stop_token& stop)
{
    const DurationNs longest = CapturePlan::longestWindow(window.request);
    for (;;) {
        const DurationNs elapsed = monotonicNow() - window.openedMonotonicNs;
        update(capture, [&](RunningCapture& s) { s.status.elapsedNs = elapsed; });
        if (elapsed >= longest)
            return;
        if (m_tool.hasEnded(window)) {
            update(capture, [](RunningCapture& s) {
                s.status.targetExited = s.isEnding = true;
                addNote(s.status.message, "the target ended inside the window: the report holds what came before");
            });
            return;
        }
        if (pause(capture, std::min(kLook, longest - elapsed), stop))
            return;
    }
}

/// Puts the report where the others are, with what is to be known of it.
Result<std::string> ToolEngine::publish(Capture& capture, ToolWindow& window)
{
    GANTRY_TRY(ToolReport made, m_tool.report(window));
    const proto::CaptureStatus& status = capture.state.status; // written by this thread alone
    const std::string target = m_options.targetName ? m_options.targetName(window.request.targetId) : std::string();
    const std::string name = reportFileName(target, status.captureId + "-" + std::to_string(capture.state.plan.windowsBegun));
    std::map<std::string, std::string> meta = std::move(made.meta);
    if (m_options.nodeSnapshot)
        meta.merge(m_options.nodeSnapshot());
    namespace key = report::meta;
    meta[key::kTargetName] = target;
    meta[key::kLabel] = window.request.label;
    meta[key::kTargetExited] = status.targetExited ? "1" : "0";
    meta.emplace(key::kOpenCostNs, std::to_string(status.openCostNs)); // a tool may know better
    meta.emplace(key::kCloseCostNs, std::to_string(status.closeCostNs));
    if (!made.note.empty()) {
        meta[key::kNote] = made.note;
        update(capture, [&](RunningCapture& s) { addNote(s.status.message, made.note); });
    }
    for (const char* recorded : {key::kNodeSession, key::kNodeSessionNodes, key::kSharedClockOffsetNs, key::kSharedClockErrorNs})
        meta.erase(recorded); // of another window, where a recording is played
    if (!window.request.session.empty()) {
        meta[key::kNodeSession] = window.request.session;
        meta[key::kNodeSessionNodes] = std::to_string(window.request.sessionNodes);
    }
    if (window.request.windowCount > 1) {
        meta[key::kSession] =
            status.captureId + "-" + std::to_string(window.openedUtcNs / 1'000'000'000 - window.openedMonotonicNs / 1'000'000'000);
        meta[key::kSessionWindow] = std::to_string(capture.state.plan.windowsBegun);
        meta[key::kSessionWindows] = std::to_string(window.request.windowCount);
    }
    const fs::path published = m_options.reportFolder / name;
    std::error_code error;
    if (!made.original.empty()) {
        const fs::path kept = fs::path(published).replace_extension(made.original.extension());
        chmod(made.original.c_str(), 0600); // whatever the tool thought of it
        fs::rename(made.original, kept, error);
        if (!error)
            meta[key::kOriginalFile] = kept.string();
    }
    GANTRY_CHECK(report::addNotes(made.report, meta));
    chmod(made.report.c_str(), 0600);
    update(capture, [&](RunningCapture& s) { s.status.bytes += fs::file_size(made.report, error); });
    fs::rename(made.report, published, error);
    if (error)
        return errnoError(error.value(), "cannot write the report " + published.string());
    return name;
}

} // namespace gantry::node
