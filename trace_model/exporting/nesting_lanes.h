#pragma once

#include "trace_model/base/time.h"

#include <cstddef>
#include <limits>
#include <vector>

namespace gantry::exporting {

/// Places for spans that come in the order of their start, of equal starts the longer one first: in a lane any two of them either lie one in
/// the other or apart, as viewers of Chrome traces want the slices of a thread.
class NestingLanes
{
public:
    /// The first lane where the span nests, from 0; a new one when there is none.
    [[nodiscard]] std::size_t place(TimeRange span)
    {
        for (std::size_t lane = 0;; ++lane) {
            if (lane == m_open.size())
                m_open.emplace_back();
            std::vector<TimestampNs>& ends = m_open[lane];
            while (!ends.empty() && ends.back() <= span.start)
                ends.pop_back();
            if (ends.empty() || span.end <= ends.back()) {
                ends.push_back(span.end);
                return lane;
            }
        }
    }

private:
    std::vector<std::vector<TimestampNs>> m_open; ///< by lane: ends of what is open, innermost last
};

} // namespace gantry::exporting
