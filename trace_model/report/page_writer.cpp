#include "trace_model/report/page_writer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace gantry::report {
namespace {

constexpr std::uint32_t kPageBytes = PageWriter::kPageBytes;
constexpr std::uint32_t kFileHeader = 100; // before the b-tree page in page 1
constexpr std::uint32_t kLeafHeader = 8, kInteriorHeader = 12;
constexpr std::uint8_t kLeafTable = 13, kInteriorTable = 5;

// How much of a long row stays in its leaf, section 1.6 of the format.
constexpr std::size_t kMostLocal = kPageBytes - 35, kLeastLocal = (kPageBytes - 12) * 32 / 255 - 23;
constexpr std::size_t kOverflowContent = kPageBytes - 4; // behind the number of the next one
constexpr std::size_t kLargestRow = 1'000'000'000;       // sqlite.org/limits.html

// Page number, row id, and the pointer to the cell; as many in each page as fit in page 1.
constexpr std::size_t kLargestInteriorCell = 4 + kMostVarintBytes + 2;
constexpr std::size_t kMostChildren = (kPageBytes - kFileHeader - kInteriorHeader) / kLargestInteriorCell;

void put16(std::uint8_t* to, std::uint32_t value)
{
    to[0] = static_cast<std::uint8_t>(value >> 8);
    to[1] = static_cast<std::uint8_t>(value);
}

void put32(std::uint8_t* to, std::uint32_t value)
{
    const std::uint32_t bigEndian = __builtin_bswap32(value);
    std::memcpy(to, &bigEndian, sizeof bigEndian);
}

std::uint32_t big16(const std::uint8_t* p)
{
    return std::uint32_t{p[0]} << 8 | p[1];
}

/// Of a b-tree page: its header and the pointers to its cells.
std::size_t headBytes(std::span<const std::uint8_t> page)
{
    return (page[0] == kLeafTable ? kLeafHeader : kInteriorHeader) + 2 * std::size_t{big16(page.data() + 3)};
}

/// The first 100 bytes, section 1.3 of the format.
void putFileHeader(std::uint8_t* to, std::uint32_t pages)
{
    constexpr std::uint32_t kFormatOfVersion = 3'040'001; // of the library that the format was taken from
    constexpr std::uint32_t kUtf8 = 1, kSchemaFormat = 4, kChange = 1;
    std::memcpy(to, "SQLite format 3", 16);
    put16(to + 16, kPageBytes);
    to[18] = to[19] = 1; // no write-ahead log
    to[21] = 64, to[22] = 32, to[23] = 32;
    put32(to + 24, kChange);
    put32(to + 28, pages);
    put32(to + 40, kChange); // schema cookie
    put32(to + 44, kSchemaFormat);
    put32(to + 56, kUtf8);
    put32(to + 92, kChange); // the count of pages is valid for this one
    put32(to + 96, kFormatOfVersion);
}

} // namespace

Result<PageWriter> PageWriter::create(const std::filesystem::path& path, FileAccess access, std::uint32_t lockPage)
{
    GANTRY_TRY(NewFile file, NewFile::create(path, access));
    PageWriter writer(std::move(file), lockPage);
    writer.append(std::vector<std::uint8_t>(kPageBytes)); // page 1, which is known last
    if (writer.m_error)
        return std::move(*writer.m_error);
    return writer;
}

void PageWriter::fail(Error error)
{
    if (!m_error)
        m_error = std::move(error);
}

void PageWriter::write(std::span<const std::uint8_t> bytes)
{
    if (m_error)
        return;
    if (Result<void> written = m_file.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()}); !written)
        m_error = std::move(written.error());
}

void PageWriter::append(std::span<const std::uint8_t> pages)
{
    const auto count = static_cast<std::uint32_t>(pages.size() / kPageBytes);
    const std::uint32_t untilLock = m_nextPage < m_lockPage ? m_lockPage - m_nextPage : count + 1;
    if (count < untilLock) {
        write(pages);
        m_nextPage += count;
        return;
    }
    write(pages.first(std::size_t{untilLock} * kPageBytes));
    write(std::vector<std::uint8_t>(kPageBytes));
    write(pages.subspan(std::size_t{untilLock} * kPageBytes));
    m_nextPage += count + 1;
}

Result<void> PageWriter::finish(std::span<const Table> tables)
{
    TableWriter schema(*this);
    RowEncoder row;
    for (const Table& table : tables) {
        row.encode("table", table.name, table.name, table.root, table.sql);
        schema.add(row);
    }
    TableWriter::Page first = schema.finishBelowRoot();
    if (big16(first.data() + 5) < headBytes(first) + kFileHeader) { // a leaf that is too full for page 1, the root of the list
        const std::uint32_t page = m_nextPage;
        append(first);
        first = TableWriter::interiorPage(std::array{TableWriter::Child{page, 0}});
    }
    // Its head moves behind the file's header; what its cells hold stays where it is, at the end.
    std::memmove(first.data() + kFileHeader, first.data(), headBytes(first));
    std::memset(first.data(), 0, kFileHeader);
    putFileHeader(first.data(), m_nextPage - 1);
    if (!m_error)
        if (Result<void> written = m_file.overwrite(0, {reinterpret_cast<const char*>(first.data()), first.size()}); !written)
            m_error = std::move(written.error());
    if (m_error) {
        m_file.discard();
        return *m_error;
    }
    return m_file.publish();
}

TableWriter::TableWriter(PageWriter& file) : m_file(&file)
{
    beginLeaf();
}

void TableWriter::beginLeaf()
{
    const std::size_t end = (m_fullLeaves + 1) * kPageBytes;
    if (m_run.size() < end)
        m_run.resize(end);
    std::memset(leaf(), 0, kPageBytes);
    leaf()[0] = kLeafTable;
    m_cells = 0;
    m_contentStart = kPageBytes;
}

