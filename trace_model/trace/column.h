#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace gantry::trace {

/// The folder that columns lie in instead of memory is full or cannot be written: a sentence.
class NoRoomForColumns : public std::bad_alloc
{
public:
    explicit NoRoomForColumns(const std::filesystem::path& folder)
        : m_what("the trace is larger than memory, and " + folder.string() +
                 " has no room for it: free some there, or export a shorter time of it")
    {
    }
    [[nodiscard]] const char* what() const noexcept override { return m_what.c_str(); }

private:
    std::string m_what;
};

/// While one lives, pages that columns give back are kept for those that come next. Pages fresh from the kernel are cleared by it first,
/// which takes about as long as filling them: a trace that is sorted into new columns as it is built pays that once, not twice. Any thread.
class PageRecycling
{
public:
    PageRecycling();
    PageRecycling(const PageRecycling&) = delete;
    PageRecycling& operator=(const PageRecycling&) = delete;
    ~PageRecycling(); ///< the last one gives all of them back
};

/// Bytes of a column. They grow by moving pages, not by copying, so that a column of a hundred million values costs no more than
/// its pages; may lie in a file instead of memory, for traces larger than it, or belong to somebody else (a mapped cache).
class ColumnMemory
{
public:
    ColumnMemory() = default;
    ColumnMemory(ColumnMemory&& other) noexcept;
    ColumnMemory& operator=(ColumnMemory&& other) noexcept;
    ~ColumnMemory();

    /// Bytes of `owner`, read only: reserve() copies them first.
    [[nodiscard]] static ColumnMemory view(std::shared_ptr<const void> owner, std::span<const std::byte> bytes);

    /// Keeps the bytes in a nameless file of `folder` from now on, once they are many. Before anything is stored.
    void spillTo(const std::filesystem::path& folder) { m_spillFolder = folder; }
    /// At least that many bytes, what is there stays. Throws std::bad_alloc when memory has no room, NoRoomForColumns when the folder has
    /// none.
    void reserve(std::size_t bytes);
    /// Gives back what lies behind the first `bytes`.
    void shrink(std::size_t bytes);

    [[nodiscard]] const std::filesystem::path& spillFolder() const { return m_spillFolder; }

    [[nodiscard]] std::byte* data() const { return m_data; }
    [[nodiscard]] std::size_t capacity() const { return m_capacity; }

private:
    enum class Kind
    {
        Heap,
        Pages,
        File,
        View
    };
    void moveToPages(std::size_t bytes);
    void growFile(std::size_t bytes) const;
    void release();

    std::byte* m_data = nullptr;
    std::size_t m_capacity = 0;
    Kind m_kind = Kind::Heap;
    int m_file = -1;
    std::filesystem::path m_spillFolder;
    std::shared_ptr<const void> m_owner; ///< of a view
};

/// A growable array of plain values, the form in which a trace keeps everything that it has many of.
template <typename T>
class Column
{
    static_assert(std::is_trivially_copyable_v<T>);

public:
    using value_type = T;

    Column() = default;
    Column(std::initializer_list<T> values)
    {
        for (const T& value : values)
            push_back(value);
    }
    Column(const Column& other) { append(std::span(other.m_data, other.m_size)); }
    Column& operator=(const Column& other)
    {
        if (this != &other)
            *this = Column(other);
        return *this;
    }
    Column(Column&& other) noexcept { *this = std::move(other); }
    Column& operator=(Column&& other) noexcept
    {
        m_memory = std::move(other.m_memory);
        m_data = std::exchange(other.m_data, nullptr);
        m_size = std::exchange(other.m_size, 0);
        m_capacity = std::exchange(other.m_capacity, 0);
        return *this;
    }

    [[nodiscard]] static Column view(std::shared_ptr<const void> owner, std::span<const std::byte> bytes)
    {
        Column column;
        column.m_memory = ColumnMemory::view(std::move(owner), bytes);
        column.m_data = reinterpret_cast<T*>(column.m_memory.data());
        column.m_size = column.m_capacity = bytes.size() / sizeof(T);
        return column;
    }

    void spillTo(const std::filesystem::path& folder) { m_memory.spillTo(folder); }
    /// An empty column that keeps its bytes where this one does.
    [[nodiscard]] Column alike() const
    {
        Column column;
        column.spillTo(m_memory.spillFolder());
        return column;
    }
    void reserve(std::size_t count)
    {
        if (count > m_capacity)
            grow(count);
    }
    void push_back(const T& value)
    {
        if (m_size == m_capacity)
            grow(m_size + 1);
        m_data[m_size++] = value;
    }
    /// New values are zero.
    void resize(std::size_t count)
    {
        if (count > m_size)
            std::ranges::fill(extend(count - m_size), T{});
        m_size = count;
    }
    void append(std::span<const T> values) { std::ranges::copy(values, extend(values.size()).begin()); }
    /// Room for more values behind the others, for the caller to fill.
    [[nodiscard]] std::span<T> extend(std::size_t count)
    {
        reserve(m_size + count);
        const std::span<T> room(m_data + m_size, count);
        m_size += count;
        return room;
    }
    void shrink()
    {
        m_memory.shrink(m_size * sizeof(T));
        adopt();
    }

    [[nodiscard]] std::size_t size() const { return m_size; }
    [[nodiscard]] bool empty() const { return m_size == 0; }
    [[nodiscard]] const T& operator[](std::size_t i) const { return m_data[i]; }
    [[nodiscard]] T& operator[](std::size_t i) { return m_data[i]; }
    [[nodiscard]] const T& front() const { return m_data[0]; }
    [[nodiscard]] const T& back() const { return m_data[m_size - 1]; }
    [[nodiscard]] const T* data() const { return m_data; }
    [[nodiscard]] const T* begin() const { return m_data; }
    [[nodiscard]] const T* end() const { return m_data + m_size; }
    [[nodiscard]] T* begin() { return m_data; }
    [[nodiscard]] T* end() { return m_data + m_size; }
    [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(std::span(m_data, m_size)); }

private:
    void grow(std::size_t count)
    {
        m_memory.reserve(std::max(count, m_capacity + m_capacity / 2 + 16) * sizeof(T));
        adopt();
    }
    void adopt()
    {
        m_data = reinterpret_cast<T*>(m_memory.data());
        m_capacity = m_memory.capacity() / sizeof(T);
    }

    T* m_data = nullptr;
    std::size_t m_size = 0, m_capacity = 0;
    ColumnMemory m_memory;
};

} // namespace gantry::trace
