#include "trace_model/import/import_report.h"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::importing {

void TableTally::skip(std::string_view reason, std::uint64_t count)
{
    if (count == 0)
        return;
    rows += count;
    const auto found = std::find_if(skipped.begin(), skipped.end(), [&](const SkippedRows& known) { return known.reason == reason; });
    if (found == skipped.end())
        skipped.push_back({std::string(reason), count});
    else
        found->count += count;
}

void TableTally::keep(std::uint64_t count)
{
    rows += count;
    kept += count;
}

void TableTally::merge(const TableTally& other)
{
    rows += other.kept;
    kept += other.kept;
    for (const SkippedRows& more : other.skipped)
        skip(more.reason, more.count);
}

TableTally& ImportReport::table(std::string_view name)
{
    const auto found = std::find_if(tables.begin(), tables.end(), [&](const TableTally& known) { return known.name == name; });
    if (found != tables.end())
        return *found;
    tables.push_back({std::string(name), 0, 0, {}});
    return tables.back();
}

std::string clockText(const ImportReport& report)
{
    std::string text = report.clock;
    const auto add = [&](const char* how) { text += fmt::format("{}{} Offset {}.", text.empty() ? "" : " ", how, formatDuration(report.offset)); };
    switch (report.alignment) {
    case Alignment::First: break;
    case Alignment::ByHand: add("Aligned by hand."); break;
    case Alignment::WallClock: add("Aligned by the wall clock that both files know."); break;
    case Alignment::MonotonicClock: add("Aligned by the machine's monotonic clock that both files know."); break;
    case Alignment::Starts: add("No clock that both files know: their first events are put together, which is a guess. Set the offset by hand."); break;
    }
    return text;
}

} // namespace gantry::importing
