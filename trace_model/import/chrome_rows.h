#pragma once

#include "trace_model/import/chrome_arrows.h"
#include "trace_model/import/chrome_categories.h"
#include "trace_model/import/chrome_counters.h"
#include "trace_model/import/chrome_event.h"
#include "trace_model/import/chrome_gantry.h"
#include "trace_model/import/chrome_layout.h"
#include "trace_model/import/chrome_pairs.h"
#include "trace_model/import/chrome_tracks.h"
#include "trace_model/import/event_sink.h"
#include "trace_model/import/text_cache.h"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace gantry::importing {

/// What is known of a trace before a part of it is read.
struct ChromeContext
{
    std::optional<TimestampNs> timeZero;       ///< time 0 of the session on the file's clock; absent: the first event's
    std::optional<std::uint64_t> launchingPid; ///< globalPid of the process that launched the GPU work; absent: find out
    TrackNames names;
};

/// Takes the name that a metadata event gives a process or thread; false: it gives none.
bool noteName(const TraceEvent& event, TrackFinder& tracks);

/// Turns the events of one part of a file into rows of the sink. What needs the rest of the file is kept until finish functions of
/// the reader join the parts. One thread.
class ChromeRows
{
public:
    using StreamKey = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>; ///< device, context, stream

    ChromeRows(EventSink& sink, TrackIds& ids, const ChromeContext& context);

    /// What is used of the events of a kind.
    [[nodiscard]] static EventInterest interestOf(char phase, CategoryKind kind);
    /// Whether events of a kind are used beyond what EventInterest can say, so that EventParser must read them.
    [[nodiscard]] static bool needsArgs(char phase) { return phase == 'M' || phase == 'C'; }

    void add(const TraceEvent& event, char phase, std::size_t categoryIndex);

    /// The group of the counters of a GPU's memory.
    [[nodiscard]] static std::string memoryGroupOf(std::uint32_t device) { return "GPU " + std::to_string(device); }

    /// Says which process launched the GPU work, if that is not decided, and delivers the rows that wait for it.
    void decideLaunchingPid(std::uint64_t globalPid);
    /// Delivers the projected ranges, whose contexts are those of other work on their streams.
    void addGpuRanges(const std::set<StreamKey>& streams);
    /// Delivers a range, now or with the one around it. `outer`: the innermost that is still open there; null: none.
    void addRange(const RangePairs::Begin& begin, std::optional<TimestampNs> end, bool isAsync, RangePairs::Begin* outer);
    /// The same for ranges that begin at one time, outer ones first.
    void addRanges(std::span<const RangeRow> rows, RangePairs::Begin* outer);

