#include "widgets/timeline/timeline_widget.h"

#include "trace_model/analysis/request_join.h"
#include "trace_model/trace/visible_spans.h"
#include "widgets/timeline/counter_curve.h"
#include "widgets/timeline/lane_layout.h"
#include "widgets/timeline/launch_links.h"
#include "widgets/timeline/minimap_painter.h"
#include "widgets/timeline/overlay_painter.h"
#include "widgets/timeline/timeline_frame.h"

#include <QPaintEvent>
#include <QPainter>
#include <QScrollBar>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

using trace::EventId;
using trace::EventKind;
using trace::RequestIndex;

constexpr int kGestureMs = 700; // steps closer together are one gesture
constexpr int kNarrowestHeader = 120, kHeader = 250, kCompactHeader = 200, kWideCompactHeader = 300; // px
constexpr double kRevealShare = 0.25;              // of the view that a revealed event may fill at least to stay at this zoom
constexpr int kHighlightLimit = 20'000;            // events: more cannot be told apart, and placing them takes time
constexpr DurationNs kAroundAnInstant = 1'000'000; // what a trace without length shows before and after its time

/// `extent` and what was measured beside the window of the trace.
TimeRange withMargins(const trace::Trace& trace, TimeRange extent)
{
    TimeRange reach = extent;
    for (const trace::Track& track : trace.tracks)
        if (track.kind == trace::TrackKind::Counter && !trace.window.isEmpty() && !track.counter.time.empty()) {
            reach.start = std::min(reach.start, track.counter.time.front());
            reach.end = std::max(reach.end, track.counter.time.back());
        }
    return reach;
}

} // namespace

TimelineWidget::TimelineWidget(QWidget* parent) : QAbstractScrollArea(parent), m_frame(std::make_unique<TimelineFrame>())
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
    buildRowFilter();
}

TimelineWidget::~TimelineWidget() = default;

void TimelineWidget::setTrace(std::shared_ptr<const trace::Trace> trace)
{
    endMeasure();
    clearSelection();
    m_state.trace = std::move(trace);
    m_state.cursor.reset();
    m_state.instant.reset();
    m_state.matches.clear();
    m_state.chosenRows.clear();
    m_state.counterAxes.clear();
    m_state.brush.reset();
    m_state.drop.reset();
    m_state.chosenRequests.clear();
    m_rowScroll.stop();
    m_drag = Drag::None;
    m_frame->forgetMinimap();
    m_history.clear();
    m_activity.clear();
    m_rows = RowArrangement();
    m_rows.filter = m_state.filter.toStdString();
    m_rowUnderMouse = {};
    m_state.marks.clear();
    m_state.markRows.clear();
    m_currentMark.reset();
    if (m_state.trace) {
        m_rows.folded = collapsedAtFirst(*m_state.trace);
        if (m_density == RowDensity::Compact)
            m_rows.folded.merge(countersOfRequests(*m_state.trace));
        for (const trace::Track& track : m_state.trace->tracks)
            m_state.counterAxes.push_back(valueAxisOf(track));
    }
    m_state.counterStyles.assign(m_state.counterAxes.size(), CounterStyle::Area);
    m_extent = m_state.trace ? m_state.trace->time : TimeRange();
    if (m_state.trace && m_extent.isEmpty())
        m_extent = {m_extent.start - kAroundAnInstant, m_extent.start + kAroundAnInstant}; // a log of one line
    m_reach = m_state.trace ? withMargins(*m_state.trace, m_extent) : m_extent;
    m_state.view = fitted(m_extent, m_reach);
    layoutRows();
    updateGeometryState();
    verticalScrollBar()->setValue(0);
    redraw();
    emit visibleRangeChanged();
}

void TimelineWidget::setDensity(RowDensity density)
{
    m_density = density;
    fitHeaderWidth();
    layoutRows();
}

void TimelineWidget::fitHeaderWidth()
{
    if (!m_isHeaderChosen)
        m_state.geometry.headerWidth =
            m_density == RowDensity::Compact ? std::clamp(width() / 4, kCompactHeader, kWideCompactHeader) : kHeader;
}

void TimelineWidget::setHeaderWidth(int width)
{
    m_isHeaderChosen = true;
    m_state.geometry.headerWidth = std::clamp(width, kNarrowestHeader, std::max(kNarrowestHeader, m_state.geometry.size.width() / 2));
    updateGeometryState();
    redraw();
}

void TimelineWidget::setExtent(TimeRange extent)
{
    m_extent = extent;
    m_reach = m_state.trace ? withMargins(*m_state.trace, extent) : extent;
    m_history.clear();
    applyView(extent);
}

void TimelineWidget::layoutRows()
{
    m_state.layout = m_state.trace ? RowLayout(*m_state.trace, m_rows, m_density) : RowLayout();
    m_state.hiddenRows = static_cast<int>(m_rows.hidden.size());
    ++m_state.layoutRevision;
    updateGeometryState();
    redraw();
}

void TimelineWidget::redraw()
{
    m_isFrameStale = true;
    viewport()->update();
}

