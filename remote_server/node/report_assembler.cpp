#include "remote_server/node/report_assembler.h"

#include "remote_server/node/cuda_rows.h"
#include "remote_server/node/graph_ends.h"
#include "remote_server/node/key_order.h"
#include "remote_server/node/nvtx_pairing.h"
#include "remote_server/node/payload_schemas.h"
#include "remote_server/node/request_assembly.h"
#include "remote_server/node/sampling/metrics_sink.h"
#include "remote_server/node/server_trace_rows.h"
#include "remote_server/node/window_cost.h"
#include "trace_model/base/clock_map.h"
#include "trace_model/metrics/histogram.h"
#include "trace_model/records/chunk_reader.h"
#include "trace_model/records/nvtx_event.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/report_writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <cxxabi.h>
#include <iterator>
#include <memory>
#include <set>
#include <unordered_map>

namespace gantry::node {
namespace {

using records::LossCounter;
using records::RecordType;
using records::RecordView;

std::string demangle(const std::string& mangled)
{
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), &std::free);
    return status == 0 && text ? text.get() : mangled;
}

/// The function's own name: no return type, namespace, template arguments or parameters.
std::string shortNameOf(const std::string& demangled)
{
    static constexpr std::string_view kAnonymous = "(anonymous namespace)::";
    std::string head = demangled;
    for (std::size_t at; (at = head.find(kAnonymous)) != std::string::npos;)
        head.erase(at, kAnonymous.size());
    head.erase(std::min(head.find_first_of("<("), head.size()));
    if (const std::size_t space = head.rfind(' '); space != std::string::npos)
        head.erase(0, space + 1);
    if (const std::size_t scope = head.rfind("::"); scope != std::string::npos)
        head.erase(0, scope + 2);
    return head.empty() ? demangled : head;
}

/// Turns one process's records into rows.
class ProcessAssembly
{
public:
    ProcessAssembly(const ProcessCapture& process, const WindowCapture& window, report::ReportWriter& writer)
        : m_process(process),
          m_origin(window.openMonotonicNs),
          m_close(window.closeMonotonicNs),
          m_isOfRing(window.isOfRing),
          m_hasServerTrace(!window.serverTrace.empty()),
          m_writer(writer),
          m_globalPid(static_cast<std::uint64_t>(process.pid) << 24),
          m_cuda(
              m_globalPid, window.content, writer, [this](std::int64_t t) { return fromRealtime(t); },
              [this](std::uint32_t id) { return textOf(id, ""); }),
          m_graphEnds(window.closeMonotonicNs)
    {
    }

    void run()
    {
        // As many as there may be of each: what is not used is not touched, and moving what grows would take longer than the rest.
        for (auto* list : {&m_launches, &m_kernelStarts})
            list->reserve(m_process.records.events());
        m_nvtx.reserve(m_process.records.events());
        m_process.records.forEach([this](const RecordView& r) { // what events refer to comes before them
            takeDictionary(r);
            takeEvent(r);
        });
        addPutOff();
        m_cuda.conclude(m_process.records);
        pairNvtx();
        writeNvtx();
        writeRequests();
        boundClockError();
        writeSwitches();
        for (const auto& [tid, name] : m_names.threads)
            m_writer.addThreadName(m_globalPid | tid, name);
        const std::size_t slash = m_process.executable.rfind('/');
        m_writer.add(report::ProcessRow{m_globalPid, m_process.pid,
                                        slash == std::string::npos ? m_process.executable : m_process.executable.substr(slash + 1)});
    }

    [[nodiscard]] DurationNs clockErrorNs() const { return std::max(m_bracketNs / 2, m_causalityNs); }
    [[nodiscard]] DurationNs clockStepNs() const { return m_clock.largestStep(); }
    [[nodiscard]] std::uint64_t unmatched() const { return m_pairing.unmatched(); }
    [[nodiscard]] std::uint64_t unknownEnds() const { return m_unknownEnds; }
    [[nodiscard]] std::uint64_t unseenGraphLaunches() const { return m_cuda.unseenGraphLaunches(); }
    [[nodiscard]] const std::map<std::uint32_t, records::DeviceRecord>& devices() const { return m_devices; }

private:
    TimestampNs fromNvtx(std::int64_t t) const { return m_nvtxClock.monotonicNs(t, m_nvtxPlace) - m_origin; }
    TimestampNs fromRealtime(std::int64_t t) const { return m_clock.convert(t, m_clockPlace) - m_origin; }

