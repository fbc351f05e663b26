#pragma once

#include <span>
#include <string>

namespace gantry::report {

/// Version of the GANTRY_* tables and of how the others are used. A reader refuses a report with a larger one.
inline constexpr int kReportFormatVersion = 1;

/// Version of the Nsight Systems export whose base columns are followed (META_DATA_EXPORT, EXPORT_SCHEMA_VERSION).
inline constexpr char kFollowedSchemaVersion[] = "3.16.1";

struct Column
{
    const char* name;
    const char* type;    ///< SQLite type with its constraint
    const char* comment; ///< meaning and unit
};

struct Table
{
    const char* name;
    const char* comment;
    std::span<const Column> columns;
    bool isLazy = false; ///< there only when it has rows
};

struct EnumValue
{
    int id;
    const char* name;
    const char* label; ///< for people
};

/// A table (id, name, label) that explains the numbers of a column.
struct EnumTable
{
    const char* name;
    std::span<const EnumValue> values;
};

/// Every table that a report may have except the ENUM_* ones, in the order they are created. SCHEMA.md beside this file lists the same.
[[nodiscard]] std::span<const Table> tables();
[[nodiscard]] std::span<const EnumTable> enumTables();

/// CREATE TABLE with one commented line per column.
[[nodiscard]] std::string createStatement(const Table& table);
[[nodiscard]] std::string createStatement(const EnumTable& table);

} // namespace gantry::report
