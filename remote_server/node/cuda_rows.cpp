#include "remote_server/node/cuda_rows.h"

#include "remote_server/capture/control_protocol.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <tuple>

namespace gantry::node {
namespace {

using records::RecordType;

/// Marks of modules lie in an NVTX domain of their own, whose number none of the program's has: those count from 1.
constexpr std::uint32_t kModuleDomain = 1u << 30;
constexpr char kModuleDomainName[] = "CUDA modules";

// CUPTI and the Nsight Systems export number the same things differently (cupti_activity.h, ENUM_CUPTI_OVERHEAD_TYPE).
constexpr std::uint8_t kUnknownOverhead = 1, kDriverJit = 2, kFirstOfCupti = 3;

struct Overhead
{
    std::uint8_t type;
    const char* name;
};

Overhead overheadOf(std::uint32_t cuptiKind)
{
    if (cuptiKind == 1)
        return {kDriverJit, "Driver JIT"};
    static constexpr const char* kNames[] = {"Buffer flush",
                                             "Instrumentation",
                                             "Resource",
                                             "Runtime module loading",
                                             "Lazy function loading",
                                             "Command buffer full",
                                             "Activity buffer request",
                                             "Unified memory set-up"};
    constexpr std::uint32_t kOfExport = 6; // the export has no number for the others
    const std::uint32_t place = (cuptiKind >> 16) - 1;
    if (place >= std::size(kNames))
        return {kUnknownOverhead, "Unknown"};
    return {place < kOfExport ? static_cast<std::uint8_t>(place + kFirstOfCupti) : kUnknownOverhead, kNames[place]};
}

std::string nameOf(const records::JitRecord& r)
{
    const char* operation = r.operation == 1   ? "Compute cache load"
                            : r.operation == 2 ? "Compute cache store"
                            : r.operation == 3 ? "JIT compilation"
                                               : "JIT";
    const char* entry = r.entry == 1 ? ", PTX to cubin" : r.entry == 2 ? ", NVVM IR to PTX" : "";
    return std::string(operation) + entry;
}

std::string sizeText(std::uint64_t bytes)
{
    constexpr double kKibibyte = 1024, kMebibyte = 1024 * 1024;
    const auto size = static_cast<double>(bytes);
    if (size < kKibibyte)
        return fmt::format("{} B", bytes);
    return size < kMebibyte ? fmt::format("{:.1f} KiB", size / kKibibyte) : fmt::format("{:.1f} MiB", size / kMebibyte);
}

} // namespace

std::uint8_t exportMemoryKind(std::uint8_t cupti)
{
    return cupti == 0 || cupti > 7 ? 7 : static_cast<std::uint8_t>(cupti - 1);
}

CudaRows::CudaRows(std::uint64_t globalPid, std::uint32_t content, report::ReportWriter& writer, SessionTime time, Text text)
    : m_globalPid(globalPid), m_content(content), m_writer(writer), m_time(std::move(time)), m_text(std::move(text))
{
}

void CudaRows::take(const records::RecordView& view)
{
    switch (view.type) {
    case RecordType::Context:
        if (const auto* r = view.as<records::ContextRecord>())
            addContext(*r);
        break;
    case RecordType::Stream:
        if (const auto* r = view.as<records::StreamRecord>())
            addStream(*r);
        break;
    case RecordType::Overhead:
        if (const auto* r = view.as<records::OverheadRecord>())
            addOverhead(*r);
        break;
    case RecordType::GraphLaunch:
        if (const auto* r = view.as<records::GraphRecord>())
            addGraph(*r);
        break;
    case RecordType::MemoryOperation:
        if (const auto* r = view.as<records::MemoryRecord>())
            addMemory(*r);
        break;
    case RecordType::Module:
        if (const auto* r = view.as<records::ModuleRecord>())
            addModule(*r);
        break;
    case RecordType::Jit:
        if (const auto* r = view.as<records::JitRecord>())
            m_jits.push_back(*r);
        break;
    default:
        break;
    }
}

void CudaRows::addApiName(std::uint32_t callbackId, bool isDriver, std::string_view name)
{
    if (name.starts_with("cudaGraphLaunch") || name.starts_with("cuGraphLaunch"))
        m_graphLaunches.insert({callbackId, isDriver});
}

void CudaRows::noteCall(const records::ApiRecord& call)
{
    if (!m_graphLaunches.empty() && m_graphLaunches.contains({call.callbackId, call.isDriver != 0}))
        m_graphCalls.push_back({call.tid, call.isDriver != 0, call.startRealtimeNs, call.endRealtimeNs});
}

void CudaRows::addContext(const records::ContextRecord& r)
{
    if (!m_devices.insert({r.contextId, r.deviceId}).second)
        return;
    m_writer.add(report::ContextRow{r.nullStreamId, m_globalPid >> 24, r.deviceId, r.contextId});
}

void CudaRows::addStream(const records::StreamRecord& r)
{
    if (m_streams.insert({r.contextId, r.streamId}).second)
        m_writer.add(report::StreamRow{r.streamId, r.contextId, m_globalPid >> 24, r.priority, static_cast<std::uint8_t>(r.flag)});
}

void CudaRows::addOverhead(const records::OverheadRecord& r)
{
    const Overhead overhead = overheadOf(r.kind);
    m_writer.add(report::OverheadRow{m_time(r.startRealtimeNs), m_time(r.endRealtimeNs), m_globalPid | r.tid,
                                     m_writer.intern(overhead.name), overhead.type});
}

void CudaRows::addGraph(const records::GraphRecord& r)
{
    ++m_graphs;
    m_writer.add(report::GraphRow{m_time(r.startRealtimeNs), m_time(r.endRealtimeNs), r.deviceId, r.contextId, r.streamId, r.correlationId,
                                  m_globalPid, r.graphId});
}

void CudaRows::addMemory(const records::MemoryRecord& r)
{
    constexpr std::uint8_t kAllocation = 1, kRelease = 2; // CUpti_ActivityMemoryOperationType
    constexpr std::uint8_t kLocalPool = 1, kImportedPool = 2;
    if (r.operation != kAllocation && r.operation != kRelease)
        return;
    report::MemoryRow row;
    row.start = m_time(r.timeRealtimeNs);
    row.globalPid = m_globalPid;
    row.deviceId = r.deviceId;
    row.contextId = r.contextId;
    row.streamId = r.streamId;
    row.correlationId = r.correlationId;
    row.address = r.address;
    row.programCounter = r.programCounter;
    row.bytes = r.bytes;
    row.memKind = exportMemoryKind(r.memoryKind);
    row.isRelease = r.operation == kRelease;
    if (r.nameId != 0)
        row.name = m_text(r.nameId);
    if (r.poolType == kLocalPool)
        row.localPool = {r.poolAddress, r.poolReleaseThreshold, r.poolSize, r.poolUsed};
    else if (r.poolType == kImportedPool)
        row.importedPool = {r.poolAddress, r.poolSize};
    m_writer.add(row);
}

void CudaRows::addModule(const records::ModuleRecord& r)
{
    report::NvtxRow row;
    row.domainId = kModuleDomain;
    if (!std::exchange(m_hasModuleDomain, true)) {
        row.type = report::NvtxEventType::DomainCreate;
        row.textId = m_writer.intern(kModuleDomainName);
        row.globalTid = m_globalPid;
        m_writer.add(row);
    }
    row.start = m_time(r.timeRealtimeNs);
    row.type = report::NvtxEventType::Mark;
    row.globalTid = m_globalPid | r.tid;
    row.textId = m_writer.intern(fmt::format("Module {}, {}", r.isUnloaded != 0 ? "unloaded" : "loaded", sizeText(r.codeBytes)));
    row.uint64Value = r.codeBytes;
    m_writer.add(row);
}

void CudaRows::addJit(const records::JitRecord& r, std::uint32_t tid)
{
    m_writer.add(
        report::OverheadRow{m_time(r.startRealtimeNs), m_time(r.endRealtimeNs), m_globalPid | tid, m_writer.intern(nameOf(r)), kDriverJit});
}

void CudaRows::addStreamName(std::uint32_t device, std::uint32_t stream, std::string name)
{
    m_streamNames[{device, stream}] = std::move(name);
}

void CudaRows::conclude(const RecordStore& records)
{
    writeStreamNames();
    writeJits(records);
}

void CudaRows::writeStreamNames()
{
    for (const auto& [context, device] : m_devices)
        for (const auto& [place, name] : m_streamNames)
            if (place.first == device)
                m_writer.addStreamName(m_globalPid, device, context, place.second, fmt::format("{} · stream {}", name, place.second));
}

void CudaRows::writeJits(const RecordStore& records)
{
    if (m_jits.empty())
        return;
    std::unordered_map<std::uint32_t, std::uint32_t> threads; // by correlation
    for (const records::JitRecord& jit : m_jits)
        threads.emplace(jit.correlationId, 0);
    records.forEach([&](const records::RecordView& view) {
        const auto* call = view.type == RecordType::ApiCall ? view.as<records::ApiRecord>() : nullptr;
        if (const auto wanted = call ? threads.find(call->correlationId) : threads.end(); wanted != threads.end())
            wanted->second = call->tid;
    });
    for (const records::JitRecord& jit : m_jits)
        addJit(jit, threads.at(jit.correlationId));
}

std::uint32_t CudaRows::deviceOf(std::uint32_t contextId) const
{
    const auto found = m_devices.find(contextId);
    return found == m_devices.end() ? 0 : found->second;
}

std::uint64_t CudaRows::unseenGraphLaunches() const
{
    if (m_hasGraphNodes || !(m_content & (capture::ContentKernels | capture::ContentWholeGraphs)))
        return 0;
    // A call of the runtime makes one of the driver, which is no other launch.
    std::vector<GraphCall> calls = m_graphCalls;
    std::sort(calls.begin(), calls.end(), [](const GraphCall& a, const GraphCall& b) {
        return std::tie(a.tid, a.startRealtimeNs, b.endRealtimeNs) < std::tie(b.tid, b.startRealtimeNs, a.endRealtimeNs);
    });
    std::uint64_t launches = 0;
    const GraphCall* last = nullptr;
    for (const GraphCall& call : calls) {
        if (last && last->tid == call.tid && !last->isDriver && call.isDriver && call.endRealtimeNs <= last->endRealtimeNs)
            continue;
        ++launches;
        last = &call;
    }
    return launches - std::min(launches, m_graphs);
}

} // namespace gantry::node
