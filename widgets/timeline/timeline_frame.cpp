#include "widgets/timeline/timeline_frame.h"

#include "widgets/timeline/counter_painter.h"
#include "widgets/timeline/event_text.h"
#include "widgets/timeline/header_painter.h"
#include "widgets/timeline/minimap_painter.h"
#include "widgets/timeline/ruler_painter.h"

#include <QPainter>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

TimelineFrame::TimelineFrame() = default;
TimelineFrame::~TimelineFrame() = default;

int TimelineFrame::toDevice(int y) const
{
    return static_cast<int>(std::lround(y * m_pixelRatio));
}

void TimelineFrame::prepare(const TimelineState& state, const QFont& font, qreal pixelRatio)
{
    const QSize size(static_cast<int>(std::lround(state.geometry.size.width() * pixelRatio)),
                     static_cast<int>(std::lround(state.geometry.size.height() * pixelRatio)));
    if (m_image.size() != size || m_pixelRatio != pixelRatio) {
        m_image = QImage(size, QImage::Format_RGB32);
        m_image.setDevicePixelRatio(pixelRatio);
        m_pixelRatio = pixelRatio;
        m_headers = {};
        m_minimap = {};
    }
    if (!m_fonts || m_font != font || !m_labels || m_labels->pixelRatio() != pixelRatio) {
        m_font = font;
        m_fonts.emplace(font);
        m_labels.emplace(m_fonts->small, pixelRatio);
        m_headers = {};
    }
    if (m_trace != state.trace || m_theme != state.theme) {
        if (m_trace != state.trace)
            m_labels.emplace(m_fonts->small, pixelRatio);
        m_trace = state.trace;
        m_theme = state.theme;
        m_colors.emplace(*m_trace, *m_theme);
        m_minimap = {};
    }
    m_left = std::min(toDevice(state.geometry.headerWidth), size.width());
    m_top = toDevice(TimelineGeometry::rowsTop());
    m_outlines.clear();
    m_content = {};
}

const QImage& TimelineFrame::compose(const TimelineState& state, const std::vector<float>& activity, const QFont& font, qreal pixelRatio)
{
    prepare(state, font, pixelRatio);
    if (m_image.isNull())
        return m_image;
    drawRows(state);

    QPainter painter(&m_image);
    const TimelineGeometry& g = state.geometry;
    painter.setPen(QPen(m_theme->selection, 2));
    painter.setClipRect(g.rows());
    for (const QRect& box : m_outlines)
        painter.drawRect(
            QRectF(box.x() / m_pixelRatio, box.y() / m_pixelRatio, box.width() / m_pixelRatio - 1, box.height() / m_pixelRatio - 1));
    painter.setClipping(false);
    const HeaderKey headers{state.trace.get(), state.theme, state.layoutRevision, state.scrollY, g.headerWidth};
    if (m_headers != headers) {
        paintHeaders(painter, state, *m_fonts);
        m_headers = headers;
    }
    paintMinimap(painter, state, activity);
    paintRuler(painter, state, *m_fonts);
    paintCorner(painter, state, *m_fonts);
    painter.setPen(m_theme->border);
    painter.drawLine(g.headerWidth - 1, 0, g.headerWidth - 1, g.size.height());
    painter.drawLine(0, TimelineGeometry::rowsTop() - 1, g.size.width(), TimelineGeometry::rowsTop() - 1);
    paintPinnedEdge(painter, state);
    paintNoRows(painter, state);
    return m_image;
}

void TimelineFrame::paintMinimap(QPainter& painter, const TimelineState& state, const std::vector<float>& activity)
{
    const QRect area = state.geometry.minimap();
    if (area.width() <= 0)
        return;
    if (m_minimap.isNull() || m_minimap.deviceIndependentSize().toSize() != area.size()) {
        m_minimap = QImage(area.size() * m_pixelRatio, QImage::Format_RGB32);
        m_minimap.setDevicePixelRatio(m_pixelRatio);
        m_minimap.fill(m_theme->header);
        QPainter minimap(&m_minimap);
        minimap.translate(-area.topLeft());
        paintMinimapActivity(minimap, state, activity);
    }
    painter.drawImage(area.topLeft(), m_minimap);
    paintMinimapView(painter, state);
}

