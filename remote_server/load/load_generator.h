#pragma once

#include "remote_server/load/load_options.h"
#include "remote_server/load/load_result.h"
#include "trace_model/base/result.h"

#include <functional>
#include <stop_token>
#include <vector>

namespace gantry::load {

/// Where a load stands: totals of the window that is open, latencies of its last second.
struct LoadProgress : LoadFigures
{
    LoadLevel level;
    int window = 0; ///< from 1; 0: warming up
};

using OnProgress = std::function<void(const LoadProgress&)>;

/// Runs the load; blocks until it is over or stopped. A stop cancels what is in flight, which then counts as never sent, and leaves a
/// partial result. `onSecond` is called about once a second, on this thread.
/// Errors: Unreachable (no server), NotFound (no such model), BadInput (no bound, or inputs that cannot be made), Unsupported (too many
/// requests in flight for the threads of this machine).
[[nodiscard]] Result<LoadResult> runLoad(const LoadOptions& options, std::stop_token stop, const OnProgress& onSecond = {});

/// One level after the other. A stop leaves the levels that were measured, the last of them partial. `onLevel` gets each as it is done.
/// Errors: those of runLoad(); also after some levels, whose results are lost to `onLevel` alone.
[[nodiscard]] Result<std::vector<LoadResult>> runLevels(LoadOptions options, const std::vector<LoadLevel>& levels, std::stop_token stop,
                                                        const OnProgress& onSecond = {},
                                                        const std::function<void(const LoadResult&)>& onLevel = {});

} // namespace gantry::load
