#include "trace_model/import/sqlite_events.h"

#include <optional>

namespace gantry::importing {
namespace {

using report::TableCursor;

/// Takes the times of a row, columns 0 and 1. Says why they are none, or null.
template <typename Row>
const char* takeTimes(Row& event, RowNumbers& numbers, SqliteWorker& worker)
{
    if (!numbers.times(0, event.start, event.end))
        return skipped::kNoTimes;
    worker.cover(event.start, event.end);
    return nullptr;
}

/// Takes columns 2 to 4 and `pidColumn`: where on the GPU it was.
template <typename Row>
void takePlace(Row& event, RowNumbers& numbers, std::size_t pidColumn, SqliteWorker& worker, const SqliteFacts& facts)
{
    event.globalPid = numbers.bits(pidColumn);
    event.deviceId = facts.deviceOf(event.globalPid, numbers.required(2));
    event.contextId = numbers.number(3);
    event.streamId = numbers.required(4);
    worker.meet(event.globalPid);
}

/// Takes columns 0 to 6 of a table of GPU work. Says why it is none, or null.
template <typename Row>
const char* takeWork(Row& event, RowNumbers& numbers, SqliteWorker& worker, const SqliteFacts& facts)
{
    if (const char* reason = takeTimes(event, numbers, worker))
        return reason;
    takePlace(event, numbers, 6, worker, facts);
    event.correlationId = numbers.number(5);
    return nullptr;
}

/// Gives a row that was taken to the sink, if its numbers are good.
template <typename Row>
const char* give(const Row& event, const RowNumbers& numbers, SqliteWorker& worker)
{
    if (!numbers.areGood())
        return skipped::kBadNumber;
    worker.rows.add(event);
    return nullptr;
}

Result<void> readCalls(SqliteTables& tables, const SqliteFacts& facts, const char* table, std::optional<CallKind> kind)
{
    return tables.eachEvent(table, {"start", "end", "globalTid", "correlationId", "nameId", "returnValue", "eventClass"},
                            [&, kind](SqliteWorker& worker, const TableCursor& row) -> const char* {
                                CallRow call;
                                RowNumbers numbers(row);
                                if (const char* reason = takeTimes(call, numbers, worker))
                                    return reason;
                                constexpr std::int64_t kDriverClass = 1; // ENUM_NSYS_EVENT_CLASS
                                call.globalTid = numbers.bits(2);
                                call.correlationId = kind ? 0 : numbers.number(3);
                                call.nameId = facts.name(numbers.whole(4), worker.tally);
                                call.returnValue = static_cast<std::int32_t>(numbers.whole(5));
                                call.kind = kind.value_or(numbers.whole(6) == kDriverClass ? CallKind::CudaDriver : CallKind::CudaRuntime);
                                worker.meet(processOf(call.globalTid));
                                return give(call, numbers, worker);
                            });
}

} // namespace

Result<void> readKernels(SqliteTables& tables, const SqliteFacts& facts)
{
    return tables.eachEvent("CUPTI_ACTIVITY_KIND_KERNEL",
                            {"start",
                             "end",
                             "deviceId",
                             "contextId",
                             "streamId",
                             "correlationId",
                             "globalPid",
                             "shortName",
                             "demangledName",
                             "mangledName",
                             "gridX",
                             "gridY",
                             "gridZ",
                             "blockX",
                             "blockY",
                             "blockZ",
                             "registersPerThread",
                             "staticSharedMemory",
                             "dynamicSharedMemory",
                             "graphNodeId"},
                            [&](SqliteWorker& worker, const TableCursor& row) -> const char* {
                                report::KernelRow kernel;
                                RowNumbers numbers(row);
                                if (const char* reason = takeWork(kernel, numbers, worker, facts))
                                    return reason;
                                const std::int64_t shortName = numbers.whole(7), demangledName = numbers.whole(8);
                                kernel.shortName = facts.text(shortName);
                                kernel.demangledName = facts.text(demangledName);
                                if (kernel.shortName == 0 && kernel.demangledName == 0)
                                    kernel.mangledName = facts.text(numbers.whole(9));
                                if ((kernel.shortName == 0 && shortName != 0) || (kernel.demangledName == 0 && demangledName != 0))
                                    worker.tally.reduce(skipped::kNoName);
                                kernel.grid = {numbers.number(10), numbers.number(11), numbers.number(12)};
                                kernel.block = {numbers.number(13), numbers.number(14), numbers.number(15)};
                                kernel.registersPerThread = numbers.number(16);
                                kernel.staticSharedMemory = numbers.number(17);
                                kernel.dynamicSharedMemory = numbers.number(18);
                                kernel.graphNodeId = numbers.bits(19);
                                return give(kernel, numbers, worker);
                            });
}

Result<void> readMemcpys(SqliteTables& tables, const SqliteFacts& facts)
{
    return tables.eachEvent(
        "CUPTI_ACTIVITY_KIND_MEMCPY",
        {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "bytes", "copyKind", "srcKind", "dstKind"},
        [&](SqliteWorker& worker, const TableCursor& row) -> const char* {
            report::MemcpyRow copy;
            RowNumbers numbers(row);
            if (const char* reason = takeWork(copy, numbers, worker, facts))
                return reason;
            copy.bytes = numbers.bytes(7);
            copy.copyKind = numbers.small(8, 0);
            copy.srcKind = numbers.small(9, 7);
            copy.dstKind = numbers.small(10, 7);
            return give(copy, numbers, worker);
        });
}

Result<void> readMemsets(SqliteTables& tables, const SqliteFacts& facts)
{
    return tables.eachEvent(
        "CUPTI_ACTIVITY_KIND_MEMSET",
        {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "bytes", "value", "memKind"},
        [&](SqliteWorker& worker, const TableCursor& row) -> const char* {
            report::MemsetRow set;
            RowNumbers numbers(row);
            if (const char* reason = takeWork(set, numbers, worker, facts))
                return reason;
            set.bytes = numbers.bytes(7);
            set.value = numbers.bits32(8);
            set.memKind = numbers.small(9, 7);
            return give(set, numbers, worker);
        });
}

Result<void> readSynchronizations(SqliteTables& tables, const SqliteFacts& facts)
{
    return tables.eachEvent("CUPTI_ACTIVITY_KIND_SYNCHRONIZATION",
                            {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "syncType", "eventId"},
                            [&](SqliteWorker& worker, const TableCursor& row) -> const char* {
                                report::SynchronizationRow sync;
                                RowNumbers numbers(row);
                                if (const char* reason = takeTimes(sync, numbers, worker))
                                    return reason;
                                sync.globalPid = numbers.bits(6);
                                sync.deviceId = facts.deviceOf(sync.globalPid, numbers.required(2));
                                sync.contextId = numbers.number(3);
                                // A wait for a whole context is on no stream, and may be of no event: -1 in 32 bits
                                // (CUPTI_SYNCHRONIZATION_INVALID_VALUE).
                                const std::int64_t stream = numbers.whole(4, row.has(4) ? -1 : 0);
                                sync.streamId = stream == -1 ? 0xFFFFFFFF : numbers.number(4);
                                sync.correlationId = numbers.number(5);
                                sync.syncType = numbers.small(7, 0);
                                sync.eventId = numbers.bits32(8);
                                worker.meet(sync.globalPid);
                                return give(sync, numbers, worker);
                            });
}

Result<void> readGraphs(SqliteTables& tables, const SqliteFacts& facts)
{
    return tables.eachEvent("CUPTI_ACTIVITY_KIND_GRAPH_TRACE",
                            {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "graphId"},
                            [&](SqliteWorker& worker, const TableCursor& row) -> const char* {
                                GraphRow graph;
                                RowNumbers numbers(row);
                                if (const char* reason = takeWork(graph, numbers, worker, facts))
                                    return reason;
                                graph.graphId = numbers.number(7);
                                return give(graph, numbers, worker);
                            });
}

Result<void> readGpuRanges(SqliteTables& tables, const SqliteFacts& facts)
{
    return tables.eachEvent("GANTRY_GPU_RANGES", {"start", "end", "deviceId", "contextId", "streamId", "globalPid", "textId"},
                            [&](SqliteWorker& worker, const TableCursor& row) -> const char* {
                                GpuRangeRow range;
                                RowNumbers numbers(row);
                                if (const char* reason = takeTimes(range, numbers, worker))
                                    return reason;
                                takePlace(range, numbers, 5, worker, facts);
                                range.textId = facts.name(numbers.whole(6), worker.tally);
                                return give(range, numbers, worker);
                            });
}

Result<void> readApiCalls(SqliteTables& tables, const SqliteFacts& facts)
{
    return readCalls(tables, facts, "CUPTI_ACTIVITY_KIND_RUNTIME", std::nullopt);
}

Result<void> readOtherCalls(SqliteTables& tables, const SqliteFacts& facts)
{
    GANTRY_CHECK(readCalls(tables, facts, "CUBLAS_EVENTS", CallKind::Library));
    GANTRY_CHECK(readCalls(tables, facts, "CUDNN_EVENTS", CallKind::Library));
    return readCalls(tables, facts, "OSRT_API", CallKind::OsRuntime);
}

/// A line for each thread that is 1 while it runs. In a first look they are left out.
Result<void> readScheduling(SqliteTables& tables, const SqliteFacts&)
{
    if (tables.isSample())
        return {};
    std::map<std::uint64_t, std::uint32_t> lines; // by thread
    RowSink& rows = tables.workers().front().rows;
    return tables.each("SCHED_EVENTS", {"start", "isSchedIn", "globalTid"}, [&](TableCursor& row) -> const char* {
        RowNumbers numbers(row);
        const TimestampNs time = numbers.whole(0, kNoTime);
        const std::uint64_t thread = numbers.bits(2);
        if (!numbers.areGood() || !areEventTimes(time, time))
            return skipped::kNoTimes;
        if ((thread & 0xFFFFFF) == 0)
            return "of the idle task of a processor";
        const auto [line, isNew] = lines.try_emplace(thread, 0);
        if (isNew)
            line->second = tables.sink().define({.name = "On CPU", .globalTid = thread});
        rows.add(CounterSample{line->second, time, row.integer(1) != 0 ? 1.0 : 0.0});
        return nullptr;
    });
}

Result<void> readOverheads(SqliteTables& tables, const SqliteFacts& facts)
{
    for (const char* table : {"CUPTI_ACTIVITY_KIND_OVERHEAD", "PROFILER_OVERHEAD"})
        GANTRY_CHECK(tables.eachEvent(table, {"start", "end", "globalTid", "nameId"},
                                      [&](SqliteWorker& worker, const TableCursor& row) -> const char* {
                                          report::OverheadRow overhead;
                                          RowNumbers numbers(row);
                                          if (const char* reason = takeTimes(overhead, numbers, worker))
                                              return reason;
                                          overhead.globalTid = numbers.bits(2);
                                          overhead.nameId = facts.name(numbers.whole(3), worker.tally);
                                          worker.meet(processOf(overhead.globalTid));
                                          return give(overhead, numbers, worker);
                                      }));
    return {};
}

} // namespace gantry::importing
