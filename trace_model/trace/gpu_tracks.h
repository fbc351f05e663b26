#pragma once

#include "trace_model/trace/span_nesting.h"
#include "trace_model/trace/track_list.h"

#include <compare>
#include <cstdint>
#include <map>
#include <vector>

namespace gantry::trace {

class WorkCursor;

/// The work of GPUs as rows: a context's streams, below each its memory operations by route, all streams
/// together, the ranges that the work was launched in, and who waited for it; beside the contexts, migrations of unified memory.
class GpuRows
{
public:
    explicit GpuRows(const Trace& trace);
    GpuRows(const GpuRows&) = delete;
    GpuRows& operator=(const GpuRows&) = delete;
    ~GpuRows();

    // Each walks all GPU work of the trace once, in order; both may do so at the same time.
    void arrangeStreams();
    void arrangeContexts(); ///< "All streams"

    /// Adds a group for each GPU, in it one for each context and a row for unified memory. The trace is that of the constructor, everything
    /// is arranged.
    void addTo(TrackList& list);

private:
    friend class WorkCursor;

    struct StreamRows
    {
        RowBuilder all, ranges, memsets;
        std::map<CopyRoute, RowBuilder> copies; ///< by direction and the host's kind of memory
        Coverage kernels;
        bool isMixed = false; ///< kernels and memory operations, which are told apart in rows below
    };
    struct ContextRows
    {
        RowBuilder all;    ///< empty where there is one stream
        RowBuilder ranges; ///< of streams that nothing ran on
        RowBuilder syncs;
        std::map<std::uint32_t, StreamRows> streams;
        bool isUnified = false; ///< no context: what the driver moved between host and device, of no stream either
    };
    struct ContextKey
    {
        std::uint32_t file, device, context;
        std::uint64_t process;
        auto operator<=>(const ContextKey&) const = default;
    };

    template <typename Place>
    void eachWork(Place place) const;
    ContextRows& contextOf(const GpuPlace& place);
    void findMixedStreams(const Trace& trace);
    void findUnifiedMemory(const Trace& trace);
    void takeSynchronizations(const Trace& trace);
    RowBuilder& rangesOf(const GpuPlace& place);
    static void addRanges(TrackList& list, Track track, std::uint32_t file, RowBuilder& ranges);
    static void addUnified(TrackList& list, TrackId gpu, const ContextKey& key, ContextRows& rows);
    static void addContext(TrackList& list, TrackId parent, const ContextKey& key, ContextRows& rows);
    static void addStream(TrackList& list, Track track, std::uint32_t file, StreamRows& rows, DurationNs ofContext);

    const Trace& m_trace;
    std::map<ContextKey, ContextRows> m_contexts;
    std::vector<WorkCursor> m_work; ///< at the first of each kind
};

} // namespace gantry::trace