    [[nodiscard]] EventCategories& categories() { return m_categories; }
    [[nodiscard]] RowSink& rows() { return m_rows; }
    [[nodiscard]] TrackFinder& tracks() { return m_tracks; }
    [[nodiscard]] CounterSeries& counters() { return m_counters; }
    [[nodiscard]] LaunchArrows& arrows() { return m_arrows; }
    [[nodiscard]] RangePairs& threadPairs() { return m_threadPairs; }
    [[nodiscard]] RangePairs& asyncPairs() { return m_asyncPairs; }
    /// Whether there is GPU work that does not say which process launched it.
    [[nodiscard]] bool hasWorkOfUnknownProcess() const { return m_hasWorkOfUnknownProcess; }
    [[nodiscard]] const GantryRecords& records() const { return m_records; }
    [[nodiscard]] const std::set<StreamKey>& streams() const { return m_streams; }
    /// Processes with CUDA calls, at most two of them.
    [[nodiscard]] const std::vector<std::uint64_t>& callingPids() const { return m_callingPids; }
    [[nodiscard]] std::optional<TimestampNs> timeZero() const { return m_timeZero; }
    /// From the first start to the last end; start > end: no events.
    [[nodiscard]] TimeRange time() const { return m_time; }
    [[nodiscard]] std::optional<TimeRange> window() const { return m_window; }

private:
    struct GpuPlace
    {
        std::uint32_t device = 0, context = 0, stream = 0, correlation = 0;
        std::optional<std::uint64_t> globalPid; ///< absent: the file does not say it of each event
    };
    struct MemoryCounters
    {
        std::uint32_t deviceType = 0, device = 0;
        std::size_t allocated = 0, reserved = 0; ///< numbers in m_counters
    };
    [[nodiscard]] const MemoryCounters& memoryCountersOf(std::uint32_t deviceType, std::uint32_t device);
    [[nodiscard]] std::optional<TimestampNs> timeOf(const TraceEvent& event, EventCategory& category);
    void addComplete(const TraceEvent& event, EventCategory& category);
    void addInstant(const TraceEvent& event, EventCategory& category, TimestampNs time);
    void addMemory(const TraceEvent& event, EventCategory& category, TimestampNs time);
    void addCounter(const TraceEvent& event, EventCategory& category, TimestampNs time);
    void addMetadata(const TraceEvent& event, EventCategory& category);
    void addPairPart(const TraceEvent& event, char phase, std::size_t categoryIndex, TimestampNs time);
    void addKernel(const TraceEvent& event, TimestampNs start, TimestampNs end, const GpuPlace& place);
    void addMemcpy(const TraceEvent& event, TimestampNs start, TimestampNs end);
    void addMemset(const TraceEvent& event, TimestampNs start, TimestampNs end);
    void addGraphLaunch(const TraceEvent& event, TimestampNs start, TimestampNs end);
    void addSynchronization(const TraceEvent& event, TimestampNs start, TimestampNs end);
    void addCall(const TraceEvent& event, TimestampNs start, TimestampNs end, CallKind kind);
    void addHostRange(const TraceEvent& event, const EventCategory& category, TimestampNs start, TimestampNs end);
    template <typename Row>
    void addGpuRow(Row& row, std::vector<Row>& waiting, const GpuPlace& place);
    [[nodiscard]] GpuPlace placeOf(const TraceEvent& event);
    void noteStream(std::uint32_t device, std::uint32_t context, std::uint32_t stream);
    [[nodiscard]] TextId nameId(const TraceEvent& event);
    /// Of a kernel's name without parameters and the like; 0: it is the name itself.
    [[nodiscard]] TextId shortNameId(TextId id, std::string_view name);
    [[nodiscard]] std::string_view nameText(const TraceEvent& event);
    void widenTime(TimestampNs start, TimestampNs end);

    RowSink& m_rows;
    TextCache m_texts;
    std::unordered_map<TextId, TextId> m_shortNames; ///< of kernels
    EventCategories m_categories;
    TrackFinder m_tracks;
    CounterSeries m_counters;
    LaunchArrows m_arrows;
    std::vector<MemoryCounters> m_memoryCounters;
    RangePairs m_threadPairs, m_asyncPairs;
    GantryRecords m_records;
    std::optional<TimestampNs> m_timeZero;
    std::optional<std::uint64_t> m_launchingPid;
    std::vector<std::uint64_t> m_callingPids;
    std::set<StreamKey> m_streams;
    std::array<StreamKey, 64> m_streamsMet; ///< some of m_streams, found without searching
    std::vector<report::KernelRow> m_waitingKernels;
    std::vector<report::MemcpyRow> m_waitingMemcpys;
    std::vector<report::MemsetRow> m_waitingMemsets;
    std::vector<report::SynchronizationRow> m_waitingSynchronizations;
    std::vector<report::GraphRow> m_waitingGraphs;
    std::size_t m_waiting = 0;
    bool m_hasWorkOfUnknownProcess = false;
    std::vector<GpuRangeRow> m_gpuRanges;
    TimeRange m_time{std::numeric_limits<TimestampNs>::max(), std::numeric_limits<TimestampNs>::min()};
    std::optional<TimeRange> m_window;
    std::string m_scratch;
};

} // namespace gantry::importing
