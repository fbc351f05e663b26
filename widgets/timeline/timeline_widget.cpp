#include "widgets/timeline/timeline_widget.h"

#include "trace_model/analysis/request_join.h"
#include "trace_model/trace/counter_levels.h"
#include "trace_model/trace/visible_spans.h"
#include "widgets/theme/format.h"
#include "widgets/timeline/event_text.h"
#include "widgets/timeline/timeline_painter.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>
#include <QToolTip>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

using trace::EventId;
using trace::EventKind;
using trace::RequestIndex;

constexpr double kWheelZoom = 0.8;       // of the visible range for one notch
constexpr double kKeyZoom = 0.7;
constexpr double kKeyPan = 0.12;         // of the width
constexpr int kGestureMs = 700;          // steps closer together are one gesture
constexpr int kNarrowestHeader = 120;
constexpr double kRevealShare = 0.25;    // of the view that a revealed event may fill at least to stay at this zoom
constexpr int kHighlightLimit = 20'000;  // events: more cannot be told apart, and placing them takes time
constexpr DurationNs kAroundAnInstant = 1'000'000; // what a trace without length shows before and after its time

} // namespace

TimelineWidget::TimelineWidget(QWidget* parent) :
    QAbstractScrollArea(parent)
{
    setObjectName(QStringLiteral("timeline"));
    setAccessibleName(tr("Timeline"));
    setFrameShape(QFrame::NoFrame);
    setFocusPolicy(Qt::StrongFocus);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    viewport()->setMouseTracking(true);
    viewport()->setAttribute(Qt::WA_OpaquePaintEvent);
    m_state.theme = &Theme::forPalette(palette());
    verticalScrollBar()->setSingleStep(24);
}

TimelineWidget::~TimelineWidget() = default;

void TimelineWidget::setTrace(std::shared_ptr<const trace::Trace> trace)
{
    endMeasure();
    clearSelection();
    m_state.trace = std::move(trace);
    m_state.cursor.reset();
    m_state.matches.clear();
    m_state.counterMaxima.clear();
    m_history.clear();
    m_activity.clear();
    m_collapsed.clear();
    if (m_state.trace) {
        m_collapsed = collapsedAtFirst(*m_state.trace);
        for (const trace::Track& track : m_state.trace->tracks) {
            const std::size_t samples = track.counter.value.size();
            m_state.counterMaxima.push_back(samples == 0 ? 0 : trace::extremesOf(track.counter, 0, samples).max);
        }
    }
    m_extent = m_state.trace ? m_state.trace->time : TimeRange();
    if (m_state.trace && m_extent.isEmpty())
        m_extent = {m_extent.start - kAroundAnInstant, m_extent.start + kAroundAnInstant}; // a log of one line
    m_state.view = fitted(m_extent, m_extent);
    layoutRows();
    updateGeometryState();
    verticalScrollBar()->setValue(0);
    viewport()->update();
    emit visibleRangeChanged();
}

void TimelineWidget::setDensity(RowDensity density)
{
    m_density = density;
    m_state.geometry.headerWidth = density == RowDensity::Compact ? 200 : 250;
    layoutRows();
}

void TimelineWidget::setHeaderWidth(int width)
{
    m_state.geometry.headerWidth = std::clamp(width, kNarrowestHeader, std::max(kNarrowestHeader, m_state.geometry.size.width() / 2));
    updateGeometryState();
    viewport()->update();
}

void TimelineWidget::setExtent(TimeRange extent)
{
    m_extent = extent;
    m_history.clear();
    applyView(extent);
}

void TimelineWidget::layoutRows()
{
    m_state.layout = m_state.trace ? RowLayout(*m_state.trace, m_collapsed, m_density) : RowLayout();
    updateGeometryState();
    viewport()->update();
}

void TimelineWidget::updateGeometryState()
{
    m_state.geometry.size = viewport()->size();
    const int page = m_state.geometry.rowsHeight();
    verticalScrollBar()->setPageStep(page);
    verticalScrollBar()->setRange(0, std::max(0, m_state.layout.height() - page));
    m_state.scrollY = verticalScrollBar()->value();
    const int width = m_state.geometry.plotWidth();
    if (m_state.trace && static_cast<int>(m_activity.size()) != width)
        m_activity = minimapActivity(*m_state.trace, width);
}

