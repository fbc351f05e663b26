#pragma once

#include "remote_server/node/report_assembler.h"
#include "trace_model/base/loss.h"
#include "trace_model/base/result.h"
#include "trace_model/report/report_writer.h"

namespace gantry::node {

/// Adds the requests that a Triton server traced to the report of a window: those that lie in it at least in part, with their phases,
/// batches and the other activities of the server. Value: what was lost of the trace. Errors: those of importing::parseTritonTrace().
[[nodiscard]] Result<Losses> addServerTrace(const WindowCapture& window, report::ReportWriter& writer);

} // namespace gantry::node
