#include "trace_model/trace/nvtx_projection.h"

#include "trace_model/trace/column_sets.h"
#include "trace_model/trace/launch_key.h"
#include "trace_model/trace/thread_tracks.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

namespace gantry::trace {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

/// Which push/pop range made each launch, and which ranges lie around it.
class LaunchingRanges
{
public:
    explicit LaunchingRanges(const Trace& trace)
        : m_trace(trace), m_outer(trace.nvtxRanges.size(), kNone), m_open(trace.nvtxRanges.threads.size())
    {
        for (const GpuPlace& place : trace.gpuRanges.places.values())
            m_projectedFiles.insert(Trace::fileOf(place.globalPid));
        std::unordered_map<std::uint64_t, std::uint32_t> threads;
        for (std::uint32_t i = 0; i < trace.nvtxRanges.threads.size(); ++i)
            threads.emplace(trace.nvtxRanges.threads[i], i);
        std::vector<std::uint32_t> threadOf; // of calls to that of ranges
        for (const std::uint64_t tid : trace.apiCalls.threads.values()) {
            const auto found = threads.find(tid);
            threadOf.push_back(
                found != threads.end() && hasNvtx(trace, tid) && !m_projectedFiles.contains(Trace::fileOf(tid)) ? found->second : kNone);
        }
        for (std::uint32_t call = 0; call < trace.apiCalls.size(); ++call)
            if (const std::uint32_t thread = threadOf[trace.apiCalls.threadNumber[call]]; thread != kNone)
                take(call, thread);
    }
    /// The innermost range whose thread launched that, or kNone.
    [[nodiscard]] std::uint32_t innermost(std::uint64_t globalPid, std::uint32_t correlation) const
    {
        const auto found = m_ofLaunch.find(launchKey(globalPid, correlation));
        return found == m_ofLaunch.end() ? kNone : found->second;
    }
    [[nodiscard]] std::uint32_t outer(std::uint32_t range) const { return m_outer[range]; }
    [[nodiscard]] bool areNone() const { return m_ofLaunch.empty(); }

private:
    void take(std::uint32_t call, std::uint32_t thread)
    {
        const CallColumns& calls = m_trace.apiCalls;
        openUpTo(calls.start[call]);
        closeBefore(thread, calls.start[call]);
        if (!m_open[thread].empty() && calls.correlation[call] != 0)
            m_ofLaunch.emplace(launchKey(Trace::processOf(calls.globalTid(call)), calls.correlation[call]), m_open[thread].back());
    }
    void openUpTo(TimestampNs time)
    {
        const NvtxColumns& ranges = m_trace.nvtxRanges;
        for (; m_next < ranges.size() && ranges.start[m_next] <= time; ++m_next) {
            if (ranges.isStartEnd(m_next))
                continue;
            const std::uint32_t thread = ranges.threadNumber[m_next];
            closeBefore(thread, ranges.start[m_next]);
            if (!m_open[thread].empty())
                m_outer[m_next] = m_open[thread].back();
            m_open[thread].push_back(m_next);
        }
    }
    void closeBefore(std::uint32_t thread, TimestampNs time)
    {
        while (!m_open[thread].empty() && m_trace.nvtxRanges.end(m_open[thread].back()) <= time)
            m_open[thread].pop_back();
    }

    const Trace& m_trace;
    std::set<std::uint32_t> m_projectedFiles;
    std::vector<std::uint32_t> m_outer;                          ///< by range: the one around it
    std::vector<std::vector<std::uint32_t>> m_open;              ///< by thread: ranges around the current time, the innermost last
    std::unordered_map<std::uint64_t, std::uint32_t> m_ofLaunch; ///< by launchKey()
    std::uint32_t m_next = 0;
};

/// The ranges' spans on the streams, as they grow with each piece of work.
class Projection
{
public:
    explicit Projection(const LaunchingRanges& ranges) : m_ranges(ranges) {}