void TimelineWidget::applyView(TimeRange range)
{
    if (!m_state.trace)
        return;
    const TimeRange next = fitted(range, m_extent);
    if (next == m_state.view)
        return;
    m_state.view = next;
    viewport()->update();
    emit visibleRangeChanged();
}

void TimelineWidget::setVisibleRange(TimeRange range)
{
    m_sinceGesture.invalidate();
    moveView(range);
    m_sinceGesture.invalidate();
}

void TimelineWidget::followVisibleRange(TimeRange range)
{
    if (!m_state.trace)
        return;
    m_state.view = fitted(range, m_extent);
    viewport()->update();
}

void TimelineWidget::moveView(TimeRange range)
{
    if (fitted(range, m_extent) == m_state.view)
        return;
    if (!m_sinceGesture.isValid() || m_sinceGesture.elapsed() > kGestureMs)
        m_history.leave(m_state.view);
    m_sinceGesture.start();
    applyView(range);
}

void TimelineWidget::fitAll()
{
    if (m_state.trace)
        setVisibleRange(m_extent);
}

int TimelineWidget::zoomCentre() const
{
    const QRect rows = m_state.geometry.rows();
    if (m_state.cursor && m_state.view.contains(*m_state.cursor))
        return rows.left() + static_cast<int>(m_state.axis().toX(*m_state.cursor));
    return rows.center().x();
}

void TimelineWidget::zoomIn()
{
    zoomAt(zoomCentre(), kKeyZoom);
}

void TimelineWidget::zoomOut()
{
    zoomAt(zoomCentre(), 1 / kKeyZoom);
}

void TimelineWidget::zoomToSelection()
{
    if (!m_state.trace)
        return;
    TimeRange range;
    if (m_state.measure)
        range = *m_state.measure;
    else if (!m_selectedRequest.isNone())
        range = m_state.trace->requests[m_selectedRequest.value].time;
    else if (!m_state.selected.isNone())
        range = m_state.trace->timeOf(m_state.selected);
    else
        return;
    // A margin shows what is before and after it.
    const DurationNs margin = m_state.measure ? 0 : std::max<DurationNs>(range.duration() / 10, kShortestView / 2);
    setVisibleRange({range.start - margin, range.end + margin});
    endMeasure();
}

void TimelineWidget::goBack()
{
    if (const auto range = m_history.back(m_state.view))
        applyView(*range);
    m_sinceGesture.invalidate();
}

void TimelineWidget::goForward()
{
    if (const auto range = m_history.forward(m_state.view))
        applyView(*range);
    m_sinceGesture.invalidate();
}

void TimelineWidget::zoomAt(int viewportX, double factor)
{
    if (m_state.trace)
        moveView(zoomed(m_state.view, timeAt(viewportX), factor, m_extent));
}

void TimelineWidget::panBy(double pixels)
{
    if (m_state.trace)
        moveView(panned(m_state.view, static_cast<DurationNs>(std::llround(pixels * m_state.axis().nsPerPixel())), m_extent));
}

TimestampNs TimelineWidget::timeAt(int viewportX) const
{
    return m_state.axis().toTime(viewportX - m_state.geometry.headerWidth);
}

void TimelineWidget::selectEvent(EventId event)
{
    if (!m_state.trace || event.isNone())
        return clearSelection();
    if (event.kind() == EventKind::Phase) {
        m_selectedRequest = m_state.trace->phases.request[event.row()];
    } else {
        const auto requests = analysis::requestsOf(*m_state.trace, event);
        m_selectedRequest = requests.size() == 1 ? requests.front() : RequestIndex();
    }
    m_state.selected = event;
    highlightSelection();
    emit selectionChanged();
}

void TimelineWidget::selectRequest(RequestIndex request)
{
    if (!m_state.trace || request.value >= m_state.trace->requests.size())
        return clearSelection();
    const auto activity = analysis::requestActivity(*m_state.trace, request);
    m_selectedRequest = request;
    m_state.selected = activity.phases.empty() ? EventId() : activity.phases.front();
    highlightSelection();
    emit selectionChanged();
}

void TimelineWidget::clearSelection()
{
    const bool hadSelection = !m_state.selected.isNone() || !m_selectedRequest.isNone();
    m_state.selected = {};
    m_selectedRequest = {};
    m_state.highlights.clear();
    viewport()->update();
    if (hadSelection)
        emit selectionChanged();
}

