#pragma once

#include "trace_model/base/result.h"
#include "trace_model/metrics/metric_condition.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::metrics {

/// What an alert waits for, as people type it:
///   "p99 queue > 5ms", "failures > 0/s"      a MetricCondition
///   "absent nv_inference_count"              nothing is measured of it for five seconds; also when it never was
///   "anomaly gpu_power_w > 30%"              it differs from its median of the last hour by more than that, to either side
/// Of several models, GPUs, …: the one that is furthest beyond; of an anomaly the largest value. One thread at a time.
class AlertCondition
{
public:
    /// Errors: BadInput, says what to write instead.
    [[nodiscard]] static Result<AlertCondition> parse(std::string_view text);

    [[nodiscard]] const std::string& text() const { return m_text; }
    [[nodiscard]] bool isOfAbsence() const { return m_kind == Kind::Absence; }

    void define(const SeriesDefinition& series) { m_metric.define(series); }
    void forget(std::span<const std::uint32_t> ids) { m_metric.forget(ids); }
    void take(const Sample& sample) { m_metric.take(sample); }

    struct Reading
    {
        std::optional<bool> isTrue; ///< absent: it cannot be judged
        std::string value;          ///< "6.2 ms (model=\"bert\")", "210 W, 40 % above its median of the last hour (150 W)"
        std::string problem;        ///< why it cannot be judged, a sentence
    };
    /// Call it a few times a second: the median is one of these readings.
    [[nodiscard]] Reading read(TimestampNs now);

private:
    enum class Kind : std::uint8_t
    {
        Value,
        Absence,
        Anomaly
    };
    AlertCondition(Kind kind, MetricCondition metric);
    [[nodiscard]] Reading readAnomaly(TimestampNs now);
    [[nodiscard]] double median() const;

    Kind m_kind;
    std::string m_text;
    MetricCondition m_metric;
    double m_deviation = 0;     ///< of an anomaly, a ratio
    std::deque<Point> m_before; ///< one a second
    double m_median = 0;        ///< of those
    TimestampNs m_since = 0;    ///< of the first reading; 0: none yet
};

} // namespace gantry::metrics
