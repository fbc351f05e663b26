#include "app/desktop/slowest_requests.h"

#include "trace_model/trace/request_tracks.h"
#include "widgets/timeline/timeline_widget.h"

#include <map>
#include <utility>

namespace gantry::desktop {

SlowestRequests::SlowestRequests(widgets::TimelineWidget& timeline, jobs::JobRunner& runner)
    : QObject(&timeline), m_timeline(timeline), m_slot(runner)
{
    connect(&timeline, &widgets::TimelineWidget::viewSettled, this, &SlowestRequests::choose);
}

void SlowestRequests::choose()
{
    if (!m_timeline.trace() || m_timeline.rows().requests != widgets::RequestOrder::SlowestFirst)
        return m_slot.cancel();
    using Chosen = std::map<trace::TrackId, trace::ChosenRequests>;
    m_slot.run([trace = m_timeline.trace(), view = m_timeline.visibleRange()](
                   const jobs::JobContext&) -> Result<Chosen> { return trace::slowestRequests(*trace, view); },
               [this, trace = m_timeline.trace()](Result<Chosen> chosen) {
                   if (chosen && m_timeline.trace() == trace)
                       m_timeline.setChosenRequests(std::move(*chosen));
               });
}

} // namespace gantry::desktop
