#include "remote_server/inference/machine_metrics.h"

#include "remote_server/node/sampling/host_sampler.h"
#include "remote_server/node/sampling/nvml.h"

#include <array>
#include <condition_variable>
#include <fmt/format.h>
#include <map>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <unistd.h>
#include <vector>

namespace gantry::inference_server {
namespace {

/// A value of our samplers under the name of Triton's metric.
struct Renamed
{
    std::string_view ours;
    const char* name;
    const char* type;
    const char* help;
};

constexpr std::array kRenamed = {
    Renamed{"gpu_utilization_ratio", "nv_gpu_utilization", "gauge", "Share of time in which a kernel ran, 0 to 1"},
    Renamed{"gpu_memory_total_bytes", "nv_gpu_memory_total_bytes", "gauge", "Memory of the GPU in bytes"},
    Renamed{"gpu_memory_used_bytes", "nv_gpu_memory_used_bytes", "gauge", "Memory of the GPU that is in use, in bytes"},
    Renamed{"gpu_power_w", "nv_gpu_power_usage", "gauge", "Power draw of the GPU in watts"},
    Renamed{"gpu_power_limit_w", "nv_gpu_power_limit", "gauge", "Power limit of the GPU in watts"},
    Renamed{"gpu_energy_j", "nv_energy_consumption", "counter", "Energy that the GPU used since the driver was loaded, in joules"},
    Renamed{"host_cpu_ratio", "nv_cpu_utilization", "gauge", "Share of the processors' time in which they were busy, 0 to 1"},
    Renamed{"host_memory_total_bytes", "nv_cpu_memory_total_bytes", "gauge", "Memory of the machine in bytes"},
    Renamed{"host_memory_used_bytes", "nv_cpu_memory_used_bytes", "gauge", "Memory of the machine that is in use, in bytes"},
};

/// Collects what Triton has a name for.
class TritonRound : public node::SampleRound
{
public:
    explicit TritonRound(const std::vector<proto::GpuInfo>& gpus) : m_gpus(gpus) {}

    void report(std::string_view name, const std::map<std::string, std::string>& labels, std::string_view, metrics::SeriesKind,
                std::string_view, double value) override
    {
        add(name, labels, value);
    }
    void add(std::string_view name, const std::map<std::string, std::string>& labels, double value)
    {
        for (std::size_t i = 0; i < kRenamed.size(); ++i)
            if (kRenamed[i].ours == name)
                m_lines[i] += fmt::format("{}{} {}\n", kRenamed[i].name, labelOf(labels), value);
    }
    [[nodiscard]] std::string text() const
    {
        std::string text;
        for (const auto& [place, lines] : m_lines)
            text +=
                fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", kRenamed[place].name, kRenamed[place].help, kRenamed[place].type) + lines;
        return text;
    }

private:
    /// Triton names GPUs by their UUIDs.
    [[nodiscard]] std::string labelOf(const std::map<std::string, std::string>& labels) const
    {
        const auto gpu = labels.find("gpu");
        if (gpu == labels.end())
            return {};
        for (const proto::GpuInfo& info : m_gpus)
            if (std::to_string(info.index) == gpu->second)
                return fmt::format("{{gpu_uuid=\"{}\"}}", info.uuid);
        return {};
    }

    const std::vector<proto::GpuInfo>& m_gpus;
    std::map<std::size_t, std::string> m_lines; ///< by place in kRenamed
};

} // namespace

MachineMetrics::MachineMetrics(const Options& options)
{
    if (options.cpu || options.gpu)
        m_thread = std::jthread([this, options](const std::stop_token& stop) { run(options, stop); });
}

MachineMetrics::~MachineMetrics() = default;

void MachineMetrics::run(const Options& options, const std::stop_token& stop)
{
    pthread_setname_np(pthread_self(), "machine metrics");
    node::HostSampler host;
    std::unique_ptr<node::Nvml> nvml;
    if (auto opened = options.gpu ? node::Nvml::open() : Error{}; opened)
        nvml = std::move(*opened);
    else if (options.gpu)
        spdlog::debug("no metrics of GPUs: {}", opened.error().text());
    const std::vector<proto::GpuInfo> gpus = nvml ? nvml->gpus() : std::vector<proto::GpuInfo>();
    std::condition_variable_any never;
    std::unique_lock lock(m_mutex);
    do {
        lock.unlock();
        TritonRound round(gpus);
        if (nvml)
            nvml->sample(round);
        for (const proto::GpuInfo& gpu : gpus)
            if (gpu.memoryTotalBytes > 0)
                round.add("gpu_memory_total_bytes", {{"gpu", std::to_string(gpu.index)}}, static_cast<double>(gpu.memoryTotalBytes));
        if (options.cpu) {
            host.sample(round);
            round.add("host_memory_total_bytes", {},
                      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE)));
        }
        std::string text = round.text();
        lock.lock();
        m_text = std::move(text);
        never.wait_for(lock, stop, options.interval, [] { return false; });
    } while (!stop.stop_requested());
}

std::string MachineMetrics::text() const
{
    const std::lock_guard lock(m_mutex);
    return m_text;
}

} // namespace gantry::inference_server
