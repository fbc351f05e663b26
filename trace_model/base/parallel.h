#pragma once

#include <functional>
#include <vector>

namespace gantry {

/// Threads that work on one trace at a time: the two cores of a small machine; memory gives little more to many.
inline constexpr int kWorkers = 2;

/// Runs the tasks, kWorkers of them at a time, the first one first, and returns when all are done. An exception of a task comes
/// out here once the others have ended.
void inParallel(std::vector<std::function<void()>> tasks);

} // namespace gantry
