#include "trace_model/exporting/nsys_sqlite.h"

#include "trace_model/exporting/known_ends.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/report_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace gantry::exporting {
namespace {

using trace::EventKind;
using trace::Trace;

class NsysSqlite
{
public:
    NsysSqlite(const Trace& trace, report::ReportWriter& writer, const ExportOptions& options)
        : m_trace(trace), m_writer(writer), m_options(options), m_all(std::max<std::size_t>(trace.eventCount(), 1))
    {
    }

    Result<void> write()
    {
        using Stage = Result<void> (NsysSqlite::*)();
        static constexpr Stage kStages[] = {
            &NsysSqlite::writeNames,    &NsysSqlite::writeKernels,   &NsysSqlite::writeMemcpys,    &NsysSqlite::writeMemsets,
            &NsysSqlite::writeSyncs,    &NsysSqlite::writeGraphs,    &NsysSqlite::writeApiCalls,   &NsysSqlite::writeLibraryCalls,
            &NsysSqlite::writeOsCalls,  &NsysSqlite::writeOverheads, &NsysSqlite::writeCategories, &NsysSqlite::writeRanges,
            &NsysSqlite::writeMarks,    &NsysSqlite::writeGpuRanges, &NsysSqlite::writeExecutions, &NsysSqlite::writeRequests,
            &NsysSqlite::writeCounters,
        };
        for (const Stage stage : kStages)
            GANTRY_CHECK((this->*stage)());
        writeRest();
        GANTRY_CHECK(look());
        GANTRY_CHECK(m_writer.finish(session()));
        if (m_options.progress)
            m_options.progress(1.0);
        return {};
    }

private:
    /// Calls `add(row)` for each row of some columns, until the user or the disk says no.
    template <typename Add>
    Result<void> each(std::size_t rows, Add add)
    {
        constexpr std::size_t kRowsBetweenLooks = 1024; // a few ms: a request with its phases is half a dozen rows of the file
        for (std::size_t row = 0; row < rows; ++row) {
            if (m_done++ % kRowsBetweenLooks == 0)
                GANTRY_CHECK(look());
            add(row);
        }
        return {};
    }

    Result<void> look()
    {
        if (m_options.stop.stop_requested())
            return Error{ErrorCode::Cancelled, "the export was cancelled", {}};
        if (const Error* error = m_writer.firstError())
            return *error;
        if (m_options.progress)
            m_options.progress(std::min(1.0, static_cast<double>(m_done) / static_cast<double>(m_all)));
        return {};
    }

    report::TextId text(trace::StringId id)
    {
        if (id.isNone())
            return m_writer.intern("");
        if (id.value >= m_texts.size())
            m_texts.resize(m_trace.strings.size());
        report::TextId& known = m_texts[id.value];
        if (known == 0)
            known = m_writer.intern(m_trace.strings[id]);
        return known;
    }

    template <typename Row>
    void takeTimes(Row& to, const trace::EventColumns& columns, std::size_t row)
    {
        to.start = columns.start[row];
        to.end = columns.end(row);
    }

    template <typename Row>
    void takePlace(Row& to, const trace::GpuEventColumns& columns, std::size_t row)
    {
        takeTimes(to, columns, row);
        const trace::GpuPlace& place = columns.place(row);
        to.deviceId = place.device;
        to.contextId = place.context;
        to.streamId = place.stream;
        to.globalPid = place.globalPid;
    }

    /// What all GPU work begins with.
    template <typename Row>
    void takeWork(Row& to, const trace::GpuEventColumns& columns, std::size_t row)
    {
        takePlace(to, columns, row);
        to.correlationId = columns.correlation[row];
        m_devices.emplace(columns.globalPid(row), columns.device(row));
    }

    Result<void> writeNames()
    {
        for (const importing::GpuInfo& gpu : m_trace.meta.gpus) {
            report::GpuRow row;
            row.id = gpu.device;
            row.name = gpu.name;
            row.uuid = gpu.uuid;
            m_writer.add(row);
        }
        for (const auto& [pid, name] : m_trace.processNames)
            m_writer.add(report::ProcessRow{pid, Trace::pidOf(pid), name});
        for (const auto& [tid, name] : m_trace.threadNames)
            m_writer.addThreadName(tid, name);
        for (const auto& [key, name] : m_trace.streamNames)
            m_writer.addStreamName(std::get<0>(key), std::get<1>(key), std::get<2>(key), std::get<3>(key), name);
        return {};
    }

