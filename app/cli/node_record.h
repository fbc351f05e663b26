#pragma once

#include "app/cli/output.h"
#include "trace_model/base/time.h"

#include <string>

namespace gantry::cli {

/// `gantryctl node record`.
struct RecordOptions
{
    DurationNs length = 0;
    std::string folder, title; ///< title empty: made of the GPUs, the targets and the day
};

/// Records a session of the node into a folder (remote_server/proto/NODE_RECORDING.md), with the reports that are made meanwhile; an
/// interrupt ends it early. Returns the exit status.
[[nodiscard]] int recordNode(const CommonOptions& common, const RecordOptions& options);

} // namespace gantry::cli
