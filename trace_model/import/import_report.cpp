#include "trace_model/import/import_report.h"

#include <algorithm>

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

std::string_view name(Alignment alignment)
{
    switch (alignment) {
    case Alignment::Alone: return "alone";
    case Alignment::ByHand: return "by hand";
    case Alignment::WallClock: return "wall clock";
    case Alignment::MonotonicClock: return "monotonic clock";
    case Alignment::None: break;
    }
    return "not aligned";
}

} // namespace gantry::importing
