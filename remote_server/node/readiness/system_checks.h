#pragma once

#include "remote_server/node/readiness/readiness_inputs.h"

/// Parts of the readiness of a node that its kernel tells. Any thread.
namespace gantry::node {

[[nodiscard]] ReadinessItems checkContextSwitches(const ReadinessInputs& inputs);
[[nodiscard]] ReadinessItems checkMemoryLock(const ReadinessInputs& inputs);
[[nodiscard]] ReadinessItems checkClockSource(const ReadinessInputs& inputs);
[[nodiscard]] ReadinessItems checkClockSync(const ReadinessInputs& inputs);
[[nodiscard]] ReadinessItems checkContainer(const ReadinessInputs& inputs);
[[nodiscard]] ReadinessItems checkTimeNamespace(const ReadinessInputs& inputs);

enum class Capability
{
    IpcLock = 14, // capabilities(7), linux/capability.h
    SysAdmin = 21,
    Perfmon = 38
};
/// Whether a process ("self": gantryd) has it, towards the machine's own user namespace. Errors: those of reading /proc/PID/status.
[[nodiscard]] Result<bool> hasCapability(const ReadinessInputs& inputs, Capability capability, const std::string& process = "self");
/// What says that gantryd runs in a container: "docker", "kubernetes", …; empty: nothing does.
[[nodiscard]] std::string containerOf(const ReadinessInputs& inputs);

} // namespace gantry::node
