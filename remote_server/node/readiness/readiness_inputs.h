#pragma once

#include "remote_server/node/context_switches.h"
#include "remote_server/proto/management_types.h"
#include "trace_model/base/result.h"
#include "trace_model/import/nsys_program.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace gantry::node {

/// Room on a file system.
struct DiskRoom
{
    std::uint64_t freeBytes = 0; ///< that this user may fill
    std::uint64_t totalBytes = 0;
    bool isReadOnly = false;
};
/// Blocks for as long as the file system does: for ever on a mount whose server is gone.
[[nodiscard]] Result<DiskRoom> diskRoomOf(const std::filesystem::path& folder);

/// What the kernel says of CLOCK_REALTIME: adjtimex(2).
struct ClockState
{
    bool isSynchronised = false;
    std::int64_t maxErrorUs = 0;
};
[[nodiscard]] Result<ClockState> clockState();

/// A target that runs.
struct RunningTarget
{
    std::string id, name;
    int pid = 0;
};

/// Where the readiness of a node is looked for. Copied into threads that may outlive who asked: it holds no reference to anything.
struct ReadinessInputs
{
    std::filesystem::path root = "/"; ///< of /proc, /sys, /dev, /run, /tmp
    std::string nvmlLibrary = "libnvidia-ml.so.1";
    std::filesystem::path reportFolder;
    std::filesystem::path captureLibrary; ///< empty: there is none
    std::filesystem::path gpuSampler;     ///< gantry-gpu-sampler, which also looks for CUPTI; empty: there is none
    importing::NsysPlaces nsysPlaces;
    std::map<std::string, std::string> environment; ///< of gantryd, which its targets inherit
    std::vector<RunningTarget> targets;             ///< when it is asked
    std::function<Result<void>()> contextSwitches = &ContextSwitches::permitted;
    std::function<Result<DiskRoom>(const std::filesystem::path&)> diskRoom = &diskRoomOf;
    std::function<Result<ClockState>()> clock = &clockState;
    std::chrono::milliseconds patience{1500}; ///< for the slowest part
};

using ReadinessItems = std::vector<proto::ReadinessItem>;

/// What could not be looked at, and why.
[[nodiscard]] inline proto::ReadinessItem unknownItem(std::string topic, const std::string& reason)
{
    return {std::move(topic), proto::ReadinessLevel::Unknown, "cannot be looked at: " + reason, {}, {}};
}

} // namespace gantry::node
