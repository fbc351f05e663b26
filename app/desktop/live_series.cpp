#include "app/desktop/live_series.h"

#include "app/desktop/text.h"

#include <QCoreApplication>
#include <QStringList>

#include <algorithm>
#include <array>

namespace gantry::desktop {

namespace {

using metrics::Point;
using metrics::SeriesDefinition;

constexpr DurationNs kGlideLimit = 1'000'000'000;
constexpr DurationNs kRateBase = 1'000'000'000; // a few requests between two scrapes would make a saw of the curve
constexpr std::size_t kPhasePanels = 4;         // models beyond the busiest four have no plot of their own

QString tr(const char* text)
{
    return QCoreApplication::translate("gantry::desktop::LiveSeries", text);
}

/// The words that tell one series of a name from the others: model, GPU, else whatever labels there are.
QString curveName(const SeriesDefinition& series)
{
    const auto label = [&](const char* key) {
        const auto found = series.labels.find(key);
        return found == series.labels.end() ? QString() : toQString(found->second);
    };
    if (const QString model = label("model"); !model.isEmpty())
        return model;
    for (const char* key : {"gpu", "gpu_index", "device"}) {
        if (const QString gpu = label(key); !gpu.isEmpty())
            return tr("GPU %1").arg(gpu);
    }
    if (const QString target = label("target"); !target.isEmpty())
        return target;
    QStringList values;
    for (const auto& [key, value] : series.labels)
        values << toQString(value);
    return values.join(QLatin1Char(' '));
}

void scale(std::vector<Point>& points, double factor)
{
    for (Point& point : points)
        point.value *= factor;
}

} // namespace

void LiveSeries::restart()
{
    m_localByRemote.clear();
}

void LiveSeries::add(const proto::MetricsBatch& batch)
{
    for (SeriesDefinition definition : batch.definitions) {
        const std::uint32_t remote = definition.id;
        const auto [entry, isNew] = m_localIds.try_emplace({definition.name, definition.labels}, static_cast<std::uint32_t>(m_localIds.size() + 1));
        m_localByRemote[remote] = entry->second;
        if (isNew) {
            definition.id = entry->second;
            m_store.define(std::move(definition));
        }
    }
    for (metrics::Sample sample : batch.samples) {
        const auto local = m_localByRemote.find(sample.seriesId);
        if (local != m_localByRemote.end())
            sample.seriesId = local->second; // else refused and counted by the store: ids start at 1 there
        else
            sample.seriesId = 0;
        if (m_oldest == 0)
            m_oldest = sample.time;
        m_store.append(sample);
    }
    m_droppedByNode = batch.droppedSamples;
    m_nodeNow = std::max(batch.nodeMonoNs, m_store.newest());
    m_sinceNodeNow.start();
}

TimeRange LiveSeries::window(DurationNs length) const
{
    const DurationNs silence = m_sinceNodeNow.isValid() ? std::min<DurationNs>(m_sinceNodeNow.nsecsElapsed(), kGlideLimit) : 0;
    const TimestampNs now = m_nodeNow + silence;
    return {now - length, now + 1};
}

std::vector<SeriesDefinition> LiveSeries::named(const char* name) const
{
    std::vector<SeriesDefinition> found;
    for (SeriesDefinition& definition : m_store.definitions()) {
        if (definition.name == name)
            found.push_back(std::move(definition));
    }
    return found;
}

std::vector<LivePanel> LiveSeries::panels(TimeRange window) const
{
    const auto withoutIdle = [](LivePanel& panel, QString name, std::vector<Point> points) {
        if (!points.empty())
            panel.curves.push_back({std::move(name), std::move(points), {}});
    };
    const auto rateOf = [&](const char* name, const std::map<std::string, std::string>& labels) {
        for (const SeriesDefinition& series : named(name)) {
            if (series.labels == labels)
                return m_store.rate(series.id, window, kRateBase);
        }
        return std::vector<Point>();
    };
    const auto addGauges = [&](LivePanel& panel, const char* name, const QString& prefix, double factor) {
        const auto series = named(name);
        for (const SeriesDefinition& definition : series) {
            auto points = m_store.snapshot(definition.id, window);
            scale(points, factor);
            QString label = curveName(definition);
            if (label.isEmpty() || (series.size() == 1 && !prefix.isEmpty()))
                label = prefix;
            else if (!label.startsWith(prefix))
                label = prefix + QLatin1Char(' ') + label;
            withoutIdle(panel, label, std::move(points));
        }
    };

    LivePanel requests{QStringLiteral("requests"), tr("Requests"), tr("req/s"), {}, 1};
    LivePanel batch{QStringLiteral("batch"), tr("Batch size"), tr("requests per batch"), {}, 2};
    const auto successes = named("nv_inference_request_success");
    for (const SeriesDefinition& success : successes) {
        withoutIdle(requests, curveName(success), m_store.rate(success.id, window, kRateBase));
        withoutIdle(batch, curveName(success),
                    metrics::ratioOfRates(rateOf("nv_inference_count", success.labels), rateOf("nv_inference_exec_count", success.labels)));
    }
    for (const SeriesDefinition& failure : named("nv_inference_request_failure")) {
        auto points = m_store.rate(failure.id, window, kRateBase);
        // A curve at zero for every model that never fails would only hide the others.
        if (std::any_of(points.begin(), points.end(), [](const Point& point) { return point.value > 0; }))
            withoutIdle(requests, tr("%1 failed").arg(curveName(failure)), std::move(points));
    }

    struct Phase
    {
        const char* series;
        const char* label;
        records::RequestPhase phase;
    };
    constexpr std::array<Phase, 4> kPhases = {{{"nv_inference_queue_duration_us", "queue", records::RequestPhase::Queue},
                                               {"nv_inference_compute_input_duration_us", "input", records::RequestPhase::ComputeInput},
                                               {"nv_inference_compute_infer_duration_us", "infer", records::RequestPhase::ComputeInfer},
                                               {"nv_inference_compute_output_duration_us", "output", records::RequestPhase::ComputeOutput}}};
    std::vector<std::pair<double, LivePanel>> phasePanels; // by requests per second
    for (const SeriesDefinition& success : successes) {
        const auto completed = m_store.rate(success.id, window, kRateBase);
        LivePanel panel{QStringLiteral("phases"), tr("Phase times"), tr("µs per request"), {}, 1};
        if (successes.size() > 1) {
            panel.key += QLatin1Char(':') + curveName(success);
            panel.title = tr("Phase times of %1").arg(curveName(success));
        }
        for (const Phase& phase : kPhases) {
            auto points = metrics::ratioOfRates(rateOf(phase.series, success.labels), completed);
            if (!points.empty())
                panel.curves.push_back({tr(phase.label), std::move(points), phase.phase});
        }
        phasePanels.emplace_back(completed.empty() ? 0 : completed.back().value, std::move(panel));
    }
    if (phasePanels.empty())
        phasePanels.emplace_back(0, LivePanel{QStringLiteral("phases"), tr("Phase times"), tr("µs per request"), {}, 1});
    if (phasePanels.size() > kPhasePanels) {
        std::partial_sort(phasePanels.begin(), phasePanels.begin() + kPhasePanels, phasePanels.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
        phasePanels.resize(kPhasePanels);
        // By name again: plots that change places with every request cannot be read.
        std::sort(phasePanels.begin(), phasePanels.end(), [](const auto& a, const auto& b) { return a.second.key < b.second.key; });
    }

    LivePanel queue{QStringLiteral("queue"), tr("Queue"), tr("requests waiting"), {}, 4};
    addGauges(queue, "nv_inference_pending_request_count", {}, 1);

    LivePanel utilisation{QStringLiteral("utilisation"), tr("Utilisation"), tr("%"), {}, 100};
    addGauges(utilisation, "gpu_utilization_ratio", tr("GPU"), 100);
    addGauges(utilisation, "host_cpu_ratio", tr("host CPU"), 100);

    constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
    LivePanel memory{QStringLiteral("memory"), tr("Memory"), tr("GiB"), {}, 1};
    addGauges(memory, "gpu_memory_used_bytes", tr("GPU"), 1 / kGiB);
    addGauges(memory, "host_memory_used_bytes", tr("host"), 1 / kGiB);

    LivePanel power{QStringLiteral("power"), tr("Power"), tr("W"), {}, 100};
    addGauges(power, "gpu_power_w", tr("GPU"), 1);

    std::vector<LivePanel> panels{std::move(requests)};
    for (auto& [rate, panel] : phasePanels)
        panels.push_back(std::move(panel));
    for (LivePanel* panel : {&queue, &batch, &utilisation})
        panels.push_back(std::move(*panel));
    if (!memory.curves.empty())
        panels.push_back(std::move(memory));
    if (!power.curves.empty())
        panels.push_back(std::move(power));
    return panels;
}

} // namespace gantry::desktop
