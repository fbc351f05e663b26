#pragma once

#include "app/cli/output.h"
#include "app/remote/report_fetcher.h"
#include "trace_model/trace/trace_loader.h"

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

/// What the commands that capture have in common.
namespace gantry::cli {

/// The one target of the node that can be captured. Errors: NotFound, BadInput (several, by their names).
[[nodiscard]] Result<std::string> chooseTarget(app::NodeClient& client, proto::EngineKind engine);

/// A folder that is not there is found before the window, not after it. `what`: is to be written, for the sentence. Errors: CannotWrite.
[[nodiscard]] Result<void> checkWritable(const std::filesystem::path& output, std::string_view what = "a report");
/// The same of a file whose folder is made where it is not there.
[[nodiscard]] Result<void> makeWritable(const std::filesystem::path& output, std::string_view what);

/// A capture as it is listed; of one that does not record into a ring, keeps_ns and held_ns are null.
[[nodiscard]] nlohmann::json toJson(const proto::CaptureStatus& status);
[[nodiscard]] std::string captureTable(const std::vector<proto::CaptureStatus>& captures);

/// What a capture waits for; empty: for nothing, its window is open or done.
[[nodiscard]] std::string waitText(const proto::CaptureStatus& status);

struct FetchedFile
{
    app::FetchedReport fetched;
    Result<std::shared_ptr<const trace::Trace>>
        trace; ///< what the file holds is said if it can be read; the capture itself is done either way
};

/// Fetches a report to `output`, by default under the name that it has on the node, and reads it.
[[nodiscard]] Result<FetchedFile> fetchWindow(app::NodeClient& client, const std::string& reportName, std::filesystem::path output,
                                              const std::stop_token& stop);

} // namespace gantry::cli
