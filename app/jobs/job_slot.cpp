#include "app/jobs/job_slot.h"

#include <mutex>

namespace gantry::jobs {

/// What the slot and its deliveries share, read and written on the UI thread alone.
struct JobSlot::State
{
    std::uint64_t current = 0; ///< rises with each start and cancel; a delivery of another value is stale
    JobNumber number = 0;
    std::stop_source stop;
};

namespace {

/// The newest progress of a job that the UI thread has not seen yet.
struct PendingProgress
{
    std::mutex mutex;
    bool posted = false;
    double fraction = 0;
    std::string stage;
};

} // namespace

JobSlot::JobSlot(JobRunner& runner) :
    m_runner(runner),
    m_state(std::make_shared<State>())
{}

JobSlot::~JobSlot()
{
    cancel();
}

void JobSlot::cancel()
{
    m_state->stop.request_stop();
    ++m_state->current;
    m_state->number = 0;
}

bool JobSlot::isRunning() const
{
    return m_state->number != 0;
}

JobNumber JobSlot::number() const
{
    return m_state->number;
}

JobNumber JobSlot::start(ErasedWork work, JobContext::ProgressHandler onProgress)
{
    cancel();
    m_state->stop = std::stop_source();
    const std::uint64_t ticket = m_state->current;
    auto pending = std::make_shared<PendingProgress>();
    auto report = [state = m_state, ticket, pending, runner = &m_runner, handler = std::move(onProgress)](double fraction, std::string stage) {
        if (!handler)
            return;
        {
            const std::scoped_lock lock(pending->mutex);
            pending->fraction = fraction;
            pending->stage = std::move(stage);
            if (std::exchange(pending->posted, true))
                return;
        }
        runner->deliver([state, ticket, pending, handler] {
            double newest = 0;
            std::string name;
            {
                const std::scoped_lock lock(pending->mutex);
                pending->posted = false;
                newest = pending->fraction;
                name = pending->stage;
            }
            if (state->current == ticket)
                handler(newest, name);
        });
    };
    auto post = [state = m_state, ticket, runner = &m_runner](std::function<void()> call) {
        runner->deliver([state, ticket, call = std::move(call)] {
            if (state->current == ticket)
                call();
        });
    };
    m_state->number = m_runner.enqueue(m_state->stop,
        [state = m_state, ticket, runner = &m_runner, work = std::move(work), report = std::move(report), post](std::stop_token stop) {
            const JobContext context(std::move(stop), report, post);
            auto done = work(context);
            runner->deliver([state, ticket, done = std::move(done)] {
                if (state->current != ticket)
                    return;
                // Before the call: `done` may start the next job in this very slot.
                state->number = 0;
                done();
            });
        });
    return m_state->number;
}

} // namespace gantry::jobs
