#include "remote_server/node/sample_history.h"

#include <algorithm>

namespace gantry::node {
namespace {

constexpr std::int64_t kCostHistoryNs = 12'000'000'000; // samples kept for the rate before the window

} // namespace

void SampleHistory::onDefinitions(std::span<const metrics::SeriesDefinition> definitions)
{
    const std::lock_guard lock(m_mutex);
    for (const auto& definition : definitions)
        m_definitions[definition.id] = definition;
    m_defined += definitions.size();
}

void SampleHistory::onSamples(std::span<const metrics::Sample> samples)
{
    const std::lock_guard lock(m_mutex);
    m_samples.insert(m_samples.end(), samples.begin(), samples.end());
    m_taken += samples.size();
    if (!samples.empty())
        m_newest = samples.back().time;
    while (!m_samples.empty() && m_samples.front().time < std::min(m_keepFrom, m_newest) - kCostHistoryNs)
        m_samples.pop_front();
    while (!m_removed.empty() && (m_samples.empty() || m_samples.front().time > m_removed.front().first)) {
        for (const std::uint32_t id : m_removed.front().second)
            m_definitions.erase(id);
        m_removed.pop_front();
    }
}

void SampleHistory::onDropped(std::uint64_t samples)
{
    const std::lock_guard lock(m_mutex);
    m_dropped += samples;
}

void SampleHistory::onRemoved(std::span<const std::uint32_t> seriesIds)
{
    const std::lock_guard lock(m_mutex);
    m_removed.emplace_back(m_newest, std::vector<std::uint32_t>(seriesIds.begin(), seriesIds.end()));
}

void SampleHistory::keepFrom(std::int64_t time)
{
    const std::lock_guard lock(m_mutex);
    m_keepFrom = time;
}

void SampleHistory::beginWindow()
{
    const std::lock_guard lock(m_mutex);
    m_dropped = 0;
}

std::uint64_t SampleHistory::copyNewer(std::uint64_t taken, std::vector<metrics::Sample>& samples) const
{
    const std::lock_guard lock(m_mutex);
    const auto count = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(m_taken - taken, m_samples.size()));
    samples.insert(samples.end(), m_samples.end() - count, m_samples.end());
    return m_taken;
}

std::uint64_t SampleHistory::taken() const
{
    const std::lock_guard lock(m_mutex);
    return m_taken;
}

std::vector<metrics::SeriesDefinition> SampleHistory::definitions() const
{
    const std::lock_guard lock(m_mutex);
    std::vector<metrics::SeriesDefinition> result;
    for (const auto& [id, definition] : m_definitions)
        result.push_back(definition);
    return result;
}

std::size_t SampleHistory::seriesDefined() const
{
    const std::lock_guard lock(m_mutex);
    return m_defined;
}

void SampleHistory::copyTo(WindowCapture& window) const
{
    const std::lock_guard lock(m_mutex);
    for (const auto& [id, definition] : m_definitions)
        window.series.push_back(definition);
    window.samples.assign(m_samples.begin(), m_samples.end());
    window.droppedSamples = m_dropped;
}

} // namespace gantry::node