    Result<void> writeKernels()
    {
        const trace::KernelColumns& kernels = m_trace.kernels;
        return each(kernels.size(), [&](std::size_t row) {
            report::KernelRow to;
            takeWork(to, kernels, row);
            to.shortName = text(kernels.shortName(row));
            to.demangledName = text(kernels.demangledName(row));
            const trace::LaunchShape& shape = kernels.shape(row);
            to.grid = shape.grid;
            to.block = shape.block;
            to.registersPerThread = shape.registersPerThread;
            to.staticSharedMemory = shape.staticSharedMemory;
            to.dynamicSharedMemory = shape.dynamicSharedMemory;
            to.graphNodeId = kernels.graphNode[row];
            m_writer.add(to);
        });
    }

    Result<void> writeMemcpys()
    {
        const trace::MemcpyColumns& memcpys = m_trace.memcpys;
        return each(memcpys.size(), [&](std::size_t row) {
            report::MemcpyRow to;
            takeWork(to, memcpys, row);
            to.bytes = memcpys.bytes[row];
            to.copyKind = static_cast<std::uint8_t>(memcpys.route[row].kind);
            to.srcKind = static_cast<std::uint8_t>(memcpys.route[row].source);
            to.dstKind = static_cast<std::uint8_t>(memcpys.route[row].destination);
            m_writer.add(to);
        });
    }

    Result<void> writeMemsets()
    {
        const trace::MemsetColumns& memsets = m_trace.memsets;
        return each(memsets.size(), [&](std::size_t row) {
            report::MemsetRow to;
            takeWork(to, memsets, row);
            to.bytes = memsets.bytes[row];
            to.value = memsets.value[row];
            to.memKind = static_cast<std::uint8_t>(memsets.memoryKind[row]);
            m_writer.add(to);
        });
    }

    Result<void> writeSyncs()
    {
        const trace::SynchronizationColumns& syncs = m_trace.synchronizations;
        return each(syncs.size(), [&](std::size_t row) {
            report::SynchronizationRow to;
            takeWork(to, syncs, row);
            to.syncType = static_cast<std::uint8_t>(syncs.type[row]);
            m_writer.add(to);
        });
    }

    Result<void> writeGraphs()
    {
        const trace::GraphLaunchColumns& graphs = m_trace.graphLaunches;
        return each(graphs.size(), [&](std::size_t row) {
            report::GraphRow to;
            takeWork(to, graphs, row);
            to.graphId = graphs.graph[row];
            m_writer.add(to);
        });
    }

    Result<void> writeGpuRanges()
    {
        const trace::GpuRangeColumns& ranges = m_trace.gpuRanges;
        return each(ranges.size(), [&](std::size_t row) {
            if (ranges.isProjected(row))
                return; // who reads the export projects it again
            report::GpuRangeRow to;
            takePlace(to, ranges, row);
            to.textId = text(ranges.text[row]);
            m_writer.add(to);
        });
    }

    Result<void> writeApiCalls()
    {
        const trace::CallColumns& calls = m_trace.apiCalls;
        return each(calls.size(), [&](std::size_t row) {
            report::ApiRow to;
            takeTimes(to, calls, row);
            to.isDriver = calls.isDriver(row);
            to.globalTid = calls.globalTid(row);
            to.correlationId = calls.correlation[row];
            to.nameId = text(calls.name(row));
            to.returnValue = calls.callee(row).returnValue;
            m_writer.add(to);
        });
    }

    report::CallRow callRow(const trace::CallColumns& calls, std::size_t row)
    {
        report::CallRow to;
        takeTimes(to, calls, row);
        to.globalTid = calls.globalTid(row);
        to.nameId = text(calls.name(row));
        to.returnValue = calls.callee(row).returnValue;
        return to;
    }

    Result<void> writeLibraryCalls()
    {
        const trace::CallColumns& calls = m_trace.libraryCalls;
        return each(calls.size(), [&](std::size_t row) {
            if (m_trace.strings[calls.name(row)].starts_with("cudnn"))
                m_writer.addCudnnCall(callRow(calls, row));
            else
                m_writer.addCublasCall(callRow(calls, row));
        });
    }

    Result<void> writeOsCalls()
    {
        return each(m_trace.osCalls.size(), [&](std::size_t row) { m_writer.addOsCall(callRow(m_trace.osCalls, row)); });
    }

