#pragma once

#include "trace_model/import/sqlite_facts.h"
#include "trace_model/import/sqlite_tables.h"

namespace gantry::importing {

/// The process of a thread, as GPU work names it.
[[nodiscard]] constexpr std::uint64_t processOf(std::uint64_t globalTid)
{
    return globalTid & ~std::uint64_t{0xFFFFFF};
}

// Tables of events, one stage of reading a report each. Error: Cancelled.

Result<void> readKernels(SqliteTables& tables, const SqliteFacts& facts);
Result<void> readMemcpys(SqliteTables& tables, const SqliteFacts& facts);
Result<void> readMemsets(SqliteTables& tables, const SqliteFacts& facts);
Result<void> readSynchronizations(SqliteTables& tables, const SqliteFacts& facts);
Result<void> readGraphs(SqliteTables& tables, const SqliteFacts& facts);
Result<void> readGpuRanges(SqliteTables& tables, const SqliteFacts& facts);
Result<void> readApiCalls(SqliteTables& tables, const SqliteFacts& facts);
Result<void> readOtherCalls(SqliteTables& tables, const SqliteFacts& facts);
Result<void> readScheduling(SqliteTables& tables, const SqliteFacts& facts);
Result<void> readOverheads(SqliteTables& tables, const SqliteFacts& facts);

} // namespace gantry::importing
