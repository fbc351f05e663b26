#include "app/remote/node_readiness.h"

#include "trace_model/base/time.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace gantry::app {
namespace {

using proto::ReadinessItem;
using proto::ReadinessLevel;

constexpr std::int64_t kLargeClockErrorNs = 1'000'000; // a request of an inference server takes some of these

ReadinessItem clockItem(const Result<ClockOffset>& clock)
{
    if (!clock)
        return {"clock offset", ReadinessLevel::Unknown, "cannot be looked at: " + clock.error().text(), {}, {}};
    const std::string finding = fmt::format("This connection tells the node's clock to ±{} (round trip {}).",
                                            formatDuration(clock->errorNs), formatDuration(clock->roundTripNs));
    if (clock->errorNs <= kLargeClockErrorNs)
        return {"clock offset", ReadinessLevel::Ok, finding, {}, {}};
    return {"clock offset", ReadinessLevel::Note, finding,
            "Windows on several nodes are aligned by connections like this one: what lies closer together has no order.",
            "run gantryctl or the desktop nearer to the nodes"};
}

} // namespace

Result<proto::ReadinessReport> checkReadiness(NodeClient& client, std::stop_token stop)
{
    GANTRY_TRY(proto::ReadinessReport report, client.readiness(std::move(stop)));
    report.items.push_back(clockItem(client.sampleClock()));
    return report;
}

} // namespace gantry::app