    bool isBeforeWindow(const RecordView& view) const
    {
        if (const auto time = records::nvtxTime(view))
            return fromNvtx(*time) < 0;
        switch (view.type) {
        case RecordType::ApiCall:
            return endsBefore<records::ApiRecord>(view);
        case RecordType::Kernel:
            return endsBefore<records::KernelRecord>(view);
        case RecordType::Memcpy:
        case RecordType::Memset:
            return endsBefore<records::CopyRecord>(view);
        case RecordType::Synchronization:
            return endsBefore<records::SyncRecord>(view);
        case RecordType::Overhead:
            return endsBefore<records::OverheadRecord>(view);
        case RecordType::GraphLaunch:
            return endsBefore<records::GraphRecord>(view);
        case RecordType::Jit:
            return endsBefore<records::JitRecord>(view);
        case RecordType::MemoryOperation:
            return isBefore<records::MemoryRecord>(view);
        case RecordType::Module:
            return isBefore<records::ModuleRecord>(view);
        default:
            return false;
        }
    }

    template <typename Record>
    bool endsBefore(const RecordView& view) const
    {
        const auto* record = view.as<Record>();
        return record && fromRealtime(record->endRealtimeNs) < 0;
    }

    template <typename Record>
    bool isBefore(const RecordView& view) const
    {
        const auto* record = view.as<Record>();
        return record && fromRealtime(record->timeRealtimeNs) < 0;
    }

    void takeDictionary(const RecordView& view)
    {
        switch (view.type) {
        case RecordType::Text:
            if (const auto* r = view.as<records::TextRecord>())
                m_texts[r->id] = view.textBehind<records::TextRecord>(r->length);
            break;
        case RecordType::Domain:
        case RecordType::Category:
        case RecordType::ThreadName:
        case RecordType::StreamName:
        case RecordType::ApiName:
            if (const auto* r = view.as<records::NamedRecord>())
                takeName(view.type, *r, std::string(view.textBehind<records::NamedRecord>(r->length)));
            break;
        case RecordType::PayloadSchema:
            if (const auto* r = view.as<records::NamedRecord>())
                m_schemas.add(r->scope, view.textBehind<records::NamedRecord>(r->length));
            break;
        case RecordType::ClockSample:
            if (const auto* r = view.as<records::ClockRecord>()) {
                m_clock.add(r->realtimeNs, r->monotonicNs);
                m_nvtxClock.add(*r);
                m_bracketNs = std::max(m_bracketNs, r->bracketNs);
                m_writer.add(report::ClockRow{r->monotonicNs, r->realtimeNs, r->rawNs, m_globalPid});
            }
            break;
        default:
            break;
        }
    }

    void takeName(RecordType type, const records::NamedRecord& r, std::string name)
    {
        if (type == RecordType::Domain)
            m_domains[r.id] = std::move(name);
        else if (type == RecordType::Category)
            m_names.categories[{r.scope, r.id}] = std::move(name);
        else if (type == RecordType::ThreadName)
            m_names.threads[r.id] = std::move(name);
        else if (type == RecordType::StreamName)
            m_cuda.addStreamName(r.scope, r.id, std::move(name));
        else {
            m_apiNames[std::uint64_t{r.scope} << 32 | r.id] = m_writer.intern(name);
            m_cuda.addApiName(r.id, r.scope == 1, name);
        }
    }

