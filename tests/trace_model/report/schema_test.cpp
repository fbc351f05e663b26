#include "trace_model/report/schema.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <memory>
#include <set>
#include <sstream>

namespace gantry::report {
namespace {

std::string readFile(const std::string& path)
{
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

TEST(Schema, DocumentNamesTheVersionAndEveryTable)
{
    const std::string document = readFile(GANTRY_SOURCE_DIR "/trace_model/report/SCHEMA.md");
    ASSERT_FALSE(document.empty());
    EXPECT_NE(document.find("version " + std::to_string(kReportFormatVersion)), std::string::npos);
    for (const Table& table : tables())
        EXPECT_NE(document.find(table.name), std::string::npos) << table.name << " is not in SCHEMA.md";
}

TEST(Schema, DocumentListsExactlyTheColumnsOfEveryTable)
{
    const std::string document = readFile(GANTRY_SOURCE_DIR "/trace_model/report/SCHEMA.md");
    for (const Table& table : tables()) {
        std::string section = std::string("### ") + table.name + "\n\n| column | type | meaning |\n|---|---|---|\n";
        for (const Column& column : table.columns)
            section += std::string("| ") + column.name + " | " + column.type + " | " + column.comment + " |\n";
        EXPECT_NE(document.find(section + "\n"), std::string::npos) << "SCHEMA.md should say:\n" << section;
    }
}

TEST(Schema, DeclaresEveryTableAndColumnOnce)
{
    std::set<std::string> names;
    for (const Table& table : tables()) {
        EXPECT_TRUE(names.insert(table.name).second) << table.name;
        std::set<std::string> columns;
        for (const Column& column : table.columns)
            EXPECT_TRUE(columns.insert(column.name).second) << table.name << "." << column.name;
    }
}

TEST(Schema, IsAcceptedBySqlite)
{
    sqlite3* opened = nullptr;
    ASSERT_EQ(sqlite3_open(":memory:", &opened), SQLITE_OK);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, &sqlite3_close);
    for (const Table& table : tables())
        EXPECT_EQ(sqlite3_exec(opened, createStatement(table).c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(opened);
    for (const EnumTable& table : enumTables())
        EXPECT_EQ(sqlite3_exec(opened, createStatement(table).c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(opened);
}

} // namespace
} // namespace gantry::report
