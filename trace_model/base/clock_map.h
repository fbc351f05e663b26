#pragma once

#include "trace_model/base/time.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gantry {

/// Converts one clock into another by pairs of readings taken together: piecewise linear between them, onwards from the nearest pair
/// outside. Immutable use from any thread after the last add() and setRateOutside().
class ClockMap
{
public:
    /// Pairs may come in any order.
    void add(std::int64_t from, std::int64_t to);

    /// How many of `to` pass in one of `from` before the first pair and after the last; 1 unless it is said.
    void setRateOutside(double rate) { m_rateOutside = rate; }

    /// `from` reading in terms of `to`. Without any pair the reading itself.
    [[nodiscard]] std::int64_t convert(std::int64_t from) const
    {
        std::size_t place = 0;
        return convert(from, place);
    }
    /// The same for many that are near to each other: `place`, 0 at first, keeps where the last was found, so that the next needs no
    /// search.
    [[nodiscard]] std::int64_t convert(std::int64_t from, std::size_t& place) const;

    /// Largest change of the offset between neighbouring pairs, ns: over 1 ms the clock was stepped, not slewed.
    [[nodiscard]] DurationNs largestStep() const;

    [[nodiscard]] bool isEmpty() const { return m_pairs.empty(); }

private:
    struct Pair
    {
        std::int64_t from, to;
    };
    [[nodiscard]] std::int64_t onwards(const Pair& pair, std::int64_t from) const;

    std::vector<Pair> m_pairs; ///< sorted by from
    double m_rateOutside = 1;
};

} // namespace gantry
