#include "trace_model/report/page_reader.h"

#include "tests/support/temporary_folder.h"
#include "trace_model/report/database.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <memory>
#include <random>

namespace gantry::report {
namespace {

/// Runs statements on a SQLite file, which is made if need be.
void execute(const std::filesystem::path& path, const std::string& sql)
{
    sqlite3* opened = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &opened), SQLITE_OK);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, &sqlite3_close);
    ASSERT_EQ(sqlite3_exec(opened, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(opened);
}

/// A column of the current row as every accessor tells it.
std::string told(const TableCursor& cursor, std::size_t column)
{
    if (cursor.isNull(column))
        return "NULL";
    std::string text(cursor.text(column));
    if (text.ends_with(".0")) // the library knows that a column is one of reals
        text.resize(text.size() - 2);
    return fmt::format("{}|{}|{}", cursor.integer(column), cursor.real(column) + 0.0 /* -0 is 0 */, text);
}

/// Every row of a table as rows() and libraryRows() tell it must be the same. Returns how many there are.
std::size_t expectSameRows(const Database& database, const std::string& table, std::initializer_list<const char*> columns)
{
    auto pages = database.rows(table.c_str(), columns);
    auto library = database.libraryRows(table.c_str(), columns);
    EXPECT_TRUE(pages && library);
    std::size_t rows = 0;
    while (library->next()) {
        if (!pages->next()) {
            ADD_FAILURE() << table << " ends after row " << rows << (pages->error() ? ": " + pages->error()->text() : "");
            return rows;
        }
        for (std::size_t column = 0; column < columns.size(); ++column)
            EXPECT_EQ(told(*pages, column), told(*library, column)) << table << " row " << rows << " column " << *(columns.begin() + column);
        ++rows;
    }
    EXPECT_FALSE(pages->next()) << table << " has more rows than the library says";
    EXPECT_FALSE(pages->error());
    return rows;
}

class PageReader : public testing::Test
{
protected:
    Database open()
    {
        auto database = Database::open(file);
        EXPECT_TRUE(database) << database.error().text();
        return std::move(*database);
    }

    test::TemporaryFolder folder;
    std::filesystem::path file = folder / "t.sqlite";
};

TEST_F(PageReader, TellsEveryKindOfValueAsTheLibraryDoes)
{
    execute(file, "CREATE TABLE t (a, b INTEGER, c REAL, d TEXT);");
    std::string insert = "INSERT INTO t VALUES ";
    for (const char* value : {"NULL", "0", "1", "-1", "127", "-128", "128", "32767", "-32768", "8388607", "-8388608", "8388608", "2147483647", "-2147483648", "140737488355327",
                              "-140737488355328", "140737488355328", "9223372036854775807", "-9223372036854775808", "0.5", "-2.25", "1e300", "-1e300", "9.3e18", "''", "'12abc'",
                              "' -7'", "'+8'", "'+-8'", "'99999999999999999999'", "'-99999999999999999999'", "'1.5e3'", "'text'", "x''", "x'313233'", "x'ff00fe'", "'ü'"})
        insert += fmt::format("({0}, {0}, {0}, {0}),", value);
    insert.back() = ';';
    execute(file, insert);
    const Database database = open();
    EXPECT_EQ(expectSameRows(database, "t", {"d", "a", "c", "b", "absent"}), 37u);
    EXPECT_EQ(expectSameRows(database, "t", {"c"}), 37u);
}

TEST_F(PageReader, ReadsLongRowsAndManyPagesOfEverySize)
{
    std::mt19937 random(1); // NOLINT(bugprone-random-generator-seed): the same rows in every run
    for (const int pageSize : {512, 1024, 4096, 65536}) {
        SCOPED_TRACE(pageSize);
        std::filesystem::remove(file);
        std::string sql = fmt::format("PRAGMA page_size = {}; CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT, n INTEGER); BEGIN;", pageSize);
        std::uniform_int_distribution<int> any(0, 3 * pageSize), shortOnes(0, 40);
        for (int i = 0; i < 2000; ++i)
            sql += fmt::format("INSERT INTO t VALUES ({}, '{}', {});", i * 7 - 3000, std::string(static_cast<std::size_t>(i % 50 ? shortOnes(random) : any(random)), 'x'), random());
        execute(file, sql + "COMMIT;");
        EXPECT_EQ(expectSameRows(open(), "t", {"id", "text", "n"}), 2000u);
        EXPECT_EQ(expectSameRows(open(), "t", {"n"}), 2000u);
    }
}

TEST_F(PageReader, ReadsWhatIsLeftAfterDeletesAndUpdates)
{
    std::string sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); BEGIN;";
    for (int i = 0; i < 5000; ++i)
        sql += fmt::format("INSERT INTO t VALUES ({}, '{}', {});", i, std::string(static_cast<std::size_t>(i % 90), 'y'), i);
    execute(file, sql + "COMMIT; DELETE FROM t WHERE id % 3 = 0 OR id BETWEEN 1000 AND 3000; UPDATE t SET a = a || a || a || b; CREATE INDEX i ON t(a); CREATE TABLE u (x);");
    EXPECT_GT(expectSameRows(open(), "t", {"id", "a", "b"}), 1000u);
    EXPECT_EQ(expectSameRows(open(), "u", {"x"}), 0u);
}