    void takeEvent(const RecordView& view)
    {
        if ((m_isOfRing || isGpuWork(view.type)) && isBeforeWindow(view)) // CUPTI may record a little before all processes do
            return;
        if (const auto time = records::nvtxTime(view)) {
            m_nvtx.push_back({keyOf(fromNvtx(*time)), reinterpret_cast<const records::RecordHeader*>(view.bytes.data())});
            return;
        }
        switch (view.type) {
        case RecordType::ApiCall:
            if (const auto* r = view.as<records::ApiRecord>())
                addApi(*r);
            break;
        case RecordType::Kernel:
            if (const auto* r = view.as<records::KernelRecord>(); r && !isPutOff(view, *r))
                addKernel(*r);
            break;
        case RecordType::Memcpy:
        case RecordType::Memset:
            if (const auto* r = view.as<records::CopyRecord>(); r && !isPutOff(view, *r))
                addCopy(view.type, *r);
            break;
        case RecordType::Synchronization:
            if (const auto* r = view.as<records::SyncRecord>())
                m_writer.add(report::SynchronizationRow{fromRealtime(r->startRealtimeNs), fromRealtime(r->endRealtimeNs),
                                                        m_cuda.deviceOf(r->contextId), r->contextId, r->streamId, r->correlationId,
                                                        m_globalPid, static_cast<std::uint8_t>(r->type), r->eventId});
            break;
        case RecordType::Device:
            if (const auto* r = view.as<records::DeviceRecord>())
                m_devices[r->deviceId] = *r;
            break;
        default:
            m_cuda.take(view);
            break;
        }
    }

    /// Of the process's dictionary.
    std::string_view textOf(std::uint32_t id, std::string_view otherwise) const
    {
        const auto text = m_texts.find(id);
        return text == m_texts.end() ? otherwise : text->second;
    }

    void addApi(const records::ApiRecord& r)
    {
        const auto name = m_apiNames.find(std::uint64_t{r.isDriver ? 1u : 0u} << 32 | r.callbackId);
        m_writer.add(report::ApiRow{
            fromRealtime(r.startRealtimeNs), fromRealtime(r.endRealtimeNs), r.isDriver != 0, m_globalPid | r.tid, r.correlationId,
            name != m_apiNames.end() ? name->second : m_writer.intern("API call " + std::to_string(r.callbackId)), r.returnValue});
        m_launches.push_back({r.correlationId, r.startRealtimeNs});
        m_cuda.noteCall(r);
    }

    struct KernelName
    {
        report::TextId mangled, demangled, shortName;
    };

    const KernelName& kernelName(std::uint32_t id)
    {
        auto [place, isNew] = m_kernelNames.try_emplace(id);
        if (isNew) {
            const std::string mangled(textOf(id, "(unknown kernel)"));
            const std::string full = demangle(mangled);
            place->second = {m_writer.intern(mangled), m_writer.intern(full), m_writer.intern(shortNameOf(full))};
        }
        return place->second;
    }

    static bool isGpuWork(RecordType type)
    {
        return type == RecordType::Kernel || type == RecordType::Memcpy || type == RecordType::Memset || type == RecordType::GraphLaunch;
    }

    template <typename Record>
    bool isPutOff(const RecordView& view, const Record& r)
    {
        return r.graphNodeId != 0 && m_graphEnds.putOff(view, r.contextId, r.streamId, fromRealtime(r.startRealtimeNs) + m_origin,
                                                        fromRealtime(r.endRealtimeNs) + m_origin);
    }

    void addPutOff()
    {
        m_unknownEnds = m_graphEnds.takeKnown([this](const RecordView& view) {
            if (const auto* kernel = view.type == RecordType::Kernel ? view.as<records::KernelRecord>() : nullptr)
                addKernel(*kernel);
            else if (const auto* copy = view.as<records::CopyRecord>())
                addCopy(view.type, *copy);
        });
    }

    void addKernel(const records::KernelRecord& r)
    {
        const KernelName& name = kernelName(r.nameId);
        m_writer.add(report::KernelRow{.start = fromRealtime(r.startRealtimeNs),
                                       .end = fromRealtime(r.endRealtimeNs),
                                       .deviceId = r.deviceId,
                                       .contextId = r.contextId,
                                       .streamId = r.streamId,
                                       .correlationId = r.correlationId,
                                       .globalPid = m_globalPid,
                                       .demangledName = name.demangled,
                                       .shortName = name.shortName,
                                       .mangledName = name.mangled,
                                       .registersPerThread = r.registersPerThread,
                                       .grid = {r.grid[0], r.grid[1], r.grid[2]},
                                       .block = {r.block[0], r.block[1], r.block[2]},
                                       .staticSharedMemory = r.staticSharedMemory,
                                       .dynamicSharedMemory = r.dynamicSharedMemory,
                                       .localMemoryPerThread = r.localMemoryPerThread,
                                       .localMemoryTotal = r.localMemoryTotal,
                                       .gridId = r.gridId,
                                       .graphNodeId = r.graphNodeId,
                                       .graphId = r.graphId});
        m_kernelStarts.push_back({r.correlationId, r.startRealtimeNs});
        if (r.graphNodeId != 0)
            m_cuda.noteGraphNode();
    }

