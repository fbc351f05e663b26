#pragma once

#include "app/jobs/job_slot.h"

#include <QObject>

namespace gantry::widgets {
class TimelineWidget;
}

namespace gantry::desktop {

/// Chooses the slowest requests of what a timeline shows, when it shows such and its view has come to rest. A child of the timeline. UI
/// thread; it looks through the requests in a job.
class SlowestRequests : public QObject
{
    Q_OBJECT

public:
    SlowestRequests(widgets::TimelineWidget& timeline, jobs::JobRunner& runner);

private:
    void choose();

    widgets::TimelineWidget& m_timeline;
    jobs::JobSlot m_slot;
};

} // namespace gantry::desktop
