#include "widgets/timeline/timeline_widget.h"

#include "widgets/timeline/lane_layout.h"
#include "widgets/timeline/row_drop.h"

#include <QActionGroup>
#include <QKeyEvent>
#include <QLineEdit>
#include <QMenu>
#include <QScrollBar>
#include <QSignalBlocker>

#include <algorithm>
#include <utility>

// What a user does to the rows of a timeline: fold, hide, pin, move, resize, filter.

namespace gantry::widgets {

using trace::TrackId;

namespace {

constexpr int kEdgeReach = 3;    // px from a row's lower edge that hold it
constexpr int kFilterMargin = 3; // px around the field
// A row that is dragged to within so many px of an edge scrolls what is below it: so far, each so many ms.
constexpr int kScrollReach = 24, kScrollStep = 12, kScrollInterval = 30;

} // namespace

void TimelineWidget::buildRowFilter()
{
    m_filter = new QLineEdit(viewport());
    m_filter->setObjectName(QStringLiteral("rowFilter"));
    m_filter->setAccessibleName(tr("Filter rows by name"));
    m_filter->setPlaceholderText(tr("filter rows"));
    m_filter->setToolTip(tr("Shows the rows whose names hold this (Ctrl+Shift+F)"));
    m_filter->setClearButtonEnabled(true);
    m_filter->setCursor(Qt::IBeamCursor);
    m_filter->setFocusPolicy(Qt::ClickFocus); // keys are the timeline's when it is shown
    m_filter->hide();
    m_filter->installEventFilter(this);
    connect(m_filter, &QLineEdit::textChanged, this, &TimelineWidget::setRowFilter);
    connect(m_filter, &QLineEdit::returnPressed, this, [this] { setFocus(); });
}

void TimelineWidget::placeRowFilter()
{
    const QRect corner = m_state.geometry.corner();
    QFont small = font();
    small.setPointSizeF(small.pointSizeF() * 0.9);
    m_filter->setFont(small);
    m_filter->setGeometry(kFilterMargin, TimelineGeometry::kMinimapHeight + 1, corner.width() - 2 * kFilterMargin - 1,
                          TimelineGeometry::kRulerHeight - kFilterMargin);
    m_filter->setVisible(m_state.trace && !m_state.trace->tracks.empty());
}

bool TimelineWidget::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == m_filter && event->type() == QEvent::KeyPress && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape) {
        m_filter->clear();
        setFocus();
        return true;
    }
    if (auto* field = qobject_cast<QLineEdit*>(watched);
        field && field != m_filter && event->type() == QEvent::KeyPress && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape) {
        field->clear(); // a mark keeps the text that it has
        setFocus();
        return true;
    }
    return QAbstractScrollArea::eventFilter(watched, event);
}

void TimelineWidget::focusRowFilter()
{
    m_filter->setFocus(Qt::ShortcutFocusReason);
    m_filter->selectAll();
}

void TimelineWidget::setRowFilter(const QString& text)
{
    if (m_filter->text() != text) {
        const QSignalBlocker blocker(m_filter);
        m_filter->setText(text);
    }
    m_state.filter = text.trimmed();
    m_rows.filter = m_state.filter.toStdString();
    layoutRows();
}

void TimelineWidget::setRows(RowArrangement rows, std::vector<CounterStyle> styles)
{
    rows.filter = m_rows.filter;
    m_rows = std::move(rows);
    if (styles.size() == m_state.counterStyles.size())
        m_state.counterStyles = std::move(styles);
    m_settle.start(0, this);
    layoutRows();
}

const TimelineRow* TimelineWidget::rowAt(QPoint point) const
{
    if (!m_state.trace || point.y() < TimelineGeometry::rowsTop())
        return nullptr;
    return m_state.layout.rowAt(contentY(m_state, point.y()));
}

TrackId TimelineWidget::currentRow() const
{
    if (!m_rowUnderMouse.isNone() || !m_state.trace)
        return m_rowUnderMouse;
    const auto places = placesOf(m_state, m_state.selected);
    const EventPlace* place = preferredPlace(places);
    return place ? place->track : TrackId();
}

const EventPlace* TimelineWidget::preferredPlace(const std::vector<EventPlace>& places) const
{
    const EventPlace* best = nullptr;
    for (const EventPlace& place : places) {
        const TimelineRow* row = m_state.layout.rowOf(place.track);
        if (row && !row->isCollapsed)
            return &place;
        if (!best || m_state.trace->track(best->track).kind == trace::TrackKind::GpuAllStreams)
            best = &place;
    }
    return best;
}

