#include "widgets/timeline/timeline_frame.h"

#include "widgets/timeline/counter_painter.h"
#include "widgets/timeline/event_text.h"
#include "widgets/timeline/header_painter.h"
#include "widgets/timeline/minimap_painter.h"
#include "widgets/timeline/pixel_blend.h"
#include "widgets/timeline/ruler_painter.h"

#include <QPainter>

#include <algorithm>
#include <array>
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
    m_width = size.width() - m_left;
    m_line.resize(static_cast<std::size_t>(std::max(0, m_width)));
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

void TimelineFrame::fill(const QRgb* line, int top, int bottom)
{
    for (int y = top; y < bottom; ++y)
        std::copy_n(line, m_width, reinterpret_cast<QRgb*>(m_image.scanLine(y)) + m_left);
}

void TimelineFrame::drawRows(const TimelineState& state)
{
    if (m_width <= 0)
        return;
    const DurationNs step = rulerStep(state, m_fonts->small);
    const std::vector<int> grid = gridPositions(state, step, m_pixelRatio);
    const auto background = [&](const QColor& color) {
        std::vector<QRgb> line(static_cast<std::size_t>(m_width), color.rgb());
        for (const int x : grid)
            if (x >= 0 && x < m_width)
                line[static_cast<std::size_t>(x)] = m_theme->gridLine.rgb();
        return line;
    };
    const std::vector<QRgb> canvas = background(m_theme->canvas), alternate = background(m_theme->alternateRow),
                            group = background(m_theme->groupRow);

    LaneLayout layout(state, m_pixelRatio);
    const int height = m_image.height();
    int y = m_top; // drawn so far
    int index = 0;
    for (const TimelineRow& row : state.layout.rows()) {
        ++index;
        if (!isVisible(state, row))
            continue;
        const trace::TrackKind kind = state.trace->track(row.track).kind;
        const QRgb* line = (kind == trace::TrackKind::Group ? group : index % 2 ? canvas : alternate).data();
        const int bottom = std::min(height, toDevice(screenY(state, row.y + row.height)));
        for (const Lane& lane : layout.lanesOf(row)) {
            fill(line, y, std::min(height, toDevice(lane.top)));
            drawLane(state, layout, lane, line);
            y = std::max(y, std::min(height, toDevice(lane.top + lane.height)));
        }
        fill(line, y, bottom);
        y = std::max(y, bottom);
        if (kind == trace::TrackKind::Counter)
            drawCounter(m_image, state, row, m_left, m_pixelRatio);
    }
    fill(canvas.data(), y, height);
}

void TimelineFrame::drawLane(const TimelineState& state, LaneLayout& layout, const Lane& lane, const QRgb* background)
{
    const int top = std::max(m_top, toDevice(lane.top)), bottom = std::min(m_image.height(), toDevice(lane.top + lane.height));
    if (top >= bottom)
        return;
    const bool isFaded = !state.highlights.empty();
    const std::vector<LaneBox>& boxes = layout.boxesOf(lane);
    composeLine(boxes, isFaded, background);
    fill(m_line.data(), top, bottom);
    ++m_content.lanes;
    m_content.boxes += boxes.size();
    if (lane.hasLabels)
        drawLabels(state, boxes, isFaded, toDevice(lane.top), toDevice(lane.top + lane.height));
    if (!boxes.empty() && boxes.back().isHighlighted && boxes.back().event == state.selected)
        m_outlines.emplace_back(m_left + boxes.back().left, toDevice(lane.top), boxes.back().right - boxes.back().left,
                                toDevice(lane.height));
}

void TimelineFrame::composeLine(const std::vector<LaneBox>& boxes, bool isFaded, const QRgb* background)
{
    static constexpr auto kCoverage = [] {
        std::array<std::uint8_t, 256> table{};
        for (std::size_t busy = 0; busy < table.size(); ++busy)
            table[busy] = static_cast<std::uint8_t>(kFaintestShade + busy * (255 - kFaintestShade) / 255);
        return table;
    }();
    std::copy_n(background, m_width, m_line.data());
    const int edgeWidth = toDevice(kNarrowestEdge);
    const int edge = std::max(1, toDevice(1));
    for (const LaneBox& box : boxes) {
        const SpanColor& color = m_colors->of(box.event);
        const bool isFull = !isFaded || box.isHighlighted;
        const QRgb fill = isFull ? color.fill : color.fadedFill;
        const int right = std::min(box.right, m_width);
        if (box.busy < 255) {
            for (int x = box.left; x < right; ++x)
                m_line[static_cast<std::size_t>(x)] = blended(m_line[static_cast<std::size_t>(x)], fill, kCoverage[box.busy]);
            continue;
        }
        std::fill(m_line.begin() + box.left, m_line.begin() + right, fill);
        // A darker edge tells neighbours of one colour apart.
        if (box.isSingle && right - box.left >= edgeWidth)
            std::fill_n(m_line.begin() + box.left, edge, isFull ? color.edge : color.fadedEdge);
    }
}

void TimelineFrame::drawLabels(const TimelineState& state, const std::vector<LaneBox>& boxes, bool isFaded, int top, int bottom)
{
    const int narrowest = toDevice(kNarrowestLabel), left = toDevice(kLabelLeft), margins = left + toDevice(kLabelRight);
    for (const LaneBox& box : boxes) {
        // Boxes are cut at the plot's edge, so the label stays in view when its span begins left of it. What reaches above the rows lies
        // under the ruler.
        if (!box.isSingle || box.right - box.left < narrowest || (isFaded && !box.isHighlighted))
            continue;
        const LabelImage& label = m_labels->label(labelKey(*state.trace, box.event), [&] { return eventLabel(*state.trace, box.event); });
        m_labels->draw(m_image, QRect(m_left + box.left + left, top, box.right - box.left - margins, bottom - top), label,
                       m_colors->of(box.event).text);
        ++m_content.labels;
    }
}

} // namespace gantry::widgets