    Result<void> writeOverheads()
    {
        const trace::OverheadColumns& overheads = m_trace.overheads;
        return each(overheads.size(), [&](std::size_t row) {
            report::OverheadRow to;
            takeTimes(to, overheads, row);
            to.globalTid = overheads.globalTid(row);
            to.nameId = text(overheads.name[row]);
            m_writer.add(to);
        });
    }

    /// Domains are numbered for each process.
    std::uint32_t domainNumber(std::uint64_t process, trace::StringId domain)
    {
        if (m_trace.strings[domain].empty())
            return 0;
        const auto [found, isNew] = m_domains.try_emplace({process, domain.value}, 0);
        if (isNew) {
            found->second = ++m_domainCount[process];
            report::NvtxRow row;
            row.start = m_trace.time.start;
            row.type = report::NvtxEventType::DomainCreate;
            row.globalTid = process;
            row.domainId = found->second;
            row.textId = text(domain);
            m_writer.add(row);
        }
        return found->second;
    }

    report::NvtxRow nvtxRow(const trace::NvtxColumns& columns, std::size_t row)
    {
        const trace::NvtxLabel& label = columns.label(row);
        report::NvtxRow to;
        to.start = columns.start[row];
        to.globalTid = columns.globalTid(row);
        to.textId = text(label.text);
        to.domainId = domainNumber(Trace::processOf(to.globalTid), label.domain);
        to.category = label.category;
        to.color = label.color;
        to.uint64Value = columns.payload(row);
        if (const auto json = columns.payloadText(row))
            to.jsonTextId = text(*json);
        return to;
    }

    Result<void> writeCategories()
    {
        for (const auto& [key, name] : m_trace.categoryNames) {
            const auto& [process, domain, category] = key;
            report::NvtxRow to;
            to.start = m_trace.time.start;
            to.type = report::NvtxEventType::Category;
            to.globalTid = process;
            to.domainId = domainNumber(process, trace::StringId(domain));
            to.category = category;
            to.textId = m_writer.intern(name);
            m_writer.add(to);
        }
        return {};
    }

    Result<void> writeRanges()
    {
        const trace::NvtxColumns& ranges = m_trace.nvtxRanges;
        return each(ranges.size(), [&](std::size_t row) {
            report::NvtxRow to = nvtxRow(ranges, row);
            to.type = ranges.isStartEnd(row) ? report::NvtxEventType::StartEndRange : report::NvtxEventType::PushPopRange;
            if (!ranges.isOpen(row))
                to.end = ranges.end(row);
            m_writer.add(to);
        });
    }

    Result<void> writeMarks()
    {
        return each(m_trace.nvtxMarks.size(), [&](std::size_t row) {
            report::NvtxRow to = nvtxRow(m_trace.nvtxMarks, row);
            to.type = report::NvtxEventType::Mark;
            m_writer.add(to);
        });
    }

    Result<void> writeExecutions()
    {
        return each(m_trace.executions.size(), [&](std::size_t row) {
            const trace::Execution& execution = m_trace.executions[row];
            report::ExecutionRow to;
            to.batchId = execution.batchId;
            to.globalTid = execution.globalTid;
            to.model = text(execution.model);
            to.version = text(execution.version);
            to.instance = text(execution.instance);
            to.start = execution.time.start;
            to.end = execution.time.end;
            m_writer.add(to);
        });
    }

    Result<void> writeRequests()
    {
        using Key = std::pair<std::uint64_t, std::uint64_t>; // process and number
        std::set<Key> ofBatches;
        for (const trace::Request& request : m_trace.requests)
            if (!request.execution.isNone())
                ofBatches.emplace(Trace::processOf(m_trace.executions[request.execution.value].globalTid), request.id);
        std::unordered_map<std::uint64_t, std::uint64_t> nextProcess; // by number
        return each(m_trace.requests.size(), [&](std::size_t row) {
            const trace::Request& request = m_trace.requests[row];
            report::RequestRow to;
            to.requestId = request.id;
            if (!request.execution.isNone()) {
                const trace::Execution& execution = m_trace.executions[request.execution.value];
                to.globalPid = Trace::processOf(execution.globalTid);
                to.batchId = execution.batchId;
                for (const trace::ExecutionIndex earlier : m_trace.earlierExecutionsOf(request))
                    to.earlierBatches.push_back(m_trace.executions[earlier.value].batchId);
            } else {
                // A trace joins a request to its process by the batch alone; any other process will do where there is none.
                constexpr std::uint64_t kProcess = std::uint64_t{1} << 24;
                std::uint64_t& next = nextProcess[request.id];
                while (ofBatches.contains({next, request.id}))
                    next += kProcess;
                to.globalPid = std::exchange(next, next + kProcess);
            }
            if (!request.clientId.isNone())
                to.clientId = text(request.clientId);
            to.model = text(request.model);
            to.version = text(request.version);
            to.failed = request.failed;
            to.parentId = request.parentId;
            to.phases = request.phases;
            const KnownEnds known = knownEnds(m_trace, request);
            to.start = known.start;
            to.end = known.end;
            m_writer.add(to);
        });
    }

