#include "app/remote/recorder_save.h"

#include "app/remote/error_code.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace gantry::app {
namespace {

const proto::RingSave* saveOf(const proto::CaptureStatus& status, std::uint64_t number)
{
    const auto found = std::find_if(status.saves.begin(), status.saves.end(), [&](const auto& save) { return save.number == number; });
    return found == status.saves.end() ? nullptr : &*found;
}

} // namespace

Result<std::string> saveRecorder(NodeClient& client, const std::string& captureId, DurationNs lastNs, const std::string& label,
                                 const std::function<void(const proto::CaptureStatus&)>& onStatus, std::stop_token stop)
{
    GANTRY_TRY(const proto::CaptureStatus begun, client.saveCapture(captureId, lastNs, label, stop));
    const std::uint64_t number = begun.savesBegun;
    std::optional<proto::RingSave> save;
    std::stop_source hasEnded;
    const std::stop_callback givenUp(stop, [&hasEnded] { hasEnded.request_stop(); });
    const auto watched = client.watchCapture(
        captureId,
        [&](const proto::CaptureStatus& status) {
            if (onStatus)
                onStatus(status);
            if (const proto::RingSave* ended = saveOf(status, number)) {
                save = *ended;
                hasEnded.request_stop();
            }
        },
        hasEnded.get_token());
    if (save && !save->reportName.empty())
        return save->reportName;
    if (save)
        return Error{errorCodeFromName(save->error), save->message, {}};
    if (!watched)
        return watched.error();
    return Error{ErrorCode::Internal, "the recorder ended before it had written the report: `gantryctl node captures` says why", {}};
}

} // namespace gantry::app
