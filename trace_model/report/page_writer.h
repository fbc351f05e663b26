#pragma once

#include "trace_model/base/new_file.h"
#include "trace_model/base/result.h"
#include "trace_model/report/row_encoder.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gantry::report {

/// A SQLite file made without the library, which is an order of magnitude faster than prepared inserts: its pages are written once, in
/// the order in which they fill, and it ends with the list of tables. What page_reader.h is to reading. It appears under its name when
/// it is complete. Format: sqlite.org/fileformat2.html. One thread at a time.
///
/// An error is kept, and nothing is written any more: error() tells it, finish() returns it. Errors: CannotWrite, Internal.
class PageWriter
{
public:
    static constexpr std::uint32_t kPageBytes = 4096;
    /// The page at 1 GiB, which holds no content: programs lock bytes of it.
    static constexpr std::uint32_t kLockPage = 0x40000000 / kPageBytes + 1;

    /// `lockPage`: another one than SQLite's, for tests that do not write 1 GiB.
    [[nodiscard]] static Result<PageWriter> create(const std::filesystem::path& path, FileAccess access = FileAccess::OwnerOnly,
                                                   std::uint32_t lockPage = kLockPage);

    /// Number of the page that is appended next, and of the one appended behind another.
    [[nodiscard]] std::uint32_t nextPage() const { return m_nextPage; }
    [[nodiscard]] std::uint32_t pageBehind(std::uint32_t page) const { return page + 1 == m_lockPage ? page + 2 : page + 1; }
    void append(std::span<const std::uint8_t> pages);

    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }
    void fail(Error error);

    struct Table
    {
        std::string name;
        std::string sql; ///< CREATE TABLE name …
        std::uint32_t root = 0;
    };
    /// Writes the list of tables, syncs, and renames into place.
    [[nodiscard]] Result<void> finish(std::span<const Table> tables);

private:
    PageWriter(NewFile file, std::uint32_t lockPage) : m_file(std::move(file)), m_lockPage(lockPage) {}
    void write(std::span<const std::uint8_t> bytes);

    NewFile m_file;
    std::uint32_t m_lockPage;
    std::uint32_t m_nextPage = 1;
    std::optional<Error> m_error;
};

/// Fills the b-tree of one table from left to right: rows in the order of their ids into leaves, the levels above at the end. Leaves
/// are written in runs, so that those of a table lie side by side though several tables grow at once. Rows longer than a page go on in
/// overflow pages. Keeps at most kLeavesOfARun pages, and 16 bytes for each leaf that is written.
class TableWriter
{
public:
    static constexpr std::size_t kLeavesOfARun = 64; ///< as many as the reader reads at once

    explicit TableWriter(PageWriter& file);

    void add(const RowEncoder& row) { add(m_lastRowId + 1, row); }
    /// `rowId`: larger than all before.
    void add(std::int64_t rowId, const RowEncoder& row);
    [[nodiscard]] std::uint64_t rows() const { return m_rows; }

    /// After the last row. Returns the root page.
    [[nodiscard]] std::uint32_t finish();

private:
    friend class PageWriter;
    struct Child
    {
        std::uint32_t page;
        std::int64_t lastRowId;
    };

    using Page = std::vector<std::uint8_t>;

    /// Writes all pages but the root, which it returns.
    [[nodiscard]] Page finishBelowRoot();
    [[nodiscard]] static Page interiorPage(std::span<const Child> children);
    [[nodiscard]] std::uint8_t* leaf() { return m_run.data() + m_fullLeaves * PageWriter::kPageBytes; }
    void beginLeaf();
    void endLeaf();
    void writeRun();
    [[nodiscard]] std::uint8_t* beginCell(std::int64_t rowId, std::size_t rowBytes, std::size_t storedBytes);
    void addLong(std::int64_t rowId, std::span<const std::uint8_t> row);

    PageWriter* m_file;
    std::vector<std::uint8_t> m_run;        ///< leaves: full ones, then the open one
    std::vector<std::int64_t> m_lastRowIds; ///< of the full leaves
    std::size_t m_fullLeaves = 0;
    std::uint32_t m_cells = 0, m_contentStart = 0; ///< of the open leaf
    std::int64_t m_lastRowId = 0;
    std::uint64_t m_rows = 0;
    std::vector<Child> m_children; ///< leaves that are written
};

} // namespace gantry::report
