#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace gantry {

/// An index that cannot be mixed with another kind of index. Default-constructed: none (the largest value).
template <typename Tag, typename Value = std::uint32_t>
struct StrongId
{
    static constexpr Value kNone = static_cast<Value>(-1);

    Value value = kNone;

    constexpr StrongId() = default;
    constexpr explicit StrongId(Value v) : value(v) {}

    [[nodiscard]] constexpr bool isNone() const { return value == kNone; }
    constexpr auto operator<=>(const StrongId&) const = default;
};

} // namespace gantry

template <typename Tag, typename Value>
struct std::hash<gantry::StrongId<Tag, Value>>
{
    std::size_t operator()(gantry::StrongId<Tag, Value> id) const noexcept { return std::hash<Value>{}(id.value); }
};
