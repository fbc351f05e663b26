#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/chrome_rows.h"
#include "trace_model/import/chrome_tracks.h"
#include "trace_model/report/byte_source.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace gantry::importing {

/// The time, on the file's clock, that a trace's times are to count from: that of the first event in [p, end) that has one, unless
/// it lies years away from most of those after it (a clock that was not set). The text is padded as json_text.h asks.
[[nodiscard]] std::optional<TimestampNs> findTimeZero(const char* p, const char* end);

/// A large file looked at here and there before all of it is read.
struct ChromeSurvey
{
    std::vector<std::uint64_t> starts;      ///< of events, ascending: where the list of events can be cut
    std::vector<std::uint64_t> callingPids; ///< globalPids of processes that call CUDA
    TrackNames names;
};

/// Looks for about `parts` - 1 places to cut the events behind `eventsOffset` at, for names and for processes that call CUDA.
Result<ChromeSurvey> survey(const report::ByteSource& source, std::uint64_t eventsOffset, std::size_t parts, TrackIds& ids);

} // namespace gantry::importing
