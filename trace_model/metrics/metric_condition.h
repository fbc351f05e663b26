#pragma once

#include "trace_model/base/result.h"
#include "trace_model/metrics/series_store.h"

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::metrics {

/// A metric, a comparison and a value with its unit, as people type it: "p99 queue > 5ms", "queue > 2ms", "requests < 100/s",
/// "gpu_utilization_ratio{gpu=\"0\"} < 50%", "p95 vllm:time_to_first_token_seconds >= 0.5s". One thread at a time.
///
/// Metrics: any series by its name (a gauge as it is, a counter as its rate, pNN of a histogram or a summary), and what is derived of the
/// servers that are known, by name: requests, failures, and the times of a request, in the mean or as pNN: latency, queue, compute_input,
/// compute_infer, compute_output, first_token. Rates, means and percentiles of histograms are of the last second.
class MetricCondition
{
public:
    /// Errors: BadInput, says what to write instead.
    [[nodiscard]] static Result<MetricCondition> parse(std::string_view text);

    [[nodiscard]] const std::string& text() const { return m_text; }
    /// Of "METRIC > 30%": 0.3. Nothing for other comparisons and units.
    [[nodiscard]] std::optional<double> anomalyRatio() const;

    /// Looks for the metric among these series. Errors: NotFound (says which there are, the nearest spelling first), BadInput (the unit is
    /// one of another quantity).
    [[nodiscard]] Result<void> check(const std::vector<SeriesDefinition>& series) const;

    /// Why the value cannot be compared with what is measured ("5" with a time), a sentence; empty: it can, or nothing is measured yet.
    [[nodiscard]] std::string unitProblem();

    /// Takes series and samples as they are measured; those of others are left out.
    void define(const SeriesDefinition& series);
    /// They have ended.
    void forget(std::span<const std::uint32_t> ids);
    void take(const Sample& sample);

    struct Reading
    {
        bool isTrue = false;
        std::optional<double> value; ///< where it is true, the value furthest beyond; in the unit of the condition. Absent: not measured
        TimestampNs time = 0;        ///< when it was measured
        std::string subject;         ///< labels of that one, where there are several
        std::string text;            ///< "6.2 ms": the value in the unit people use for such; empty: not measured
    };
    /// Values older than that are none: 1.5 s where nobody says otherwise; longer for servers that are asked less often.
    void setPatience(DurationNs patience) { m_patience = patience; }
    /// Of all models, GPUs, … together: true where it is true of one. What was not measured lately is never true.
    [[nodiscard]] Reading read(TimestampNs now);
    /// "6.2 ms"; of a reading that has a value.
    [[nodiscard]] std::string valueText(double value) const;

private:
    enum class Comparison
    {
        Less,
        LessEqual,
        Greater,
        GreaterEqual
    };
    enum class Quantity
    {
        Number,
        Time,
        Ratio,
        Bytes,
        Rate,
        Power,
        Frequency,
        Temperature
    };
    enum class Measure
    {
        Gauge,
        Rate,
        Mean,
        Histogram,
        Summary
    };
    struct Unit
    {
        std::string_view name;
        Quantity quantity;
        double scale; ///< in the base unit: ns, 1, bytes, per second, W, Hz, °C
    };
    static const Unit kUnits[];

    /// A way to measure what is asked for.
    struct Source
    {
        Measure measure;
        std::string series, divisor; ///< names; divisor of a mean
        Quantity quantity;
        double scale; ///< of its values, to the base unit
    };
    /// The ways that there may be, the best first.
    [[nodiscard]] std::vector<Source> sources(const std::vector<SeriesDefinition>& series) const;
    /// The one that these series have.
    [[nodiscard]] std::optional<Source> sourceIn(const std::vector<SeriesDefinition>& series) const;
    [[nodiscard]] std::vector<std::string> namesIn(const std::vector<SeriesDefinition>& series) const;
    [[nodiscard]] bool isMeant(const SeriesDefinition& series) const; ///< by its labels
    [[nodiscard]] bool holds(double value) const;
    [[nodiscard]] static std::string textOf(Quantity quantity, double value);
    [[nodiscard]] std::optional<Point> rate(std::uint32_t id, TimestampNs now) const;
    [[nodiscard]] std::optional<Point> quantileOf(const SeriesDefinition& anyBucket, const std::vector<SeriesDefinition>& series,
                                                  TimestampNs now) const;
    [[nodiscard]] std::optional<Point> newest(std::uint32_t id, TimestampNs now) const;
    [[nodiscard]] std::optional<Point> measure(const Source& source, const SeriesDefinition& of,
                                               const std::vector<SeriesDefinition>& series, TimestampNs now) const;

    void choose();

    MetricCondition();

    std::string m_text, m_metric;
    std::map<std::string, std::string> m_labels; ///< that a series must have
    std::optional<double> m_quantile;            ///< 0..1
    Comparison m_comparison = Comparison::Greater;
    DurationNs m_patience;
    const Unit* m_unit = nullptr;
    double m_value = 0; ///< in the base unit
    std::set<std::string, std::less<>> m_names; ///< of all series that it may be measured by
    std::set<std::uint32_t> m_ids;              ///< of the next
    std::vector<SeriesDefinition> m_series;     ///< those that have the labels
    bool m_isChosen = true;                 ///< the next two are of all of them
    std::optional<Source> m_source;
    std::string m_unitProblem;
    std::vector<SeriesDefinition> m_measured; ///< that it is measured by: few of a thousand
    SeriesStore m_store;                      ///< of those
};

} // namespace gantry::metrics
