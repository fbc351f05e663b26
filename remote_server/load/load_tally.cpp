#include "remote_server/load/load_tally.h"

#include <algorithm>
#include <cmath>

namespace gantry::load {
namespace {

constexpr std::int64_t kLateNs = 1'000'000;

} // namespace

void LoadTally::count(const RequestSteps& steps)
{
    ++m_sent;
    m_late += steps.began - steps.scheduled > kLateNs ? 1 : 0;
}

void LoadTally::addAnswer(const RequestSteps& steps)
{
    count(steps);
    m_lateSum += static_cast<double>(steps.began - steps.scheduled);
    m_sendSum += static_cast<double>(steps.serialised - steps.began);
    m_receiveSum += static_cast<double>(steps.done - steps.answered);
    m_latencies.push_back(steps.done - steps.scheduled);
}

void LoadTally::addError(const RequestSteps& steps, const std::string& message)
{
    count(steps);
    ++m_errors[message];
}

void LoadTally::add(const LoadTally& other)
{
    m_sent += other.m_sent;
    m_late += other.m_late;
    m_lateSum += other.m_lateSum;
    m_sendSum += other.m_sendSum;
    m_receiveSum += other.m_receiveSum;
    for (const auto& [message, count] : other.m_errors)
        m_errors[message] += count;
    m_latencies.insert(m_latencies.end(), other.m_latencies.begin(), other.m_latencies.end());
}

LoadFigures LoadTally::figures(double seconds, std::int64_t batch) const
{
    LoadFigures figures;
    figures.sent = m_sent;
    figures.ok = m_latencies.size();
    figures.errors = m_errors;
    figures.late = m_late;
    figures.seconds = seconds;
    figures.requestsPerSecond = seconds > 0 ? static_cast<double>(figures.ok) / seconds : 0;
    figures.inferencesPerSecond = figures.requestsPerSecond * static_cast<double>(batch);
    if (m_latencies.empty())
        return figures;
    std::vector<DurationNs> sorted = m_latencies;
    std::sort(sorted.begin(), sorted.end());
    const auto size = static_cast<double>(sorted.size());
    const auto rank = [&](double p) { return sorted[static_cast<std::size_t>(std::ceil(p * size)) - 1]; };
    figures.p50 = rank(0.50);
    figures.p90 = rank(0.90);
    figures.p95 = rank(0.95);
    figures.p99 = rank(0.99);
    figures.max = sorted.back();
    double sum = 0, squares = 0;
    for (const DurationNs latency : sorted)
        sum += static_cast<double>(latency);
    const double mean = sum / size;
    for (const DurationNs latency : sorted)
        squares += (static_cast<double>(latency) - mean) * (static_cast<double>(latency) - mean);
    figures.mean = static_cast<DurationNs>(mean);
    figures.deviation = static_cast<DurationNs>(std::sqrt(squares / size));
    figures.lateMean = static_cast<DurationNs>(m_lateSum / size);
    figures.sendMean = static_cast<DurationNs>(m_sendSum / size);
    figures.receiveMean = static_cast<DurationNs>(m_receiveSum / size);
    return figures;
}

bool areWithin(const std::vector<double>& values, double ratio)
{
    if (values.empty())
        return false;
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    return *least > 0 && *most <= *least * (1 + ratio);
}

} // namespace gantry::load
