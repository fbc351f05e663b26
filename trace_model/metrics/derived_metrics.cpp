#include "trace_model/metrics/derived_metrics.h"

#include "trace_model/metrics/histogram.h"
#include "trace_model/metrics/prometheus_text.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

namespace gantry::metrics {
namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

/// A gauge that is shown as it is, scaled to the unit people use.
struct KnownGauge
{
    std::string_view series;
    Quantity quantity;
    std::string_view owner; ///< of a series without a label that says so
    std::string_view name;
    std::string_view unit;
    double factor;
};

constexpr std::array kGauges = {
    KnownGauge{"nv_inference_pending_request_count", Quantity::QueueLength, "", "queue length", "requests waiting", 1},
    KnownGauge{"gpu_utilization_ratio", Quantity::Utilisation, "GPU", "utilisation", "%", 100},
    KnownGauge{"host_cpu_ratio", Quantity::Utilisation, "host CPU", "utilisation", "%", 100},
    KnownGauge{"gpu_memory_used_bytes", Quantity::Memory, "GPU", "memory", "GiB", 1 / kGiB},
    KnownGauge{"host_memory_used_bytes", Quantity::Memory, "host", "memory", "GiB", 1 / kGiB},
    KnownGauge{"gpu_power_w", Quantity::Power, "GPU", "power", "W", 1},
    KnownGauge{"gpu_sm_clock_hz", Quantity::Other, "GPU", "SM clock", "MHz", 1e-6},
    KnownGauge{"gpu_temperature_c", Quantity::Other, "GPU", "temperature", "°C", 1},
    KnownGauge{"gpm_sm_active_ratio", Quantity::Utilisation, "GPU", "SM active", "%", 100},
    KnownGauge{"gpm_sm_occupancy_ratio", Quantity::Utilisation, "GPU", "SM occupancy", "%", 100},
    KnownGauge{"gpm_tensor_active_ratio", Quantity::Utilisation, "GPU", "tensor active", "%", 100},
    KnownGauge{"gpm_dram_ratio", Quantity::Utilisation, "GPU", "DRAM bandwidth", "%", 100},
    KnownGauge{"gpm_pcie_transmit_bytes_per_second", Quantity::Other, "GPU", "PCIe sent", "GB/s", 1e-9},
    KnownGauge{"gpm_pcie_receive_bytes_per_second", Quantity::Other, "GPU", "PCIe received", "GB/s", 1e-9},
    KnownGauge{"gpm_nvlink_transmit_bytes_per_second", Quantity::Other, "GPU", "NVLink sent", "GB/s", 1e-9},
    KnownGauge{"gpm_nvlink_receive_bytes_per_second", Quantity::Other, "GPU", "NVLink received", "GB/s", 1e-9},
};

/// Time that a model's requests spent in a phase, in sum.
struct PhaseCounter
{
    std::string_view series;
    std::string_view phase;
};

constexpr std::array kPhases = {
    PhaseCounter{"nv_inference_queue_duration_us", "queue"},
    PhaseCounter{"nv_inference_compute_input_duration_us", "compute_input"},
    PhaseCounter{"nv_inference_compute_infer_duration_us", "compute_infer"},
    PhaseCounter{"nv_inference_compute_output_duration_us", "compute_output"},
};

/// Whose series it is, by the labels that tell it from the others of its name.
std::string subjectOf(const SeriesDefinition& series, std::string_view owner)
{
    if (const auto model = series.labels.find("model"); model != series.labels.end())
        return model->second;
    for (const char* key : {"gpu", "gpu_index", "device"})
        if (const auto gpu = series.labels.find(key); gpu != series.labels.end())
            return "GPU " + gpu->second;
    if (!owner.empty())
        return std::string(owner);
    std::string values;
    for (const auto& [key, value] : series.labels)
        if (key != "target")
            values += (values.empty() ? "" : " ") + value;
    return values;
}

std::string targetOf(const SeriesDefinition& series)
{
    const auto target = series.labels.find("target");
    return target == series.labels.end() ? std::string() : target->second;
}

std::string sourceOf(const SeriesDefinition& series)
{
    return series.labels.empty() ? series.name : series.name + '{' + formatLabels(series.labels) + '}';
}

bool isEverAboveZero(const std::vector<Point>& points)
{
    return std::any_of(points.begin(), points.end(), [](const Point& point) { return point.value > 0; });
}

/// Collects the metrics; remembers which series are in one.
/// Counts of a model, besides the counter of complete requests that it is found by.
constexpr std::array kCounts = {"nv_inference_request_failure", "nv_inference_count", "nv_inference_exec_count"};
constexpr const char* kSuccess = "nv_inference_request_success";

class Builder
{
public:
    Builder(const SeriesStore& store, TimeRange window, DurationNs rateBase, OtherSeries others)
        : m_store(store), m_window(window), m_rateBase(rateBase), m_others(others)
    {
    }

