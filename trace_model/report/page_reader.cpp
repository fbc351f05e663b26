#include "trace_model/report/page_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace gantry::report {
namespace {

constexpr std::uint32_t kHeaderBytes = 100; // before the b-tree page in page 1
constexpr std::uint8_t kLeafTable = 13, kInteriorTable = 5, kLeafIndex = 10, kInteriorIndex = 2;
constexpr std::size_t kDeepest = 24;       // levels of a b-tree of 2^32 pages with four children each, and some
constexpr std::uint32_t kPagesAtOnce = 64; // of one read: 256 KiB of ordinary pages

/// Bytes of a value of each serial type that is one byte itself.
constexpr std::array<std::uint8_t, 128> kLengths = [] {
    std::array<std::uint8_t, 128> lengths = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
    for (std::size_t type = 12; type < lengths.size(); ++type)
        lengths[type] = static_cast<std::uint8_t>((type - 12) / 2);
    return lengths;
}();

std::uint32_t big16(const std::uint8_t* p)
{
    return std::uint32_t{p[0]} << 8 | p[1];
}

std::uint32_t big32(const std::uint8_t* p)
{
    std::uint32_t value;
    std::memcpy(&value, p, sizeof value);
    return __builtin_bswap32(value);
}

std::uint64_t big64(const std::uint8_t* p)
{
    std::uint64_t value;
    std::memcpy(&value, p, sizeof value);
    return __builtin_bswap64(value);
}

/// A varint, or null when it does not end before `end`.
const std::uint8_t* takeVarint(const std::uint8_t* p, const std::uint8_t* end, std::uint64_t& value)
{
    if (p < end && *p < 0x80) {
        value = *p;
        return p + 1;
    }
    std::uint64_t result = 0;
    for (int i = 0; i < 8 && p < end; ++i, ++p) {
        result = result << 7 | (*p & 0x7F);
        if (*p < 0x80) {
            value = result;
            return p + 1;
        }
    }
    if (p >= end)
        return nullptr;
    value = result << 8 | *p;
    return p + 1;
}

std::uint64_t bytesOf(std::uint64_t serialType)
{
    return serialType < kLengths.size() ? kLengths[serialType] : (serialType - 12) / 2;
}

Error damaged(const char* what)
{
    return {ErrorCode::Truncated, std::string("cannot read the report: the file is damaged (") + what + "), fetch or export it again", {}};
}

} // namespace

PageFile::PageFile(int fd, std::uint32_t pageSize, std::uint32_t usableSize, std::uint32_t pageCount)
    : m_fd(fd), m_pageSize(pageSize), m_usableSize(usableSize), m_pageCount(pageCount)
{
}

PageFile::~PageFile()
{
    close(m_fd);
}

std::shared_ptr<const PageFile> PageFile::open(const std::filesystem::path& path)
{
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return nullptr;
    std::uint8_t head[kHeaderBytes];
    struct stat info = {};
    const bool isRead = pread(fd, head, sizeof head, 0) == sizeof head && fstat(fd, &info) == 0;
    const std::uint32_t pageSize = !isRead ? 0 : big16(head + 16) == 1 ? 65536 : big16(head + 16);
    const std::uint32_t reserved = isRead ? head[20] : 0;
    constexpr std::uint32_t kUtf8 = 1;
    if (!isRead || !std::has_single_bit(pageSize) || pageSize < 512 || reserved > pageSize - 480 || big32(head + 56) != kUtf8) {
        close(fd);
        return nullptr;
    }
    const auto pages = static_cast<std::uint64_t>(info.st_size) / pageSize;
    return std::shared_ptr<const PageFile>(
        new PageFile(fd, pageSize, pageSize - reserved,
                     static_cast<std::uint32_t>(std::min<std::uint64_t>(pages, std::numeric_limits<std::uint32_t>::max()))));
}

bool PageFile::read(std::uint32_t first, std::uint32_t count, std::uint8_t* to) const
{
    if (first == 0 || first > m_pageCount || count > m_pageCount - first + 1)
        return false;
    auto left = static_cast<std::uint64_t>(count) * m_pageSize;
    auto offset = static_cast<std::uint64_t>(first - 1) * m_pageSize;
    while (left > 0) {
        const ssize_t got = pread(m_fd, to, left, static_cast<off_t>(offset));
        if (got <= 0) {
            if (got < 0 && errno == EINTR)
                continue;
            return false;
        }
        to += got;
        offset += static_cast<std::uint64_t>(got);
        left -= static_cast<std::uint64_t>(got);
    }
    return true;
}

