#include "trace_model/base/silence_watch.h"

#include <utility>

namespace gantry {

using Clock = std::chrono::steady_clock;

SilenceWatch::SilenceWatch(std::chrono::milliseconds limit, std::function<void()> onSilence)
    : m_limit(limit),
      m_onSilence(std::move(onSilence)),
      m_lastHeard(Clock::now().time_since_epoch().count()),
      m_thread([this](const std::stop_token& stop) { watch(stop); })
{
}

void SilenceWatch::watch(const std::stop_token& stop)
{
    std::unique_lock lock(m_mutex);
    while (!stop.stop_requested()) {
        const Clock::time_point due = Clock::time_point(Clock::duration(m_lastHeard)) + m_limit;
        if (Clock::now() >= due) {
            m_isSilent = true;
            m_onSilence();
            return;
        }
        m_ended.wait_until(lock, stop, due, [] { return false; });
    }
}

} // namespace gantry