    std::vector<DerivedMetric> build()
    {
        for (const SeriesDefinition* success : m_store.named(kSuccess))
            addModel(*success);
        for (const KnownGauge& gauge : kGauges) {
            if (m_others == OtherSeries::LeftOut && gauge.quantity == Quantity::Other)
                continue;
            for (const SeriesDefinition* series : m_store.named(gauge.series))
                addGauge(*series, gauge);
        }
        if (m_others == OtherSeries::Included)
            addOthers();
        std::stable_sort(m_metrics.begin(), m_metrics.end(),
                         [](const DerivedMetric& a, const DerivedMetric& b) { return a.quantity < b.quantity; });
        return std::move(m_metrics);
    }

private:
    void addOthers()
    {
        // Of the same events as others that are shown.
        takeAll("nv_inference_request_duration_us");
        for (const char* count : kCounts)
            takeAll(count);
        for (const SeriesDefinition* series : m_store.definitions())
            if (!m_taken.contains(series->id))
                addUnknown(*series);
    }

    void add(DerivedMetric metric, std::vector<Point> points)
    {
        if (points.empty())
            return;
        metric.points = std::move(points);
        m_metrics.push_back(std::move(metric));
    }

    /// What a Triton-like server says of one model, found by its counter of complete requests.
    void addModel(const SeriesDefinition& success)
    {
        m_taken.insert(success.id);
        const std::string model = subjectOf(success, ""), target = targetOf(success);
        const std::vector<Point> completed = m_store.rate(success.id, m_window, m_rateBase);
        add({Quantity::RequestRate, target, model, "requests", "req/s", sourceOf(success), {}}, completed);
        if (const SeriesDefinition* failure = sibling(success, "nv_inference_request_failure")) {
            auto failed = m_store.rate(failure->id, m_window, m_rateBase);
            // A curve at zero for every model that never fails would only hide the others.
            if (isEverAboveZero(failed))
                add({Quantity::RequestRate, target, model, "failed requests", "req/s", sourceOf(*failure), {}}, std::move(failed));
        }
        for (const PhaseCounter& phase : kPhases)
            if (const SeriesDefinition* duration = sibling(success, phase.series))
                add({Quantity::PhaseTime, target, model, std::string(phase.phase), "µs per request", sourceOf(*duration), {}},
                    ratioOfRates(m_store.rate(duration->id, m_window, m_rateBase), completed));
        const SeriesDefinition* inferences = sibling(success, "nv_inference_count");
        const SeriesDefinition* executions = sibling(success, "nv_inference_exec_count");
        if (inferences && executions)
            add({Quantity::BatchSize, target, model, "batch size", "requests per batch", sourceOf(*executions), {}},
                ratioOfRates(m_store.rate(inferences->id, m_window, m_rateBase), m_store.rate(executions->id, m_window, m_rateBase)));
    }

    void addGauge(const SeriesDefinition& series, const KnownGauge& gauge)
    {
        m_taken.insert(series.id);
        std::vector<Point> points = m_store.snapshot(series.id, m_window);
        for (Point& point : points)
            point.value *= gauge.factor;
        add({gauge.quantity,
             targetOf(series),
             subjectOf(series, gauge.owner),
             std::string(gauge.name),
             std::string(gauge.unit),
             sourceOf(series),
             {}},
            std::move(points));
    }

    void addUnknown(const SeriesDefinition& series)
    {
        if (!histogramOfBucket(series.name).empty())
            return; // a curve for each of a hundred buckets shows nothing
        DerivedMetric metric{Quantity::Other, targetOf(series), subjectOf(series, ""), series.name, series.unit, sourceOf(series), {}};
        if (series.kind == SeriesKind::Gauge)
            return add(std::move(metric), m_store.snapshot(series.id, m_window));
        metric.unit = series.unit.empty() || series.unit == "count" ? "1/s" : series.unit + "/s";
        add(std::move(metric), m_store.rate(series.id, m_window, m_rateBase));
    }

    /// The series of another name with the same labels.
    const SeriesDefinition* sibling(const SeriesDefinition& of, std::string_view name)
    {
        const auto& all = m_store.named(name);
        const auto found =
            std::find_if(all.begin(), all.end(), [&](const SeriesDefinition* series) { return series->labels == of.labels; });
        if (found == all.end())
            return nullptr;
        m_taken.insert((*found)->id);
        return *found;
    }

    void takeAll(std::string_view name)
    {
        for (const SeriesDefinition* series : m_store.named(name))
            m_taken.insert(series->id);
    }

    const SeriesStore& m_store;
    TimeRange m_window;
    DurationNs m_rateBase;
    OtherSeries m_others;
    std::set<std::uint32_t> m_taken;
    std::vector<DerivedMetric> m_metrics;
};

} // namespace

std::vector<DerivedMetric> derivedMetrics(const SeriesStore& store, TimeRange window, DurationNs rateBase, OtherSeries others)
{
    return Builder(store, window, rateBase, others).build();
}

std::vector<std::string> derivedNames()
{
    std::vector<std::string> names{kSuccess};
    names.insert(names.end(), kCounts.begin(), kCounts.end());
    for (const PhaseCounter& phase : kPhases)
        names.emplace_back(phase.series);
    for (const KnownGauge& gauge : kGauges)
        if (gauge.quantity != Quantity::Other)
            names.emplace_back(gauge.series);
    return names;
}

} // namespace gantry::metrics
