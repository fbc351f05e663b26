#include "trace_model/exporting/csv.h"

#include "trace_model/analysis/kernel_stats.h"
#include "trace_model/exporting/text_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>

namespace gantry::exporting {
namespace {

using trace::EventId;
using trace::EventKind;
using trace::Trace;

/// Cells of one row after the other.
class CsvRows
{
public:
    /// `origin`: the time that counts as 0.
    CsvRows(TextOutput& out, TimestampNs origin) : m_out(out), m_origin(origin) {}

    template <typename Value>
    CsvRows& operator<<(const Value& value)
    {
        if (std::exchange(m_hasCells, true))
            m_out << ',';
        if constexpr (std::is_convertible_v<Value, std::string_view>)
            quoted(value);
        else
            m_out << value;
        return *this;
    }
    template <typename Value>
    CsvRows& operator<<(const std::optional<Value>& value)
    {
        return value ? *this << *value : *this << "";
    }
    CsvRows& operator<<(TimeRange time) { return at(time.start).at(time.end) << time.duration(); }
    CsvRows& at(TimestampNs time) { return *this << time - m_origin; }
    CsvRows& operator<<(const std::array<std::uint32_t, 3>& dimensions) { return *this << dimensions[0] << dimensions[1] << dimensions[2]; }

    /// False: give up.
    [[nodiscard]] bool endRow()
    {
        m_out << "\r\n";
        m_hasCells = false;
        return m_out.step();
    }

private:
    void quoted(std::string_view text)
    {
        if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
            m_out << text;
            return;
        }
        m_out << '"';
        for (std::size_t quote = 0; (quote = text.find('"')) != std::string_view::npos; text.remove_prefix(quote + 1))
            m_out << text.substr(0, quote + 1) << '"';
        m_out << text << '"';
    }

