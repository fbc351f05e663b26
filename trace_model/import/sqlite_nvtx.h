#pragma once

#include "trace_model/import/sqlite_facts.h"
#include "trace_model/import/sqlite_tables.h"

namespace gantry::importing {

/// Ranges, marks, and the names of domains and threads of NVTX_EVENTS. Error: Cancelled.
Result<void> readNvtx(SqliteTables& tables, const SqliteFacts& facts);

} // namespace gantry::importing
