#pragma once

#include <cstdint>

namespace gantry::capture {

/// A CUDA stream as records of work number it.
struct StreamPlace
{
    std::uint32_t device = 0; ///< CUDA's ordinal in this process
    std::uint32_t stream = 0; ///< CUPTI's id, which is that of cuStreamGetId (seen with CUDA 13.0)
};

/// Where the stream of a cudaStream_t or CUstream handle is, asked of the driver that the process has loaded; CUPTI is not touched, so
/// that a target which waits costs nothing. False: there is no driver, it is older than CUDA 12.0, or the handle is of no stream.
[[nodiscard]] bool findStream(const void* handle, StreamPlace& place);

} // namespace gantry::capture
