#include "trace_model/import/import_report.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

namespace gantry::importing {
namespace {

/// "UTC", "UTC+05:45".
std::string zoneText(DurationNs aheadOfUtc)
{
    constexpr DurationNs kMinute = DurationNs{60'000'000'000};
    const DurationNs minutes = std::abs(aheadOfUtc / kMinute);
    return minutes == 0 ? "UTC" : fmt::format("UTC{}{:02}:{:02}", aheadOfUtc < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

/// Adds to the rows of a reason.
void countRows(std::vector<SkippedRows>& rows, std::string_view reason, std::uint64_t more)
{
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const SkippedRows& known) { return known.reason == reason; });
    if (found == rows.end())
        rows.push_back({std::string(reason), more});
    else
        found->count += more;
}

} // namespace

void TableTally::skip(std::string_view reason, std::uint64_t count)
{
    if (count == 0)
        return;
    rows += count;
    countRows(skipped, reason, count);
}

void TableTally::keep(std::uint64_t count)
{
    rows += count;
    kept += count;
}

void TableTally::reduce(std::string_view reason, std::uint64_t count)
{
    if (count > 0)
        countRows(reduced, reason, count);
}

void TableTally::merge(const TableTally& other)
{
    rows += other.kept;
    kept += other.kept;
    for (const SkippedRows& more : other.skipped)
        skip(more.reason, more.count);
    for (const SkippedRows& more : other.reduced)
        reduce(more.reason, more.count);
}

TableTally& ImportReport::table(std::string_view name)
{
    const auto found = std::find_if(tables.begin(), tables.end(), [&](const TableTally& known) { return known.name == name; });
    if (found != tables.end())
        return *found;
    tables.push_back({std::string(name), 0, 0, {}, {}});
    return tables.back();
}

std::string alignmentText(const ImportReport& report)
{
    switch (report.alignment) {
    case Alignment::First:
        break;
    case Alignment::ByHand:
        return "Aligned by hand.";
    case Alignment::WallClock:
        return "Aligned by the wall clock that both files know.";
    case Alignment::MonotonicClock:
        return "Aligned by the machine's monotonic clock that both files know.";
    case Alignment::LocalTime:
        if (!report.zone)
            return "Aligned by the local times of both files, taken to be of one time zone. Set the offset by hand (--offset) if they are "
                   "not.";
        return fmt::format(
            "Aligned by the wall clock, with the local time whose zone is not known taken as {}: the recordings overlap then. "
            "Set the offset by hand (--offset) if it is another.",
            zoneText(*report.zone));
    case Alignment::SharedClock:
        return fmt::format("Aligned by the clock that both nodes were measured against when their windows were opened together, to ±{}.",
                           formatDuration(report.alignmentErrorNs.value_or(0)));
    case Alignment::Starts:
        return "No clock that both files know: their first events are put together, which is a guess. Set the offset by hand (--offset).";
    }
    return {};
}

std::string clockText(const ImportReport& report)
{
    const std::string alignment = alignmentText(report);
    if (alignment.empty())
        return report.clock;
    return fmt::format("{}{}{} Offset {}.", report.clock, report.clock.empty() ? "" : " ", alignment, formatDuration(report.offset));
}

} // namespace gantry::importing
