#pragma once

#include "trace_model/import/sqlite_facts.h"
#include "trace_model/import/sqlite_tables.h"

namespace gantry::importing {

/// Allocations and releases of memory (CUDA_GPU_MEMORY_USAGE_EVENTS) as what they add up to: a line of each process, device and kind of
/// memory, and two of each device's pools. What was allocated before the recording is known as far as it is released in it. Error:
/// Cancelled.
Result<void> readMemoryUsage(SqliteTables& tables, const SqliteFacts& facts);

} // namespace gantry::importing
