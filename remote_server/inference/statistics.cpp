#include "remote_server/inference/statistics.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace gantry::inference_server {
namespace {

std::uint64_t between(std::int64_t from, std::int64_t to)
{
    return to > from ? static_cast<std::uint64_t>(to - from) : 0;
}

constexpr double kFirstBoundMs = 0.1, kBoundsPerDecade = 20;

/// The first bucket whose bound is not below.
std::size_t bucketOf(std::uint64_t latencyNs)
{
    const double place = std::ceil(std::log10(static_cast<double>(latencyNs) / 1e6 / kFirstBoundMs) * kBoundsPerDecade - 1e-12);
    return static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(ModelStatistics::kLatencyBounds)));
}

} // namespace

std::string_view name(FailureReason reason)
{
    constexpr std::string_view kNames[] = {"OTHER", "BACKEND", "CANCELED", "REJECTED"};
    return kNames[static_cast<std::size_t>(reason)];
}

double ModelStatistics::latencyBoundMs(std::size_t bucket)
{
    return kFirstBoundMs * std::pow(10.0, static_cast<double>(bucket) / kBoundsPerDecade);
}

void ModelStatistics::enqueued()
{
    const std::lock_guard lock(m_mutex);
    ++m_values.pending;
}

void ModelStatistics::dequeued(std::uint64_t requests)
{
    const std::lock_guard lock(m_mutex);
    m_values.pending -= requests;
}

void ModelStatistics::executed(std::uint64_t batchSize, const RequestTimes& t)
{
    const std::lock_guard lock(m_mutex);
    ++m_values.executions;
    auto& batch = m_values.batches[batchSize];
    ++batch[0];
    batch[1] += between(t.computeStart, t.inputEnd);
    batch[2] += between(t.inputEnd, t.outputStart);
    batch[3] += between(t.outputStart, t.computeEnd);
}

void ModelStatistics::answered(const RequestTimes& t)
{
    ++m_values.success;
    m_values.requestNs += between(t.start, t.end);
    const std::uint64_t firstResponseNs = between(t.start, t.firstResponse != 0 ? t.firstResponse : t.end);
    m_values.firstResponseNs += firstResponseNs;
    ++m_values.latencies[bucketOf(firstResponseNs)];
    m_values.lastInferenceMs = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

void ModelStatistics::succeeded(const RequestTimes& t, std::uint64_t rows)
{
    const std::lock_guard lock(m_mutex);
    answered(t);
    m_values.inferences += rows;
    m_values.queueNs += between(t.queueStart, t.computeStart);
    m_values.inputNs += between(t.computeStart, t.inputEnd);
    m_values.inferNs += between(t.inputEnd, t.outputStart);
    m_values.outputNs += between(t.outputStart, t.computeEnd);
    if (t.lookupEnd != 0) {
        ++m_values.cacheMisses;
        m_values.missLookupNs += between(t.lookupStart, t.lookupEnd);
        m_values.missInsertNs += between(t.insertStart, t.insertEnd);
    }
}

void ModelStatistics::answeredByCache(const RequestTimes& t)
{
    const std::lock_guard lock(m_mutex);
    answered(t);
    m_values.queueNs += between(t.queueStart, t.lookupStart);
    ++m_values.cacheHits;
    m_values.hitLookupNs += between(t.lookupStart, t.lookupEnd);
}

void ModelStatistics::failed(std::int64_t durationNs, FailureReason reason)
{
    const std::lock_guard lock(m_mutex);
    ++m_values.failed;
    ++m_values.failedBy[static_cast<std::size_t>(reason)];
    m_values.failedNs += between(0, durationNs);
}

void ModelStatistics::responded(std::size_t place, std::int64_t began, std::int64_t made, std::int64_t end, ResponseOutcome outcome)
{
    const std::lock_guard lock(m_mutex);
    if (place >= kMostResponses) {
        ++m_values.responsesBeyond;
        return;
    }
    if (m_values.responses.size() <= place)
        m_values.responses.resize(place + 1);
    Responses& responses = m_values.responses[place];
    const auto add = [](Responses::Sum& sum, std::uint64_t ns) {
        ++sum.count;
        sum.ns += ns;
    };
    switch (outcome) {
    case ResponseOutcome::Sent:
        add(responses.infer, between(began, made));
        add(responses.output, between(made, end));
        return add(responses.sent, between(began, end));
    case ResponseOutcome::Empty:
        return add(responses.empty, between(began, end));
    case ResponseOutcome::Failed:
        return add(responses.failed, between(began, end));
    case ResponseOutcome::Cancelled:
        return add(responses.cancelled, between(began, end));
    }
}

ModelStatistics::Values ModelStatistics::values() const
{
    const std::lock_guard lock(m_mutex);
    return m_values;
}

} // namespace gantry::inference_server
