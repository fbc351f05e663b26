#include "remote_server/node/history/step_accumulator.h"

#include <algorithm>

namespace gantry::node {

std::int64_t StepAccumulator::numberOf(TimestampNs time) const
{
    return time / m_step - (time % m_step < 0 ? 1 : 0); // times before the boot are below 0
}

void StepAccumulator::close(std::uint32_t id, Open& open, HistoryColumnsById& finished)
{
    if (open.samples == 0)
        return;
    HistoryColumns& columns = finished[id];
    const bool isGauge = open.kind == metrics::SeriesKind::Gauge;
    columns.times.push_back(open.lastTime);
    columns.values.push_back(isGauge ? open.sum / open.samples : open.last);
    columns.minima.push_back(isGauge ? open.minimum : open.last);
    columns.maxima.push_back(isGauge ? open.maximum : open.last);
    open.samples = 0;
}

void StepAccumulator::take(std::uint32_t id, metrics::SeriesKind kind, TimestampNs time, double value, HistoryColumnsById& finished)
{
    Open& open = m_open[id];
    const std::int64_t number = numberOf(time);
    if (number != open.number)
        close(id, open, finished);
    if (open.samples == 0)
        open = {kind, number, 0, 0, 0, 0, value, value};
    ++open.samples;
    open.sum += value;
    open.last = value;
    open.lastTime = time;
    open.minimum = std::min(open.minimum, value);
    open.maximum = std::max(open.maximum, value);
}

void StepAccumulator::finish(TimestampNs before, HistoryColumnsById& finished)
{
    const std::int64_t now = numberOf(before);
    for (auto& [id, open] : m_open)
        if (open.number < now)
            close(id, open, finished);
}

} // namespace gantry::node
