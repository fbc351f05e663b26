#include "trace_model/trace/track_list.h"

#include "trace_model/import/event_sink.h"
#include "trace_model/trace/counter_levels.h"

#include <fmt/format.h>

namespace gantry::trace {

TrackId TrackList::add(Track track)
{
    m_trace.tracks.push_back(std::move(track));
    return TrackId(static_cast<std::uint32_t>(m_trace.tracks.size() - 1));
}

TrackId TrackList::addGroup(TrackId parent, std::string name, std::string detail)
{
    Track track;
    track.parent = parent;
    track.name = std::move(name);
    track.detail = std::move(detail);
    return add(std::move(track));
}

void TrackList::addDerivedCounter(TrackId parent, std::string name, std::string unit, CounterColumns samples)
{
    if (samples.time.empty())
        return;
    Track track;
    track.kind = TrackKind::Counter;
    track.parent = parent;
    track.name = std::move(name);
    track.counter = std::move(samples);
    track.counter.unit = std::move(unit);
    track.counter.isDerived = true;
    sortAndIndex(track.counter);
    add(std::move(track));
}

std::string TrackList::modelName(StringId model, StringId version) const
{
    const std::string_view number = m_trace.strings[version];
    return std::string(m_trace.strings[model]) + (number.empty() ? "" : ":" + std::string(number));
}

std::string TrackList::threadName(std::uint64_t globalTid) const
{
    const auto found = m_trace.threadNames.find(globalTid);
    if (Trace::tidOf(globalTid) >= importing::kFirstMadeUpId)
        return found == m_trace.threadNames.end() ? std::string("Thread") : found->second;
    const std::string number = fmt::format("{}", Trace::tidOf(globalTid));
    if (found == m_trace.threadNames.end())
        return "Thread " + number;
    // Some tools put the number into the name: "thread 604 (python3)".
    return found->second.find(number) == std::string::npos ? fmt::format("{} ({})", found->second, number) : found->second;
}

std::string TrackList::processName(std::uint64_t globalPid) const
{
    const auto found = m_trace.processNames.find(globalPid);
    std::string name = found == m_trace.processNames.end() || found->second.empty() ? std::string("Process") : found->second;
    if (name.starts_with('/')) // a program's file: its folders would leave no room for what tells it from others
        name.erase(0, name.rfind('/') + 1);
    return Trace::pidOf(globalPid) >= importing::kFirstMadeUpId ? name : fmt::format("{} ({})", name, Trace::pidOf(globalPid));
}

std::string TrackList::fileName(std::uint32_t file) const
{
    return m_trace.imports.size() > 1 && file < m_trace.imports.size() ? m_trace.imports[file].file : std::string();
}

std::string TrackList::busyShare(DurationNs busy) const
{
    const std::string percent = percentOf(busy, m_trace.time.duration());
    return (percent.empty() ? "0.0 %" : percent) + " busy";
}

std::string percentOf(DurationNs part, DurationNs whole)
{
    return whole > 0 ? fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole)) : std::string();
}

} // namespace gantry::trace
