#include "widgets/timeline/timeline_painter.h"

#include "trace_model/trace/visible_spans.h"
#include "widgets/theme/format.h"
#include "widgets/timeline/event_text.h"

#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

using trace::EventId;
using trace::EventKind;
using trace::Trace;
using trace::TrackKind;

constexpr int kTickDistance = 110;    // px between labelled ticks
constexpr int kLabelMinimum = 26;     // px: narrower boxes carry no text
constexpr int kIndent = 14;           // px a level in the header
constexpr int kHeaderPadding = 8;
constexpr double kGapIntervals = 3.0; // a counter silent for this many sampling intervals is absent, not constant

QColor mixed(const QColor& a, const QColor& b, double share)
{
    const auto mix = [share](int x, int y) { return static_cast<int>(std::lround(x * (1 - share) + y * share)); };
    return {mix(a.red(), b.red()), mix(a.green(), b.green()), mix(a.blue(), b.blue())};
}

} // namespace

TimelinePainter::TimelinePainter(QPainter& painter, const TimelineState& state, const std::vector<float>& activity, const QFont& font) :
    m_painter(painter),
    m_state(state),
    m_theme(*state.theme),
    m_activity(activity),
    m_axis(state.axis()),
    m_font(font),
    m_smallFont(font),
    m_metrics(font),
    m_smallMetrics(font)
{
    m_smallFont.setPointSizeF(std::max(6.5, font.pointSizeF() * 0.85));
    m_smallMetrics = QFontMetrics(m_smallFont);
}

void TimelinePainter::paint()
{
    const TimelineGeometry& g = m_state.geometry;
    m_painter.fillRect(QRect(QPoint(0, 0), g.size), m_theme.canvas);
    m_painter.save();
    m_painter.setClipRect(QRect(g.headerWidth, g.rowsTop(), g.plotWidth(), g.rowsHeight()));
    paintRows();
    paintHighlights();
    paintOverlays();
    m_painter.restore();

    m_painter.save();
    m_painter.setClipRect(g.header());
    paintHeaders();
    m_painter.restore();

    paintMinimap(m_activity);
    paintRuler();
    m_painter.fillRect(g.corner(), m_theme.header);
    m_painter.setPen(m_theme.border);
    m_painter.drawLine(g.headerWidth - 1, 0, g.headerWidth - 1, g.size.height());
    m_painter.drawLine(0, g.rowsTop() - 1, g.size.width(), g.rowsTop() - 1);
    m_painter.setFont(m_smallFont);
    m_painter.setPen(m_theme.weakText);
    const QRect corner = g.corner().adjusted(kHeaderPadding, 0, -kHeaderPadding, 0);
    m_painter.drawText(QRect(corner.left(), 0, corner.width(), g.kMinimapHeight), Qt::AlignLeft | Qt::AlignVCenter,
                       (m_state.trace->meta.isPreview ? QStringLiteral("sample: %1") : QStringLiteral("whole report: %1")).arg(formatDuration(m_state.trace->time.duration())));
    m_painter.drawText(QRect(corner.left(), g.kMinimapHeight, corner.width(), g.kRulerHeight), Qt::AlignLeft | Qt::AlignVCenter,
                       QStringLiteral("view: %1").arg(formatDuration(m_state.view.duration())));
}

QColor TimelinePainter::faded(const QColor& color) const
{
    return mixed(color, m_theme.canvas, m_theme.scheme == ColorScheme::Dark ? 0.72 : 0.76);
}

bool TimelinePainter::isVisible(const TimelineRow& row) const
{
    const int y = screenY(row.y);
    return y + row.height > TimelineGeometry::rowsTop() && y < m_state.geometry.size.height();
}

