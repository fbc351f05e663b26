#include "trace_model/report/page_writer.h"

#include "tests/support/small_files.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/report/database.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>

namespace gantry::report {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

/// A SQLite file as the library reads it.
class Library
{
public:
    explicit Library(const std::filesystem::path& path)
    {
        sqlite3* opened = nullptr;
        EXPECT_EQ(sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
        m_database.reset(opened);
    }

    /// Each row of a statement, its columns separated by '|'.
    std::vector<std::string> rows(const std::string& sql) const
    {
        sqlite3_stmt* prepared = nullptr;
        EXPECT_EQ(sqlite3_prepare_v2(m_database.get(), sql.c_str(), -1, &prepared, nullptr), SQLITE_OK) << sqlite3_errmsg(m_database.get());
        const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(prepared, &sqlite3_finalize);
        std::vector<std::string> rows;
        int state = SQLITE_DONE;
        while (prepared && (state = sqlite3_step(prepared)) == SQLITE_ROW) {
            std::string row;
            for (int column = 0; column < sqlite3_column_count(prepared); ++column) {
                const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(prepared, column));
                row += column > 0 ? "|" : "";
                row += text ? std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(prepared, column))) : "NULL";
            }
            rows.push_back(std::move(row));
        }
        EXPECT_EQ(state, SQLITE_DONE) << sqlite3_errmsg(m_database.get());
        return rows;
    }

    void expectSound() const { EXPECT_THAT(rows("PRAGMA integrity_check"), ElementsAre("ok")); }

private:
    std::unique_ptr<sqlite3, decltype(&sqlite3_close)> m_database{nullptr, &sqlite3_close};
};

/// A text that is another for each row and each length.
std::string textOf(std::size_t length, std::size_t row = 0)
{
    std::string text(length, 'x');
    for (std::size_t i = 0; i < length; ++i)
        text[i] = static_cast<char>('a' + (i / 7 + length + row) % 26);
    return text;
}

class PageWriterTest : public testing::Test
{
protected:
    void create(std::uint32_t lockPage = PageWriter::kLockPage)
    {
        auto created = PageWriter::create(file, FileAccess::OwnerOnly, lockPage);
        ASSERT_TRUE(created) << created.error().text();
        writer.emplace(std::move(*created));
    }

    /// Writes one table, t.
    void write(const std::string& columns, const std::function<void(TableWriter&)>& fill)
    {
        create();
        TableWriter table(*writer);
        fill(table);
        finish({{"t", "CREATE TABLE t (" + columns + ")", table.finish()}});
    }

    void finish(const std::vector<PageWriter::Table>& tables)
    {
        const auto finished = writer->finish(tables);
        ASSERT_TRUE(finished) << finished.error().text();
        writer.reset();
    }

    /// A column of t as our own reader tells it.
    std::vector<std::string> column(const char* name, const char* table = "t") const
    {
        auto database = Database::open(file);
        EXPECT_TRUE(database) << database.error().text();
        auto cursor = database->rows(table, {name});
        EXPECT_TRUE(cursor);
        std::vector<std::string> values;
        while (cursor->next())
            values.push_back(cursor->isNull(0) ? "NULL" : std::string(cursor->text(0)));
        EXPECT_FALSE(cursor->error());
        return values;
    }

    test::TemporaryFolder folder;
    std::filesystem::path file = folder / "t.sqlite";
    std::optional<PageWriter> writer;
    RowEncoder row;
};

