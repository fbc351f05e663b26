#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gantry::records {

/// Where a request spends its time, in order. The names and bounds are Triton's (statistics extension): queue ends when the
/// batch starts to execute, compute input/infer/output are the batch's and shared by its members, cache is the lookup.
enum class RequestPhase : std::uint8_t
{
    Queue,
    Cache,
    ComputeInput,
    ComputeInfer,
    ComputeOutput,
    Outside, ///< no phase of the server's: what a reader finds of a request before, between and after its phases
};

/// Phases that servers tell about: all but Outside.
inline constexpr int kRequestPhaseCount = 5;

/// Stable snake_case name, as in NVTX ranges, GANTRY_REQUEST_PHASES and JSON: "queue", "cache", "compute_input", ...
[[nodiscard]] constexpr std::string_view name(RequestPhase phase)
{
    constexpr std::string_view kNames[] = {"queue", "cache", "compute_input", "compute_infer", "compute_output", "outside"};
    return kNames[static_cast<int>(phase)];
}

/// The phase of that name that servers tell about, if there is one.
[[nodiscard]] constexpr std::optional<RequestPhase> phaseFromName(std::string_view text)
{
    for (int i = 0; i < kRequestPhaseCount; ++i)
        if (name(static_cast<RequestPhase>(i)) == text)
            return static_cast<RequestPhase>(i);
    return std::nullopt;
}

/// How an NVTX domain tells about requests. gantry-serve emits it, the report assembler reads it back; a server of one's own
/// that follows it gets request lanes too.
///
/// In domain `gantry.serve`, every message a registered string:
///  - `request`       start/end range, payload u64 = request id (unique in the process), category = model (see below)
///  - `queue`         start/end range, payload u64 = request id; starts when enqueued, ends when the batch begins to execute
///  - `cache`         push/pop range, payload u64 = request id; the response cache lookup
///  - `client_id`     mark, message = plain string "client_id:<id the client sent>", payload u64 = request id; only when one was sent
///  - `failed`        mark, payload u64 = request id
///  - `request_done`  mark, payload u64 = request id, category = model: right before `request` ends, for a recording that began meanwhile
///  - `execute`       push/pop range on the instance's thread, payload u64 = batch id, category = model; holds, on the same thread:
///      - `member`           mark, payload u64 = request id: one for each request of the batch; a request that is batched in flight is a
///                           member of many
///      - `compute_input`, `compute_infer`, `compute_output`   push/pop ranges, payload u64 = batch id
///      - `member_done`      mark, payload u64 = request id: the members again, when the work is done, and then
///      - `execute_done`     mark, payload u64 = batch id, category = model: with these a recording that began while the batch executed
///                           knows whose work it saw
/// Category c of the domain is named "<model>:<version>" (nvtxDomainNameCategory). The instance's name is its thread's
/// (nvtxNameOsThread), e.g. "bert_base_0_2".
namespace nvtx_convention {
inline constexpr char kDomain[] = "gantry.serve";
inline constexpr char kRequest[] = "request";
inline constexpr char kQueue[] = "queue";
inline constexpr char kCache[] = "cache";
inline constexpr char kClientIdPrefix[] = "client_id:";
inline constexpr char kFailed[] = "failed";
inline constexpr char kExecute[] = "execute";
inline constexpr char kRequestDone[] = "request_done";
inline constexpr char kMember[] = "member";
inline constexpr char kMemberDone[] = "member_done";
inline constexpr char kExecuteDone[] = "execute_done";
inline constexpr char kComputeInput[] = "compute_input";
inline constexpr char kComputeInfer[] = "compute_infer";
inline constexpr char kComputeOutput[] = "compute_output";
} // namespace nvtx_convention

} // namespace gantry::records
