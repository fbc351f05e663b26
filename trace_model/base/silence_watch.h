#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace gantry {

/// Calls once, on a thread of its own, when nothing was heard of for a time: for work whose length nobody knows, but whose silence means
/// that the other side is gone.
class SilenceWatch
{
public:
    SilenceWatch(std::chrono::milliseconds limit, std::function<void()> onSilence);
    SilenceWatch(const SilenceWatch&) = delete;
    SilenceWatch& operator=(const SilenceWatch&) = delete;
    ~SilenceWatch() = default; ///< no call is made any more, one that runs is waited for

    /// The time begins anew. Any thread.
    void heard() { m_lastHeard = std::chrono::steady_clock::now().time_since_epoch().count(); }
    /// Whether the call was made. Any thread.
    [[nodiscard]] bool isSilent() const { return m_isSilent; }

private:
    void watch(const std::stop_token& stop);

    std::chrono::milliseconds m_limit;
    std::function<void()> m_onSilence;
    std::atomic<std::chrono::steady_clock::rep> m_lastHeard;
    std::atomic<bool> m_isSilent{false};
    std::mutex m_mutex;                  ///< of the wait alone
    std::condition_variable_any m_ended; ///< never notified: the token of m_thread ends the wait
    std::jthread m_thread;
};

} // namespace gantry