    TextOutput& m_out;
    TimestampNs m_origin;
    bool m_hasCells = false;
};

/// A thread as its process and its number, where the file tells them.
void addThread(CsvRows& row, std::uint64_t globalTid)
{
    const std::uint32_t tid = Trace::tidOf(globalTid);
    row << Trace::knownPidOf(globalTid) << (tid >= importing::kFirstMadeUpId ? std::nullopt : std::optional(tid));
}

/// The cells that all device work begins with: device, context, stream, correlation_id, pid.
void addDevice(CsvRows& to, const trace::GpuEventColumns& columns, std::uint32_t row)
{
    constexpr std::uint32_t kNoStream = 0xFFFFFFFF; // of a wait for a whole context
    const trace::GpuPlace& place = columns.place(row);
    to << place.device << place.context << (place.stream == kNoStream ? std::nullopt : std::optional(place.stream));
    to << columns.correlation[row] << Trace::knownPidOf(place.globalPid);
}

void addKernel(const Trace& trace, CsvRows& to, std::uint32_t row)
{
    const trace::KernelColumns& c = trace.kernels;
    to << c.time(row) << trace.strings[c.shortName(row)];
    addDevice(to, c, row);
    const trace::LaunchShape& shape = c.shape(row);
    to << shape.grid << shape.block << shape.registersPerThread << shape.staticSharedMemory << shape.dynamicSharedMemory;
    to << (c.graphNode[row] == 0 ? std::nullopt : std::optional(c.graphNode[row])) << trace.strings[c.demangledName(row)];
}

void addMemcpy(const Trace& trace, CsvRows& to, std::uint32_t row)
{
    const trace::MemcpyColumns& c = trace.memcpys;
    to << c.time(row) << name(c.route[row].kind) << name(c.route[row].source) << name(c.route[row].destination) << c.bytes[row];
    addDevice(to, c, row);
}

void addMemset(const Trace& trace, CsvRows& to, std::uint32_t row)
{
    const trace::MemsetColumns& c = trace.memsets;
    to << c.time(row) << name(c.memoryKind[row]) << c.value[row] << c.bytes[row];
    addDevice(to, c, row);
}

void addSynchronization(const Trace& trace, CsvRows& to, std::uint32_t row)
{
    const trace::SynchronizationColumns& c = trace.synchronizations;
    to << c.time(row) << name(c.type[row]);
    addDevice(to, c, row);
}

void addGraphLaunch(const Trace& trace, CsvRows& to, std::uint32_t row)
{
    to << trace.graphLaunches.time(row) << trace.graphLaunches.graph[row];
    addDevice(to, trace.graphLaunches, row);
}

void addGpuRange(const Trace& trace, CsvRows& to, std::uint32_t row)
{
    const trace::GpuRangeColumns& c = trace.gpuRanges;
    to << c.time(row) << trace.strings[c.text[row]] << c.device(row) << c.context(row) << c.stream(row)
       << Trace::knownPidOf(c.globalPid(row));
}

void addApiCall(const Trace& trace, CsvRows& to, std::uint32_t row)
{
    const trace::CallColumns& c = trace.apiCalls;
    to << c.time(row) << trace.strings[c.name(row)] << (c.isDriver(row) ? "driver" : "runtime") << c.correlation[row]
       << c.callee(row).returnValue;
    addThread(to, c.globalTid(row));
}

void addCall(const Trace& trace, CsvRows& to, const trace::CallColumns& c, std::uint32_t row)
{
    to << c.time(row) << trace.strings[c.name(row)] << c.callee(row).returnValue;
    addThread(to, c.globalTid(row));
}

void addLibraryCall(const Trace& trace, CsvRows& to, std::uint32_t row)
{
    addCall(trace, to, trace.libraryCalls, row);
}

void addOsCall(const Trace& trace, CsvRows& to, std::uint32_t row)
{
    addCall(trace, to, trace.osCalls, row);
}

/// The cells that ranges and marks share: name, domain, category, color, payload, pid, tid.
void addAnnotation(const Trace& trace, CsvRows& to, const trace::NvtxColumns& c, std::uint32_t row)
{
    const trace::NvtxLabel& label = c.label(row);
    to << trace.strings[label.text] << trace.strings[label.domain] << label.category;
    to << (label.color == 0 ? std::string() : fmt::format("#{:08x}", label.color));
    if (const auto json = c.payloadText(row))
        to << trace.strings[*json];
    else
        to << c.payload(row);
    addThread(to, c.globalTid(row));
}

void addRange(const Trace& trace, CsvRows& to, std::uint32_t row)
{
    const trace::NvtxColumns& c = trace.nvtxRanges;
    to << c.time(row);
    addAnnotation(trace, to, c, row);
    to << (c.isStartEnd(row) ? "start/end" : "push/pop") << (c.isOpen(row) ? 0 : 1);
}

void addMark(const Trace& trace, CsvRows& to, std::uint32_t row)
{
    to.at(trace.nvtxMarks.start[row]);
    addAnnotation(trace, to, trace.nvtxMarks, row);
}

void addOverhead(const Trace& trace, CsvRows& to, std::uint32_t row)
{
    const trace::OverheadColumns& c = trace.overheads;
    to << c.time(row) << trace.strings[c.name[row]];
    addThread(to, c.globalTid(row));
}

/// A table whose rows are events of one kind.
struct EventTable
{
    std::string_view name;
    EventKind kind;
    std::string_view header;
    void (*addRow)(const Trace&, CsvRows&, std::uint32_t row);
};

constexpr EventTable kEventTables[] = {
    {"kernels", EventKind::Kernel,
     "start_ns,end_ns,duration_ns,name,device,context,stream,correlation_id,pid,"
     "grid_x,grid_y,grid_z,block_x,block_y,block_z,registers_per_thread,static_shared_memory_bytes,dynamic_shared_memory_bytes,graph_node,"
     "full_name",
     addKernel},
    {"memcpys", EventKind::Memcpy,
     "start_ns,end_ns,duration_ns,direction,source,destination,bytes,device,context,stream,correlation_id,pid", addMemcpy},
    {"memsets", EventKind::Memset, "start_ns,end_ns,duration_ns,memory,value,bytes,device,context,stream,correlation_id,pid", addMemset},
    {"synchronizations", EventKind::Synchronization, "start_ns,end_ns,duration_ns,type,device,context,stream,correlation_id,pid",
     addSynchronization},
    {"graphs", EventKind::GraphLaunch, "start_ns,end_ns,duration_ns,graph,device,context,stream,correlation_id,pid", addGraphLaunch},
    {"gpu_ranges", EventKind::GpuRange, "start_ns,end_ns,duration_ns,name,device,context,stream,pid", addGpuRange},
    {"api_calls", EventKind::ApiCall, "start_ns,end_ns,duration_ns,name,api,correlation_id,return_value,pid,tid", addApiCall},
    {"library_calls", EventKind::LibraryCall, "start_ns,end_ns,duration_ns,name,return_value,pid,tid", addLibraryCall},
    {"os_calls", EventKind::OsCall, "start_ns,end_ns,duration_ns,name,return_value,pid,tid", addOsCall},
    {"nvtx_ranges", EventKind::NvtxRange, "start_ns,end_ns,duration_ns,name,domain,category,color,payload,pid,tid,kind,ended", addRange},
    {"marks", EventKind::NvtxMark, "time_ns,name,domain,category,color,payload,pid,tid", addMark},
    {"overheads", EventKind::Overhead, "start_ns,end_ns,duration_ns,name,pid,tid", addOverhead},
};

std::string_view modelOf(const Trace& trace, const trace::Request& request)
{
    return trace.strings[request.model];
}

void writeRequests(const Trace& trace, CsvRows& rows)
{
    for (const trace::Request& request : trace.requests) {
        rows << request.time << request.id << trace.strings[request.clientId] << modelOf(trace, request) << trace.strings[request.version];
        rows << (request.execution.isNone() ? std::nullopt : std::optional(trace.executions[request.execution.value].batchId));
        rows << (request.failed ? 1 : 0) << (request.cutByWindow ? 1 : 0);
        for (const auto& phase : request.phases)
            rows << (phase ? std::optional(phase->duration()) : std::nullopt);
        if (!rows.endRow())
            return;
    }
}

void writePhases(const Trace& trace, CsvRows& rows)
{
    for (const trace::Request& request : trace.requests)
        for (std::size_t phase = 0; phase < request.phases.size(); ++phase) {
            if (!request.phases[phase])
                continue;
            rows << *request.phases[phase] << name(static_cast<records::RequestPhase>(phase)) << request.id << modelOf(trace, request)
                 << trace.strings[request.version];
            if (!rows.endRow())
                return;
        }
}

void writeExecutions(const Trace& trace, CsvRows& rows)
{
    for (const trace::Execution& execution : trace.executions) {
        const auto requests = execution.memberCount > 0 ? std::optional(execution.memberCount) : std::nullopt; // none: none is known
        rows << execution.time << execution.batchId << trace.strings[execution.model] << trace.strings[execution.version]
             << trace.strings[execution.instance] << requests;
        addThread(rows, execution.globalTid);
        if (!rows.endRow())
            return;
    }
}

void writeCounters(const Trace& trace, CsvRows& rows)
{
    for (const trace::Track& track : trace.tracks)
        for (std::size_t i = 0; i < track.counter.time.size() && !track.counter.isDerived; ++i) {
            rows.at(track.counter.time[i]) << track.name << track.counter.unit << track.counter.value[i];
            if (!rows.endRow())
                return;
        }
}

void writeLosses(const Trace& trace, CsvRows& rows)
{
    for (const Loss& loss : trace.losses) {
        rows << loss.name << name(loss.severity) << loss.count << loss.help;
        if (!rows.endRow())
            return;
    }
}

std::uint64_t phaseCount(const Trace& trace)
{
    std::uint64_t count = 0;
    for (const trace::Request& request : trace.requests)
        count += static_cast<std::uint64_t>(
            std::count_if(request.phases.begin(), request.phases.end(), [](const auto& phase) { return phase.has_value(); }));
    return count;
}

std::uint64_t sampleCount(const Trace& trace)
{
    std::uint64_t count = 0;
    for (const trace::Track& track : trace.tracks)
        count += track.counter.isDerived ? 0 : track.counter.time.size();
    return count;
}

/// Any other table of a trace.
struct OtherTable
{
    std::string_view name, header;
    std::uint64_t (*rows)(const Trace&);
    void (*write)(const Trace&, CsvRows&);
};

constexpr OtherTable kOtherTables[] = {
    {"requests",
     "start_ns,end_ns,duration_ns,id,client_id,model,version,batch,failed,cut_by_window,queue_ns,cache_ns,compute_input_ns,compute_infer_"
     "ns,compute_output_ns",
     [](const Trace& trace) -> std::uint64_t { return trace.requests.size(); }, writeRequests},
    {"phases", "start_ns,end_ns,duration_ns,phase,request_id,model,version", phaseCount, writePhases},
    {"executions", "start_ns,end_ns,duration_ns,batch,model,version,instance,requests,pid,tid",
     [](const Trace& trace) -> std::uint64_t { return trace.executions.size(); }, writeExecutions},
    {"counters", "time_ns,counter,unit,value", sampleCount, writeCounters},
    {"losses", "name,severity,count,help", [](const Trace& trace) -> std::uint64_t { return trace.losses.size(); }, writeLosses},
};

/// What rows of a summary are grouped by, and whose bytes they tell.
struct SummaryTable
{
    std::string_view name;
    analysis::GroupBy by;
    bool (*isThere)(const Trace&);
};

constexpr SummaryTable kSummaries[] = {
    {"kernel_summary", analysis::GroupBy::Kernel, [](const Trace& trace) { return trace.kernels.size() > 0; }},
    {"memcpy_summary", analysis::GroupBy::Memcpy, [](const Trace& trace) { return trace.memcpys.size() + trace.memsets.size() > 0; }},
    {"api_summary", analysis::GroupBy::Api, [](const Trace& trace) { return trace.apiCalls.size() > 0; }},
    {"nvtx_summary", analysis::GroupBy::Nvtx, [](const Trace& trace) { return trace.nvtxRanges.size() > 0; }},
    {"stream_summary", analysis::GroupBy::Stream,
     [](const Trace& trace) { return trace.kernels.size() + trace.memcpys.size() + trace.memsets.size() > 0; }},
    {"phase_summary", analysis::GroupBy::Phase, [](const Trace& trace) { return trace.phases.size() > 0; }},
};

/// Whether rows of such a summary have bytes at all.
bool countsBytes(analysis::GroupBy by)
{
    return by == analysis::GroupBy::Memcpy || by == analysis::GroupBy::Stream;
}

void writeSummary(const Trace& trace, analysis::GroupBy by, CsvRows& rows)
{
    for (const analysis::ActivityRow& row : analysis::activityTable(trace, by)) {
        rows << row.name << row.model << row.duration.count << row.duration.total << row.share << row.duration.min << row.duration.p50
             << row.duration.p99 << row.duration.max << (countsBytes(by) ? std::optional(row.bytes) : std::nullopt);
        if (!rows.endRow())
            return;
    }
}

/// A table as it is written.
struct TableWriter
{
    std::string_view header; ///< empty: its first row
    std::function<std::uint64_t(const Trace&)> rows;
    std::function<void(const Trace&, CsvRows&)> write;
};

void writeCells(const std::vector<std::string>& cells, CsvRows& rows)
{
    for (const std::string& cell : cells)
        rows << cell;
    (void)rows.endRow();
}

std::optional<TableWriter> writerOf(const Trace& of, std::string_view name)
{
    for (const EventTable& table : kEventTables)
        if (table.name == name)
            return TableWriter{table.header, [&](const Trace& trace) { return trace.columns(table.kind).size(); },
                               [&](const Trace& trace, CsvRows& rows) {
                                   const auto count = static_cast<std::uint32_t>(trace.columns(table.kind).size());
                                   bool goesOn = true;
                                   for (std::uint32_t row = 0; row < count && goesOn; ++row) {
                                       table.addRow(trace, rows, row);
                                       goesOn = rows.endRow();
                                   }
                               }};
    for (const OtherTable& table : kOtherTables)
        if (table.name == name)
            return TableWriter{table.header, table.rows, table.write};
    for (const SummaryTable& table : kSummaries)
        if (table.name == name)
            return TableWriter{"name,model,count,total_ns,share_ratio,min_ns,p50_ns,p99_ns,max_ns,bytes", [](const Trace&) { return 1; },
                               [&](const Trace& trace, CsvRows& rows) { writeSummary(trace, table.by, rows); }};
    for (const importing::SummaryTable& table : of.summaries)
        if (table.name == name)
            return TableWriter{{},
                               [&](const Trace&) { return table.rows.size(); },
                               [&](const Trace&, CsvRows& rows) {
                                   writeCells(table.columns, rows);
                                   for (const std::vector<std::string>& row : table.rows)
                                       writeCells(row, rows);
                               }};
    return std::nullopt;
}

} // namespace

