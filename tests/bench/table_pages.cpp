#include "tests/bench/table_pages.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::bench {

namespace {

constexpr std::uint32_t kPageSize = PageAppender::kPageSize;
constexpr std::uint32_t kLockBytePage = 0x40000000 / kPageSize + 1; ///< holds no content: programs lock its bytes
constexpr std::size_t kLeavesAtOnce = 512;
constexpr std::size_t kLeafHeader = 8, kInteriorHeader = 12;
constexpr std::size_t kLargestInteriorCell = 4 + 9 + 2; ///< page number, row id, pointer to the cell
constexpr std::size_t kChildrenOfPage = (kPageSize - kInteriorHeader) / kLargestInteriorCell;

void put16(std::uint8_t* to, std::uint32_t value)
{
    to[0] = static_cast<std::uint8_t>(value >> 8);
    to[1] = static_cast<std::uint8_t>(value);
}

void put32(std::uint8_t* to, std::uint32_t value)
{
    put16(to, value >> 16);
    put16(to + 2, value & 0xFFFF);
}

/// Seven bits a byte, the most significant first. Returns the length; for values below 2^56.
std::size_t putVarint(std::uint8_t* to, std::uint64_t value)
{
    std::size_t length = 1;
    for (std::uint64_t rest = value >> 7; rest != 0; rest >>= 7)
        ++length;
    for (std::size_t i = length; i-- > 0; value >>= 7)
        to[i] = static_cast<std::uint8_t>((value & 0x7F) | (i + 1 == length ? 0 : 0x80));
    return length;
}

} // namespace

Result<PageAppender> PageAppender::open(const std::filesystem::path& path)
{
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct stat status
    {
    };
    if (fd < 0 || ::fstat(fd, &status) != 0)
        return errnoError(errno, "opening " + path.string());
    return PageAppender(fd, static_cast<std::uint32_t>(status.st_size / kPageSize));
}

PageAppender::~PageAppender()
{
    if (m_fd >= 0)
        ::close(m_fd);
}

Result<void> PageAppender::write(std::span<const std::uint8_t> bytes, std::uint64_t offset) const
{
    while (!bytes.empty()) {
        const ssize_t written = ::pwrite(m_fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0)
            return errnoError(errno, "writing pages");
        bytes = bytes.subspan(static_cast<std::size_t>(written));
        offset += static_cast<std::uint64_t>(written);
    }
    return {};
}

Result<void> PageAppender::append(std::span<const std::uint8_t> pages, std::vector<std::uint32_t>& numbers)
{
    numbers.clear();
    while (!pages.empty()) {
        if (m_pages + 1 == kLockBytePage)
            ++m_pages;
        std::size_t count = pages.size() / kPageSize;
        if (m_pages < kLockBytePage)
            count = std::min<std::size_t>(count, kLockBytePage - 1 - m_pages);
        if (Result<void> written = write(pages.first(count * kPageSize), std::uint64_t{m_pages} * kPageSize); !written)
            return written;
        for (std::size_t i = 0; i < count; ++i)
            numbers.push_back(++m_pages);
        pages = pages.subspan(count * kPageSize);
    }
    return {};
}

Result<void> PageAppender::replace(std::uint32_t page, std::span<const std::uint8_t> content)
{
    return write(content, std::uint64_t{page - 1} * kPageSize);
}

Result<void> PageAppender::finish()
{
    constexpr std::uint64_t kPageCountOffset = 28;
    std::uint8_t count[4];
    put32(count, m_pages);
    return write(count, kPageCountOffset);
}

void Record::integer(std::int64_t value)
{
    if (value == 0 || value == 1) {
        m_types[m_header++] = value == 0 ? 8 : 9;
        return;
    }
    static constexpr struct
    {
        std::uint8_t bits, type, bytes;
    } kWidths[] = {{7, 1, 1}, {15, 2, 2}, {23, 3, 3}, {31, 4, 4}, {47, 5, 6}, {63, 6, 8}};
    const std::uint64_t magnitude = static_cast<std::uint64_t>(value < 0 ? ~value : value);
    std::size_t width = 0;
    while (magnitude >> kWidths[width].bits != 0)
        ++width;
    m_types[m_header++] = kWidths[width].type;
    const std::uint64_t bigEndian = __builtin_bswap64(static_cast<std::uint64_t>(value) << (64 - 8 * kWidths[width].bytes));
    std::memcpy(m_bytes + m_body, &bigEndian, 8); // what is too much is overwritten by the next column
    m_body += kWidths[width].bytes;
}