void TableWriter::endLeaf()
{
    put16(leaf() + 3, m_cells);
    put16(leaf() + 5, m_contentStart);
    m_lastRowIds.push_back(m_lastRowId);
    ++m_fullLeaves;
}

void TableWriter::writeRun()
{
    std::uint32_t page = m_file->nextPage();
    m_file->append(std::span(m_run).first(m_fullLeaves * kPageBytes));
    for (const std::int64_t lastRowId : m_lastRowIds) {
        m_children.push_back({page, lastRowId});
        page = m_file->pageBehind(page);
    }
    m_lastRowIds.clear();
    m_fullLeaves = 0;
}

/// Places a cell in the open leaf, in a new one where that is full. Returns where `storedBytes` go behind its length and row id.
std::uint8_t* TableWriter::beginCell(std::int64_t rowId, std::size_t rowBytes, std::size_t storedBytes)
{
    std::uint8_t prefix[2 * kMostVarintBytes];
    std::size_t prefixBytes = putVarint(prefix, rowBytes);
    prefixBytes += putVarint(prefix + prefixBytes, static_cast<std::uint64_t>(rowId));
    if (kLeafHeader + 2 * (m_cells + 1) + prefixBytes + storedBytes > m_contentStart) {
        endLeaf();
        if (m_fullLeaves == kLeavesOfARun)
            writeRun();
        beginLeaf();
    }
    m_contentStart -= static_cast<std::uint32_t>(prefixBytes + storedBytes);
    put16(leaf() + kLeafHeader + 2 * std::size_t{m_cells}, m_contentStart);
    ++m_cells;
    m_lastRowId = rowId;
    ++m_rows;
    std::uint8_t* const cell = leaf() + m_contentStart;
    std::memcpy(cell, prefix, prefixBytes);
    return cell + prefixBytes;
}

void TableWriter::add(std::int64_t rowId, const RowEncoder& row)
{
    if (m_rows > 0 && rowId <= m_lastRowId)
        m_file->fail({ErrorCode::Internal, "rows of a table of the report are out of order", {}});
    else if (const auto bytes = row.bytes(); bytes.size() <= kMostLocal)
        std::memcpy(beginCell(rowId, bytes.size(), bytes.size()), bytes.data(), bytes.size());
    else
        addLong(rowId, bytes);
}

void TableWriter::addLong(std::int64_t rowId, std::span<const std::uint8_t> row)
{
    const std::size_t bytes = row.size();
    if (bytes > kLargestRow) {
        m_file->fail({ErrorCode::Internal, "a row of the report is longer than SQLite reads", {}});
        return;
    }
    std::size_t local = kLeastLocal + (bytes - kLeastLocal) % kOverflowContent;
    if (local > kMostLocal)
        local = kLeastLocal;

    const std::uint32_t firstPage = m_file->nextPage();
    const std::size_t pages = (bytes - local + kOverflowContent - 1) / kOverflowContent;
    Page chain(pages * kPageBytes);
    std::uint32_t page = firstPage;
    for (std::size_t i = 0; i < pages; ++i) {
        page = m_file->pageBehind(page);
        std::uint8_t* const to = chain.data() + i * kPageBytes;
        const std::size_t from = local + i * kOverflowContent;
        put32(to, i + 1 < pages ? page : 0);
        std::memcpy(to + 4, row.data() + from, std::min(kOverflowContent, bytes - from));
    }
    m_file->append(chain);

    std::uint8_t* const cell = beginCell(rowId, bytes, local + 4);
    std::memcpy(cell, row.data(), local);
    put32(cell + local, firstPage);
}

TableWriter::Page TableWriter::interiorPage(std::span<const Child> children)
{
    Page page(kPageBytes);
    std::size_t contentStart = kPageBytes;
    for (std::size_t i = 0; i + 1 < children.size(); ++i) {
        std::uint8_t cell[4 + kMostVarintBytes];
        put32(cell, children[i].page);
        const std::size_t bytes = 4 + putVarint(cell + 4, static_cast<std::uint64_t>(children[i].lastRowId));
        contentStart -= bytes;
        std::memcpy(page.data() + contentStart, cell, bytes);
        put16(page.data() + kInteriorHeader + 2 * i, static_cast<std::uint32_t>(contentStart));
    }
    page[0] = kInteriorTable;
    put16(page.data() + 3, static_cast<std::uint32_t>(children.size() - 1));
    put16(page.data() + 5, static_cast<std::uint32_t>(contentStart));
    put32(page.data() + 8, children.back().page);
    return page;
}

TableWriter::Page TableWriter::finishBelowRoot()
{
    endLeaf();
    if (m_children.empty() && m_fullLeaves == 1) {
        m_run.resize(kPageBytes);
        return std::move(m_run);
    }
    writeRun();
    while (m_children.size() > kMostChildren) {
        std::vector<Child> parents;
        for (std::size_t first = 0; first < m_children.size();) {
            // The last page of a level gets at least two children: it must have a cell.
            std::size_t count = std::min(kMostChildren, m_children.size() - first);
            if (m_children.size() - first - count == 1)
                --count;
            const auto children = std::span(m_children).subspan(first, count);
            parents.push_back({m_file->nextPage(), children.back().lastRowId});
            m_file->append(interiorPage(children));
            first += count;
        }
        m_children = std::move(parents);
    }
    return interiorPage(m_children);
}

std::uint32_t TableWriter::finish()
{
    const Page root = finishBelowRoot();
    const std::uint32_t page = m_file->nextPage();
    m_file->append(root);
    return page;
}

} // namespace gantry::report
