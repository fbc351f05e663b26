#include "trace_model/analysis/idle_gaps.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace gantry::analysis {
namespace {

constexpr std::uint32_t kStopCheckMask = 0xFFFF; // a look at the token each 65 536 spans

/// The next span of one depth.
struct Cursor
{
    const trace::DepthRow* row;
    std::size_t next;
    TimeRange time;
};

} // namespace

std::optional<TimeRange> nextIdleGap(const trace::Trace& trace, trace::TrackId track, TimestampNs after, DurationNs shortest,
                                     const std::stop_token& stop)
{
    std::vector<Cursor> cursors;
    std::optional<TimestampNs> busyUntil;
    for (const trace::DepthRow& row : trace.track(track).rows) {
        // Spans of a depth do not overlap: all before the one that begins last until `after` have ended.
        std::size_t low = 0, high = row.size();
        while (low < high) {
            const std::size_t middle = (low + high) / 2;
            if (trace.spanTime(row, middle).start <= after)
                low = middle + 1;
            else
                high = middle;
        }
        if (low > 0)
            busyUntil = std::max(busyUntil.value_or(after), trace.spanTime(row, low - 1).end);
        if (low < row.size())
            cursors.push_back({&row, low, trace.spanTime(row, low)});
    }
    for (std::uint32_t passed = 0; !cursors.empty(); ++passed) {
        if ((passed & kStopCheckMask) == 0 && stop.stop_requested())
            return {};
        const auto first =
            std::min_element(cursors.begin(), cursors.end(), [](const Cursor& a, const Cursor& b) { return a.time.start < b.time.start; });
        if (busyUntil && first->time.start - *busyUntil >= std::max<DurationNs>(shortest, 1))
            return TimeRange{*busyUntil, first->time.start};
        busyUntil = std::max(busyUntil.value_or(first->time.end), first->time.end);
        if (++first->next < first->row->size())
            first->time = trace.spanTime(*first->row, first->next);
        else
            cursors.erase(first);
    }
    return {};
}

} // namespace gantry::analysis
