#pragma once

#include "trace_model/base/time.h"
#include "trace_model/metrics/series_store.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What a node says of its metrics beyond the newest: their history, where they come from, and the rules that watch them. Plain structs.
namespace gantry::proto {

/// Points of one series, oldest first, column by column.
struct HistoryColumns
{
    std::vector<TimestampNs> times; ///< CLOCK_MONOTONIC of the node; below 0: before it was booted
    std::vector<double> values;
    std::vector<double> minima, maxima; ///< of each point's step; empty: as the values
};

struct HistorySeries
{
    metrics::SeriesDefinition definition; ///< only with its id after the first part that holds the series
    DurationNs stepNs = 0;                ///< 0: as measured
    HistoryColumns columns;
};

struct HistoryPart
{
    std::vector<HistorySeries> series;
    std::int64_t nodeMonoNs = 0;
    std::int64_t nodeUtcNs = 0;
};

struct HistoryRequest
{
    TimeRange range;                ///< CLOCK_MONOTONIC of the node
    DurationNs stepNs = 0;          ///< at most; 0: as measured
    std::vector<std::string> names; ///< of metrics; empty: all
};

struct MetricSource
{
    std::string id, name, url, targetId;
    DurationNs periodNs = 0;
    std::optional<DurationNs> lagNs;      ///< from the newest measurement to now
    std::optional<DurationNs> durationNs; ///< of the last reading
    std::uint32_t series = 0;
    std::uint64_t droppedSamples = 0; ///< beyond the most series of a source
    std::string problem;              ///< why the last reading failed; empty: it did not
    bool isAdded = false;             ///< by hand, not with a target

    friend bool operator==(const MetricSource&, const MetricSource&) = default;
};

enum class AlertAction
{
    Mark,
    SaveRecorder,
    Capture
};

enum class AlertPhase
{
    NoData,
    Ok,
    Pending,
    Firing
};

struct AlertRule
{
    std::string id; ///< empty: a new one
    std::string name, condition;
    DurationNs forNs = 0, cooldownNs = 0;
    std::string quietHours; ///< "22:00-07:00", local time of the node; empty: none
    AlertAction action = AlertAction::Mark;
    std::string targetId; ///< of a capture: its name, which a restart does not change, or its id
    bool isOff = false;
    bool notifies = true;

    friend bool operator==(const AlertRule&, const AlertRule&) = default;
};

struct AlertEvent
{
    std::int64_t utcNs = 0;
    TimestampNs monoNs = 0;
    AlertPhase phase = AlertPhase::NoData;
    std::string value; ///< "6.2 ms"
    std::string done;  ///< what was done, or why nothing; a sentence
    bool isHeldBack = false; ///< by quiet hours or its pause: nothing is done, and nobody told

    friend bool operator==(const AlertEvent&, const AlertEvent&) = default;
};

struct AlertState
{
    AlertRule rule;
    AlertPhase phase = AlertPhase::NoData;
    std::int64_t sinceUtcNs = 0;
    std::string value;
    std::string problem; ///< why it cannot be judged; empty: it can
    std::vector<AlertEvent> events;
    bool isDeleted = false;

    friend bool operator==(const AlertState&, const AlertState&) = default;
};

/// Lower-case names as in gantryctl's JSON: "firing", "save-recorder".
[[nodiscard]] const char* name(AlertPhase phase);
[[nodiscard]] const char* name(AlertAction action);

} // namespace gantry::proto
