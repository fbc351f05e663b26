#include "remote_server/node/sampling/scraped_series.h"

#include "remote_server/node/sampling/metrics_sink.h"

#include <utility>

namespace gantry::node {
namespace {

// Some come and go; one whose labels change with each scrape must not fill the memory.
constexpr std::size_t kMostKnown = 4 * kMostSeriesPerSource;
constexpr DurationNs kMostAhead = 1'000'000'000;                     // of an iteration, before this clock
constexpr std::chrono::seconds kForgottenAfter{60}, kForgetEvery{5}; // the sampler has long taken an answer that is as old

std::string_view unitOf(std::string_view name)
{
    if (name.starts_with("trtllm."))
        return metrics::unitOfIterationStat(name);
    if (name.ends_with("_us"))
        return "us";
    if (name.ends_with("_bytes"))
        return "bytes";
    if (name.ends_with("_seconds") || name.ends_with("_secs"))
        return "s";
    if (name.ends_with("_utilization") || name.ends_with("_ratio"))
        return "ratio";
    return "count";
}

} // namespace

ScrapedSeries::Scrape ScrapedSeries::read(std::string_view body, Clock::time_point now)
{
    using Lines = metrics::PrometheusLines;
    Scrape scrape;
    std::vector<std::pair<std::string, metrics::PrometheusSample>> fresh; // defined at the end: a comment may stand behind its samples
    for (Lines lines(body); lines.next();) {
        switch (lines.kind()) {
        case Lines::Kind::Type:
            metrics::addKinds(lines.name(), lines.word(), m_kinds);
            break;
        case Lines::Kind::Help:
            if (m_help.size() < kMostKnown)
                m_help.emplace(lines.name(), lines.word());
            break;
        case Lines::Kind::Malformed:
            ++scrape.malformedLines;
            break;
        case Lines::Kind::Sample:
            if (metrics::isAbsentValue(lines.name(), lines.value()))
                break;
            if (const auto known = m_places.find(lines.series()); known != m_places.end()) {
                scrape.values.push_back({known->second, lines.value()});
                m_known[known->second].lastRead = now;
            } else if (auto labels = metrics::labelsOfSeries(lines.series()))
                fresh.emplace_back(lines.series(), metrics::PrometheusSample{std::string(lines.name()), std::move(*labels), lines.value()});
            else
                ++scrape.malformedLines;
            break;
        }
    }
    if (m_places.size() + fresh.size() > kMostKnown && now >= m_nextForgetting)
        forgetOld(now);
    for (auto& [text, sample] : fresh)
        if (const auto place = remember(std::move(text), sample, now))
            scrape.values.push_back({*place, sample.value});
        else
            scrape.others.push_back(std::move(sample));
    return scrape;
}

std::optional<std::uint32_t> ScrapedSeries::remember(std::string text, const metrics::PrometheusSample& sample, Clock::time_point now)
{
    if (m_places.size() >= kMostKnown)
        return std::nullopt;
    const std::lock_guard lock(m_mutex);
    const auto next = m_free.empty() ? static_cast<std::uint32_t>(m_known.size()) : m_free.back();
    const auto [place, isNew] = m_places.try_emplace(std::move(text), next);
    if (isNew && m_free.empty())
        m_known.emplace_back();
    else if (isNew)
        m_free.pop_back();
    if (isNew)
        m_known[next] = {define(sample), 0, now};
    return place->second;
}

ScrapedSeries::Scrape ScrapedSeries::readIterations(std::string_view body, const Now& when, Clock::time_point now)
{
    Scrape scrape;
    const metrics::IterationStatsList list = metrics::readIterationStats(body);
    scrape.malformedLines = list.malformed;
    if (list.iterations.empty())
        return scrape;
    const auto newest = list.iterations.back().localNs;
    const auto clock = newest ? metrics::iterationClock(*newest, when.utcNs, when.zoneNs) : std::nullopt;
    if (!clock) {
        addIteration(list.iterations.back(), std::nullopt, now, scrape);
        return scrape;
    }
    for (const metrics::IterationStats& iteration : list.iterations) {
        if (!iteration.localNs)
            continue;
        const TimestampNs time = when.mono - (when.utcNs - (*iteration.localNs + *clock));
        // One that is yet to come would make all that follow old, here and in every plot.
        if (time > when.mono + kMostAhead)
            continue;
        if (time > m_newestIteration) { // the server's clock may have been set back
            m_newestIteration = time;
            addIteration(iteration, time, now, scrape);
        }
    }
    return scrape;
}

void ScrapedSeries::addIteration(const metrics::IterationStats& iteration, std::optional<TimestampNs> time, Clock::time_point now,
                                 Scrape& scrape)
{
    for (const auto& [name, value] : iteration.values) {
        const auto known = m_places.find(name);
        const auto place = known != m_places.end() ? std::optional(known->second) : remember(name, {name, {}, value}, now);
        if (!place)
            continue; // it has fewer names than there is room for
        m_known[*place].lastRead = now;
        if (time)
            scrape.iterations.push_back({*time, {*place, value}});
        else
            scrape.values.push_back({*place, value});
    }
}

void ScrapedSeries::forgetOld(Clock::time_point now)
{
    m_nextForgetting = now + kForgetEvery;
    const std::lock_guard lock(m_mutex);
    std::erase_if(m_places, [&](const auto& known) {
        const bool isOld = now - m_known[known.second].lastRead > kForgottenAfter;
        if (isOld)
            m_free.push_back(known.second);
        return isOld;
    });
}

metrics::SeriesDefinition ScrapedSeries::define(metrics::PrometheusSample sample) const
{
    const auto kind = m_kinds.find(sample.name);
    const auto help = m_help.find(sample.name);
    sample.labels["target"] = m_targetId;
    std::string unit(unitOf(sample.name));
    return {0,
            std::move(sample.name),
            std::move(unit),
            kind == m_kinds.end() ? metrics::SeriesKind::Gauge : kind->second,
            std::move(sample.labels),
            help == m_help.end() ? std::string() : help->second};
}

void ScrapedSeries::report(const Scrape& scrape, SampleRound& round)
{
    round.setTime(scrape.time);
    const std::lock_guard lock(m_mutex);
    for (const Scrape::Value& value : scrape.values) {
        Known& known = m_known[value.series];
        round.reportSeries(known.definition, known.handle, value.value);
    }
    for (const auto& [time, value] : scrape.iterations) {
        Known& known = m_known[value.series];
        round.setTime(time);
        round.reportSeries(known.definition, known.handle, value.value);
    }
    round.setTime(scrape.time);
    for (const metrics::PrometheusSample& sample : scrape.others) {
        const metrics::SeriesDefinition series = define(sample);
        round.report(series.name, series.labels, series.unit, series.kind, series.help, sample.value);
    }
}

} // namespace gantry::node
