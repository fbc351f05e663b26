#pragma once

#include "trace_model/base/result.h"

#include <filesystem>
#include <map>
#include <string>

namespace gantry::report {

/// Writes what is to be known of a report that another program wrote, an Nsight Systems export for instance, into its META_DATA_CAPTURE
/// (meta_keys.h), in the place of rows of these names. Errors: CannotWrite.
[[nodiscard]] Result<void> addNotes(const std::filesystem::path& path, const std::map<std::string, std::string>& notes);

} // namespace gantry::report