TEST_F(PageWriterTest, IntegersOfEveryWidthComeBack)
{
    std::vector<std::int64_t> numbers = {0, 1, -1, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
    for (int bit = 1; bit < 63; ++bit)
        for (const std::int64_t near : {-1, 0, 1})
            numbers.insert(numbers.end(), {(std::int64_t{1} << bit) + near, -(std::int64_t{1} << bit) + near});
    write("before, n INTEGER, behind", [&](TableWriter& table) {
        for (const std::int64_t number : numbers) {
            row.encode(nullptr, number, 7);
            table.add(row);
        }
    });
    std::vector<std::string> expected;
    for (const std::int64_t number : numbers)
        expected.push_back(std::to_string(number));
    const Library library(file);
    library.expectSound();
    EXPECT_THAT(library.rows("SELECT n FROM t"), ElementsAreArray(expected));
    EXPECT_THAT(column("n"), ElementsAreArray(expected));
    EXPECT_THAT(library.rows("SELECT DISTINCT before, typeof(n), behind FROM t"), ElementsAre("NULL|integer|7"));
}

TEST_F(PageWriterTest, RealsComeBackBitForBitAndWholeOnesTakeLittleRoom)
{
    const std::vector<double> numbers = {
        0,      1,       -1,       250, 0.1, -2.25, 1e300, -1e-300, 140'737'488'355'327, 140'737'488'355'328, -140'737'488'355'328,
        9.3e18, -9.3e18, INFINITY, -0.0};
    write("x REAL", [&](TableWriter& table) {
        for (const double number : numbers) {
            row.encode(number);
            table.add(row);
        }
        row.encode(NAN);
        table.add(row);
    });
    const Library library(file);
    library.expectSound();
    auto database = Database::open(file);
    ASSERT_TRUE(database);
    auto cursor = database->rows("t", {"x"});
    auto fromLibrary = database->libraryRows("t", {"x"});
    ASSERT_TRUE(cursor && fromLibrary);
    for (const double number : numbers) {
        ASSERT_TRUE(cursor->next() && fromLibrary->next());
        EXPECT_EQ(std::bit_cast<std::int64_t>(cursor->real(0)), std::bit_cast<std::int64_t>(number)) << number;
        EXPECT_EQ(std::bit_cast<std::int64_t>(fromLibrary->real(0)), std::bit_cast<std::int64_t>(number)) << number;
    }
    EXPECT_TRUE(cursor->next() && cursor->isNull(0)); // as the library stores NaN
    EXPECT_THAT(library.rows("SELECT DISTINCT typeof(x) FROM t"), ElementsAre("real", "null"));
    row.encode(250.0);
    EXPECT_EQ(row.bytes().size(), 4u);
}

TEST_F(PageWriterTest, TextsOfEveryLengthComeBack)
{
    std::vector<std::size_t> lengths = {0, 1, 5, 57, 58, 120, 8185, 8186, 8187, 20'000, 1'000'000};
    for (std::size_t length = 480; length < 500; ++length) // what stays of a long row in its leaf
        lengths.insert(lengths.end(), {length, length + 4092, length + 8184});
    for (std::size_t length = 4040; length < 4070; ++length) // the longest that fits in a leaf
        lengths.insert(lengths.end(), {length, length + 4092});
    write("before INTEGER, s TEXT, behind INTEGER", [&](TableWriter& table) {
        for (const std::size_t length : lengths) {
            row.encode(static_cast<std::int64_t>(length), textOf(length), -5);
            table.add(row);
        }
    });
    std::vector<std::string> expected;
    for (const std::size_t length : lengths)
        expected.push_back(textOf(length));
    const Library library(file);
    library.expectSound();
    EXPECT_TRUE(library.rows("SELECT s FROM t") == expected);
    EXPECT_TRUE(column("s") == expected);
    EXPECT_THAT(library.rows("SELECT count(*) FROM t WHERE length(s) = before AND behind = -5"),
                ElementsAre(std::to_string(lengths.size())));
}

TEST_F(PageWriterTest, BytesOfATextStayAsTheyAre)
{
    const std::string odd("a\0b\xC3\xBC\xFF", 6);
    write("s TEXT", [&](TableWriter& table) {
        for (const std::string_view text : {std::string_view(odd), std::string_view(), std::string_view("")}) {
            row.encode(text);
            table.add(row);
        }
    });
    EXPECT_THAT(Library(file).rows("SELECT s FROM t"), ElementsAre(odd, "", ""));
}

TEST_F(PageWriterTest, RowIdsMayBeAnyThatGrow)
{
    std::vector<std::int64_t> ids = {std::numeric_limits<std::int64_t>::min(), -(std::int64_t{1} << 56), -1, 0};
    for (int bit = 7; bit < 63; bit += 7)
        ids.insert(ids.end(), {(std::int64_t{1} << bit) - 1, std::int64_t{1} << bit});
    ids.push_back(std::numeric_limits<std::int64_t>::max());
    std::vector<std::string> expected;
    write("id INTEGER PRIMARY KEY, pad TEXT", [&](TableWriter& table) {
        for (const std::int64_t id : ids) {
            row.encode(nullptr, textOf(3000)); // one in each leaf: the ids are keys of the level above too
            table.add(id, row);
            expected.push_back(std::to_string(id));
        }
    });
    const Library library(file);
    library.expectSound();
    EXPECT_THAT(library.rows("SELECT id FROM t"), ElementsAreArray(expected));
    EXPECT_THAT(column("id"), ElementsAreArray(expected));
    for (const std::string& id : expected)
        EXPECT_THAT(library.rows("SELECT id FROM t WHERE id = " + id), ElementsAre(id));
}

TEST_F(PageWriterTest, RowsOutOfOrderAreAnErrorAndNoFile)
{
    for (const std::int64_t second : {5, 4}) {
        create();
        TableWriter table(*writer);
        row.encode(1);
        table.add(5, row);
        table.add(second, row);
        ASSERT_TRUE(writer->error());
        const auto finished = writer->finish({});
        ASSERT_FALSE(finished);
        EXPECT_EQ(finished.error().code, ErrorCode::Internal);
        writer.reset();
        EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
    }
}

TEST_F(PageWriterTest, TablesWithFewRowsOrNoneAreSound)
{
    for (const std::int64_t rows : {0, 1, 2}) {
        write("n INTEGER", [&](TableWriter& table) {
            for (std::int64_t i = 0; i < rows; ++i) {
                row.encode(i);
                table.add(row);
            }
            EXPECT_EQ(table.rows(), static_cast<std::uint64_t>(rows));
        });
        const Library library(file);
        library.expectSound();
        EXPECT_THAT(library.rows("SELECT count(*) FROM t"), ElementsAre(std::to_string(rows)));
        EXPECT_EQ(column("n").size(), static_cast<std::size_t>(rows));
    }
    create();
    finish({});
    const Library library(file);
    library.expectSound();
    EXPECT_THAT(library.rows("SELECT count(*) FROM sqlite_master"), ElementsAre("0"));
}

/// A page of the level above holds 265 children: around it, its double and its half.
TEST_F(PageWriterTest, LevelsAboveTheLeavesHoldAnyNumberOfThem)
{
    for (const std::int64_t leaves : {2, 3, 264, 265, 266, 267, 530, 531, 532, 796}) {
        SCOPED_TRACE(leaves);
        write("n INTEGER, pad TEXT", [&](TableWriter& table) {
            for (std::int64_t i = 0; i < leaves; ++i) {
                row.encode(i, textOf(3000));
                table.add(row);
            }
        });
        const Library library(file);
        library.expectSound();
        EXPECT_THAT(library.rows("SELECT count(*), sum(n), max(rowid) FROM t"),
                    ElementsAre(fmt::format("{}|{}|{}", leaves, leaves * (leaves - 1) / 2, leaves)));
        EXPECT_THAT(library.rows(fmt::format("SELECT n FROM t WHERE rowid IN (1, {})", leaves)),
                    ElementsAre("0", std::to_string(leaves - 1)));
        EXPECT_EQ(column("n").size(), static_cast<std::size_t>(leaves));
    }
}

TEST_F(PageWriterTest, AMillionRowsOfTablesThatGrowTogetherComeBack)
{
    constexpr std::int64_t kRows = 1'000'000;
    create();
    TableWriter wide(*writer), narrow(*writer), texts(*writer);
    for (std::int64_t i = 0; i < kRows; ++i) {
        row.encode(i * 7919, nullptr, -i);
        wide.add(row);
        if (i % 3 == 0) {
            row.encode(i);
            narrow.add(row);
        }
        if (i % 1000 == 0) {
            row.encode(textOf(static_cast<std::size_t>(i % 9000), static_cast<std::size_t>(i)));
            texts.add(row);
        }
    }
    const std::vector<PageWriter::Table> tables = {{"wide", "CREATE TABLE wide (a INTEGER, b INTEGER, c INTEGER)", wide.finish()},
                                                   {"narrow", "CREATE TABLE narrow (n INTEGER)", narrow.finish()},
                                                   {"texts", "CREATE TABLE texts (s TEXT)", texts.finish()}};
    finish(tables);
    const Library library(file);
    library.expectSound();
    constexpr std::int64_t kSum = kRows * (kRows - 1) / 2;
    EXPECT_THAT(library.rows("SELECT count(*), count(b), sum(a), sum(c) FROM wide WHERE a = (rowid - 1) * 7919"),
                ElementsAre(fmt::format("{}|0|{}|{}", kRows, kSum * 7919, -kSum)));
    EXPECT_THAT(library.rows("SELECT count(*), sum(n) FROM narrow"), ElementsAre("333334|166666833333"));
    const std::vector<std::string> read = column("s", "texts");
    EXPECT_TRUE(read == library.rows("SELECT s FROM texts"));
    ASSERT_EQ(read.size(), 1000u);
    for (std::size_t i = 0; i < read.size(); ++i)
        ASSERT_EQ(read[i], textOf(i * 1000 % 9000, i * 1000));

    auto database = Database::open(file);
    ASSERT_TRUE(database);
    auto cursor = database->rows("wide", {"a", "c"});
    ASSERT_TRUE(cursor);
    std::int64_t rows = 0;
    for (; cursor->next(); ++rows)
        ASSERT_TRUE(cursor->integer(0) == rows * 7919 && cursor->integer(1) == -rows);
    EXPECT_EQ(rows, kRows);
}

TEST_F(PageWriterTest, TheListOfTablesMayBeOfAnyLength)
{
    for (std::size_t length = 3800; length < 4100; length += 3) { // from what fits in page 1 to what does not fit in any
        SCOPED_TRACE(length);
        create();
        TableWriter table(*writer);
        const std::string sql = "CREATE TABLE t (n INTEGER -- " + textOf(length) + "\n)";
        finish({{"t", sql, table.finish()}});
        const Library library(file);
        library.expectSound();
        EXPECT_THAT(library.rows("SELECT sql FROM sqlite_master"), ElementsAre(sql));
    }
    create();
    std::vector<PageWriter::Table> tables;
    for (int i = 0; i < 1000; ++i) {
        TableWriter table(*writer);
        row.encode(i);
        table.add(row);
        tables.push_back({fmt::format("t{}", i), fmt::format("CREATE TABLE t{} (n INTEGER -- {}\n)", i, textOf(900)), table.finish()});
    }
    finish(tables);
    const Library library(file);
    library.expectSound();
    EXPECT_THAT(library.rows("SELECT count(*) FROM sqlite_master"), ElementsAre("1000"));
    EXPECT_THAT(library.rows("SELECT n FROM t777"), ElementsAre("777"));
}

TEST_F(PageWriterTest, LeavesOutThePageThatProgramsLock)
{
    for (std::uint32_t lockPage = 2; lockPage < 80; lockPage += 3) {
        SCOPED_TRACE(lockPage);
        sqlite3_test_control(SQLITE_TESTCTRL_PENDING_BYTE, (lockPage - 1) * PageWriter::kPageBytes);
        create(lockPage);
        TableWriter table(*writer);
        std::vector<std::string> expected;
        for (std::size_t i = 0; i < 100; ++i) {
            expected.push_back(textOf(i % 10 == 9 ? 20'000 : 3000, i));
            row.encode(expected.back());
            table.add(row);
        }
        finish({{"t", "CREATE TABLE t (s TEXT)", table.finish()}});
        {
            const Library library(file);
            library.expectSound();
            EXPECT_TRUE(library.rows("SELECT s FROM t") == expected);
        }
        EXPECT_TRUE(column("s") == expected);
    }
    sqlite3_test_control(SQLITE_TESTCTRL_PENDING_BYTE, 0x40000000);
}

TEST_F(PageWriterTest, SaysThatTheDiskIsFullAndLeavesNothing)
{
    for (const rlim_t most : {0u, 4096u, 100'000u, 300'000u, 1'000'000u}) {
        SCOPED_TRACE(most);
        const test::SmallFiles limit(most);
        auto created = PageWriter::create(file);
        if (!created) {
            EXPECT_EQ(created.error().code, ErrorCode::CannotWrite);
            continue;
        }
        TableWriter table(*created);
        for (std::size_t i = 0; i < 500; ++i) {
            row.encode(textOf(3000));
            table.add(row);
        }
        const auto finished = created->finish(std::vector<PageWriter::Table>{{"t", "CREATE TABLE t (s TEXT)", table.finish()}});
        ASSERT_FALSE(finished);
        EXPECT_EQ(finished.error().code, ErrorCode::CannotWrite);
        EXPECT_THAT(finished.error().text(), testing::HasSubstr("ulimit -f"));
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

} // namespace
} // namespace gantry::report
