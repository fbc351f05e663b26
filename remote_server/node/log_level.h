#pragma once

#include "remote_server/proto/node_types.h"

#include <string_view>

namespace gantry::node {

/// The level that a line of a log says it has, in the forms of the programs that serve models: glog and Triton ("I0611 …"), spdlog
/// ("[warning]"), Python ("WARNING:", "… - ERROR - …"), vLLM ("INFO 11-20 …"), TensorRT-LLM ("[TRT-LLM] [W]"), Rust ("… WARN …") and JSON
/// ("level":"warn"). Unknown: it says none, as the lines of a stack trace. Looks at the beginning of the line only.
[[nodiscard]] proto::LogLevel logLevelOf(std::string_view line);

} // namespace gantry::node
