#pragma once

#include "remote_server/node/process_table.h"
#include "remote_server/node/sampling/nvml_library.h"
#include "remote_server/proto/management_types.h"
#include "remote_server/proto/node_types.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gantry::node {

/// The processes of a node that use a GPU, and those of targets. Any thread.
class ProcessLister
{
public:
    struct Options
    {
        std::filesystem::path proc = "/proc";
        std::string nvmlLibrary = "libnvidia-ml.so.1";
    };

    ProcessLister() : ProcessLister(Options{}) {}
    explicit ProcessLister(Options options) : m_options(std::move(options)) {}

    /// By number. A process that NVML names and /proc does not, as one beside gantryd's container, has its number and its GPUs alone.
    [[nodiscard]] proto::ProcessList list(const std::vector<proto::Target>& targets);

private:
    using GpuUses = std::map<int, std::vector<proto::ProcessGpuUse>>; ///< by process
    struct CpuTime
    {
        std::uint64_t startTicks = 0, cpuTicks = 0;
        std::int64_t monotonicNs = 0;
        std::optional<double> cores; ///< up to then
    };

    [[nodiscard]] GpuUses gpuUses(std::string& whyNone);
    [[nodiscard]] proto::NodeProcess describe(const ProcessEntry& entry, std::map<int, CpuTime>& times);
    [[nodiscard]] std::optional<double> cpuCores(const ProcessEntry& entry, std::map<int, CpuTime>& times);

    Options m_options;
    std::mutex m_mutex; ///< everything below
    std::unique_ptr<NvmlLibrary> m_nvml;
    std::map<int, CpuTime> m_cpuTimes; ///< of the last list
    std::map<uid_t, std::string> m_users;
};

/// Which of the targets each process belongs to: by itself, its parents, or its process group. Those of none are left out.
[[nodiscard]] std::map<int, std::string> targetsOfProcesses(const std::vector<ProcessEntry>& processes,
                                                            const std::vector<proto::Target>& targets);

} // namespace gantry::node
