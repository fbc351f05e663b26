#include "widgets/timeline/label_cache.h"

#include <QPainter>
#include <QTextLayout>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

constexpr qsizetype kLongestText = 160;      // characters: wider than most boxes on any screen
constexpr qsizetype kMostBytes = 48'000'000; // a screen full of different labels has some 20 MB
constexpr qreal kWidestText = 1e6;           // px a line may be: none is broken

} // namespace

qsizetype innerNameStart(QStringView text)
{
    if (const qsizetype frame = text.indexOf(QLatin1String("): ")); frame > 0) // of Python: FILE(LINE): FUNCTION
        return frame + 3;
    qsizetype start = 0;
    for (qsizetype i = 0; i + 2 < text.size(); ++i) {
        const QChar c = text[i];
        if (c == QLatin1Char('<') || c == QLatin1Char('(') || c == QLatin1Char(' ')) // what follows are arguments
            break;
        if (c == QLatin1Char(':') && text[i + 1] == QLatin1Char(':'))
            start = i + 2;
    }
    return start;
}

LabelCache::LabelCache(const QFont& font, qreal pixelRatio) : m_font(font), m_pixelRatio(pixelRatio) {}

LabelCache::Colored& LabelCache::coloredIn(QRgb color)
{
    const auto found = std::find_if(m_colors.begin(), m_colors.end(), [color](const Colored& colored) { return colored.color == color; });
    if (found != m_colors.end())
        return *found;
    return m_colors.emplace_back(Colored{color, drawn(QStringLiteral("…"), color), {}});
}

LabelImage LabelCache::drawn(const QString& text, QRgb color) const
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
    if (size.isEmpty())
        return label;
    for (int at = 1; at <= shown.size(); ++at) {
        const auto x = static_cast<int>(std::ceil(line.cursorToX(at) * m_pixelRatio));
        if (layout.isValidCursorPosition(at) && x > (label.cuts.empty() ? 0 : label.cuts.back()))
            label.cuts.push_back(x);
    }
    if (const qsizetype inner = innerNameStart(shown); inner > 0)
        label.inner = static_cast<int>(std::floor(line.cursorToX(static_cast<int>(inner)) * m_pixelRatio));
    QImage image(size, QImage::Format_ARGB32_Premultiplied);
    image.setDevicePixelRatio(m_pixelRatio);
    image.fill(Qt::transparent);
    {
        QPainter painter(&image);
        painter.setPen(QColor(color));
        layout.draw(&painter, {0, 0});
    }
    image.setDevicePixelRatio(1); // it is drawn pixel by pixel
    label.image = image;
    return label;
}

void LabelCache::draw(QPainter& painter, const QRect& box, std::uint64_t key, QRgb color, const std::function<QString()>& text)
{
    Colored& colored = coloredIn(color);
    auto found = colored.labels.find(key);
    if (found == colored.labels.end()) {
        if (m_bytes > kMostBytes) { // labels of places that were left long ago; those in view come back at once
            for (Colored& each : m_colors)
                each.labels.clear();
            m_bytes = 0;
        }
        found = colored.labels.emplace(key, drawn(text(), color)).first;
        m_bytes += found->second.image.sizeInBytes();
    }
    const LabelImage& label = found->second;
    const int top = box.top() + (box.height() - label.image.height()) / 2;
    if (label.image.width() <= box.width())
        return painter.drawImage(box.left(), top, label.image);
    const int from = label.inner;
    if (label.image.width() - from <= box.width())
        return painter.drawImage(box.left(), top, label.image, from, 0, label.image.width() - from, label.image.height());
    const auto first = std::upper_bound(label.cuts.begin(), label.cuts.end(), from);
    const auto after = std::upper_bound(first, label.cuts.end(), from + box.width() - colored.ellipsis.image.width());
    if (after - first < kFewestLetters)
        return;
    const int width = *(after - 1) - from;
    painter.drawImage(box.left(), top, label.image, from, 0, width, label.image.height());
    painter.drawImage(box.left() + width, top, colored.ellipsis.image);
}

} // namespace gantry::widgets
