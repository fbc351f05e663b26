#include "remote_server/node/rehearsal/recorded_windows.h"

#include "trace_model/base/new_file.h"
#include "trace_model/report/byte_source.h"
#include "trace_model/report/database.h"
#include "trace_model/report/meta_keys.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <span>
#include <utility>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCopyBytes = 1 << 20;

/// What needs more than a clock and a report; empty: nothing of it is asked for.
std::string impossible(const proto::CaptureRequest& request)
{
    if (request.engine != proto::EngineKind::Native)
        return "it has no engine " + std::string(proto::name(request.engine));
    if (request.isRing())
        return "it has no flight recorder";
    if (request.trigger != proto::CaptureTrigger::None)
        return "no program opens windows";
    if (request.maxRequests > 0 || request.maxIterations > 0 || request.maxBytes > 0)
        return "no window ends after requests, iterations or an amount of data";
    if (request.hasServerTrace)
        return "no server traces its requests";
    return {};
}

/// What opening and closing the recorded window took.
std::map<std::string, std::string> costsOf(const fs::path& path)
{
    std::map<std::string, std::string> costs;
    const auto database = report::Database::open(path);
    if (!database)
        return costs;
    if (auto rows = database->rows("META_DATA_CAPTURE", {"name", "value"}))
        while (rows->next())
            if (rows->text(0) == report::meta::kOpenCostNs || rows->text(0) == report::meta::kCloseCostNs)
                costs[std::string(rows->text(0))] = rows->text(1);
    return costs;
}

Result<void> unpack(const fs::path& from, const fs::path& to)
{
    GANTRY_TRY(const auto source, report::ByteSource::open(from));
    GANTRY_TRY(auto file, NewFile::create(to));
    const auto buffer = std::make_unique<char[]>(kCopyBytes);
    for (;;) {
        GANTRY_TRY(const std::size_t size, source->read(std::span(buffer.get(), kCopyBytes)));
        if (size == 0)
            break;
        GANTRY_CHECK(file.write({buffer.get(), size}));
    }
    if (!source->damage().empty())
        return Error{ErrorCode::Truncated, from.string() + " of the recording is damaged: " + source->damage(), {}};
    return file.publish(Durability::Volatile);
}

} // namespace

RecordedWindows::RecordedWindows(const proto::NodeRecording& recording, fs::path folder, const RecordedTargets& targets,
                                 std::function<bool()> isDiskFull)
    : m_recording(recording), m_folder(std::move(folder)), m_targets(targets), m_isDiskFull(std::move(isDiskFull))
{
}

Result<std::vector<std::string>> RecordedWindows::plan(const proto::CaptureRequest& request)
{
    if (const std::string what = impossible(request); !what.empty())
        return Error{ErrorCode::Unsupported, "this node plays a recording: " + what + ". Give the window a length, or use a real node", {}};
    if (request.isPlanOnly)
        return Error{ErrorCode::BadInput, "Gantry's own engine runs no commands: there is nothing to show beforehand", {}};
    if (m_recording.reports.empty())
        return Error{ErrorCode::Unsupported,
                     "this node plays a recording in which no report was made: record one with `gantryctl node record` while captures end",
                     {}};
    GANTRY_CHECK(m_targets.find(request.targetId));
    return std::vector<std::string>();
}

Result<bool> RecordedWindows::isReady(const proto::CaptureRequest& request)
{
    if (!m_targets.isRunning(request.targetId))
        return Error{ErrorCode::TargetGone, "target " + request.targetId + " has ended", {}};
    return true;
}

Result<void> RecordedWindows::open(ToolWindow&)
{
    return {};
}

bool RecordedWindows::hasEnded(ToolWindow& window)
{
    return !m_targets.isRunning(window.request.targetId);
}

Result<void> RecordedWindows::close(ToolWindow&)
{
    return {};
}

/// Those of the target where there are some, each in its turn.
const proto::RecordedReport& RecordedWindows::nextReport(const std::string& targetId)
{
    const auto target = m_targets.find(targetId);
    std::vector<const proto::RecordedReport*> fitting, all;
    for (const proto::RecordedReport& report : m_recording.reports) {
        all.push_back(&report);
        if (target && report.targetName == target->name)
            fitting.push_back(&report);
    }
    const auto& candidates = fitting.empty() ? all : fitting;
    return *candidates[m_next++ % candidates.size()];
}

Result<ToolReport> RecordedWindows::report(ToolWindow& window)
{
    const proto::RecordedReport& recorded = nextReport(window.request.targetId);
    ToolReport made;
    made.report = window.folder / "report.gantry";
    if (m_isDiskFull())
        return NewFile::writeError(ENOSPC, window.folder, "write the report");
    GANTRY_CHECK(unpack(m_folder / recorded.file, made.report));
    made.meta = costsOf(made.report);
    made.meta[report::meta::kRehearsal] = m_recording.title;
    return made;
}

} // namespace gantry::node