std::vector<std::string> exportTables(const Trace& trace)
{
    std::vector<std::string> tables;
    for (const EventTable& events : kEventTables)
        if (trace.columns(events.kind).size() > 0)
            tables.emplace_back(events.name);
    for (const OtherTable& other : kOtherTables)
        if (other.rows(trace) > 0)
            tables.emplace_back(other.name);
    for (const SummaryTable& summary : kSummaries)
        if (summary.isThere(trace))
            tables.emplace_back(summary.name);
    for (const importing::SummaryTable& table : trace.summaries)
        tables.push_back(table.name);
    return tables;
}

std::span<const FormatLimit> csvLimits()
{
    static constexpr FormatLimit kLimits[] = {
        {"any table but the one that was asked for, nor names of processes, threads and GPUs", [](const Trace&) { return true; }},
    };
    return kLimits;
}

Result<void> writeCsv(const Trace& trace, const std::filesystem::path& path, const ExportOptions& options)
{
    const auto writer = writerOf(trace, options.table);
    if (!writer)
        return Error{ErrorCode::BadInput,
                     fmt::format("there is no table '{}': this trace has {}", options.table, fmt::join(exportTables(trace), ", ")),
                     {}};
    GANTRY_TRY(TextOutput out, TextOutput::create(path, options, writer->rows(trace)));
    if (!writer->header.empty())
        out << writer->header << "\r\n";
    CsvRows rows(out, trace.time.start);
    writer->write(trace, rows);
    return out.finish();
}

} // namespace gantry::exporting
