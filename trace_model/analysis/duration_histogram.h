#pragma once

#include "trace_model/base/time.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <tuple>

namespace gantry::analysis {

/// How many durations lie in each of equal steps of the logarithm from the shortest to the longest: the shape of a distribution. All of
/// the same length are in the first.
using DurationHistogram = std::array<std::uint32_t, 24>;

/// Shortest and longest of a group of durations.
struct DurationBounds
{
    DurationNs min = 0, max = 0;
};

/// About the logarithm: the bits of a float grow by as much with each doubling, and by straight lines between. From that of 0 ns, which is
/// kLogarithmOfNone, on; never smaller for a longer duration.
[[nodiscard]] inline std::int32_t durationLogarithm(DurationNs duration)
{
    return std::bit_cast<std::int32_t>(static_cast<float>(std::max<DurationNs>(duration, 0) + 1));
}

inline constexpr std::int32_t kLogarithmOfNone = std::bit_cast<std::int32_t>(1.0F);

/// Which step of a histogram a duration is in.
class HistogramSteps
{
public:
    explicit HistogramSteps(DurationBounds bounds) : m_first(durationLogarithm(bounds.min))
    {
        constexpr float kSteps = std::tuple_size_v<DurationHistogram>;
        const std::int32_t width = durationLogarithm(bounds.max) - m_first;
        m_scale = width > 0 ? kSteps / static_cast<float>(width) : 0.0F;
    }
    [[nodiscard]] std::size_t of(DurationNs duration) const { return ofLogarithm(durationLogarithm(duration)); }
    /// Never smaller for a larger one; those outside of the bounds are in the first and last step.
    [[nodiscard]] std::size_t ofLogarithm(std::int32_t logarithm) const
    {
        const auto step = static_cast<std::int32_t>(static_cast<float>(logarithm - m_first) * m_scale);
        return static_cast<std::size_t>(std::clamp<std::int32_t>(step, 0, std::tuple_size_v<DurationHistogram> - 1));
    }

private:
    std::int32_t m_first;
    float m_scale;
};

[[nodiscard]] DurationHistogram durationHistogram(std::span<const DurationNs> durations, DurationBounds bounds);

} // namespace gantry::analysis
