#pragma once

#include "trace_model/base/result.h"
#include "trace_model/trace/trace.h"

#include <filesystem>
#include <memory>
#include <string_view>

namespace gantry::test {

/// Writes the report that a readable script describes, through ReportWriter. One event a line, times in ns, '#' comments:
///
///     window    0..1000
///     process   gantry-serve                                     (pid 1000, the only one)
///     thread    12  bert_0                                       names thread 12
///     kernel    gpu0/stream7  gemm  100..104  corr 1  [grid 64] [block 256]     blocks and threads of a block, in X
///     memcpy    gpu0/stream7  HtoD  pageable  10..20  bytes 4096  corr 2
///     memset    gpu0/stream7  30..31  bytes 64  corr 3
///     graph     gpu0/stream7  5  40..90  corr 4                  5: the number of the executable graph
///     api       12  cudaLaunchKernel  90..95  corr 1  [driver]
///     overhead  12  Lazy_function_loading  20..80
///     range     12  compute_infer  90..140  [payload 7]  [domain gantry.serve]     "90.." never ends
///     async     12  request  0..900  [payload 7]  [domain gantry.serve]
///     mark      12  note  50  [payload 7]
///     category  3  layers  [domain gantry.serve]                 names category 3, which ranges have by "category 3"
///     execution 3  thread 12  model bert:1  instance bert_0  80..150
///     request   7  model bert:1  0..200  [queue 0..80] [compute_infer 90..140] ...  [batch 3]  [failed]
///                                                                "..200" began before the window, "0.." ended after it
///     counter   nv_inference_request_success{model="bert"}  100=0  200=4    samples at times; a gauge is a `gauge` line
///
/// Errors: BadInput with the line's number, or those of ReportWriter.
[[nodiscard]] Result<void> writeEventScript(std::string_view script, const std::filesystem::path& report);

/// The trace of such a report. Throws std::runtime_error with the sentence of what failed: a test's script is right.
[[nodiscard]] std::shared_ptr<const trace::Trace> traceOf(std::string_view script);

} // namespace gantry::test
