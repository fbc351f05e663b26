#pragma once

#include "trace_model/trace/span_nesting.h"
#include "trace_model/trace/track_list.h"

#include <compare>
#include <cstdint>
#include <map>

namespace gantry::trace {

/// The work of GPUs as rows: a context's streams, below each its memory operations by route, all streams
/// together, and the ranges that the work was launched in.
class GpuRows
{
public:
    /// Walks all GPU work of the trace once, in order.
    explicit GpuRows(const Trace& trace);
    /// Adds a group for each GPU, in it one for each context. The trace is that of the constructor.
    void addTo(TrackList& list);

private:
    friend class WorkCursor;

    struct StreamRows
    {
        RowBuilder all, memsets;
        std::map<CopyRoute, RowBuilder> copies; ///< by direction and the host's kind of memory
        Coverage kernels;
        bool isMixed = false; ///< kernels and memory operations, which are told apart in rows below
    };
    struct ContextRows
    {
        RowBuilder all, ranges;
        std::map<std::uint32_t, StreamRows> streams;
    };
    struct ContextKey
    {
        std::uint32_t file, device, context;
        std::uint64_t process;
        auto operator<=>(const ContextKey&) const = default;
    };

    ContextRows& contextOf(const GpuPlace& place);
    void findMixedStreams(const Trace& trace);
    static void addContext(TrackList& list, TrackId parent, const ContextKey& key, ContextRows& rows);
    static void addStream(TrackList& list, Track track, StreamRows& rows, DurationNs ofContext);

    std::map<ContextKey, ContextRows> m_contexts;
};

} // namespace gantry::trace
