#include "remote_server/node/engines/kineto_tool.h"

#include "remote_server/node/clock.h"
#include "trace_model/exporting/nsys_sqlite.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/trace/trace_loader.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMillisecond = 1'000'000;
// Processes ask once a second, make ready for a second (the first time takes that long), and all begin at one instant.
constexpr DurationNs kLead = 3'000 * kMillisecond;
constexpr DurationNs kIdleAfter = 1'000 * kMillisecond; // who asks so long behind the end of a window is not tracing it
constexpr std::chrono::milliseconds kLook{50};
constexpr std::chrono::seconds kWritePatience{120}; // of a process that is silent after its trace

std::string configuration(const fs::path& file, std::int64_t startUtcNs, DurationNs duration)
{
    // Kineto adds "_PID" to the name.
    return "ACTIVITIES_LOG_FILE=" + file.string() + "\nPROFILE_START_TIME=" + std::to_string(startUtcNs / kMillisecond) +
           "\nACTIVITIES_WARMUP_PERIOD_SECS=1\nACTIVITIES_DURATION_MSECS=" +
           std::to_string(std::max<DurationNs>(1, duration / kMillisecond)) + "\n";
}

/// The traces that processes wrote, those that are complete.
std::vector<fs::path> tracesIn(const fs::path& folder)
{
    std::vector<fs::path> files;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
        if (entry->path().extension() == ".json")
            files.push_back(entry->path());
    std::sort(files.begin(), files.end());
    return files;
}

std::string listed(const std::vector<int>& pids)
{
    std::string text;
    for (const int pid : pids)
        text += (text.empty() ? "" : ", ") + std::to_string(pid);
    return text;
}

} // namespace

Result<std::vector<int>> KinetoTool::processesOf(const std::string& targetId) const
{
    GANTRY_TRY(const proto::Target target, m_options.target(targetId));
    if (target.engine != proto::EngineKind::Kineto)
        return Error{
            ErrorCode::Unsupported,
            "target " + targetId +
                " was not launched for PyTorch's profiler, which takes orders only of the daemon it was started with: launch it with "
                "`gantryctl target launch --engine kineto`, or capture it with Gantry's own engine",
            {}};
    if (!m_options.isTargetRunning(targetId))
        return Error{ErrorCode::TargetGone, "target " + targetId + " has ended", {}};
    return m_fabric.processesOf(target.pid);
}

Result<std::vector<std::string>> KinetoTool::plan(const proto::CaptureRequest& request)
{
    if (request.durationNs < kMillisecond)
        return Error{ErrorCode::BadInput,
                     "PyTorch's profiler is told the length of a window before it opens: give one of at least a millisecond, --for 2s",
                     {}};
    std::string text = configuration("FOLDER/trace.json", request.startUtcNs, request.durationNs);
    std::replace(text.begin(), text.end(), '\n', ' ');
    return std::vector{"Kineto, each process: " + text};
}

Result<bool> KinetoTool::isReady(const proto::CaptureRequest& request)
{
    GANTRY_TRY(const auto processes, processesOf(request.targetId));
    return !processes.empty();
}

Result<void> KinetoTool::open(ToolWindow& window)
{
    GANTRY_TRY(const auto processes, processesOf(window.request.targetId));
    const std::int64_t start = utcNow() + kLead, startMonotonic = monotonicNow() + kLead;
    for (const int pid : processes)
        m_fabric.request(pid, configuration(window.folder / "trace.json", start, window.request.durationNs));
    while (monotonicNow() < startMonotonic && !window.stop.stop_requested())
        std::this_thread::sleep_for(kLook);
    m_tracing.clear();
    std::vector<int> silent;
    for (const int pid : processes) {
        const bool isTold = m_fabric.isTold(pid);
        (isTold ? m_tracing : silent).push_back(pid);
        if (!isTold)
            m_fabric.forget(pid);
    }
    if (m_tracing.empty())
        return Error{ErrorCode::Busy,
                     "PyTorch in process " + listed(silent) +
                         " does not take a window: its own profiler (torch.profiler) traces at the moment, or the process hangs",
                     {}};
    m_note = silent.empty() ? std::string() : "process " + listed(silent) + " did not take the window: it is not in the report";
    return {};
}

bool KinetoTool::hasEnded(ToolWindow& window)
{
    return !m_options.isTargetRunning(window.request.targetId);
}

Result<void> KinetoTool::close(ToolWindow& window)
{
    // It ends by itself, also where it was stopped early.
    const std::int64_t end = window.openedMonotonicNs + window.request.durationNs;
    std::error_code error;
    const auto isPending = [&](int pid) {
        return !fs::exists(window.folder / ("trace_" + std::to_string(pid) + ".json"), error) &&
               m_fabric.lastIdleNs(pid) < end + kIdleAfter;
    };
    for (;;) {
        const auto pending = std::count_if(m_tracing.begin(), m_tracing.end(), isPending);
        const bool isLate = monotonicNow() > end + std::chrono::nanoseconds(kWritePatience).count();
        if (pending == 0 || isLate || window.stop.stop_requested() || hasEnded(window))
            break;
        window.tell("waiting for PyTorch's traces, " + std::to_string(m_tracing.size() - static_cast<std::size_t>(pending)) + " of " +
                    std::to_string(m_tracing.size()));
        std::this_thread::sleep_for(kLook);
    }
    return {};
}

Result<ToolReport> KinetoTool::report(ToolWindow& window)
{
    const std::vector<fs::path> files = tracesIn(window.folder);
    if (files.empty())
        return Error{ErrorCode::Internal,
                     "PyTorch wrote no trace of the window; `gantryctl target log " + window.request.targetId +
                         "` shows what it says, for instance of another program that holds CUPTI",
                     {}};
    std::vector<trace::LoadFile> parts;
    for (const fs::path& file : files)
        parts.push_back({file, {}});
    trace::LoadOptions options;
    options.stop = window.stop;
    options.progress = [&](double fraction, std::string_view stage) {
        window.tell("reading PyTorch's traces, " + std::string(stage) + ", " + std::to_string(static_cast<int>(fraction * 100)) + " %");
    };
    GANTRY_TRY(const auto trace, trace::loadTrace(parts, options));
    ToolReport made;
    made.report = window.folder / "report.sqlite";
    exporting::ExportOptions exportOptions;
    exportOptions.stop = window.stop;
    GANTRY_CHECK(exporting::writeNsysSqlite(*trace, made.report, exportOptions));
    made.meta[report::meta::kEngine] =
        "Kineto of PyTorch, " + std::to_string(files.size()) + (files.size() == 1 ? " process" : " processes");
    made.note = m_note;
    if (files.size() < m_tracing.size())
        made.note += (made.note.empty() ? "" : "; ") + std::to_string(m_tracing.size() - files.size()) + " processes wrote no trace";
    if (files.size() == 1)
        made.original = files.front();
    return made;
}

} // namespace gantry::node
