#include "widgets/timeline/label_cache.h"

#include "widgets/timeline/pixel_blend.h"

#include <QImage>
#include <QPainter>
#include <QTextLayout>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gantry::widgets {

namespace {

constexpr qsizetype kLongestText = 160;        // characters: wider than most boxes on any screen
constexpr std::size_t kMostPixels = 4'000'000; // 16 MB; a screen full of labels has some 600,000
constexpr qreal kWidestText = 1e6;             // px a line may be: none is broken

/// Draws the label's pixels left of `end` with its top left at `at`, clipped to the image.
void drawPixels(QImage& image, QPoint at, const LabelImage& label, int end, QRgb color)
{
    const auto stride = image.bytesPerLine() / static_cast<qsizetype>(sizeof(QRgb));
    auto* const bits = reinterpret_cast<QRgb*>(image.bits());
    const int width = image.width(), height = image.height();
    const bool isInside = at.x() >= 0 && at.y() >= 0 && at.x() + std::min(end, label.width) <= width && at.y() + label.height <= height;
    for (const LabelImage::Pixel pixel : label.pixels) {
        if (pixel.x >= end)
            break;
        const int x = at.x() + pixel.x, y = at.y() + pixel.y;
        if (!isInside && (x < 0 || y < 0 || x >= width || y >= height))
            continue;
        QRgb& target = bits[y * stride + x];
        target = blended(target, color, pixel.coverage);
    }
}

} // namespace

LabelCache::LabelCache(const QFont& font, qreal pixelRatio)
    : m_font(font), m_pixelRatio(pixelRatio), m_ellipsis(rasterised(QStringLiteral("…")))
{
}

const LabelImage& LabelCache::label(std::uint64_t key, const std::function<QString()>& text)
{
    const auto found = m_labels.find(key);
    if (found != m_labels.end())
        return found->second;
    if (m_pixels > kMostPixels) { // labels of places that were left long ago; those in view come back at once
        m_labels.clear();
        m_pixels = 0;
    }
    const LabelImage& made = m_labels.emplace(key, rasterised(text())).first->second;
    m_pixels += made.pixels.size();
    return made;
}

LabelImage LabelCache::rasterised(const QString& text) const
{
    LabelImage label;
    QString shown = text.simplified();
    if (shown.size() > kLongestText)
        shown = shown.left(kLongestText - 1) + QChar(0x2026);
    QTextLayout layout(shown, m_font);
    layout.beginLayout();
    QTextLine line = layout.createLine();
    if (!line.isValid())
        return label;
    line.setLineWidth(kWidestText);
    line.setPosition({0, 0});
    layout.endLayout();

    const QSize size(static_cast<int>(std::ceil(line.naturalTextWidth() * m_pixelRatio)),
                     static_cast<int>(std::ceil(line.height() * m_pixelRatio)));
    label.width = std::min<int>(size.width(), std::numeric_limits<std::uint16_t>::max());
    label.height = std::min<int>(size.height(), std::numeric_limits<std::uint8_t>::max());
    if (label.width == 0 || label.height == 0)
        return label;
    for (int at = 1; at <= shown.size(); ++at) {
        const auto x = static_cast<int>(std::ceil(line.cursorToX(at) * m_pixelRatio));
        if (layout.isValidCursorPosition(at) && x <= label.width && (label.cuts.empty() || x > label.cuts.back()))
            label.cuts.push_back(static_cast<std::uint16_t>(std::max(0, x)));
    }
    QImage image(label.width, label.height, QImage::Format_ARGB32_Premultiplied);
    image.setDevicePixelRatio(m_pixelRatio);
    image.fill(Qt::transparent);
    {
        QPainter painter(&image);
        painter.setPen(Qt::white);
        layout.draw(&painter, {0, 0});
    }
    for (int x = 0; x < label.width; ++x)
        for (int y = 0; y < label.height; ++y)
            if (const int coverage = qAlpha(image.pixel(x, y)); coverage > 0)
                label.pixels.push_back({static_cast<std::uint16_t>(x), static_cast<std::uint8_t>(y), static_cast<std::uint8_t>(coverage)});
    label.pixels.shrink_to_fit();
    return label;
}

void LabelCache::draw(QImage& image, const QRect& box, const LabelImage& label, QRgb color) const
{
    const int top = box.top() + (box.height() - label.height) / 2;
    if (label.width <= box.width())
        return drawPixels(image, {box.left(), top}, label, label.width, color);
    const int room = box.width() - m_ellipsis.width;
    const auto after = std::upper_bound(label.cuts.begin(), label.cuts.end(), room);
    if (room <= 0 || after == label.cuts.begin())
        return;
    const int cut = *(after - 1);
    drawPixels(image, {box.left(), top}, label, cut, color);
    drawPixels(image, {box.left() + cut, top}, m_ellipsis, m_ellipsis.width, color);
}

} // namespace gantry::widgets
