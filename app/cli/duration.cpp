#include "app/cli/duration.h"

#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <utility>

namespace gantry::cli {

namespace {

/// A number with its unit, in ns; nothing for anything else. Zero and what does not fit are not looked for.
std::optional<double> nanosecondsOf(std::string_view text)
{
    static constexpr std::array<std::pair<std::string_view, double>, 7> kUnits{
        {{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
    double number = 0;
    // `fixed`: from_chars would read the "1e9" of "1e9s" as a number too, which nobody means.
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || !std::isfinite(number) || number < 0 || std::signbit(number))
        return std::nullopt;
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const auto& [name, nanoseconds] : kUnits)
        if (unit == name)
            return std::round(number * nanoseconds);
    return std::nullopt;
}

constexpr double kTooLong = 9.2e18; // the largest int64 is 9.22e18

} // namespace

Result<DurationNs> parseDuration(std::string_view text)
{
    const auto duration = nanosecondsOf(text);
    if (!duration || *duration < 1 || *duration >= kTooLong)
        return Error{ErrorCode::BadInput,
                     fmt::format("'{}' is not a length of time: write a number with its unit, such as 500ms, 2s or 1m", text),
                     {}};
    return static_cast<DurationNs>(*duration);
}

Result<std::optional<DurationNs>> parseOffset(std::string_view text)
{
    if (text == "auto")
        return std::optional<DurationNs>();
    if (text == "0")
        return std::optional<DurationNs>(0);
    const bool isSigned = text.starts_with('-') || text.starts_with('+');
    const auto length = nanosecondsOf(text.substr(isSigned ? 1 : 0));
    if (!length || *length >= kTooLong)
        return Error{
            ErrorCode::BadInput, fmt::format("'{}' is no offset: write a number with its unit, such as 1.5ms or -20us, or auto", text), {}};
    return std::optional<DurationNs>(static_cast<DurationNs>(text.starts_with('-') ? -*length : *length));
}

} // namespace gantry::cli
