#pragma once

#include "widgets/timeline/label_cache.h"
#include "widgets/timeline/lane_raster.h"
#include "widgets/timeline/span_colors.h"
#include "widgets/timeline/timeline_fonts.h"
#include "widgets/timeline/timeline_state.h"

#include <QImage>

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

class QPainter;

namespace gantry::widgets {

/// What a frame drew.
struct FrameContent
{
    std::size_t lanes = 0, boxes = 0, labels = 0;
};

/// A picture of a timeline in device pixels, without the overlay. Each lane is composed as one row of pixels from its visible spans and
/// copied down its height, so that a frame costs as much as it has pixels, however many spans there are. What rarely changes (headers,
/// the minimap's activity, label images, colours) is kept from frame to frame. UI thread.
class TimelineFrame
{
public:
    TimelineFrame();
    ~TimelineFrame();

    /// Draws `state`, whose trace is not null, and returns the picture; valid until the next call.
    const QImage& compose(const TimelineState& state, const std::vector<float>& activity, const QFont& font, qreal pixelRatio);
    /// Matches or the report's activity changed.
    void forgetMinimap() { m_minimap = {}; }

    [[nodiscard]] const QImage& image() const { return m_image; }
    [[nodiscard]] const FrameContent& content() const { return m_content; }

private:
    /// What headers look like hangs on these.
    struct HeaderKey
    {
        const trace::Trace* trace = nullptr;
        const Theme* theme = nullptr;
        std::uint64_t layoutRevision = 0;
        int scrollY = 0, headerWidth = 0;
        bool operator==(const HeaderKey&) const = default;
    };

    /// What lanes of one frame are drawn with.
    struct LaneTools
    {
        LaneLayout& layout;
        LaneRaster& raster;
        QPainter& labels;
    };

    void prepare(const TimelineState& state, const QFont& font, qreal pixelRatio);
    void drawRows(const TimelineState& state);
    void drawLane(const TimelineState& state, const LaneTools& tools, const Lane& lane, const std::vector<QRgb>& background);
    void drawLabels(QPainter& painter, const TimelineState& state, const std::vector<LaneBox>& boxes, bool isFaded, int top, int bottom);
    void paintMinimap(QPainter& painter, const TimelineState& state, const std::vector<float>& activity);
    [[nodiscard]] int toDevice(int y) const;

    QImage m_image;
    qreal m_pixelRatio = 1;
    int m_left = 0, m_top = 0;     ///< of the rows, device px
    int m_laneTop = 0;             ///< from where on the row at hand is drawn, device px
    std::vector<QRect> m_outlines; ///< device px
    FrameContent m_content;

    std::shared_ptr<const trace::Trace> m_trace; ///< of the colours and labels
    const Theme* m_theme = nullptr;
    std::optional<SpanColors> m_colors;
    std::optional<LabelCache> m_labels;
    std::optional<TimelineFonts> m_fonts;
    QFont m_font;
    HeaderKey m_headers;
    QImage m_minimap;
};

} // namespace gantry::widgets
