#include "app/desktop/capture_controller.h"

#include "app/desktop/text.h"
#include "app/remote/error_code.h"
#include "app/remote/recorder_save.h"
#include "app/remote/report_fetcher.h"
#include "trace_model/base/digest.h"
#include "trace_model/report/report_amendment.h"

#include <system_error>

namespace gantry::desktop {

namespace {

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

constexpr int kMostCuts = 5; ///< without a byte or a status in between: the connection is not what is wrong

/// Why a recorder does not record: a window is open, which it has made room for. `refused`: what the node said.
Error standstill(app::NodeClient& client, const std::string& recorderId, const Error& refused)
{
    const auto captures = client.captures();
    if (!captures)
        return refused;
    for (const proto::CaptureStatus& status : *captures) {
        if (status.captureId == recorderId || status.isFinished() || status.ringNs > 0 || status.state == proto::CaptureState::Queued)
            continue;
        return Error{ErrorCode::Busy,
                     "it stands still while " + (status.holder.empty() ? "another client" : status.holder) +
                         " captures, and begins anew afterwards; wait for the end of that capture",
                     {refused.message}};
    }
    return refused;
}

} // namespace

CaptureController::CaptureController(jobs::JobRunner& runner, QObject* parent)
    : QObject(parent), m_workSlot(runner), m_stopSlot(runner), m_costSlot(runner)
{
}

void CaptureController::begin(std::shared_ptr<app::NodeClient> client, const std::filesystem::path& folder)
{
    m_client = std::move(client);
    m_folder = folder;
    m_request = {};
    m_status = {};
    m_isAway = false;
    m_cuts = 0;
    m_fetchedBytes = m_totalBytes = 0;
    m_toFetch.clear();
    m_fetched.clear();
}

bool CaptureController::canFinish() const
{
    return !m_isAway && (m_stage == Stage::Capturing || (m_stage == Stage::Waiting && m_status.windowsBegun > 0));
}

void CaptureController::start(std::shared_ptr<app::NodeClient> client, proto::CaptureRequest request, const std::filesystem::path& folder)
{
    if (isBusy())
        return;
    if (!client)
        return fail(tr("The capture did not start"), Error{ErrorCode::Unreachable, "the node is not connected; connect to it first", {}});
    begin(std::move(client), folder);
    request.clientName = clientName();
    m_request = request;
    m_status.durationNs = request.durationNs;
    m_status.windowCount = request.windowCount;
    setStage(Stage::Starting);
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
        [this](Result<proto::CaptureStatus> last) { onWatched(std::move(last)); });
}

/// The rest of a capture that was started over another connection.
void CaptureController::watch()
{
    m_workSlot.run(
        [this, client = m_client, id = m_status.captureId](const jobs::JobContext& context) -> Result<proto::CaptureStatus> {
            const auto tell = [this, &context](const proto::CaptureStatus& status) { context.post([this, status] { setStatus(status); }); };
            auto last = client->watchCapture(id, tell, context.stop());
            if (context.stop().stop_requested())
                static_cast<void>(client->stopCapture(id));
            if (!last && last.error().code == ErrorCode::NotFound)
                return Error{
                    ErrorCode::NotFound,
                    "the node's gantryd was started anew in the meantime and knows nothing of it; reports that were complete are there",
                    {last.error().message}};
            return last;
        },
        [this](Result<proto::CaptureStatus> last) { onWatched(std::move(last)); });
}

void CaptureController::onWatched(Result<proto::CaptureStatus> last)
{
    if (last)
        return onCaptured(*last);
    // Whether a window was opened that nobody answered for is not known, and another one must not be opened in its stead.
    const bool hasStarted = !m_status.captureId.empty();
    if (hasStarted && goAway(last.error()))
        return;
    fail(hasStarted ? tr("The capture was lost") : tr("The capture did not start"), last.error());
}

bool CaptureController::goAway(const Error& error)
{
    const bool isCut = error.code == ErrorCode::Unreachable || error.code == ErrorCode::Truncated;
    if (!isCut || ++m_cuts > kMostCuts)
        return false;
    m_isAway = true;
    emit changed();
    emit wentAway();
    return true;
}

void CaptureController::goOn(std::shared_ptr<app::NodeClient> client)
{
    if (!m_isAway || !client)
        return;
    m_client = std::move(client);
    m_isAway = false;
    emit changed();
    m_stage == Stage::Fetching ? fetchNext() : watch();
}

void CaptureController::giveUp(const Error& error)
{
    if (!m_isAway)
        return;
    fail(m_stage == Stage::Fetching ? tr("The report was not fetched") : tr("The capture was lost"), error);
}

void CaptureController::onCaptured(const proto::CaptureStatus& last)
{
    setStatus(last);
    if (last.state == proto::CaptureState::Failed)
        return fail(tr("The capture failed"), Error{app::errorCodeFromName(last.error), last.message, {}});
    if (last.reportNames.empty())
        return fail(tr("Nothing was captured"),
                    Error{ErrorCode::NotFound, last.message.empty() ? "it was ended before a window had opened" : last.message, {}});
    std::vector<Wanted> wanted;
    for (const std::string& name : last.reportNames)
        wanted.push_back({name, 0, {}});
    fetchAll(std::move(wanted));
}

