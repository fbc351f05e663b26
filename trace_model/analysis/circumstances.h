#pragma once

#include "trace_model/trace/trace.h"

#include <compare>
#include <string>
#include <vector>

namespace gantry::analysis {

/// Something that was set or given, and not measured of requests: what may be the cause of what moved.
struct CircumstanceChange
{
    /// From what people set to what the machine did by itself; changes are listed in this order.
    enum class Of
    {
        ModelConfig, ///< lines of config.pbtxt
        Model,       ///< version, instances
        Copies,      ///< the kind of host memory that copies use
        Batching,    ///< whether requests are batched at all
        Flags,       ///< command line
        Environment,
        Gpu,         ///< which one, its power cap, its clock, what holds it down
        Software,    ///< driver, CUDA, server, system
        Load,        ///< how many requests at once
    };
    Of of = Of::Software;
    std::string name; ///< "instances of bert", "instance_group.count of bert", "SM clock"
    std::string a, b; ///< as a person reads it; "–" where a side does not say

    auto operator<=>(const CircumstanceChange&) const = default;
};

/// What one window knows of its circumstances, but for what is measured with some noise.
struct Circumstance
{
    CircumstanceChange::Of of = CircumstanceChange::Of::Software;
    std::string name, value; ///< as those of CircumstanceChange
};

/// In the order of their kinds. Any thread.
[[nodiscard]] std::vector<Circumstance> circumstancesOf(const trace::Trace& trace);

/// Whether who knows anything of this kind knows all of it: what it does not mention then is not set.
[[nodiscard]] bool isListOfAll(CircumstanceChange::Of of);

/// "instances of bert: 2 in A, 1 in B".
[[nodiscard]] std::string sentenceOf(const CircumstanceChange& change);

/// What differs in what two windows know of their circumstances. What one side does not say is no difference, but of flags, environment and
/// configuration where the other side has those at all. Any thread.
[[nodiscard]] std::vector<CircumstanceChange> circumstanceChanges(const trace::Trace& a, const trace::Trace& b);

} // namespace gantry::analysis
