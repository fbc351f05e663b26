#include "app/jobs/job_runner.h"

#include <QMetaObject>
#include <QThread>

#include <algorithm>
#include <system_error>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

namespace gantry::jobs {

namespace {

/// Puts this thread, and those that it starts, behind the UI thread: a reader that keeps every core busy must not stop the window.
void stepBack()
{
    constexpr int kNice = 5;
    // setpriority(2), notes: on Linux the nice value is a thread's own. A failure changes nothing but this.
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
}

} // namespace

JobRunner::JobRunner(int threads, QObject* parent) : QObject(parent), m_mostWorkers(static_cast<std::size_t>(std::max(1, threads))) {}

JobRunner::~JobRunner()
{
    for (std::jthread& worker : m_workers)
        worker.request_stop();
    {
        const std::scoped_lock lock(m_mutex);
        m_queue.clear();
        for (std::stop_source& running : m_running)
            running.request_stop();
    }
    m_wake.notify_all();
    // Joined here and not by the members' destructors: a worker that ends uses the mutex.
    m_workers.clear();
}

JobNumber JobRunner::enqueue(std::stop_source stop, Task task)
{
    Q_ASSERT(thread() == QThread::currentThread());
    bool areAllBusy = false;
    {
        const std::scoped_lock lock(m_mutex);
        m_queue.push_back({std::move(stop), std::move(task)});
        areAllBusy = m_queue.size() > m_idle; // one that was woken and has not begun yet counts as idle, and its task is in the queue
    }
    if (areAllBusy && m_workers.size() < m_mostWorkers) {
        try {
            m_workers.emplace_back([this](std::stop_token ended) { work(std::move(ended)); });
        } catch (const std::system_error&) { // no more threads here: those that there are come to it
            if (m_workers.empty())
                throw;
        }
    }
    m_wake.notify_one();
    return ++m_lastNumber;
}

void JobRunner::deliver(std::function<void()> call)
{
    QMetaObject::invokeMethod(this, std::move(call), Qt::QueuedConnection);
}

void JobRunner::work(std::stop_token stop)
{
    stepBack();
    while (true) {
        Queued next;
        {
            std::unique_lock lock(m_mutex);
            ++m_idle;
            const bool isWoken = m_wake.wait(lock, stop, [this] { return !m_queue.empty(); });
            --m_idle;
            if (!isWoken || stop.stop_requested())
                return;
            next = std::move(m_queue.front());
            m_queue.pop_front();
            m_running.push_back(next.stop);
        }
        if (!next.stop.stop_requested())
            next.task(next.stop.get_token());
        const std::scoped_lock lock(m_mutex);
        const auto mine = std::find(m_running.begin(), m_running.end(), next.stop);
        if (mine != m_running.end())
            m_running.erase(mine);
    }
}

} // namespace gantry::jobs
