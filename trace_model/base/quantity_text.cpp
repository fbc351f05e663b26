#include "trace_model/base/quantity_text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <span>
#include <utility>

namespace gantry {
namespace {

using Unit = std::pair<std::string_view, double>;

bool isSame(std::string_view a, std::string_view b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::optional<double> quantityOf(std::string_view text, std::span<const Unit> units, bool isUnitCaseSensitive)
{
    double number = 0;
    // `fixed`: from_chars would read the "1e9" of "1e9s" as a number too, which nobody means.
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || !std::isfinite(number) || number < 0 || std::signbit(number))
        return std::nullopt;
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const auto& [name, factor] : units)
        if (isUnitCaseSensitive ? unit == name : isSame(unit, name))
            return std::round(number * factor);
    return std::nullopt;
}

} // namespace

std::optional<double> nanosecondsOf(std::string_view text)
{
    static constexpr Unit kUnits[] = {{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    return quantityOf(text, kUnits, true);
}

std::optional<double> bytesOf(std::string_view text)
{
    static constexpr Unit kUnits[] = {{"", 1},
                                      {"B", 1},
                                      {"k", 1e3},
                                      {"KB", 1e3},
                                      {"MB", 1e6},
                                      {"GB", 1e9},
                                      {"TB", 1e12},
                                      {"KiB", 1024},
                                      {"MiB", 1024.0 * 1024},
                                      {"GiB", 1024.0 * 1024 * 1024},
                                      {"TiB", 1024.0 * 1024 * 1024 * 1024}};
    return quantityOf(text, kUnits, false);
}

std::string formatCount(std::uint64_t count)
{
    constexpr std::string_view kThinSpace = "\u2009";
    std::string digits = std::to_string(count);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, kThinSpace);
    }
    return digits;
}

} // namespace gantry
