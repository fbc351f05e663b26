#include "trace_model/analysis/compared_side.h"

namespace gantry::analysis {
namespace {

constexpr std::size_t kBlocks = 32, kMostBlocks = 256;

} // namespace

TimeRange recordedTime(const trace::Trace& trace)
{
    return trace.window.isEmpty() ? trace.time : trace.window;
}

TimeRange ComparedSide::time() const
{
    return isCut() ? window : recordedTime(*trace);
}

std::array<ComparedSide, 2> comparedSides(const trace::Trace& a, const trace::Trace& b, const std::stop_token& stop)
{
    std::array<ComparedSide, 2> sides;
    sides[0].trace = &a;
    sides[1].trace = &b;
    for (ComparedSide& side : sides)
        side.stop = stop;
    cutIntoBlocks(sides);
    return sides;
}

void cutIntoBlocks(std::array<ComparedSide, 2>& sides)
{
    const DurationNs shorter = std::min(sides[0].time().duration(), sides[1].time().duration());
    const DurationNs length = std::max<DurationNs>(1, shorter / static_cast<DurationNs>(kBlocks));
    for (ComparedSide& side : sides) {
        const TimeRange time = side.time();
        const auto fitting = static_cast<std::size_t>(std::max<DurationNs>(time.duration() / length, 1));
        // A little longer than `length`, or much for a report that is much longer: what is left over would make the last block hold more.
        side.blocks.count = std::min(fitting, kMostBlocks);
        side.blocks.start = time.start;
        side.blocks.length = std::max<DurationNs>(1, (time.duration() + static_cast<DurationNs>(side.blocks.count) - 1) /
                                                         static_cast<DurationNs>(side.blocks.count));
    }
}

} // namespace gantry::analysis
