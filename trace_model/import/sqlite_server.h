#pragma once

#include "trace_model/import/sqlite_facts.h"
#include "trace_model/import/sqlite_tables.h"

namespace gantry::importing {

// What a report holds of the server: Gantry's own tables, and the GPU metrics of Nsight Systems. Error: Cancelled.

Result<void> readRequests(SqliteTables& tables, const SqliteFacts& facts);
Result<void> readExecutions(SqliteTables& tables, const SqliteFacts& facts);
Result<void> readMetrics(SqliteTables& tables, const SqliteFacts& facts);
Result<void> readSummaries(SqliteTables& tables, const SqliteFacts& facts);
Result<void> readLosses(SqliteTables& tables, const SqliteFacts& facts);

} // namespace gantry::importing
