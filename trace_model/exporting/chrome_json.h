#pragma once

#include "trace_model/exporting/export_format.h"

namespace gantry::exporting {

/// Writes Chrome's trace events in the object form, with the categories and argument names of PyTorch's profiler (Kineto), so that what
/// reads its traces reads this: ui.perfetto.dev, chrome://tracing, HTA, Gantry.
///
/// Times count from the start of the trace; `traceStartUnixNs` (a string: a double cannot hold it) is the wall clock there, where it is
/// known. Host processes keep their pid, each GPU of a process is a process of its own from kFirstGpuPid on, requests and counters have one
/// each. Slices of a thread nest; those that do not go to further rows of the same name. A launch and its work are joined by `correlation`
/// and by an ac2g flow with an id of its own. What is no event (requests, batches, the window, losses) is written for viewers as slices
/// where it can be, and for Gantry's reader as metadata events whose names begin with "gantry_" (importing::GantryRecords). Errors also:
/// BadInput when nothing has a time.
[[nodiscard]] Result<void> writeChromeJson(const trace::Trace& trace, const std::filesystem::path& path, const ExportOptions& options);

[[nodiscard]] std::span<const FormatLimit> chromeJsonLimits();

} // namespace gantry::exporting
