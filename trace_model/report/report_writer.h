#pragma once

#include "trace_model/base/loss.h"
#include "trace_model/base/new_file.h"
#include "trace_model/base/result.h"
#include "trace_model/base/time.h"
#include "trace_model/metrics/series_store.h"
#include "trace_model/report/rows.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::report {

/// Writes one report: an SQLite file in the Nsight Systems export's schema plus GANTRY_* tables (SCHEMA.md). Rows go to the file page by
/// page (page_writer.h), which appears at `path` when finish() succeeds; a writer that is destroyed before leaves nothing.
/// One thread at a time. Errors: CannotWrite (disk full, folder missing), Internal.
class ReportWriter
{
public:
    [[nodiscard]] static Result<ReportWriter> create(const std::filesystem::path& path, FileAccess access = FileAccess::OwnerOnly);
    ReportWriter(ReportWriter&&) noexcept;
    ReportWriter& operator=(ReportWriter&&) noexcept;
    ~ReportWriter();

    /// Id of a text in StringIds; the same text has the same id. Never fails: an error is kept and reported by finish().
    TextId intern(std::string_view text);

    void add(const KernelRow& row);
    void add(const MemcpyRow& row);
    void add(const MemsetRow& row);
    void add(const SynchronizationRow& row);
    void add(const ApiRow& row);
    void add(const OverheadRow& row);
    void add(const NvtxRow& row);
    void add(const GraphRow& row);
    void add(const GpuRangeRow& row);
    void add(const MemoryRow& row);
    void addCublasCall(const CallRow& row); ///< or one of any library but cuDNN
    void addCudnnCall(const CallRow& row);
    void addOsCall(const CallRow& row);
    void add(const SchedulingRow& row);
    void add(const ProcessRow& row);
    void add(const GpuRow& row);
    void add(const StreamRow& row);
    void add(const ContextRow& row);
    void add(const RequestRow& row);
    void add(const ExecutionRow& row);
    void add(const ClockRow& row);
    void add(const LogRow& row);
    void addCudaDevice(std::uint32_t gpuId, std::uint32_t cudaId, std::uint32_t pid);
    void addThreadName(std::uint64_t globalTid, std::string_view name);
    void addStreamName(std::uint64_t globalPid, std::uint32_t device, std::uint32_t context, std::uint32_t stream, std::string_view name);
    void addWarning(std::string_view text);
    /// A cell of a table without times; row 0 holds the names of its columns.
    void addSummaryCell(std::string_view table, std::size_t row, std::size_t cell, std::string_view value);
    void add(const LineRow& line);
    void addSeries(const metrics::SeriesDefinition& definition);
    void addSample(const metrics::Sample& sample); ///< of a series or a line; time already ns since session start

    /// First error of any add, without waiting for finish(): lets the assembler stop early on a full disk.
    [[nodiscard]] const Error* firstError() const;

    struct Session
    {
        std::int64_t utcEpochNs = 0;             ///< CLOCK_REALTIME of time 0; 0: unknown
        std::int64_t systemClockNs = 0;          ///< CLOCK_MONOTONIC of time 0; 0: unknown
        TimeRange window;                        ///< the capture window, session time
        std::map<std::string, std::string> meta; ///< META_DATA_CAPTURE; keys in SCHEMA.md
        Losses losses;
    };

    /// Writes session, meta and losses, syncs, and renames into place.
    [[nodiscard]] Result<void> finish(const Session& session);

private:
    struct Impl;
    explicit ReportWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

} // namespace gantry::report
