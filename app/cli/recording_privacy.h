#pragma once

#include "remote_server/proto/node_recording.h"

#include <string>
#include <vector>

/// What of a node is kept when it is recorded: recordings are passed on.
namespace gantry::cli {

/// Takes the values out of arguments that look like secrets: "--api-key X", "--token=X", "HF_TOKEN=X", "https://user:X@host".
void maskSecrets(std::vector<std::string>& argv);
/// The same in a line of text, word by word.
[[nodiscard]] std::string maskedLine(const std::string& line);

/// Leaves processes of gantryd's user with their arguments, those of other users that use a GPU without them, and no others; and takes
/// secrets out of the arguments of processes and targets and out of the lines of logs.
void keepPrivate(proto::NodeRecording& recording);

} // namespace gantry::cli
