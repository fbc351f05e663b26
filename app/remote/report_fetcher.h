#pragma once

#include "app/remote/node_client.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

namespace gantry::app {

struct FetchedReport
{
    std::filesystem::path path;
    std::uint64_t bytes = 0;
    std::uint64_t resumedFrom = 0; ///< bytes that a cut-off fetch had left and this one kept
    std::string sha256;            ///< verified
};

/// The file name that a report of a node gets here. The name comes from another machine: what could lead out of a folder, or hide,
/// is BadInput.
[[nodiscard]] Result<std::filesystem::path> localFileName(const std::string& reportName);

/// Fetches a report into `destination` (a file path): data goes to `destination`.part, mode 0600, is verified against the node's
/// SHA-256 and renamed. A .part left by a cut connection is resumed; a checksum that does not match removes it and says so.
/// Reconnects up to `retries` times on a broken connection. Blocks; progress is (bytes so far, total).
[[nodiscard]] Result<FetchedReport> fetchReport(NodeClient& client, const std::string& reportName, const std::filesystem::path& destination,
                                                const std::function<void(std::uint64_t, std::uint64_t)>& progress, std::stop_token stop,
                                                int retries = 3);

} // namespace gantry::app
