#include "trace_model/trace/file_alignment.h"

#include "trace_model/report/meta_keys.h"
#include "trace_model/trace/trace.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

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

std::optional<std::int64_t> number(const importing::TraceMeta& meta, const char* key)
{
    const auto found = meta.settings.find(key);
    if (found == meta.settings.end())
        return std::nullopt;
    const std::string& text = found->second;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// Where a file's time 0 lies on the clock of its session of several nodes.
struct SharedTime
{
    std::string session;
    std::int64_t zero = 0;
    DurationNs errorNs = 0;
};

std::optional<SharedTime> sharedTime(const importing::TraceMeta& meta)
{
    namespace key = report::meta;
    const auto session = meta.settings.find(key::kNodeSession);
    const auto offset = number(meta, key::kSharedClockOffsetNs), error = number(meta, key::kSharedClockErrorNs);
    SharedTime shared;
    if (session == meta.settings.end() || !offset || !error || *error < 0 || meta.sessionMonotonicNs == 0 ||
        __builtin_add_overflow(meta.sessionMonotonicNs, *offset, &shared.zero))
        return std::nullopt;
    shared.session = session->second;
    shared.errorNs = *error;
    return shared;
}

/// Each file's error counts: they are of measurements apart.
std::optional<FileAlignment> alignBySharedClock(const importing::TraceMeta& first, const importing::TraceMeta& other)
{
    const auto a = sharedTime(first), b = sharedTime(other);
    if (!a || !b || a->session != b->session)
        return std::nullopt;
    const auto offset = between(a->zero, b->zero);
    DurationNs error = 0;
    if (!offset || __builtin_add_overflow(a->errorNs, b->errorNs, &error))
        return std::nullopt;
    return FileAlignment{Alignment::SharedClock, *offset, {}, error};
}

} // namespace

FileAlignment alignFiles(const importing::TraceMeta& first, TimeRange firstTime, const importing::TraceMeta& other, TimeRange otherTime)
{
    if (const auto shared = alignBySharedClock(first, other))
        return *shared;
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

std::optional<DurationNs> errorBetweenNodes(const Trace& trace)
{
    std::optional<DurationNs> worst, second; // each file's is against the first one: two others may be apart by both
    for (const importing::ImportReport& file : trace.imports) {
        if (!file.alignmentErrorNs)
            continue;
        second = std::max(second.value_or(0), std::min(worst.value_or(0), *file.alignmentErrorNs));
        worst = std::max(worst.value_or(0), *file.alignmentErrorNs);
    }
    return worst ? std::optional(*worst + *second) : std::nullopt;
}

} // namespace gantry::trace
