#include "widgets/timeline/lane_raster.h"

#include "widgets/timeline/pixel_blend.h"

#include <QImage>

#include <algorithm>
#include <array>
#include <cmath>

namespace gantry::widgets {

namespace {

/// Coverage of a pixel's colour, by how busy it is.
constexpr auto kShades = [] {
    std::array<std::uint8_t, 256> shades{};
    for (std::size_t busy = 0; busy < shades.size(); ++busy)
        shades[busy] = static_cast<std::uint8_t>(kFaintestShade + busy * (255 - kFaintestShade) / 255);
    return shades;
}();

} // namespace

LaneRaster::LaneRaster(QImage& image, int left, qreal pixelRatio)
    : m_image(image),
      m_left(left),
      m_width(std::max(0, image.width() - left)),
      m_edge(std::max(1, static_cast<int>(std::lround(pixelRatio)))),
      m_narrowestEdge(static_cast<int>(std::lround(kNarrowestEdge * pixelRatio))),
      m_line(static_cast<std::size_t>(m_width))
{
}

void LaneRaster::fill(const std::vector<QRgb>& line, int top, int bottom)
{
    for (int y = top; y < bottom; ++y)
        std::copy_n(line.data(), m_width, reinterpret_cast<QRgb*>(m_image.scanLine(y)) + m_left);
}

void LaneRaster::draw(const std::vector<LaneBox>& boxes, SpanColors& colors, bool isFaded, const std::vector<QRgb>& background, int top,
                      int bottom)
{
    compose(boxes, colors, isFaded, background);
    fill(m_line, top, bottom);
}

void LaneRaster::compose(const std::vector<LaneBox>& boxes, SpanColors& colors, bool isFaded, const std::vector<QRgb>& background)
{
    QRgb* const line = m_line.data();
    std::copy_n(background.data(), m_width, line);
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        constexpr std::size_t kAhead = 16; // neighbours of a lane lie far apart in the columns
        if (i + kAhead < boxes.size())
            colors.prefetch(boxes[i + kAhead].event);
        const LaneBox& box = boxes[i];
        const SpanColor& color = colors.of(box.event);
        const bool isFull = !isFaded || box.isHighlighted;
        const QRgb fill = isFull ? color.fill : color.fadedFill;
        const int right = std::min(box.right, m_width);
        if (box.busy < 255) {
            for (int x = box.left; x < right; ++x)
                line[x] = blended(line[x], fill, kShades[box.busy]);
            continue;
        }
        if (box.left >= right)
            continue;
        std::fill(line + box.left, line + right, fill);
        // A darker edge tells neighbours of one colour apart.
        if (box.isSingle && right - box.left >= m_narrowestEdge)
            std::fill_n(line + box.left, m_edge, isFull ? color.edge : color.fadedEdge);
    }
}

} // namespace gantry::widgets
