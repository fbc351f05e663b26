#include "trace_model/trace/trace.h"

#include <algorithm>

namespace gantry::trace {

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

RowSelection rowsIn(const EventColumns& columns, TimeRange window)
{
    const auto firstFrom = [&](TimestampNs time) {
        return static_cast<std::uint32_t>(std::lower_bound(columns.start.begin(), columns.start.end(), time) - columns.start.begin());
    };
    RowSelection rows{{}, firstFrom(window.start), firstFrom(window.end)};
    for (std::size_t block = 0; block * EventColumns::kBlockRows < rows.first; ++block) {
        if (columns.latestEnds[block] <= window.start)
            continue;
        const std::size_t blockEnd = std::min<std::size_t>(rows.first, (block + 1) * EventColumns::kBlockRows);
        for (std::size_t row = block * EventColumns::kBlockRows; row < blockEnd; ++row)
            if (columns.end(row) > window.start)
                rows.early.push_back(static_cast<std::uint32_t>(row));
    }
    return rows;
}

std::size_t Trace::eventCount() const
{
    std::size_t count = 0;
    for (int kind = 0; kind < kEventKindCount; ++kind)
        count += columns(static_cast<EventKind>(kind)).size();
    const Column<std::uint32_t>& sources = gpuRanges.source.values;
    return count - static_cast<std::size_t>(std::count_if(sources.begin(), sources.end(), [](std::uint32_t source) { return source != 0; }));
}

TimeRange Trace::spanTime(const DepthRow& row, std::size_t i) const
{
    TimeRange time = timeOf(row.event[i]);
    if (i > 0)
        time.start = std::max(time.start, timeOf(row.event[i - 1]).end);
    return time;
}

std::span<const RequestIndex> Trace::membersOf(const Execution& execution) const
{
    return std::span(executionMembers.data(), executionMembers.size()).subspan(execution.firstMember, execution.memberCount);
}

std::span<const ExecutionIndex> Trace::earlierExecutionsOf(const Request& request) const
{
    return std::span(earlierExecutions.data(), earlierExecutions.size()).subspan(request.firstEarlier, request.earlierCount);
}

const std::string* Trace::categoryName(std::uint64_t globalTid, const NvtxLabel& label) const
{
    const auto found = categoryNames.find({processOf(globalTid), label.domain.value, label.category});
    return found == categoryNames.end() ? nullptr : &found->second;
}

const std::string* Trace::streamName(std::uint64_t globalPid, std::uint32_t device, std::uint32_t context, std::uint32_t stream) const
{
    for (const std::uint64_t process : {globalPid, std::uint64_t{fileOf(globalPid)} << kFileShift})
        if (const auto named = streamNames.find({process, device, context, stream}); named != streamNames.end())
            return &named->second;
    return nullptr;
}

std::string Trace::nameOf(EventId event) const
{
    const std::uint32_t row = event.row();
    switch (event.kind()) {
    case EventKind::Kernel:
        return std::string(strings[kernels.shortName(row)]);
    case EventKind::Memcpy:
        return nameOf(memcpys.route[row]);
    case EventKind::Memset:
        return "Memset (" + std::string(name(memsets.memoryKind[row])) + ")";
    case EventKind::Synchronization:
        return std::string(name(synchronizations.type[row]));
    case EventKind::ApiCall:
        return std::string(strings[apiCalls.name(row)]);
    case EventKind::NvtxRange:
        return std::string(strings[nvtxRanges.text(row)]);
    case EventKind::NvtxMark:
        return std::string(strings[nvtxMarks.text(row)]);
    case EventKind::Overhead:
        return std::string(strings[overheads.name[row]]);
    case EventKind::Phase:
        return std::string(records::name(phases.phase[row]));
    case EventKind::GraphLaunch:
        return "CUDA graph " + std::to_string(graphLaunches.graph[row]);
    case EventKind::GpuRange:
        return std::string(strings[gpuRanges.text[row]]);
    case EventKind::LibraryCall:
        return std::string(strings[libraryCalls.name(row)]);
    case EventKind::OsCall:
        return std::string(strings[osCalls.name(row)]);
    }
    return {};
}

std::string Trace::nameOf(CopyRoute route)
{
    std::string text = "Memcpy " + std::string(name(route.kind));
    if (route.kind == CopyKind::HtoD || route.kind == CopyKind::DtoH)
        text += " (" + std::string(name(route.hostMemory())) + ")";
    return text;
}

} // namespace gantry::trace
