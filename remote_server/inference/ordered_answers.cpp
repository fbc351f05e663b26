#include "remote_server/inference/ordered_answers.h"

#include <utility>

namespace gantry::inference_server {

std::uint64_t OrderedAnswers::takeNumber()
{
    const std::lock_guard lock(m_mutex);
    return m_nextNumber++;
}

void OrderedAnswers::answer(std::uint64_t number, std::function<void()> answer)
{
    std::unique_lock lock(m_mutex);
    m_ready.emplace(number, std::move(answer));
    if (m_isAnswering) // that thread takes this one too, if it is its turn
        return;
    m_isAnswering = true;
    for (auto next = m_ready.begin(); next != m_ready.end() && next->first == m_nextAnswer; next = m_ready.begin()) {
        const std::function<void()> run = std::move(next->second);
        m_ready.erase(next);
        lock.unlock();
        run();
        lock.lock();
        ++m_nextAnswer;
    }
    m_isAnswering = false;
}

} // namespace gantry::inference_server
