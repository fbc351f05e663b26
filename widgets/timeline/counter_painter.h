#pragma once

#include "widgets/timeline/counter_curve.h"

class QFont;
class QImage;
class QPainter;

namespace gantry::widgets {

/// Draws a counter's curve over its row's background into a 32-bit image, `left` px from its edge. All pixels are the device's.
void drawCounter(QImage& image, const TimelineState& state, const TimelineRow& row, int left, qreal pixelRatio);

/// The same with a painter, in the widget's pixels.
void paintCounter(QPainter& painter, const TimelineState& state, const TimelineRow& row);

/// A value of a counter with its unit: "12.5 %", "1 request", "71.3 GiB".
[[nodiscard]] QString counterText(const trace::CounterColumns& counter, double value);

/// The ends of a counter's axis at the right edge of its header, beside the curve.
void paintValueAxis(QPainter& painter, const TimelineState& state, const TimelineRow& row, const QFont& font);
/// Pixels that they take; 0 where there are none.
[[nodiscard]] int valueAxisWidth(const TimelineState& state, const TimelineRow& row, const QFont& font);

} // namespace gantry::widgets