void TimelineWidget::highlightSelection()
{
    const trace::Trace& trace = *m_state.trace;
    std::vector<EventId> events;
    const auto add = [&events](const std::vector<EventId>& more) { events.insert(events.end(), more.begin(), more.end()); };
    const bool isPhase = m_state.selected.isNone() || m_state.selected.kind() == EventKind::Phase;
    if (isPhase && !m_selectedRequest.isNone()) {
        const auto activity = analysis::requestActivity(trace, m_selectedRequest);
        add(activity.phases);
        add(activity.nvtxRanges);
        add(activity.apiCalls);
        add(activity.gpuWork);
    } else {
        for (const RequestIndex request : analysis::requestsOf(trace, m_state.selected))
            add(analysis::phasesOf(trace, request));
        if (const EventId launch = analysis::launchOf(trace, m_state.selected); !launch.isNone())
            events.push_back(launch);
        add(analysis::launchedBy(trace, m_state.selected));
    }
    // Last: drawn over the others, with its outline.
    std::erase(events, m_state.selected);
    if (events.size() > kHighlightLimit)
        events.resize(kHighlightLimit);
    if (!m_state.selected.isNone())
        events.push_back(m_state.selected);
    m_state.highlights.clear();
    for (const EventId event : events)
        m_state.highlights.push_back({event, placesOf(trace, event)});
    viewport()->update();
}

void TimelineWidget::reveal(EventId event)
{
    if (!m_state.trace || event.isNone())
        return;
    const TimeRange time = m_state.trace->timeOf(event);
    const bool isInside = time.start >= m_state.view.start && time.end <= m_state.view.end;
    const double share = static_cast<double>(time.duration()) / static_cast<double>(std::max<DurationNs>(1, m_state.view.duration()));
    const bool isLegible = share * m_state.geometry.plotWidth() >= 3;
    if (!isInside || !isLegible) {
        const DurationNs length = isLegible && share <= kRevealShare ? m_state.view.duration() : std::max<DurationNs>(time.duration() * 12, kShortestView * 10);
        const TimestampNs middle = time.start + time.duration() / 2;
        setVisibleRange({middle - length / 2, middle + length / 2});
    }
    const auto places = placesOf(*m_state.trace, event);
    if (!places.empty()) {
        // A folded ancestor would hide it.
        bool isUnfolded = false;
        for (trace::TrackId track = places.front().track; !track.isNone(); track = m_state.trace->track(track).parent)
            isUnfolded |= m_collapsed.erase(track) > 0;
        if (isUnfolded)
            layoutRows();
        if (const TimelineRow* row = m_state.layout.rowOf(places.front().track)) {
            const int y = row->depthY(places.front().depth);
            const int page = m_state.geometry.rowsHeight();
            if (y < m_state.scrollY || y + row->depthHeight > m_state.scrollY + page)
                verticalScrollBar()->setValue(y - page / 2);
        }
    }
    selectEvent(event);
}

void TimelineWidget::setMatches(const std::vector<EventId>& matches)
{
    m_state.matches.clear();
    if (!m_state.trace)
        return;
    m_state.matches.reserve(matches.size());
    for (const EventId match : matches)
        m_state.matches.push_back(m_state.trace->timeOf(match).start);
    viewport()->update();
}

EventId TimelineWidget::eventAt(QPoint point) const
{
    if (!m_state.trace || !m_state.geometry.rows().contains(point))
        return {};
    const int contentY = point.y() - m_state.geometry.rowsTop() + m_state.scrollY;
    const TimelineRow* row = m_state.layout.rowAt(contentY);
    if (!row || row->depthHeight <= 0)
        return {};
    const int depth = row->isCollapsed ? 0 : row->depthAt(contentY);
    // A span narrower than a pixel must be hit by the pixel that shows it.
    const auto tolerance = static_cast<DurationNs>(std::ceil(m_state.axis().nsPerPixel()));
    return trace::eventAt(*m_state.trace, row->track, timeAt(point.x()), depth, tolerance).value_or(EventId());
}

