#pragma once

#include "trace_model/base/loss.h"
#include "trace_model/base/time.h"
#include "trace_model/import/import_report.h"
#include "trace_model/import/trace_meta.h"
#include "trace_model/report/rows.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace gantry::importing {

/// Id of a text that EventSink::intern() gave out; 0: none.
using report::TextId;

using report::GpuRangeRow;
using report::GraphRow;

/// What a call belongs to.
enum class CallKind : std::uint8_t
{
    CudaRuntime,
    CudaDriver,
    Library,   ///< cuBLAS, cuDNN, NCCL, ...
    OsRuntime, ///< libc and system calls
};

/// A call that a thread was in.
struct CallRow
{
    TimestampNs start = 0, end = 0;
    std::uint64_t globalTid = 0;
    std::uint32_t correlationId = 0; ///< 0: launched nothing
    TextId nameId = 0;
    std::int32_t returnValue = 0; ///< 0: success
    CallKind kind = CallKind::CudaRuntime;
};

/// An NVTX range, or what another tool calls an annotation, an operator, a slice.
struct RangeRow
{
    TimestampNs start = 0;
    std::optional<TimestampNs> end; ///< absent: never ended
    std::uint64_t globalTid = 0;
    TextId textId = 0;
    TextId domainId = 0; ///< text of the domain or category; 0: the default domain
    std::uint32_t category = 0;
    std::uint32_t color = 0; ///< 0xAARRGGBB, 0: none
    std::optional<std::uint64_t> payload;
    bool isStartEnd = false; ///< may overlap others of its thread: has rows of its own
    TextId payloadText = 0;  ///< JSON, instead of `payload`; 0: none
};

/// An instant.
struct MarkRow
{
    TimestampNs time = 0;
    std::uint64_t globalTid = 0;
    TextId textId = 0, domainId = 0;
    std::uint32_t category = 0, color = 0;
    std::optional<std::uint64_t> payload;
    TextId payloadText = 0; ///< as of RangeRow
};

/// A line of values over time.
struct CounterDefinition
{
    std::string name;            ///< as people read it: "KV cache blocks used"
    std::string unit;            ///< "%", "bytes", "1/s"; empty: a plain number
    std::string group;           ///< rows of a group stand together: "GPU 0", "bert_base"; may be empty
    std::string source;          ///< the series it is made of, as its producer writes it; may be empty
    bool isExact = false;        ///< each value holds until the next one, however late
    std::uint64_t globalTid = 0; ///< 1 while this thread runs on a processor, else 0: a row of the thread; 0: any other line
};

struct CounterSample
{
    std::uint32_t counter = 0; ///< as EventSink::define() numbered it
    TimestampNs time = 0;
    double value = 0; ///< finite: what is not is no sample
};

/// Whether these can be an event's times: in order, and within nine years of time 0 so that sums stay within 64 bits. A reader
/// counts what fails as skipped and does not add it.
[[nodiscard]] constexpr bool areEventTimes(TimestampNs start, TimestampNs end)
{
    constexpr TimestampNs kFurthest = TimestampNs{1} << 58;
    return start >= -kFurthest && end <= kFurthest && start <= end;
}

/// Takes the rows of one thread. Rows need no order. Times: ns since the session's time 0.
class RowSink
{
public:
    virtual ~RowSink() = default;
    virtual void add(const report::KernelRow& row) = 0; ///< mangledName serves where shortName and demangledName are 0
    virtual void add(const report::MemcpyRow& row) = 0;
    virtual void add(const report::MemsetRow& row) = 0;
    virtual void add(const report::SynchronizationRow& row) = 0;
    virtual void add(const report::OverheadRow& row) = 0;
    virtual void add(const CallRow& row) = 0;
    virtual void add(const RangeRow& row) = 0;
    virtual void add(const MarkRow& row) = 0;
    virtual void add(const GraphRow& row) = 0;
    virtual void add(const GpuRangeRow& row) = 0;
    virtual void add(const CounterSample& sample) = 0;
};

/// Where a reader puts what it finds in a file. Unless said otherwise one thread at a time.
class EventSink
{
public:
    virtual ~EventSink() = default;

    /// Id of a text; the same text has the same id. Made valid UTF-8. Any thread, but takes a lock: a reader keeps the ids of what repeats.
    [[nodiscard]] virtual TextId intern(std::string_view text) = 0;
    /// From now on and before, `text` where it was given as a domain means `meaning`: for domains that are named after their ranges.
    virtual void nameDomain(TextId text, TextId meaning) = 0;
    /// What a number of RangeRow::category or MarkRow::category means in a domain of a process.
    virtual void nameCategory(std::uint64_t globalPid, TextId domain, std::uint32_t category, TextId name) = 0;
    /// A place for the rows of one thread. Rows of equal start keep the order of the places they were put in. Lives as long as this.
    [[nodiscard]] virtual RowSink& rows() = 0;

    [[nodiscard]] virtual std::uint32_t define(const CounterDefinition& counter) = 0;
    virtual void add(const report::RequestRow& row) = 0;
    virtual void add(const report::ExecutionRow& row) = 0;
    virtual void add(Loss loss) = 0;
    virtual void add(SummaryTable table) = 0;
    virtual void nameThread(std::uint64_t globalTid, std::string_view name) = 0; ///< the last name counts
    virtual void nameThread(std::uint64_t globalTid, TextId name) = 0;
    virtual void nameProcess(std::uint64_t globalPid, std::string_view name) = 0;
    /// `globalPid` 0: of whichever process of the file.
    virtual void nameStream(std::uint64_t globalPid, std::uint32_t device, std::uint32_t context, std::uint32_t stream,
                            std::string_view name) = 0;
    /// The time that was recorded, where the file says it: open ranges and requests reach to its end.
    virtual void setWindow(TimeRange window) = 0;
    [[nodiscard]] virtual TraceMeta& meta() = 0;
    [[nodiscard]] virtual ImportReport& report() = 0;
};

/// Called by one thread at a time, with the fraction done (0..1) and the stage ("kernels").
using Progress = std::function<void(double fraction, std::string_view stage)>;

/// What a reader reports to and listens to.
struct ReadControl
{
    Progress progress;    ///< may be empty
    std::stop_token stop; ///< looked at at least every 50 ms of work: then Error Cancelled
    /// Not 0: read about so many bytes of the file's events, spread over it where that can be, for a first look.
    std::uint64_t sampleBytes = 0;
};

} // namespace gantry::importing