    void addCopy(RecordType type, const records::CopyRecord& r)
    {
        const TimestampNs start = fromRealtime(r.startRealtimeNs), end = fromRealtime(r.endRealtimeNs);
        if (r.graphNodeId != 0)
            m_cuda.noteGraphNode();
        if (type == RecordType::Memcpy) {
            report::MemcpyRow row{start,
                                  end,
                                  r.deviceId,
                                  r.contextId,
                                  r.streamId,
                                  r.correlationId,
                                  m_globalPid,
                                  r.bytes,
                                  r.copyKind,
                                  exportMemoryKind(r.sourceKind),
                                  exportMemoryKind(r.destinationKind),
                                  r.graphNodeId};
            if (r.isPeer != 0)
                row.peers = {{r.sourceDevice, r.sourceContext, r.destinationDevice, r.destinationContext}};
            m_writer.add(row);
        } else
            m_writer.add(report::MemsetRow{start, end, r.deviceId, r.contextId, r.streamId, r.correlationId, m_globalPid, r.value, r.bytes,
                                           exportMemoryKind(r.destinationKind), r.graphNodeId});
    }

    /// Chunks come in no order of time: a thread's next chunk may lie before its last one, and ends of other threads before
    /// the starts. Sorted by time everything is in order.
    void pairNvtx()
    {
        sortByKey(m_nvtx);
        m_pairing.expect(m_nvtx.size() / 2);
        constexpr std::size_t kAhead = 16; // neighbours in time are of several threads and lie far apart
        for (std::size_t i = 0; i < m_nvtx.size(); ++i) {
            if (i + kAhead < m_nvtx.size())
                for (int line = 0; line < 2; ++line) // of the cache: the second has the text
                    __builtin_prefetch(reinterpret_cast<const std::byte*>(m_nvtx[i + kAhead].value) + 64 * line);
            const records::RecordHeader& header = *m_nvtx[i].value;
            const records::NvtxEvent event =
                records::nvtxEvent({header.type, {reinterpret_cast<const std::byte*>(&header), header.size}}).value();
            const records::NvtxRecord& r = event.record;
            const RecordType type = event.type;
            const TimestampNs time = fromNvtx(r.time);
            if (type == RecordType::NvtxPop) {
                addEndPayload(m_pairing.pop(time, r.tid, r.domain, r.rangeId, r.enclosing), event.extendedPayload);
                continue;
            }
            if (type == RecordType::NvtxEnd) {
                addEndPayload(m_pairing.end(time, r.tid, r.rangeId), event.extendedPayload);
                continue;
            }
            NvtxSpan span{.start = time,
                          .rangeId = r.rangeId,
                          .enclosing = r.enclosing,
                          .tid = r.tid,
                          .domain = r.domain,
                          .category = r.category,
                          .color = r.color,
                          .textId = r.textId,
                          .text = event.text,
                          .payloadType = r.payloadType,
                          .payload = r.payload};
            if (!event.extendedPayload.empty()) {
                m_extended.push_back({event.extendedPayload, {}});
                span.extended = static_cast<std::uint32_t>(m_extended.size());
            }
            if (type == RecordType::NvtxPush)
                m_pairing.push(std::move(span));
            else if (type == RecordType::NvtxStart)
                m_pairing.start(std::move(span));
            else
                m_pairing.mark(std::move(span));
        }
        m_pairing.dropLostEnds();
        m_names.text = [this](const NvtxSpan& span) -> std::string_view {
            return span.textId == 0 ? span.text : textOf(span.textId, "(unknown text)");
        };
        for (const auto& [tid, name] : m_process.threadNames) // what NVTX was told wins over the kernel's 15 letters
            m_names.threads.try_emplace(tid, name);
    }

