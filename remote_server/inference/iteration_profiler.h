#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::inference_server {

/// Turns the profiler of whoever watches this process on and off: cudaProfilerStart and cudaProfilerStop, of the driver.
struct ProfilerSwitch
{
    std::function<void()> start, stop; ///< empty: there is no driver
};

/// The switch of the CUDA driver where there is one; a sentence in the log says when there is none. Nothing of CUDA is linked for it.
[[nodiscard]] ProfilerSwitch cudaProfilerSwitch();

/// Has iterations of certain numbers profiled. Where several instances are in such iterations, from the begin of the first to the end of
/// the last. Any thread.
class IterationProfiler
{
public:
    /// First and last iteration, both included.
    using Windows = std::vector<std::pair<std::int64_t, std::int64_t>>;

    IterationProfiler(Windows windows, ProfilerSwitch profiler) : m_windows(std::move(windows)), m_switch(std::move(profiler)) {}
    ~IterationProfiler(); ///< ends the profile of a window that no instance has reached the end of

    /// Around each iteration of an instance.
    void begin(std::int64_t iteration);
    void end(std::int64_t iteration);

private:
    const Windows m_windows;
    const ProfilerSwitch m_switch;
    std::mutex m_mutex;
    int m_open = 0; ///< instances that are in a window
};

/// "0,63,127" or "10-20": iterations, or the first and the last of several, as in TensorRT-LLM's TLLM_PROFILE_START_STOP. Errors: BadInput.
[[nodiscard]] Result<IterationProfiler::Windows> iterationWindows(std::string_view text);

} // namespace gantry::inference_server