void TimelineFrame::drawRows(const TimelineState& state)
{
    // The same pixels without the ratio: labels are drawn pixel by pixel.
    QImage pixels(m_image.bits(), m_image.width(), m_image.height(), m_image.bytesPerLine(), m_image.format());
    QPainter labels(&pixels);
    LaneLayout layout(state, m_pixelRatio);
    LaneRaster raster(m_image, m_left, m_pixelRatio);
    const LaneTools tools{layout, raster, labels};
    const int width = raster.width();
    if (width <= 0)
        return;
    const DurationNs step = rulerStep(state, m_fonts->small);
    const std::vector<int> grid = gridPositions(state, step, m_pixelRatio);
    const auto background = [&](const QColor& color) {
        std::vector<QRgb> line(static_cast<std::size_t>(width), color.rgb());
        for (const int x : grid)
            if (x >= 0 && x < width)
                line[static_cast<std::size_t>(x)] = m_theme->gridLine.rgb();
        return line;
    };
    const std::vector<QRgb> canvas = background(m_theme->canvas), alternate = background(m_theme->alternateRow),
                            group = background(m_theme->groupRow);

    const int height = m_image.height();
    int y = m_top; // drawn so far
    int index = 0;
    for (const TimelineRow& row : state.layout.rows()) {
        ++index;
        if (!isVisible(state, row))
            continue;
        const trace::TrackKind kind = state.trace->track(row.track).kind;
        const std::vector<QRgb>& line = kind == trace::TrackKind::Group ? group : index % 2 ? canvas : alternate;
        const int bottom = std::min(height, toDevice(screenY(state, row.y) + row.height));
        m_laneTop = toDevice(clipTop(state, row));
        labels.setClipRect(0, m_laneTop, m_image.width(), height - m_laneTop);
        for (const Lane& lane : layout.lanesOf(row)) {
            raster.fill(line, y, std::min(height, toDevice(lane.top)));
            drawLane(state, tools, lane, line);
            y = std::max(y, std::min(height, toDevice(lane.top + lane.height)));
        }
        raster.fill(line, y, bottom);
        y = std::max(y, bottom);
        if (kind == trace::TrackKind::Counter)
            drawCounter(m_image, state, row, m_left, m_pixelRatio);
    }
    raster.fill(canvas, y, height);
}

void TimelineFrame::drawLane(const TimelineState& state, const LaneTools& tools, const Lane& lane, const std::vector<QRgb>& background)
{
    const int top = std::max(m_laneTop, toDevice(lane.top)), bottom = std::min(m_image.height(), toDevice(lane.top + lane.height));
    if (top >= bottom)
        return;
    const bool isFaded = !state.highlights.empty();
    const std::vector<LaneBox>& boxes = tools.layout.boxesOf(lane);
    tools.raster.draw(boxes, *m_colors, isFaded, background, top, bottom);
    ++m_content.lanes;
    m_content.boxes += boxes.size();
    if (lane.hasLabels)
        drawLabels(tools.labels, state, boxes, isFaded, toDevice(lane.top), toDevice(lane.top + lane.height));
    if (const auto extent = selectedExtent(boxes))
        m_outlines.emplace_back(m_left + extent->first, top, extent->second - extent->first, bottom - top);
}

void TimelineFrame::drawLabels(QPainter& painter, const TimelineState& state, const std::vector<LaneBox>& boxes, bool isFaded, int top,
                               int bottom)
{
    const int narrowest = toDevice(kNarrowestLabel), left = toDevice(kLabelLeft), margins = left + toDevice(kLabelRight);
    for (const LaneBox& box : boxes) {
        // Boxes are cut at the plot's edge, so the label stays in view when its span begins left of it. What reaches above the rows lies
        // under the ruler.
        if (!box.isSingle || box.right - box.left < narrowest || (isFaded && !box.isHighlighted))
            continue;
        m_labels->draw(painter, QRect(m_left + box.left + left, top, box.right - box.left - margins, bottom - top),
                       labelKey(*state.trace, box.event), m_colors->of(box.event).text,
                       [&] { return eventLabel(*state.trace, box.event); });
        ++m_content.labels;
    }
}

} // namespace gantry::widgets