std::optional<QPoint> TimelineWidget::pointOf(EventId event) const
{
    if (!m_state.trace || event.isNone())
        return {};
    const TimeRange whole = m_state.trace->timeOf(event);
    if (whole.end < m_state.view.start || whole.start >= m_state.view.end)
        return {};
    const TimeRange time = whole.clippedTo(m_state.view);
    for (const EventPlace& place : placesOf(*m_state.trace, event)) {
        const TimelineRow* row = m_state.layout.rowOf(place.track);
        if (!row || row->depthHeight <= 0 || (row->isCollapsed && place.depth > 0))
            continue;
        const double x = m_state.axis().toX(time.start + time.duration() / 2);
        const int y = row->depthY(place.depth) - m_state.scrollY + m_state.geometry.rowsTop() + row->depthPaintedHeight() / 2;
        const QPoint point(m_state.geometry.headerWidth + static_cast<int>(x), y);
        if (m_state.geometry.rows().contains(point))
            return point;
    }
    return {};
}

void TimelineWidget::toggleRow(trace::TrackId track)
{
    if (m_collapsed.erase(track) == 0)
        m_collapsed.insert(track);
    layoutRows();
}

void TimelineWidget::setCursorTime(std::optional<TimestampNs> time)
{
    if (m_state.cursor == time)
        return;
    m_state.cursor = time;
    viewport()->update();
}

void TimelineWidget::endMeasure()
{
    if (!m_state.measure)
        return;
    m_state.measure.reset();
    viewport()->update();
    emit measureChanged();
}

void TimelineWidget::moveMinimap(int viewportX)
{
    const TimeAxis whole(m_state.trace->time, m_state.geometry.plotWidth());
    const TimestampNs middle = whole.toTime(viewportX - m_state.geometry.headerWidth);
    const DurationNs length = m_state.view.duration();
    moveView({middle - length / 2, middle - length / 2 + length});
}

void TimelineWidget::paintEvent(QPaintEvent*)
{
    QPainter painter(viewport());
    if (m_state.trace && !m_state.trace->tracks.empty()) {
        TimelinePainter(painter, m_state, m_activity, font()).paint();
        return;
    }
    painter.fillRect(viewport()->rect(), m_state.theme->canvas);
    painter.setPen(m_state.theme->weakText);
    painter.drawText(viewport()->rect().adjusted(40, 40, -40, -40), Qt::AlignCenter | Qt::TextWordWrap,
                     m_state.trace ? tr("This report holds no events.\n\nCapture while requests are being served, or with a longer window.")
                                   : tr("No report yet."));
}

void TimelineWidget::resizeEvent(QResizeEvent* event)
{
    QAbstractScrollArea::resizeEvent(event);
    updateGeometryState();
}

void TimelineWidget::scrollContentsBy(int, int)
{
    m_state.scrollY = verticalScrollBar()->value();
    viewport()->update();
}

QString TimelineWidget::toolTipAt(QPoint point) const
{
    if (const EventId event = eventAt(point); !event.isNone())
        return eventToolTip(*m_state.trace, event);
    if (!m_state.trace)
        return {};
    const TimelineRow* row = m_state.layout.rowAt(point.y() - m_state.geometry.rowsTop() + m_state.scrollY);
    if (!row || point.y() < m_state.geometry.rowsTop())
        return {};
    const trace::Track& track = m_state.trace->track(row->track);
    const QString name = QStringLiteral("<b>%1</b>").arg(toQString(track.name).toHtmlEscaped());
    if (m_state.geometry.header().contains(point)) {
        const std::string& more = track.kind == trace::TrackKind::Counter ? track.counter.source : track.detail;
        return more.empty() ? name : name + QStringLiteral("<br>") + toQString(more).toHtmlEscaped();
    }
    if (track.kind != trace::TrackKind::Counter)
        return {};
    const auto after = std::upper_bound(track.counter.time.begin(), track.counter.time.end(), timeAt(point.x()));
    if (after == track.counter.time.begin())
        return name + QStringLiteral("<br>") + tr("no sample yet");
    const auto index = static_cast<std::size_t>(after - track.counter.time.begin() - 1);
    return name + QStringLiteral("<br>") +
           tr("%1 %2 · sampled at %3")
               .arg(formatNumber(track.counter.value[index]), toQString(track.counter.unit).toHtmlEscaped(),
                    formatTime(track.counter.time[index] - m_state.trace->time.start, 1'000'000));
}

