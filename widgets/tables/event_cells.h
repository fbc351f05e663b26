#pragma once

#include "trace_model/trace/trace.h"
#include "widgets/tables/table_copy.h"

#include <QString>

#include <span>
#include <stop_token>

namespace gantry::widgets {

/// What a table of events says about each.
enum class EventColumn
{
    Start,
    Duration,
    Kind,
    Name,
    Place,
};
inline constexpr int kEventColumnCount = 5;

/// How a cell is written.
enum class CellText
{
    Shown,  ///< for people, with a unit
    Number, ///< for programs: ns, and names that scripts know
};

/// "Duration", or "duration_ns".
[[nodiscard]] QString eventColumnTitle(EventColumn column, CellText text);
/// Any thread.
[[nodiscard]] QString eventCell(const trace::Trace& trace, trace::EventId event, EventColumn column, CellText text);
/// Whether numbers stand in it, which are read from the right.
[[nodiscard]] constexpr bool isNumeric(EventColumn column)
{
    return column == EventColumn::Start || column == EventColumn::Duration;
}

/// Rows of a table of events with a line of headers, of the columns in their order. Any thread; empty when asked to stop.
[[nodiscard]] QString eventsText(const trace::Trace& trace, std::span<const trace::EventId> events, std::span<const EventColumn> columns,
                                 CopyFormat format, const std::stop_token& stop = {});

} // namespace gantry::widgets