TEST_F(PageReader, LeavesToTheLibraryWhatItDoesNotHandle)
{
    execute(file, "CREATE TABLE keyed (k TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO keyed VALUES ('b', 2), ('a', 1);"
                  "CREATE TABLE computed (a, twice AS (a * 2), kept AS (a * 3) STORED); INSERT INTO computed VALUES (1), (2);"
                  "CREATE TABLE grown (a); INSERT INTO grown VALUES (1); ALTER TABLE grown ADD COLUMN b DEFAULT 7; ALTER TABLE grown ADD COLUMN c; INSERT INTO grown VALUES (2, 3, 4);"
                  "CREATE VIEW seen AS SELECT a FROM grown; CREATE TABLE descending (a INTEGER PRIMARY KEY DESC, b); INSERT INTO descending VALUES (5, 6);");
    const Database database = open();
    EXPECT_EQ(expectSameRows(database, "keyed", {"k", "v"}), 2u);
    EXPECT_EQ(expectSameRows(database, "computed", {"a", "twice", "kept"}), 2u);
    EXPECT_EQ(expectSameRows(database, "grown", {"a", "b", "c"}), 2u);
    EXPECT_EQ(expectSameRows(database, "grown", {"a", "c"}), 2u);
    EXPECT_EQ(expectSameRows(database, "seen", {"a"}), 2u);
    EXPECT_EQ(expectSameRows(database, "descending", {"a", "b"}), 1u);
    EXPECT_EQ(expectSameRows(database, "absent", {"a"}), 0u);
    std::filesystem::remove(file);
    execute(file, "PRAGMA encoding = 'UTF-16'; CREATE TABLE t (a); INSERT INTO t VALUES ('ü'), (3);");
    EXPECT_FALSE(PageFile::open(file));
    EXPECT_EQ(expectSameRows(open(), "t", {"a"}), 2u);
}

TEST_F(PageReader, AFileThatIsOverwrittenWhileItIsReadIsAnErrorAndNoCrash)
{
    std::string sql = "CREATE TABLE t (a); BEGIN;";
    for (int i = 0; i < 50'000; ++i)
        sql += fmt::format("INSERT INTO t VALUES ({});", i);
    execute(file, sql + "COMMIT;");
    const Database database = open();
    auto cursor = database.rows("t", {"a"});
    ASSERT_TRUE(cursor);
    ASSERT_TRUE(cursor->next());
    std::filesystem::resize_file(file, 4096);
    while (cursor->next()) {
    }
    ASSERT_TRUE(cursor->error());
    EXPECT_EQ(cursor->error()->code, ErrorCode::Truncated);
}

TEST(PageReaderOnRealExports, TellsEveryRowAsTheLibraryDoes)
{
    const std::filesystem::path folder = std::filesystem::path(GANTRY_SOURCE_DIR) / "../shared/data/nsys_sqlite";
    if (!std::filesystem::exists(folder))
        GTEST_SKIP() << "the shared exports are not here";
    std::size_t rows = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        SCOPED_TRACE(entry.path().filename().string());
        const auto database = Database::open(entry.path());
        if (!database)
            continue; // nsys_exports_test says which ones open
        for (const std::string& table : database->tableNames())
            rows += expectSameRows(*database, table, {"start", "end", "globalTid", "correlationId", "text", "textId", "id", "value", "name", "nameId", "shortName", "streamId"});
    }
    EXPECT_GT(rows, 10'000u);
}

} // namespace
} // namespace gantry::report
