#pragma once

#include "trace_model/base/result.h"

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::importing {

/// How a program ended.
struct ProgramEnd
{
    int exitStatus = 0;   ///< 128 + signal when a signal ended it
    std::string lastText; ///< the end of what it wrote to standard output and error, a few kilobytes
};

/// Runs a program (a path and its arguments, no shell) in a process group of its own, without input, and waits for its end. `output`
/// is called by this thread with what the program writes, as it comes. Whatever else the program left running in its group is
/// killed. On a stop the group gets SIGTERM, and SIGKILL after `grace`.
/// Errors: Unsupported (it cannot be started), Cancelled.
[[nodiscard]] Result<ProgramEnd> runProgram(const std::vector<std::string>& command, const std::function<void(std::string_view)>& output,
                                            const std::stop_token& stop, std::chrono::milliseconds grace = std::chrono::milliseconds(500));

} // namespace gantry::importing
