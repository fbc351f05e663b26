#pragma once

#include "trace_model/metrics/series_store.h"

#include <string>
#include <vector>

namespace gantry::metrics {

/// What the values are; metrics of one quantity share an axis.
enum class Quantity : std::uint8_t
{
    RequestRate, ///< req/s of a model; failed requests apart from complete ones
    PhaseTime,   ///< µs per request of a model and a phase
    QueueLength, ///< requests of a model that wait
    BatchSize,   ///< requests per execution of a model
    Utilisation, ///< % of a GPU or of the host's CPUs
    Memory,      ///< GiB in use, of a GPU or of the host
    Power,       ///< W of a GPU
    Other,       ///< any other series: a gauge as it is, a counter as its rate
};

/// A series as people read it: counters as rates, durations per request, in the unit people use.
struct DerivedMetric
{
    Quantity quantity = Quantity::Other;
    std::string target;  ///< of which server of the node; empty: of the machine, or the only one there can be
    std::string subject; ///< whose it is: "bert_base", "GPU 0", "host CPU", or the labels of a series nobody knows
    std::string name;    ///< of what: "requests", "compute_infer", "utilisation", or the series' own name
    std::string unit;    ///< "req/s", "µs per request", "%", "GiB", "W", …
    std::string source;  ///< the series it is made of, with labels as Prometheus writes them
    std::vector<Point> points; ///< oldest first; absent is absent
};

/// Whether series that have no meaning known here are in the answer, as Quantity::Other: on a node they are most of all, and each costs.
enum class OtherSeries
{
    Included,
    LeftOut
};

/// What can be derived from all series with points in `window`, in the order of Quantity, then by subject as the series were defined. Rates are
/// taken over at least `rateBase` (see SeriesStore::rate). Knows Triton's metric names
/// (https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/metrics.html) and those of gantryd.
[[nodiscard]] std::vector<DerivedMetric> derivedMetrics(const SeriesStore& store, TimeRange window, DurationNs rateBase,
                                                        OtherSeries others = OtherSeries::Included);

/// Names of the series that these are made of, but for those of Quantity::Other.
[[nodiscard]] std::vector<std::string> derivedNames();

} // namespace gantry::metrics
