#include "widgets/timeline/minimap_painter.h"

#include "trace_model/trace/visible_spans.h"
#include "widgets/timeline/row_arrangement.h"

#include <QPainter>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

using trace::Trace;
using trace::TrackKind;

constexpr int kNarrowestView = 3; // px
constexpr int kHandleWidth = 5, kHandleHeight = 14;
constexpr int kMatchHeight = 6;

TimeAxis wholeAxis(const TimelineState& state)
{
    return {state.trace->time, state.geometry.plotWidth()};
}

TrackKind sourceOf(const Trace& trace)
{
    for (const TrackKind kind :
         {TrackKind::GpuStream, TrackKind::Executions, TrackKind::RequestLanes, TrackKind::NvtxThread, TrackKind::NvtxAsync})
        if (std::any_of(trace.tracks.begin(), trace.tracks.end(), [kind](const trace::Track& track) { return track.kind == kind; }))
            return kind;
    return TrackKind::ThreadApi;
}

} // namespace

std::vector<float> minimapActivity(const Trace& trace, int widthPx)
{
    std::vector<float> columns(static_cast<std::size_t>(std::max(0, widthPx)));
    if (columns.empty() || trace.time.isEmpty())
        return columns;
    const TrackKind source = sourceOf(trace);
    const TimeAxis axis(trace.time, widthPx);
    std::vector<trace::VisibleSpan> spans;
    for (std::uint32_t t = 0; t < trace.tracks.size(); ++t) {
        if (trace.tracks[t].kind != source)
            continue;
        if (requestOrderOf(trace, trace::TrackId(t)).value_or(RequestOrder::Packed) != RequestOrder::Packed)
            continue; // the same requests once more
        trace::visibleSpans(trace, trace::TrackId(t), 0, trace.time, widthPx, spans);
        for (const trace::VisibleSpan& span : spans) {
            const double left = std::max(0.0, axis.toX(span.time.start));
            const double right = std::min<double>(widthPx, axis.toX(span.time.end));
            const DurationNs length = span.time.duration();
            const double busy = length > 0 ? static_cast<double>(std::min(span.busy, length)) / static_cast<double>(length) : 0;
            for (int x = static_cast<int>(left); x < widthPx && x < right; ++x)
                columns[static_cast<std::size_t>(x)] +=
                    static_cast<float>(busy * (std::min<double>(x + 1, right) - std::max<double>(x, left)));
        }
    }
    const float most = *std::max_element(columns.begin(), columns.end());
    if (most > 0) {
        for (float& column : columns)
            column /= most;
    }
    return columns;
}

std::pair<int, int> minimapView(const TimelineState& state)
{
    const QRect area = state.geometry.minimap();
    const TimeAxis whole = wholeAxis(state);
    const int left = area.left() + static_cast<int>(std::clamp(whole.toX(state.view.start), 0.0, static_cast<double>(area.width())));
    const int right =
        area.left() + static_cast<int>(std::clamp(std::ceil(whole.toX(state.view.end)), 0.0, static_cast<double>(area.width())));
    return {left, std::max(left + kNarrowestView, right)};
}

void paintMinimapActivity(QPainter& painter, const TimelineState& state, const std::vector<float>& activity)
{
    const QRect area = state.geometry.minimap();
    painter.fillRect(area, state.theme->header);
    const int base = area.bottom() - 2;
    const int tallest = area.height() - 8;
    for (int x = 0; x < static_cast<int>(activity.size()) && x < area.width(); ++x) {
        const float share = activity[static_cast<std::size_t>(x)];
        // What is there at all is seen.
        const int height = share > 0 ? std::max(1, static_cast<int>(std::lround(share * static_cast<float>(tallest)))) : 0;
        if (height > 0)
            painter.fillRect(area.left() + x, base - height, 1, height, state.theme->counter());
    }
    const TimeAxis whole = wholeAxis(state);
    int last = -1; // one mark a pixel, however many matches there are
    for (const TimestampNs match : state.matches) {
        const int x = static_cast<int>(whole.toX(match));
        if (x != last)
            painter.fillRect(area.left() + x, area.top() + 1, 1, kMatchHeight, state.theme->match);
        last = x;
    }
}

void paintMinimapView(QPainter& painter, const TimelineState& state)
{
    const QRect area = state.geometry.minimap();
    const Theme& theme = *state.theme;
    const auto [left, right] = minimapView(state);
    QColor veil = theme.window;
    veil.setAlpha(theme.scheme == ColorScheme::Dark ? 170 : 190);
    painter.fillRect(QRect(area.left(), area.top(), left - area.left(), area.height()), veil);
    painter.fillRect(QRect(right, area.top(), std::max(0, area.right() - right + 1), area.height()), veil);
    const int shownRight = std::min(right, area.right());
    painter.setPen(theme.accent);
    painter.drawRect(QRect(left, area.top(), shownRight - left, area.height() - 2));
    if (shownRight - left < 6 * kHandleWidth)
        return; // too narrow to be held by its edges
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, true);
    painter.setBrush(theme.accent);
    painter.setPen(Qt::NoPen);
    for (const int x : {left, shownRight - kHandleWidth + 1})
        painter.drawRoundedRect(QRectF(x, area.center().y() - kHandleHeight / 2, kHandleWidth, kHandleHeight), 2, 2);
    painter.restore();
}

void paintMinimapBrush(QPainter& painter, const TimelineState& state)
{
    if (!state.brush)
        return;
    const QRect area = state.geometry.minimap();
    const TimeAxis whole = wholeAxis(state);
    const int left = area.left() + static_cast<int>(whole.toX(state.brush->start));
    const int right = area.left() + static_cast<int>(whole.toX(state.brush->end));
    QColor fill = state.theme->accent;
    fill.setAlpha(70);
    painter.fillRect(QRect(left, area.top(), std::max(1, right - left), area.height() - 1), fill);
    painter.setPen(state.theme->accent);
    painter.drawLine(left, area.top(), left, area.bottom() - 1);
    painter.drawLine(right, area.top(), right, area.bottom() - 1);
}

} // namespace gantry::widgets