void Record::text(std::string_view value)
{
    m_types[m_header++] = static_cast<std::uint8_t>(13 + 2 * value.size());
    std::memcpy(m_bytes + m_body, value.data(), value.size());
    m_body += value.size();
}

void Record::copyTo(std::uint8_t* to) const
{
    to[0] = static_cast<std::uint8_t>(1 + m_header);
    std::memcpy(to + 1, m_types, m_header);
    std::memcpy(to + 1 + m_header, m_bytes, m_body);
}

TablePages::TablePages(PageAppender& file, std::uint32_t root) : m_file(file), m_root(root), m_leaves(kLeavesAtOnce * kPageSize)
{
    beginLeaf();
}

void TablePages::beginLeaf()
{
    constexpr std::uint8_t kTableLeaf = 13;
    std::memset(leaf(), 0, kPageSize);
    leaf()[0] = kTableLeaf;
    m_cells = 0;
    m_contentStart = kPageSize;
}

void TablePages::endLeaf()
{
    put16(leaf() + 3, m_cells);
    put16(leaf() + 5, m_contentStart);
    m_lastRowIds.push_back(m_rowId);
    ++m_filledLeaves;
}

Result<void> TablePages::add(const Record& row)
{
    std::uint8_t prefix[20];
    std::size_t prefixBytes = putVarint(prefix, row.size());
    prefixBytes += putVarint(prefix + prefixBytes, static_cast<std::uint64_t>(m_rowId + 1));
    const std::size_t bytes = prefixBytes + row.size();
    if (kLeafHeader + 2 * (m_cells + 1) + bytes > m_contentStart) {
        endLeaf();
        if (m_filledLeaves == kLeavesAtOnce)
            GANTRY_CHECK(flush());
        beginLeaf();
    }
    m_contentStart -= static_cast<std::uint32_t>(bytes);
    std::memcpy(leaf() + m_contentStart, prefix, prefixBytes);
    row.copyTo(leaf() + m_contentStart + prefixBytes);
    put16(leaf() + kLeafHeader + 2 * std::size_t{m_cells}, m_contentStart);
    ++m_cells;
    ++m_rowId;
    return {};
}

Result<void> TablePages::flush()
{
    std::vector<std::uint32_t> numbers;
    GANTRY_CHECK(m_file.append(std::span(m_leaves).first(m_filledLeaves * kPageSize), numbers));
    for (std::size_t i = 0; i < numbers.size(); ++i)
        m_children.push_back({numbers[i], m_lastRowIds[i]});
    m_lastRowIds.clear();
    m_filledLeaves = 0;
    return {};
}

Result<void> TablePages::finish()
{
    if (m_rowId == 0)
        return {};
    endLeaf();
    if (m_children.empty() && m_filledLeaves == 1)
        return m_file.replace(m_root, std::span(m_leaves).first(kPageSize));
    GANTRY_CHECK(flush());

    constexpr std::uint8_t kTableInterior = 5;
    std::vector<std::uint8_t> page(kPageSize);
    while (true) {
        const bool isRoot = m_children.size() <= kChildrenOfPage;
        std::vector<Child> parents;
        for (std::size_t first = 0; first < m_children.size();) {
            // The last page of a level gets at least two children, so that it has a cell.
            std::size_t count = std::min(kChildrenOfPage, m_children.size() - first);
            if (m_children.size() - first - count == 1)
                --count;
            std::fill(page.begin(), page.end(), std::uint8_t{0});
            std::size_t contentStart = kPageSize;
            for (std::size_t i = 0; i + 1 < count; ++i) {
                std::uint8_t cell[13];
                put32(cell, m_children[first + i].page);
                const std::size_t bytes = 4 + putVarint(cell + 4, static_cast<std::uint64_t>(m_children[first + i].lastRowId));
                contentStart -= bytes;
                std::memcpy(page.data() + contentStart, cell, bytes);
                put16(page.data() + kInteriorHeader + 2 * i, static_cast<std::uint32_t>(contentStart));
            }
            page[0] = kTableInterior;
            put16(page.data() + 3, static_cast<std::uint32_t>(count - 1));
            put16(page.data() + 5, static_cast<std::uint32_t>(contentStart));
            put32(page.data() + 8, m_children[first + count - 1].page);
            if (isRoot)
                return m_file.replace(m_root, page);
            std::vector<std::uint32_t> number;
            GANTRY_CHECK(m_file.append(page, number));
            parents.push_back({number.front(), m_children[first + count - 1].lastRowId});
            first += count;
        }
        m_children = std::move(parents);
    }
}

} // namespace gantry::bench
