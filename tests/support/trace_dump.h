#pragma once

#include "trace_model/trace/trace.h"

#include <string>
#include <string_view>

namespace gantry::test {

/// Answer to one query of a golden test, as text:
///
///     tracks                              every track with its parent's indentation, detail and number of spans
///     rows TRACK                          spans of a track by depth, samples of a counter
///     visible TRACK A..B width N          what visibleSpans() returns
///     activity ID                         what analysis::requestActivity() returns for the request of that id
///     requests-of NAME                    requests that the events of that name worked for
///     stats kernel|memcpy|api|nvtx|stream|phase
///
/// TRACK is a track's name with '_' for blanks ("Stream_7"); the first such track is taken.
[[nodiscard]] std::string answer(const trace::Trace& trace, std::string_view query);

} // namespace gantry::test
