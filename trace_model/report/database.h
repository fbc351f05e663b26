#pragma once

#include "trace_model/base/result.h"
#include "trace_model/report/page_reader.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace gantry::report {

/// Error of the last call on `db`, the one place where SQLite's codes become ours: SQLITE_FULL and I/O errors in writing are
/// CannotWrite, SQLITE_CORRUPT is Truncated, SQLITE_NOTADB is NotAReport.
[[nodiscard]] Error sqliteError(sqlite3* db, const std::string& doing);

/// Rows of one table, restricted to the columns that this file has: a column that is missing reads as NULL. Reports of many
/// versions and producers are read with the same code this way. Rows come straight from the file's pages where that is possible,
/// else from the library; nobody can tell but by the time it takes.
class TableCursor
{
public:
    TableCursor(const TableCursor&) = delete;
    TableCursor(TableCursor&& other) noexcept;
    TableCursor& operator=(TableCursor&&) = delete;
    ~TableCursor();

    /// Next row; false at the end, which error() says more of.
    [[nodiscard]] bool next();
    /// Why rows are missing, once next() has ended: pages that are damaged are passed over, the library stops at the first of them.
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }
    /// How many pages had to be passed over; at least 1 when there is an error.
    [[nodiscard]] std::uint64_t damagedPages() const
    {
        return m_error ? std::max<std::uint64_t>(1, m_pages ? m_pages->damagedPages() : 1) : 0;
    }
    /// How much of the rows has been read, 0..1; 0 while that is unknown.
    [[nodiscard]] double fraction() const { return m_pages ? m_pages->fraction() : 0; }

    // Columns by their place in the list the cursor was opened with.
    [[nodiscard]] bool has(std::size_t column) const { return m_places[column] >= 0; } ///< the file has this column
    [[nodiscard]] bool isNull(std::size_t column) const
    {
        if (m_places[column] < 0)
            return true;
        return m_pages ? stored(column).isNull() && !isRowId(column) : isNullInLibrary(column);
    }
    [[nodiscard]] std::int64_t integer(std::size_t column, std::int64_t ifNull = 0) const
    {
        if (m_places[column] < 0)
            return ifNull;
        if (!m_pages)
            return integerOfLibrary(column, ifNull);
        if (!stored(column).isNull())
            return stored(column).integer();
        return isRowId(column) ? m_pages->rowId() : ifNull;
    }
    [[nodiscard]] std::optional<std::int64_t> optionalInteger(std::size_t column) const
    {
        return isNull(column) ? std::nullopt : std::optional<std::int64_t>(integer(column));
    }
    [[nodiscard]] double real(std::size_t column) const;
    /// The value where it is a number (not a text that begins with one), a fraction cut off; `ifNull` where there is none. `isBad`
    /// becomes true for everything else.
    [[nodiscard]] std::int64_t whole(std::size_t column, std::int64_t ifNull, bool& isBad) const
    {
        if (m_places[column] < 0)
            return ifNull;
        if (m_pages && stored(column).isInteger())
            return stored(column).integer();
        return wholeOfOther(column, ifNull, isBad);
    }
    /// The value where it is a finite number.
    [[nodiscard]] std::optional<double> number(std::size_t column) const;
    /// Valid UTF-8, whatever bytes the file holds (see utf8.h). Valid until the next call or row. A whole number reads without a
    /// point, even in a column of reals.
    [[nodiscard]] std::string_view text(std::size_t column) const;

