#pragma once

#include "remote_server/proto/node_recording.h"

/// What of a node is kept when it is recorded: recordings are passed on.
namespace gantry::cli {

/// Leaves processes of gantryd's user with their arguments, those of other users that use a GPU without them, and no others; and takes
/// secrets out of the arguments of processes and targets and out of the lines of logs.
void keepPrivate(proto::NodeRecording& recording);

} // namespace gantry::cli
