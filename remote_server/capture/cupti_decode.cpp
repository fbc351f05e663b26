#include "remote_server/capture/cupti_decode.h"

#ifdef GANTRY_HAVE_CUPTI

#include "remote_server/capture/control_protocol.h"

#include <cstdlib>
#include <cstring>
#include <cupti.h>

namespace gantry::capture {

using records::LossCounter;
using records::RecordType;

namespace {

/// Overheads that are the driver's own work of loading code, not that of recording.
bool isOfLoading(CUpti_ActivityOverheadKind kind)
{
    return kind == CUPTI_ACTIVITY_OVERHEAD_DRIVER_COMPILER || kind == CUPTI_ACTIVITY_OVERHEAD_RUNTIME_TRIGGERED_MODULE_LOADING ||
           kind == CUPTI_ACTIVITY_OVERHEAD_LAZY_FUNCTION_LOADING;
}

} // namespace

void CuptiDecoder::begin(CaptureState& state, std::uint32_t windowId, std::uint32_t content, CallbackName callbackName)
{
    m_state = &state;
    m_windowId = windowId;
    m_content = content;
    m_callbackName = callbackName;
    m_nextNameId = kFirstNameId;
    std::memset(m_names, 0, sizeof m_names);
    std::memset(m_apiNamed, 0, sizeof m_apiNamed);
    for (std::size_t i = 0; i < m_deviceCount; ++i)
        write(RecordType::Device, m_devices[i]);
}

template <typename Record>
void CuptiDecoder::write(RecordType type, const Record& record)
{
    if (!threadCursor().append(m_state->region, m_windowId, currentThreadId(), type, record))
        m_state->region.count(LossCounter::CuptiNoChunk);
}

void CuptiDecoder::addDevice(const records::DeviceRecord& device)
{
    write(RecordType::Device, device);
    if (m_deviceCount < kMostDevices)
        m_devices[m_deviceCount++] = device;
}

std::uint32_t CuptiDecoder::nameId(const char* name)
{
    if (!name)
        return 0;
    std::size_t slot = (reinterpret_cast<std::uintptr_t>(name) >> 3) * 0x9E3779B97F4A7C15ull >> 50;
    for (std::uint32_t probe = 0; probe < kNameSlots; ++probe, slot = (slot + 1) % kNameSlots) {
        if (m_names[slot] == name)
            return m_nameIds[slot];
        if (m_names[slot])
            continue;
        const std::uint32_t id = m_nextNameId++;
        std::string_view text(name, strnlen(name, records::kMaxTextLength));
        const records::TextRecord record{{}, id, static_cast<std::uint32_t>(text.size())};
        if (!threadCursor().append(m_state->region, m_windowId, currentThreadId(), RecordType::Text, record, text)) {
            m_state->region.count(LossCounter::CuptiNoChunk);
            return 0;
        }
        m_names[slot] = name;
        m_nameIds[slot] = id;
        return id;
    }
    m_state->region.count(LossCounter::DictionaryFull);
    return 0;
}

void CuptiDecoder::nameApi(std::uint32_t callbackId, bool isDriver)
{
    if (callbackId >= kApiCount || m_apiNamed[isDriver][callbackId])
        return;
    const char* name = nullptr;
    if (m_callbackName(isDriver ? CUPTI_CB_DOMAIN_DRIVER_API : CUPTI_CB_DOMAIN_RUNTIME_API, callbackId, &name) != CUPTI_SUCCESS || !name)
        return;
    const std::string_view text(name);
    const records::NamedRecord record{{}, isDriver ? 1u : 0u, callbackId, static_cast<std::uint32_t>(text.size()), 0};
    m_apiNamed[isDriver][callbackId] =
        threadCursor().append(m_state->region, m_windowId, currentThreadId(), RecordType::ApiName, record, text);
}

void CuptiDecoder::decode(const void* activity)
{
    // Only fields that every CUPTI from 12.0 on has at the same place are read: the loaded library may be older or newer
    // than the headers, and its records only ever grow at their end.
    const auto* any = static_cast<const CUpti_Activity*>(activity);
    const auto time = [](std::uint64_t t) { return static_cast<std::int64_t>(t); };
    const auto hasTime = [this](std::uint64_t start, std::uint64_t end) {
        if (start != 0 && end != 0)
            return true;
        m_state->region.count(LossCounter::KernelNoTime);
        return false;
    };
    switch (any->kind) {
    case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL: {
        const auto* k = static_cast<const CUpti_ActivityKernel8*>(activity);
        m_hasSeenGraphs |= k->graphNodeId != 0;
        if (!hasTime(k->start, k->end))
            break;
        records::KernelRecord r{};
        r.startRealtimeNs = time(k->start);
        r.endRealtimeNs = time(k->end);
        r.gridId = static_cast<std::uint64_t>(k->gridId);
        r.graphNodeId = k->graphNodeId;
        r.graphId = k->graphId;
        r.localMemoryTotal = k->localMemoryTotal;
        r.deviceId = k->deviceId;
        r.contextId = k->contextId;
        r.streamId = k->streamId;
        r.correlationId = k->correlationId;
        r.nameId = nameId(k->name);
        const std::int32_t grid[] = {k->gridX, k->gridY, k->gridZ};
        const std::int32_t block[] = {k->blockX, k->blockY, k->blockZ};
        for (int i = 0; i < 3; ++i) {
            r.grid[i] = static_cast<std::uint32_t>(grid[i]);
            r.block[i] = static_cast<std::uint32_t>(block[i]);
        }
        r.registersPerThread = k->registersPerThread;
        r.staticSharedMemory = static_cast<std::uint32_t>(k->staticSharedMemory);
        r.dynamicSharedMemory = static_cast<std::uint32_t>(k->dynamicSharedMemory);
        r.localMemoryPerThread = k->localMemoryPerThread;
        write(RecordType::Kernel, r);
        break;
    }
    case CUPTI_ACTIVITY_KIND_MEMCPY: {
        const auto* c = static_cast<const CUpti_ActivityMemcpy5*>(activity);
        m_hasSeenGraphs |= c->graphNodeId != 0;
        if (!hasTime(c->start, c->end))
            break;
        records::CopyRecord r{};
        r.startRealtimeNs = time(c->start);
        r.endRealtimeNs = time(c->end);
        r.bytes = c->bytes;
        r.graphNodeId = c->graphNodeId;
        r.deviceId = c->deviceId;
        r.contextId = c->contextId;
        r.streamId = c->streamId;
        r.correlationId = c->correlationId;
        r.copyKind = c->copyKind;
        r.sourceKind = c->srcKind;
        r.destinationKind = c->dstKind;
        write(RecordType::Memcpy, r);
        break;
    }
    case CUPTI_ACTIVITY_KIND_MEMCPY2: {
        const auto* c = static_cast<const CUpti_ActivityMemcpyPtoP4*>(activity);
        m_hasSeenGraphs |= c->graphNodeId != 0;
        if (!hasTime(c->start, c->end))
            break;
        records::CopyRecord r{};
        r.startRealtimeNs = time(c->start);
        r.endRealtimeNs = time(c->end);
        r.bytes = c->bytes;
        r.graphNodeId = c->graphNodeId;
        r.deviceId = c->deviceId;
        r.contextId = c->contextId;
        r.streamId = c->streamId;
        r.correlationId = c->correlationId;
        r.copyKind = c->copyKind;
        r.sourceKind = c->srcKind;
        r.destinationKind = c->dstKind;
        r.isPeer = 1;
        r.sourceDevice = c->srcDeviceId;
        r.sourceContext = c->srcContextId;
        r.destinationDevice = c->dstDeviceId;
        r.destinationContext = c->dstContextId;
        write(RecordType::Memcpy, r);
        break;
    }
    case CUPTI_ACTIVITY_KIND_MEMSET: {
        const auto* m = static_cast<const CUpti_ActivityMemset4*>(activity);
        m_hasSeenGraphs |= m->graphNodeId != 0;
        if (!hasTime(m->start, m->end))
            break;
        records::CopyRecord r{};
        r.startRealtimeNs = time(m->start);
        r.endRealtimeNs = time(m->end);
        r.bytes = m->bytes;
        r.value = m->value;
        r.graphNodeId = m->graphNodeId;
        r.deviceId = m->deviceId;
        r.contextId = m->contextId;
        r.streamId = m->streamId;
        r.correlationId = m->correlationId;
        r.destinationKind = static_cast<std::uint8_t>(m->memoryKind);
        write(RecordType::Memset, r);
        break;
    }
    case CUPTI_ACTIVITY_KIND_RUNTIME:
    case CUPTI_ACTIVITY_KIND_DRIVER: {
        const auto* a = static_cast<const CUpti_ActivityAPI*>(activity);
        const bool isDriver = any->kind == CUPTI_ACTIVITY_KIND_DRIVER;
        nameApi(a->cbid, isDriver);
        records::ApiRecord r{};
        r.startRealtimeNs = time(a->start);
        r.endRealtimeNs = time(a->end);
        r.tid = a->threadId;
        r.correlationId = a->correlationId;
        r.callbackId = a->cbid;
        r.returnValue = static_cast<std::int32_t>(a->returnValue);
        r.isDriver = isDriver;
        write(RecordType::ApiCall, r);
        break;
    }
    case CUPTI_ACTIVITY_KIND_SYNCHRONIZATION: {
        const auto* s = static_cast<const CUpti_ActivitySynchronization*>(activity);
        records::SyncRecord r{};
        r.startRealtimeNs = time(s->start);
        r.endRealtimeNs = time(s->end);
        r.contextId = s->contextId;
        r.streamId = s->streamId;
        r.correlationId = s->correlationId;
        r.eventId = s->cudaEventId;
        r.type = static_cast<std::uint32_t>(s->type);
        write(RecordType::Synchronization, r);
        break;
    }
    case CUPTI_ACTIVITY_KIND_OVERHEAD: {
        const auto* o = static_cast<const CUpti_ActivityOverhead*>(activity);
        if (!(m_content & ContentOverhead) && !isOfLoading(o->overheadKind))
            break;
        records::OverheadRecord r{};
        r.startRealtimeNs = time(o->start);
        r.endRealtimeNs = time(o->end);
        r.kind = static_cast<std::uint32_t>(o->overheadKind);
        r.tid = o->objectKind == CUPTI_ACTIVITY_OBJECT_THREAD ? o->objectId.pt.threadId : 0;
        write(RecordType::Overhead, r);
        break;
    }
    case CUPTI_ACTIVITY_KIND_DEVICE: {
        const auto* d = static_cast<const CUpti_ActivityDevice4*>(activity);
        records::DeviceRecord r{};
        r.memoryBytes = d->globalMemorySize;
        std::memcpy(r.uuid, &d->uuid, sizeof r.uuid);
        r.deviceId = d->id;
        r.smCount = d->numMultiprocessors;
        r.computeMajor = d->computeCapabilityMajor;
        r.computeMinor = d->computeCapabilityMinor;
        if (d->name)
            std::strncpy(r.name, d->name, sizeof r.name - 1);
        addDevice(r);
        break;
    }
    case CUPTI_ACTIVITY_KIND_STREAM: {
        const auto* s = static_cast<const CUpti_ActivityStream*>(activity);
        records::StreamRecord r{};
        r.contextId = s->contextId;
        r.streamId = s->streamId;
        r.priority = static_cast<std::int32_t>(s->priority);
        r.flag = static_cast<std::uint32_t>(s->flag);
        write(RecordType::Stream, r);
        break;
    }
    case CUPTI_ACTIVITY_KIND_CONTEXT: {
        const auto* c = static_cast<const CUpti_ActivityContext*>(activity);
        records::ContextRecord r{};
        r.contextId = c->contextId;
        r.deviceId = c->deviceId;
        r.nullStreamId = c->nullStreamId;
        write(RecordType::Context, r);
        break;
    }
    case CUPTI_ACTIVITY_KIND_GRAPH_TRACE: {
        m_hasSeenGraphs = true;
        const auto* g = static_cast<const CUpti_ActivityGraphTrace*>(activity);
        if (!hasTime(g->start, g->end))
            break;
        records::GraphRecord r{};
        r.startRealtimeNs = time(g->start);
        r.endRealtimeNs = time(g->end);
        r.deviceId = g->deviceId;
        r.contextId = g->contextId;
        r.streamId = g->streamId;
        r.correlationId = g->correlationId;
        r.graphId = g->graphId;
        write(RecordType::GraphLaunch, r);
        break;
    }
    case CUPTI_ACTIVITY_KIND_MEMORY2: {
        const auto* m = static_cast<const CUpti_ActivityMemory3*>(activity);
        if (!hasTime(m->timestamp, m->timestamp))
            break;
        records::MemoryRecord r{};
        r.timeRealtimeNs = time(m->timestamp);
        r.address = m->address;
        r.bytes = m->bytes;
        r.programCounter = m->PC;
        r.poolType = static_cast<std::uint8_t>(m->memoryPoolConfig.memoryPoolType);
        if (r.poolType != CUPTI_ACTIVITY_MEMORY_POOL_TYPE_INVALID) {
            r.poolAddress = m->memoryPoolConfig.address;
            r.poolReleaseThreshold = m->memoryPoolConfig.releaseThreshold;
            r.poolSize = m->memoryPoolConfig.pool.size;
            r.poolUsed = m->memoryPoolConfig.utilizedSize;
        }
        r.deviceId = m->deviceId;
        r.contextId = m->contextId;
        r.streamId = m->streamId;
        r.correlationId = m->correlationId;
        r.nameId = nameId(m->name);
        r.operation = static_cast<std::uint8_t>(m->memoryOperationType);
        r.memoryKind = static_cast<std::uint8_t>(m->memoryKind);
        write(RecordType::MemoryOperation, r);
        break;
    }
    case CUPTI_ACTIVITY_KIND_JIT: {
        const auto* j = static_cast<const CUpti_ActivityJit*>(activity);
        if (!hasTime(j->start, j->end))
            break;
        records::JitRecord r{};
        r.startRealtimeNs = time(j->start);
        r.endRealtimeNs = time(j->end);
        r.deviceId = j->deviceId;
        r.correlationId = j->correlationId;
        r.entry = static_cast<std::uint32_t>(j->jitEntryType);
        r.operation = static_cast<std::uint32_t>(j->jitOperationType);
        write(RecordType::Jit, r);
        break;
    }
    default:
        break;
    }
}

} // namespace gantry::capture

#endif