    void addEndPayload(NvtxSpan* ended, std::string_view payload)
    {
        if (!ended || payload.empty())
            return;
        if (ended->extended == 0) {
            m_extended.push_back({});
            ended->extended = static_cast<std::uint32_t>(m_extended.size());
        }
        m_extended[ended->extended - 1].second = payload;
    }

    void writeNvtx()
    {
        for (const auto& [id, name] : m_domains) {
            report::NvtxRow row;
            row.type = report::NvtxEventType::DomainCreate;
            row.domainId = id;
            row.textId = m_writer.intern(name);
            row.globalTid = m_globalPid;
            m_writer.add(row);
        }
        for (const auto& [key, name] : m_names.categories) {
            report::NvtxRow row;
            row.type = report::NvtxEventType::Category;
            row.domainId = key.first;
            row.category = key.second;
            row.textId = m_writer.intern(name);
            row.globalTid = m_globalPid;
            m_writer.add(row);
        }
        for (const NvtxSpan& span : m_pairing.spans())
            m_writer.add(rowOf(span));
    }

    report::TextId textIdOf(const NvtxSpan& span)
    {
        if (span.textId == 0)
            return m_writer.intern(span.text);
        const auto [place, isNew] = m_registeredTexts.try_emplace(span.textId);
        if (isNew)
            place->second = m_writer.intern(m_names.text(span));
        return place->second;
    }

    report::NvtxRow rowOf(const NvtxSpan& span)
    {
        report::NvtxRow row;
        row.start = span.start;
        row.end = span.end;
        row.type = span.isMark       ? report::NvtxEventType::Mark
                   : span.isStartEnd ? report::NvtxEventType::StartEndRange
                                     : report::NvtxEventType::PushPopRange;
        if (span.isStartEnd) {
            row.rangeId = span.rangeId;
            if (span.end)
                row.endGlobalTid = m_globalPid | span.endTid;
        }
        row.category = span.category;
        row.color = span.color;
        row.textId = textIdOf(span);
        row.globalTid = m_globalPid | span.tid;
        row.domainId = span.domain;
        if (span.extended > 0) {
            const auto& [atBegin, atEnd] = m_extended[span.extended - 1];
            if (const std::string json = m_schemas.json(span.domain, atBegin, atEnd); !json.empty())
                row.jsonTextId = m_writer.intern(json);
            if (span.textId == 0 && span.text.empty()) // an event that is nothing but its payload
                row.textId = m_writer.intern(m_schemas.name(span.domain, atBegin.empty() ? atEnd : atBegin));
        }
        switch (span.payloadType) {
        case records::PayloadType::None:
        case records::PayloadType::Extended:
            break;
        case records::PayloadType::Unsigned:
            row.uint64Value = span.payload;
            break;
        case records::PayloadType::Signed:
            row.int64Value = static_cast<std::int64_t>(span.payload);
            break;
        case records::PayloadType::Double: {
            double value = 0;
            std::memcpy(&value, &span.payload, sizeof value);
            row.doubleValue = value;
            break;
        }
        }
        return row;
    }

    void writeRequests()
    {
        for (const auto& [id, name] : m_domains) {
            if (name == kTritonDomain && !m_hasServerTrace) // which knows the requests of its executions
                for (const report::ExecutionRow& row : assembleTritonExecutions(m_pairing.spans(), id, m_names, m_globalPid, m_writer))
                    m_writer.add(row);
            if (name != records::nvtx_convention::kDomain)
                continue;
            const RequestAssembly assembly = assembleRequests(m_pairing.spans(), id, m_names, m_globalPid, m_writer);
            for (const report::RequestRow& row : assembly.requests)
                m_writer.add(row);
            for (const report::ExecutionRow& row : assembly.executions)
                m_writer.add(row);
        }
    }

