#pragma once

#include <QObject>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace gantry::jobs {

/// Numbers a job, rising over the life of a runner. 0: no job.
using JobNumber = std::uint64_t;

/// A pool of worker threads for everything that may block: files, the network, long computations. They stand behind the UI thread in
/// priority. Tasks start in the order in which they were queued. A thread is started when a task finds all others busy, so that a runner
/// whose tasks wait for hosts may have many: one that does not answer holds up nobody. Lives in the UI thread; deliver() is the only way back into it.
///
/// Destroying the runner asks every task to stop, waits for those that run, and drops those that wait together with every
/// delivery that has not happened yet.
class JobRunner : public QObject
{
    Q_OBJECT

public:
    /// Work on a pool thread. Must not touch a QObject and must return soon after the token asks for it.
    using Task = std::function<void(std::stop_token)>;

    /// `threads`: at most, 1 or more.
    explicit JobRunner(int threads, QObject* parent = nullptr);
    ~JobRunner() override;

    /// Queues a task; `stop` ends it alone. UI thread.
    JobNumber enqueue(std::stop_source stop, Task task);

    /// Runs `call` on the UI thread with the next event loop turn. Any thread, also while the runner is being destroyed (the call
    /// is dropped then).
    void deliver(std::function<void()> call);


private:
    struct Queued
    {
        std::stop_source stop;
        Task task;
    };

    void work(std::stop_token stop);

    std::mutex m_mutex;
    std::condition_variable_any m_wake;
    std::deque<Queued> m_queue;                        ///< guarded by m_mutex
    std::vector<std::stop_source> m_running;           ///< guarded by m_mutex; one entry per busy worker
    std::size_t m_idle = 0;                            ///< guarded by m_mutex; workers that wait for a task
    JobNumber m_lastNumber = 0;
    std::size_t m_mostWorkers;
    std::vector<std::jthread> m_workers; ///< of the UI thread
};

} // namespace gantry::jobs
