#pragma once

#include <cstddef>
#include <string_view>

namespace gantry::app {

/// A password or passphrase: in memory of its own that is not swapped out or dumped where the system allows that, and wiped at the end.
/// Moves, never copies by itself. At most kMostBytes; what is longer is cut.
class Secret
{
public:
    static constexpr std::size_t kMostBytes = 1023;

    Secret() = default;
    explicit Secret(std::string_view text);
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    ~Secret();

    /// For whoever has to keep one of the two.
    [[nodiscard]] Secret copy() const { return Secret(text()); }

    void append(char c);
    void removeLast();
    void clear();

    [[nodiscard]] bool isEmpty() const { return m_size == 0; }
    [[nodiscard]] std::size_t size() const { return m_size; }
    [[nodiscard]] std::string_view text() const { return {cString(), m_size}; }
    [[nodiscard]] const char* cString() const { return m_page ? m_page : ""; } ///< ends with a zero

private:
    char* m_page = nullptr; ///< of kMostBytes + 1, from mmap
    std::size_t m_size = 0;
};

} // namespace gantry::app
