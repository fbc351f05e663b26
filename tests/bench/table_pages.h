#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace gantry::bench {

/// The pages at the end of a SQLite file with pages of 4 KiB that nobody else has open. One thread.
class PageAppender
{
public:
    static constexpr std::uint32_t kPageSize = 4096;

    [[nodiscard]] static Result<PageAppender> open(const std::filesystem::path& path);
    PageAppender(PageAppender&& other) noexcept : m_fd(other.m_fd), m_pages(other.m_pages) { other.m_fd = -1; }
    PageAppender& operator=(PageAppender&&) = delete;
    ~PageAppender();

    /// Appends whole pages; `numbers` gets the number of each.
    [[nodiscard]] Result<void> append(std::span<const std::uint8_t> pages, std::vector<std::uint32_t>& numbers);
    [[nodiscard]] Result<void> replace(std::uint32_t page, std::span<const std::uint8_t> content);
    /// Writes the number of pages into the file's header.
    [[nodiscard]] Result<void> finish();

private:
    PageAppender(int fd, std::uint32_t pages) : m_fd(fd), m_pages(pages) {}
    [[nodiscard]] Result<void> write(std::span<const std::uint8_t> bytes, std::uint64_t offset) const;

    int m_fd;
    std::uint32_t m_pages; ///< so far
};

/// One row in SQLite's record format, put together column by column.
class Record
{
public:
    void clear() { m_header = m_body = 0; }
    void null() { m_types[m_header++] = 0; }
    void integer(std::int64_t value);
    /// At most 57 bytes, so that its type is one byte.
    void text(std::string_view value);

    [[nodiscard]] std::size_t size() const { return 1 + m_header + m_body; }
    /// Writes size() bytes.
    void copyTo(std::uint8_t* to) const;

private:
    static constexpr std::size_t kColumns = 32;
    std::uint8_t m_types[kColumns];
    std::uint8_t m_bytes[kColumns * 8 + 64];
    std::size_t m_header = 0, m_body = 0;
};

/// Fills an empty table of a SQLite file without the library: packs rows into leaves of its b-tree in the order of their row ids,
/// then builds the levels above. An order of magnitude faster than prepared inserts. Format: sqlite.org/fileformat2.html.
class TablePages
{
public:
    /// `root`: root page of the table, which must be empty.
    TablePages(PageAppender& file, std::uint32_t root);

    [[nodiscard]] Result<void> add(const Record& row);
    [[nodiscard]] Result<void> finish();

private:
    struct Child
    {
        std::uint32_t page;
        std::int64_t lastRowId;
    };

    void beginLeaf();
    void endLeaf();
    [[nodiscard]] Result<void> flush();
    [[nodiscard]] std::uint8_t* leaf() { return m_leaves.data() + m_filledLeaves * PageAppender::kPageSize; }

    PageAppender& m_file;
    std::uint32_t m_root;
    std::vector<std::uint8_t> m_leaves;     ///< being filled; written together so that a table's pages lie side by side
    std::vector<std::int64_t> m_lastRowIds; ///< of the filled leaves
    std::size_t m_filledLeaves = 0;
    std::uint32_t m_cells = 0, m_contentStart = 0; ///< of the open leaf
    std::int64_t m_rowId = 0;
    std::vector<Child> m_children;
};

} // namespace gantry::bench
