#pragma once

#include "trace_model/base/result.h"

#include <filesystem>
#include <map>
#include <string>

namespace gantry::report {

/// Gives rows of META_DATA_CAPTURE of a finished report other values; an empty one takes the row away. The report is replaced by a changed
/// copy: who reads it goes on reading the one that was there, and one that is killed leaves the old or the new one. Its time of change
/// moves on by as little as tells the two apart. Any thread; blocks for as long as copying the file takes. Errors: NotFound, CannotWrite.
[[nodiscard]] Result<void> amendReport(const std::filesystem::path& path, const std::map<std::string, std::string>& rows);

} // namespace gantry::report
