#include "trace_model/trace/column.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <new>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace gantry::trace {
namespace {

// Ordinary pages, none of 2 MiB: virtual machines that give free memory back to their host do so in such blocks, and clear them anew at
// each use, which makes opening a report half as slow again; elsewhere they would save a few per cent.
constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kLargeBytes = std::size_t{512} << 10; // from here a column has pages of its own, and grows by as many

constexpr std::size_t roundedUp(std::size_t bytes, std::size_t to)
{
    return (bytes + to - 1) / to * to;
}

/// Pages that were given back while a PageRecycling lives.
class SparePages
{
public:
    static SparePages& instance()
    {
        static SparePages pages;
        return pages;
    }

    void addUser()
    {
        const std::lock_guard lock(m_mutex);
        ++m_users;
    }
    void removeUser()
    {
        const std::lock_guard lock(m_mutex);
        if (--m_users > 0)
            return;
        for (const auto& [start, bytes] : m_ranges)
            munmap(start, bytes);
        m_ranges.clear();
    }
    /// Keeps the pages, or gives them back to the kernel.
    void put(std::byte* start, std::size_t bytes)
    {
        const std::lock_guard lock(m_mutex);
        if (m_users > 0)
            m_ranges.emplace_back(start, bytes);
        else
            munmap(start, bytes);
    }
    /// Pages that are enough, what is left of them stays; null: none are.
    std::byte* take(std::size_t bytes)
    {
        const std::lock_guard lock(m_mutex);
        for (auto& [start, left] : m_ranges)
            if (left >= bytes) {
                left -= bytes;
                std::byte* const taken = std::exchange(start, start + bytes);
                std::erase_if(m_ranges, [](const auto& range) { return range.second == 0; });
                return taken;
            }
        return nullptr;
    }

private:
    std::mutex m_mutex;
    std::vector<std::pair<std::byte*, std::size_t>> m_ranges;
    int m_users = 0;
};

} // namespace

PageRecycling::PageRecycling()
{
    SparePages::instance().addUser();
}

PageRecycling::~PageRecycling()
{
    SparePages::instance().removeUser();
}

ColumnMemory::ColumnMemory(ColumnMemory&& other) noexcept
{
    *this = std::move(other);
}

ColumnMemory& ColumnMemory::operator=(ColumnMemory&& other) noexcept
{
    if (this == &other)
        return *this;
    release();
    m_data = std::exchange(other.m_data, nullptr);
    m_capacity = std::exchange(other.m_capacity, 0);
    m_kind = std::exchange(other.m_kind, Kind::Heap);
    m_file = std::exchange(other.m_file, -1);
    m_spillFolder = std::move(other.m_spillFolder);
    m_owner = std::move(other.m_owner);
    return *this;
}

ColumnMemory::~ColumnMemory()
{
    release();
}

void ColumnMemory::release()
{
    if (m_kind == Kind::Heap)
        std::free(m_data);
    else if (m_kind == Kind::Pages)
        SparePages::instance().put(m_data, m_capacity);
    else if (m_kind == Kind::File)
        munmap(m_data, m_capacity);
    if (m_file >= 0)
        close(m_file);
    m_data = nullptr;
    m_capacity = 0;
    m_kind = Kind::Heap;
    m_file = -1;
    m_owner.reset();
}

ColumnMemory ColumnMemory::view(std::shared_ptr<const void> owner, std::span<const std::byte> bytes)
{
    ColumnMemory memory;
    memory.m_kind = Kind::View;
    memory.m_owner = std::move(owner);
    memory.m_data = const_cast<std::byte*>(bytes.data()); // never written: reserve() leaves a view first
    memory.m_capacity = bytes.size();
    return memory;
}

void ColumnMemory::growFile(std::size_t bytes) const
{
    // Blocks are claimed now: to run out of them while writing to the mapping would be a SIGBUS.
    if (posix_fallocate(m_file, 0, static_cast<off_t>(bytes)) != 0)
        throw NoRoomForColumns(m_spillFolder);
}

void ColumnMemory::moveToPages(std::size_t bytes)
{
    ColumnMemory pages;
    pages.m_spillFolder = std::move(m_spillFolder);
    void* mapped = nullptr;
    if (pages.m_spillFolder.empty()) {
        pages.m_kind = Kind::Pages;
        mapped = SparePages::instance().take(bytes);
        if (!mapped)
            mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    } else {
        pages.m_kind = Kind::File;
        pages.m_file = open(pages.m_spillFolder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (pages.m_file < 0)
            throw NoRoomForColumns(pages.m_spillFolder);
        pages.growFile(bytes);
        mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, pages.m_file, 0);
    }
    if (mapped == MAP_FAILED)
        throw std::bad_alloc();
    pages.m_data = static_cast<std::byte*>(mapped);
    pages.m_capacity = bytes;
    if (m_capacity > 0)
        std::memcpy(pages.m_data, m_data, std::min(m_capacity, bytes));
    *this = std::move(pages);
}

void ColumnMemory::reserve(std::size_t bytes)
{
    if (bytes <= m_capacity && m_kind != Kind::View)
        return;
    if (bytes < kLargeBytes && (m_kind == Kind::Heap || m_kind == Kind::View)) {
        const bool isView = m_kind == Kind::View;
        void* grown = std::realloc(isView ? nullptr : m_data, bytes);
        if (!grown)
            throw std::bad_alloc();
        if (isView) {
            std::memcpy(grown, m_data, std::min(m_capacity, bytes));
            m_owner.reset();
        }
        m_data = static_cast<std::byte*>(grown);
        m_capacity = bytes;
        m_kind = Kind::Heap;
        return;
    }
    bytes = roundedUp(bytes, kLargeBytes);
    if (m_kind == Kind::Heap || m_kind == Kind::View) {
        moveToPages(bytes);
    } else {
        if (m_kind == Kind::File)
            growFile(bytes);
        void* const grown = mremap(m_data, m_capacity, bytes, MREMAP_MAYMOVE);
        if (grown == MAP_FAILED)
            throw std::bad_alloc();
        m_data = static_cast<std::byte*>(grown);
        m_capacity = bytes;
    }
}

void ColumnMemory::shrink(std::size_t bytes)
{
    if (bytes >= m_capacity || m_kind == Kind::View)
        return;
    if (m_kind == Kind::Heap) {
        if (bytes == 0)
            release();
        else if (void* smaller = std::realloc(m_data, bytes)) {
            m_data = static_cast<std::byte*>(smaller);
            m_capacity = bytes;
        }
        return;
    }
    bytes = std::max(roundedUp(bytes, kPageBytes), kPageBytes);
    if (bytes < m_capacity && mremap(m_data, m_capacity, bytes, 0) != MAP_FAILED)
        m_capacity = bytes;
    if (m_kind == Kind::File && ftruncate(m_file, static_cast<off_t>(m_capacity)) != 0)
        return; // the file keeps blocks that nothing uses
}

} // namespace gantry::trace
