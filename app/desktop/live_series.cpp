#include "app/desktop/live_series.h"

#include "app/desktop/text.h"
#include "trace_model/metrics/derived_metrics.h"
#include "trace_model/metrics/histogram.h"

#include <QCoreApplication>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace gantry::desktop {

namespace {

using metrics::SeriesDefinition;

constexpr DurationNs kGlideLimit = 1'000'000'000;
constexpr DurationNs kLongestStep = 1'500'000'000; // between two points of what the node remembers
constexpr DurationNs kRateBase = 1'000'000'000; // a few requests between two scrapes would make a saw of the curve
constexpr DurationNs kForgottenAfter = 3600LL * 1'000'000'000, kForgetEvery = 60LL * 1'000'000'000;
constexpr DurationNs kProof = 10'000'000'000; // of a panel out of view, that it has curves
constexpr std::size_t kMostBreaks = 100;
constexpr std::size_t kOffsets = 16;            // batches: a second or two
constexpr std::size_t kPhasePanels = 4;         // models beyond the busiest four have no plot of their own

QString tr(const char* text)
{
    return QCoreApplication::translate("gantry::desktop::LiveSeries", text);
}

/// Panels in the order they are shown. The phase times are for every model a panel of its own.
struct PanelOf
{
    metrics::Quantity quantity;
    const char* key;
    const char* title;
    const char* unit;
    double atLeast;
    double atMost; ///< 0: no limit
    bool isShownEmpty;
};

constexpr PanelOf kPanels[] = {
    {metrics::Quantity::RequestRate, "requests", QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "Requests"), QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "req/s"), 1, 0, true},
    {metrics::Quantity::PhaseTime, "phases", QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "Phase times"), QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "µs per request"), 1, 0, true},
    {metrics::Quantity::QueueLength, "queue", QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "Queue"), QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "requests waiting"), 4, 0, true},
    {metrics::Quantity::BatchSize, "batch", QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "Batch size"), QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "requests per batch"), 2, 0, true},
    {metrics::Quantity::Utilisation, "utilisation", QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "Utilisation"), QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "%"), 100, 100, true},
    {metrics::Quantity::Memory, "memory", QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "Memory"), QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "GiB"), 1, 0, false},
    {metrics::Quantity::Power, "power", QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "Power"), QT_TRANSLATE_NOOP("gantry::desktop::LiveSeries", "W"), 100, 0, false},
};

LivePanel emptyPanel(const PanelOf& panel)
{
    return {QString::fromLatin1(panel.key), tr(panel.title), tr(panel.unit), {}, panel.atLeast, panel.atMost};
}

/// "bert_base", and "triton: bert_base" where several servers run.
class Naming
{
public:
    Naming(const std::vector<metrics::DerivedMetric>& all, const LiveSeries::TargetName& nameOf) : m_nameOf(nameOf)
    {
        for (const metrics::DerivedMetric& metric : all) {
            if (!metric.target.empty())
                m_targets.insert(metric.target);
            if (metric.quantity == metrics::Quantity::Utilisation)
                ++m_utilisations[{metric.target, metric.subject}];
        }
    }

    [[nodiscard]] QString subject(const metrics::DerivedMetric& metric) const
    {
        const QString own = toQString(metric.subject);
        if (m_targets.size() < 2 || metric.target.empty())
            return own;
        return own.isEmpty() ? m_nameOf(metric.target) : tr("%1: %2").arg(m_nameOf(metric.target), own);
    }

    [[nodiscard]] widgets::PlotCurve curve(const metrics::DerivedMetric& metric) const
    {
        if (metric.name == "failed requests")
            return {tr("%1 failed").arg(subject(metric)), metric.points, {}};
        // A GPU has a share of its time, of its SMs, of its tensor cores, …: which one is which, its name says.
        if (metric.quantity == metrics::Quantity::Utilisation && m_utilisations.at({metric.target, metric.subject}) > 1)
            return {tr("%1 %2").arg(subject(metric), toQString(metric.name)), metric.points, {}};
        return {subject(metric), metric.points, {}};
    }

private:
    const LiveSeries::TargetName& m_nameOf;
    std::set<std::string> m_targets;
    std::map<std::pair<std::string, std::string>, int> m_utilisations; ///< by target and subject, how many there are
};

