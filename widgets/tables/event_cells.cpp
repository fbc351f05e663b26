#include "widgets/tables/event_cells.h"

#include "widgets/theme/format.h"
#include "widgets/timeline/event_text.h"

#include <QCoreApplication>
#include <QStringList>

namespace gantry::widgets {
namespace {

using trace::EventId;
using trace::Trace;

constexpr std::size_t kStopCheckMask = 0xFFF; // a look at the token each 4 096 lines

QString tr(const char* text)
{
    return QCoreApplication::translate("gantry::widgets::EventCells", text);
}

} // namespace

QString eventColumnTitle(EventColumn column, CellText text)
{
    const bool isShown = text == CellText::Shown;
    switch (column) {
    case EventColumn::Start:
        return isShown ? tr("Start") : QStringLiteral("start_ns");
    case EventColumn::Duration:
        return isShown ? tr("Duration") : QStringLiteral("duration_ns");
    case EventColumn::Kind:
        return isShown ? tr("Kind") : QStringLiteral("kind");
    case EventColumn::Name:
        return isShown ? tr("Name") : QStringLiteral("name");
    case EventColumn::Place:
        return isShown ? tr("Stream, thread or model") : QStringLiteral("place");
    }
    return {};
}

QString eventCell(const Trace& trace, EventId event, EventColumn column, CellText text)
{
    const TimeRange time = trace.timeOf(event);
    const bool isShown = text == CellText::Shown;
    switch (column) {
    case EventColumn::Start:
        return isShown ? formatTime(time.start - trace.time.start, 1000) : QString::number(time.start - trace.time.start);
    case EventColumn::Duration:
        if (!isShown)
            return QString::number(time.duration());
        return time.duration() > 0 ? formatDuration(time.duration()) : QString();
    case EventColumn::Kind:
        return isShown ? eventTitle(trace, event) : toQString(trace::name(event.kind()));
    case EventColumn::Name:
        return eventLabel(trace, event);
    case EventColumn::Place:
        return placeText(trace, event);
    }
    return {};
}

QString eventsText(const Trace& trace, std::span<const EventId> events, std::span<const EventColumn> columns, CopyFormat format,
                   const std::stop_token& stop)
{
    const CellText as = format == CopyFormat::Markdown ? CellText::Shown : CellText::Number;
    QStringList cells, rules;
    for (const EventColumn column : columns) {
        cells << eventColumnTitle(column, as);
        rules << (isNumeric(column) ? QStringLiteral("---:") : QStringLiteral("---"));
    }
    QString text = copiedLine(cells, format);
    if (format == CopyFormat::Markdown)
        text += copiedLine(rules, format);
    for (std::size_t i = 0; i < events.size(); ++i) {
        if ((i & kStopCheckMask) == 0 && stop.stop_requested())
            return {};
        cells.clear();
        for (const EventColumn column : columns)
            cells << eventCell(trace, events[i], column, as);
        text += copiedLine(cells, format);
    }
    return text;
}

} // namespace gantry::widgets
