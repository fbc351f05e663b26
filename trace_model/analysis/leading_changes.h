#pragma once

#include <string>
#include <vector>

namespace gantry::analysis {

struct Comparison;

/// A change worth a sentence.
struct LeadingChange
{
    enum class Of
    {
        Circumstance, ///< what was set or given
        Work,         ///< kernels and copies that take longer or shorter, or are new or gone
        Waiting,      ///< what comes of the others: queues, gaps, calls, batches
    };
    Of of = Of::Waiting;
    std::string name;     ///< "gemm_qkv", "instances of bert that executed"
    std::string sentence;
};

/// What changed, the likeliest cause first: circumstances, then work by how much time it makes of a request, then what follows from those. Rows
/// that are not told from chance are not among them. Empty: no significant change.
[[nodiscard]] std::vector<LeadingChange> leadingChanges(const Comparison& comparison);

} // namespace gantry::analysis
