#pragma once

#include "remote_server/node/history/step_accumulator.h"
#include "trace_model/base/time.h"
#include "trace_model/metrics/series_store.h"

#include "gantry/v1/node.pb.h"

#include <functional>
#include <map>
#include <set>
#include <string>

namespace gantry::node {

/// Gathers what is read of the history into parts of a size that goes over the wire, with the definition of each series before its first
/// points. One thread.
class HistoryParts
{
public:
    using OnPart = std::function<bool(v1::HistoryPart&&)>;

    /// `names`: of metrics; empty: all. `series` outlives it.
    HistoryParts(const v1::ReadHistoryRequest& request, const std::map<std::uint32_t, metrics::SeriesDefinition>& series, OnPart onPart);

    /// Points of a block within [from, to), moved by `shift` from the clock they were taken by. False: nobody wants more.
    bool add(DurationNs step, const v1::HistoryPart& block, DurationNs shift, TimeRange range);
    bool add(DurationNs step, const HistoryColumnsById& open, TimeRange range);
    /// Hands out what is left.
    bool finish();

private:
    [[nodiscard]] bool isWanted(std::uint32_t id);
    /// False: nobody takes more.
    bool put(std::uint32_t id, DurationNs step, const HistoryColumns& columns);

    std::set<std::string> m_names;
    const std::map<std::uint32_t, metrics::SeriesDefinition>& m_series;
    OnPart m_onPart;
    std::set<std::uint32_t> m_defined;
    v1::HistoryPart m_part;
    std::size_t m_points = 0;
    bool m_isOpen = true;
};

} // namespace gantry::node
