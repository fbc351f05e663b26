#pragma once

#include "trace_model/analysis/sweep/sweep.h"

#include <optional>
#include <string>

namespace gantry::sweep {

/// What the best point is.
enum class Objective : std::uint8_t
{
    Throughput, ///< the highest
    P99         ///< the lowest
};

/// "throughput" or "p99".
[[nodiscard]] std::optional<Objective> objectiveFromName(std::string_view name);

struct ChoiceRule
{
    Objective objective = Objective::Throughput;
    std::optional<double> p99Below;        ///< ns
    std::optional<double> throughputAbove; ///< a second

    [[nodiscard]] bool hasLimit() const { return p99Below || throughputAbove; }
};

/// The best point, and why there is none.
struct Choice
{
    std::optional<std::size_t> best; ///< of Sweep::points
    bool canSay = false;             ///< there are points with throughput and p99
    std::string sentence;            ///< "best: instances 2, concurrency 8 with 812.4 /s and a p99 of 9.8 ms"
};

/// Of points that have both figures. Of equal ones the first is taken, and the sentence says that there are others.
[[nodiscard]] Choice choose(const Sweep& sweep, const ChoiceRule& rule);

} // namespace gantry::sweep
