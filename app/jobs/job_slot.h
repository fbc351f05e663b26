#pragma once

#include "app/jobs/job_runner.h"
#include "trace_model/base/result.h"

#include <exception>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

namespace gantry::jobs {

/// What a running job may use besides its own values. Any thread; valid during the job.
class JobContext
{
public:
    using ProgressHandler = std::function<void(double fraction, const std::string& stage)>;

    JobContext(std::stop_token stop, std::function<void(double, std::string)> report, std::function<void(std::function<void()>)> post) :
        m_stop(std::move(stop)),
        m_report(std::move(report)),
        m_post(std::move(post))
    {}

    [[nodiscard]] const std::stop_token& stop() const { return m_stop; }
    /// Tells the slot's progress handler, at most once per event loop turn: the newest value wins. `fraction` is 0..1.
    void progress(double fraction, std::string stage) const { m_report(fraction, std::move(stage)); }
    /// Runs `call` on the UI thread, before the job's `done`, unless the job is stale by then. For values on the way that must
    /// each arrive.
    void post(std::function<void()> call) const { m_post(std::move(call)); }

private:
    std::stop_token m_stop;
    std::function<void(double, std::string)> m_report;
    std::function<void(std::function<void()>)> m_post;
};

/// One thing an owner wants to know, e.g. "the trace of this page": at most one job counts at a time. A job started later
/// wins: the earlier one is asked to stop, and whatever it still delivers is dropped. UI thread.
///
/// The owner of the slot may be captured in the callbacks: none is called after the slot is cancelled or destroyed.
class JobSlot
{
public:
    explicit JobSlot(JobRunner& runner);
    ~JobSlot();
    JobSlot(const JobSlot&) = delete;
    JobSlot& operator=(const JobSlot&) = delete;

    /// Runs `work` (Result<T>(const JobContext&)) on the pool and then `done` (void(Result<T>)) on the UI thread.
    template <typename Work, typename Done>
    JobNumber run(Work work, Done done, JobContext::ProgressHandler onProgress = {})
    {
        using Outcome = std::invoke_result_t<Work, const JobContext&>;
        return start(
            [work = std::move(work), done = std::move(done)](const JobContext& context) mutable -> std::function<void()> {
                auto outcome = std::make_shared<Outcome>(guarded<Outcome>(work, context));
                return [outcome, done = std::move(done)]() mutable { done(std::move(*outcome)); };
            },
            std::move(onProgress));
    }

    /// Asks the job to stop and drops what it delivers.
    void cancel();
    [[nodiscard]] bool isRunning() const;
    /// The job that counts now; 0 when none runs.
    [[nodiscard]] JobNumber number() const;

private:
    struct State;
    /// Work that ends with the call to make on the UI thread.
    using ErasedWork = std::function<std::function<void()>(const JobContext&)>;

    JobNumber start(ErasedWork work, JobContext::ProgressHandler onProgress);

    /// A library's exception must not end the process: it becomes an error like any other.
    template <typename Outcome, typename Work>
    static Outcome guarded(Work& work, const JobContext& context)
    {
        try {
            return work(context);
        } catch (const std::exception& exception) {
            return Error{ErrorCode::Internal, std::string("an unexpected failure ended the work: ") + exception.what(), {}};
        }
    }

    JobRunner& m_runner;
    std::shared_ptr<State> m_state;
};

} // namespace gantry::jobs
