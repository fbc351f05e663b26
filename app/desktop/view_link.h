#pragma once

#include "trace_model/base/result.h"
#include "trace_model/trace/trace_loader.h"

#include <QString>

#include <optional>
#include <string_view>
#include <vector>

namespace gantry::desktop {

/// A place in a report, as a command line names it.
struct ViewPlace
{
    std::optional<TimeRange> range; ///< from the report's start, as the ruler counts
    trace::EventId selected;        ///< or none

    [[nodiscard]] bool isEmpty() const { return !range && selected.isNone(); }
};

/// "12.5ms..14ms". Errors: BadInput, also where the end is not after the start.
[[nodiscard]] Result<TimeRange> parseViewRange(std::string_view text);
/// "kernel:12": the name of an event's kind and its row. Errors: BadInput.
[[nodiscard]] Result<trace::EventId> parseSelected(std::string_view text);

/// The command that opens these files at a place: `gantry --view START..END --select KIND:ROW FILE`, for a POSIX shell.
[[nodiscard]] QString viewCommand(const ViewPlace& place, const std::vector<trace::LoadFile>& files);

} // namespace gantry::desktop
