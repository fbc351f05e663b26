#include "remote_server/inference/iteration_profiler.h"

#include <algorithm>
#include <charconv>
#include <dlfcn.h>
#include <optional>
#include <spdlog/spdlog.h>
#include <string>

namespace gantry::inference_server {
namespace {

std::optional<std::int64_t> numberOf(std::string_view text)
{
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number >= 0 ? std::optional(number) : std::nullopt;
}

/// Calls a function of the driver. What it returns is of no use: without a context it says so, and who watches has seen the call.
std::function<void()> callOf(void* library, const char* name)
{
    const auto function = reinterpret_cast<int (*)()>(dlsym(library, name));
    return function ? std::function<void()>([function] { function(); }) : std::function<void()>();
}

} // namespace

ProfilerSwitch cudaProfilerSwitch()
{
    void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL); // never closed: the driver has threads of its own
    ProfilerSwitch found;
    if (library)
        found = {callOf(library, "cuProfilerStart"), callOf(library, "cuProfilerStop")};
    if (!found.start || !found.stop) {
        spdlog::warn("--profile-iterations has no effect: there is no CUDA driver here (libcuda.so.1) whose profiler could be started");
        return {};
    }
    return found;
}

IterationProfiler::~IterationProfiler()
{
    if (m_open > 0 && m_switch.stop)
        m_switch.stop();
}

void IterationProfiler::begin(std::int64_t iteration)
{
    for (const auto& [first, last] : m_windows)
        if (iteration == first) {
            const std::lock_guard lock(m_mutex);
            if (m_open++ == 0 && m_switch.start)
                m_switch.start();
        }
}

void IterationProfiler::end(std::int64_t iteration)
{
    for (const auto& [first, last] : m_windows)
        if (iteration == last) {
            const std::lock_guard lock(m_mutex);
            if (--m_open == 0 && m_switch.stop)
                m_switch.stop();
        }
}

Result<IterationProfiler::Windows> iterationWindows(std::string_view text)
{
    IterationProfiler::Windows windows;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        const std::string_view part = text.substr(at, comma - at);
        const std::size_t dash = part.find('-');
        const auto first = numberOf(part.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : numberOf(part.substr(dash + 1));
        if (!first || !last || *last < *first)
            return Error{ErrorCode::BadInput,
                         "\"" + std::string(part) + "\" names no iterations: give numbers such as 0,63,127, or ranges such as 10-20",
                         {}};
        windows.emplace_back(*first, *last);
        at = comma + 1;
    }
    return windows;
}

} // namespace gantry::inference_server
