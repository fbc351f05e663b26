#include "trace_model/trace/thread_tracks.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace gantry::trace {
namespace {

/// Domains in the order of their names, which is the same however a trace was read; the default one is first.
std::vector<std::pair<StringId, RowBuilder*>> byName(TrackList& list, std::map<StringId, RowBuilder>& rows)
{
    std::vector<std::pair<StringId, RowBuilder*>> sorted;
    for (auto& [domain, ofDomain] : rows)
        sorted.emplace_back(domain, &ofDomain);
    const auto nameOf = [&](StringId domain) { return domain.isNone() ? std::string_view() : list.trace().strings[domain]; };
    std::sort(sorted.begin(), sorted.end(), [&](const auto& a, const auto& b) { return nameOf(a.first) < nameOf(b.first); });
    return sorted;
}

TrackId addRows(TrackList& list, TrackId parent, TrackKind kind, std::string name, std::uint64_t tid, RowBuilder& rows,
                std::string detail = {})
{
    Track track;
    track.kind = kind;
    track.parent = parent;
    track.name = std::move(name);
    track.detail = std::move(detail);
    track.globalTid = tid;
    track.rows = rows.takeRows();
    return list.add(std::move(track));
}

/// How long the value was 1 until `end`.
DurationNs timeAtOne(const CounterColumns& running, TimestampNs end)
{
    DurationNs sum = 0;
    for (std::size_t i = 0; i < running.time.size(); ++i)
        if (running.value[i] != 0)
            sum += std::max<DurationNs>(0, (i + 1 < running.time.size() ? running.time[i + 1] : end) - running.time[i]);
    return sum;
}

void addRunning(TrackList& list, TrackId parent, std::string name, std::uint64_t tid, CounterColumns running)
{
    const TimeRange window = list.trace().window.isEmpty() ? list.trace().time : list.trace().window;
    Track track;
    track.kind = TrackKind::Counter;
    track.parent = parent;
    track.name = std::move(name);
    track.detail = percentOf(timeAtOne(running, window.end), window.duration());
    track.globalTid = tid;
    track.counter = std::move(running);
    track.counter.isExact = track.counter.isDerived = true;
    list.add(std::move(track));
}

/// "NVTX", "NVTX start/end ranges · NCCL", "Operators, Python": what events are (`kind` of NVTX), and the domain unless it is the
/// default one.
std::string nameOf(TrackList& list, const std::set<RangeOrigin>& origins, std::string_view kind, StringId domain)
{
    std::string text;
    for (const RangeOrigin origin : origins)
        text += (text.empty() ? "" : ", ") + std::string(name(origin));
    if (origins == std::set{RangeOrigin::Nvtx})
        text += kind;
    return domain.isNone() ? text : text + " · " + std::string(list.trace().strings[domain]);
}

} // namespace

bool hasNvtx(const Trace& trace, std::uint64_t tid)
{
    const std::uint32_t file = Trace::fileOf(tid);
    return file >= trace.imports.size() || !trace.imports[file].format.starts_with("Chrome");
}

/// The rows of one kind of events: `choose(process, thread)` of each of them.
template <typename Choose>
void ThreadRows::take(const ThreadEventColumns& columns, EventKind kind, Choose choose)
{
    std::vector<RowBuilder*> targets; // by thread
    for (const std::uint64_t tid : columns.threads.values())
        targets.push_back(&choose(m_processes[Trace::processOf(tid)].threads[tid]));
    for (std::uint32_t row = 0; row < columns.size(); ++row)
        targets[columns.threadNumber[row]]->nest({columns.start[row], columns.end(row), EventId(kind, row)});
}

