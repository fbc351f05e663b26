#include "app/desktop/capture_controller.h"

#include "app/remote/report_fetcher.h"
#include "trace_model/base/digest.h"

#include <QSysInfo>

#include <system_error>

namespace gantry::desktop {

namespace {

/// The code that a failed capture names, so that the window can react as it does to the same failure of a call.
ErrorCode codeFromName(const std::string& errorName)
{
    for (int code = 0; code <= static_cast<int>(ErrorCode::Internal); ++code) {
        if (name(static_cast<ErrorCode>(code)) == errorName)
            return static_cast<ErrorCode>(code);
    }
    return ErrorCode::Internal;
}

/// The file is on this machine, whole and the same as on the node: no second fetch.
bool isSameFile(const std::filesystem::path& path, std::uint64_t sizeBytes, const std::string& sha256)
{
    std::error_code failure;
    const auto size = std::filesystem::file_size(path, failure);
    if (failure || size != sizeBytes || sha256.empty())
        return false;
    const auto digest = sha256OfFile(path);
    return digest && *digest == sha256;
}

} // namespace

CaptureController::CaptureController(jobs::JobRunner& runner, QObject* parent) : QObject(parent), m_workSlot(runner), m_stopSlot(runner) {}

void CaptureController::start(std::shared_ptr<app::NodeClient> client, const std::string& targetId, DurationNs duration,
                              const std::filesystem::path& folder)
{
    if (isBusy() || !client)
        return;
    m_client = std::move(client);
    m_folder = folder;
    m_status = {};
    m_status.durationNs = duration;
    m_fetchedBytes = m_totalBytes = 0;
    setStage(Stage::Starting);

    proto::CaptureRequest request;
    request.targetId = targetId;
    request.durationNs = duration;
    request.clientName = QStringLiteral("%1@%2: gantry")
                             .arg(qEnvironmentVariable("USER", QStringLiteral("someone")), QSysInfo::machineHostName())
                             .toStdString();
    m_workSlot.run(
        [this, client = m_client, request](const jobs::JobContext& context) -> Result<proto::CaptureStatus> {
            GANTRY_TRY(const auto started, client->startCapture(request));
            const auto tell = [this, &context](const proto::CaptureStatus& status) { context.post([this, status] { setStatus(status); }); };
            tell(started);
            auto last = client->watchCapture(started.captureId, tell, context.stop());
            // Given up, perhaps before the answer to the start was here: nobody else knows of the window, which may have no end.
            if (context.stop().stop_requested())
                static_cast<void>(client->stopCapture(started.captureId));
            return last;
        },
        [this](Result<proto::CaptureStatus> last) {
            if (!last)
                return fail(m_stage == Stage::Starting ? tr("The capture did not start") : tr("The capture was lost"), last.error());
            setStatus(*last);
            if (last->state == proto::CaptureState::Failed)
                return fail(tr("The capture failed"), Error{codeFromName(last->error), last->message, {}});
            fetchNamed(last->reportName, 0, {});
        });
}

void CaptureController::fetch(std::shared_ptr<app::NodeClient> client, const proto::ReportInfo& report, const std::filesystem::path& folder)
{
    if (isBusy() || !client)
        return;
    m_client = std::move(client);
    m_folder = folder;
    m_status = {};
    fetchNamed(report.name, report.sizeBytes, report.sha256);
}

void CaptureController::fetchNamed(const std::string& name, std::uint64_t sizeBytes, const std::string& sha256)
{
    m_fetchedBytes = 0;
    m_totalBytes = sizeBytes;
    setStage(Stage::Fetching);
    m_workSlot.run(
        [this, client = m_client, name, sizeBytes, sha256,
         folder = m_folder](const jobs::JobContext& context) -> Result<std::filesystem::path> {
            std::error_code failure;
            std::filesystem::create_directories(folder, failure);
            if (failure)
                return errnoError(failure.value(), "cannot make the folder " + folder.string());
            GANTRY_TRY(const std::filesystem::path fileName, app::localFileName(name));
            const std::filesystem::path path = folder / fileName;
            if (isSameFile(path, sizeBytes, sha256))
                return path;
            GANTRY_TRY(auto fetched, app::fetchReport(
                                         *client, name, path,
                                         [&context, this](std::uint64_t done, std::uint64_t total) {
                                             context.post([this, done, total] {
                                                 m_fetchedBytes = done;
                                                 m_totalBytes = total;
                                                 emit changed();
                                             });
                                         },
                                         context.stop()));
            return fetched.path;
        },
        [this](Result<std::filesystem::path> fetched) {
            if (!fetched)
                return fail(tr("The report was not fetched"), fetched.error());
            setStage(Stage::Idle);
            emit reportReady(*fetched);
        });
}

void CaptureController::finishWindow()
{
    if (m_stage != Stage::Capturing)
        return;
    m_stopSlot.run(
        [client = m_client, id = m_status.captureId](const jobs::JobContext& context) { return client->stopCapture(id, context.stop()); },
        [this](Result<proto::CaptureStatus> stopped) {
            // The watch tells the rest; a window that ended by itself in between is no failure.
            if (!stopped && stopped.error().code != ErrorCode::NotFound && isBusy())
                emit failed(tr("The window was not closed"), stopped.error());
        });
}

void CaptureController::cancel()
{
    if (!isBusy())
        return;
    m_workSlot.cancel(); // closes the window, too
    setStage(Stage::Idle);
    emit cancelled();
}

void CaptureController::setStage(Stage stage)
{
    m_stage = stage;
    emit changed();
}

void CaptureController::setStatus(const proto::CaptureStatus& status)
{
    m_status = status;
    switch (status.state) {
    case proto::CaptureState::Unknown:
    case proto::CaptureState::Queued:
    case proto::CaptureState::Waiting:
    case proto::CaptureState::Armed:
    case proto::CaptureState::Arming:
        return setStage(Stage::Starting);
    case proto::CaptureState::Capturing:
        return setStage(Stage::Capturing);
    case proto::CaptureState::Closing:
    case proto::CaptureState::Assembling:
    case proto::CaptureState::Done:
    case proto::CaptureState::Failed:
        return setStage(Stage::Assembling);
    }
}

void CaptureController::fail(const QString& doing, const Error& error)
{
    m_workSlot.cancel();
    setStage(Stage::Idle);
    emit failed(doing, error);
}

} // namespace gantry::desktop
