#pragma once

#include "trace_model/import/chrome_event.h"
#include "trace_model/import/event_sink.h"
#include "trace_model/import/text_cache.h"

#include <optional>
#include <string>
#include <vector>

namespace gantry::importing {

/// What Gantry writes into a Chrome trace as metadata events ("gantry_request", ...), as no event of such a trace can hold it: requests,
/// batches, the window, names of streams, losses and warnings. Times are ns on the clock of the file. One thread.
class GantryRecords
{
public:
    /// Takes a metadata event; false: it is none of these. `globalTid`: what its pid and tid are.
    bool take(const TraceEvent& event, std::uint64_t globalTid, TextCache& texts);
    /// Gives them to the sink. `timeZero`: time 0 of the session on the clock of the file.
    void deliver(EventSink& sink, TimestampNs timeZero) const;

private:
    struct StreamName
    {
        std::uint64_t globalPid = 0; ///< 0: of any process
        std::uint32_t device = 0, context = 0, stream = 0;
        std::string name;
    };

    std::vector<report::RequestRow> m_requests;
    std::vector<report::ExecutionRow> m_executions;
    std::vector<StreamName> m_streams;
    std::vector<Loss> m_losses;
    std::vector<std::string> m_warnings;
    std::optional<TimeRange> m_window;
};

} // namespace gantry::importing
