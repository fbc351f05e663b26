#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace gantry::report {

/// The pages of a SQLite file, read without the library: a full scan of a table is ten times faster that way. Reads with pread(),
/// never a mapping: a file that shrinks meanwhile is an error and no SIGBUS. Any thread. Format: sqlite.org/fileformat2.html.
class PageFile
{
public:
    /// Nothing when the file is not what this reader handles (UTF-16, an odd page size) or cannot be opened: use the library.
    [[nodiscard]] static std::shared_ptr<const PageFile> open(const std::filesystem::path& path);
    PageFile(const PageFile&) = delete;
    PageFile& operator=(const PageFile&) = delete;
    ~PageFile();

    [[nodiscard]] std::uint32_t pageSize() const { return m_pageSize; }
    [[nodiscard]] std::uint32_t usableSize() const { return m_usableSize; } ///< of a page, without what is reserved at its end
    [[nodiscard]] std::uint32_t pageCount() const { return m_pageCount; }
    /// Reads `count` pages from page `first` (1-based) into `to`. False: beyond the file, or it cannot be read.
    [[nodiscard]] bool read(std::uint32_t first, std::uint32_t count, std::uint8_t* to) const;

    /// Leaf pages of a table, in the order of rows.
    struct Leaves
    {
        std::vector<std::uint32_t> pages;
        std::optional<Error> damage; ///< Truncated: the pages do not lead to all of the table
    };
    /// Those of the table whose b-tree starts at `root`. Nothing: no table with row ids (WITHOUT ROWID).
    [[nodiscard]] std::optional<Leaves> leavesOf(std::uint32_t root) const;

private:
    PageFile(int fd, std::uint32_t pageSize, std::uint32_t usableSize, std::uint32_t pageCount);

    int m_fd;
    std::uint32_t m_pageSize, m_usableSize, m_pageCount;
};

/// A column of the current row as it is stored. The bytes belong to the cursor and hold until its next row; kReadAhead more of them may
/// be read than the value has.
struct StoredValue
{
    static constexpr std::size_t kReadAhead = 8;

    std::uint64_t serialType = 0; ///< 0 NULL, 1–6 integers, 7 real, 8 and 9 the integers 0 and 1, even from 12 blob, odd from 13 text
    const std::uint8_t* bytes = nullptr;

    [[nodiscard]] bool isNull() const { return serialType == 0; }
    /// As sqlite3_column_int64() converts it.
    [[nodiscard]] std::int64_t integer() const
    {
        if (serialType - 8 <= 1) // 0 and 1
            return static_cast<std::int64_t>(serialType - 8);
        if (serialType == 0 || serialType > 6)
            return convertedInteger();
        // Big-endian, as many bytes as the type says, sign-extended from the first. What lies behind them is shifted out.
        constexpr std::uint8_t kShifts[] = {0, 56, 48, 40, 32, 16, 0};
        std::uint64_t word;
        std::memcpy(&word, bytes, sizeof word);
        return static_cast<std::int64_t>(__builtin_bswap64(word)) >> kShifts[serialType];
    }
    [[nodiscard]] double real() const;
    /// Text or blob; empty for numbers.
    [[nodiscard]] std::string_view text() const;
    [[nodiscard]] bool isNumber() const { return serialType > 0 && serialType < 10; }
    [[nodiscard]] bool isInteger() const { return serialType - 1 < 9 && serialType != 7; }
    [[nodiscard]] bool isReal() const { return serialType == 7; }

private:
    [[nodiscard]] std::int64_t convertedInteger() const;
};

/// Rows of some leaf pages of one table. A page that is damaged is passed over, from its first row on that cannot be read.
class PageCursor
{
public:
    /// `columns`: the places of the wanted columns in the table; -1 for the row id.
    PageCursor(std::shared_ptr<const PageFile> file, std::vector<std::uint32_t> leaves, std::span<const int> columns);

    /// Next row; false at the end.
    [[nodiscard]] bool next();
    /// Of the first page that was damaged.
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }
    [[nodiscard]] std::uint64_t damagedPages() const { return m_damagedPages; } ///< so far
    /// By the place in `columns`; a column that the row is too short for is NULL.
    [[nodiscard]] const StoredValue& value(std::size_t column) const { return m_values[column]; }
    [[nodiscard]] std::int64_t rowId() const { return m_rowId; }
    /// How much of the pages has been read, 0..1.
    [[nodiscard]] double fraction() const
    {
        return m_leaves.empty() ? 1.0 : static_cast<double>(m_nextLeaf) / static_cast<double>(m_leaves.size());
    }

private:
    void nextPage();
    bool readBlock(std::uint32_t number);
    bool readRow(const std::uint8_t* cell);
    const std::uint8_t* assemble(const std::uint8_t* local, std::uint64_t payload, std::uint64_t localBytes);
    bool decode(const std::uint8_t* record, std::uint64_t bytes);
    bool fail(const char* what);

    std::shared_ptr<const PageFile> m_file;
    std::vector<std::uint32_t> m_leaves;
    std::vector<std::int16_t> m_slots; ///< by column of the table: its place in m_values, or -1
    std::vector<StoredValue> m_values;
    std::vector<std::uint8_t> m_block;   ///< some pages in a row
    std::vector<std::uint8_t> m_payload; ///< of a row that overflows its page
    std::uint32_t m_blockFirst = 0, m_blockPages = 0;
    std::size_t m_nextLeaf = 0;
    const std::uint8_t* m_page = nullptr;
    std::uint32_t m_cell = 0, m_cells = 0;
    std::int64_t m_rowId = 0;
    std::uint64_t m_damagedPages = 0;
    std::optional<Error> m_error;
};

} // namespace gantry::report
