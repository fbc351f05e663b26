#include "remote_server/node/engines/nsys_tool.h"

#include "trace_model/base/silence_watch.h"
#include "trace_model/import/child_program.h"
#include "trace_model/import/nsys_export.h"
#include "trace_model/import/nsys_output.h"
#include "trace_model/report/meta_keys.h"

#include <chrono>
#include <cstdlib>
#include <sstream>
#include <thread>
#include <unistd.h>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;
using importing::commandText;

constexpr std::chrono::seconds kAnswerPatience{10};
constexpr std::chrono::minutes kStopPatience{10}; // it writes, and mostly imports, what may be gigabytes
constexpr std::chrono::seconds kExitPatience{60}; // of a session whose program has ended
constexpr const char* kOutput = "window";         // without extension, in the window's folder

/// What a program printed that ended with status 0 in time.
Result<std::string> answerOf(const std::vector<std::string>& command, std::chrono::milliseconds patience, const std::stop_token& stop = {},
                             const std::function<void(std::string_view)>& output = {})
{
    std::stop_source giveUp;
    const std::stop_callback given(stop, [&] { giveUp.request_stop(); });
    SilenceWatch watch(patience, [&] { giveUp.request_stop(); });
    std::string all;
    const auto end = importing::runProgram(
        command,
        [&](std::string_view text) {
            watch.heard();
            all += text;
            if (output)
                output(text);
        },
        giveUp.get_token());
    if (!end && end.error().code == ErrorCode::Cancelled && !stop.stop_requested())
        return Error{ErrorCode::Internal, "`" + commandText(command) + "` did not answer in time and was ended", {}};
    if (!end)
        return end.error();
    if (end->exitStatus != 0)
        return Error{ErrorCode::Internal,
                     "`" + commandText(command) + "` ended with status " + std::to_string(end->exitStatus) + ": " +
                         importing::lastLines(end->lastText),
                     {}};
    return all;
}

/// What nsys made of a window, whichever name it chose.
fs::path fileOf(const fs::path& folder)
{
    std::error_code error;
    for (const char* extension : {".nsys-rep", ".qdrep", ".qdstrm"})
        if (const fs::path file = folder / (std::string(kOutput) + extension); fs::exists(file, error))
            return file;
    return {};
}

} // namespace

std::string NsysTool::sessionName(const std::string& targetId)
{
    return "gantry-" + std::to_string(getpid()) + "-" + targetId;
}

Result<NsysInstallation> NsysTool::installation()
{
    const std::lock_guard lock(m_mutex);
    const fs::path program = importing::findNsys(m_options.places, {});
    if (program.empty())
        return Error{
            ErrorCode::Unsupported,
            "nsys is not installed on this node: install Nsight Systems there, start its gantryd with --nsys PATH, or capture with "
            "Gantry's own engine",
            {}};
    if (!m_known || m_known->program != program) {
        NsysInstallation nsys{program, importing::nsysVersion(program), {}, {}};
        if (const auto help = answerOf({program.string(), "launch", "--help"}, kAnswerPatience))
            nsys.launchSwitches = NsysSwitches::parse(*help);
        if (const auto help = answerOf({program.string(), "start", "--help"}, kAnswerPatience))
            nsys.startSwitches = NsysSwitches::parse(*help);
        m_known = std::move(nsys);
    }
    return *m_known;
}

Result<std::vector<std::string>> NsysTool::launchCommand(const proto::LaunchRequest& request, const std::string& session)
{
    GANTRY_TRY(const NsysInstallation nsys, installation());
    return nsysLaunchCommand(nsys, session, request.nsys, request.argv);
}

void NsysTool::endSession(const std::string& session)
{
    if (const auto nsys = installation())
        static_cast<void>(answerOf({nsys->program.string(), "shutdown", "--session=" + session, "--kill=sigkill"}, kAnswerPatience));
}

std::optional<int> NsysTool::launchesIn(const NsysInstallation& nsys, const std::string& session) const
{
    const auto list = answerOf({nsys.program.string(), "sessions", "list"}, kAnswerPatience);
    if (!list)
        return std::nullopt;
    std::istringstream lines(*list);
    for (std::string line; std::getline(lines, line);) {
        // ID, TIME, STATE, LAUNCH and NAME, with any blanks between them; names of ours have none.
        std::istringstream words(line);
        std::vector<std::string> columns;
        for (std::string word; words >> word;)
            columns.push_back(std::move(word));
        if (columns.size() >= 3 && columns.back() == session)
            return std::atoi(columns[columns.size() - 2].c_str());
    }
    return std::nullopt;
}

