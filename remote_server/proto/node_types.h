#pragma once

#include "remote_server/proto/capture_types.h"
#include "trace_model/base/time.h"
#include "trace_model/metrics/series_store.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// What a node and its clients say to each other, as plain structs; protobuf stops at convert.h beside this file.
/// Meanings and units are those of gantry/v1/node.proto.
namespace gantry::proto {

struct HelloInfo
{
    std::uint32_t protocolVersion = 0;
    std::string daemonVersion;
    std::string hostName;
    std::string bootId;
    std::int64_t startedUtcNs = 0; ///< of this gantryd; 0: it does not say
};

struct GpuInfo
{
    std::uint32_t index = 0;
    std::string name;
    std::string uuid;
    std::string pciBusId;
    std::uint64_t memoryTotalBytes = 0;
    int computeMajor = 0;
    int computeMinor = 0;
    std::string problem; ///< a sentence, of one that does not answer any more; what is not known of it is empty
};

struct NodeInfo
{
    std::string hostName, os, kernel, cpuModel;
    std::uint32_t cpuCount = 0;
    std::uint64_t memoryTotalBytes = 0;
    std::vector<GpuInfo> gpus;
    std::string noGpuReason; ///< why gpus is empty, one sentence
    std::string driverVersion, cudaDriverVersion, daemonVersion;
    std::string reportFolder;
    std::optional<std::uint64_t> diskFreeBytes;
    std::string nsysPath;    ///< empty: Nsight Systems is not installed there
    std::string nsysVersion; ///< "2025.1.1.110"; empty: not known
    std::string recording;   ///< of a rehearsal node: what is played; empty: a real node
    std::string userName;    ///< that gantryd runs as

    [[nodiscard]] bool isRehearsal() const { return !recording.empty(); }
};

enum class TargetState
{
    Unknown,
    Starting,
    Running,
    Exited,
    Killed
};

struct ModelInfo
{
    std::string name, version, state, platform;
    std::string reason; ///< why it is not READY
};

/// The text of a config.pbtxt that a server's model has.
struct ModelConfigText
{
    std::string text;
    bool isIncomplete = false; ///< the server has settings that the text lacks
};

/// A place of such a text that cannot be read; line and column from 1.
struct ConfigProblem
{
    std::uint32_t line = 0, column = 0;
    std::string message;
};

struct TargetProcess
{
    int pid = 0;
    std::string executable;
    bool captureAttached = false;
    bool cudaLoaded = false;
};

struct Target
{
    std::string id, name;
    std::vector<std::string> argv;
    int pid = 0;
    TargetState state = TargetState::Unknown;
    int exitCode = 0;
    int exitSignal = 0;
    std::int64_t startedUtcNs = 0;
    bool adopted = false;
    std::vector<TargetProcess> processes;
    std::string grpcAddress, metricsUrl;
    std::vector<ModelInfo> models;
    std::string message;
    std::string profile;                    ///< of its engine; empty: none is known
    std::string profilerUrl;                ///< where the engine's own profiler is asked; empty: it has none
    EngineKind engine = EngineKind::Native; ///< that it was launched for
};

/// What `nsys launch` is told.
struct NsysLaunchOptions
{
    std::vector<std::string> trace; ///< empty: cuda and nvtx
    std::string cudaGraphTrace;     ///< "graph", "node"; empty: as nsys does by default
    bool cudaMemoryUsage = false;
    bool traceForkBeforeExec = false;

    [[nodiscard]] bool operator==(const NsysLaunchOptions&) const = default;
};

/// An inference engine that a node knows.
struct TargetProfileInfo
{
    std::string name, title;
    bool takesIterations = false, hasProfiler = false;
    std::vector<std::string> notes;
};

struct LaunchRequest
{
    std::string name;
    std::vector<std::string> argv;
    std::map<std::string, std::string> environment;
    std::string workingDirectory;
    std::string grpcAddress, metricsUrl;
    bool inject = true;
    EngineKind engine = EngineKind::Native;
    NsysLaunchOptions nsys;
    bool isPlanOnly = false;     ///< nothing is started: the answer says what would be
    std::string pythonFunctions; ///< JSON; empty: none
    std::string profile;         ///< of the engine; "auto": by the command line; empty: none
    std::string iterations;      ///< "A-B", at which the engine opens a window by itself
};

struct ReportInfo
{
    std::string name;
    std::uint64_t sizeBytes = 0;
    std::string sha256;
    std::int64_t createdUtcNs = 0;
    std::string targetName;
    DurationNs durationNs = 0;
    std::string label;
    std::string session; ///< of windows on several nodes at one instant; empty: a window alone
    bool isKept = false; ///< whatever the policy says
    std::int64_t beginUtcNs = 0; ///< of its window; 0: not known

    friend bool operator==(const ReportInfo&, const ReportInfo&) = default;
};

/// A report that a client sends to the node's nsys.
struct NsysExport
{
    std::string fileName;
    std::uint64_t totalBytes = 0;
    std::string clientName;
};

struct MetricsBatch
{
    std::uint64_t sequence = 0;
    std::uint64_t droppedSamples = 0;
    std::vector<metrics::SeriesDefinition> definitions;
    std::vector<metrics::Sample> samples;
    TimestampNs nodeMonoNs = 0;
    std::int64_t nodeUtcNs = 0;
};

enum class LogLevel
{
    Unknown,
    Debug,
    Info,
    Warning,
    Error
};

struct LogLine
{
    std::int64_t utcNs = 0;
    std::string text;
    std::uint64_t droppedLines = 0;
    LogLevel level = LogLevel::Unknown; ///< as the line itself says it
};

/// Lower-case names as in gantryctl's JSON: "running", "capturing".
[[nodiscard]] const char* name(TargetState state);

} // namespace gantry::proto
