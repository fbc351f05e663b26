#pragma once

#include <cstdint>

/// What gantry-gpu-sampler writes to its standard output: frames of a FrameHeader and `size` bytes. First Series (or Failed, and the
/// end), then Samples every few milliseconds, and End when it was told to stop.
namespace gantry::gpu_frames {

inline constexpr std::uint32_t kMagic = 0x53504D47; // "GMPS"
inline constexpr std::uint32_t kMaxFrameBytes = 1u << 20;

enum class FrameType : std::uint32_t
{
    Series = 1, ///< JSON: [{"name","unit","help"}, …], in the order of the values
    Samples,    ///< SampleHead and one double for each series, many times
    Failed,     ///< text: why there are no samples, a sentence with the next step
    End,        ///< JSON: {"lost": samples}
};

struct FrameHeader
{
    std::uint32_t magic;
    FrameType type;
    std::uint32_t size;
    std::uint32_t reserved;
};

struct SampleHead
{
    std::int64_t startMonotonicNs, endMonotonicNs; ///< the values are of this span
};

} // namespace gantry::gpu_frames
