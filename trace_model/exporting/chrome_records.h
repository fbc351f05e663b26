#pragma once

#include "trace_model/exporting/json_events.h"
#include "trace_model/trace/trace.h"

#include <cstdint>
#include <functional>
#include <string_view>

namespace gantry::exporting {

/// Writes what is no event of a Chrome trace (requests, batches, the window, names of streams, losses, warnings) for Gantry's reader,
/// importing::GantryRecords. It is metadata whose names begin with "gantry_": other viewers leave such names alone. Times are ns from the
/// start of the trace.
class ChromeRecords
{
public:
    /// The row of the viewer that is a thread's, by its globalTid.
    using PlaceOf = std::function<EventPlace(std::uint64_t)>;

    /// `nowhere`: the place of what no thread recorded. `trace` and `events` must outlive this.
    ChromeRecords(const trace::Trace& trace, JsonEvents& events, EventPlace nowhere, PlaceOf placeOf);

    /// False: give up.
    [[nodiscard]] bool write();

private:
    [[nodiscard]] bool writeExecution(const trace::Execution& execution);
    [[nodiscard]] bool writeRequest(const trace::Request& request);
    void timeArgument(std::string_view name, TimestampNs time);
    void textArgument(std::string_view name, trace::StringId id);
    [[nodiscard]] std::string_view text(trace::StringId id) const;

    const trace::Trace& m_trace;
    JsonEvents& m_events;
    EventPlace m_nowhere;
    PlaceOf m_placeOf;
};

} // namespace gantry::exporting
