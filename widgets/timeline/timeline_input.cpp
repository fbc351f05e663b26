#include "widgets/timeline/timeline_widget.h"

#include "widgets/theme/format.h"
#include "widgets/theme/glossary.h"
#include "widgets/timeline/counter_painter.h"
#include "widgets/timeline/event_text.h"
#include "widgets/timeline/launch_links.h"
#include "widgets/timeline/minimap_painter.h"
#include "widgets/timeline/span_edges.h"
#include "widgets/timeline/timeline_fonts.h"

#include <QActionGroup>
#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QScrollBar>
#include <QToolTip>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>
#include <utility>

// What mouse, wheel and keys do to a timeline.

namespace gantry::widgets {

namespace {

using trace::EventId;

constexpr double kWheelZoom = 0.8; // of the visible range for one notch
constexpr double kKeyPan = 0.12;   // of the width
constexpr int kSnapReach = 6;      // px from which an edge of a span draws the end of a measure to itself
constexpr int kGripReach = 4;      // px beside the edges of the view on the minimap

/// What the numbers beside a row's name are, or the name itself where no file gave it: a model may be called "queue".
QString termOf(const trace::Trace& trace, const trace::Track& track)
{
    switch (track.kind) {
    case trace::TrackKind::GpuStream:
        return QStringLiteral("Percent of context time");
    case trace::TrackKind::GpuAllStreams:
    case trace::TrackKind::Executions:
        return QStringLiteral("Busy share");
    case trace::TrackKind::GpuRanges:
        return QStringLiteral("Projected");
    case trace::TrackKind::GpuMemory:
    case trace::TrackKind::GpuSync:
    case trace::TrackKind::ThreadApi:
    case trace::TrackKind::ThreadLibrary:
    case trace::TrackKind::ThreadOs:
        return toQString(track.name);
    default:
        break;
    }
    // Below a model: its counters, and its requests again in other orders.
    const bool isOfModel = !track.parent.isNone() && trace.track(track.parent).kind == trace::TrackKind::RequestLanes;
    return isOfModel ? toQString(track.name) : QString();
}

} // namespace

QString TimelineWidget::toolTipAt(QPoint point) const
{
    if (const EventId linked = linkedAt(point); !linked.isNone())
        return eventToolTip(*m_state.trace, linked) + QStringLiteral("<br>") + tr("Click to go there.");
    if (const EventId event = eventAt(point); !event.isNone())
        return eventToolTip(*m_state.trace, event);
    if (!m_state.trace)
        return {};
    if (const auto mark = markAt(point))
        return tr("<b>%1</b><br>at %2")
            .arg(m_state.marks[*mark].text.toHtmlEscaped(), formatTime(m_state.marks[*mark].time.start - m_state.trace->time.start, 1000));
    const TimelineRow* row = rowAt(point);
    if (!row)
        return {};
    const trace::Track& track = m_state.trace->track(row->track);
    const QString name = QStringLiteral("<b>%1</b>").arg(toQString(track.name).toHtmlEscaped());
    if (m_state.geometry.header().contains(point)) {
        const auto chosen = m_state.chosenRequests.find(row->track);
        const std::string& more = chosen != m_state.chosenRequests.end()    ? chosen->second.detail
                                  : track.kind == trace::TrackKind::Counter ? track.counter.source
                                                                            : track.detail;
        const QString text = more.empty() ? name : name + QStringLiteral("<br>") + toQString(more).toHtmlEscaped();
        const QString help = termToolTip(termOf(*m_state.trace, track));
        return help.isEmpty() ? text : text + QStringLiteral("<hr>") + help;
    }
    if (track.kind != trace::TrackKind::Counter)
        return {};
    const auto after = std::upper_bound(track.counter.time.begin(), track.counter.time.end(), timeAt(point.x()));
    if (after == track.counter.time.begin())
        return name + QStringLiteral("<br>") + tr("no sample yet");
    const auto index = static_cast<std::size_t>(after - track.counter.time.begin() - 1);
    if (std::isnan(track.counter.value[index]))
        return name + QStringLiteral("<br>") + tr("not recorded here");
    return name + QStringLiteral("<br>") +
           tr("%1 · sampled at %2")
               .arg(counterText(track.counter, track.counter.value[index]).toHtmlEscaped(),
                    formatTime(track.counter.time[index] - m_state.trace->time.start, 1'000'000));
}

EventId TimelineWidget::linkedAt(QPoint point) const
{
    for (const LinkMarker& marker : linkPicture(m_state, TimelineFonts(font()).small).markers)
        if (marker.box.contains(point))
            return marker.event;
    return {};
}

bool TimelineWidget::viewportEvent(QEvent* event)
{
    if (event->type() == QEvent::ToolTip) {
        showToolTip(static_cast<QHelpEvent*>(event)->pos());
        return true;
    }
    if (event->type() == QEvent::Leave) {
        setCursorTime({});
        m_hovered = {};
        m_rowUnderMouse = {};
    }
    return QAbstractScrollArea::viewportEvent(event);
}

void TimelineWidget::showToolTip(QPoint point)
{
    const QString text = toolTipAt(point);
    if (text.isEmpty())
        QToolTip::hideText();
    else
        QToolTip::showText(viewport()->mapToGlobal(point), text, viewport());
}

TimelineWidget::Drag TimelineWidget::minimapDragAt(int viewportX) const
{
    const auto [left, right] = minimapView(m_state);
    const bool hasGrips = right - left >= 4 * kGripReach; // narrower: there is only a middle
    if (hasGrips && std::abs(viewportX - left) <= kGripReach)
        return Drag::MinimapStart;
    if (hasGrips && std::abs(viewportX - right) <= kGripReach)
        return Drag::MinimapEnd;
    // A view of everything cannot be moved.
    const bool isWhole = m_state.view.start <= m_extent.start && m_state.view.end >= m_extent.end;
    return !isWhole && viewportX >= left - 1 && viewportX <= right + 1 ? Drag::MinimapView : Drag::MinimapBrush;
}

void TimelineWidget::mousePressEvent(QMouseEvent* event)
{
    if (!m_state.trace)
        return;
    const TimelineGeometry& g = m_state.geometry;
    m_pressed = event->position().toPoint();
    m_viewAtPress = m_state.view;
    m_scrollAtPress = m_state.scrollY;
    m_hasMoved = false;
    const bool wantsPan =
        event->button() == Qt::MiddleButton || (event->button() == Qt::LeftButton && event->modifiers() & Qt::ShiftModifier);
    if (std::abs(m_pressed.x() - g.headerWidth) <= 3 && event->button() == Qt::LeftButton) {
        m_drag = Drag::HeaderWidth;
    } else if (g.minimap().contains(m_pressed) && event->button() == Qt::LeftButton) {
        m_drag = minimapDragAt(m_pressed.x());
    } else if (event->button() == Qt::LeftButton && pressMark(m_pressed)) {
        viewport()->update();
    } else if (m_pressed.x() >= g.headerWidth && wantsPan) {
        m_drag = Drag::Pan;
        viewport()->setCursor(Qt::ClosedHandCursor);
    } else if (m_pressed.x() >= g.headerWidth && event->button() == Qt::LeftButton) {
        m_drag = Drag::Measure;
    } else if (g.header().contains(m_pressed) && event->button() == Qt::LeftButton) {
        if (const TimelineRow* edge = rowResizedAt(m_pressed)) {
            m_drag = Drag::RowHeight;
            m_resizedRow = edge->track;
        } else if (const TimelineRow* row = rowAt(m_pressed)) {
            m_drag = Drag::Row;
            m_pressedRow = row->track;
        }
    }
}

void TimelineWidget::mouseMoveEvent(QMouseEvent* event)
{
    if (!m_state.trace)
        return;
    const QPoint point = event->position().toPoint();
    // Along the axis alone: a click that slips up or down measures nothing.
    m_hasMoved |= std::abs(point.x() - m_pressed.x()) >= QApplication::startDragDistance() / 2;
    const TimelineGeometry& g = m_state.geometry;
    switch (m_drag) {
    case Drag::None:
        hover(point);
        break;
    case Drag::HeaderWidth:
        setHeaderWidth(point.x());
        emit headerWidthChanged(g.headerWidth);
        break;
    case Drag::RowHeight:
        resizeRow(point.y());
        break;
    case Drag::Row:
        if (m_state.drop || std::abs(point.y() - m_pressed.y()) >= QApplication::startDragDistance())
            dragRow(point);
        break;
    case Drag::MinimapView:
    case Drag::MinimapStart:
    case Drag::MinimapEnd:
    case Drag::MinimapBrush:
        dragMinimap(point.x());
        break;
    case Drag::Pan: {
        const double moved =
            static_cast<double>(m_pressed.x() - point.x()) * static_cast<double>(m_viewAtPress.duration()) / std::max(1, g.plotWidth());
        applyView(panned(m_viewAtPress, static_cast<DurationNs>(std::llround(moved)), m_reach));
        verticalScrollBar()->setValue(m_scrollAtPress + m_pressed.y() - point.y());
        break;
    }
    case Drag::Measure:
        if (m_hasMoved)
            dragMeasure(point, event->modifiers());
        break;
    }
    setCursorTime(point.x() >= g.headerWidth ? std::optional(timeAt(point.x())) : std::nullopt);
}

void TimelineWidget::hover(QPoint point)
{
    const TimelineGeometry& g = m_state.geometry;
    Qt::CursorShape shape = Qt::ArrowCursor;
    if (std::abs(point.x() - g.headerWidth) <= 3) {
        shape = Qt::SplitHCursor;
    } else if (!linkedAt(point).isNone()) {
        shape = Qt::PointingHandCursor;
    } else if (rowResizedAt(point)) {
        shape = Qt::SplitVCursor;
    } else if (g.minimap().contains(point)) {
        const Drag drag = minimapDragAt(point.x());
        shape = drag == Drag::MinimapView ? Qt::OpenHandCursor : drag == Drag::MinimapBrush ? Qt::CrossCursor : Qt::SizeHorCursor;
    }
    viewport()->setCursor(shape);
    const TimelineRow* row = rowAt(point);
    m_rowUnderMouse = row ? row->track : trace::TrackId();
    // What an event is, is said at once: who looks for a kernel among many does not wait at each.
    const EventId hovered = eventAt(point);
    if (hovered == m_hovered)
        return;
    m_hovered = hovered;
    if (hovered.isNone())
        QToolTip::hideText();
    else
        showToolTip(point);
}

void TimelineWidget::dragMeasure(QPoint point, Qt::KeyboardModifiers modifiers)
{
    const TimelineGeometry& g = m_state.geometry;
    const bool isFree = modifiers & Qt::ControlModifier;
    const auto held = [&](QPoint at) { return isFree ? std::nullopt : edgeNear(m_state, at, kSnapReach); };
    // Back where it began: nothing is measured, even between two spans.
    const bool isBack = std::abs(point.x() - m_pressed.x()) < QApplication::startDragDistance() / 2;
    const auto from = isBack ? std::nullopt : held(m_pressed), to = isBack ? std::nullopt : held(point);
    const TimestampNs a = from ? from->time : timeAt(m_pressed.x());
    const TimestampNs b = to ? to->time : timeAt(isBack ? m_pressed.x() : std::clamp(point.x(), g.headerWidth, g.size.width()));
    changeOverlay([&] {
        m_state.snapStart = from;
        m_state.snapEnd = to;
        m_state.measure = TimeRange{std::min(a, b), std::max(a, b)}.clippedTo(m_state.trace->time);
    });
}

void TimelineWidget::dragMinimap(int viewportX)
{
    const TimeAxis whole(m_state.trace->time, m_state.geometry.plotWidth());
    const TimestampNs from = whole.toTime(m_pressed.x() - m_state.geometry.headerWidth),
                      to = whole.toTime(viewportX - m_state.geometry.headerWidth);
    switch (m_drag) {
    case Drag::MinimapView:
        return applyView(panned(m_viewAtPress, to - from, m_reach));
    case Drag::MinimapStart:
        return applyView({std::min(m_viewAtPress.start + to - from, m_viewAtPress.end - kShortestView), m_viewAtPress.end});
    case Drag::MinimapEnd:
        return applyView({m_viewAtPress.start, std::max(m_viewAtPress.end + to - from, m_viewAtPress.start + kShortestView)});
    case Drag::MinimapBrush:
        if (m_hasMoved)
            changeOverlay([&] { m_state.brush = TimeRange{std::min(from, to), std::max(from, to)}.clippedTo(m_state.trace->time); });
        return;
    case Drag::None:
    case Drag::Measure:
    case Drag::Pan:
    case Drag::HeaderWidth:
    case Drag::Row:
    case Drag::RowHeight:
        break;
    }
}

void TimelineWidget::finishMinimapBrush()
{
    std::optional<TimeRange> range;
    changeOverlay([&] { range = std::exchange(m_state.brush, std::nullopt); });
    if (range && !range->isEmpty())
        return setVisibleRange(*range);
    // A click: the view comes there.
    const TimeAxis whole(m_state.trace->time, m_state.geometry.plotWidth());
    const TimestampNs middle = whole.toTime(m_pressed.x() - m_state.geometry.headerWidth);
    const DurationNs length = m_state.view.duration();
    setVisibleRange({middle - length / 2, middle - length / 2 + length});
}

void TimelineWidget::mouseReleaseEvent(QMouseEvent* event)
{
    const Drag drag = std::exchange(m_drag, Drag::None);
    viewport()->setCursor(Qt::ArrowCursor);
    if (!m_state.trace)
        return;
    switch (drag) {
    case Drag::Pan:
    case Drag::MinimapView:
    case Drag::MinimapStart:
    case Drag::MinimapEnd:
        if (m_state.view != m_viewAtPress) {
            m_history.leave(m_viewAtPress);
            m_sinceGesture.invalidate();
        }
        return;
    case Drag::MinimapBrush:
        return finishMinimapBrush();
    case Drag::Row:
        if (m_state.drop)
            endRowDrag();
        else
            arrangeRow(m_pressedRow, event->modifiers() & Qt::ControlModifier ? RowChange::ToggleChosen : RowChange::ToggleFold);
        return;
    case Drag::RowHeight:
        if (m_rows.heights.contains(m_resizedRow))
            emit rowsChanged();
        return;
    case Drag::None:
    case Drag::HeaderWidth:
        return;
    case Drag::Measure:
        break;
    }
    if (m_hasMoved && m_state.measure && !m_state.measure->isEmpty()) {
        emit measureChanged();
        return;
    }
    endMeasure();
    if (const EventId linked = linkedAt(m_pressed); !linked.isNone())
        return reveal(linked);
    const EventId hit = eventAt(m_pressed);
    if (hit.isNone())
        clearSelection();
    else
        selectEvent(hit);
}

void TimelineWidget::mouseDoubleClickEvent(QMouseEvent* event)
{
    if (event->button() != Qt::LeftButton || !m_state.trace)
        return;
    const QPoint point = event->position().toPoint();
    if (const TimelineRow* edge = rowResizedAt(point))
        return arrangeRow(edge->track, RowChange::ResetHeight);
    if (m_state.geometry.header().contains(point))
        return mousePressEvent(event); // two clicks on a row fold and unfold it
    if (m_state.geometry.minimap().contains(point))
        return fitAll();
    if (pressMark(point))
        return editMark(*m_currentMark);
    const EventId hit = eventAt(point);
    if (hit.isNone())
        return zoomAt(point.x(), kStepZoom * kStepZoom);
    selectEvent(hit);
    const TimeRange time = m_state.trace->timeOf(hit);
    const DurationNs margin = std::max<DurationNs>(time.duration() / 10, kShortestView / 2);
    setVisibleRange({time.start - margin, time.end + margin});
}

void TimelineWidget::wheelEvent(QWheelEvent* event)
{
    if (!m_state.trace)
        return;
    event->accept();
    const QPoint point = event->position().toPoint();
    const QPoint delta = event->angleDelta();
    const double notches = static_cast<double>(delta.y()) / 120.0;
    if (point.x() < m_state.geometry.headerWidth || event->modifiers() & Qt::AltModifier) {
        // Alt swaps the axes on most platforms.
        const int vertical = delta.y() ? delta.y() : delta.x();
        verticalScrollBar()->setValue(verticalScrollBar()->value() - vertical / 2);
        return;
    }
    if (event->modifiers() & Qt::ShiftModifier) {
        panBy(-notches * 0.1 * m_state.geometry.plotWidth());
    } else if (std::abs(delta.x()) > std::abs(delta.y())) {
        panBy(-delta.x());
    } else if (delta.y() != 0) {
        zoomAt(point.x(), std::pow(kWheelZoom, notches));
    }
    setCursorTime(timeAt(point.x()));
}

void TimelineWidget::keyPressEvent(QKeyEvent* event)
{
    if (event->modifiers() & (Qt::ControlModifier | Qt::AltModifier | Qt::MetaModifier))
        return QAbstractScrollArea::keyPressEvent(event);
    QScrollBar* bar = verticalScrollBar();
    switch (event->key()) {
    case Qt::Key_W:
        return zoomIn();
    case Qt::Key_S:
        return zoomOut();
    case Qt::Key_A:
    case Qt::Key_Left:
        return panBy(-kKeyPan * m_state.geometry.plotWidth());
    case Qt::Key_D:
    case Qt::Key_Right:
        return panBy(kKeyPan * m_state.geometry.plotWidth());
    case Qt::Key_Up:
        return bar->setValue(bar->value() - bar->singleStep());
    case Qt::Key_Down:
        return bar->setValue(bar->value() + bar->singleStep());
    case Qt::Key_PageUp:
        return bar->setValue(bar->value() - bar->pageStep());
    case Qt::Key_PageDown:
        return bar->setValue(bar->value() + bar->pageStep());
    case Qt::Key_Home:
        return fitAll();
    case Qt::Key_Z:
        return zoomToSelection();
    case Qt::Key_B:
        return goBack();
    case Qt::Key_Escape:
        if (m_state.drop) { // the row stays where it was
            changeOverlay([this] { m_state.drop.reset(); });
            endRowDrag();
            m_drag = Drag::None;
            return;
        }
        endMeasure();
        clearChosenRows();
        return clearSelection();
    default:
        QAbstractScrollArea::keyPressEvent(event);
    }
}

void TimelineWidget::addCounterStyles(QMenu& menu, QPoint point)
{
    const TimelineRow* row = rowAt(point);
    if (!row || m_state.trace->track(row->track).kind != trace::TrackKind::Counter)
        return;
    auto* choice = new QActionGroup(&menu);
    for (const auto& [style, text] : {std::pair(CounterStyle::Area, tr("Draw as area")), std::pair(CounterStyle::Line, tr("Draw as line")),
                                      std::pair(CounterStyle::Heat, tr("Draw as heat strip"))}) {
        QAction* action = menu.addAction(text, this, [this, track = row->track, style = style] { setCounterStyle(track, style); });
        action->setCheckable(true);
        action->setChecked(m_state.counterStyles[row->track.value] == style);
        choice->addAction(action);
    }
    menu.addSeparator();
}

void TimelineWidget::contextMenuEvent(QContextMenuEvent* event)
{
    if (!m_state.trace)
        return;
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    if (const EventId hit = eventAt(event->pos()); !hit.isNone()) {
        selectEvent(hit);
        menu->addAction(tr("Copy name"), this, [this, hit] { QApplication::clipboard()->setText(toQString(m_state.trace->nameOf(hit))); });
        if (!m_selectedRequest.isNone())
            menu->addAction(tr("Highlight all of its request"), this, [this, request = m_selectedRequest] { selectRequest(request); });
        menu->addSeparator();
    }
    addCounterStyles(*menu, event->pos());
    addRowActions(*menu, event->pos());
    menu->addAction(tr("Zoom to selection (Z)"), this, &TimelineWidget::zoomToSelection)
        ->setEnabled(m_state.measure || !m_state.selected.isNone());
    menu->addAction(tr("Show everything (Home)"), this, &TimelineWidget::fitAll);
    menu->addAction(tr("Back (B)"), this, &TimelineWidget::goBack)->setEnabled(m_history.canGoBack());
    menu->popup(event->globalPos());
}

} // namespace gantry::widgets
