#include "remote_server/inference/latency_summaries.h"

#include <algorithm>
#include <cmath>

namespace gantry::inference_server {
namespace {

constexpr double kGrowth = 1.02, kLeastUs = 0.01;

} // namespace

void RecentDurations::add(double us, Clock::time_point now)
{
    const std::int64_t number = now.time_since_epoch() / kPart;
    Part& part = m_parts[static_cast<std::size_t>(number) % kParts];
    if (part.number != number) {
        part.counts.fill(0);
        part.number = number;
    }
    const double place = us > kLeastUs ? std::log(us / kLeastUs) / std::log(kGrowth) : 0;
    ++part.counts[static_cast<std::size_t>(std::min(place, static_cast<double>(kBuckets - 1)))];
}

std::optional<double> RecentDurations::quantile(double quantile, Clock::time_point now) const
{
    const std::int64_t oldest = now.time_since_epoch() / kPart - static_cast<std::int64_t>(kParts) + 1;
    std::array<std::uint64_t, kBuckets> counts{};
    std::uint64_t total = 0;
    for (const Part& part : m_parts)
        if (part.number >= oldest)
            for (std::size_t i = 0; i < kBuckets; ++i) {
                counts[i] += part.counts[i];
                total += part.counts[i];
            }
    if (total == 0)
        return std::nullopt;
    const auto rank = static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(total)));
    std::uint64_t below = 0;
    std::size_t bucket = 0;
    for (; bucket + 1 < kBuckets && below + counts[bucket] < std::max<std::uint64_t>(rank, 1); ++bucket)
        below += counts[bucket];
    return kLeastUs * std::pow(kGrowth, static_cast<double>(bucket) + 0.5);
}

void LatencySummaries::add(const std::string& model, const std::string& version, const RequestTimes& times, bool cacheHit)
{
    const auto now = RecentDurations::Clock::now();
    const std::lock_guard lock(m_mutex);
    OfModel& durations = m_models[{model, version}];
    const auto put = [&](Kind kind, std::int64_t from, std::int64_t to) {
        if (!durations[kind])
            durations[kind] = std::make_unique<RecentDurations>();
        durations[kind]->add(static_cast<double>(std::max<std::int64_t>(0, to - from)) / 1e3, now);
    };
    put(Request, times.start, times.end);
    if (cacheHit) {
        put(Queue, times.queueStart, times.lookupStart);
        put(CacheHit, times.lookupStart, times.lookupEnd);
        return;
    }
    put(Queue, times.queueStart, times.computeStart);
    put(ComputeInput, times.computeStart, times.inputEnd);
    put(ComputeInfer, times.inputEnd, times.outputStart);
    put(ComputeOutput, times.outputStart, times.computeEnd);
    if (times.lookupStart != 0) // the lookup and the insertion, one behind the other
        put(CacheMiss, times.lookupStart, times.lookupEnd + times.insertEnd - times.insertStart);
}

std::vector<std::optional<double>> LatencySummaries::quantiles(const std::string& model, const std::string& version, Kind kind,
                                                               const std::vector<double>& wanted) const
{
    const auto now = RecentDurations::Clock::now();
    std::vector<std::optional<double>> values(wanted.size());
    const std::lock_guard lock(m_mutex);
    const auto found = m_models.find({model, version});
    if (found != m_models.end() && found->second[kind])
        for (std::size_t i = 0; i < wanted.size(); ++i)
            values[i] = found->second[kind]->quantile(wanted[i], now);
    return values;
}

} // namespace gantry::inference_server
