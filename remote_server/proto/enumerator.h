#pragma once

namespace gantry::proto {

/// Between an enumeration of the wire and ours, which have the same numbers; what a newer peer says beyond `last` is the first of ours.
template <typename To, typename From>
[[nodiscard]] To enumerator(From value, To last)
{
    const auto number = static_cast<int>(value);
    return number < 0 || number > static_cast<int>(last) ? To{} : static_cast<To>(number);
}

} // namespace gantry::proto