std::optional<PageFile::Leaves> PageFile::leavesOf(std::uint32_t root) const
{
    struct Level
    {
        std::vector<std::uint32_t> children;
        std::size_t next = 0;
    };
    Leaves leaves;
    std::vector<Level> path(1);
    path.back().children.push_back(root);
    std::vector<std::uint8_t> page(m_pageSize);
    std::vector<bool> seen(std::size_t{m_pageCount} + 1);
    const auto spoil = [&](const char* what) {
        if (!leaves.damage)
            leaves.damage = damaged(what);
    };
    std::size_t leafDepth = 0; // a b-tree has all its leaves at one depth: below it no page has to be read to know what it is
    while (!path.empty()) {
        if (path.back().next == path.back().children.size()) {
            path.pop_back();
            continue;
        }
        const std::uint32_t number = path.back().children[path.back().next++];
        if (number == 0 || number > m_pageCount) {
            spoil("a page is missing");
            continue;
        }
        if (seen[number]) {
            spoil("its pages lead in a circle");
            continue;
        }
        seen[number] = true;
        if (leafDepth == path.size()) {
            leaves.pages.push_back(number);
            continue;
        }
        if (!read(number, 1, page.data())) {
            spoil("a page is missing");
            continue;
        }
        const std::uint8_t* head = page.data() + (number == 1 ? kHeaderBytes : 0);
        if (*head == kLeafTable) {
            leafDepth = path.size();
            leaves.pages.push_back(number);
            continue;
        }
        const bool isIndex = *head == kLeafIndex || *head == kInteriorIndex;
        if (isIndex && number == root)
            return std::nullopt;
        const std::uint32_t cells = big16(head + 3);
        const std::uint8_t* pointers = head + 12;
        if (*head != kInteriorTable || path.size() >= kDeepest || pointers + 2 * std::size_t{cells} > page.data() + m_usableSize) {
            spoil(*head != kInteriorTable ? "a page is not of the table" : "a page has more cells than room");
            continue;
        }
        Level level;
        for (std::uint32_t i = 0; i < cells; ++i) {
            const std::uint32_t at = big16(pointers + 2 * std::size_t{i});
            level.children.push_back(at + 4 > m_usableSize ? 0 : big32(page.data() + at));
        }
        level.children.push_back(big32(head + 8));
        path.push_back(std::move(level));
    }
    return leaves;
}

std::int64_t StoredValue::convertedInteger() const
{
    if (serialType == 7) {
        constexpr double kLimit = 9223372036854775808.0; // 2^63
        const double value = real();
        if (std::isnan(value))
            return 0;
        return value >= kLimit   ? std::numeric_limits<std::int64_t>::max()
               : value < -kLimit ? std::numeric_limits<std::int64_t>::min()
                                 : static_cast<std::int64_t>(value);
    }
    // The integer that a text starts with, as the library casts it.
    std::string_view digits = text();
    digits.remove_prefix(std::min(digits.find_first_not_of(" \t\n\v\f\r"), digits.size()));
    if (digits.starts_with('+'))
        digits.remove_prefix(digits.size() > 1 && digits[1] == '-' ? digits.size() : 1);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc::result_out_of_range)
        return digits.starts_with('-') ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
    return value;
}

double StoredValue::real() const
{
    if (serialType == 7)
        return std::bit_cast<double>(big64(bytes));
    if (serialType < 12)
        return static_cast<double>(integer());
    // The number that a text starts with, as the library casts it: no "inf", "nan" or hexadecimal.
    std::string_view digits = text();
    digits.remove_prefix(std::min(digits.find_first_not_of(" \t\n\v\f\r"), digits.size()));
    if (digits.starts_with('+'))
        digits.remove_prefix(digits.size() > 1 && digits[1] == '-' ? digits.size() : 1);
    const std::size_t first = digits.starts_with('-') ? 1 : 0;
    if (first >= digits.size() || (digits[first] != '.' && (digits[first] < '0' || digits[first] > '9')))
        return 0.0;
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc::result_out_of_range ? std::strtod(std::string(digits.data(), end).c_str(), nullptr) : value;
}

std::string_view StoredValue::text() const
{
    return serialType < 12 ? std::string_view() : std::string_view(reinterpret_cast<const char*>(bytes), bytesOf(serialType));
}

PageCursor::PageCursor(std::shared_ptr<const PageFile> file, std::vector<std::uint32_t> leaves, std::span<const int> columns)
    : m_file(std::move(file)), m_leaves(std::move(leaves)), m_values(columns.size())
{
    for (std::size_t slot = 0; slot < columns.size(); ++slot) {
        if (columns[slot] < 0)
            continue;
        const auto column = static_cast<std::size_t>(columns[slot]);
        m_slots.resize(std::max(m_slots.size(), column + 1), -1);
        m_slots[column] = static_cast<std::int16_t>(slot);
    }
    m_block.resize(std::size_t{kPagesAtOnce} * m_file->pageSize() + StoredValue::kReadAhead);
}

/// Gives up the current page.
bool PageCursor::fail(const char* what)
{
    if (!m_error)
        m_error = damaged(what);
    ++m_damagedPages;
    m_cell = m_cells = 0;
    return false;
}

bool PageCursor::next()
{
    while (true) {
        while (m_cell == m_cells) {
            if (m_nextLeaf == m_leaves.size())
                return false;
            nextPage();
        }
        const std::uint32_t at =
            big16(m_page + 8 + (m_page == m_block.data() && m_blockFirst == 1 ? kHeaderBytes : 0) + 2 * std::size_t{m_cell});
        ++m_cell;
        if (at >= m_file->usableSize() ? fail("a cell lies outside its page") : readRow(m_page + at))
            return true;
    }
}

