#include "trace_model/trace/trace.h"

#include <algorithm>

namespace gantry::trace {

std::string_view name(EventKind kind)
{
    static constexpr std::string_view kNames[kEventKindCount] = {"kernel",     "memcpy",    "memset",   "synchronization", "api_call",
                                                                 "nvtx_range", "nvtx_mark", "overhead", "phase"};
    return kNames[static_cast<int>(kind)];
}

std::string_view name(CopyKind kind)
{
    static constexpr std::string_view kNames[] = {"Unknown", "HtoD", "DtoH", "HtoA", "AtoH", "AtoA", "AtoD",
                                                  "DtoA",    "DtoD", "HtoH", "PtoP", "UVM HtoD", "UVM DtoH", "UVM DtoD"};
    return kNames[static_cast<int>(kind)];
}

std::string_view name(MemoryKind kind)
{
    static constexpr std::string_view kNames[] = {"Pageable", "Pinned", "Device", "Array", "Managed", "Device static", "Managed static", "Unknown"};
    return kNames[static_cast<int>(kind)];
}

std::string_view name(SyncType type)
{
    static constexpr std::string_view kNames[] = {"unknown", "event sync", "stream wait event", "stream sync", "context sync"};
    return kNames[static_cast<int>(type)];
}

StringId StringTable::intern(std::string_view text)
{
    if (const auto found = m_index.find(text); found != m_index.end())
        return StringId(found->second);
    const auto id = static_cast<std::uint32_t>(m_texts.size());
    m_texts.emplace_back(text);
    m_index.emplace(text, id);
    return StringId(id);
}

std::string_view StringTable::operator[](StringId id) const
{
    return id.value < m_texts.size() ? std::string_view(m_texts[id.value]) : std::string_view();
}

std::vector<TimeRange> Request::outsidePhases() const
{
    std::vector<TimeRange> inside;
    for (const auto& phase : phases)
        if (phase)
            inside.push_back(phase->clippedTo(time));
    std::sort(inside.begin(), inside.end());
    std::vector<TimeRange> outside;
    TimestampNs covered = time.start;
    for (const TimeRange& phase : inside) {
        if (phase.start > covered)
            outside.push_back({covered, phase.start});
        covered = std::max(covered, phase.end);
    }
    if (time.end > covered)
        outside.push_back({covered, time.end});
    return outside;
}

const EventColumns& Trace::columns(EventKind kind) const
{
    switch (kind) {
    case EventKind::Kernel: return kernels;
    case EventKind::Memcpy: return memcpys;
    case EventKind::Memset: return memsets;
    case EventKind::Synchronization: return synchronizations;
    case EventKind::ApiCall: return apiCalls;
    case EventKind::NvtxRange: return nvtxRanges;
    case EventKind::NvtxMark: return nvtxMarks;
    case EventKind::Overhead: return overheads;
    case EventKind::Phase: return phases;
    }
    return kernels;
}

TimeRange Trace::timeOf(EventId event) const
{
    const EventColumns& c = columns(event.kind());
    return {c.start[event.row()], c.end[event.row()]};
}

std::string Trace::nameOf(EventId event) const
{
    const std::uint32_t row = event.row();
    switch (event.kind()) {
    case EventKind::Kernel: return std::string(strings[kernels.shortName[row]]);
    case EventKind::Memcpy: {
        // The host side's kind is what matters: pageable copies go through a staging buffer.
        const CopyKind copy = memcpys.copyKind[row];
        const MemoryKind host = copy == CopyKind::DtoH ? memcpys.destinationKind[row] : memcpys.sourceKind[row];
        std::string text = "Memcpy " + std::string(name(copy));
        if (copy == CopyKind::HtoD || copy == CopyKind::DtoH)
            text += " (" + std::string(name(host)) + ")";
        return text;
    }
    case EventKind::Memset: return "Memset (" + std::string(name(memsets.memoryKind[row])) + ")";
    case EventKind::Synchronization: return std::string(name(synchronizations.type[row]));
    case EventKind::ApiCall: return std::string(strings[apiCalls.name[row]]);
    case EventKind::NvtxRange: return std::string(strings[nvtxRanges.text[row]]);
    case EventKind::NvtxMark: return std::string(strings[nvtxMarks.text[row]]);
    case EventKind::Overhead: return std::string(strings[overheads.name[row]]);
    case EventKind::Phase: return std::string(records::name(phases.phase[row]));
    }
    return {};
}

} // namespace gantry::trace
