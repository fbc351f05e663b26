#pragma once

#include "widgets/timeline/timeline_state.h"

#include <string_view>
#include <vector>

namespace gantry::widgets {

/// One column of pixels of a counter's row; y grows downwards from the row's top.
struct CounterColumn
{
    float last = -1;         ///< share of the axis, 0..1, that the value in it has at its end; < 0: absent
    float low = 0, high = 0; ///< of the samples in it and of the step to it

    [[nodiscard]] bool isPresent() const { return last >= 0; }
};

/// A counter over the visible range, a column for each of `widthPx` pixels: the value holds until the next sample, and a silence longer
/// than some sampling intervals stays absent. Costs O(widthPx · log n).
[[nodiscard]] std::vector<CounterColumn> counterColumns(const TimelineState& state, trace::TrackId track, int widthPx);

/// The axis of a counter: 0 and all of its values, up to a round number; of bytes, to one of binary units.
[[nodiscard]] ValueAxis valueAxisOf(const trace::Track& track);

/// Where a counter's curve is in its row: px from the row's top, for the largest and the smallest value of the axis.
struct CounterBand
{
    int top = 0, bottom = 0;
};
[[nodiscard]] CounterBand bandOf(const TimelineRow& row);

/// Of counters that are shown in KiB, MiB, GiB.
inline constexpr std::string_view kBytesUnit = "bytes";

/// Where a value lies on an axis, 0..1.
[[nodiscard]] double shareOf(const ValueAxis& axis, double value);

} // namespace gantry::widgets
