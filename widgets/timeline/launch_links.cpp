#include "widgets/timeline/launch_links.h"

#include "trace_model/analysis/request_join.h"
#include "widgets/theme/format.h"
#include "widgets/timeline/lane_layout.h"

#include <QCoreApplication>
#include <QFontMetrics>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <array>
#include <cmath>

namespace gantry::widgets {

namespace {

using trace::EventId;
using trace::TrackId;

constexpr std::size_t kMostArrows = 64; // more cannot be followed by eye
constexpr int kWidestMarker = 240;      // px
constexpr int kMarkerHeight = 18, kMarkerPadding = 6, kMarkerMargin = 3;
constexpr double kHead = 7;   // px: length of an arrow's head
constexpr double kBend = 0.5; // of the distance along the axis

QString tr(const char* text)
{
    return QCoreApplication::translate("gantry::widgets::LaunchLinks", text);
}

enum class Side : std::uint8_t
{
    Seen,
    Left,
    Right,
    Above,
    Below,
    Folded ///< in the row that it is folded into
};

struct End
{
    QPointF point; ///< inside the rows
    Side side = Side::Seen;
};

/// The row that shows a place, else the nearest one that it is folded into, or null.
const TimelineRow* rowFor(const TimelineState& state, const std::vector<EventPlace>& places, const EventPlace*& shown)
{
    shown = nullptr;
    for (const EventPlace& place : places) {
        const TimelineRow* row = state.layout.rowOf(place.track);
        if (row && !row->isCollapsed) {
            shown = &place;
            return row;
        }
    }
    for (const EventPlace& place : places)
        for (TrackId track = place.track; !track.isNone(); track = state.trace->track(track).parent)
            if (const TimelineRow* row = state.layout.rowOf(track))
                return row;
    return nullptr;
}

End endOf(const TimelineState& state, TimestampNs time, const std::vector<EventPlace>& places)
{
    const QRect area = state.geometry.rows();
    const double x = area.left() + state.axis().toX(time);
    const EventPlace* place = nullptr;
    const TimelineRow* row = rowFor(state, places, place);
    const int top = row ? clipTop(state, *row) : area.top();
    double y = area.bottom(); // hidden with all above it
    if (row)
        y = place ? screenY(state, row->depthY(place->depth)) + row->depthPaintedHeight() / 2.0
                  : screenY(state, row->y) + row->height / 2.0;
    End end;
    end.point = {std::clamp<double>(x, area.left(), area.right()), std::clamp<double>(y, top, area.bottom())};
    if (x < area.left())
        end.side = Side::Left;
    else if (x > area.right())
        end.side = Side::Right;
    else if (y < top)
        end.side = Side::Above;
    else if (y > area.bottom() || !row)
        end.side = Side::Below;
    else if (!place)
        end.side = Side::Folded;
    return end;
}

QString withDirection(Side side, const QString& text)
{
    switch (side) {
    case Side::Left:
        return QStringLiteral("◂ ") + text;
    case Side::Right:
        return text + QStringLiteral(" ▸");
    case Side::Above:
        return QStringLiteral("▴ ") + text;
    case Side::Below:
        return QStringLiteral("▾ ") + text;
    case Side::Folded:
        return QStringLiteral("▸ ") + text;
    case Side::Seen:
        break;
    }
    return text;
}

LinkMarker markerAt(const TimelineState& state, const End& end, EventId event, std::size_t count, const QFontMetrics& metrics)
{
    const QRect area = state.geometry.rows().adjusted(kMarkerMargin, kMarkerMargin, -kMarkerMargin, -kMarkerMargin);
    const QString more = count > 1 ? tr(" +%1").arg(formatCount(count - 1)) : QString();
    const int room = std::min(kWidestMarker, area.width()) - metrics.horizontalAdvance(more) - 2 * kMarkerPadding;
    // A phase stands for its request, whichever of its phases it is.
    const QString whole = event.kind() == trace::EventKind::Phase
                              ? tr("request %1").arg(state.trace->requests[state.trace->phases.request[event.row()].value].id)
                              : toQString(state.trace->nameOf(event));
    const QString name = metrics.elidedText(whole, Qt::ElideRight, room - 2 * kMarkerPadding);
    const QString text = withDirection(end.side, name + more);
    const int width = metrics.horizontalAdvance(text) + 2 * kMarkerPadding;
    const QPoint at = end.point.toPoint();
    const int left =
        std::clamp(end.side == Side::Folded ? at.x() : at.x() - width / 2, area.left(), std::max(area.left(), area.right() - width));
    const int top = std::clamp(at.y() - kMarkerHeight / 2, area.top(), std::max(area.top(), area.bottom() - kMarkerHeight));
    return {{left, top, width, kMarkerHeight}, text, event};
}

/// Whether the selected event is in view; of a request, anything that stands out but its peers.
bool isSelectionSeen(const TimelineState& state)
{
    const QRect area = state.geometry.rows();
    const EventId selected = state.highlights.back().event;
    const bool isRequest = selected.kind() == trace::EventKind::Phase;
    return std::any_of(state.laneHighlights.begin(), state.laneHighlights.end(), [&](const LaneHighlight& lane) {
        if (isRequest ? lane.event.kind() == trace::EventKind::Phase && !lane.isSelected : lane.event != selected)
            return false;
        if (lane.time.end < state.view.start || lane.time.start >= state.view.end)
            return false;
        const TimelineRow* row = state.layout.rowOf(lane.track);
        if (!row || (row->isCollapsed && lane.depth > 0))
            return false;
        const int y = row->isCollapsed ? screenY(state, row->y) : screenY(state, row->depthY(lane.depth));
        const int height = row->isCollapsed ? row->height : row->depthPaintedHeight();
        return y + height > clipTop(state, *row) && y <= area.bottom();
    });
}

/// Names the selected event where it lies outside the view.
LinkMarker selectionMarker(const TimelineState& state, const QFontMetrics& metrics)
{
    const HighlightedEvent& selected = state.highlights.back();
    const TimeRange time = state.trace->timeOf(selected.event);
    // The nearest part of it: what reaches into the view is above or below.
    const TimestampNs nearest = std::clamp(state.view.start + state.view.duration() / 2, time.start, time.end);
    return markerAt(state, endOf(state, nearest, selected.places), selected.event, 1, metrics);
}

} // namespace

std::vector<LaunchLink> launchLinks(const trace::Trace& trace, EventId selected)
{
    std::vector<LaunchLink> links;
    if (selected.isNone())
        return links;
    const auto add = [&](EventId call, EventId work) { links.push_back({call, work, placesOf(trace, call), placesOf(trace, work)}); };
    if (const EventId call = analysis::launchOf(trace, selected); !call.isNone()) {
        add(call, selected);
        return links;
    }
    auto works = analysis::launchedBy(trace, selected);
    if (works.size() > kMostArrows)
        works.resize(kMostArrows);
    for (const EventId work : works)
        add(selected, work);
    return links;
}

LinkPicture linkPicture(const TimelineState& state, const QFont& font)
{
    LinkPicture picture;
    if (state.highlights.empty() || state.geometry.rows().isEmpty())
        return picture;
    const QFontMetrics metrics(font);
    if (!isSelectionSeen(state)) {
        picture.markers.push_back(selectionMarker(state, metrics));
        return picture;
    }
    const trace::Trace& trace = *state.trace;
    struct Unseen
    {
        End end;
        EventId event;
        std::size_t count = 0;
    };
    std::array<Unseen, 6> unseen; // by side: those that lie the same way share a marker
    for (const LaunchLink& link : state.links) {
        const End from = endOf(state, trace.timeOf(link.call).end, link.callPlaces),
                  to = endOf(state, trace.timeOf(link.work).start, link.workPlaces);
        const bool isCallSelected = link.call == state.selected;
        const End &here = isCallSelected ? from : to, &there = isCallSelected ? to : from;
        // The selected event may be long: it is seen when any part of it is.
        const TimeRange time = trace.timeOf(state.selected);
        const bool isInTime = time.end >= state.view.start && time.start < state.view.end;
        if (here.side == Side::Above || here.side == Side::Below || here.side == Side::Folded || !isInTime)
            return {};
        if (there.side != Side::Seen) {
            Unseen& same = unseen[static_cast<std::size_t>(there.side)];
            if (same.count++ > 0)
                continue;
            same.end = there;
            same.event = isCallSelected ? link.work : link.call;
        }
        picture.arrows.push_back({from.point, to.point});
    }
    for (const Unseen& each : unseen)
        if (each.count > 0)
            picture.markers.push_back(markerAt(state, each.end, each.event, each.count, metrics));
    return picture;
}

void paintLinks(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts)
{
    const LinkPicture picture = linkPicture(state, fonts.small);
    if (picture.arrows.empty() && picture.markers.empty())
        return;
    const Theme& theme = *state.theme;
    painter.save();
    painter.setClipRect(state.geometry.rows(), Qt::IntersectClip);
    painter.setRenderHint(QPainter::Antialiasing, true);
    for (const LinkArrow& arrow : picture.arrows) {
        const double bend = std::max(24.0, std::abs(arrow.to.x() - arrow.from.x()) * kBend);
        QPainterPath path(arrow.from);
        path.cubicTo(arrow.from + QPointF(bend, 0), arrow.to - QPointF(bend, 0), arrow.to - QPointF(kHead - 1, 0));
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(theme.canvas, 4)); // stands off from what lies below
        painter.drawPath(path);
        painter.setPen(QPen(theme.selection, 1.6));
        painter.drawPath(path);
        QPainterPath head(arrow.to);
        head.lineTo(arrow.to + QPointF(-kHead, -kHead * 0.6));
        head.lineTo(arrow.to + QPointF(-kHead, kHead * 0.6));
        head.closeSubpath();
        painter.setPen(QPen(theme.canvas, 1));
        painter.setBrush(theme.selection);
        painter.drawPath(head);
        painter.drawEllipse(arrow.from, 3, 3);
    }
    painter.setFont(fonts.small);
    for (const LinkMarker& marker : picture.markers) {
        painter.setPen(QPen(theme.canvas, 1));
        painter.setBrush(theme.selection);
        painter.drawRoundedRect(QRectF(marker.box).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
        painter.setPen(theme.canvas);
        painter.drawText(marker.box, Qt::AlignCenter, marker.text);
    }
    painter.restore();
}

} // namespace gantry::widgets