/// Reads the next leaf and what lies near behind it: the leaves of a table mostly lie one after the other.
bool PageCursor::readBlock(std::uint32_t number)
{
    std::uint32_t last = number;
    for (std::size_t i = m_nextLeaf + 1; i < m_leaves.size() && m_leaves[i] > last && m_leaves[i] - number < kPagesAtOnce; ++i)
        if (m_leaves[i] <= m_file->pageCount())
            last = m_leaves[i];
    m_blockFirst = number;
    for (const std::uint32_t pages : {last - number + 1, 1u}) { // one alone where the others cannot be read
        m_blockPages = pages;
        if (m_file->read(m_blockFirst, m_blockPages, m_block.data()))
            return true;
    }
    m_blockPages = 0;
    return false;
}

/// Goes to the next leaf; it has no cells when it is damaged.
void PageCursor::nextPage()
{
    const std::uint32_t number = m_leaves[m_nextLeaf];
    const bool isRead = (number >= m_blockFirst && number < m_blockFirst + m_blockPages) || readBlock(number);
    ++m_nextLeaf;
    if (!isRead) {
        fail("a page is missing");
        return;
    }
    m_page = m_block.data() + static_cast<std::size_t>(number - m_blockFirst) * m_file->pageSize();
    const std::uint32_t skipped = number == 1 ? kHeaderBytes : 0;
    const std::uint8_t* head = m_page + skipped;
    m_cell = 0;
    m_cells = big16(head + 3);
    if (*head != kLeafTable)
        fail("a page is not of the table");
    else if (skipped + 8 + 2 * std::size_t{m_cells} > m_file->usableSize())
        fail("a page has more cells than room");
}

bool PageCursor::readRow(const std::uint8_t* cell)
{
    const std::uint8_t* const end = m_page + m_file->usableSize();
    std::uint64_t payload = 0, rowId = 0;
    const std::uint8_t* record = takeVarint(cell, end, payload);
    record = record ? takeVarint(record, end, rowId) : nullptr;
    if (!record)
        return fail("a cell lies outside its page");
    m_rowId = static_cast<std::int64_t>(rowId);
    // How much of a payload stays on the page: fileformat2.html, 1.6.
    const std::uint64_t usable = m_file->usableSize(), most = usable - 35;
    std::uint64_t local = payload;
    if (payload > most) {
        const std::uint64_t least = (usable - 12) * 32 / 255 - 23;
        local = least + (payload - least) % (usable - 4);
        if (local > most)
            local = least;
    }
    if (local + (local < payload ? 4 : 0) > static_cast<std::uint64_t>(end - record))
        return fail("a cell lies outside its page");
    if (local < payload) {
        record = assemble(record, payload, local);
        if (!record)
            return false;
    }
    return decode(record, payload);
}

/// The payload with its overflow pages; null after an error.
const std::uint8_t* PageCursor::assemble(const std::uint8_t* local, std::uint64_t payload, std::uint64_t localBytes)
{
    const std::uint64_t perPage = m_file->usableSize() - 4;
    if (payload > static_cast<std::uint64_t>(m_file->pageCount()) * m_file->pageSize()) {
        fail("a row is longer than the file");
        return nullptr;
    }
    m_payload.assign(local, local + localBytes);
    std::uint32_t number = big32(local + localBytes);
    std::vector<std::uint8_t> page(m_file->pageSize());
    while (m_payload.size() < payload) {
        if (!m_file->read(number, 1, page.data())) {
            fail("a page is missing");
            return nullptr;
        }
        const std::uint64_t wanted = std::min<std::uint64_t>(perPage, payload - m_payload.size());
        m_payload.insert(m_payload.end(), page.data() + 4, page.data() + 4 + wanted);
        number = big32(page.data());
    }
    m_payload.resize(m_payload.size() + StoredValue::kReadAhead);
    return m_payload.data();
}

bool PageCursor::decode(const std::uint8_t* record, std::uint64_t bytes)
{
    const std::uint8_t* const end = record + bytes;
    std::uint64_t headBytes = 0;
    const std::uint8_t* type = takeVarint(record, end, headBytes);
    if (!type || headBytes > bytes)
        return fail("a row is longer than its cell");
    const std::uint8_t* const typesEnd = record + headBytes;
    const std::uint8_t* value = typesEnd;
    for (StoredValue& slot : m_values)
        slot.serialType = 0;
    for (std::size_t column = 0; column < m_slots.size() && type < typesEnd; ++column) {
        std::uint64_t serialType = *type;
        type = serialType < kLengths.size() ? type + 1 : takeVarint(type, typesEnd, serialType);
        if (!type)
            return fail("a row is longer than its cell");
        const std::uint64_t length = bytesOf(serialType);
        if (length > static_cast<std::uint64_t>(end - value))
            return fail("a row is longer than its cell");
        if (m_slots[column] >= 0)
            m_values[static_cast<std::size_t>(m_slots[column])] = {serialType, value};
        value += length;
    }
    return true;
}

} // namespace gantry::report
