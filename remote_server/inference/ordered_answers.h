#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace gantry::inference_server {

/// Lets answers out in the order in which their numbers were taken, whoever is ready first. Any thread.
class OrderedAnswers
{
public:
    [[nodiscard]] std::uint64_t takeNumber();
    /// Runs `answer` once all with smaller numbers have run: now, or on the thread that brings the last of those.
    void answer(std::uint64_t number, std::function<void()> answer);

private:
    std::mutex m_mutex;
    std::uint64_t m_nextNumber = 1, m_nextAnswer = 1;
    std::map<std::uint64_t, std::function<void()>> m_ready;
    bool m_isAnswering = false;
};

} // namespace gantry::inference_server
