#include "trace_model/report/report_notes.h"

#include "trace_model/report/sqlite.h"

namespace gantry::report {
namespace {

Error failure(sqlite3* database, const std::filesystem::path& path)
{
    return {ErrorCode::CannotWrite, std::string("cannot write into the report: ") + sqlite3_errmsg(database), {path.string()}};
}

bool run(sqlite3* database, const char* statement)
{
    return sqlite3_exec(database, statement, nullptr, nullptr, nullptr) == SQLITE_OK;
}

} // namespace

Result<void> addNotes(const std::filesystem::path& path, const std::map<std::string, std::string>& notes)
{
    sqlite3* opened = nullptr;
    const int status = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
    const SqliteHandle database(opened);
    if (status != SQLITE_OK)
        return failure(opened, path);
    // Exports before 2023.3 have no such table.
    if (!run(opened, "BEGIN; CREATE TABLE IF NOT EXISTS META_DATA_CAPTURE (name TEXT, value TEXT)"))
        return failure(opened, path);
    for (const char* text :
         {"DELETE FROM META_DATA_CAPTURE WHERE name = ?1", "INSERT INTO META_DATA_CAPTURE (name, value) VALUES (?1, ?2)"}) {
        sqlite3_stmt* prepared = nullptr;
        if (sqlite3_prepare_v2(opened, text, -1, &prepared, nullptr) != SQLITE_OK)
            return failure(opened, path);
        SqliteStatement statement(prepared);
        for (const auto& [name, value] : notes) {
            statement.bind(0, std::string_view(name));
            if (sqlite3_bind_parameter_count(prepared) > 1)
                statement.bind(1, std::string_view(value));
            if (statement.step() != SQLITE_DONE)
                return failure(opened, path);
            statement.reset();
        }
    }
    if (!run(opened, "COMMIT"))
        return failure(opened, path);
    return {};
}

} // namespace gantry::report
