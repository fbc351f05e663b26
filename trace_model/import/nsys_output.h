#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::importing {

/// Finds percentages in what a program prints, however it is cut into blocks. One thread.
class PercentReader
{
public:
    /// `call` gets each one, 0 to 100.
    template <typename Call>
    void read(std::string_view text, Call call)
    {
        for (const char c : text) {
            if (c >= '0' && c <= '9') {
                m_value = std::min(m_value * 10 + (c - '0'), 1000);
                m_hasDigits = true;
                continue;
            }
            if (c == '%' && m_hasDigits && m_value <= 100)
                call(m_value);
            m_value = 0;
            m_hasDigits = false;
        }
    }

private:
    int m_value = 0;
    bool m_hasDigits = false;
};

/// The last lines of a program's output, on one line.
[[nodiscard]] std::string lastLines(const std::string& text);

/// A command as a person types it, words in quotes where a shell needs them.
[[nodiscard]] std::string commandText(const std::vector<std::string>& words);

} // namespace gantry::importing
