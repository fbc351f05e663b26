#pragma once

#include "trace_model/base/time.h"
#include "trace_model/records/chunk_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace gantry::node {

/// Finds work of CUDA graphs whose end is not known though its record has one: where a window closes while graphs run, CUPTI 13.0 gives
/// some records of earlier launches the time of the flush as their end (seen on an H100: kernels of 5 µs that lasted 87 ms, all until the
/// same instant after the close, with hundreds of later ones on their stream). One process; one thread.
class GraphEnds
{
public:
    explicit GraphEnds(TimestampNs close) : m_close(close) {}

    /// Of work of a graph's node, on the clock of `close`. True: put off until takeKnown() says.
    bool putOff(const records::RecordView& view, std::uint32_t context, std::uint32_t stream, TimestampNs start, TimestampNs end)
    {
        TimestampNs& last = m_lastStarts[std::uint64_t{context} << 32 | stream];
        last = std::max(last, start);
        if (end <= m_close)
            return false;
        m_late.push_back({view, std::uint64_t{context} << 32 | stream, start});
        return true;
    }

    /// After all: gives `take` the records that are right, as the last work of a stream is that still ran. Returns the number of others.
    template <typename Take>
    std::size_t takeKnown(Take take) const
    {
        std::size_t unknown = 0;
        for (const Late& late : m_late) {
            if (m_lastStarts.at(late.stream) > late.start)
                ++unknown;
            else
                take(late.view);
        }
        return unknown;
    }

private:
    struct Late
    {
        records::RecordView view;
        std::uint64_t stream;
        TimestampNs start;
    };
    TimestampNs m_close;
    std::unordered_map<std::uint64_t, TimestampNs> m_lastStarts; ///< by context and stream
    std::vector<Late> m_late;
};

} // namespace gantry::node
