#pragma once

#include "trace_model/base/parallel.h"
#include "trace_model/import/event_sink.h"
#include "trace_model/import/text_cache.h"
#include "trace_model/report/database.h"

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace gantry::importing {

/// Why rows of a report are not shown.
namespace skipped {
inline constexpr const char* kNoTimes = "without times, or with times that are none";
inline constexpr const char* kBadNumber = "with a number that is missing, out of range or none";
inline constexpr const char* kNoName = "without a name: the text is not in the file's StringIds"; // used all the same
inline constexpr const char* kDamaged = "in damaged pages of the file (pages are counted, not rows)";
} // namespace skipped

/// What one thread has for itself while rows of events are read.
struct SqliteWorker
{
    explicit SqliteWorker(EventSink& sink) : rows(sink.rows()), texts(sink) {}

    RowSink& rows;
    TextCache texts; ///< of rows that hold their text instead of an id
    TableTally tally;
    TimestampNs first = std::numeric_limits<TimestampNs>::max(), last = std::numeric_limits<TimestampNs>::min(); ///< of all rows' times
    std::set<std::uint64_t> processes;                                                                           ///< that rows are of

    void cover(TimestampNs start, TimestampNs end)
    {
        first = std::min(first, start);
        last = std::max(last, end);
    }
    void meet(std::uint64_t globalPid)
    {
        if (globalPid != m_lastProcess || processes.empty())
            processes.insert(m_lastProcess = globalPid);
    }

private:
    std::uint64_t m_lastProcess = 0;
};

/// The numbers of one row. What is no number of its kind is remembered, so that a row is judged once and not cell by cell.
class RowNumbers
{
public:
    explicit RowNumbers(const report::TableCursor& row) : m_row(row) {}

    [[nodiscard]] std::int64_t whole(std::size_t column, std::int64_t ifNull = 0) { return m_row.whole(column, ifNull, m_isBad); }
    /// Any 64 bits: ids that are stored as signed numbers.
    [[nodiscard]] std::uint64_t bits(std::size_t column) { return static_cast<std::uint64_t>(whole(column)); }
    /// Any 32 bits: colours and codes, of which some producers store the sign.
    [[nodiscard]] std::uint32_t bits32(std::size_t column) { return static_cast<std::uint32_t>(whole(column)); }
    [[nodiscard]] std::uint32_t number(std::size_t column) { return inRange(whole(column)); }
    /// As number(), but there must be one where the table has the column.
    [[nodiscard]] std::uint32_t required(std::size_t column) { return inRange(whole(column, m_row.has(column) ? -1 : 0)); }
    [[nodiscard]] std::uint64_t bytes(std::size_t column)
    {
        const std::int64_t value = whole(column);
        m_isBad = m_isBad || value < 0;
        return static_cast<std::uint64_t>(value);
    }
    /// A number of an enumeration; `otherwise` for what it cannot be.
    [[nodiscard]] std::uint8_t small(std::size_t column, std::uint8_t otherwise)
    {
        const std::int64_t value = whole(column, otherwise);
        return value >= 0 && value < 255 ? static_cast<std::uint8_t>(value) : otherwise;
    }
    /// Two columns as the times of an event. False: they are none.
    [[nodiscard]] bool times(std::size_t startColumn, TimestampNs& start, TimestampNs& end)
    {
        bool isBad = false;
        start = m_row.whole(startColumn, kNoTime, isBad);
        end = m_row.whole(startColumn + 1, kNoTime, isBad);
        return !isBad && areEventTimes(start, end);
    }
    [[nodiscard]] bool areGood() const { return !m_isBad; }

private:
    std::uint32_t inRange(std::int64_t value)
    {
        m_isBad = m_isBad || static_cast<std::uint64_t>(value) > std::numeric_limits<std::uint32_t>::max();
        return static_cast<std::uint32_t>(value);
    }

    const report::TableCursor& m_row;
    bool m_isBad = false;
};

/// Walks the tables of one report: counts what became of their rows, tells the progress, listens to the stop token, and goes on behind
/// what is damaged. One thread at a time, but for the handlers of eachEvent().
class SqliteTables
{
public:
    using Columns = std::initializer_list<const char*>;

    SqliteTables(const report::Database& database, EventSink& sink, const ReadControl& control);

    [[nodiscard]] const report::Database& database() const { return m_database; }
    [[nodiscard]] EventSink& sink() { return m_sink; }
    [[nodiscard]] std::deque<SqliteWorker>& workers() { return m_workers; }
    [[nodiscard]] bool isSample() const { return m_oneOf > 1; } ///< not every row of large tables is read
    [[nodiscard]] bool isRead(const std::string& table) const { return m_read.contains(table); }
    [[nodiscard]] bool isDamaged(const std::string& table) const;
    [[nodiscard]] const std::stop_token& stop() const { return m_control.stop; }

    /// After all tables: says which rows are missing because of damage. `written`: how many rows tables have, where the file tells it.
    void judgeDamage(const std::map<std::string, std::uint64_t>& written);

    /// What comes now is `share` (0..1) of all the work.
    void beginStage(const char* name, double share);

    /// Every row of a small table: `handler(row)` says why it did not use the row, or null; one that returns nothing uses all.
    /// Error: Cancelled.
    template <typename Handler>
    Result<void> each(const char* table, Columns columns, Handler handler)
    {
        auto cursor = m_database.rows(table, columns);
        if (!cursor) {
            noteDamage(table, cursor.error(), 1);
            return {};
        }
        TableTally tally;
        for (std::uint64_t n = 1; cursor->next(); ++n) {
            if (n % kRowsBetweenChecks == 0 && m_control.stop.stop_requested())
                return cancelled();
            if constexpr (std::is_void_v<std::invoke_result_t<Handler, report::TableCursor&>>) {
                handler(*cursor);
                tally.keep();
            } else if (const char* reason = handler(*cursor)) {
                tally.skip(reason);
            } else {
                tally.keep();
            }
        }
        finish(table, *cursor, tally);
        return {};
    }

    /// The same for a table of events, parts of it at the same time: `handler(worker, row)`.
    template <typename Handler>
    Result<void> eachEvent(const char* table, Columns columns, Handler handler)
    {
        auto cursors = m_database.parts(table, columns, kWorkers, m_oneOf);
        if (!cursors) {
            noteDamage(table, cursors.error(), 1);
            return {};
        }
        std::vector<std::function<void()>> tasks;
        for (std::size_t i = 0; i < cursors->size(); ++i)
            tasks.emplace_back([&, i] {
                SqliteWorker& worker = m_workers[i];
                report::TableCursor& cursor = (*cursors)[i];
                std::uint64_t n = 0, kept = 0;
                while (cursor.next()) {
                    if (++n % kRowsBetweenChecks == 0) {
                        if (m_control.stop.stop_requested())
                            return;
                        if (i == 0)
                            progress(cursor.fraction());
                    }
                    if (const char* reason = handler(worker, cursor))
                        worker.tally.skip(reason);
                    else
                        ++kept;
                }
                worker.tally.keep(kept);
            });
        inParallel(std::move(tasks));
        if (m_control.stop.stop_requested())
            return cancelled();
        for (std::size_t i = 0; i < cursors->size(); ++i)
            finish(table, (*cursors)[i], std::exchange(m_workers[i].tally, {}));
        return {};
    }

    static Error cancelled() { return {ErrorCode::Cancelled, "opening the report was cancelled", {}}; }

private:
    static constexpr std::uint64_t kRowsBetweenChecks = 65536;

    void progress(double stageFraction) const;
    void finish(const char* table, const report::TableCursor& cursor, const TableTally& tally);
    void noteDamage(const char* table, const Error& error, std::uint64_t pages);

    const report::Database& m_database;
    EventSink& m_sink;
    const ReadControl& m_control;
    std::deque<SqliteWorker> m_workers;
    std::uint64_t m_oneOf = 1; ///< of so many rows of large tables one is read
    const char* m_stage = "";
    double m_stageStart = 0, m_stageShare = 0;
    struct Damage
    {
        std::string table, message;
        std::uint64_t pages;
    };
    std::set<std::string> m_read;
    std::vector<Damage> m_damaged; ///< in the order they were read
};

} // namespace gantry::importing
