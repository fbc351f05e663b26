#include "remote_server/node/report_worker.h"

#include "remote_server/node/notes.h"
#include "remote_server/node/report_file_name.h"
#include "trace_model/report/meta_keys.h"

#include <exception>
#include <utility>

namespace gantry::node {

ReportWorker::ReportWorker(Options options) : m_options(std::move(options)), m_thread([this] { run(); }) {}

ReportWorker::~ReportWorker()
{
    {
        const std::lock_guard lock(m_mutex);
        m_isEnding = true;
    }
    m_changed.notify_all();
}

void ReportWorker::add(Job job)
{
    const std::lock_guard lock(m_mutex);
    m_jobs.push_back(std::move(job));
    m_changed.notify_all();
}

void ReportWorker::retire(std::shared_ptr<GpuSampler> sampler, std::shared_ptr<WindowCompanion> companion)
{
    if (!sampler && !companion)
        return;
    Job job; // of no capture
    job.gpuSampler = std::move(sampler);
    job.companion = std::move(companion);
    add(std::move(job));
}

std::size_t ReportWorker::pendingBytes() const
{
    const std::lock_guard lock(m_mutex);
    std::size_t sum = 0;
    for (const Job& job : m_jobs)
        for (const ProcessCapture& process : job.window.processes)
            sum += process.records.unsharedBytes();
    return sum;
}

void ReportWorker::run()
{
    std::unique_lock lock(m_mutex);
    for (;;) {
        m_changed.wait(lock, [this] { return m_isEnding || !m_jobs.empty(); });
        if (m_jobs.empty())
            return;
        Job& job = m_jobs.front(); // stays where it is: others are only added behind it
        lock.unlock();
        if (job.captureId.empty()) {
            job.gpuSampler.reset();
            job.companion.reset();
            lock.lock();
            m_jobs.pop_front();
            continue;
        }
        // The last resort: what a library throws, or the lack of memory, fails the report and not the daemon.
        const Result<std::string> written = [&]() -> Result<std::string> {
            try {
                return write(job);
            } catch (const std::exception& exception) {
                return Error{ErrorCode::Internal, std::string("gantryd failed while it wrote a report: ") + exception.what(), {}};
            }
        }();
        m_options.onDone(job, written);
        lock.lock();
        m_jobs.pop_front();
    }
}

Result<std::string> ReportWorker::write(Job& job) const
{
    const std::string target = m_options.targetName ? m_options.targetName(job.window.targetId) : std::string();
    const std::string name = reportFileName(target, std::to_string(job.windowId) + (job.save > 0 ? "-" + std::to_string(job.save) : ""));
    if (job.gpuSampler)
        job.gpuSampler->copyTo(job.window);
    if (job.companion)
        job.companion->addTo(job.window);
    if (m_options.nodeSnapshot)
        job.window.meta.merge(m_options.nodeSnapshot());
    if (m_options.targetFacts)
        job.window.meta.merge(m_options.targetFacts(job.window.targetId));
    job.window.meta[report::meta::kTargetName] = target;
    if (const std::string problem = job.gpuSampler ? job.gpuSampler->problem() : std::string(); !problem.empty())
        addNote(job.window.meta[report::meta::kNote], problem);
    GANTRY_TRY(job.cost, assembleReport(job.window, m_options.folder / name));
    return name;
}

} // namespace gantry::node
