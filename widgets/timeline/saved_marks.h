#pragma once

#include "widgets/timeline/timeline_state.h"

#include <QJsonArray>

namespace gantry::widgets {

/// Text of a mark that is kept, in characters.
inline constexpr int kLongestMark = 120;

/// Marks as a file or the settings keep them, with times from the report's start.
[[nodiscard]] QJsonArray savedMarks(const trace::Trace& trace, const std::vector<TimelineMark>& marks);

/// The opposite. What makes no sense is left out.
[[nodiscard]] std::vector<TimelineMark> restoredMarks(const trace::Trace& trace, const QJsonArray& saved);

} // namespace gantry::widgets
