#include "widgets/timeline/lane_raster.h"

#include "widgets/timeline/pixel_blend.h"

#include <QImage>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace gantry::widgets {

namespace {

/// Coverage of a pixel's colour, by how busy it is.
constexpr auto kShades = [] {
    std::array<std::uint8_t, 256> shades{};
    for (std::size_t busy = 0; busy < shades.size(); ++busy)
        shades[busy] = static_cast<std::uint8_t>(kFaintestShade + busy * (255 - kFaintestShade) / 255);
    return shades;
}();

/// At least one pixel. Most spans are narrow: two stores that may overlap instead of a loop whose end cannot be foreseen.
void fillPixels(QRgb* first, QRgb* end, QRgb color)
{
    const std::ptrdiff_t count = end - first;
    if (count == 1) {
        *first = color;
        return;
    }
    if (count < 4) {
        first[0] = first[1] = end[-1] = color;
        return;
    }
    if (count > 16) {
        std::fill(first, end, color);
        return;
    }
    const std::array<QRgb, 4> four = {color, color, color, color};
    std::memcpy(first, four.data(), sizeof four);
    std::memcpy(end - 4, four.data(), sizeof four);
    if (count > 8) {
        std::memcpy(first + 4, four.data(), sizeof four);
        std::memcpy(end - 8, four.data(), sizeof four);
    }
}

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
    // Locals: the pixels that are written could else be what members point to.
    QRgb* const line = m_line.data();
    const int width = m_width, edge = m_edge, narrowestEdge = m_narrowestEdge;
    std::copy_n(background.data(), width, line);
    const LaneBox* const end = boxes.data() + boxes.size();
    KindColors known;
    trace::EventKind kind{};
    for (const LaneBox* box = boxes.data(); box < end; ++box) {
        constexpr std::ptrdiff_t kAhead = 16; // neighbours of a lane lie far apart in the columns
        if (end - box > kAhead && known.numbers)
            __builtin_prefetch(known.numbers + box[kAhead].event.row());
        const SpanColor* color = box->event.kind() == kind ? known.find(box->event.row()) : nullptr;
        if (!color) {
            kind = box->event.kind();
            color = &colors.of(box->event);
            known = colors.ofKind(kind);
        }
        const bool isFull = !isFaded || box->isHighlighted;
        const QRgb fill = isFull ? color->fill : color->fadedFill;
        const int right = std::min(box->right, width);
        if (box->busy < 255) {
            for (int x = box->left; x < right; ++x)
                line[x] = blended(line[x], fill, kShades[box->busy]);
            continue;
        }
        if (box->left >= right)
            continue;
        fillPixels(line + box->left, line + right, fill);
        // A darker edge tells neighbours of one colour apart.
        if (box->isSingle && right - box->left >= narrowestEdge)
            std::fill_n(line + box->left, edge, isFull ? color->edge : color->fadedEdge);
    }
}

} // namespace gantry::widgets
