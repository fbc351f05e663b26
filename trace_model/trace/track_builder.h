#pragma once

#include "trace_model/trace/trace.h"

namespace gantry::trace {

/// Makes the tracks of a trace from its columns, in display order: requests and executions, GPUs with their contexts and
/// streams, processes with their threads, then the counters that are already in `counters`. Sets Trace::tracks and Trace::time.
///
/// Percent in a stream's header: the union of its kernels', memcpys' and memsets' intervals over the sum of those unions of all
/// streams of the context, as Nsight Systems prints it.
void buildTracks(Trace& trace, std::vector<Track> counters, TimeRange window);

} // namespace gantry::trace
