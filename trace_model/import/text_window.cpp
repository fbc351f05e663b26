#include "trace_model/import/text_window.h"

#include "trace_model/import/json_text.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gantry::importing {
namespace {

// What is read at a time and what is made of it should stay in a core's second-level cache.
constexpr std::uint64_t kFirstCapacity = std::uint64_t{1} << 20;

std::unique_ptr<char[]> makeBuffer(std::size_t capacity)
{
    return std::make_unique_for_overwrite<char[]>(capacity + json::kPadding);
}

} // namespace

TextWindow::TextWindow(Read read, std::uint64_t offset, std::uint64_t expectedBytes)
    : m_read(std::move(read)), m_capacity(static_cast<std::size_t>(std::min(kFirstCapacity, expectedBytes) + 1)), m_offset(offset)
{
    m_buffer = makeBuffer(m_capacity);
    cursor = m_buffer.get();
    std::memset(m_buffer.get(), json::kPaddingByte, json::kPadding);
}

Result<bool> TextWindow::more()
{
    const std::size_t kept = static_cast<std::size_t>(end() - cursor);
    m_offset = offsetOf(cursor);
    if (kept > m_capacity / 2) {
        auto larger = makeBuffer(m_capacity * 2);
        std::memcpy(larger.get(), cursor, kept);
        m_buffer = std::move(larger);
        m_capacity *= 2;
    } else {
        std::memmove(m_buffer.get(), cursor, kept);
    }
    cursor = m_buffer.get();
    m_length = kept;
    auto count = m_read({m_buffer.get() + kept, m_capacity - kept});
    m_length += count ? *count : 0;
    std::memset(m_buffer.get() + m_length, json::kPaddingByte, json::kPadding);
    if (!count)
        return std::move(count).error();
    return *count > 0;
}

} // namespace gantry::importing