void CaptureController::save(std::shared_ptr<app::NodeClient> client, const std::string& recorderId, const std::filesystem::path& folder,
                             DurationNs lastNs)
{
    if (isBusy() || !client)
        return;
    begin(std::move(client), folder);
    setStage(Stage::Assembling);
    m_workSlot.run(
        [client = m_client, recorderId, lastNs](const jobs::JobContext& context) -> Result<std::string> {
            auto saved = app::saveRecorder(*client, recorderId, lastNs, {}, {}, context.stop());
            if (!saved && saved.error().code == ErrorCode::Busy)
                return standstill(*client, recorderId, saved.error());
            return saved;
        },
        [this](Result<std::string> saved) {
            if (!saved)
                return fail(tr("The recorder was not saved"), saved.error());
            fetchAll({{*saved, 0, {}}});
        });
}

void CaptureController::fetch(std::shared_ptr<app::NodeClient> client, const proto::ReportInfo& report, const std::filesystem::path& folder)
{
    if (isBusy() || !client)
        return;
    begin(std::move(client), folder);
    fetchAll({{report.name, report.sizeBytes, report.sha256}});
}

void CaptureController::fetchAll(std::vector<Wanted> wanted)
{
    m_toFetch = std::move(wanted);
    m_totalBytes = 0;
    fetchNext();
}

void CaptureController::fetchNext()
{
    if (m_totalBytes == 0) { // else it goes on
        m_fetchedBytes = 0;
        m_totalBytes = m_toFetch.front().sizeBytes;
    }
    setStage(Stage::Fetching);
    m_workSlot.run(
        [this, client = m_client, wanted = m_toFetch.front(),
         folder = m_folder](const jobs::JobContext& context) -> Result<std::filesystem::path> {
            std::error_code failure;
            std::filesystem::create_directories(folder, failure);
            if (failure)
                return errnoError(failure.value(), "cannot make the folder " + folder.string());
            GANTRY_TRY(const std::filesystem::path fileName, app::localFileName(wanted.name));
            const std::filesystem::path path = folder / fileName;
            if (isSameFile(path, wanted.sizeBytes, wanted.sha256))
                return path;
            GANTRY_TRY(auto fetched, app::fetchReport(
                                         *client, wanted.name, path,
                                         [&context, this](std::uint64_t done, std::uint64_t total) {
                                             context.post([this, done, total] {
                                                 if (done > m_fetchedBytes)
                                                     m_cuts = 0;
                                                 m_fetchedBytes = done;
                                                 m_totalBytes = total;
                                                 emit changed();
                                             });
                                         },
                                         context.stop(), 0));
            return fetched.path;
        },
        [this](Result<std::filesystem::path> fetched) {
            if (!fetched && goAway(fetched.error()))
                return;
            if (!fetched)
                return fail(tr("The report was not fetched"), fetched.error());
            m_fetched.push_back(*fetched);
            m_toFetch.erase(m_toFetch.begin());
            m_totalBytes = 0;
            if (!m_toFetch.empty())
                return fetchNext();
            setStage(Stage::Idle);
            emit reportsReady(m_fetched);
            awaitCost();
        });
}

/// The report is looked at while the time after its window goes by.
void CaptureController::awaitCost()
{
    if (!m_status.isCostPending || m_fetched.empty())
        return;
    m_costSlot.run(
        [client = m_client, id = m_status.captureId, name = m_status.costReport,
         path = m_fetched.back()](const jobs::JobContext& context) -> Result<report::WindowCost> {
            GANTRY_TRY(const auto status, client->watchCapture(id, nullptr, context.stop(), app::NodeClient::WatchUntil::Cost));
            if (status.isCostPending || status.costReport != name)
                return Error{ErrorCode::NotFound, "the cost of the window was not measured", {}};
            GANTRY_CHECK(report::amendReport(path, status.cost.rows()));
            return status.cost;
        },
        [this, path = m_fetched.back()](const Result<report::WindowCost>& cost) {
            if (cost) // else the report says what was known when its window closed
                emit costMeasured(path, *cost);
        });
}

void CaptureController::finishWindow()
{
    if (!canFinish())
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
    if (m_isAway && m_stage != Stage::Fetching && m_client)
        // As well as it can be done: the node ends a window with a length by itself.
        m_stopSlot.run([client = m_client,
                        id = m_status.captureId](const jobs::JobContext& context) { return client->stopCapture(id, context.stop()); },
                       [](const Result<proto::CaptureStatus>&) {});
    m_isAway = false;
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
    m_cuts = 0;
    switch (status.state) {
    case proto::CaptureState::Unknown:
    case proto::CaptureState::Arming:
        return setStage(Stage::Starting);
    case proto::CaptureState::Queued:
    case proto::CaptureState::Waiting:
    case proto::CaptureState::Armed:
        return setStage(Stage::Waiting);
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
    m_isAway = false;
    setStage(Stage::Idle);
    emit failed(doing, error);
}

} // namespace gantry::desktop
