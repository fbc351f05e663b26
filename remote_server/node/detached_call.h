#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace gantry::node {

/// Calls what may hang in the kernel for ever, as a dead mount or a driver in trouble does, on a thread of its own. One that hangs is not
/// begun again: at most one thread is stuck. Any thread.
template <typename Answer>
class DetachedCall
{
public:
    using Clock = std::chrono::steady_clock;
    struct Pending
    {
        std::shared_future<Answer> answer;
        Clock::time_point begun;
    };

    /// Begins `call`, which owns all that it uses, unless the one before still runs: then that is what is waited for. Throws
    /// std::system_error when there is no thread for it.
    [[nodiscard]] Pending begin(std::function<Answer()> call)
    {
        const std::lock_guard lock(m_mutex);
        if (m_last.answer.valid() && m_last.answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
            return m_last;
        std::packaged_task<Answer()> task(std::move(call));
        m_last = {task.get_future().share(), Clock::now()};
        std::thread(std::move(task)).detach(); // nothing ends a call that hangs in the kernel
        return m_last;
    }

    /// The answer, or nothing when there was none `patience` after the call was begun: at once for one that hangs since before.
    [[nodiscard]] std::optional<Answer> ask(std::function<Answer()> call, std::chrono::milliseconds patience)
    {
        const Pending pending = begin(std::move(call));
        if (pending.answer.wait_until(pending.begun + patience) != std::future_status::ready)
            return std::nullopt;
        return pending.answer.get();
    }

private:
    std::mutex m_mutex;
    Pending m_last; ///< m_mutex
};

} // namespace gantry::node
