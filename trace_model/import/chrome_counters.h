#pragma once

#include "trace_model/import/event_sink.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace gantry::importing {

/// The counters of a part of a file. They are numbered when the whole file has been read, so that the numbers do not hang on which
/// part was read first, and processes have their names.
class CounterSeries
{
public:
    struct Key
    {
        std::uint64_t globalPid = 0; ///< whose counter it is, where `group` is empty
        std::string group, name, unit, source;

        [[nodiscard]] auto tie() const { return std::tie(globalPid, group, name, unit, source); }
        bool operator<(const Key& other) const { return tie() < other.tie(); }
    };
    struct Sample
    {
        TimestampNs time = 0;
        double value = 0;
    };
    struct Series
    {
        Key key;
        std::vector<Sample> samples;
    };

    /// The number of a counter in series(), made when it is not there yet.
    [[nodiscard]] std::size_t indexOf(const Key& key);
    void add(std::size_t index, const Sample& sample) { m_series[index].samples.push_back(sample); }
    /// In the order in which they were met.
    [[nodiscard]] const std::vector<Series>& series() const { return m_series; }

private:
    std::vector<Series> m_series;
    std::map<Key, std::size_t> m_index;
};

} // namespace gantry::importing
