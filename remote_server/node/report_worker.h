#pragma once

#include "remote_server/node/report_assembler.h"
#include "remote_server/node/sampling/gpu_sampler.h"
#include "remote_server/node/window_companion.h"
#include "trace_model/report/window_cost.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace gantry::node {

/// Writes the reports of finished windows, one after the other, on a thread of its own: capturing goes on meanwhile. Any thread.
class ReportWorker
{
public:
    struct Job
    {
        std::string captureId;
        std::uint32_t windowId = 0;
        WindowCapture window;
        std::shared_ptr<GpuSampler> gpuSampler;     ///< whose samples belong to the report; null: none
        std::shared_ptr<WindowCompanion> companion; ///< that has a part in the report; null: none
        std::uint64_t save = 0;                     ///< of a ring: tells several reports of one window apart
        bool isUnanswered = false;                  ///< a process did not say that it has closed
        bool hasLostProcess = false;
        report::WindowCost cost; ///< as the report has it, once it is written
    };
    struct Options
    {
        std::filesystem::path folder;
        /// META rows of the node (host, GPUs, driver, ...).
        std::function<std::map<std::string, std::string>()> nodeSnapshot;
        /// Name of a target id for the report, or empty.
        std::function<std::string(const std::string& targetId)> targetName;
        /// META rows of a target (command line, environment, configurations); empty: nothing is known of any.
        std::function<std::map<std::string, std::string>(const std::string& targetId)> targetFacts = {};
        /// A job is done: its report's name. Worker's thread.
        std::function<void(const Job& job, const Result<std::string>& written)> onDone;
    };

    explicit ReportWorker(Options options);
    /// Writes what waits.
    ~ReportWorker();

    void add(Job job);
    /// Ends what recorded beside the library behind the jobs that need it; that takes a moment.
    void retire(std::shared_ptr<GpuSampler> sampler, std::shared_ptr<WindowCompanion> companion);
    /// Of records that wait for their report, beside what a ring still holds of them.
    [[nodiscard]] std::size_t pendingBytes() const;

private:
    void run();
    [[nodiscard]] Result<std::string> write(Job& job) const;

    Options m_options;
    mutable std::mutex m_mutex; ///< everything below
    std::condition_variable m_changed;
    std::deque<Job> m_jobs; ///< the first one is being written
    bool m_isEnding = false;
    std::jthread m_thread;
};

} // namespace gantry::node
