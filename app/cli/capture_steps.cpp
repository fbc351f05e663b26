#include "app/cli/capture_steps.h"

#include "app/cli/report_summary.h"
#include "app/cli/text_table.h"

#include <cerrno>
#include <fmt/format.h>
#include <unistd.h>
#include <vector>

namespace gantry::cli {

Result<std::string> chooseTarget(app::NodeClient& client, proto::EngineKind engine)
{
    GANTRY_TRY(const auto targets, client.targets());
    std::vector<std::string> ready;
    std::string names;
    for (const proto::Target& target : targets) {
        const bool isRunning = target.state == proto::TargetState::Running || target.state == proto::TargetState::Starting;
        const bool canBeCaptured = engine == proto::EngineKind::Native        ? !target.processes.empty()
                                   : engine == proto::EngineKind::ServerTrace ? isRunning && !target.grpcAddress.empty()
                                                                              : isRunning && target.engine == engine;
        if (!canBeCaptured)
            continue;
        ready.push_back(target.id);
        names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", target.id, target.name);
    }
    if (ready.size() == 1)
        return ready.front();
    if (ready.empty() && engine == proto::EngineKind::Native)
        return Error{
            ErrorCode::NotFound, "no target on this node can be captured: launch one with `gantryctl target launch -- COMMAND`", {}};
    if (ready.empty() && engine == proto::EngineKind::ServerTrace)
        return Error{
            ErrorCode::NotFound,
            "no target on this node has a gRPC address: name a Triton server with --target HOST:PORT, or launch it with --grpc-address",
            {}};
    if (ready.empty())
        return Error{ErrorCode::NotFound,
                     fmt::format("no target on this node was launched for {0}: launch one with `gantryctl target launch --engine {0} -- "
                                 "COMMAND`",
                                 name(engine)),
                     {}};
    return Error{ErrorCode::BadInput, fmt::format("several targets can be captured, name one with --target: {}", names), {}};
}

nlohmann::json toJson(const proto::CaptureStatus& status)
{
    return {{"capture_id", status.captureId},
            {"target_id", status.targetId},
            {"state", name(status.state)},
            {"holder", orNull(status.holder)},
            {"label", orNull(status.label)},
            {"keeps_ns", status.ringNs > 0 ? nlohmann::json(status.ringNs) : nlohmann::json()},
            {"held_ns", status.ringNs > 0 ? nlohmann::json(status.ringHeldNs) : nlohmann::json()},
            {"elapsed_ns", status.elapsedNs},
            {"duration_ns", status.durationNs > 0 ? nlohmann::json(status.durationNs) : nlohmann::json()},
            {"window_count", status.windowCount},
            {"windows_begun", status.windowsBegun},
            {"processes", status.processes},
            {"bytes", status.bytes},
            {"events", status.events},
            {"overwritten", status.ringOverwritten},
            {"dropped", status.dropped},
            {"reports", status.reportNames},
            {"engine", name(status.engine)},
            {"commands", status.commands},
            {"save_when", orNull(status.saveWhen)},
            {"rule_saves", status.saveWhen.empty() ? nlohmann::json() : nlohmann::json(status.ruleSaves)},
            {"rule_saves_at_most", status.saveWhen.empty() ? nlohmann::json() : nlohmann::json(status.ruleSavesAtMost)},
            {"save_state", orNull(status.saveState)},
            {"message", orNull(status.message)}};
}

std::string captureTable(const std::vector<proto::CaptureStatus>& captures)
{
    std::vector<std::vector<std::string>> rows;
    for (const proto::CaptureStatus& status : captures) {
        const std::string waits = waitText(status);
        const bool isRing = status.ringNs > 0;
        const std::string bound = isRing                  ? "last " + formatDuration(status.ringNs)
                                  : status.durationNs > 0 ? formatDuration(status.durationNs)
                                                          : "until stopped";
        rows.push_back({status.captureId, status.targetId, waits.empty() ? std::string(name(status.state)) : waits,
                        formatDuration(isRing ? status.ringHeldNs : status.elapsedNs), bound, formatBytes(status.bytes),
                        std::to_string(status.dropped), status.holder});
    }
    return alignedTable({"id", "target", "state", "holds", "window", "size", "dropped", "started by"}, rows, "");
}

Result<void> checkWritable(const std::filesystem::path& output, std::string_view what)
{
    const std::filesystem::path folder = output.has_parent_path() ? output.parent_path() : std::filesystem::path(".");
    if (::access(folder.c_str(), W_OK | X_OK) == 0)
        return {};
    Error error = errnoError(errno, fmt::format("cannot write {} to {}", what, folder.string()));
    error.code = ErrorCode::CannotWrite;
    return error;
}

Result<void> makeWritable(const std::filesystem::path& output, std::string_view what)
{
    std::error_code error;
    if (output.has_parent_path())
        std::filesystem::create_directories(output.parent_path(), error);
    if (!error)
        return checkWritable(output, what);
    Error problem = errnoError(error.value(), fmt::format("cannot make the folder {} for {}", output.parent_path().string(), what));
    problem.code = ErrorCode::CannotWrite;
    return problem;
}

std::string waitText(const proto::CaptureStatus& status)
{
    const std::string windows =
        status.windowCount > 1 ? fmt::format(" · window {} of {}", status.windowsBegun + 1, status.windowCount) : std::string();
    switch (status.state) {
    case proto::CaptureState::Queued:
        return fmt::format("{:<11} behind {}{}", name(status.state), status.waitsFor, windows);
    case proto::CaptureState::Waiting:
        return status.waitsNs > 0 ? fmt::format("{:<11} {} more{}", name(status.state), formatDuration(status.waitsNs), windows)
                                  : fmt::format("{:<11} for the target's first call of CUDA or NVTX", name(status.state));
    case proto::CaptureState::Armed:
        return fmt::format("{:<11} the program opens the window{}{}{}", name(status.state), windows, status.message.empty() ? "" : " · ",
                           status.message);
    default:
        return {};
    }
}

Result<FetchedFile> fetchWindow(app::NodeClient& client, const std::string& reportName, std::filesystem::path output,
                                const std::stop_token& stop)
{
    const auto fetched = [&]() -> Result<app::FetchedReport> {
        if (output.empty()) {
            GANTRY_TRY(output, app::localFileName(reportName));
        }
        ProgressLine progress(true);
        return app::fetchReport(
            client, reportName, output,
            [&](std::uint64_t bytes, std::uint64_t total) {
                progress.show(fmt::format("fetching    {} of {}", formatBytes(bytes), formatBytes(total)));
            },
            stop);
    }();
    if (!fetched)
        return Result<app::FetchedReport>(fetched)
            .context(fmt::format("the report is kept on the node, `gantryctl report fetch {}` gets it", reportName))
            .error();
    return FetchedFile{*fetched, trace::loadTrace(fetched->path)};
}

} // namespace gantry::cli
