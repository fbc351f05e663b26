#pragma once

#include "trace_model/base/time.h"

#include <QString>

#include <cstdint>
#include <string_view>

namespace gantry::widgets {

[[nodiscard]] inline QString toQString(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

/// "1.8 MiB", "512 B": binary units, two digits at least.
[[nodiscard]] QString formatBytes(std::uint64_t bytes);

/// "12 345": thin groups of three, so that long counts can be compared at a glance.
[[nodiscard]] QString formatCount(std::uint64_t count);

/// "1.235 ms", as gantry::formatDuration; from a minute on "5 min 12 s", from an hour on "1 h 27 min".
[[nodiscard]] QString formatDuration(DurationNs duration);

/// The same with all of its seconds, to a ms: "5 min 12.034 s", for where one length is looked at.
[[nodiscard]] QString formatDurationExactly(DurationNs duration);

/// A point in time with the digits that tell it from its neighbours `stepNs` away: "1.234 567 s", "12.5 ms".
[[nodiscard]] QString formatTime(TimestampNs time, DurationNs stepNs);

/// The same as a clock reads it, for times of hours and days: "2:03:07", "1 d 02:00:00"; fractions of seconds where `stepNs` is one.
[[nodiscard]] QString formatClock(TimestampNs time, DurationNs stepNs);

/// A number with about so many significant digits and no exponent below a billion: "0.0123", "12.35", "18 240". Whole digits
/// are never rounded away.
[[nodiscard]] QString formatNumber(double value, int significant = 4);

/// "12.3 %" of a ratio 0..1.
[[nodiscard]] QString formatPercent(double ratio);

} // namespace gantry::widgets
