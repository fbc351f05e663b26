#pragma once

#include "trace_model/trace/trace.h"

#include <QString>

#include <variant>
#include <vector>

namespace gantry::widgets {

/// Where a line of details leads to when it is activated; monostate: nowhere.
using DetailLink = std::variant<std::monostate, trace::EventId, trace::RequestIndex>;

struct DetailLine
{
    QString name;
    QString value;
    DetailLink link;
};

/// A heading with its lines.
struct DetailSection
{
    QString title;
    std::vector<DetailLine> lines;
};

/// Everything the report says about an event: its columns, what launched it, the requests it worked for. Any thread.
[[nodiscard]] std::vector<DetailSection> eventDetails(const trace::Trace& trace, trace::EventId event);

/// A request: where its time went and how that compares with its peers, the batch that served it, what ran for it. Any thread.
[[nodiscard]] std::vector<DetailSection> requestDetails(const trace::Trace& trace, trace::RequestIndex request);

/// The report itself: producer, machine, settings, losses and warnings. Any thread.
[[nodiscard]] std::vector<DetailSection> reportDetails(const trace::Trace& trace);

} // namespace gantry::widgets
