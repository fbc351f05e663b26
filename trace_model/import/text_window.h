#pragma once

#include "trace_model/base/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>

namespace gantry::importing {

/// The part of a long text that is in memory: from a cursor to as far as it has been read. Behind the end stands the padding that
/// json_text.h asks for. One thread.
class TextWindow
{
public:
    /// Fills the span with the next bytes; fewer only at the end.
    using Read = std::function<Result<std::size_t>(std::span<char>)>;

    /// `offset`: of the first byte that `read` will give. `expectedBytes`: how many there may be, so that memory for a short text is
    /// little.
    explicit TextWindow(Read read, std::uint64_t offset = 0, std::uint64_t expectedBytes = std::numeric_limits<std::uint64_t>::max());

    const char* cursor; ///< moved by whom reads the text; what is before it is gone with the next more()

    [[nodiscard]] const char* end() const { return m_buffer.get() + m_length; }
    [[nodiscard]] std::uint64_t offsetOf(const char* p) const { return m_offset + static_cast<std::uint64_t>(p - m_buffer.get()); }
    /// Reads on behind the end, keeping the text from the cursor on: the cursor moves, its text does not change. False: there is no
    /// more text.
    Result<bool> more();

private:
    Read m_read;
    std::unique_ptr<char[]> m_buffer;
    std::size_t m_capacity = 0, m_length = 0;
    std::uint64_t m_offset = 0; ///< of the buffer's first byte
};

} // namespace gantry::importing
