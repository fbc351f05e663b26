#pragma once

#include "remote_server/proto/management_types.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"
#include "trace_model/base/time.h"
#include "trace_model/metrics/series_store.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// A session of a node as a folder of files: `gantryctl node record` writes it, `gantryd --rehearse` plays it. NODE_RECORDING.md beside
/// this file describes the files.
namespace gantry::proto {

inline constexpr int kRecordingVersion = 1;

// What a recording may hold at most; more is neither written nor played.
inline constexpr DurationNs kLongestRecordingNs = 600'000'000'000;
inline constexpr std::size_t kMostRecordedSamples = 2'000'000;
inline constexpr std::size_t kMostRecordedLines = 100'000;
inline constexpr std::size_t kMostRecordedLogBytes = 32 << 20; ///< of text; a byte may take six in the file

/// A model of a target, as its server described it.
struct RecordedModel
{
    std::string targetId;
    ModelInfo info;
    std::optional<ModelConfigText> config; ///< none: it was not loaded, or its server tells none
};

/// A line of a log.
struct RecordedLine
{
    DurationNs offsetNs = 0; ///< from the start of the recording
    std::string targetId;    ///< empty: of the daemon
    std::string text;
};

/// A report that was made in the session.
struct RecordedReport
{
    std::string file; ///< relative to the recording's folder; packed with gzip or zstd or as it is
    std::string targetName;
};

struct NodeRecording
{
    std::string title;              ///< "H100, BERT-base, 2026-11-22"
    std::int64_t recordedUtcNs = 0; ///< when it began
    DurationNs lengthNs = 0;
    NodeInfo node;
    std::optional<ReadinessReport> readiness; ///< none: the node could not tell, as with processes
    std::optional<ProcessList> processes;
    std::vector<Target> targets; ///< as they were when it began
    std::vector<RecordedModel> models;
    std::vector<metrics::SeriesDefinition> series;
    std::vector<metrics::Sample> samples; ///< time: from the start of the recording, ascending
    std::vector<RecordedLine> log;        ///< ascending
    std::vector<RecordedReport> reports;
};

/// For its owner alone, unless it is there already. Errors: CannotWrite.
[[nodiscard]] Result<void> makeRecordingFolder(const std::filesystem::path& folder);

/// Writes all but the reports, whose files are the caller's. Files are for their owner alone, and so is the folder if it has to be made.
/// Errors: CannotWrite, BadInput (there is more than the bounds above).
[[nodiscard]] Result<void> writeRecording(const std::filesystem::path& folder, const NodeRecording& recording);

/// Errors: NotFound (no recording there, or a report of it is missing), UnsupportedVersion, BadInput (names the file and, of lines, which).
[[nodiscard]] Result<NodeRecording> readRecording(const std::filesystem::path& folder);

} // namespace gantry::proto
