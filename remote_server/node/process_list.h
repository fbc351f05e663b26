#pragma once

#include "remote_server/node/detached_call.h"
#include "remote_server/node/process_table.h"
#include "remote_server/proto/management_types.h"
#include "remote_server/proto/node_types.h"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace gantry::node {

/// The processes of a node that use a GPU, and those of targets. The driver and /proc are read on threads of their own, for either may hang
/// as long as the kernel does, /proc of a single process too; one that hangs is told, and is not read again until it comes back. Any
/// thread.
class ProcessLister
{
public:
    struct Options
    {
        std::filesystem::path proc = "/proc";
        std::string nvmlLibrary = "libnvidia-ml.so.1";
        std::chrono::milliseconds patience{2'000}; ///< for the whole list
        std::function<std::vector<std::string>(const std::filesystem::path& proc, int pid, std::size_t maxBytes)> commandLine =
            &commandLineOf;
    };

    ProcessLister() : ProcessLister(Options{}) {}
    explicit ProcessLister(Options options);

    /// By number. A process that NVML names and /proc does not, as one beside gantryd's container, has its number and its GPUs alone. What
    /// cannot be read in time is missing, and the list says so; of targets, what gantryd knows by itself is there.
    [[nodiscard]] proto::ProcessList list(const std::vector<proto::Target>& targets);

private:
    struct GpuUses
    {
        std::map<int, std::vector<proto::ProcessGpuUse>> byPid;
        std::string whyNone; ///< empty: it is known
    };
    class GpuReader;
    class ProcReader;
    struct Progress;

    [[nodiscard]] GpuUses gpuUses(std::chrono::milliseconds patience);
    [[nodiscard]] std::string readProc(const std::vector<proto::Target>& targets, const GpuUses& uses, std::chrono::milliseconds patience,
                                       std::vector<proto::NodeProcess>& processes);

    Options m_options;
    std::shared_ptr<GpuReader> m_gpuReader;   ///< used by the thread of m_gpuCall alone
    std::shared_ptr<ProcReader> m_procReader; ///< of m_procCall
    DetachedCall<GpuUses> m_gpuCall;
    DetachedCall<bool> m_procCall;
    std::mutex m_mutex;
    std::shared_ptr<Progress> m_progress;                  ///< m_mutex: of what m_procCall reads
    DetachedCall<bool>::Clock::time_point m_progressBegun; ///< m_mutex
};

/// Which of the targets each process belongs to: by itself, its parents, or its process group. Those of none are left out.
[[nodiscard]] std::map<int, std::string> targetsOfProcesses(const std::vector<ProcessEntry>& processes,
                                                            const std::vector<proto::Target>& targets);

} // namespace gantry::node
