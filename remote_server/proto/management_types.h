#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What is said about a node itself, rather than about captures on it: its readiness, its processes, how many reports it keeps.
/// Meanings and units are those of gantry/v1/node.proto.
namespace gantry::proto {

enum class ReadinessLevel
{
    Unknown, ///< could not be looked at
    Ok,
    Note,    ///< everything works; worth knowing
    Limited, ///< a part of Gantry does not work, or less well
    Blocked  ///< nothing of the GPU can be captured
};

struct ReadinessItem
{
    std::string topic; ///< stable name: "driver", "disk"
    ReadinessLevel level = ReadinessLevel::Unknown;
    std::string finding; ///< a sentence
    std::string effect;  ///< on Gantry; empty: none
    std::string fix;     ///< empty: nothing is to be done

    friend bool operator==(const ReadinessItem&, const ReadinessItem&) = default;
};

struct ReadinessReport
{
    std::vector<ReadinessItem> items;
    std::int64_t checkedUtcNs = 0;

    [[nodiscard]] ReadinessLevel worst() const; ///< of all items; Ok without any
};

struct ProcessGpuUse
{
    std::uint32_t gpu = 0;
    std::optional<std::uint64_t> memoryBytes;
    std::optional<double> smRatio; ///< of the last second or so, 0..1

    friend bool operator==(const ProcessGpuUse&, const ProcessGpuUse&) = default;
};

struct NodeProcess
{
    int pid = 0;
    std::string user, executable;
    std::vector<std::string> argv;
    std::int64_t startedUtcNs = 0;
    std::optional<std::uint64_t> residentBytes;
    std::optional<double> cpuCores; ///< since the last time it was asked
    std::vector<ProcessGpuUse> gpus;
    std::string targetId; ///< empty: of no target

    friend bool operator==(const NodeProcess&, const NodeProcess&) = default;
};

struct ProcessList
{
    std::vector<NodeProcess> processes;
    std::string noGpuUseReason;   ///< why nothing is known of GPUs; empty: it is
    std::string incompleteReason; ///< why processes are missing; empty: these are all

    friend bool operator==(const ProcessList&, const ProcessList&) = default;
};

/// Which reports a node keeps: the oldest go until all of these hold; 0: no bound.
struct ReportPolicy
{
    std::uint64_t maxTotalBytes = 0;
    DurationNs maxAgeNs = 0;
    std::uint64_t minFreeDiskBytes = 0;

    friend bool operator==(const ReportPolicy&, const ReportPolicy&) = default;
};

/// The reports of a node, and the room that they take.
struct ReportShelf
{
    std::vector<ReportInfo> reports;
    ReportPolicy policy;
    std::uint64_t totalBytes = 0;
    std::optional<std::uint64_t> diskFreeBytes;
};

/// Lower-case names as in gantryctl's JSON: "limited", "warning".
[[nodiscard]] const char* name(ReadinessLevel level);
[[nodiscard]] const char* name(LogLevel level);

} // namespace gantry::proto
