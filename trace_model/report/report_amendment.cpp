#include "trace_model/report/report_amendment.h"

#include "trace_model/report/database.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/sqlite.h"

#include <chrono>
#include <sqlite3.h>
#include <system_error>
#include <utility>

namespace gantry::report {
namespace {

constexpr char kTable[] = "META_DATA_CAPTURE";

/// A hidden file beside a report, gone with this unless it took the report's place.
class ChangedCopy
{
public:
    explicit ChangedCopy(const std::filesystem::path& of) : m_path(of.parent_path() / ("." + of.filename().string() + ".amended")) {}
    ChangedCopy(const ChangedCopy&) = delete;
    ChangedCopy& operator=(const ChangedCopy&) = delete;
    ~ChangedCopy()
    {
        std::error_code ignored;
        std::filesystem::remove(m_path, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

private:
    std::filesystem::path m_path;
};

Result<void> run(sqlite3* database, const std::string& statement)
{
    if (sqlite3_exec(database, statement.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        return sqliteError(database, "cannot change the report");
    return {};
}

Result<void> change(const std::filesystem::path& path, const std::map<std::string, std::string>& rows)
{
    sqlite3* opened = nullptr;
    const int status = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    const SqliteHandle database(opened);
    if (status != SQLITE_OK)
        return sqliteError(opened, "cannot open the report");
    GANTRY_CHECK(run(opened, "PRAGMA journal_mode=OFF"));   // a copy that is left half changed is thrown away
    GANTRY_CHECK(run(opened, "PRAGMA synchronous=NORMAL")); // it takes the place of one that is on the disk
    GANTRY_CHECK(run(opened, "BEGIN"));
    const auto each = [&](const std::string& text, bool isWithValue) -> Result<void> {
        sqlite3_stmt* prepared = nullptr;
        if (sqlite3_prepare_v2(opened, text.c_str(), -1, &prepared, nullptr) != SQLITE_OK)
            return sqliteError(opened, "cannot change the report");
        SqliteStatement statement(prepared);
        for (const auto& [name, value] : rows) {
            if (isWithValue && value.empty())
                continue;
            statement.bind(0, name);
            if (isWithValue)
                statement.bind(1, value);
            if (statement.step() != SQLITE_DONE)
                return sqliteError(opened, "cannot change the report");
            statement.reset();
        }
        return {};
    };
    GANTRY_CHECK(each(std::string("DELETE FROM ") + kTable + " WHERE name=?", false));
    GANTRY_CHECK(each(std::string("INSERT INTO ") + kTable + " (name, value) VALUES (?, ?)", true));
    GANTRY_CHECK(run(opened, std::string("UPDATE GANTRY_META SET value=(SELECT COUNT(*) FROM ") + kTable + ") WHERE name='" +
                                 meta::kRowCountPrefix + kTable + "'"));
    return run(opened, "COMMIT");
}

} // namespace

Result<void> amendReport(const std::filesystem::path& path, const std::map<std::string, std::string>& rows)
{
    std::error_code error;
    const ChangedCopy copy(path);
    const auto changed = std::filesystem::last_write_time(path, error);
    if (error)
        return errnoError(error.value(), "cannot read " + path.string());
    if (!std::filesystem::copy_file(path, copy.path(), std::filesystem::copy_options::overwrite_existing, error)) {
        Error failure = errnoError(error.value(), "cannot write beside " + path.string());
        failure.code = ErrorCode::CannotWrite;
        return failure;
    }
    GANTRY_CHECK(change(copy.path(), rows));
    std::filesystem::last_write_time(copy.path(), changed + std::chrono::microseconds(1), error);
    std::filesystem::rename(copy.path(), path, error);
    if (error) {
        Error failure = errnoError(error.value(), "cannot replace " + path.string());
        failure.code = ErrorCode::CannotWrite;
        return failure;
    }
    return {};
}

} // namespace gantry::report