void TimelinePainter::paintMinimap(const std::vector<float>& activity)
{
    const QRect area = m_state.geometry.minimap();
    m_painter.fillRect(area, m_theme.header);
    const TimeAxis whole(m_state.trace->time, area.width());
    const int base = area.bottom() - 2;
    const int tallest = area.height() - 8;
    for (int x = 0; x < static_cast<int>(activity.size()) && x < area.width(); ++x) {
        const int height = static_cast<int>(std::lround(activity[static_cast<std::size_t>(x)] * static_cast<float>(tallest)));
        if (height > 0)
            m_painter.fillRect(area.left() + x, base - height, 1, height, m_theme.counter());
    }
    for (const TimestampNs match : m_state.matches)
        m_painter.fillRect(area.left() + static_cast<int>(whole.toX(match)), area.top() + 1, 1, 6, m_theme.match);

    // What is not visible is veiled, so that the visible part stands out without a colour of its own.
    const int left = area.left() + static_cast<int>(whole.toX(m_state.view.start));
    const int right = std::max(left + 3, area.left() + static_cast<int>(std::ceil(whole.toX(m_state.view.end))));
    QColor veil = m_theme.window;
    veil.setAlpha(m_theme.scheme == ColorScheme::Dark ? 170 : 190);
    m_painter.fillRect(QRect(area.left(), area.top(), left - area.left(), area.height()), veil);
    m_painter.fillRect(QRect(right, area.top(), std::max(0, area.right() - right + 1), area.height()), veil);
    m_painter.setPen(m_theme.accent);
    m_painter.drawRect(QRect(left, area.top(), std::min(right, area.right()) - left, area.height() - 2));
}

void TimelinePainter::paintRuler()
{
    const QRect area = m_state.geometry.ruler();
    m_painter.save();
    m_painter.setClipRect(area);
    m_painter.fillRect(area, m_theme.header);
    m_painter.setFont(m_smallFont);
    const DurationNs step = m_axis.tickStep(kTickDistance);
    const TimestampNs origin = m_state.trace->time.start;
    const TimeAxis relative({m_state.view.start - origin, m_state.view.end - origin}, area.width());
    for (const TimestampNs tick : relative.ticks(std::max<DurationNs>(1, step / 5))) {
        const int x = area.left() + static_cast<int>(relative.toX(tick));
        const bool isLabelled = tick % step == 0;
        m_painter.setPen(m_theme.border);
        m_painter.drawLine(x, area.bottom() - (isLabelled ? 9 : 4), x, area.bottom());
        if (isLabelled) {
            m_painter.setPen(m_theme.rulerText);
            m_painter.drawText(QRect(x + 3, area.top(), kTickDistance + 40, area.height() - 5), Qt::AlignLeft | Qt::AlignVCenter, formatTime(tick, step));
        }
    }
    if (m_state.measure) {
        const int left = area.left() + static_cast<int>(m_axis.toX(m_state.measure->start));
        const int right = area.left() + static_cast<int>(m_axis.toX(m_state.measure->end));
        QColor fill = m_theme.measure;
        m_painter.fillRect(QRect(left, area.top() + 3, std::max(1, right - left), area.height() - 6), fill);
        const QString text = formatDuration(m_state.measure->duration());
        const int width = m_smallMetrics.horizontalAdvance(text) + 10;
        // Inside the bar where it fits, else beside it.
        const QRect box = right - left >= width ? QRect(left, area.top(), right - left, area.height()) : QRect(right + 2, area.top() + 3, width, area.height() - 6);
        if (right - left < width)
            m_painter.fillRect(box, fill);
        m_painter.setPen(Qt::white);
        m_painter.drawText(box, Qt::AlignCenter, text);
    } else if (m_state.cursor && m_state.view.contains(*m_state.cursor)) {
        const QString text = formatTime(*m_state.cursor - origin, std::max<DurationNs>(1, step / 100));
        const int x = area.left() + static_cast<int>(m_axis.toX(*m_state.cursor));
        const int width = m_smallMetrics.horizontalAdvance(text) + 10;
        const QRect box(std::clamp(x - width / 2, area.left(), std::max(area.left(), area.right() - width)), area.top() + 3, width, area.height() - 6);
        m_painter.fillRect(box, m_theme.text);
        m_painter.setPen(m_theme.canvas);
        m_painter.drawText(box, Qt::AlignCenter, text);
    }
    m_painter.restore();
}