bool TimelineWidget::viewportEvent(QEvent* event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const QString text = toolTipAt(help->pos());
        if (text.isEmpty())
            QToolTip::hideText();
        else
            QToolTip::showText(help->globalPos(), text, viewport());
        return true;
    }
    if (event->type() == QEvent::Leave)
        setCursorTime({});
    return QAbstractScrollArea::viewportEvent(event);
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
    const bool wantsPan = event->button() == Qt::MiddleButton || (event->button() == Qt::LeftButton && event->modifiers() & Qt::ShiftModifier);
    if (std::abs(m_pressed.x() - g.headerWidth) <= 3 && event->button() == Qt::LeftButton) {
        m_drag = Drag::HeaderWidth;
    } else if (g.minimap().contains(m_pressed) && event->button() == Qt::LeftButton) {
        m_drag = Drag::Minimap;
        moveMinimap(m_pressed.x());
    } else if (m_pressed.x() >= g.headerWidth && wantsPan) {
        m_drag = Drag::Pan;
        viewport()->setCursor(Qt::ClosedHandCursor);
    } else if (m_pressed.x() >= g.headerWidth && event->button() == Qt::LeftButton) {
        m_drag = Drag::Measure;
    } else if (g.header().contains(m_pressed) && event->button() == Qt::LeftButton) {
        if (const TimelineRow* row = m_state.layout.rowAt(m_pressed.y() - g.rowsTop() + m_state.scrollY))
            toggleRow(row->track);
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
        viewport()->setCursor(std::abs(point.x() - g.headerWidth) <= 3 ? Qt::SplitHCursor : Qt::ArrowCursor);
        break;
    case Drag::HeaderWidth:
        setHeaderWidth(point.x());
        emit headerWidthChanged(g.headerWidth);
        break;
    case Drag::Minimap:
        moveMinimap(point.x());
        break;
    case Drag::Pan: {
        const double moved = static_cast<double>(m_pressed.x() - point.x()) * static_cast<double>(m_viewAtPress.duration()) / std::max(1, g.plotWidth());
        applyView(panned(m_viewAtPress, static_cast<DurationNs>(std::llround(moved)), m_extent));
        verticalScrollBar()->setValue(m_scrollAtPress + m_pressed.y() - point.y());
        break;
    }
    case Drag::Measure:
        if (m_hasMoved) {
            const TimestampNs a = timeAt(m_pressed.x());
            const TimestampNs b = timeAt(std::clamp(point.x(), g.headerWidth, g.size.width()));
            m_state.measure = TimeRange{std::min(a, b), std::max(a, b)}.clippedTo(m_state.trace->time);
            viewport()->update();
        }
        break;
    }
    setCursorTime(point.x() >= g.headerWidth ? std::optional(timeAt(point.x())) : std::nullopt);
}

void TimelineWidget::mouseReleaseEvent(QMouseEvent*)
{
    const Drag drag = std::exchange(m_drag, Drag::None);
    viewport()->setCursor(Qt::ArrowCursor);
    if (!m_state.trace)
        return;
    if (drag == Drag::Pan && m_state.view != m_viewAtPress) {
        m_history.leave(m_viewAtPress);
        m_sinceGesture.invalidate();
    }
    if (drag != Drag::Measure)
        return;
    if (m_hasMoved && m_state.measure && !m_state.measure->isEmpty()) {
        emit measureChanged();
        return;
    }
    endMeasure();
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
    if (m_state.geometry.header().contains(point))
        return mousePressEvent(event); // two clicks on a row fold and unfold it
    if (m_state.geometry.minimap().contains(point))
        return fitAll();
    const EventId hit = eventAt(point);
    if (hit.isNone())
        return zoomAt(point.x(), kKeyZoom * kKeyZoom);
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
        endMeasure();
        return clearSelection();
    default:
        QAbstractScrollArea::keyPressEvent(event);
    }
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
    menu->addAction(tr("Zoom to selection (Z)"), this, &TimelineWidget::zoomToSelection)->setEnabled(m_state.measure || !m_state.selected.isNone());
    menu->addAction(tr("Show everything (Home)"), this, &TimelineWidget::fitAll);
    menu->addAction(tr("Back (B)"), this, &TimelineWidget::goBack)->setEnabled(m_history.canGoBack());
    menu->popup(event->globalPos());
}

void TimelineWidget::changeEvent(QEvent* event)
{
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::StyleChange) {
        m_state.theme = &Theme::forPalette(palette());
        viewport()->update();
    }
}

} // namespace gantry::widgets
