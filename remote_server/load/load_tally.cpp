#include "remote_server/load/load_tally.h"

#include <algorithm>
#include <cmath>

namespace gantry::load {
namespace {

constexpr std::int64_t kLateNs = 1'000'000;

/// Of one time at least.
Spread spreadOf(std::vector<DurationNs> times)
{
    std::sort(times.begin(), times.end());
    const auto size = static_cast<double>(times.size());
    const auto rank = [&](double p) { return times[static_cast<std::size_t>(std::ceil(p * size)) - 1]; };
    double sum = 0, squares = 0;
    for (const DurationNs time : times)
        sum += static_cast<double>(time);
    const double mean = sum / size;
    for (const DurationNs time : times)
        squares += (static_cast<double>(time) - mean) * (static_cast<double>(time) - mean);
    return {times.size(),
            rank(0.50),
            rank(0.90),
            rank(0.95),
            rank(0.99),
            times.back(),
            static_cast<DurationNs>(mean),
            static_cast<DurationNs>(std::sqrt(squares / size))};
}

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
    if (steps.isStream)
        addResponses(steps);
}

void LoadTally::addResponses(const RequestSteps& steps)
{
    ++m_streams;
    m_responses += steps.responses.size();
    if (steps.responses.empty())
        return;
    m_firsts.push_back(steps.responses.front() - steps.scheduled);
    for (std::size_t i = 1; i < steps.responses.size(); ++i)
        m_gaps.push_back(steps.responses[i] - steps.responses[i - 1]);
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
    m_streams += other.m_streams;
    m_responses += other.m_responses;
    m_firsts.insert(m_firsts.end(), other.m_firsts.begin(), other.m_firsts.end());
    m_gaps.insert(m_gaps.end(), other.m_gaps.begin(), other.m_gaps.end());
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
    const Spread spread = spreadOf(m_latencies);
    figures.p50 = spread.p50;
    figures.p90 = spread.p90;
    figures.p95 = spread.p95;
    figures.p99 = spread.p99;
    figures.max = spread.max;
    figures.mean = spread.mean;
    figures.deviation = spread.deviation;
    const auto size = static_cast<double>(m_latencies.size());
    figures.lateMean = static_cast<DurationNs>(m_lateSum / size);
    figures.sendMean = static_cast<DurationNs>(m_sendSum / size);
    figures.receiveMean = static_cast<DurationNs>(m_receiveSum / size);
    if (m_streams > 0) {
        figures.stream.emplace();
        figures.stream->responses = m_responses;
        figures.stream->responsesPerSecond = seconds > 0 ? static_cast<double>(m_responses) / seconds : 0;
        if (!m_firsts.empty())
            figures.stream->first = spreadOf(m_firsts);
        if (!m_gaps.empty())
            figures.stream->between = spreadOf(m_gaps);
    }
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
