#include "trace_model/trace/nvtx_projection.h"

#include "trace_model/trace/column_sets.h"
#include "trace_model/trace/launch_key.h"
#include "trace_model/trace/thread_tracks.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <set>
#include <stop_token>
#include <unordered_map>
#include <vector>

namespace gantry::trace {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kRowsBetweenLooks = 65536; // at the stop token

/// A push/pop range that a launch was made in, the innermost one of its domain, and the place of the next one.
struct LaunchRange
{
    std::uint32_t range, next;
};

/// Which push/pop ranges each launch was made in, and which ones lie around those. Ranges of one thread and domain nest, those of several
/// domains need not.
class LaunchingRanges
{
public:
    LaunchingRanges(const Trace& trace, const std::set<std::uint32_t>& projectedFiles)
        : m_trace(trace), m_outer(trace.nvtxRanges.size(), kNone)
    {
        std::unordered_map<std::uint64_t, std::uint32_t> threads;
        for (std::uint32_t i = 0; i < trace.nvtxRanges.threads.size(); ++i)
            threads.emplace(trace.nvtxRanges.threads[i], i);
        m_open.resize(threads.size());
        for (const std::uint64_t tid : trace.apiCalls.threads.values()) {
            const auto found = threads.find(tid);
            const bool isWanted = found != threads.end() && hasNvtx(trace, tid) && !projectedFiles.contains(Trace::fileOf(tid));
            m_threadOfCalls.push_back(isWanted ? found->second : kNone);
        }
    }
    /// False: asked to stop.
    [[nodiscard]] bool find(const std::stop_token& stop)
    {
        for (std::uint32_t call = 0; call < m_trace.apiCalls.size(); ++call) {
            if (call % kRowsBetweenLooks == 0 && stop.stop_requested())
                return false;
            if (const std::uint32_t thread = m_threadOfCalls[m_trace.apiCalls.threadNumber[call]]; thread != kNone)
                take(call, thread);
        }
        return true;
    }
    /// The first of the ranges that a launch was made in, as an index for at(); kNone: it was in none.
    [[nodiscard]] std::uint32_t firstOf(std::uint64_t globalPid, std::uint32_t correlation) const
    {
        const auto found = m_ofLaunch.find(launchKey(globalPid, correlation));
        return found == m_ofLaunch.end() ? kNone : found->second;
    }
    [[nodiscard]] const LaunchRange& at(std::uint32_t index) const { return m_ranges[index]; }
    /// The range around one, or kNone.
    [[nodiscard]] std::uint32_t outer(std::uint32_t range) const { return m_outer[range]; }
    [[nodiscard]] bool areNone() const { return m_ofLaunch.empty(); }

private:
    /// Ranges of a domain around the current time, the innermost last.
    struct OpenRanges
    {
        StringId domain;
        std::vector<std::uint32_t> ranges;
    };

    void take(std::uint32_t call, std::uint32_t thread)
    {
        const CallColumns& calls = m_trace.apiCalls;
        openUpTo(calls.start[call]);
        if (calls.correlation[call] == 0)
            return;
        std::uint32_t first = kNone;
        for (OpenRanges& open : m_open[thread]) {
            closeBefore(open, calls.start[call]);
            if (open.ranges.empty())
                continue;
            m_ranges.push_back({open.ranges.back(), first});
            first = static_cast<std::uint32_t>(m_ranges.size() - 1);
        }
        if (first != kNone) // of two calls with one id the outer one, the runtime's, comes first
            m_ofLaunch.emplace(launchKey(Trace::processOf(calls.globalTid(call)), calls.correlation[call]), first);
    }
    void openUpTo(TimestampNs time)
    {
        const NvtxColumns& ranges = m_trace.nvtxRanges;
        for (; m_next < ranges.size() && ranges.start[m_next] <= time; ++m_next) {
            if (ranges.isStartEnd(m_next))
                continue;
            OpenRanges& open = openOf(ranges.threadNumber[m_next], ranges.domain(m_next));
            closeBefore(open, ranges.start[m_next]);
            if (!open.ranges.empty())
                m_outer[m_next] = open.ranges.back();
            open.ranges.push_back(m_next);
        }
    }
    /// A thread has few domains.
    OpenRanges& openOf(std::uint32_t thread, StringId domain)
    {
        for (OpenRanges& open : m_open[thread])
            if (open.domain == domain)
                return open;
        return m_open[thread].emplace_back(OpenRanges{domain, {}});
    }
    void closeBefore(OpenRanges& open, TimestampNs time) const
    {
        while (!open.ranges.empty() && m_trace.nvtxRanges.end(open.ranges.back()) <= time)
            open.ranges.pop_back();
    }

