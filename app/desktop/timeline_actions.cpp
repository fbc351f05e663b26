#include "app/desktop/timeline_actions.h"

#include "app/desktop/compare_page.h"
#include "app/desktop/page_area.h"
#include "app/desktop/report_page.h"
#include "app/desktop/window_actions.h"
#include "widgets/compare/compare_view.h"
#include "widgets/theme/format.h"
#include "widgets/timeline/timeline_widget.h"

#include <QAction>
#include <QMenu>

#include <utility>

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
    connectTo(actions.filterRows, &TimelineWidget::focusRowFilter);
    connectTo(actions.addMark, &TimelineWidget::addMark);
    connectTo(actions.removeMark, &TimelineWidget::removeMark);
    for (const auto& [action, direction] : {std::pair(actions.nextMark, 1), std::pair(actions.previousMark, -1)}) {
        QObject::connect(action, &QAction::triggered, &pages, [&pages, direction = direction] {
            if (TimelineWidget* timeline = timelineInFront(pages))
                timeline->stepMark(direction);
        });
    }
    using RowChange = TimelineWidget::RowChange;
    for (const auto& [action, change] :
         {std::pair(actions.chooseRow, RowChange::ToggleChosen), std::pair(actions.hideRow, RowChange::Hide),
          std::pair(actions.showHiddenRows, RowChange::ShowHidden), std::pair(actions.pinRow, RowChange::TogglePin),
          std::pair(actions.moveRowUp, RowChange::MoveUp), std::pair(actions.moveRowDown, RowChange::MoveDown)}) {
        QObject::connect(action, &QAction::triggered, &pages, [&pages, change = change] {
            if (TimelineWidget* timeline = timelineInFront(pages))
                timeline->arrangeRow(timeline->currentRow(), change);
        });
    }
    using widgets::RequestOrder;
    for (const auto& [action, order] :
         {std::pair(actions.packRequests, RequestOrder::Packed), std::pair(actions.requestsByInstance, RequestOrder::ByInstance),
          std::pair(actions.slowestFirst, RequestOrder::SlowestFirst), std::pair(actions.requestsByModel, RequestOrder::ByModel),
          std::pair(actions.requestsTogether, RequestOrder::Together)}) {
        QObject::connect(action, &QAction::triggered, &pages, [&pages, order = order] {
            if (TimelineWidget* timeline = timelineInFront(pages))
                timeline->setRequestOrder(order);
        });
    }
}

void fillMarksMenu(const WindowActions& actions, PageArea& pages)
{
    QMenu& menu = *actions.marksMenu;
    for (QAction* action : menu.actions())
        if (action->parent() == &menu && !action->isSeparator())
            delete action; // of the time before
    TimelineWidget* timeline = timelineInFront(pages);
    if (!timeline || timeline->marks().empty()) {
        menu.addAction(QObject::tr("No marks yet"))->setEnabled(false);
        return;
    }
    const TimestampNs start = timeline->trace()->time.start;
    for (std::size_t i = 0; i < timeline->marks().size(); ++i) {
        const widgets::TimelineMark& mark = timeline->marks()[i];
        QString text = mark.text;
        text.replace(QLatin1Char('&'), QStringLiteral("&&"));
        menu.addAction(QObject::tr("%1 at %2").arg(text, widgets::formatTime(mark.time.start - start, 1000)), timeline,
                       [timeline, i] { timeline->goToMark(i); });
    }
}

} // namespace gantry::desktop
