#pragma once

#include "trace_model/base/time.h"

#include <cstdint>
#include <map>
#include <string>

namespace gantry::metrics {

enum class SeriesKind : std::uint8_t
{
    Gauge,
    Counter, ///< monotonic; a drop is a restart and starts a new epoch
};

/// What a series is: declared once by who samples it, carried to the desktop and into the report.
struct SeriesDefinition
{
    std::uint32_t id = 0;
    std::string name; ///< metric name, e.g. "nv_inference_request_success", "host_cpu_ratio"
    std::string unit; ///< "count", "us", "ratio", "bytes", "W"
    SeriesKind kind = SeriesKind::Gauge;
    std::map<std::string, std::string> labels;
    std::string help;
};

struct Sample
{
    std::uint32_t seriesId = 0;
    TimestampNs time = 0; ///< node CLOCK_MONOTONIC
    double value = 0;
};

/// One point of a snapshot.
struct Point
{
    TimestampNs time = 0;
    double value = 0;
};

} // namespace gantry::metrics