void ThreadRows::takeNvtx(const Trace& trace)
{
    // A row for each thread and look (what decides the row of a label), of which there are few each: found once, not at each event.
    struct Targets
    {
        RowBuilder* ofDomain = nullptr;
        RowBuilder* ofCategory = nullptr; ///< of a named one
    };
    const auto takeAll = [&](const NvtxColumns& columns, EventKind kind, auto rowsOf) {
        std::map<std::tuple<StringId, std::uint32_t, bool>, std::uint32_t> looks;
        std::vector<std::uint32_t> lookOf; // by label
        for (const NvtxLabel& label : columns.labels.values())
            lookOf.push_back(looks.try_emplace({label.domain, label.category, label.isStartEnd != 0}, looks.size()).first->second);
        std::vector<std::vector<Targets>> targets(columns.threads.size());
        for (std::uint32_t row = 0; row < columns.size(); ++row) {
            const std::uint32_t thread = columns.threadNumber[row], label = columns.labelNumber[row];
            std::vector<Targets>& ofThread = targets[thread];
            if (ofThread.empty())
                ofThread.resize(looks.size());
            Targets& target = ofThread[lookOf[label]];
            if (!target.ofDomain)
                target = rowsOf(columns.threads[thread], columns.labels[label]);
            const LooseSpan span{columns.start[row], columns.end(row), EventId(kind, row)};
            target.ofDomain->nest(span);
            if (target.ofCategory)
                target.ofCategory->nest(span);
        }
    };
    takeAll(trace.nvtxRanges, EventKind::NvtxRange, [&](std::uint64_t tid, const NvtxLabel& label) -> Targets {
        Process& process = m_processes[Trace::processOf(tid)];
        const StringId domain = hasNvtx(trace, tid) ? label.domain : StringId();
        const RangeOrigin origin = originOf(trace, tid, label.domain);
        if (label.isStartEnd) {
            process.asyncOrigins[domain].insert(origin);
            return {&process.async[domain]};
        }
        Thread& thread = process.threads[tid];
        thread.origins[domain].insert(origin);
        const std::string* category = trace.categoryName(tid, label);
        if (!category)
            thread.withoutCategory.insert(domain);
        return {&thread.ranges[domain], category ? &thread.categories[domain][*category] : nullptr};
    });
    takeAll(trace.nvtxMarks, EventKind::NvtxMark, [&](std::uint64_t tid, const NvtxLabel& label) -> Targets {
        Thread& thread = m_processes[Trace::processOf(tid)].threads[tid];
        const StringId domain = hasNvtx(trace, tid) ? label.domain : StringId();
        thread.areMarksNvtx = originOf(trace, tid, label.domain) == RangeOrigin::Nvtx;
        return {&thread.marks[domain]};
    });
}

ThreadRows::ThreadRows(const Trace& trace)
{
    takeNvtx(trace);
    take(trace.apiCalls, EventKind::ApiCall, [](Thread& thread) -> RowBuilder& { return thread.api; });
    take(trace.libraryCalls, EventKind::LibraryCall, [](Thread& thread) -> RowBuilder& { return thread.libraries; });
    take(trace.osCalls, EventKind::OsCall, [](Thread& thread) -> RowBuilder& { return thread.os; });
}

void ThreadRows::takeRunning(std::uint64_t tid, CounterColumns running)
{
    if (const auto process = m_processes.find(Trace::processOf(tid)); process != m_processes.end())
        process->second.threads[tid].running = std::move(running);
}

void ThreadRows::addTo(TrackList& list)
{
    for (auto& [pid, process] : m_processes) {
        const TrackId group = list.addGroup({}, list.processName(pid), list.fileName(Trace::fileOf(pid)));
        for (auto& [tid, thread] : process.threads)
            if (thread.hasEvents())
                addThread(list, group, tid, thread);
        for (auto& [tid, thread] : process.threads)
            if (!thread.hasEvents())
                addThread(list, group, tid, thread);
        for (const auto& [domain, rows] : byName(list, process.async))
            addRows(list, group, TrackKind::NvtxAsync, nameOf(list, process.asyncOrigins[domain], " start/end ranges", domain), 0, *rows);
    }
}

void ThreadRows::addThread(TrackList& list, TrackId process, std::uint64_t tid, Thread& thread)
{
    // The thread's first row carries its name, and its others lie below: a header of its own would only push them apart.
    TrackId first;
    const auto add = [&](TrackKind kind, std::string what, RowBuilder& rows) {
        if (rows.isEmpty())
            return TrackId();
        if (!first.isNone())
            return addRows(list, first, kind, std::move(what), tid, rows);
        first = addRows(list, process, kind, list.threadName(tid), tid, rows, std::move(what));
        return first;
    };
    for (const auto& [domain, rows] : byName(list, thread.ranges)) {
        const TrackId row = add(TrackKind::NvtxThread, nameOf(list, thread.origins[domain], "", domain), *rows);
        auto& categories = thread.categories[domain];
        if (categories.size() < 2 && !thread.withoutCategory.contains(domain))
            continue; // the domain's row shows just that
        for (auto& [name, ofCategory] : categories)
            addRows(list, row, TrackKind::NvtxCategory, "Category " + name, tid, ofCategory);
    }
    for (const auto& [domain, rows] : byName(list, thread.marks))
        add(TrackKind::NvtxMarks,
            (thread.areMarksNvtx ? "NVTX marks" : "Marks") +
                (domain.isNone() ? std::string() : " · " + std::string(list.trace().strings[domain])),
            *rows);
    add(TrackKind::ThreadApi, std::string(apiName(list.trace())), thread.api);
    add(TrackKind::ThreadLibrary, "Libraries", thread.libraries);
    add(TrackKind::ThreadOs, "OS runtime", thread.os);
    if (!thread.running.time.empty())
        addRunning(list, first.isNone() ? process : first, first.isNone() ? list.threadName(tid) + " on CPU" : "On CPU", tid,
                   std::move(thread.running));
}

} // namespace gantry::trace