void TimelinePainter::paintRows()
{
    const QRect area = m_state.geometry.rows();
    int index = 0;
    for (const TimelineRow& row : m_state.layout.rows()) {
        ++index;
        if (!isVisible(row))
            continue;
        const QRect band(area.left(), screenY(row.y), area.width(), row.height);
        const bool isGroup = m_state.trace->track(row.track).kind == TrackKind::Group;
        m_painter.fillRect(band, isGroup ? m_theme.groupRow : index % 2 ? m_theme.canvas : m_theme.alternateRow);
    }
    const TimestampNs origin = m_state.trace->time.start;
    const TimeAxis relative({m_state.view.start - origin, m_state.view.end - origin}, area.width());
    m_painter.setPen(m_theme.gridLine);
    for (const TimestampNs tick : relative.ticks(m_axis.tickStep(kTickDistance))) {
        const int x = area.left() + static_cast<int>(relative.toX(tick));
        m_painter.drawLine(x, area.top(), x, area.bottom());
    }
    for (const TimelineRow& row : m_state.layout.rows()) {
        if (!isVisible(row))
            continue;
        if (m_state.trace->track(row.track).kind == TrackKind::Counter)
            paintCounter(row);
        else if (row.depthHeight > 0)
            paintSpans(row);
    }
}

void TimelinePainter::paintSpans(const TimelineRow& row)
{
    const QRect area = m_state.geometry.rows();
    const bool isFaded = !m_state.highlights.empty();
    const Trace& trace = *m_state.trace;
    m_painter.setFont(m_smallFont);
    for (const trace::VisibleSpan& span : trace::visibleSpans(trace, row.track, m_state.view, area.width())) {
        if (row.isCollapsed && span.depth > 0)
            break; // ordered by depth: the outermost ones stand for the row
        const int left = area.left() + static_cast<int>(std::floor(m_axis.toX(span.time.start)));
        const int right = area.left() + static_cast<int>(std::ceil(m_axis.toX(span.time.end)));
        const QRect box(left, row.isCollapsed ? screenY(row.y) + 6 : screenY(row.depthY(span.depth)), std::max(1, right - left),
                        row.isCollapsed ? row.height - 12 : row.depthPaintedHeight());
        QColor color = m_theme.event(trace, span.first);
        if (isFaded)
            color = faded(color);
        m_painter.fillRect(box, color);
        if (span.count == 1 && box.width() >= 4) {
            // A darker edge tells neighbours of one colour apart.
            m_painter.fillRect(QRect(box.left(), box.top(), 1, box.height()), color.darker(135));
            if (box.width() >= kLabelMinimum && !row.isCollapsed && !isFaded)
                paintLabel(box, span.first, color);
        }
    }
}

void TimelinePainter::paintLabel(const QRect& box, EventId event, const QColor& background)
{
    if (box.height() < 11)
        return;
    // The label stays in view when the box begins left of it.
    const QRect visible = box.intersected(m_state.geometry.rows()).adjusted(4, 0, -2, 0);
    if (visible.width() < kLabelMinimum - 6)
        return;
    const QString text = m_smallMetrics.elidedText(eventLabel(*m_state.trace, event), Qt::ElideRight, visible.width());
    if (text.size() < 2)
        return;
    m_painter.setPen(Theme::textOn(background));
    m_painter.drawText(visible, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine, text);
}

void TimelinePainter::paintCounter(const TimelineRow& row)
{
    const QRect area = m_state.geometry.rows();
    const trace::CounterColumns& samples = m_state.trace->track(row.track).counter;
    const double most = m_state.counterMaxima[row.track.value];
    const auto pixels = trace::visibleCounter(*m_state.trace, row.track, m_state.view, area.width());
    const int top = screenY(row.y) + 5;
    const int bottom = screenY(row.y) + row.height - 4;
    if (pixels.empty() || most <= 0 || row.isCollapsed) {
        m_painter.setPen(m_theme.gridLine);
        m_painter.drawLine(area.left(), bottom, area.right(), bottom);
        if (pixels.empty() || row.isCollapsed)
            return;
    }
    const auto yOf = [&](double value) { return most > 0 ? bottom - static_cast<int>(std::lround(std::clamp(value / most, 0.0, 1.0) * (bottom - top))) : bottom; };
    const double interval = samples.time.size() > 1
                                ? static_cast<double>(samples.time.back() - samples.time.front()) / static_cast<double>(samples.time.size() - 1)
                                : 0;
    const double scale = m_axis.nsPerPixel();
    const int longestHold = scale > 0 ? static_cast<int>(std::min(1e6, std::max(2.0, kGapIntervals * interval / scale))) : 2;
    QColor fill = m_theme.counter();
    fill.setAlpha(70);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
        const auto& pixel = pixels[i];
        const int x = area.left() + pixel.x;
        // The value holds until the next sample; a silence longer than some intervals stays empty.
        const bool isLast = i + 1 == pixels.size();
        const int gap = isLast ? std::max(2, longestHold / static_cast<int>(kGapIntervals)) : pixels[i + 1].x - pixel.x;
        const int width = !isLast && gap > longestHold ? std::max(2, longestHold / static_cast<int>(kGapIntervals)) : gap;
        const int y = yOf(pixel.last);
        m_painter.fillRect(QRect(x, y, width, bottom - y + 1), fill);
        m_painter.fillRect(QRect(x, y, width, 1), m_theme.counter());
        const int high = yOf(pixel.max);
        const int low = yOf(pixel.min);
        m_painter.fillRect(QRect(x, high, 1, low - high + 1), m_theme.counter());
        if (!isLast && gap <= longestHold) {
            const int next = yOf(pixels[i + 1].last);
            m_painter.fillRect(QRect(x + width, std::min(y, next), 1, std::abs(next - y) + 1), m_theme.counter());
        }
    }
}

