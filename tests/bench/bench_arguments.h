#pragma once

#include <algorithm>
#include <charconv>
#include <string_view>

namespace gantry::bench {

/// Takes "`option` N" out of the arguments, where it is among them. False: N is no number or less than `least`.
template <typename Number>
[[nodiscard]] bool takeNumber(int& argc, char** argv, std::string_view option, Number& value, Number least)
{
    char** const last = argv + argc;
    char** const found = std::find(argv + 1, last, option);
    if (last - found < 2)
        return true;
    const std::string_view number = found[1];
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    std::copy(found + 2, last, found);
    argc -= 2;
    return error == std::errc() && end == number.data() + number.size() && value >= least;
}

} // namespace gantry::bench
