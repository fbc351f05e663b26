#include "remote_server/node/capture_plan.h"

#include "remote_server/capture/control_protocol.h"
#include "remote_server/node/context_switches.h"
#include "remote_server/node/range_counter.h"

#include <algorithm>
#include <string>

namespace gantry::node {
namespace {

constexpr DurationNs kLongestWindowNs = 600'000'000'000; // node.proto, StartCaptureRequest.duration_ns
constexpr DurationNs kLongestWaitNs = 7 * 86'400'000'000'000;
constexpr std::uint32_t kMostWindows = 10'000;
constexpr std::uint64_t kLeastRingBytes = std::uint64_t{1} << 20; // node.proto, StartCaptureRequest.ring_bytes
constexpr std::uint64_t kMostRingBytes = std::uint64_t{512} << 20;
constexpr std::uint32_t kMostSkipped = 1'000'000;

Error badInput(std::string sentence)
{
    return {ErrorCode::BadInput, std::move(sentence), {}};
}

Result<void> checkTrigger(const proto::CaptureRequest& request)
{
    if (request.isRing())
        return badInput("a ring records all the time: it has no trigger");
    if (request.trigger != proto::CaptureTrigger::NvtxRange)
        return {};
    const RangeName range = RangeName::parse(request.triggerRange);
    if (range.message.empty())
        return badInput("an NVTX trigger needs the range's name: message, message@domain or message@*");
    if (range.message.size() >= sizeof capture::OpenMessage::triggerMessage ||
        range.domain.size() >= sizeof capture::OpenMessage::triggerDomain)
        return badInput("the name of an NVTX trigger is at most 127 bytes long, that of its domain 63");
    return {};
}

} // namespace

Result<CapturePlan> CapturePlan::of(const proto::CaptureRequest& request, std::int64_t nowNs, std::int64_t nowUtcNs)
{
    if (request.targetId.empty()) // would be all processes that were started by hand
        return badInput("a capture window needs a target: `gantryctl target list` shows them");
    if (request.durationNs < 0)
        return badInput("the length of a capture window cannot be negative");
    if (request.delayNs < 0 || request.periodNs < 0 || request.ringNs < 0)
        return badInput("a time to wait or to keep cannot be negative");
    if (request.windowCount == 0 || request.windowCount > kMostWindows)
        return badInput("a capture has 1 to " + std::to_string(kMostWindows) + " windows");
    if (request.ringNs > kLongestWindowNs)
        return badInput("a ring keeps at most 10 minutes");
    if (request.ringBytes != 0 && (request.ringBytes < kLeastRingBytes || request.ringBytes > kMostRingBytes))
        return badInput("a ring has 1 MiB to 512 MiB of memory");
    if (const std::uint32_t hz = request.content.gpuMetricsHz; hz != 0 && (hz < 10 || hz > 200'000))
        return badInput("hardware counters are sampled at 10 Hz to 200 kHz");
    if (request.trigger != proto::CaptureTrigger::None)
        GANTRY_CHECK(checkTrigger(request));
    if (request.drivesProfiler && (request.trigger != proto::CaptureTrigger::CudaProfiler || request.windowCount != 1))
        return badInput("a window that the target's profiler opens is one, and begins with cudaProfilerStart");
    const std::uint32_t keptOf = request.trigger == proto::CaptureTrigger::None ? request.keptOf : request.triggerEvery;
    if (request.kept == 0 || request.kept > keptOf || keptOf > kMostSkipped)
        return badInput("of each N periods or ranges, 1 to N are captured, and N is at most " + std::to_string(kMostSkipped));
    if (request.trigger == proto::CaptureTrigger::None && keptOf > 1 && request.periodNs == 0)
        return badInput("some of the periods are captured where there are periods: say how long one is");
    if (request.content.contextSwitches)
        GANTRY_CHECK(ContextSwitches::permitted());
    const DurationNs delay = request.startUtcNs > 0 ? std::max<DurationNs>(0, request.startUtcNs - nowUtcNs) : request.delayNs;
    if (delay > kLongestWaitNs)
        return badInput("a capture begins within a week");
    CapturePlan plan;
    plan.dueNs = nowNs + delay;
    plan.periodNs = request.periodNs;
    plan.m_kept = request.kept;
    plan.m_keptOf = request.keptOf;
    return plan;
}

DurationNs CapturePlan::longestWindow(const proto::CaptureRequest& request)
{
    if (request.isRing())
        return 0;
    return request.durationNs == 0 ? kLongestWindowNs : std::min(request.durationNs, kLongestWindowNs);
}

void CapturePlan::begin(std::int64_t nowNs)
{
    ++windowsBegun;
    if (periodNs <= 0)
        return;
    const std::int64_t now = m_period + (nowNs - dueNs) / periodNs;
    windowsSkipped += static_cast<std::uint32_t>(keptBefore(now + 1) - keptBefore(m_period + 1));
    std::int64_t next = now + 1;
    if (next % m_keptOf >= m_kept)
        next += m_keptOf - next % m_keptOf;
    dueNs += (next - m_period) * periodNs;
    m_period = next;
}

std::int64_t CapturePlan::keptBefore(std::int64_t period) const
{
    return period / m_keptOf * m_kept + std::min(period % m_keptOf, m_kept);
}

void CapturePlan::end(std::int64_t nowNs)
{
    if (periodNs <= 0)
        dueNs = nowNs;
}

} // namespace gantry::node
