#include "widgets/timeline/counter_painter.h"

#include "widgets/theme/format.h"
#include "widgets/timeline/lane_layout.h"
#include "widgets/timeline/pixel_blend.h"

#include <QFont>
#include <QFontMetrics>
#include <QImage>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

constexpr double kFillShare = 0.28;    // of the curve's colour below it
constexpr double kFaintestHeat = 0.08; // of it at the axis's lower end: present, and not absent
constexpr int kAxisMargin = 6;         // px between the labels of the axis and the curve

/// What a counter is drawn with.
struct CounterColors
{
    QRgb line;
    QRgb grid;

    explicit CounterColors(const Theme& theme) : line(theme.counter().rgb()), grid(theme.gridLine.rgb()) {}
    [[nodiscard]] QRgb over(QRgb background, double share) const
    {
        return blended(background, line, static_cast<std::uint32_t>(share * 255));
    }
};

/// Where a share of the axis lies between two rows of pixels.
int yOf(float share, int top, int bottom)
{
    return bottom - static_cast<int>(std::lround(share * static_cast<float>(bottom - top)));
}

CounterStyle styleOf(const TimelineState& state, const TimelineRow& row)
{
    // A collapsed row is too low for a curve.
    return row.isCollapsed ? CounterStyle::Heat : state.counterStyles[row.track.value];
}

bool hasAxis(const TimelineState& state, const TimelineRow& row)
{
    const ValueAxis& axis = state.counterAxes[row.track.value];
    return !row.isCollapsed && axis.max > axis.min;
}

QString topText(const TimelineState& state, const TimelineRow& row)
{
    return counterText(state.trace->track(row.track).counter, state.counterAxes[row.track.value].max);
}

} // namespace

QString counterText(const trace::CounterColumns& counter, double value)
{
    constexpr double kTooMuch = 1e18; // bytes
    if (counter.unit == kBytesUnit && std::abs(value) < kTooMuch)
        return (value < 0 ? QStringLiteral("−") : QString()) + formatBytes(static_cast<std::uint64_t>(std::llround(std::abs(value))));
    QString unit = toQString(counter.unit);
    const QString number = formatNumber(value);
    if (number == QLatin1String("1") && (unit == QLatin1String("requests") || unit == QLatin1String("instances")))
        unit.chop(1);
    return unit.isEmpty() ? number : QStringLiteral("%1 %2").arg(number, unit);
}

void drawCounter(QImage& image, const TimelineState& state, const TimelineRow& row, int left, qreal pixelRatio)
{
    const int width = image.width() - left;
    const auto columns = counterColumns(state, row.track, width);
    const CounterColors colors(*state.theme);
    const CounterStyle style = styleOf(state, row);
    const CounterBand band = bandOf(row);
    const int rowTop = screenY(state, row.y);
    const auto device = [pixelRatio](int y) { return static_cast<int>(std::lround(y * pixelRatio)); };
    const int top = device(rowTop + band.top), bottom = device(rowTop + band.bottom);
    const int firstY = std::max(top, device(clipTop(state, row))), endY = std::min(bottom + 1, image.height());
    if (firstY >= endY || width <= 0)
        return;

    const auto* const background = reinterpret_cast<const QRgb*>(image.constScanLine(firstY)) + left;
    if (style == CounterStyle::Heat) {
        std::vector<QRgb> line(background, background + width);
        for (std::size_t x = 0; x < columns.size(); ++x)
            if (columns[x].isPresent())
                line[x] = colors.over(line[x], kFaintestHeat + (1 - kFaintestHeat) * static_cast<double>(columns[x].high));
        for (int y = firstY; y < endY; ++y)
            std::copy(line.begin(), line.end(), reinterpret_cast<QRgb*>(image.scanLine(y)) + left);
        return;
    }

    struct Extent
    {
        int lineTop, lineBottom; ///< rows of pixels of the curve
        int fillTop, fillBottom; ///< and of the area between it and 0
    };
    const int zero = yOf(static_cast<float>(shareOf(state.counterAxes[row.track.value], 0)), top, bottom);
    std::vector<Extent> extents(columns.size(), {1, 0, 1, 0});
    const int thickness = std::max(1, static_cast<int>(std::lround(pixelRatio)));
    for (std::size_t x = 0; x < columns.size(); ++x) {
        const CounterColumn& column = columns[x];
        if (!column.isPresent())
            continue;
        const int y = yOf(column.last, top, bottom);
        extents[x] = {yOf(column.high, top, bottom), yOf(column.low, top, bottom) + thickness - 1, std::min(y, zero), std::max(y, zero)};
    }
    const bool isFilled = style == CounterStyle::Area;
    std::vector<QRgb> filled(static_cast<std::size_t>(width));
    for (int x = 0; x < width; ++x)
        filled[static_cast<std::size_t>(x)] = colors.over(background[x], kFillShare);
    for (int y = firstY; y < endY; ++y) {
        auto* const line = reinterpret_cast<QRgb*>(image.scanLine(y)) + left;
        const bool isGrid = y == top || y == (top + bottom) / 2 || y == zero;
        for (std::size_t x = 0; x < extents.size(); ++x) {
            const Extent& extent = extents[x];
            if (y >= extent.lineTop && y <= extent.lineBottom)
                line[x] = colors.line;
            else if (isFilled && y >= extent.fillTop && y <= extent.fillBottom)
                line[x] = filled[x];
            else if (isGrid)
                line[x] = colors.grid;
        }
    }
}

