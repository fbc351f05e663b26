#pragma once

#include <QFont>
#include <QImage>
#include <QRect>
#include <QRgb>
#include <QString>

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

class QPainter;

namespace gantry::widgets {

/// A text in its colour, and where it may be cut.
struct LabelImage
{
    QImage image;          ///< premultiplied, device px
    std::vector<int> cuts; ///< px from the left after each grapheme, rising; the last is about the width
    int inner = 0;         ///< px from the left of innerNameStart()
};

/// Where the name in a qualified one begins, which is what is shown where the whole has no room: "linear" of "aten::linear", "forward" of
/// "model_runner.py(3123): forward". 0: it is not qualified.
[[nodiscard]] qsizetype innerNameStart(QStringView text);

/// Texts of span boxes, each laid out and drawn once: drawing one again copies its pixels, and eliding it is a search for the cut that
/// fits. One font, one device pixel ratio. UI thread.
class LabelCache
{
public:
    static constexpr int kFewestLetters = 3; ///< of a text that is cut: fewer say nothing

    LabelCache(const QFont& font, qreal pixelRatio);

    /// Draws the text that `key` stands for into `box`, left aligned and centred vertically; where it is too long its inner name, elided
    /// where that is, too, and left out where fewer than kFewestLetters have room. `text` is called when it is not known yet. The painter's
    /// pixels are the device's.
    void draw(QPainter& painter, const QRect& box, std::uint64_t key, QRgb color, const std::function<QString()>& text);

    [[nodiscard]] qreal pixelRatio() const { return m_pixelRatio; }

private:
    /// All that is known in one colour; there are two, see Theme::textOn().
    struct Colored
    {
        QRgb color = 0;
        LabelImage ellipsis;
        std::unordered_map<std::uint64_t, LabelImage> labels;
    };

    [[nodiscard]] Colored& coloredIn(QRgb color);
    [[nodiscard]] LabelImage drawn(const QString& text, QRgb color) const;

    QFont m_font;
    qreal m_pixelRatio;
    std::vector<Colored> m_colors;
    qsizetype m_bytes = 0; ///< of all labels
};

} // namespace gantry::widgets
