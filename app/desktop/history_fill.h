#pragma once

#include "remote_server/proto/live_types.h"

#include <QObject>
#include <QTimer>

#include <deque>
#include <vector>

namespace gantry::desktop {

class LiveSeries;

/// Puts what nodes remember into the series of their curves, a few milliseconds between two events of the window: an hour of hundreds of
/// series at once would hold it up. UI thread.
class HistoryFill : public QObject
{
    Q_OBJECT

public:
    explicit HistoryFill(QObject* parent = nullptr);

    /// `series` lives until filled() told of it, or until it is forgotten.
    void add(LiveSeries& series, std::vector<proto::HistoryPart> parts);
    /// What waits for it is dropped: its clock is another one now, or it is about to go.
    void forget(const LiveSeries& series);
    [[nodiscard]] bool isEmpty() const { return m_waiting.empty(); }

signals:
    /// All that waited for it is in.
    void filled(const LiveSeries* series);

private:
    struct Waiting
    {
        LiveSeries* series;
        proto::HistoryPart part;
    };

    void fill();

    std::deque<Waiting> m_waiting;
    QTimer m_timer;
};

} // namespace gantry::desktop