Result<std::vector<std::string>> NsysTool::plan(const proto::CaptureRequest& request)
{
    GANTRY_TRY(const NsysInstallation nsys, installation());
    std::string session = sessionName(request.targetId);
    if (!request.isPlanOnly) {
        GANTRY_TRY(session, m_options.session(request.targetId));
    }
    const std::string file = std::string("FOLDER/") + kOutput; // of each window; known when it opens
    GANTRY_TRY(const auto start, nsysStartCommand(nsys, session, request.nsys, file));
    std::vector<std::string> commands{commandText(start), commandText(nsysStopCommand(nsys, session))};
    if (const fs::path importer = importing::findNsysImporter(nsys.program); !importer.empty())
        commands.push_back(commandText(importing::nsysImportCommand(importer, file + ".qdstrm", file + ".nsys-rep")) +
                           " (where nsys stop did not import)");
    commands.push_back(importing::nsysExportCommand(file + ".nsys-rep", "FOLDER/report.sqlite"));
    return commands;
}

Result<bool> NsysTool::isReady(const proto::CaptureRequest& request)
{
    GANTRY_TRY(const std::string session, m_options.session(request.targetId));
    if (!m_options.isTargetRunning(request.targetId))
        return Error{ErrorCode::TargetGone, "target " + request.targetId + " has ended", {}};
    GANTRY_TRY(const NsysInstallation nsys, installation());
    return launchesIn(nsys, session).value_or(0) > 0;
}

Result<void> NsysTool::open(ToolWindow& window)
{
    GANTRY_TRY(const NsysInstallation nsys, installation());
    GANTRY_TRY(const std::string session, m_options.session(window.request.targetId));
    if (!launchesIn(nsys, session)) // `nsys start` would make a new one, without a program in it
        return Error{ErrorCode::TargetGone, "the nsys session " + session + " of target " + window.request.targetId + " has ended", {}};
    GANTRY_TRY(const auto command, nsysStartCommand(nsys, session, window.request.nsys, window.folder / kOutput));
    GANTRY_CHECK(answerOf(command, kAnswerPatience, window.stop));
    return {};
}

bool NsysTool::hasEnded(ToolWindow& window)
{
    return !m_options.isTargetRunning(window.request.targetId);
}

Result<void> NsysTool::close(ToolWindow& window)
{
    GANTRY_TRY(const NsysInstallation nsys, installation());
    GANTRY_TRY(const std::string session, m_options.session(window.request.targetId));
    importing::PercentReader percents;
    const auto stopped = answerOf(nsysStopCommand(nsys, session), kStopPatience, window.stop, [&](std::string_view text) {
        percents.read(text, [&](int percent) { window.tell("nsys writes the report, " + std::to_string(percent) + " %"); });
    });
    if (stopped)
        return {};
    if (!hasEnded(window))
        return stopped.error();
    // With its program the session ends by itself, and writes what it has.
    const auto deadline = std::chrono::steady_clock::now() + kExitPatience;
    while ((launchesIn(nsys, session) || fileOf(window.folder).empty()) && std::chrono::steady_clock::now() < deadline &&
           !window.stop.stop_requested())
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (fileOf(window.folder).empty())
        return Error{ErrorCode::TargetGone, "target " + window.request.targetId + " ended, and its nsys session wrote no report", {}};
    return {};
}

Result<ToolReport> NsysTool::report(ToolWindow& window)
{
    GANTRY_TRY(const NsysInstallation nsys, installation());
    GANTRY_TRY(const std::string session, m_options.session(window.request.targetId));
    GANTRY_TRY(const auto start, nsysStartCommand(nsys, session, window.request.nsys, window.folder / kOutput));
    fs::path made = fileOf(window.folder);
    if (made.empty())
        return Error{ErrorCode::Internal, "`nsys stop` wrote no report into " + window.folder.string(), {}};
    importing::ReadControl control;
    control.stop = window.stop;
    control.progress = [&](double fraction, std::string_view stage) {
        window.tell(std::string(stage) + ", " + std::to_string(static_cast<int>(fraction * 100)) + " %");
    };
    std::vector<std::string> commands{commandText(start), commandText(nsysStopCommand(nsys, session))};
    if (made.extension() == ".qdstrm") { // nsys found no importer beside itself, as distributions install it
        const fs::path report = fs::path(made).replace_extension(".nsys-rep");
        GANTRY_CHECK(importing::runNsysImport(nsys.program, made, report, control));
        commands.push_back(commandText(importing::nsysImportCommand(importing::findNsysImporter(nsys.program), made, report)));
        made = report;
    }
    ToolReport result;
    result.report = window.folder / "report.sqlite";
    GANTRY_CHECK(importing::runNsysExport(nsys.program, made, nsys.version, result.report, control));
    commands.push_back(importing::nsysExportCommand(made, result.report));
    result.original = made;
    std::string lines;
    for (const std::string& command : commands)
        lines += (lines.empty() ? "" : "\n") + command;
    result.meta[report::meta::kEngine] = "nsys" + (nsys.version.empty() ? std::string() : " " + nsys.version);
    result.meta[report::meta::kEngineCommands] = lines;
    return result;
}

} // namespace gantry::node