    /// Those of the window, and before them how each thread was when it opened.
    void writeSwitches()
    {
        std::map<std::uint32_t, ContextSwitch> atOpening; // by thread
        std::vector<ContextSwitch> switches;
        for (const ContextSwitch& one : m_process.switches.switches) {
            if (one.monotonicNs <= m_origin)
                atOpening[one.tid] = one;
            else if (one.monotonicNs <= m_close)
                switches.push_back(one);
        }
        const auto write = [&](const ContextSwitch& one) {
            m_writer.add(
                report::SchedulingRow{std::max<TimestampNs>(one.monotonicNs - m_origin, 0), one.cpu, one.isIn, m_globalPid | one.tid});
        };
        for (const auto& [tid, one] : atOpening)
            write(one);
        for (const ContextSwitch& one : switches)
            write(one);
    }

    /// CUPTI gives no bound for its GPU-to-CPU clock; a kernel that seems to start before the call that launched it shows one.
    void boundClockError()
    {
        sortByKey(m_launches);
        sortByKey(m_kernelStarts);
        auto launch = m_launches.begin();
        for (const Keyed<std::int64_t>& kernel : m_kernelStarts) {
            while (launch != m_launches.end() && launch->key <= kernel.key)
                ++launch;
            if (launch != m_launches.begin() && std::prev(launch)->key == kernel.key)
                m_causalityNs = std::max(m_causalityNs, std::prev(launch)->value - kernel.value);
        }
    }

    const ProcessCapture& m_process;
    std::int64_t m_origin, m_close; ///< of the window, CLOCK_MONOTONIC
    bool m_isOfRing;
    bool m_hasServerTrace;
    report::ReportWriter& m_writer;
    std::uint64_t m_globalPid;

    ClockMap m_clock; ///< realtime → monotonic
    mutable std::size_t m_clockPlace = 0;
    records::NvtxClock m_nvtxClock;
    mutable std::size_t m_nvtxPlace = 0;
    DurationNs m_bracketNs = 0;
    DurationNs m_causalityNs = 0;
    std::unordered_map<std::uint32_t, std::string_view> m_texts;
    std::map<std::uint32_t, std::string> m_domains;
    std::unordered_map<std::uint64_t, report::TextId> m_apiNames;
    std::unordered_map<std::uint32_t, KernelName> m_kernelNames;
    std::unordered_map<std::uint32_t, report::TextId> m_registeredTexts; ///< by id of the dictionary
    std::vector<Keyed<std::int64_t>> m_launches, m_kernelStarts;         ///< by correlation, CLOCK_REALTIME
    std::map<std::uint32_t, records::DeviceRecord> m_devices;
    CudaRows m_cuda;
    GraphEnds m_graphEnds;
    std::uint64_t m_unknownEnds = 0;
    NvtxNames m_names;
    std::vector<Keyed<const records::RecordHeader*>> m_nvtx; ///< by time
    NvtxPairing m_pairing;
    PayloadSchemas m_schemas;
    std::vector<std::pair<std::string_view, std::string_view>> m_extended; ///< of the begin and of the end; of the records
};

std::string uuidText(const std::uint8_t (&uuid)[16])
{
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text = "GPU-";
    for (int i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text += '-';
        text += kDigits[uuid[i] >> 4];
        text += kDigits[uuid[i] & 15];
    }
    return text;
}

void addGpu(report::ReportWriter& writer, const records::DeviceRecord& d)
{
    report::GpuRow row;
    row.id = d.deviceId;
    row.name = std::string(d.name, strnlen(d.name, sizeof d.name));
    row.uuid = uuidText(d.uuid);
    row.totalMemory = d.memoryBytes;
    row.smCount = d.smCount;
    row.computeMajor = static_cast<int>(d.computeMajor);
    row.computeMinor = static_cast<int>(d.computeMinor);
    writer.add(row);
}

/// What the assembly of the processes found missing.
struct Missing
{
    std::uint64_t begins = 0; ///< of NVTX ranges
    std::uint64_t graphLaunches = 0;
    std::uint64_t ends = 0; ///< of work of graphs
};