void TimelinePainter::paintHighlights()
{
    const QRect area = m_state.geometry.rows();
    m_painter.setFont(m_smallFont);
    for (const HighlightedEvent& highlight : m_state.highlights) {
        const TimeRange time = m_state.trace->timeOf(highlight.event);
        // An instant at the view's edge still counts.
        if (time.end < m_state.view.start || time.start >= m_state.view.end)
            continue;
        for (const EventPlace& place : highlight.places) {
            const TimelineRow* row = m_state.layout.rowOf(place.track);
            if (!row || !isVisible(*row) || row->depthHeight <= 0 || (row->isCollapsed && place.depth > 0))
                continue;
            const int left = area.left() + static_cast<int>(std::floor(m_axis.toX(time.start)));
            const int right = area.left() + static_cast<int>(std::ceil(m_axis.toX(time.end)));
            const QRect box(left, row->isCollapsed ? screenY(row->y) + 6 : screenY(row->depthY(place.depth)), std::max(2, right - left),
                            row->isCollapsed ? row->height - 12 : row->depthPaintedHeight());
            const QColor color = m_theme.event(*m_state.trace, highlight.event);
            m_painter.fillRect(box, color);
            if (box.width() >= 4)
                m_painter.fillRect(QRect(box.left(), box.top(), 1, box.height()), color.darker(135));
            if (box.width() >= kLabelMinimum && !row->isCollapsed)
                paintLabel(box, highlight.event, color);
            if (highlight.event == m_state.selected) {
                m_painter.setPen(QPen(m_theme.selection, 2));
                m_painter.drawRect(box.adjusted(0, 0, -1, -1));
            }
        }
    }
}

void TimelinePainter::paintOverlays()
{
    const QRect area = m_state.geometry.rows();
    if (m_state.measure) {
        const int left = area.left() + static_cast<int>(m_axis.toX(m_state.measure->start));
        const int right = area.left() + static_cast<int>(m_axis.toX(m_state.measure->end));
        QColor fill = m_theme.measure;
        fill.setAlpha(36);
        m_painter.fillRect(QRect(left, area.top(), std::max(1, right - left), area.height()), fill);
        m_painter.setPen(m_theme.measure);
        m_painter.drawLine(left, area.top(), left, area.bottom());
        m_painter.drawLine(right, area.top(), right, area.bottom());
    }
    if (m_state.cursor && m_state.view.contains(*m_state.cursor)) {
        QColor line = m_theme.hover;
        line.setAlpha(70);
        m_painter.setPen(line);
        const int x = area.left() + static_cast<int>(m_axis.toX(*m_state.cursor));
        m_painter.drawLine(x, area.top(), x, area.bottom());
    }
}

void TimelinePainter::paintHeaders()
{
    m_painter.fillRect(m_state.geometry.header(), m_theme.header);
    for (const TimelineRow& row : m_state.layout.rows()) {
        if (isVisible(row))
            paintHeader(row, screenY(row.y));
    }
}

