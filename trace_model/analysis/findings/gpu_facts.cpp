#include "trace_model/analysis/findings/gpu_facts.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace gantry::findings {
namespace {

using trace::EventId;
using trace::EventKind;

constexpr std::uint32_t kStopCheckMask = 0xFFFF; // a look at the token each 65 536 events

/// Walks one kind of GPU work in order.
struct Cursor
{
    const trace::GpuEventColumns* columns;
    EventKind kind;
    std::uint32_t row = 0;

    [[nodiscard]] bool isAtEnd() const { return row >= columns->size(); }
    [[nodiscard]] TimestampNs start() const { return columns->start[row]; }
};

/// A stream or GPU while it is walked.
struct Stream
{
    StreamFacts facts;
    TimestampNs busyUntil = kNoTime;
    std::size_t gpu = 0;
};

/// Of [time.start, time.end) what lies behind `busyUntil`, which moves to its end.
DurationNs newlyBusy(TimestampNs& busyUntil, TimeRange time)
{
    const TimestampNs from = busyUntil == kNoTime ? time.start : std::max(busyUntil, time.start);
    busyUntil = busyUntil == kNoTime ? time.end : std::max(busyUntil, time.end);
    return std::max<DurationNs>(0, time.end - from);
}

class GpuWalk
{
public:
    GpuWalk(const trace::Trace& trace, TimeRange window) : m_trace(trace), m_window(window) {}

    void take(const Cursor& cursor)
    {
        const TimeRange time = cursor.columns->time(cursor.row).clippedTo(m_window);
        if (time.isEmpty() || isMigration(cursor))
            return;
        Stream& stream = streamOf(cursor.columns->place(cursor.row));
        addTo(stream.facts, cursor, time.duration());
        GpuFacts& gpu = m_gpus[stream.gpu];
        TimestampNs& gpuBusyUntil = m_busyUntil[stream.gpu];
        if (gpuBusyUntil == kNoTime)
            gpu.active.start = time.start;
        else if (time.start > gpuBusyUntil)
            gpu.gaps.push_back({{gpuBusyUntil, time.start}, EventId(cursor.kind, cursor.row)});
        const DurationNs streamTime = newlyBusy(stream.busyUntil, time);
        stream.facts.busy += streamTime;
        gpu.streamBusy += streamTime;
        gpu.busy += newlyBusy(gpuBusyUntil, time);
        gpu.active.end = gpuBusyUntil;
    }

    std::vector<GpuFacts> finish()
    {
        for (auto& [place, stream] : m_streams)
            m_gpus[stream.gpu].streams.push_back(stream.facts);
        for (GpuFacts& gpu : m_gpus)
            std::stable_sort(gpu.streams.begin(), gpu.streams.end(),
                             [](const StreamFacts& a, const StreamFacts& b) { return a.busy > b.busy; });
        std::stable_sort(m_gpus.begin(), m_gpus.end(),
                         [](const GpuFacts& a, const GpuFacts& b) { return std::pair(a.file, a.device) < std::pair(b.file, b.device); });
        return std::move(m_gpus);
    }

private:
    [[nodiscard]] bool isMigration(const Cursor& cursor) const
    {
        return cursor.kind == EventKind::Memcpy && trace::isUnifiedMemory(m_trace.memcpys.copyKind(cursor.row));
    }

    void addTo(StreamFacts& stream, const Cursor& cursor, DurationNs duration) const
    {
        if (cursor.kind == EventKind::Kernel || cursor.kind == EventKind::GraphLaunch) {
            ++stream.kernels;
            stream.kernelTime += duration;
        } else if (cursor.kind == EventKind::Memcpy) {
            ++stream.copies;
            stream.copyTime += duration;
            if (m_trace.memcpys.route[cursor.row].hostMemory() == trace::MemoryKind::Pageable)
                stream.pageableTime += duration;
        }
    }

    Stream& streamOf(const trace::GpuPlace& place)
    {
        const auto [found, isNew] = m_streams.try_emplace(place);
        if (isNew) {
            found->second.facts.place = place;
            found->second.gpu = gpuOf(trace::Trace::fileOf(place.globalPid), place.device);
        }
        return found->second;
    }

    std::size_t gpuOf(std::uint32_t file, std::uint32_t device)
    {
        const auto found =
            std::find_if(m_gpus.begin(), m_gpus.end(), [&](const GpuFacts& gpu) { return gpu.file == file && gpu.device == device; });
        if (found != m_gpus.end())
            return static_cast<std::size_t>(found - m_gpus.begin());
        m_gpus.emplace_back();
        m_gpus.back().file = file;
        m_gpus.back().device = device;
        m_busyUntil.push_back(kNoTime);
        return m_gpus.size() - 1;
    }

    const trace::Trace& m_trace;
    TimeRange m_window;
    std::map<trace::GpuPlace, Stream> m_streams;
    std::vector<GpuFacts> m_gpus;
    std::vector<TimestampNs> m_busyUntil; ///< of each GPU
};

} // namespace

std::size_t GpuFacts::pieces() const
{
    std::size_t count = 0;
    for (const StreamFacts& stream : streams)
        count += stream.kernels + stream.copies;
    return count;
}

std::vector<GpuFacts> gpuFacts(const trace::Trace& trace, TimeRange window, const std::stop_token& stop)
{
    std::array<Cursor, 4> cursors = {{{&trace.kernels, EventKind::Kernel},
                                      {&trace.memcpys, EventKind::Memcpy},
                                      {&trace.memsets, EventKind::Memset},
                                      {&trace.graphLaunches, EventKind::GraphLaunch}}};
    GpuWalk walk(trace, window);
    for (std::uint32_t walked = 0;; ++walked) {
        Cursor* first = nullptr;
        for (Cursor& cursor : cursors)
            if (!cursor.isAtEnd() && (!first || cursor.start() < first->start()))
                first = &cursor;
        if (!first || ((walked & kStopCheckMask) == 0 && stop.stop_requested()))
            break;
        walk.take(*first);
        ++first->row;
    }
    return walk.finish();
}

} // namespace gantry::findings
