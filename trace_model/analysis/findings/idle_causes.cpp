#include "trace_model/analysis/findings/idle_causes.h"

#include <algorithm>

namespace gantry::findings {
namespace {

constexpr std::uint32_t kStopCheckMask = 0xFFF; // a look at the token each 4 096 gaps

IdleCause causeOf(CallClass call)
{
    switch (call) {
    case CallClass::Launch:
    case CallClass::AsyncCopy:
        return IdleCause::Launching;
    case CallClass::Copy:
        return IdleCause::Copying;
    case CallClass::Synchronize:
        return IdleCause::Waiting;
    case CallClass::Memory:
        return IdleCause::Memory;
    case CallClass::Load:
        return IdleCause::Loading;
    case CallClass::Other:
        break;
    }
    return IdleCause::OtherCalls;
}

/// The parts of one gap, by cause.
class GapParts
{
public:
    GapParts(const trace::Trace& trace, const HostFacts& host, const ServingFacts& serving)
        : m_trace(trace), m_host(host), m_serving(serving)
    {
    }

    std::array<DurationNs, kIdleCauseCount> of(const GpuGap& gap)
    {
        m_parts = {};
        const auto call = m_host.callOf(m_trace, gap.next);
        if (!call) {
            add(IdleCause::Unknown, gap.time.duration());
            return m_parts;
        }
        const TimeRange launch = m_trace.apiCalls.time(*call).clippedTo(gap.time);
        const std::uint64_t tid = m_trace.apiCalls.globalTid(*call);
        const bool isEarly = m_trace.apiCalls.start[*call] <= gap.time.start;
        if (!isEarly)
            takeThread(tid, {gap.time.start, launch.start});
        add(causeOf(m_host.classOfRow(m_trace, *call)), launch.duration());
        add(IdleCause::Device, gap.time.end - (isEarly ? std::max(launch.end, gap.time.start) : launch.end));
        return m_parts;
    }

private:
    void add(IdleCause cause, DurationNs part) { m_parts[static_cast<std::size_t>(cause)] += std::max<DurationNs>(0, part); }

    /// What the thread did before it launched.
    void takeThread(std::uint64_t tid, TimeRange time)
    {
        const ThreadFacts* thread = m_host.thread(tid);
        if (!thread)
            return add(IdleCause::HostCode, time.duration());
        const auto& starts = m_trace.apiCalls.start;
        auto call = std::lower_bound(thread->calls.begin(), thread->calls.end(), time.start,
                                     [&](std::uint32_t row, TimestampNs start) { return starts[row] < start; });
        if (call != thread->calls.begin())
            --call; // may reach into the gap
        TimestampNs from = time.start;
        for (; call != thread->calls.end() && starts[*call] < time.end; ++call) {
            const TimeRange part = m_trace.apiCalls.time(*call).clippedTo(time);
            if (part.isEmpty())
                continue;
            takeOutside(tid, {from, part.start});
            add(causeOf(m_host.classOfRow(m_trace, *call)), part.duration());
            from = part.end;
        }
        takeOutside(tid, {from, time.end});
    }

    /// Time of the thread in none of CUDA's calls.
    void takeOutside(std::uint64_t tid, TimeRange time)
    {
        if (time.isEmpty())
            return;
        const auto split = m_serving.splitByExecution(tid, time);
        if (!split)
            return add(IdleCause::HostCode, time.duration());
        add(IdleCause::HostCode, split->executing);
        add(IdleCause::Batching, split->waitedFor);
        add(IdleCause::NoRequests, time.duration() - split->executing - split->waitedFor);
    }

    const trace::Trace& m_trace;
    const HostFacts& m_host;
    const ServingFacts& m_serving;
    std::array<DurationNs, kIdleCauseCount> m_parts{};
};

void keepLongest(IdleCauses::Cause& cause, const GpuGap& gap)
{
    const auto isLonger = [](const GpuGap& a, const GpuGap& b) { return a.time.duration() > b.time.duration(); };
    const auto place = std::upper_bound(cause.longest.begin(), cause.longest.end(), gap, isLonger);
    if (place == cause.longest.end() && cause.longest.size() >= IdleCauses::kMostExamples)
        return;
    cause.longest.insert(place, gap);
    if (cause.longest.size() > IdleCauses::kMostExamples)
        cause.longest.pop_back();
}

} // namespace

std::string_view text(IdleCause cause)
{
    constexpr std::string_view kTexts[] = {"in calls that launch work",
                                           "in synchronous copies",
                                           "in calls that wait for the GPU",
                                           "allocating or releasing memory",
                                           "loading code or making contexts and graphs",
                                           "in other CUDA calls",
                                           "in code between CUDA calls",
                                           "idle while requests waited in the queue",
                                           "without a request to execute",
                                           "done (its work started late, or waited for other streams)",
                                           "not recorded at its launch"};
    return kTexts[static_cast<std::size_t>(cause)];
}

IdleCauses idleCauses(const trace::Trace& trace, const GpuFacts& gpu, const HostFacts& host, const ServingFacts& serving,
                      const std::stop_token& stop)
{
    IdleCauses idle;
    GapParts parts(trace, host, serving);
    for (std::uint32_t i = 0; i < gpu.gaps.size(); ++i) {
        if ((i & kStopCheckMask) == 0 && stop.stop_requested())
            break;
        const GpuGap& gap = gpu.gaps[i];
        idle.total += gap.time.duration();
        const auto byCause = parts.of(gap);
        for (std::size_t cause = 0; cause < kIdleCauseCount; ++cause)
            idle.causes[cause].total += byCause[cause];
        const auto most = std::max_element(byCause.begin(), byCause.end()) - byCause.begin();
        keepLongest(idle.causes[static_cast<std::size_t>(most)], gap);
    }
    return idle;
}

} // namespace gantry::findings
