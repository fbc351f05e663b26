#include "app/desktop/history_fill.h"

#include "app/desktop/live_series.h"

#include <QElapsedTimer>

#include <algorithm>
#include <iterator>
#include <utility>

namespace gantry::desktop {

namespace {

constexpr qint64 kSliceMs = 4; // of a frame of 16
constexpr std::size_t kSeriesATime = 4; // before the clock is looked at again: an hour of one takes a quarter of a millisecond

} // namespace

HistoryFill::HistoryFill(QObject* parent) : QObject(parent)
{
    m_timer.setSingleShot(true);
    connect(&m_timer, &QTimer::timeout, this, &HistoryFill::fill);
}

void HistoryFill::add(LiveSeries& series, std::vector<proto::HistoryPart> parts)
{
    for (proto::HistoryPart& part : parts)
        for (std::size_t begin = 0; begin < part.series.size(); begin += kSeriesATime) {
            const auto from = part.series.begin() + static_cast<std::ptrdiff_t>(begin);
            const auto to = from + static_cast<std::ptrdiff_t>(std::min(kSeriesATime, part.series.size() - begin));
            m_waiting.push_back({&series, {{std::move_iterator(from), std::move_iterator(to)}, part.nodeMonoNs, part.nodeUtcNs}});
        }
    if (!m_waiting.empty())
        m_timer.start(0);
}

void HistoryFill::forget(const LiveSeries& series)
{
    std::erase_if(m_waiting, [&](const Waiting& waiting) { return waiting.series == &series; });
}

void HistoryFill::fill()
{
    QElapsedTimer slice;
    slice.start();
    while (!m_waiting.empty()) {
        const Waiting next = std::move(m_waiting.front());
        m_waiting.pop_front();
        next.series->addHistory(next.part);
        if (m_waiting.empty() || m_waiting.front().series != next.series)
            emit filled(next.series);
        if (slice.elapsed() >= kSliceMs)
            break;
    }
    if (!m_waiting.empty())
        m_timer.start(0);
}

} // namespace gantry::desktop
