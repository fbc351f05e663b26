#pragma once

#include "widgets/timeline/lane_layout.h"
#include "widgets/timeline/span_colors.h"

#include <vector>

class QImage;

namespace gantry::widgets {

/// Draws lanes into a 32-bit image: one row of pixels is composed from a lane's boxes and copied down its height, so that a lane costs as
/// much as it has pixels. All pixels are the device's; x counts from `left`.
class LaneRaster
{
public:
    LaneRaster(QImage& image, int left, qreal pixelRatio);

    [[nodiscard]] int width() const { return m_width; }
    /// Copies a row of width() pixels to the rows [top, bottom).
    void fill(const std::vector<QRgb>& line, int top, int bottom);
    /// The boxes over a background; `isFaded`: those that are not highlighted are.
    void draw(const std::vector<LaneBox>& boxes, SpanColors& colors, bool isFaded, const std::vector<QRgb>& background, int top,
              int bottom);

private:
    void compose(const std::vector<LaneBox>& boxes, SpanColors& colors, bool isFaded, const std::vector<QRgb>& background);

    QImage& m_image;
    int m_left, m_width;
    int m_edge, m_narrowestEdge;
    std::vector<QRgb> m_line;
};

} // namespace gantry::widgets
