#include "trace_model/import/sqlite_tables.h"

#include "trace_model/base/counted.h"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::importing {

SqliteTables::SqliteTables(const report::Database& database, EventSink& sink, const ReadControl& control)
    : m_database(database), m_sink(sink), m_control(control)
{
    for (int i = 0; i < kWorkers; ++i)
        m_workers.emplace_back(sink);
    if (control.sampleBytes != 0)
        m_oneOf = database.fileBytes() / control.sampleBytes + 1;
}

void SqliteTables::beginStage(const char* name, double share)
{
    m_stage = name;
    m_stageStart += std::exchange(m_stageShare, share);
    progress(0);
}

void SqliteTables::progress(double stageFraction) const
{
    if (m_control.progress)
        m_control.progress(m_stageStart + stageFraction * m_stageShare, m_stage);
}

void SqliteTables::finish(const char* table, const report::TableCursor& cursor, const TableTally& tally)
{
    m_read.insert(table);
    if (tally.rows > 0)
        m_sink.report().table(table).merge(tally);
    if (cursor.error())
        noteDamage(table, *cursor.error(), cursor.damagedPages());
}

void SqliteTables::noteDamage(const char* table, const Error& error, std::uint64_t pages)
{
    m_read.insert(table);
    const auto known = std::find_if(m_damaged.begin(), m_damaged.end(), [&](const Damage& damage) { return damage.table == table; });
    if (known == m_damaged.end())
        m_damaged.push_back({table, error.message, pages});
    else
        known->pages += pages;
}

bool SqliteTables::isDamaged(const std::string& table) const
{
    return std::any_of(m_damaged.begin(), m_damaged.end(), [&](const Damage& damage) { return damage.table == table; });
}

void SqliteTables::judgeDamage(const std::map<std::string, std::uint64_t>& written)
{
    for (const Damage& damage : m_damaged) {
        TableTally& tally = m_sink.report().table(damage.table); // one without rows is not kept
        const auto known = written.find(damage.table);
        if (known != written.end() && known->second <= tally.rows)
            continue; // the damage holds none of them
        const std::string what = known != written.end() ? fmt::format("{} of {} of table {}", known->second - tally.rows,
                                                                      counted(known->second, "row"), damage.table)
                                 : tally.rows > 0       ? fmt::format("Part of table {}", damage.table)
                                                        : fmt::format("Rows of table {}, if it has any,", damage.table);
        tally.skip(skipped::kDamaged, damage.pages);
        m_sink.meta().spoil("part of the file is damaged");
        const bool isOne = what.starts_with("1 of ") || what.starts_with("Part ");
        m_sink.meta().warnings.push_back(fmt::format("{} {} not shown: {}", what, isOne ? "is" : "are", damage.message));
    }
}

} // namespace gantry::importing