    /// Metrics are lines by now: which series a line was made of is its source.
    Result<void> writeCounters()
    {
        std::uint32_t id = 0;
        for (const trace::Track& track : m_trace.tracks) {
            if (track.kind != trace::TrackKind::Counter || track.counter.isDerived)
                continue;
            m_writer.add(report::LineRow{++id, track.name, track.counter.unit, track.counter.source, track.counter.isExact});
            GANTRY_CHECK(each(track.counter.time.size(), [&](std::size_t i) {
                m_writer.addSample({id, track.counter.time[i], track.counter.value[i]});
            }));
        }
        return {};
    }

    void writeRest()
    {
        for (const auto& [process, device] : m_devices)
            m_writer.addCudaDevice(device, device, Trace::pidOf(process));
        for (const std::string& warning : m_trace.meta.warnings)
            m_writer.addWarning(warning);
        for (const importing::SummaryTable& table : m_trace.summaries) {
            for (std::size_t cell = 0; cell < table.columns.size(); ++cell)
                m_writer.addSummaryCell(table.name, 0, cell, table.columns[cell]);
            for (std::size_t row = 0; row < table.rows.size(); ++row)
                for (std::size_t cell = 0; cell < table.rows[row].size(); ++cell)
                    m_writer.addSummaryCell(table.name, row + 1, cell, table.rows[row][cell]);
        }
    }

    report::ReportWriter::Session session() const
    {
        namespace key = report::meta;
        const importing::TraceMeta& meta = m_trace.meta;
        report::ReportWriter::Session session;
        session.utcEpochNs = meta.sessionUtcNs;
        session.systemClockNs = meta.sessionMonotonicNs;
        session.window = m_trace.window;
        session.losses = m_trace.losses;
        session.meta = meta.settings;
        const auto give = [&](const char* name, const std::string& value) {
            if (!value.empty())
                session.meta[name] = value;
        };
        const auto giveNumber = [&](const char* name, const auto& value) {
            if (value)
                session.meta[name] = fmt::format("{}", *value); // a double's shortest text reads back as the same one
        };
        give(key::kLabel, meta.title);
        give(key::kHostName, meta.hostName);
        give(key::kTargetName, meta.targetName);
        session.meta[key::kSourceProducer] = meta.producer;
        give(key::kTargetExited, meta.targetExited ? "1" : "");
        give(key::kComplete, meta.complete ? "" : "0");
        giveNumber(key::kClockErrorNs, meta.clockErrorNs);
        giveNumber(key::kWindowCostRatio, meta.windowCostRatio);
        giveNumber(key::kWindowCostError, meta.windowCostError);
        giveNumber(key::kOpenCostNs, meta.openCost);
        giveNumber(key::kCloseCostNs, meta.closeCost);
        return session;
    }

    const Trace& m_trace;
    report::ReportWriter& m_writer;
    const ExportOptions& m_options;
    std::uint64_t m_all, m_done = 0;                                            ///< events
    std::vector<report::TextId> m_texts;                                        ///< by StringId; 0: not written yet
    std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint32_t> m_domains; ///< number by process and name
    std::map<std::uint64_t, std::uint32_t> m_domainCount;                       ///< by process
    std::set<std::pair<std::uint64_t, std::uint32_t>> m_devices;                ///< that a process used
};

} // namespace

Result<void> writeNsysSqlite(const Trace& trace, const std::filesystem::path& path, const ExportOptions& options)
{
    GANTRY_TRY(report::ReportWriter writer, report::ReportWriter::create(path, FileAccess::ByUmask));
    return NsysSqlite(trace, writer, options).write();
}

} // namespace gantry::exporting
