#include "app/desktop/timeline_actions.h"

#include "app/desktop/compare_page.h"
#include "app/desktop/page_area.h"
#include "app/desktop/report_page.h"
#include "app/desktop/window_actions.h"
#include "widgets/compare/compare_view.h"
#include "widgets/timeline/timeline_widget.h"

#include <QAction>

namespace gantry::desktop {

namespace {

using widgets::TimelineWidget;

/// The timeline that the menu refers to: that of the report in front, or A of the comparison, which B follows.
TimelineWidget* timelineInFront(const PageArea& pages)
{
    if (const ReportPage* report = pages.currentReport())
        return report->timeline();
    if (const ComparePage* compare = pages.currentCompare(); compare && compare->isReady())
        return &compare->view()->timeline(0);
    return nullptr;
}

} // namespace

void connectTimelineActions(const WindowActions& actions, PageArea& pages)
{
    const auto connectTo = [&pages](QAction* action, void (TimelineWidget::*call)()) {
        QObject::connect(action, &QAction::triggered, &pages, [&pages, call] {
            if (TimelineWidget* timeline = timelineInFront(pages))
                (timeline->*call)();
        });
    };
    connectTo(actions.zoomIn, &TimelineWidget::zoomIn);
    connectTo(actions.zoomOut, &TimelineWidget::zoomOut);
    connectTo(actions.zoomToSelection, &TimelineWidget::zoomToSelection);
    connectTo(actions.fit, &TimelineWidget::fitAll);
    connectTo(actions.back, &TimelineWidget::goBack);
    connectTo(actions.forward, &TimelineWidget::goForward);
}

} // namespace gantry::desktop
