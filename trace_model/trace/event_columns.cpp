#include "trace_model/trace/event_columns.h"

namespace gantry::trace {

std::string_view name(EventKind kind)
{
    static constexpr std::string_view kNames[kEventKindCount] = {"kernel",   "memcpy", "memset",       "synchronization", "api_call",     "nvtx_range", "nvtx_mark",
                                                                 "overhead", "phase",  "graph_launch", "gpu_range",       "library_call", "os_call"};
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

std::uint32_t EventColumns::coded(DurationNs duration)
{
    if (duration < static_cast<DurationNs>(kLong))
        return static_cast<std::uint32_t>(duration);
    longDurations.push_back(duration);
    return kLong + static_cast<std::uint32_t>(longDurations.size() - 1);
}

void EventColumns::addTimes(TimestampNs from, TimestampNs to)
{
    start.push_back(from);
    shortDuration.push_back(coded(to - from));
}

void EventColumns::setEnd(std::size_t row, TimestampNs to)
{
    shortDuration[row] = coded(to - start[row]);
}

} // namespace gantry::trace