widgets::PlotCurve phaseCurveOf(const metrics::DerivedMetric& metric)
{
    // Short: four names with their values are one line. The plot is of nothing but phases.
    QString name = toQString(metric.name);
    name.remove(QStringLiteral("compute_"));
    return {name, metric.points, records::phaseFromName(metric.name)};
}

/// One panel for each of the busiest models, in the order of their names: plots that change places cannot be read.
std::vector<LivePanel> phasePanels(const std::vector<metrics::DerivedMetric>& all, const Naming& naming, const PanelOf& panelOf)
{
    struct Model
    {
        double requestsPerSecond = 0;
        LivePanel panel;
    };
    std::map<QString, Model> byName;
    for (const metrics::DerivedMetric& metric : all) {
        if (metric.quantity == metrics::Quantity::RequestRate && metric.name == "requests")
            byName[naming.subject(metric)].requestsPerSecond += metric.points.back().value;
        else if (metric.quantity == metrics::Quantity::PhaseTime)
            byName[naming.subject(metric)].panel.curves.push_back(phaseCurveOf(metric));
    }
    std::vector<Model> models;
    for (auto& [name, model] : byName) {
        LivePanel panel = emptyPanel(panelOf);
        panel.curves = std::move(model.panel.curves);
        if (byName.size() > 1) {
            panel.key += QLatin1Char(':') + name;
            panel.title = tr("%1 phases").arg(name);
        }
        models.push_back({model.requestsPerSecond, std::move(panel)});
    }
    if (models.size() > kPhasePanels) {
        std::stable_sort(models.begin(), models.end(), [](const Model& a, const Model& b) { return a.requestsPerSecond > b.requestsPerSecond; });
        models.resize(kPhasePanels);
        std::sort(models.begin(), models.end(), [](const Model& a, const Model& b) { return a.panel.key < b.panel.key; });
    }
    std::vector<LivePanel> panels;
    for (Model& model : models)
        panels.push_back(std::move(model.panel));
    if (panels.empty())
        panels.push_back(emptyPanel(panelOf));
    return panels;
}

} // namespace

void addCurves(const metrics::PanelQuery& query, std::vector<metrics::QueryCurve> curves, const LiveSeries::TargetName& nameOf,
               LivePanel& panel)
{
    std::set<std::string> targets;
    for (metrics::QueryCurve& curve : curves)
        if (const auto target = curve.labels.find("target"); target != curve.labels.end()) {
            target->second = nameOf(target->second).toStdString();
            targets.insert(target->second);
        }
    const std::vector<std::string> legends = metrics::legendsOf(query, curves);
    for (std::size_t i = 0; i < curves.size(); ++i) {
        metrics::QueryCurve& curve = curves[i];
        if (curve.points.empty())
            continue;
        QString name = toQString(legends[i]);
        const auto target = curve.labels.find("target");
        if (targets.size() > 1 && target != curve.labels.end() && !name.contains(toQString(target->second)))
            name = tr("%1: %2").arg(toQString(target->second), name);
        const auto bound = curve.labels.find("le");
        panel.curves.push_back(
            {name, std::move(curve.points), {}, bound == curve.labels.end() ? std::nullopt : metrics::bucketBound(bound->second)});
    }
}

std::vector<LivePanel> withEarlier(std::vector<LivePanel> panels, std::vector<LivePanel> earlier, DurationNs shift)
{
    for (LivePanel& before : earlier) {
        const auto panel = std::find_if(panels.begin(), panels.end(), [&](const LivePanel& one) { return one.key == before.key; });
        if (panel == panels.end() || panel->kind != metrics::PanelKind::Line)
            continue;
        const std::size_t ofNow = panel->curves.size();
        for (widgets::PlotCurve& curve : before.curves) {
            const auto same = std::find_if(panel->curves.begin(), panel->curves.begin() + static_cast<std::ptrdiff_t>(ofNow),
                                           [&](const widgets::PlotCurve& one) { return one.name == curve.name; });
            const auto index = static_cast<std::size_t>(same - panel->curves.begin());
            if (index == ofNow)
                continue; // it is there no more: a dashed line that nothing names says nothing
            for (metrics::Point& point : curve.points)
                point.time += shift;
            curve.isEarlier = true;
            curve.color = index;
            curve.name = tr("%1, before").arg(curve.name);
            panel->curves.push_back(std::move(curve));
        }
    }
    return panels;
}