void TimelineWidget::arrangeRow(TrackId track, RowChange change)
{
    if (change == RowChange::ToggleChosen) {
        // A counter has samples and no events.
        if (!m_state.trace || track.value >= m_state.trace->tracks.size() || m_state.trace->track(track).kind == trace::TrackKind::Counter)
            return;
        if (std::erase(m_state.chosenRows, track) == 0)
            m_state.chosenRows.push_back(track);
        ++m_state.layoutRevision;
        redraw();
        emit chosenRowsChanged();
        return;
    }
    if (change == RowChange::ShowHidden) {
        m_rows.hidden.clear();
    } else {
        if (!m_state.trace || track.value >= m_state.trace->tracks.size())
            return;
        switch (change) {
        case RowChange::Hide:
            m_rows.hidden.insert(track);
            std::erase(m_rows.pinned, track);
            break;
        case RowChange::TogglePin:
            if (std::erase(m_rows.pinned, track) == 0)
                m_rows.pinned.push_back(track);
            break;
        case RowChange::MoveUp:
        case RowChange::MoveDown:
            movePinnedOrAmongSiblings(track, change == RowChange::MoveUp ? -1 : 1);
            break;
        case RowChange::ResetHeight:
            m_rows.heights.erase(track);
            break;
        case RowChange::ToggleFold:
            if (m_rows.folded.erase(track) == 0)
                m_rows.folded.insert(track);
            break;
        case RowChange::ShowHidden:
        case RowChange::ToggleChosen:
            break;
        }
    }
    layoutRows();
    emit rowsChanged();
}

void TimelineWidget::clearChosenRows()
{
    if (m_state.chosenRows.empty())
        return;
    m_state.chosenRows.clear();
    ++m_state.layoutRevision;
    redraw();
    emit chosenRowsChanged();
}

void TimelineWidget::movePinnedOrAmongSiblings(TrackId track, int direction)
{
    auto& pinned = m_rows.pinned;
    const auto at = std::find(pinned.begin(), pinned.end(), track);
    if (at == pinned.end()) {
        moveAmongSiblings(*m_state.trace, m_rows, track, direction);
        return;
    }
    if (direction < 0 ? at != pinned.begin() : at + 1 != pinned.end())
        std::iter_swap(at, at + direction);
}

void TimelineWidget::showRowOf(TrackId track)
{
    bool isChanged = false;
    if (const TimelineRow* row = m_state.layout.rowOf(track); row && !row->isCollapsed)
        return; // what is folded below it hides nothing of itself
    if (const auto order = requestOrderOf(*m_state.trace, track); order && *order != m_rows.requests) {
        m_rows.requests = *order;
        isChanged = true;
    }
    for (TrackId id = track; !id.isNone(); id = m_state.trace->track(id).parent) {
        isChanged |= m_rows.folded.erase(id) > 0;
        isChanged |= m_rows.hidden.erase(id) > 0;
    }
    if (isChanged) {
        layoutRows();
        emit rowsChanged();
    }
    if (!m_state.layout.rowOf(track) && !m_rows.filter.empty())
        m_filter->clear();
}

void TimelineWidget::bringIntoView(const TimelineRow& row, int y, int height)
{
    const int pinned = m_state.layout.pinnedHeight(), page = m_state.geometry.rowsHeight();
    if (!row.isPinned && (y < m_state.scrollY + pinned || y + height > m_state.scrollY + page))
        verticalScrollBar()->setValue(y - (page + pinned) / 2);
}

const TimelineRow* TimelineWidget::rowResizedAt(QPoint point) const
{
    if (!m_state.geometry.header().contains(point))
        return nullptr;
    for (const int y : {point.y() - kEdgeReach, point.y() + kEdgeReach}) {
        const TimelineRow* row = rowAt({point.x(), y});
        if (row && isResizable(*m_state.trace, *row) && std::abs(screenY(m_state, row->y) + row->height - 1 - point.y()) <= kEdgeReach)
            return row;
    }
    return nullptr;
}

void TimelineWidget::resizeRow(int viewportY)
{
    const TimelineRow* row = m_state.layout.rowOf(m_resizedRow);
    if (!row)
        return;
    m_rows.heights[m_resizedRow] = std::clamp(viewportY - screenY(m_state, row->y), kLowestRow, kTallestRow);
    layoutRows();
}