Losses lossesOf(const WindowCapture& window, const Missing& missing)
{
    std::array<std::uint64_t, static_cast<std::size_t>(LossCounter::Count)> sum{};
    std::uint64_t damaged = 0, overBudget = 0, unanswered = 0, switchesLost = 0, unwatchedThreads = 0;
    for (const ProcessCapture& process : window.processes) {
        for (std::size_t i = 0; i < sum.size(); ++i)
            sum[i] += process.losses[i];
        damaged += process.damagedChunks;
        overBudget += process.overBudgetRecords;
        unanswered += !process.closed && !process.ended;
        switchesLost += process.switches.lost;
        unwatchedThreads += process.switches.unwatchedThreads;
    }
    const auto of = [&](LossCounter counter) { return sum[static_cast<std::size_t>(counter)]; };
    return {
        {"nvtx_no_chunk", LossSeverity::Warning, of(LossCounter::NvtxNoChunk),
         "NVTX events dropped because the shared memory was full: capture a shorter window."},
        {"cupti_no_chunk", LossSeverity::Warning, of(LossCounter::CuptiNoChunk),
         "CUDA records dropped because the shared memory was full: capture a shorter window or fewer kinds."},
        {"cupti_dropped_records", LossSeverity::Warning, of(LossCounter::CuptiDropped),
         "Records that CUPTI itself dropped: capture fewer kinds of activity."},
        {"cupti_no_buffer", LossSeverity::Warning, of(LossCounter::CuptiNoBuffer), "Times CUPTI asked for a buffer and none was free."},
        {"cupti_taken", LossSeverity::Error, of(LossCounter::CuptiTaken),
         "Buffers of CUDA records, each of some thousand, that went to another CUDA profiler of the process which began inside of the "
         "window: let that one end first, or capture with its engine."},
        {"device_times_missing", LossSeverity::Info, of(LossCounter::KernelNoTime) + missing.ends,
         "Kernels, copies and other CUDA records without times: still running when the window closed, or not collected by the GPU."},
        {"graph_launches_not_seen", LossSeverity::Info, missing.graphLaunches,
         "Launches of CUDA graphs of which nothing was recorded: of graphs that were instantiated before the window, where launches are "
         "recorded as a whole, or still running when it closed."},
        {"nvtx_text_truncated", LossSeverity::Info, of(LossCounter::TextTruncated), "NVTX texts cut at 4096 bytes."},
        {"nvtx_dictionary_full", LossSeverity::Warning, of(LossCounter::DictionaryFull),
         "Registered NVTX strings beyond a million, or kernel names beyond 16384: shown as unknown."},
        {"nvtx_begun_before_window", LossSeverity::Info, of(LossCounter::UnmatchedEnds) + missing.begins,
         "Ranges that began before the window and ended in it: not shown."},
        {"nvtx_too_deep", LossSeverity::Warning, of(LossCounter::NvtxTooDeep),
         "NVTX ranges inside of 256 others of their thread: not shown."},
        {"chunk_damaged", LossSeverity::Error, damaged,
         "Chunks of shared memory that did not parse: the target may have written over its own memory."},
        {"daemon_memory_bound", LossSeverity::Warning, overBudget, "Records beyond the daemon's memory bound: capture a shorter window."},
        {"window_end_unanswered", LossSeverity::Warning, unanswered,
         "Processes that did not answer the end of the window, such as stopped ones: what they had not written is missing."},
        {"gpu_samples_dropped", LossSeverity::Warning, window.droppedGpuSamples,
         "Samples of hardware counters beyond the daemon's bound, or lost while the GPU's buffer was full: sample at a lower rate."},
        {"context_switches_lost", LossSeverity::Warning, switchesLost,
         "Context switches dropped by the kernel, or beyond 8 million: capture a shorter window."},
        {"context_switch_threads", LossSeverity::Warning, unwatchedThreads,
         "Threads whose context switches could not be recorded for lack of open files (ulimit -n) or locked memory (ulimit -l)."},
        {"metric_series_bound", LossSeverity::Warning, window.droppedSamples,
         "Samples of metric series beyond " + std::to_string(kMostSeriesPerSource) +
             " of one source: a label of its metrics may change with each scrape."},
    };
}