    const Trace& m_trace;
    std::vector<std::uint32_t> m_threadOfCalls;  ///< by thread of calls: that of ranges, or kNone
    std::vector<std::uint32_t> m_outer;          ///< by range
    std::vector<std::vector<OpenRanges>> m_open; ///< by thread of ranges
    std::vector<LaunchRange> m_ranges;
    std::unordered_map<std::uint64_t, std::uint32_t> m_ofLaunch; ///< by launchKey(): the first one in m_ranges
    std::uint32_t m_next = 0;
};

/// The ranges' spans on the streams, as they grow with each piece of work.
class Projection
{
public:
    explicit Projection(const LaunchingRanges& ranges) : m_ranges(ranges) {}

    /// False: asked to stop.
    [[nodiscard]] bool take(const GpuEventColumns& work, const std::stop_token& stop)
    {
        std::vector<std::uint32_t> places;
        for (const GpuPlace& place : work.places.values())
            places.push_back(m_places.add(place));
        m_lately.resize(m_places.size());
        for (std::size_t row = 0; row < work.size(); ++row) {
            if (row % kRowsBetweenLooks == 0 && stop.stop_requested())
                return false;
            const std::uint32_t place = places[work.placeNumber[row]];
            std::uint32_t next = m_ranges.firstOf(work.globalPid(row), work.correlation[row]);
            for (std::size_t domain = 0; next != kNone; next = m_ranges.at(next).next, ++domain)
                for (const std::size_t span : spansOf(m_ranges.at(next).range, place, domain)) {
                    m_spans[span].time.start = std::min(m_spans[span].time.start, work.start[row]);
                    m_spans[span].time.end = std::max(m_spans[span].time.end, work.end(row));
                }
        }
        return true;
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

    /// The spans of a range and of those around it. Work comes in runs: mostly they are those of the work before, of the same domain.
    const std::vector<std::size_t>& spansOf(std::uint32_t range, std::uint32_t place, std::size_t domain)
    {
        if (m_lately[place].size() <= domain)
            m_lately[place].resize(domain + 1);
        Lately& lately = m_lately[place][domain];
        if (std::exchange(lately.range, range) == range)
            return lately.spans;
        lately.spans.clear();
        for (std::size_t depth = 0; range != kNone && depth < kDeepestProjected; range = m_ranges.outer(range), ++depth) {
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
    std::vector<std::vector<Lately>> m_lately;               ///< by place, for each domain
};

} // namespace

bool projectNvtx(Trace& trace, const std::stop_token& stop)
{
    std::set<std::uint32_t> projectedFiles;
    for (const GpuPlace& place : trace.gpuRanges.places.values())
        projectedFiles.insert(Trace::fileOf(place.globalPid));
    const Column<std::uint64_t>& threads = trace.nvtxRanges.threads.values();
    const auto isToProject = [&](std::uint64_t tid) { return hasNvtx(trace, tid) && !projectedFiles.contains(Trace::fileOf(tid)); };
    if (trace.apiCalls.size() == 0 || std::none_of(threads.begin(), threads.end(), isToProject))
        return true;
    if (std::max(trace.nvtxRanges.size(), trace.apiCalls.size()) > kMostProjected) {
        trace.meta.warnings.push_back(
            fmt::format("NVTX ranges are not drawn on the GPU's streams: the trace has more than {} ranges or API calls. Export a shorter "
                        "time of it to see them.",
                        kMostProjected));
        return true;
    }
    LaunchingRanges ranges(trace, projectedFiles);
    if (!ranges.find(stop))
        return false;
    if (ranges.areNone())
        return true;
    Projection projection(ranges);
    for (const GpuEventColumns* work :
         {static_cast<const GpuEventColumns*>(&trace.kernels), static_cast<const GpuEventColumns*>(&trace.memcpys),
          static_cast<const GpuEventColumns*>(&trace.memsets), static_cast<const GpuEventColumns*>(&trace.graphLaunches)})
        if (!projection.take(*work, stop))
            return false;
    projection.giveTo(trace.gpuRanges, trace.nvtxRanges);
    return true;
}

} // namespace gantry::trace