void TimelinePainter::paintHeader(const TimelineRow& row, int y)
{
    const trace::Track& track = m_state.trace->track(row.track);
    const int width = m_state.geometry.headerWidth;
    const bool isGroup = track.kind == TrackKind::Group;
    if (isGroup)
        m_painter.fillRect(QRect(0, y, width, row.height), m_theme.groupRow);
    m_painter.setPen(m_theme.gridLine);
    m_painter.drawLine(0, y + row.height - 1, width, y + row.height - 1);

    const int left = kHeaderPadding + row.indent * kIndent;
    const bool canFold = row.hasChildren || track.kind != TrackKind::Group;
    if (canFold) {
        QPainterPath triangle;
        const qreal middle = y + 12;
        if (row.isCollapsed) {
            triangle.moveTo(left, middle - 4);
            triangle.lineTo(left + 5, middle);
            triangle.lineTo(left, middle + 4);
        } else {
            triangle.moveTo(left - 1, middle - 2);
            triangle.lineTo(left + 7, middle - 2);
            triangle.lineTo(left + 3, middle + 3);
        }
        m_painter.setRenderHint(QPainter::Antialiasing, true);
        m_painter.fillPath(triangle, m_theme.weakText);
        m_painter.setRenderHint(QPainter::Antialiasing, false);
    }
    const QRect line(left + 13, y, width - left - 13 - kHeaderPadding, std::min(row.height, 24));
    QString detail = toQString(track.detail);
    if (track.kind == TrackKind::Counter && detail.isEmpty()) {
        // Below the name, which needs the whole width.
        m_painter.setFont(m_smallFont);
        m_painter.setPen(m_theme.weakText);
        const QString scale = QStringLiteral("max %1 %2").arg(formatNumber(m_state.counterMaxima[row.track.value]), toQString(track.counter.unit));
        if (!row.isCollapsed)
            m_painter.drawText(line.translated(0, 18), Qt::AlignLeft | Qt::AlignVCenter, m_smallMetrics.elidedText(scale, Qt::ElideRight, line.width()));
    }
    QFont font = m_font;
    font.setBold(isGroup && row.indent == 0);
    const QString name = toQString(track.name);
    int detailWidth = 0;
    if (!detail.isEmpty()) {
        // The name comes first: what it leaves is the detail's, but for a quarter.
        const int room = line.width() - QFontMetrics(font).horizontalAdvance(name) - 8;
        m_painter.setFont(m_smallFont);
        m_painter.setPen(m_theme.weakText);
        detailWidth = std::min(m_smallMetrics.horizontalAdvance(detail), std::clamp(room, line.width() / 4, line.width() * 6 / 10)) + 6;
        m_painter.drawText(line, Qt::AlignRight | Qt::AlignVCenter, m_smallMetrics.elidedText(detail, Qt::ElideRight, detailWidth));
    }
    m_painter.setFont(font);
    m_painter.setPen(m_theme.text);
    m_painter.drawText(line.adjusted(0, 0, -detailWidth, 0), Qt::AlignLeft | Qt::AlignVCenter,
                       QFontMetrics(font).elidedText(name, Qt::ElideMiddle, line.width() - detailWidth));
}

std::vector<float> minimapActivity(const Trace& trace, int widthPx)
{
    std::vector<float> columns(static_cast<std::size_t>(std::max(0, widthPx)));
    if (columns.empty() || trace.time.isEmpty())
        return columns;
    const auto has = [&](TrackKind kind) { return std::any_of(trace.tracks.begin(), trace.tracks.end(), [&](const auto& t) { return t.kind == kind; }); };
    TrackKind source = TrackKind::ThreadApi;
    for (const TrackKind kind : {TrackKind::GpuStream, TrackKind::Executions, TrackKind::RequestLanes, TrackKind::NvtxThread, TrackKind::NvtxAsync}) {
        if (has(kind)) {
            source = kind;
            break;
        }
    }
    const TimeAxis axis(trace.time, widthPx);
    for (std::uint32_t t = 0; t < trace.tracks.size(); ++t) {
        if (trace.tracks[t].kind != source)
            continue;
        for (const trace::VisibleSpan& span : trace::visibleSpans(trace, trace::TrackId(t), trace.time, widthPx)) {
            if (span.depth > 0)
                break;
            const double left = std::max(0.0, axis.toX(span.time.start));
            const double right = std::min<double>(widthPx, axis.toX(span.time.end));
            for (int x = static_cast<int>(left); x < widthPx && x < right; ++x)
                columns[static_cast<std::size_t>(x)] += static_cast<float>(std::min<double>(x + 1, right) - std::max<double>(x, left));
        }
    }
    const float most = *std::max_element(columns.begin(), columns.end());
    if (most > 0) {
        for (float& column : columns)
            column /= most;
    }
    return columns;
}

} // namespace gantry::widgets
