#include "trace_model/metrics/series_store.h"

#include <algorithm>
#include <iterator>

namespace gantry::metrics {

SeriesStore::SeriesStore(std::size_t maxPointsPerSeries, DurationNs coarseStep) : m_maxPoints(maxPointsPerSeries), m_coarseStep(coarseStep)
{
}

void SeriesStore::define(SeriesDefinition definition)
{
    const auto [series, isNew] = m_series.try_emplace(definition.id);
    if (!isNew)
        forgetName(series->second.definition);
    series->second.definition = std::move(definition);
    const SeriesDefinition* fresh = &series->second.definition;
    auto& named = m_byName[fresh->name];
    named.insert(std::upper_bound(named.begin(), named.end(), fresh, [](const auto* a, const auto* b) { return a->id < b->id; }), fresh);
}

void SeriesStore::forgetName(const SeriesDefinition& definition)
{
    const auto named = m_byName.find(definition.name);
    std::erase(named->second, &definition);
    if (named->second.empty())
        m_byName.erase(named);
}

void SeriesStore::remove(std::span<const std::uint32_t> ids)
{
    for (const std::uint32_t id : ids) {
        const auto series = m_series.find(id);
        if (series == m_series.end())
            continue;
        forgetName(series->second.definition);
        m_series.erase(series);
    }
}

std::vector<std::uint32_t> SeriesStore::removeEndedBefore(TimestampNs time)
{
    std::vector<std::uint32_t> ended;
    for (const auto& [id, series] : m_series)
        if (!series.points.empty() && series.points.back().time < time)
            ended.push_back(id);
    remove(ended);
    return ended;
}

void SeriesStore::append(const Sample& sample)
{
    const auto series = m_series.find(sample.seriesId);
    if (series == m_series.end() || (!series->second.points.empty() && sample.time < series->second.points.back().time)) {
        ++m_refused;
        return;
    }
    auto& [definition, points, coarse] = series->second;
    points.push_back({sample.time, sample.value});
    if (m_coarseStep > 0)
        coarse.add(points.back(), definition.kind, m_coarseStep);
    if (points.size() > m_maxPoints) {
        points.pop_front();
        coarse.forgetBefore(points.front().time);
        ++m_evicted;
    }
    m_newest = std::max(m_newest, sample.time);
}

void SeriesStore::fillIn(std::uint32_t id, const std::vector<Point>& points, DurationNs apart)
{
    const auto series = m_series.find(id);
    if (series == m_series.end() || points.empty())
        return;
    std::deque<Point>& known = series->second.points;
    std::deque<Point> all;
    auto next = known.begin();
    for (const Point& point : points) {
        for (; next != known.end() && next->time <= point.time; ++next)
            all.push_back(*next);
        const bool isFarFromNext = next != known.end() ? next->time - point.time >= apart : known.empty();
        const bool isFarFromLast = next == known.begin() || point.time - std::prev(next)->time >= apart;
        if (isFarFromNext && isFarFromLast && (all.empty() || all.back().time < point.time))
            all.push_back(point);
    }
    all.insert(all.end(), next, known.end());
    if (all.size() == known.size())
        return; // all of it was there
    while (all.size() > m_maxPoints)
        all.pop_front();
    known.swap(all);
    series->second.coarse.clear();
    if (m_coarseStep > 0)
        for (const Point& point : known)
            series->second.coarse.add(point, series->second.definition.kind, m_coarseStep);
    if (!known.empty())
        m_newest = std::max(m_newest, known.back().time);
}

std::vector<const SeriesDefinition*> SeriesStore::definitions() const
{
    std::vector<const SeriesDefinition*> result;
    result.reserve(m_series.size());
    for (const auto& [id, series] : m_series)
        result.push_back(&series.definition);
    return result;
}

const std::vector<const SeriesDefinition*>& SeriesStore::named(std::string_view name) const
{
    static const std::vector<const SeriesDefinition*> kNone;
    const auto found = m_byName.find(name);
    return found == m_byName.end() ? kNone : found->second;
}

const SeriesDefinition* SeriesStore::find(std::uint32_t id) const
{
    const auto series = m_series.find(id);
    return series == m_series.end() ? nullptr : &series->second.definition;
}

const std::deque<Point>& SeriesStore::pointsFor(const Series& series, TimeRange window) const
{
    const bool isCoarse = m_coarseStep > 0 && window.end - window.start >= kCoarseSteps * m_coarseStep;
    return isCoarse ? series.coarse.all() : series.points;
}

std::vector<Point> SeriesStore::snapshot(std::uint32_t id, TimeRange window) const
{
    const auto series = m_series.find(id);
    if (series == m_series.end())
        return {};
    const auto& points = pointsFor(series->second, window);
    const auto before = [](const Point& p, TimestampNs t) { return p.time < t; };
    const auto first = std::lower_bound(points.begin(), points.end(), window.start, before);
    const auto last = std::lower_bound(first, points.end(), window.end, before);
    return {first, last};
}

std::vector<Point> SeriesStore::rate(std::uint32_t id, TimeRange window, DurationNs base) const
{
    std::vector<Point> result;
    const auto series = m_series.find(id);
    if (series == m_series.end())
        return result;
    // From one sample further back than `base` before the window: the first rate in it looks back to there.
    const auto& all = pointsFor(series->second, window);
    const auto before = [](const Point& p, TimestampNs t) { return p.time < t; };
    auto first = std::lower_bound(all.begin(), all.end(), window.start - base, before);
    if (first != all.begin())
        --first;
    const auto last = std::lower_bound(first, all.end(), window.end, before);
    const std::vector<Point> points(first, last);
    std::size_t from = 0;        // the newest sample at least `base` before i
    std::size_t lastRestart = 0; // first sample after the newest drop of the value
    for (std::size_t i = 1; i < points.size(); ++i) {
        if (points[i].value < points[i - 1].value)
            lastRestart = i;
        while (from + 1 < i && points[i].time - points[from + 1].time >= base)
            ++from;
        from = std::max(from, lastRestart);
        const DurationNs length = points[i].time - points[from].time;
        if (from < i && length > 0 && length >= base && points[i].time >= window.start)
            result.push_back({points[i].time, (points[i].value - points[from].value) / (static_cast<double>(length) / 1e9)});
    }
    return result;
}

void SeriesStore::clear()
{
    m_byName.clear();
    m_series.clear();
    m_newest = 0;
}

std::vector<Point> ratioOfRates(const std::vector<Point>& numerator, const std::vector<Point>& denominator)
{
    std::vector<Point> result;
    auto d = denominator.begin();
    for (const Point& n : numerator) {
        while (d != denominator.end() && d->time < n.time)
            ++d;
        if (d != denominator.end() && d->time == n.time && d->value > 0)
            result.push_back({n.time, n.value / d->value});
    }
    return result;
}

} // namespace gantry::metrics
