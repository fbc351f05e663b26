#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gantry {

/// How much a loss matters to what the user concludes.
enum class LossSeverity
{
    Info,    ///< expected at the edge of a window (ranges cut by it)
    Warning, ///< some numbers are low by this much
    Error,   ///< the report cannot be trusted for what the counter names
};

/// One named counter of things that did not make it. Loss is data: every bounded buffer and every parser has one, and it
/// travels to the report (GANTRY_LOSSES) and to a strip the user sees. A counter of 0 is stored too: it says "looked, none".
struct Loss
{
    std::string name;      ///< stable snake_case, e.g. "cupti_dropped_records"
    LossSeverity severity = LossSeverity::Warning;
    std::uint64_t count = 0;
    std::string help;      ///< one sentence: what was lost and what to do
};

using Losses = std::vector<Loss>;

/// Sum of all counters that are not LossSeverity::Info: the "dropped N" of the trust strip.
[[nodiscard]] std::uint64_t droppedTotal(const Losses& losses);

/// Stable lower-case name: "info", "warning", "error".
[[nodiscard]] const char* name(LossSeverity severity);

} // namespace gantry
