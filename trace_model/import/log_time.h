#pragma once

#include "trace_model/base/time.h"

#include <optional>
#include <string_view>

namespace gantry::importing {

/// A time as a log writes it: without a zone, and perhaps without a year or a day.
struct LogTime
{
    TimestampNs time = 0;          ///< ns since 1970, read as UTC; without a year those of 2000, without a day the 1st of January
    DurationNs resolution = 0;     ///< what the last digit stands for
    bool hasDate = false;          ///< day, month and year are written
};

/// The first hh:mm:ss[.fraction] of a text with the date in front of it: YYYY-MM-DD, MM-DD-YYYY, MM/DD/YYYY, MM-DD, or none.
/// Nothing when there is none, or the date is none (month 13).
[[nodiscard]] std::optional<LogTime> findLogTime(std::string_view text);

} // namespace gantry::importing