void TimelineWidget::dragRow(QPoint point)
{
    m_dragPoint = point;
    viewport()->setCursor(Qt::ClosedHandCursor);
    changeOverlay([&] { m_state.drop = rowDropAt(m_state, m_rows, m_pressedRow, point); });
    const QRect rows = m_state.geometry.header();
    const bool isAtEdge = point.y() < rows.top() + m_state.layout.pinnedHeight() + kScrollReach || point.y() > rows.bottom() - kScrollReach;
    if (isAtEdge && !m_rowScroll.isActive())
        m_rowScroll.start(kScrollInterval, this);
    else if (!isAtEdge)
        m_rowScroll.stop();
}

void TimelineWidget::scrollDraggedRow()
{
    const bool isUp = m_dragPoint.y() < m_state.geometry.header().center().y();
    verticalScrollBar()->setValue(verticalScrollBar()->value() + (isUp ? -kScrollStep : kScrollStep));
    dragRow(m_dragPoint);
}

void TimelineWidget::endRowDrag()
{
    m_rowScroll.stop();
    viewport()->setCursor(Qt::ArrowCursor);
    std::optional<RowDrop> drop;
    changeOverlay([&] { drop = std::exchange(m_state.drop, std::nullopt); });
    if (!drop || !applyDrop(*m_state.trace, m_rows, *drop))
        return;
    layoutRows();
    emit rowsChanged();
}

void TimelineWidget::timerEvent(QTimerEvent* event)
{
    if (event->timerId() == m_rowScroll.timerId()) {
        scrollDraggedRow();
    } else if (event->timerId() == m_settle.timerId()) {
        m_settle.stop();
        emit viewSettled();
    } else {
        QAbstractScrollArea::timerEvent(event);
    }
}

void TimelineWidget::setRequestOrder(RequestOrder order)
{
    if (m_rows.requests == order)
        return;
    m_rows.requests = order;
    m_settle.start(0, this);
    layoutRows();
    emit rowsChanged();
}

void TimelineWidget::addRequestOrders(QMenu& menu, TrackId track)
{
    if (!requestOrderOf(*m_state.trace, track))
        return;
    auto* choice = new QActionGroup(&menu);
    for (const auto& [order, text] : {std::pair(RequestOrder::Packed, tr("Requests by model and version (Alt+1)")),
                                      std::pair(RequestOrder::ByInstance, tr("Requests by instance (Alt+2)")),
                                      std::pair(RequestOrder::SlowestFirst, tr("Slowest requests first (Alt+3)")),
                                      std::pair(RequestOrder::ByModel, tr("Requests by model (Alt+4)")),
                                      std::pair(RequestOrder::Together, tr("Requests in one set of lanes (Alt+5)"))}) {
        QAction* action = menu.addAction(text, this, [this, order = order] { setRequestOrder(order); });
        action->setCheckable(true);
        action->setChecked(m_rows.requests == order);
        choice->addAction(action);
    }
    menu.addSeparator();
}

void TimelineWidget::addRowActions(QMenu& menu, QPoint point)
{
    const auto add = [&](const QString& text, TrackId track, RowChange change) {
        return menu.addAction(text, this, [this, track, change] { arrangeRow(track, change); });
    };
    if (const TimelineRow* row = rowAt(point)) {
        const TrackId track = row->track;
        addRequestOrders(menu, track);
        const bool isChosen = std::find(m_state.chosenRows.begin(), m_state.chosenRows.end(), track) != m_state.chosenRows.end();
        if (m_state.trace->track(track).kind != trace::TrackKind::Counter)
            add(isChosen ? tr("List the events of other rows too (E)") : tr("List only its events (E)"), track, RowChange::ToggleChosen);
        add(tr("Hide row (H)"), track, RowChange::Hide);
        add(m_rows.isPinned(track) ? tr("Unpin row (P)") : tr("Pin row to the top (P)"), track, RowChange::TogglePin);
        add(tr("Move row up (Alt+Up)"), track, RowChange::MoveUp);
        add(tr("Move row down (Alt+Down)"), track, RowChange::MoveDown);
        if (m_rows.heights.contains(track))
            add(tr("Reset row height"), track, RowChange::ResetHeight);
    }
    if (const auto hidden = m_rows.hidden.size(); hidden > 0)
        add(tr("Show hidden rows: %1 (Ctrl+Shift+H)").arg(hidden), {}, RowChange::ShowHidden);
    menu.addSeparator();
}

} // namespace gantry::widgets
