#pragma once

#include <QFont>
#include <QRect>
#include <QRgb>
#include <QString>

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

class QImage;

namespace gantry::widgets {

/// A text as the pixels it covers, without colour, and where it may be cut.
struct LabelImage
{
    struct Pixel
    {
        std::uint16_t x;
        std::uint8_t y;
        std::uint8_t coverage; ///< 1..255
    };
    std::vector<Pixel> pixels;       ///< by x
    std::vector<std::uint16_t> cuts; ///< px from the left after each grapheme, rising; the last is the width
    int width = 0, height = 0;       ///< device px
};

/// Texts of span boxes, each laid out and rasterised once: drawing one writes its pixels, and eliding it is a search for the cut that
/// fits. One font, one device pixel ratio. UI thread.
class LabelCache
{
public:
    LabelCache(const QFont& font, qreal pixelRatio);

    /// The image of the text that `key` stands for; `text` is called when it is not known yet. Valid until the next call.
    [[nodiscard]] const LabelImage& label(std::uint64_t key, const std::function<QString()>& text);

    /// Draws a label into `box` of a 32-bit image (device px), left aligned and centred vertically; elided where it is too long, left
    /// out where not even one character has room.
    void draw(QImage& image, const QRect& box, const LabelImage& label, QRgb color) const;

    [[nodiscard]] const QFont& font() const { return m_font; }
    [[nodiscard]] qreal pixelRatio() const { return m_pixelRatio; }
    [[nodiscard]] std::size_t size() const { return m_labels.size(); }

private:
    [[nodiscard]] LabelImage rasterised(const QString& text) const;

    QFont m_font;
    qreal m_pixelRatio;
    std::unordered_map<std::uint64_t, LabelImage> m_labels;
    std::size_t m_pixels = 0; ///< of all labels
    LabelImage m_ellipsis;
};

} // namespace gantry::widgets
