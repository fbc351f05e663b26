#include "app/cli/metrics_block.h"

#include "app/cli/printable.h"
#include "trace_model/metrics/derived_metrics.h"

#include <cmath>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

constexpr DurationNs kRateBase = 1'000'000'000; // as in the desktop's live view
constexpr DurationNs kLookBack = 5'000'000'000; // several periods of the slowest sampler
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

std::string valueText(double value)
{
    return std::abs(value) >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.3g}", value);
}

} // namespace

void MetricsBlock::add(const proto::MetricsBatch& batch)
{
    for (const metrics::SeriesDefinition& definition : batch.definitions)
        m_store.define(definition);
    for (const metrics::Sample& sample : batch.samples)
        m_store.append(sample);
    m_utcOffsetNs = batch.nodeUtcNs - batch.nodeMonoNs;
}

std::string MetricsBlock::text() const
{
    const TimestampNs newest = m_store.newest();
    if (newest == 0)
        return {};
    const auto seconds = static_cast<std::time_t>((newest + m_utcOffsetNs) / kNsPerSecond);
    std::string result = fmt::format("{:%Y-%m-%d %H:%M:%S}\n", fmt::localtime(seconds));
    for (const metrics::DerivedMetric& metric : metrics::derivedMetrics(m_store, {newest - kLookBack, newest + 1}, kRateBase))
        result += fmt::format("  {:<24} {:<28} {:>12} {}\n", printable(metric.subject), printable(metric.name),
                              valueText(metric.points.back().value), printable(metric.unit));
    return result;
}

} // namespace gantry::cli
