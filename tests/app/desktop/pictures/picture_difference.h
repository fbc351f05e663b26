#pragma once

#include <QImage>
#include <QString>

namespace gantry::desktop_test {

/// How far a picture may be from its reference. Letters of another version of a font change the mean colour of a block little, and only
/// the blocks that they are in; a row of another height or colour changes many blocks by much.
struct PictureTolerance
{
    int block = 8;              ///< px, edge of the squares whose mean colours are compared
    int level = 24;             ///< 0..255, by which a channel of the mean may differ
    double changedRatio = 0.02; ///< of the blocks that may differ by more than that, 0..1
};

struct PictureDifference
{
    int blocks = 0, changed = 0;
    int largest = 0; ///< by which a channel of a mean differs, 0..255
    QImage picture;  ///< the actual one, grey, with the changed blocks framed in red; null: the sizes differ
    QString text;    ///< "14 of 3600 blocks differ, by at most 80 of 255 levels"

    [[nodiscard]] bool isWithin(const PictureTolerance& tolerance) const;
};

[[nodiscard]] PictureDifference differenceOf(const QImage& reference, const QImage& actual, const PictureTolerance& tolerance = {});

} // namespace gantry::desktop_test