    void take(const GpuEventColumns& work)
    {
        std::vector<std::uint32_t> places;
        for (const GpuPlace& place : work.places.values())
            places.push_back(m_places.add(place));
        m_lately.resize(m_places.size());
        for (std::size_t row = 0; row < work.size(); ++row) {
            const std::uint32_t range = m_ranges.innermost(work.globalPid(row), work.correlation[row]);
            if (range == kNone)
                continue;
            const std::uint32_t place = places[work.placeNumber[row]];
            for (const std::size_t span : spansOf(range, place)) {
                m_spans[span].time.start = std::min(m_spans[span].time.start, work.start[row]);
                m_spans[span].time.end = std::max(m_spans[span].time.end, work.end(row));
            }
        }
    }
    void giveTo(GpuRangeColumns& columns, const NvtxColumns& ranges)
    {
        // Of ranges with the same work the outer one, whose row comes first, stays the outer one.
        std::sort(m_spans.begin(), m_spans.end(), [](const Span& a, const Span& b) { return a.range < b.range; });
        const std::size_t before = columns.size();
        for (const Span& span : m_spans) {
            if (ranges.text(span.range).isNone())
                continue;
            columns.addTimes(span.time.start, span.time.end);
            columns.correlation.push_back(0);
            columns.placeNumber.push_back(columns.places.add(m_places[span.place]));
            columns.text.push_back(ranges.text(span.range));
            columns.source.add(columns.size() - 1, span.range + 1);
        }
        if (columns.size() == before)
            return;
        sortByStart(columns);
        columns.latestEnds = {};
        freeze(columns);
    }

private:
    struct Span
    {
        std::uint32_t range, place;
        TimeRange time;
    };
    struct Lately
    {
        std::uint32_t range = kNone;
        std::vector<std::size_t> spans;
    };

    /// The spans of a range and of those around it. Work comes in runs: mostly they are those of the work before.
    const std::vector<std::size_t>& spansOf(std::uint32_t range, std::uint32_t place)
    {
        Lately& lately = m_lately[place];
        if (std::exchange(lately.range, range) == range)
            return lately.spans;
        lately.spans.clear();
        for (; range != kNone; range = m_ranges.outer(range)) {
            const auto [found, isNew] = m_spanOf.try_emplace(std::uint64_t{range} << 32 | place, m_spans.size());
            if (isNew)
                m_spans.push_back({range, place, {std::numeric_limits<TimestampNs>::max(), std::numeric_limits<TimestampNs>::min()}});
            lately.spans.push_back(found->second);
        }
        return lately.spans;
    }

    const LaunchingRanges& m_ranges;
    Dictionary<GpuPlace> m_places;
    std::vector<Span> m_spans;
    std::unordered_map<std::uint64_t, std::size_t> m_spanOf; ///< by range and place
    std::vector<Lately> m_lately;                            ///< by place
};

} // namespace

void projectNvtx(Trace& trace)
{
    const Column<std::uint64_t>& threads = trace.nvtxRanges.threads.values();
    if (trace.apiCalls.size() == 0 || std::none_of(threads.begin(), threads.end(), [&](std::uint64_t tid) { return hasNvtx(trace, tid); }))
        return;
    if (std::max(trace.nvtxRanges.size(), trace.apiCalls.size()) > kMostProjected) {
        if (trace.gpuRanges.size() == 0)
            trace.meta.warnings.push_back(fmt::format(
                "NVTX ranges are not drawn on the GPU's streams: the trace has more than {} ranges or API calls. Export a shorter "
                "time of it to see them.",
                kMostProjected));
        return;
    }
    const LaunchingRanges ranges(trace);
    if (ranges.areNone())
        return;
    Projection projection(ranges);
    for (const GpuEventColumns* work :
         {static_cast<const GpuEventColumns*>(&trace.kernels), static_cast<const GpuEventColumns*>(&trace.memcpys),
          static_cast<const GpuEventColumns*>(&trace.memsets), static_cast<const GpuEventColumns*>(&trace.graphLaunches)})
        projection.take(*work);
    projection.giveTo(trace.gpuRanges, trace.nvtxRanges);
}

} // namespace gantry::trace