private:
    friend class Database;
    /// Through the library. `statement` null: the table does not exist, no rows.
    TableCursor(sqlite3* db, sqlite3_stmt* statement, std::vector<int> places, std::uint64_t maxRows);
    /// Through the pages; `places` are those in the cursor.
    TableCursor(PageCursor pages, std::vector<int> places, int rowIdPlace);

    [[nodiscard]] const StoredValue& stored(std::size_t column) const { return m_pages->value(static_cast<std::size_t>(m_places[column])); }
    [[nodiscard]] bool isRowId(std::size_t column) const { return m_places[column] == m_rowIdPlace && stored(column).isNull(); }
    bool nextOfLibrary();
    [[nodiscard]] bool isNullInLibrary(std::size_t column) const;
    [[nodiscard]] std::int64_t integerOfLibrary(std::size_t column, std::int64_t ifNull) const;
    [[nodiscard]] std::int64_t wholeOfOther(std::size_t column, std::int64_t ifNull, bool& isBad) const;

    sqlite3* m_db = nullptr;
    sqlite3_stmt* m_statement = nullptr;
    std::optional<PageCursor> m_pages;
    std::vector<int> m_places;    ///< result column, or -1
    int m_rowIdPlace = -2;        ///< of the column that is another name of the row id, stored as NULL; -2: none
    std::uint64_t m_rowsLeft = 0; ///< more rows than the file has room for: its pages lead in a circle
    mutable std::string m_scratch;
    std::optional<Error> m_error;
};

/// A report file opened for reading. One thread at a time.
class Database
{
public:
    /// A report that is packed is unpacked into a temporary file first, with `progress` (0..1).
    /// Errors: NotFound, NotPermitted, NotAReport (says what the file is instead), Truncated (its schema cannot be read), Busy (part of
    /// it lies in a journal beside it), CannotWrite and BadInput (unpacking), Cancelled.
    [[nodiscard]] static Result<Database> open(const std::filesystem::path& path, const std::stop_token& stop = {},
                                               const std::function<void(double)>& progress = {});
    Database(Database&& other) noexcept;
    Database& operator=(Database&&) = delete;
    ~Database();

    [[nodiscard]] bool hasTable(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> tableNames() const;
    [[nodiscard]] std::uint64_t fileBytes() const { return m_bytes; } ///< unpacked
    /// A sentence when the file is cut off; empty: it has all of its pages.
    [[nodiscard]] const std::string& damage() const { return m_damage; }
    [[nodiscard]] std::int64_t rowCount(const std::string& table) const; ///< 0 when the table is absent

    /// All rows of a table; a table that is absent has none.
    [[nodiscard]] Result<TableCursor> rows(const char* table, std::initializer_list<const char*> columns) const;
    /// The rows of a table in up to `count` parts, in order: each cursor may be read by a thread of its own. `oneOf` n: of a large table
    /// about one row of n, runs of rows from all over it.
    [[nodiscard]] Result<std::vector<TableCursor>> parts(const char* table, std::initializer_list<const char*> columns, int count,
                                                         std::uint64_t oneOf = 1) const;
    /// The same through the library alone, as rows() does where it cannot read the pages itself.
    [[nodiscard]] Result<TableCursor> libraryRows(const char* table, std::initializer_list<const char*> columns) const;

private:
    /// A column of a table as the schema declares it.
    struct Column
    {
        std::string name;
        bool isRowId = false;    ///< INTEGER PRIMARY KEY: another name of the row id
        bool hasDefault = false; ///< rows older than the column are shorter and mean the default
    };
    /// Columns in the order they are stored; nothing when some are computed and not stored.
    [[nodiscard]] std::optional<std::vector<Column>> columnsOf(const char* table) const;
    [[nodiscard]] Result<std::vector<TableCursor>> pageParts(const char* table, const std::vector<Column>& stored,
                                                             std::initializer_list<const char*> columns, int count,
                                                             std::uint64_t oneOf) const;

    explicit Database(sqlite3* db) : m_db(db) {}
    sqlite3* m_db = nullptr;
    std::shared_ptr<const PageFile> m_pages; ///< null: only through the library
    std::filesystem::path m_unpacked;        ///< temporary copy of a compressed report, removed with this
    std::uint64_t m_bytes = 0;               ///< length of the file
    std::string m_damage;
};

} // namespace gantry::report
