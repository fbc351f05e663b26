#pragma once

#include "trace_model/base/time.h"

#include <QObject>
#include <QTimer>

#include <functional>

namespace gantry::desktop {

/// Tells when this machine has slept: timers stand still meanwhile, and connections may be gone without a word. UI thread.
class WakeWatch : public QObject
{
    Q_OBJECT

public:
    /// How long this machine has slept since it was started.
    using Slept = std::function<DurationNs()>;

    explicit WakeWatch(QObject* parent = nullptr);
    /// With another clock, for tests.
    explicit WakeWatch(Slept slept, QObject* parent = nullptr);

    /// Outside the regular turn of once a second.
    void look();

signals:
    /// It was asleep for so long, and is awake.
    void woke(gantry::DurationNs asleep);

private:
    Slept m_slept;
    DurationNs m_known;
    QTimer m_timer;
};

} // namespace gantry::desktop
