#include "trace_model/trace/file_alignment.h"

namespace gantry::trace {
namespace {

using importing::Alignment;

constexpr DurationNs kHour = DurationNs{3'600'000'000'000};
constexpr DurationNs kZoneStep = kHour / 4; // tz database: zones in use are whole quarters of an hour, from UTC-12 to UTC+14
constexpr DurationNs kWesternmost = -12 * kHour, kEasternmost = 14 * kHour;

/// How far two readings of one clock lie apart; nothing where one of them is unknown.
std::optional<DurationNs> between(std::int64_t from, std::int64_t to)
{
    constexpr DurationNs kFurthest = DurationNs{1} << 57; // apart by years: not of one recording
    DurationNs value = 0;
    const bool isKnown = from != 0 && to != 0 && !__builtin_sub_overflow(to, from, &value);
    return isKnown && value > -kFurthest && value < kFurthest ? std::optional(value) : std::nullopt;
}

/// Up to a second: logs write no more of a time.
bool overlap(TimeRange a, TimeRange b, DurationNs offsetOfB)
{
    constexpr DurationNs kResolution = 1'000'000'000;
    return a.start <= b.end + offsetOfB + kResolution && b.start + offsetOfB <= a.end + kResolution;
}

} // namespace

FileAlignment alignFiles(const importing::TraceMeta& first, TimeRange firstTime, const importing::TraceMeta& other, TimeRange otherTime)
{
    if (const auto wall = between(first.sessionUtcNs, other.sessionUtcNs)) {
        if (!first.isUtcOfUnknownZone && !other.isUtcOfUnknownZone)
            return {Alignment::WallClock, *wall, {}};
        if (first.isUtcOfUnknownZone && other.isUtcOfUnknownZone)
            return {Alignment::LocalTime, *wall, {}};
        const auto offsetWith = [&](DurationNs zone) { return first.isUtcOfUnknownZone ? *wall + zone : *wall - zone; };
        std::optional<DurationNs> found;
        int candidates = 0;
        for (DurationNs zone = kWesternmost; zone <= kEasternmost; zone += kZoneStep)
            if (overlap(firstTime, otherTime, offsetWith(zone))) {
                ++candidates;
                found = zone == 0 || !found ? zone : *found;
            }
        if (found && (*found == 0 || candidates == 1))
            return {Alignment::LocalTime, offsetWith(*found), *found};
    }
    if (const auto monotonic = between(first.sessionMonotonicNs, other.sessionMonotonicNs))
        return {Alignment::MonotonicClock, *monotonic, {}};
    return {Alignment::Starts, firstTime == TimeRange{} || otherTime == TimeRange{} ? 0 : firstTime.start - otherTime.start, {}};
}

} // namespace gantry::trace
