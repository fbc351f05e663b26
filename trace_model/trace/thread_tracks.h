#pragma once

#include "trace_model/trace/span_nesting.h"
#include "trace_model/trace/trace_words.h"
#include "trace_model/trace/track_list.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace gantry::trace {

/// Whether the ranges of a thread are NVTX. Those of a Chrome trace have categories, which are no domains (what they name nests, cpu_op in
/// python_function), and are there on the GPU too where their producer projected them.
[[nodiscard]] bool hasNvtx(const Trace& trace, std::uint64_t tid);

/// What threads did as rows: NVTX by domain, marks, CUDA API, libraries, OS runtime; and the start/end ranges of processes.
class ThreadRows
{
public:
    /// Walks all of the trace's events of threads once, in order.
    explicit ThreadRows(const Trace& trace);
    /// When a thread ran on a processor: 1 from there on, or 0. Threads of processes without events are left out.
    void takeRunning(std::uint64_t tid, CounterColumns running);
    /// Adds a group for each process, in it the rows of its threads. The trace is that of the constructor.
    void addTo(TrackList& list);

private:
    using ByDomain = std::map<StringId, RowBuilder>; ///< the default domain is StringId()
    using Origins = std::map<StringId, std::set<RangeOrigin>>;

    struct Thread
    {
        ByDomain ranges, marks;
        std::map<StringId, std::map<std::string, RowBuilder>> categories; ///< ranges of named ones, by domain and name
        std::set<StringId> withoutCategory;                               ///< domains that have ranges of no named one
        Origins origins;                                                  ///< of ranges
        bool areMarksNvtx = true;
        RowBuilder api, libraries, os;
        CounterColumns running;

        [[nodiscard]] bool hasEvents() const
        {
            return !ranges.empty() || !marks.empty() || !api.isEmpty() || !libraries.isEmpty() || !os.isEmpty();
        }
    };
    struct Process
    {
        ByDomain async;
        Origins asyncOrigins;
        std::map<std::uint64_t, Thread> threads;
    };

    void takeNvtx(const Trace& trace);
    template <typename Choose>
    void take(const ThreadEventColumns& columns, EventKind kind, Choose choose);
    static void addThread(TrackList& list, TrackId process, std::uint64_t tid, Thread& thread);

    std::map<std::uint64_t, Process> m_processes;
};

} // namespace gantry::trace
