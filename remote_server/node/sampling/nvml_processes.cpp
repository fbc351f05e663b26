#include "remote_server/node/sampling/nvml_processes.h"

#include "remote_server/node/clock.h"

#include <algorithm>
#include <cstdint>

namespace gantry::node {
namespace {

// Layouts from nvml.h: nvmlProcessInfo_t, nvmlProcessUtilizationSample_t.
struct RunningProcess
{
    unsigned pid;
    unsigned long long usedMemory;
    unsigned gpuInstance, computeInstance;
};
struct ProcessUse
{
    unsigned pid;
    unsigned long long timeUs;
    unsigned sm, memory, encoder, decoder;
};
constexpr unsigned long long kMemoryNotTold = ~0ULL; // NVML_VALUE_NOT_AVAILABLE
constexpr unsigned kMostEntries = 4096;
constexpr int kTries = 4; // processes begin between the question for the number and that for the list
constexpr std::int64_t kSecondUs = 1'000'000;

/// What `symbol` fills an array with; `ask(entries, &count)`.
template <typename Entry, typename Ask>
std::vector<Entry> arrayOf(Ask ask)
{
    std::vector<Entry> entries(64);
    for (int i = 0; i < kTries; ++i) {
        auto count = static_cast<unsigned>(entries.size());
        const int status = ask(entries.data(), &count);
        if (status == NvmlLibrary::kInsufficientSize) {
            entries.resize(std::min(kMostEntries, std::max(count, static_cast<unsigned>(entries.size())) * 2));
            continue;
        }
        if (status != NvmlLibrary::kSuccess)
            break;
        entries.resize(std::min<std::size_t>(count, entries.size()));
        return entries;
    }
    return {};
}

} // namespace

std::map<int, proto::ProcessGpuUse> processesOf(const NvmlLibrary& nvml, const NvmlLibrary::Device& gpu)
{
    std::map<int, proto::ProcessGpuUse> uses;
    // A process that does both is in both lists, with the same memory.
    for (const char* symbol : {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v3"})
        for (const RunningProcess& process : arrayOf<RunningProcess>(
                 [&](RunningProcess*entries, unsigned*count) { return nvml.call(symbol, gpu.handle, count, entries); })) {
            proto::ProcessGpuUse& use = uses[static_cast<int>(process.pid)];
            use.gpu = gpu.index;
            if (process.usedMemory != kMemoryNotTold)
                use.memoryBytes = process.usedMemory;
        }
    const std::int64_t sinceUs = utcNow() / 1000 - kSecondUs;
    std::map<int, std::pair<double, int>> sums;
    for (const ProcessUse& use : arrayOf<ProcessUse>([&](ProcessUse*entries, unsigned*count) {
             return nvml.call("nvmlDeviceGetProcessUtilization", gpu.handle, entries, count, static_cast<unsigned long long>(sinceUs));
         }))
        if (use.sm <= 100 && static_cast<std::int64_t>(use.timeUs) > sinceUs) { // others are out of range or of before
            auto& [sum, count] = sums[static_cast<int>(use.pid)];
            sum += use.sm / 100.0;
            ++count;
        }
    for (const auto& [pid, sum] : sums)
        if (const auto use = uses.find(pid); use != uses.end())
            use->second.smRatio = sum.first / sum.second;
    return uses;
}

} // namespace gantry::node
