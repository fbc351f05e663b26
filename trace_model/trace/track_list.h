#pragma once

#include "trace_model/trace/span_nesting.h"
#include "trace_model/trace/trace.h"

#include <cstdint>
#include <string>

namespace gantry::trace {

/// The tracks of a trace while they are made, in display order, and what things are called in them.
class TrackList
{
public:
    explicit TrackList(Trace& trace) : m_trace(trace) {}

    [[nodiscard]] Trace& trace() { return m_trace; }

    TrackId add(Track track);
    TrackId addGroup(TrackId parent, std::string name, std::string detail = {});
    /// A counter that was computed from the trace's events, below `parent`; one without samples is left out.
    void addDerivedCounter(TrackId parent, std::string name, std::string unit, CounterColumns samples);

    /// "bert_base:1".
    [[nodiscard]] std::string modelName(StringId model, StringId version) const;
    /// "bert_base_0 (4711)", "Thread 4711".
    [[nodiscard]] std::string threadName(std::uint64_t globalTid) const;
    /// "gantry-serve (825)", "Process (825)"; without a number that the reader made up.
    [[nodiscard]] std::string processName(std::uint64_t globalPid) const;
    /// Of one of several files; empty where there is but one.
    [[nodiscard]] std::string fileName(std::uint32_t file) const;
    /// "25.5 % busy": the share of the trace's time that rows cover.
    [[nodiscard]] std::string busyShare(DurationNs busy) const;

private:
    Trace& m_trace;
};

/// "25.5 %" of a whole; empty when that is nothing.
[[nodiscard]] std::string percentOf(DurationNs part, DurationNs whole);

} // namespace gantry::trace
