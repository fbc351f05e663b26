#include "app/cli/duration.h"

#include "trace_model/base/quantity_text.h"

#include <fmt/format.h>

namespace gantry::cli {

namespace {

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