/// As NVTX marks of a domain of ours, on the main thread of the first process.
void writeMarks(const WindowCapture& window, report::ReportWriter& writer)
{
    constexpr std::uint32_t kDomainId = 0x7FFFFFFF; // NVTX numbers from 0
    if (window.marks.empty() || window.processes.empty())
        return;
    const auto pid = static_cast<std::uint64_t>(window.processes.front().pid);
    report::NvtxRow row;
    row.type = report::NvtxEventType::DomainCreate;
    row.domainId = kDomainId;
    row.textId = writer.intern("gantryd");
    row.globalTid = pid << 24;
    writer.add(row);
    for (const WindowMark& mark : window.marks) {
        row.type = report::NvtxEventType::Mark;
        row.start = mark.monotonicNs - window.openMonotonicNs;
        row.textId = writer.intern(mark.text);
        row.globalTid = pid << 24 | pid;
        writer.add(row);
    }
}

} // namespace

bool isOfTarget(const metrics::SeriesDefinition& series, const std::string& targetId)
{
    const auto target = series.labels.find("target");
    return target == series.labels.end() || target->second == targetId;
}

Result<report::WindowCost> assembleReport(const WindowCapture& window, const std::filesystem::path& path)
{
    GANTRY_TRY(auto writer, report::ReportWriter::create(path));
    DurationNs clockError = 0;
    DurationNs clockStep = 0;
    Missing missing;
    bool targetExited = false;
    std::set<std::string> gpus;
    for (const ProcessCapture& process : window.processes) {
        ProcessAssembly assembly(process, window, writer);
        assembly.run();
        clockError = std::max(clockError, assembly.clockErrorNs());
        clockStep = std::max(clockStep, assembly.clockStepNs());
        missing.begins += assembly.unmatched();
        missing.graphLaunches += assembly.unseenGraphLaunches();
        missing.ends += assembly.unknownEnds();
        targetExited = targetExited || process.ended;
        for (const auto& [id, device] : assembly.devices()) {
            if (gpus.insert(uuidText(device.uuid)).second)
                addGpu(writer, device);
            writer.addCudaDevice(id, id, static_cast<std::uint32_t>(process.pid));
        }
        if (const Error* error = writer.firstError())
            return *error;
    }
    Losses losses = lossesOf(window, missing);
    if (!window.serverTrace.empty()) {
        GANTRY_TRY(Losses ofTrace, addServerTrace(window, writer));
        std::move(ofTrace.begin(), ofTrace.end(), std::back_inserter(losses));
    }
    writeMarks(window, writer);
    std::set<std::uint32_t> ofTarget;
    for (metrics::SeriesDefinition series : window.series) {
        if (!isOfTarget(series, window.targetId) || !metrics::histogramOfBucket(series.name).empty())
            continue; // a bucket alone says nothing: the cost has the percentiles
        ofTarget.insert(series.id);
        series.labels.erase("target"); // all of one
        writer.addSeries(series);
    }
    for (const metrics::Sample& sample : window.samples)
        if (ofTarget.contains(sample.seriesId) && sample.time >= window.openMonotonicNs - kMetricsMargin &&
            sample.time <= window.closeMonotonicNs + kMetricsMargin)
            writer.addSample({sample.seriesId, sample.time - window.openMonotonicNs, sample.value});
    for (const SampleFrames& frames : window.frames)
        for (std::size_t i = 0; i < frames.values.size(); ++i)
            writer.addSample({frames.seriesIds[i % frames.seriesIds.size()],
                              frames.times[i / frames.seriesIds.size()] - window.openMonotonicNs, frames.values[i]});

    report::ReportWriter::Session session;
    session.utcEpochNs = window.openRealtimeNs;
    session.systemClockNs = window.openMonotonicNs;
    session.window = {0, window.closeMonotonicNs - window.openMonotonicNs};
    session.meta = window.meta;
    session.meta[report::meta::kTargetExited] = targetExited ? "1" : "0";
    session.meta[report::meta::kComplete] = "1";
    if (clockError > 0)
        session.meta[report::meta::kClockErrorNs] = std::to_string(std::max(clockError, clockStep));
    const report::WindowCost cost = windowCost(window);
    for (const auto& [name, value] : cost.rows())
        if (!value.empty())
            session.meta[name] = value;
    session.losses = std::move(losses);
    GANTRY_CHECK(writer.finish(session));
    return cost;
}

} // namespace gantry::node