void LiveSeries::restart(const std::string& bootId)
{
    catchUp(); // ids of the stream before
    m_localByRemote.clear();
    m_localByHistory.clear();
    if (bootId == m_bootId) {
        // Just behind the last sample: those of the new stream come after it.
        if (!isEmpty())
            m_breaks.push_back(m_newest + 1);
        if (m_breaks.size() > kMostBreaks)
            m_breaks.erase(m_breaks.begin());
        return;
    }
    m_bootId = bootId;
    m_store.clear();
    m_localIds.clear();
    m_breaks.clear();
    m_oldest = m_newest = m_nodeNow = m_nextForgetting = 0;
    m_utcOffsets.clear();
}

std::uint32_t LiveSeries::localId(SeriesDefinition definition)
{
    const auto [entry, isNew] = m_localIds.try_emplace({definition.name, definition.labels}, m_lastLocalId + 1);
    const std::uint32_t id = entry->second;
    if (isNew) {
        definition.id = m_lastLocalId = id;
        m_store.define(std::move(definition));
    }
    return id;
}

void LiveSeries::addHistory(const proto::HistoryPart& part)
{
    catchUp();
    for (const proto::HistorySeries& series : part.series) {
        if (!series.definition.name.empty())
            m_localByHistory[series.definition.id] = localId(series.definition);
        const auto local = m_localByHistory.find(series.definition.id);
        const proto::HistoryColumns& columns = series.columns;
        if (local == m_localByHistory.end() || columns.times.empty())
            continue;
        std::vector<metrics::Point> points;
        for (std::size_t i = 0; i < columns.times.size(); ++i)
            points.push_back({columns.times[i], columns.values[i]});
        m_oldest = m_oldest == 0 ? points.front().time : std::min(m_oldest, points.front().time);
        m_store.fillIn(local->second, points, kLongestStep);
    }
    m_newest = std::max(m_newest, m_store.newest());
    m_nodeNow = std::max(m_nodeNow, m_newest);
}

void LiveSeries::add(const proto::MetricsBatch& batch)
{
    for (const SeriesDefinition& definition : batch.definitions)
        m_localByRemote[definition.id] = localId(definition);
    for (const metrics::Sample& sample : batch.samples) {
        if (m_oldest == 0)
            m_oldest = sample.time;
        m_newest = std::max(m_newest, sample.time);
    }
    keep(batch.samples);
    while (!m_waiting.empty() && m_newest - m_waiting.front().newest > kKept)
        m_waiting.pop_front();
    m_droppedByNode = batch.droppedSamples;
    if (batch.nodeUtcNs != 0 && batch.nodeMonoNs != 0)
        m_utcOffsets.push_back(batch.nodeUtcNs - batch.nodeMonoNs);
    if (m_utcOffsets.size() > kOffsets)
        m_utcOffsets.pop_front();
    m_nodeNow = std::max(batch.nodeMonoNs, m_newest);
    m_sinceNodeNow.start();
}

void LiveSeries::keep(const std::vector<metrics::Sample>& samples)
{
    if (samples.empty())
        return;
    Waiting& waiting = m_waiting.emplace_back(Waiting{m_newest, {}});
    waiting.samples.reserve(samples.size());
    for (const metrics::Sample& sample : samples)
        if (m_newest - sample.time <= kForgottenAfter)
            waiting.samples.push_back({sample.seriesId, static_cast<std::uint32_t>((m_newest - sample.time) / 1000), sample.value});
}

/// The node reads the wall clock after the other one: where it was held up in between, their difference is too large.
std::optional<DurationNs> LiveSeries::utcOffset() const
{
    return m_utcOffsets.empty() ? std::nullopt : std::optional(*std::min_element(m_utcOffsets.begin(), m_utcOffsets.end()));
}

