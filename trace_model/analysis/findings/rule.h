#pragma once

#include "trace_model/analysis/findings/facts.h"
#include "trace_model/analysis/findings/finding.h"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::findings {

/// What a rule says of a trace: nothing, findings, or why it cannot tell.
struct Judgement
{
    std::vector<Finding> findings;
    std::string whyNot; ///< part of a sentence; empty: it was judged

    [[nodiscard]] static Judgement cannot(std::string why) { return {{}, std::move(why)}; }
};

/// One rule: data, and a small function.
struct Rule
{
    std::string_view id, title;
    Judgement (*judge)(const Facts&);
    std::array<std::string_view, 3> unless{}; ///< rules that, where they found something, say the same better
};

/// All rules; one is behind those of its `unless`.
[[nodiscard]] std::span<const Rule> rules();

// The functions, by what they are about. Each file says why its thresholds are what they are.

[[nodiscard]] Judgement judgePageableCopies(const Facts& facts);
[[nodiscard]] Judgement judgeSynchronousCopies(const Facts& facts);
[[nodiscard]] Judgement judgeCopyBound(const Facts& facts);
[[nodiscard]] Judgement judgePcie(const Facts& facts);

[[nodiscard]] Judgement judgeSerialStreams(const Facts& facts);
[[nodiscard]] Judgement judgeSharedStream(const Facts& facts);

[[nodiscard]] Judgement judgeLaunchBound(const Facts& facts);
[[nodiscard]] Judgement judgeTinyKernels(const Facts& facts);
[[nodiscard]] Judgement judgeCpuBound(const Facts& facts);
[[nodiscard]] Judgement judgeSyncBound(const Facts& facts);
[[nodiscard]] Judgement judgeStallingCalls(const Facts& facts);
[[nodiscard]] Judgement judgeLoading(const Facts& facts);
[[nodiscard]] Judgement judgeGpuGaps(const Facts& facts);

[[nodiscard]] Judgement judgeQueueBound(const Facts& facts);
[[nodiscard]] Judgement judgeIdleInstances(const Facts& facts);
[[nodiscard]] Judgement judgeBatchingAbsent(const Facts& facts);
[[nodiscard]] Judgement judgeBatchesNotFilling(const Facts& facts);

[[nodiscard]] Judgement judgeFirstRequest(const Facts& facts);
[[nodiscard]] Judgement judgeCacheUseless(const Facts& facts);
[[nodiscard]] Judgement judgeCacheHarmful(const Facts& facts);
[[nodiscard]] Judgement judgeCacheHides(const Facts& facts);
[[nodiscard]] Judgement judgeSlowestRequests(const Facts& facts);
[[nodiscard]] Judgement judgeFailedRequests(const Facts& facts);

[[nodiscard]] Judgement judgeThrottling(const Facts& facts);
[[nodiscard]] Judgement judgeClockDrop(const Facts& facts);
[[nodiscard]] Judgement judgePowerCap(const Facts& facts);
[[nodiscard]] Judgement judgeMemoryFull(const Facts& facts);

[[nodiscard]] Judgement judgeLosses(const Facts& facts);
[[nodiscard]] Judgement judgeTooShort(const Facts& facts);
[[nodiscard]] Judgement judgeCaptureCost(const Facts& facts);

} // namespace gantry::findings
