#include "picture_difference.h"

#include <QColor>
#include <QPainter>
#include <QRect>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace gantry::desktop_test {

namespace {

using Channels = std::array<int, 3>; // red, green, blue

Channels meanOf(const QImage& image, const QRect& area)
{
    Channels sum{};
    for (int y = area.top(); y <= area.bottom(); ++y) {
        for (int x = area.left(); x <= area.right(); ++x) {
            const QRgb pixel = image.pixel(x, y);
            sum[0] += qRed(pixel);
            sum[1] += qGreen(pixel);
            sum[2] += qBlue(pixel);
        }
    }
    for (int& channel : sum)
        channel /= area.width() * area.height();
    return sum;
}

int distanceOf(const Channels& a, const Channels& b)
{
    int largest = 0;
    for (std::size_t channel = 0; channel < a.size(); ++channel)
        largest = std::max(largest, std::abs(a[channel] - b[channel]));
    return largest;
}

} // namespace

bool PictureDifference::isWithin(const PictureTolerance& tolerance) const
{
    return !picture.isNull() && changed <= tolerance.changedRatio * blocks;
}

PictureDifference differenceOf(const QImage& reference, const QImage& actual, const PictureTolerance& tolerance)
{
    PictureDifference difference;
    if (reference.size() != actual.size()) {
        difference.text = QStringLiteral("%1 × %2 px instead of %3 × %4 px")
                              .arg(actual.width())
                              .arg(actual.height())
                              .arg(reference.width())
                              .arg(reference.height());
        return difference;
    }
    difference.picture = actual.convertToFormat(QImage::Format_Grayscale8).convertToFormat(QImage::Format_RGB32);
    QPainter painter(&difference.picture);
    painter.setPen(Qt::red);
    for (int y = 0; y < actual.height(); y += tolerance.block) {
        for (int x = 0; x < actual.width(); x += tolerance.block) {
            const QRect area = QRect(x, y, tolerance.block, tolerance.block) & actual.rect();
            const int distance = distanceOf(meanOf(reference, area), meanOf(actual, area));
            ++difference.blocks;
            difference.largest = std::max(difference.largest, distance);
            if (distance <= tolerance.level)
                continue;
            ++difference.changed;
            painter.drawRect(area.adjusted(0, 0, -1, -1));
        }
    }
    difference.text = QStringLiteral("%1 of %2 blocks differ, by at most %3 of 255 levels")
                          .arg(difference.changed)
                          .arg(difference.blocks)
                          .arg(difference.largest);
    return difference;
}

} // namespace gantry::desktop_test
