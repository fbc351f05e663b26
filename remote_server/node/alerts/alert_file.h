#pragma once

#include "remote_server/proto/live_types.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace gantry::node {

/// The alerts of a node as they are kept.
struct AlertFile
{
    std::uint64_t lastId = 0; ///< numbers are not given again
    std::vector<proto::AlertRule> rules;
};

/// Nothing is there: no rules. Errors: BadInput (damaged; says what to do), NotPermitted.
[[nodiscard]] Result<AlertFile> readAlertFile(const std::filesystem::path& path);
/// Replaces it as a whole, mode 0600. Errors: CannotWrite.
[[nodiscard]] Result<void> writeAlertFile(const std::filesystem::path& path, const AlertFile& file);

} // namespace gantry::node
