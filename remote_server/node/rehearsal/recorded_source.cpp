#include "remote_server/node/rehearsal/recorded_source.h"

#include "remote_server/node/clock.h"

#include <algorithm>
#include <utility>

namespace gantry::node {
namespace {

/// A machine that was asleep is not made up for: what it missed is a gap.
constexpr DurationNs kLongestCatchUp = 2'000'000'000;

} // namespace

RecordedSource::RecordedSource(const proto::NodeRecording& recording, Options options)
    : m_recording(recording), m_options(std::move(options))
{
    if (!m_options.now)
        m_options.now = [] { return monotonicNow(); };
    for (const metrics::SeriesDefinition& definition : recording.series)
        m_series[definition.id] = &definition;
    m_zeroNs = m_options.now() - m_options.startOffset;
    skipTo(m_options.startOffset);
}

void RecordedSource::skipTo(DurationNs offset)
{
    const auto& samples = m_recording.samples;
    const auto& log = m_recording.log;
    m_nextSample = static_cast<std::size_t>(
        std::partition_point(samples.begin(), samples.end(), [&](const auto& sample) { return sample.time < offset; }) - samples.begin());
    m_nextLine = static_cast<std::size_t>(
        std::partition_point(log.begin(), log.end(), [&](const auto& line) { return line.offsetNs < offset; }) - log.begin());
}

void RecordedSource::sample(SampleRound& round)
{
    const std::int64_t now = m_options.now();
    const DurationNs period = m_recording.lengthNs + kSilence;
    if (const std::int64_t rounds = (now - m_zeroNs) / period; rounds > 0) {
        m_zeroNs += rounds * period;
        m_round += static_cast<std::uint64_t>(rounds);
        skipTo(0);
        if (m_options.onBeginAgain)
            m_options.onBeginAgain(m_round);
    }
    playUntil(now - m_zeroNs, round);
}

void RecordedSource::playUntil(DurationNs offset, SampleRound& round)
{
    const auto& samples = m_recording.samples;
    const auto& log = m_recording.log;
    if (m_nextSample < samples.size() && samples[m_nextSample].time < offset - kLongestCatchUp)
        skipTo(offset - kLongestCatchUp);
    for (; m_nextSample < samples.size() && samples[m_nextSample].time <= offset; ++m_nextSample) {
        const metrics::Sample& sample = samples[m_nextSample];
        const metrics::SeriesDefinition& series = *m_series.at(sample.seriesId);
        const auto target = series.labels.find("target");
        if (target != series.labels.end() && m_options.isPlayed && !m_options.isPlayed(target->second))
            continue;
        round.setTime(m_zeroNs + sample.time);
        round.report(series.name, series.labels, series.unit, series.kind, series.help, sample.value);
    }
    for (; m_nextLine < log.size() && log[m_nextLine].offsetNs <= offset; ++m_nextLine)
        if (m_options.onLine)
            m_options.onLine(log[m_nextLine]);
}

} // namespace gantry::node
