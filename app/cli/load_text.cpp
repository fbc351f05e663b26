#include "app/cli/load_text.h"

#include <fmt/format.h>

namespace gantry::cli {
namespace {

std::string latency(const load::LoadResult& result, DurationNs value)
{
    return result.ok > 0 ? formatDuration(value) : std::string("none");
}

} // namespace

std::string progressText(const load::LoadResult& result)
{
    return fmt::format("{:6.0f} s  {} ok, {:.1f} req/s, p50 {}, p99 {}", result.seconds, result.ok, result.requestsPerSecond,
                       latency(result, result.p50), latency(result, result.p99));
}

std::string text(const load::LoadResult& result)
{
    return fmt::format("{} sent, {} ok in {:.1f} s: {:.1f} req/s · p50 {} · p90 {} · p99 {} · max {}", result.sent, result.ok,
                       result.seconds, result.requestsPerSecond, latency(result, result.p50), latency(result, result.p90),
                       latency(result, result.p99), latency(result, result.max));
}

} // namespace gantry::cli
