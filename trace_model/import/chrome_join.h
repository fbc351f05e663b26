#pragma once

#include "trace_model/import/chrome_outline.h"
#include "trace_model/import/chrome_part.h"
#include "trace_model/import/event_sink.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace gantry::importing {

/// A file that has been read, before its parts are joined.
struct ChromeReading
{
    std::vector<std::unique_ptr<ChromePart>> parts; ///< in file order
    ChromeOutline outline;
    bool endedInEvents = false; ///< the list of events was not closed
    bool isCutWrong = false;    ///< a part did not end where the next begins
    std::string damage;         ///< of the packed data, a sentence; empty: none
};

/// Delivers what takes more than one part to know: ranges that begin in one and end in another, counters, names, what the file is
/// and what became of its events.
void joinParts(ChromeReading& reading, const TrackIds& ids, EventSink& sink);

} // namespace gantry::importing
