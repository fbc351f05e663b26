#pragma once

#include "trace_model/base/loss.h"
#include "trace_model/base/result.h"
#include "trace_model/base/time.h"
#include "trace_model/report/report_writer.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::report {

enum class ReportFormat
{
    Gantry,      ///< written by ReportWriter
    NsysSqlite,  ///< exported by `nsys export --type sqlite`, any version, or cut from such a file
};

/// What a report says about itself.
struct ReportInfo
{
    ReportFormat format = ReportFormat::Gantry;
    int formatVersion = 0;                     ///< Gantry only
    std::string productName, productVersion;   ///< who wrote it; empty: not said (exports before 2022)
    std::string schemaVersion;
    std::optional<std::int64_t> utcEpochNs;    ///< UTC of session time 0
    std::optional<std::int64_t> systemClockNs; ///< CLOCK_MONOTONIC of session time 0
    std::optional<TimeRange> window;           ///< what was captured, session time
    std::string hostName;                      ///< empty: not said
    std::map<std::string, std::string> settings; ///< META_DATA_*; values of a repeated name joined with "; "
    std::vector<std::string> warnings;         ///< what the report or the reader says is missing, one sentence each
};

/// An NVTX event as stored. `row.type` may hold a number that is not in NvtxEventType.
struct NvtxRecord
{
    NvtxRow row;
    std::string_view text; ///< message that is not in StringIds; empty: none, see row.textId. Valid during the call.
};

struct CudaDeviceRow
{
    std::optional<std::uint32_t> gpuId;
    std::uint32_t cudaId = 0;
    std::int64_t pid = 0;
};

struct GpuInfoRow
{
    GpuRow gpu;
    std::optional<std::int64_t> cudaDevice; ///< CUDA ordinal on its machine; absent: unknown or not a CUDA device
};

/// A value of a hardware metric of the Nsight Systems export.
struct GpuMetricRow
{
    std::uint64_t typeId = 0;
    std::int64_t metricId = 0;
    TimestampNs time = 0;
    double value = 0;
};

struct GpuMetricName
{
    std::uint64_t typeId = 0;
    std::int64_t metricId = 0;
    std::string name;
};

/// Called with each row; false ends the reading early, which is no error.
template <typename Row>
using RowSink = std::function<bool(const Row&)>;

/// Reads a report: Gantry's own or an Nsight Systems SQLite export, zstd-compressed or not, recognised by content. The file is
/// never written to and may lie on a read-only disk. A table or column that is not there reads as no rows or as the field's
/// default. One thread at a time.
///
/// Errors of open(): NotFound, NotPermitted, NotAReport, UnsupportedVersion, Truncated, BadInput, Cancelled; of the others:
/// BadInput (the file is damaged), Cancelled (`stop`).
class ReportReader
{
public:
    [[nodiscard]] static Result<ReportReader> open(const std::filesystem::path& path, std::stop_token stop = {});
    ReportReader(ReportReader&&) noexcept;
    ReportReader& operator=(ReportReader&&) noexcept;
    ~ReportReader();

    [[nodiscard]] const ReportInfo& info() const;

    /// Upper bound of the rows of a table without reading them, 0 when it is absent: for progress and reserving.
    [[nodiscard]] std::uint64_t rowEstimate(std::string_view table) const;

    [[nodiscard]] Result<void> readStrings(const RowSink<std::pair<TextId, std::string_view>>& sink) const;
    [[nodiscard]] Result<void> readKernels(const RowSink<KernelRow>& sink) const;
    [[nodiscard]] Result<void> readMemcpys(const RowSink<MemcpyRow>& sink) const;
    [[nodiscard]] Result<void> readMemsets(const RowSink<MemsetRow>& sink) const;
    [[nodiscard]] Result<void> readSynchronizations(const RowSink<SynchronizationRow>& sink) const;
    [[nodiscard]] Result<void> readApiCalls(const RowSink<ApiRow>& sink) const;
    [[nodiscard]] Result<void> readOverheads(const RowSink<OverheadRow>& sink) const;
    [[nodiscard]] Result<void> readNvtx(const RowSink<NvtxRecord>& sink) const;
    [[nodiscard]] Result<void> readProcesses(const RowSink<ProcessRow>& sink) const;
    [[nodiscard]] Result<void> readThreadNames(const RowSink<std::pair<std::uint64_t, TextId>>& sink) const; ///< globalTid, name
    [[nodiscard]] Result<void> readGpus(const RowSink<GpuInfoRow>& sink) const;
    [[nodiscard]] Result<void> readCudaDevices(const RowSink<CudaDeviceRow>& sink) const;
    [[nodiscard]] Result<void> readStreams(const RowSink<StreamRow>& sink) const;
    /// Rows come without their phases: see readPhases.
    [[nodiscard]] Result<void> readRequests(const RowSink<RequestRow>& sink) const;

    struct PhaseRow
    {
        std::uint64_t requestId = 0, globalPid = 0;
        std::int64_t phase = 0; ///< records::RequestPhase, or a number of the future
        TimeRange time;
    };
    [[nodiscard]] Result<void> readPhases(const RowSink<PhaseRow>& sink) const;
    [[nodiscard]] Result<void> readExecutions(const RowSink<ExecutionRow>& sink) const;
    [[nodiscard]] Result<void> readSeries(const RowSink<metrics::SeriesDefinition>& sink) const;
    [[nodiscard]] Result<void> readSamples(const RowSink<metrics::Sample>& sink) const;
    [[nodiscard]] Result<void> readGpuMetricNames(const RowSink<GpuMetricName>& sink) const;
    [[nodiscard]] Result<void> readGpuMetrics(const RowSink<GpuMetricRow>& sink) const;
    [[nodiscard]] Result<void> readLosses(const RowSink<Loss>& sink) const;
    [[nodiscard]] Result<void> readClocks(const RowSink<ClockRow>& sink) const;
    [[nodiscard]] Result<void> readLog(const RowSink<LogRow>& sink) const;

    /// Rows that GANTRY_META says a table has; absent in other formats.
    [[nodiscard]] std::optional<std::uint64_t> rowsPromised(std::string_view table) const;

private:
    struct Impl;
    explicit ReportReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

} // namespace gantry::report
