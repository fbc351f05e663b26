#pragma once

#include "trace_model/base/result.h"

#include <cstddef>
#include <filesystem>
#include <string>

namespace gantry::node {

/// The beginning of a file such as those of /proc, `maxBytes` at most; it is never waited for. Errors: NotFound, NotPermitted, Internal,
/// with the path and what the system said. Any thread.
[[nodiscard]] Result<std::string> readSmallFile(const std::filesystem::path& path, std::size_t maxBytes = 64 * 1024);

} // namespace gantry::node