void TimelineWidget::setCounterStyle(trace::TrackId track, CounterStyle style)
{
    if (track.value >= m_state.counterStyles.size())
        return;
    m_state.counterStyles[track.value] = style;
    redraw();
    emit rowsChanged();
}

void TimelineWidget::updateGeometryState()
{
    m_state.geometry.size = viewport()->size();
    const int page = m_state.geometry.rowsHeight();
    verticalScrollBar()->setPageStep(std::max(1, page - m_state.layout.pinnedHeight()));
    placeRowFilter();
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
    const TimeRange next = fitted(range, m_reach);
    if (next == m_state.view)
        return;
    m_state.view = next;
    redraw();
    emit visibleRangeChanged();
    m_settle.start(kSettleMs, this);
}

void TimelineWidget::setChosenRequests(std::map<trace::TrackId, trace::ChosenRequests> chosen)
{
    m_state.chosenRequests = std::move(chosen);
    ++m_state.layoutRevision; // of what headers say
    highlightSelection();
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
    m_state.view = fitted(range, m_reach);
    m_settle.start(kSettleMs, this);
    redraw();
}

void TimelineWidget::moveView(TimeRange range)
{
    if (fitted(range, m_reach) == m_state.view)
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
    zoomAt(zoomCentre(), kStepZoom);
}

void TimelineWidget::zoomOut()
{
    zoomAt(zoomCentre(), 1 / kStepZoom);
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
        moveView(zoomed(m_state.view, timeAt(viewportX), factor, m_reach));
}

void TimelineWidget::panBy(double pixels)
{
    if (m_state.trace)
        moveView(panned(m_state.view, static_cast<DurationNs>(std::llround(pixels * m_state.axis().nsPerPixel())), m_reach));
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
    m_state.laneHighlights.clear();
    m_state.links.clear();
    redraw();
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
        for (const RequestIndex peer : activity.peers)
            add(analysis::phasesOf(trace, peer));
        add(activity.phases);
        add(activity.nvtxRanges);
        add(activity.apiCalls);
        add(activity.gpuWork);
    } else {
        for (const RequestIndex request : analysis::requestsOf(trace, m_state.selected))
            add(analysis::phasesOf(trace, request));
        if (const EventId launch = analysis::launchOf(trace, m_state.selected); !launch.isNone())
            events.push_back(launch);
        add(analysis::rangesAround(trace, m_state.selected));
        add(analysis::launchedBy(trace, m_state.selected));
    }
    // Last: drawn over the others, with its outline.
    std::erase(events, m_state.selected);
    if (events.size() > kHighlightLimit)
        events.resize(kHighlightLimit);
    if (!m_state.selected.isNone())
        events.push_back(m_state.selected);
    m_state.highlights.clear();
    m_state.laneHighlights.clear();
    m_state.links = launchLinks(trace, m_state.selected);
    const auto isSelected = [&](EventId event) {
        return event == m_state.selected ||
               (isPhase && event.kind() == EventKind::Phase && trace.phases.request[event.row()] == m_selectedRequest);
    };
    for (const EventId event : events) {
        m_state.highlights.push_back({event, placesOf(m_state, event)});
        for (const EventPlace& place : m_state.highlights.back().places)
            m_state.laneHighlights.push_back({place.track, place.depth, trace.timeOf(event), event, isSelected(event)});
    }
    // The selected event was the last and stays so in its lane.
    std::stable_sort(m_state.laneHighlights.begin(), m_state.laneHighlights.end(), [](const LaneHighlight& a, const LaneHighlight& b) {
        return a.track != b.track ? a.track < b.track : a.depth < b.depth;
    });
    redraw();
}

