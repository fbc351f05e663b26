#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace gantry::inference_server {

/// Triton's metrics of the machine, nv_cpu_* and nv_gpu_*, measured on a thread of its own. What cannot be read is absent. Any thread.
class MachineMetrics
{
public:
    struct Options
    {
        bool cpu = true, gpu = true;
        std::chrono::milliseconds interval{2000};
    };
    explicit MachineMetrics(const Options& options);
    ~MachineMetrics();

    /// As of the last measurement, in Prometheus' text format.
    [[nodiscard]] std::string text() const;

private:
    void run(const Options& options, const std::stop_token& stop);

    mutable std::mutex m_mutex; ///< everything below
    std::string m_text;
    std::jthread m_thread;
};

} // namespace gantry::inference_server
