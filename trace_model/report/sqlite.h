#pragma once

#include "trace_model/base/result.h"

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// Thin ownership over SQLite for the sources of report/ and import/; nobody else includes this.
namespace gantry::report {

struct SqliteCloser
{
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct SqliteFinalizer
{
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using SqliteHandle = std::unique_ptr<sqlite3, SqliteCloser>;

/// A prepared statement. Parameters and columns are numbered from 0.
class SqliteStatement
{
public:
    SqliteStatement() = default;
    explicit SqliteStatement(sqlite3_stmt* statement) : m_statement(statement) {}

    [[nodiscard]] sqlite3_stmt* get() const { return m_statement.get(); }

    void bind(int parameter, std::int64_t value) { sqlite3_bind_int64(get(), parameter + 1, value); }
    void bind(int parameter, double value) { sqlite3_bind_double(get(), parameter + 1, value); }
    /// The text must live until the next step.
    void bind(int parameter, std::string_view value)
    {
        // A null pointer would bind NULL instead of the empty text.
        sqlite3_bind_text64(get(), parameter + 1, value.data() ? value.data() : "", value.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    void bindNull(int parameter) { sqlite3_bind_null(get(), parameter + 1); }

    [[nodiscard]] int step() { return sqlite3_step(get()); }
    void reset() { sqlite3_reset(get()); }

    [[nodiscard]] bool isNull(int column) const { return sqlite3_column_type(get(), column) == SQLITE_NULL; }
    [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(get(), column); }
    [[nodiscard]] double real(int column) const { return sqlite3_column_double(get(), column); }
    /// Valid until the next step. May hold any byte, zero included.
    [[nodiscard]] std::string_view text(int column) const
    {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(get(), column));
        return bytes ? std::string_view(bytes, static_cast<std::size_t>(sqlite3_column_bytes(get(), column))) : std::string_view();
    }

private:
    std::unique_ptr<sqlite3_stmt, SqliteFinalizer> m_statement;
};

} // namespace gantry::report