void LiveSeries::catchUp()
{
    for (const Waiting& batch : m_waiting) {
        for (const WaitingSample& sample : batch.samples) {
            const auto local = m_localByRemote.find(sample.remoteId);
            // One of no series is refused and counted by the store: ids start at 1 there.
            m_store.append({local != m_localByRemote.end() ? local->second : 0, batch.newest - sample.ageUs * 1000LL, sample.value});
        }
    }
    m_waiting.clear();
    if (m_newest >= m_nextForgetting)
        forgetEnded();
}

void LiveSeries::forgetEnded()
{
    m_nextForgetting = m_newest + kForgetEvery;
    const std::vector<std::uint32_t> ended = m_store.removeEndedBefore(m_newest - kForgottenAfter);
    if (ended.empty())
        return;
    const auto isEnded = [&](const auto& entry) { return std::binary_search(ended.begin(), ended.end(), entry.second); };
    std::erase_if(m_localIds, isEnded);
    std::erase_if(m_localByRemote, isEnded);
    std::erase_if(m_localByHistory, isEnded);
}

TimeRange LiveSeries::window(DurationNs length) const
{
    const DurationNs silence = m_sinceNodeNow.isValid() ? std::min<DurationNs>(m_sinceNodeNow.nsecsElapsed(), kGlideLimit) : 0;
    const TimestampNs now = m_nodeNow + silence;
    return {now - length, now + 1};
}

std::vector<LivePanel> LiveSeries::panels(const metrics::Dashboard& dashboard, TimeRange window, const TargetName& nameOf,
                                          const std::function<bool(const QString& key)>& isInView)
{
    catchUp();
    std::vector<LivePanel> panels;
    for (const metrics::DashboardPanel& wanted : dashboard.panels) {
        LivePanel panel;
        panel.key = QString::number(&wanted - dashboard.panels.data());
        panel.title = toQString(wanted.title);
        panel.unit = toQString(wanted.unit);
        panel.help = toQString(wanted.help);
        panel.atLeast = wanted.atLeast;
        panel.atMost = wanted.atMost;
        panel.kind = wanted.kind;
        panel.columns = wanted.columns;
        for (const auto& [value, text] : wanted.states)
            panel.states[value] = toQString(text);
        for (const metrics::PanelThreshold& threshold : wanted.thresholds)
            panel.thresholds.push_back({threshold.value, threshold.isCritical});
        const auto ask = [&](TimeRange time) {
            for (const metrics::PanelQuery& query : wanted.queries)
                addCurves(query, query.query.evaluate(m_store, time, kRateBase), nameOf, panel);
        };
        if (isInView && !isInView(panel.key))
            ask({std::max(window.start, window.end - kProof), window.end});
        if (panel.curves.empty())
            ask(window);
        const bool asksServer = std::any_of(wanted.queries.begin(), wanted.queries.end(),
                                            [](const metrics::PanelQuery& query) { return !query.promql.empty(); });
        if (wanted.isShownEmpty || asksServer || !panel.curves.empty())
            panels.push_back(std::move(panel));
    }
    return panels;
}

std::vector<LivePanel> LiveSeries::panels(TimeRange window, const TargetName& nameOf)
{
    catchUp();
    const std::vector<metrics::DerivedMetric> all = metrics::derivedMetrics(m_store, window, kRateBase, metrics::OtherSeries::LeftOut);
    const Naming naming(all, nameOf);
    std::vector<LivePanel> panels;
    for (const PanelOf& panelOf : kPanels) {
        if (panelOf.quantity == metrics::Quantity::PhaseTime) {
            for (LivePanel& panel : phasePanels(all, naming, panelOf))
                panels.push_back(std::move(panel));
            continue;
        }
        LivePanel panel = emptyPanel(panelOf);
        for (const metrics::DerivedMetric& metric : all) {
            if (metric.quantity == panelOf.quantity)
                panel.curves.push_back(naming.curve(metric));
        }
        if (panelOf.isShownEmpty || !panel.curves.empty())
            panels.push_back(std::move(panel));
    }
    return panels;
}

} // namespace gantry::desktop
