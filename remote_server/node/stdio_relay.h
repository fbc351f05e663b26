#pragma once

#include "remote_server/node/listen_options.h"

#include <string>
#include <vector>

namespace gantry::node {

/// `gantryd --stdio`: carries bytes between standard input and output and the gantryd of this user, so that whoever comes back, or comes
/// second, finds the same targets and captures. Where none runs it starts one in the background with `arguments` (those of this program,
/// without --stdio), which ends by itself when nobody has called for ten minutes, unless the arguments say otherwise.
///
/// Returns the exit status when either side ends the stream; what is wrong stands on standard error then. The only thing on standard
/// output is what gantryd says. Main thread, before signals are blocked and threads started.
[[nodiscard]] int relayStdio(const ListenOptions& options, std::vector<std::string> arguments);

} // namespace gantry::node