void TimelineWidget::reveal(EventId event, Zoom zoom)
{
    if (!m_state.trace || event.isNone())
        return;
    const TimeRange time = m_state.trace->timeOf(event);
    const bool isFixed = zoom == Zoom::Never;
    const bool isInside = isFixed ? time.start < m_state.view.end && time.end >= m_state.view.start
                                  : time.start >= m_state.view.start && time.end <= m_state.view.end;
    const double share = static_cast<double>(time.duration()) / static_cast<double>(std::max<DurationNs>(1, m_state.view.duration()));
    const bool isLegible = isFixed || share * m_state.geometry.plotWidth() >= 3;
    if (!isInside || !isLegible) {
        const DurationNs length = isFixed || (isLegible && share <= kRevealShare)
                                      ? m_state.view.duration()
                                      : std::max<DurationNs>(time.duration() * 12, kShortestView * 10);
        const TimestampNs middle = time.start + time.duration() / 2;
        setVisibleRange({middle - length / 2, middle + length / 2});
    }
    const auto places = placesOf(m_state, event);
    if (const EventPlace* place = preferredPlace(places)) {
        showRowOf(place->track);
        if (const TimelineRow* row = m_state.layout.rowOf(place->track)) {
            const int y = row->depthY(place->depth);
            bringIntoView(*row, y, row->depthHeight);
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
    m_frame->forgetMinimap();
    redraw();
}

EventId TimelineWidget::eventAt(QPoint point) const
{
    if (!m_state.trace || !m_state.geometry.rows().contains(point))
        return {};
    const int y = contentY(m_state, point.y());
    const TimelineRow* row = m_state.layout.rowAt(y);
    if (!row || row->depthHeight <= 0)
        return {};
    const int depth = row->isCollapsed ? 0 : row->depthAt(y);
    // A span narrower than a pixel must be hit by the pixel that shows it.
    const auto tolerance = static_cast<DurationNs>(std::ceil(m_state.axis().nsPerPixel()));
    return trace::eventAt(*m_state.trace, m_state.rowsOf(row->track), timeAt(point.x()), depth, tolerance).value_or(EventId());
}

std::optional<QPoint> TimelineWidget::pointOf(EventId event) const
{
    if (!m_state.trace || event.isNone())
        return {};
    const TimeRange whole = m_state.trace->timeOf(event);
    if (whole.end < m_state.view.start || whole.start >= m_state.view.end)
        return {};
    const TimeRange time = whole.clippedTo(m_state.view);
    for (const EventPlace& place : placesOf(m_state, event)) {
        const TimelineRow* row = m_state.layout.rowOf(place.track);
        if (!row || row->depthHeight <= 0 || (row->isCollapsed && place.depth > 0))
            continue;
        const double x = m_state.axis().toX(time.start + time.duration() / 2);
        const int y = screenY(m_state, row->depthY(place.depth)) + row->depthPaintedHeight() / 2;
        const QPoint point(m_state.geometry.headerWidth + static_cast<int>(x), y);
        if (m_state.geometry.rows().contains(point) && y >= clipTop(m_state, *row))
            return point;
    }
    return {};
}

void TimelineWidget::changeOverlay(const std::function<void()>& change)
{
    const QRegion before = overlayRegion(m_state);
    change();
    viewport()->update(before + overlayRegion(m_state));
}

void TimelineWidget::setCursorTime(std::optional<TimestampNs> time)
{
    if (m_state.cursor == time)
        return;
    changeOverlay([this, time] { m_state.cursor = time; });
    emit cursorMoved(time);
}

void TimelineWidget::setInstant(std::optional<TimestampNs> time)
{
    if (m_state.instant != time)
        changeOverlay([this, time] { m_state.instant = time; });
}

void TimelineWidget::setMeasuredRange(TimeRange range)
{
    if (!m_state.trace || range.isEmpty())
        return;
    changeOverlay([this, range] {
        m_state.measure = range.clippedTo(m_state.trace->time);
        m_state.snapStart.reset();
        m_state.snapEnd.reset();
    });
    emit measureChanged();
}

void TimelineWidget::endMeasure()
{
    if (!m_state.measure)
        return;
    changeOverlay([this] {
        m_state.measure.reset();
        m_state.snapStart.reset();
        m_state.snapEnd.reset();
    });
    emit measureChanged();
}

void TimelineWidget::paintEvent(QPaintEvent* event)
{
    QPainter painter(viewport());
    if (!m_state.trace || m_state.trace->tracks.empty())
        return paintEmptyState(painter);
    QElapsedTimer timer;
    timer.start();
    FrameTimes times;
    const qreal ratio = viewport()->devicePixelRatioF();
    times.isComposed = m_isFrameStale || m_frame->image().devicePixelRatio() != ratio;
    if (times.isComposed) {
        m_frame->compose(m_state, m_activity, font(), ratio);
        m_isFrameStale = false;
        times.compose = timer.nsecsElapsed();
    }
    for (const QRect& rect : event->region())
        painter.drawImage(QRectF(rect), m_frame->image(),
                          QRectF(rect.x() * ratio, rect.y() * ratio, rect.width() * ratio, rect.height() * ratio));
    painter.setClipRegion(event->region());
    paintOverlay(painter, m_state, TimelineFonts(font()));
    painter.end();
    times.show = timer.nsecsElapsed() - times.compose;
    times.shown = event->rect().size() * ratio;
    times.content = m_frame->content();
    times.view = m_state.view;
    emit framePainted(times);
}

void TimelineWidget::paintEmptyState(QPainter& painter) const
{
    painter.fillRect(viewport()->rect(), m_state.theme->canvas);
    painter.setPen(m_state.theme->weakText);
    painter.drawText(viewport()->rect().adjusted(40, 40, -40, -40), Qt::AlignCenter | Qt::TextWordWrap,
                     m_state.trace ? tr("This report holds no events.\n\nCapture while requests are being served, or with a longer window.")
                                   : tr("No report yet."));
}

void TimelineWidget::resizeEvent(QResizeEvent* event)
{
    QAbstractScrollArea::resizeEvent(event);
    fitHeaderWidth();
    updateGeometryState();
    redraw();
}

void TimelineWidget::scrollContentsBy(int, int)
{
    m_state.scrollY = verticalScrollBar()->value();
    redraw();
}

void TimelineWidget::changeEvent(QEvent* event)
{
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::StyleChange) {
        m_state.theme = &Theme::forPalette(palette());
        redraw();
    }
    if (event->type() == QEvent::FontChange)
        redraw();
}

} // namespace gantry::widgets
