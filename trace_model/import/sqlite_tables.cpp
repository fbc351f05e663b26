#include "trace_model/import/sqlite_tables.h"

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
    m_sink.report().table(table).skip(skipped::kDamaged, pages);
    m_sink.meta().spoil("part of the file is damaged");
    if (m_damaged.insert(table).second)
        m_sink.meta().warnings.push_back(fmt::format("Part of table {} is not shown: {}", table, error.message));
}

} // namespace gantry::importing
