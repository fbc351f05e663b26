#include "app/desktop/node_pulse.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>

namespace gantry::desktop {

namespace {

constexpr DurationNs kSecond = 1'000'000'000;
constexpr DurationNs kRateBase = kSecond; // a few requests between two scrapes would make a saw of the curve

void push(widgets::TileHistory& history, std::optional<double> value)
{
    if (history.size() == NodePulse::kHistoryPoints)
        history.erase(history.begin());
    history.push_back(value);
}

/// Nothing: the series is not one of a GPU that has a number.
std::optional<std::uint32_t> gpuOf(const std::map<std::string, std::string>& labels)
{
    const auto label = labels.find("gpu");
    if (label == labels.end())
        return std::nullopt;
    std::uint32_t index = 0;
    const char* end = label->second.data() + label->second.size();
    const auto [rest, error] = std::from_chars(label->second.data(), end, index);
    return error == std::errc() && rest == end ? std::optional(index) : std::nullopt;
}

DurationNs steadyNow()
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

} // namespace

NodePulse::NodePulse() : NodePulse(steadyNow) {}

void NodePulse::restart(const std::string& bootId)
{
    m_series.clear();
    if (bootId == m_bootId)
        return;
    m_bootId = bootId;
    m_now = m_nextSecond = 0;
    m_power.clear();
    m_requests.clear();
}

void NodePulse::stop()
{
    m_series.clear();
}

void NodePulse::define(const metrics::SeriesDefinition& definition)
{
    using Known = std::pair<std::string_view, What>;
    constexpr Known kOfGpus[] = {
        {"gpu_utilization_ratio", What::GpuUtilisation}, {"gpu_memory_used_bytes", What::GpuMemory}, {"gpu_power_w", What::GpuPower}};
    constexpr Known kOfTheHost[] = {
        {"host_cpu_ratio", What::Cpu}, {"host_memory_used_bytes", What::HostMemory}, {"nv_inference_request_success", What::Requests}};
    const auto isOfName = [&](const Known& known) { return known.first == definition.name; };
    if (const auto* known = std::find_if(std::begin(kOfGpus), std::end(kOfGpus), isOfName); known != std::end(kOfGpus)) {
        if (const auto gpu = gpuOf(definition.labels))
            m_series[definition.id] = {.what = known->second, .gpu = *gpu};
    } else if (const auto* ofHost = std::find_if(std::begin(kOfTheHost), std::end(kOfTheHost), isOfName); ofHost != std::end(kOfTheHost)) {
        m_series[definition.id] = {.what = ofHost->second};
    }
}

void NodePulse::advanceCounter(Series& series, const metrics::Sample& sample)
{
    const bool isNewEpoch = series.since == 0 || sample.value < series.valueThen || sample.value < series.value;
    const DurationNs elapsed = sample.time - series.since;
    if (!isNewEpoch && elapsed < kRateBase)
        return;
    series.perSecond = isNewEpoch ? std::nullopt : std::optional((sample.value - series.valueThen) / (static_cast<double>(elapsed) / 1e9));
    series.since = sample.time;
    series.valueThen = sample.value;
}

void NodePulse::add(const proto::MetricsBatch& batch)
{
    for (const metrics::SeriesDefinition& definition : batch.definitions)
        define(definition);
    for (const metrics::Sample& sample : batch.samples) {
        const auto found = m_series.find(sample.seriesId);
        if (found == m_series.end() || sample.time < found->second.time)
            continue;
        if (found->second.what == What::Requests)
            advanceCounter(found->second, sample);
        found->second.time = sample.time;
        found->second.value = sample.value;
        m_now = std::max(m_now, sample.time);
    }
    m_now = std::max(m_now, batch.nodeMonoNs);
    m_heard = m_clock();
    recordSeconds();
}

/// A point for each second that has passed; those in which nobody listened are absent.
void NodePulse::recordSeconds()
{
    if (m_nextSecond == 0)
        m_nextSecond = m_now;
    const TimestampNs oldest = m_now - static_cast<DurationNs>(kHistoryPoints) * kSecond;
    m_nextSecond = std::max(m_nextSecond, oldest);
    for (; m_nextSecond <= m_now; m_nextSecond += kSecond) {
        const bool isNow = m_now - m_nextSecond < 2 * kSecond; // batches come several times a second
        push(m_power, isNow ? totalPower() : std::nullopt);
        push(m_requests, isNow ? requestsPerSecond() : std::nullopt);
    }
}

bool NodePulse::isFresh(const Series& series) const
{
    return series.time > 0 && m_now - series.time + (m_clock() - m_heard) <= kStale;
}

std::optional<double> NodePulse::newest(What what, std::uint32_t gpu) const
{
    for (const auto& [id, series] : m_series)
        if (series.what == what && series.gpu == gpu && isFresh(series))
            return series.value;
    return std::nullopt;
}

NodePulse::Gpu NodePulse::gpu(std::uint32_t index) const
{
    return {newest(What::GpuUtilisation, index), newest(What::GpuMemory, index), newest(What::GpuPower, index)};
}

std::optional<double> NodePulse::cpuRatio() const
{
    return newest(What::Cpu, 0);
}

std::optional<double> NodePulse::hostMemoryUsedBytes() const
{
    return newest(What::HostMemory, 0);
}

std::optional<double> NodePulse::totalPower() const
{
    std::optional<double> sum;
    for (const auto& [id, series] : m_series) {
        if (series.what != What::GpuPower)
            continue;
        if (!isFresh(series))
            return std::nullopt;
        sum = sum.value_or(0) + series.value;
    }
    return sum;
}

std::optional<double> NodePulse::requestsPerSecond() const
{
    std::optional<double> sum;
    for (const auto& [id, series] : m_series)
        if (series.what == What::Requests && series.perSecond && isFresh(series))
            sum = sum.value_or(0) + *series.perSecond;
    return sum;
}

} // namespace gantry::desktop
