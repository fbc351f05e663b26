#include "remote_server/node/history/history_reading.h"

#include "remote_server/proto/convert.h"
#include "remote_server/proto/convert_live.h"

#include <algorithm>
#include <utility>

namespace gantry::node {
namespace {

constexpr std::size_t kPartPoints = 40'000; // up to 28 bytes each: well below the 4 MiB that gRPC takes at once

/// The points within the range, moved by `shift`.
HistoryColumns cut(const HistoryColumns& all, DurationNs shift, TimeRange range)
{
    HistoryColumns some;
    for (std::size_t i = 0; i < all.times.size(); ++i) {
        const TimestampNs time = all.times[i] + shift;
        if (time < range.start || time >= range.end)
            continue;
        some.times.push_back(time);
        some.values.push_back(all.values[i]);
        if (!all.minima.empty()) {
            some.minima.push_back(all.minima[i]);
            some.maxima.push_back(all.maxima[i]);
        }
    }
    return some;
}

} // namespace

HistoryParts::HistoryParts(const v1::ReadHistoryRequest& request, const std::map<std::uint32_t, metrics::SeriesDefinition>& series,
                           OnPart onPart)
    : m_names(request.names().begin(), request.names().end()), m_series(series), m_onPart(std::move(onPart))
{
}

bool HistoryParts::isWanted(std::uint32_t id)
{
    const auto series = m_series.find(id);
    return series != m_series.end() && (m_names.empty() || m_names.contains(series->second.name));
}

bool HistoryParts::put(std::uint32_t id, DurationNs step, const HistoryColumns& columns)
{
    if (columns.times.empty())
        return true;
    v1::HistorySeries& series = *m_part.add_series();
    if (m_defined.insert(id).second)
        *series.mutable_definition() = proto::toWire(m_series.at(id));
    else
        series.mutable_definition()->set_id(id);
    series.set_step_ns(step);
    proto::putColumns(columns, series);
    m_points += static_cast<std::size_t>(series.values_size());
    return m_points < kPartPoints || finish();
}

bool HistoryParts::finish()
{
    if (!m_isOpen || m_part.series_size() == 0)
        return m_isOpen;
    m_points = 0;
    m_isOpen = m_onPart(std::exchange(m_part, v1::HistoryPart()));
    return m_isOpen;
}

bool HistoryParts::add(DurationNs step, const v1::HistoryPart& block, DurationNs shift, TimeRange range)
{
    for (const v1::HistorySeries& kept : block.series()) {
        const std::uint32_t id = kept.definition().id();
        if (isWanted(id) && !put(id, step, cut(proto::columnsOf(kept), shift, range)))
            return false;
    }
    return true;
}

bool HistoryParts::add(DurationNs step, const HistoryColumnsById& open, TimeRange range)
{
    return std::all_of(open.begin(), open.end(), [&](const auto& series) {
        return !isWanted(series.first) || put(series.first, step, cut(series.second, 0, range));
    });
}

} // namespace gantry::node
