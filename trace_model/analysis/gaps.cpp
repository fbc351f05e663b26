#include "trace_model/analysis/gaps.h"

#include "trace_model/base/quantity_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <vector>

namespace gantry::analysis {

std::string gapsOf(const trace::Trace& trace)
{
    std::vector<std::string> gaps;
    if (trace.meta.isPreview)
        gaps.emplace_back("only a sample of the events has been read yet");
    if (const std::uint64_t dropped = droppedTotal(trace.losses); dropped > 0)
        gaps.push_back(dropped == 1 ? "1 record was dropped" : formatCount(dropped) + " records were dropped");
    gaps.insert(gaps.end(), trace.meta.whyIncomplete.begin(), trace.meta.whyIncomplete.end());
    if (!trace.meta.complete && trace.meta.whyIncomplete.empty())
        gaps.emplace_back("the report is incomplete");
    return fmt::format("{}", fmt::join(gaps, "; "));
}

} // namespace gantry::analysis
