#include "app/cli/duration.h"

#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <utility>

namespace gantry::cli {

Result<DurationNs> parseDuration(std::string_view text)
{
    static constexpr std::array<std::pair<std::string_view, double>, 7> kUnits{
        {{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};

    const Error bad{ErrorCode::BadInput, fmt::format("'{}' is not a length of time: write a number with its unit, such as 500ms, 2s or 1m", text), {}};
    double number = 0;
    // `fixed`: from_chars would read the "1e9" of "1e9s" as a number too, which nobody means.
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || !std::isfinite(number) || number <= 0)
        return bad;
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const auto& [name, nanoseconds] : kUnits) {
        if (unit != name)
            continue;
        const double duration = std::round(number * nanoseconds);
        if (duration < 1 || duration >= 9.2e18) // the largest int64 is 9.22e18
            return bad;
        return static_cast<DurationNs>(duration);
    }
    return bad;
}

} // namespace gantry::cli
