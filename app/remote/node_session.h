#pragma once

#include "app/remote/node_client.h"
#include "app/remote/report_fetcher.h"
#include "trace_model/base/result.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace gantry::app {

/// Windows on several nodes that open at one instant, and whose reports lie on one clock: that of this machine.
///
/// The instant is given to each node on its own clock, which is measured before, in and after the window. The reports, once fetched, say
/// how their clock lies to the shared one and how sure that is (report::meta::kSharedClockOffsetNs), so that trace::loadTrace() puts them
/// together whatever the wall clocks of the nodes say. A node that is slow, lost or refuses does not hold up the others.

struct SessionMember
{
    std::shared_ptr<NodeClient> client;
    std::string targetId;
    std::filesystem::path destination; ///< of its report: a file, or a folder, where it gets the name that it has on the node
    proto::EngineKind engine = proto::EngineKind::Native;
};

/// How the clock of a member's report lies to the shared one.
struct SharedClock
{
    DurationNs offsetNs = 0; ///< to be added to the node's CLOCK_MONOTONIC
    DurationNs errorNs = 0;  ///< in all of the window
};

struct SessionReport
{
    FetchedReport fetched;
    std::optional<SharedClock> clock; ///< absent: whyNoClock says why; the report is then aligned by its wall clock alone
    std::string whyNoClock;           ///< a sentence
    proto::CaptureStatus status;
};

struct SessionWatch
{
    /// Of member `index`; on a thread of that member's.
    std::function<void(std::size_t index, const proto::CaptureStatus& status)> onStatus;
    std::function<void(std::size_t index, std::uint64_t bytes, std::uint64_t total)> onFetch;
    std::stop_token close;  ///< ends the open windows early; their reports are fetched
    std::stop_token giveUp; ///< ends everything; windows that are open are closed
};

/// Opens one window on each member with `request` (its target, start and session are filled in here), waits, and fetches the reports.
/// Blocks; a result for each member, in their order. Errors of one: those of its node, Unreachable when it did not answer in time to take
/// part, Cancelled.
[[nodiscard]] std::vector<Result<SessionReport>> captureTogether(const std::vector<SessionMember>& members,
                                                                 const proto::CaptureRequest& request, const SessionWatch& watch);

} // namespace gantry::app