void paintCounter(QPainter& painter, const TimelineState& state, const TimelineRow& row)
{
    const QRect area = state.geometry.rows();
    const auto columns = counterColumns(state, row.track, area.width());
    const Theme& theme = *state.theme;
    const CounterStyle style = styleOf(state, row);
    const CounterBand band = bandOf(row);
    const int top = screenY(state, row.y) + band.top, bottom = screenY(state, row.y) + band.bottom;
    const int zero = yOf(static_cast<float>(shareOf(state.counterAxes[row.track.value], 0)), top, bottom);
    QColor fill = theme.counter();
    fill.setAlphaF(static_cast<float>(kFillShare));
    if (style != CounterStyle::Heat) {
        for (const int y : {top, (top + bottom) / 2, zero})
            painter.fillRect(area.left(), y, area.width(), 1, theme.gridLine);
    }
    // Columns of one look are one shape: a document of a long silence or a constant stays small.
    for (std::size_t x = 0, end; x < columns.size(); x = end) {
        const CounterColumn& column = columns[x];
        end = x + 1;
        while (end < columns.size() && columns[end].last == column.last && columns[end].low == column.low &&
               columns[end].high == column.high)
            ++end;
        if (!column.isPresent())
            continue;
        const int left = area.left() + static_cast<int>(x), width = static_cast<int>(end - x);
        if (style == CounterStyle::Heat) {
            QColor heat = theme.counter();
            heat.setAlphaF(static_cast<float>(kFaintestHeat + (1 - kFaintestHeat) * static_cast<double>(column.high)));
            painter.fillRect(left, top, width, bottom - top + 1, heat);
            continue;
        }
        const int y = yOf(column.last, top, bottom);
        if (style == CounterStyle::Area)
            painter.fillRect(left, std::min(y, zero), width, std::abs(zero - y) + 1, fill);
        const int high = yOf(column.high, top, bottom);
        painter.fillRect(left, high, width, yOf(column.low, top, bottom) - high + 1, theme.counter());
    }
}

void paintValueAxis(QPainter& painter, const TimelineState& state, const TimelineRow& row, const QFont& font)
{
    const ValueAxis& axis = state.counterAxes[row.track.value];
    if (!hasAxis(state, row))
        return;
    const QFontMetrics metrics(font);
    const CounterBand band = bandOf(row);
    const int y = screenY(state, row.y);
    const int right = state.geometry.headerWidth - kAxisMargin;
    painter.setFont(font);
    painter.setPen(state.theme->weakText);
    const auto draw = [&](const QString& text, int middle) {
        const int half = metrics.height() / 2;
        const int kept = std::clamp(middle, y + half, y + row.height - half - 1);
        painter.drawText(QRect(kAxisMargin, kept - half, right - kAxisMargin, 2 * half), Qt::AlignRight | Qt::AlignVCenter, text);
    };
    draw(topText(state, row), y + band.top);
    draw(axis.min == 0 ? QStringLiteral("0") : counterText(state.trace->track(row.track).counter, axis.min), y + band.bottom);
}

int valueAxisWidth(const TimelineState& state, const TimelineRow& row, const QFont& font)
{
    return hasAxis(state, row) ? QFontMetrics(font).horizontalAdvance(topText(state, row)) + kAxisMargin : 0;
}

} // namespace gantry::widgets
