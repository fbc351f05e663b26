#pragma once

#include "remote_server/node/readiness/readiness_inputs.h"

/// Whether what gantryd needs beside itself is there. Any thread.
namespace gantry::node {

[[nodiscard]] ReadinessItems checkCaptureLibrary(const ReadinessInputs& inputs);
[[nodiscard]] ReadinessItems checkNsys(const ReadinessInputs& inputs);

} // namespace gantry::node
