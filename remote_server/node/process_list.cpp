#include "remote_server/node/process_list.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/sampling/nvml_library.h"
#include "remote_server/node/sampling/nvml_processes.h"
#include "remote_server/node/user_name.h"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <optional>
#include <set>
#include <unistd.h>
#include <utility>

namespace gantry::node {
namespace {

constexpr std::size_t kMostCommandBytes = 4096;          // node.proto
constexpr std::int64_t kShortestCpuTimeNs = 200'000'000; // ticks are of 10 ms; several clients may ask
constexpr int kDeepest = 64;

std::int64_t ticksPerSecond()
{
    return sysconf(_SC_CLK_TCK);
}

/// CLOCK_REALTIME at which the machine was booted.
std::int64_t bootUtcNs()
{
    timespec sinceBoot{};
    clock_gettime(CLOCK_BOOTTIME, &sinceBoot);
    return utcNow() - (std::int64_t{sinceBoot.tv_sec} * 1'000'000'000 + sinceBoot.tv_nsec);
}

bool hasEnded(const proto::Target& target)
{
    return target.state == proto::TargetState::Exited || target.state == proto::TargetState::Killed;
}

/// Where processes have the numbers that the driver knows them by.
bool isInFirstPidNamespace(const std::filesystem::path& proc)
{
    std::error_code unknown;
    const std::string name = std::filesystem::read_symlink(proc / "self/ns/pid", unknown).string();
    return name.empty() || name == "pid:[4026531836]"; // PROC_PID_INIT_INO of Linux
}

/// What gantryd knows of targets that are not among the processes.
void addKnown(const std::vector<proto::Target>& targets, std::vector<proto::NodeProcess>& processes)
{
    for (const proto::Target& target : targets) {
        const bool isThere =
            std::any_of(processes.begin(), processes.end(), [&](const auto& process) { return process.pid == target.pid; });
        if (isThere || hasEnded(target) || target.pid <= 0)
            continue;
        proto::NodeProcess process;
        process.pid = target.pid;
        process.argv = target.argv;
        process.executable = target.argv.empty() ? target.name : target.argv.front();
        process.startedUtcNs = target.startedUtcNs;
        process.targetId = target.id;
        processes.push_back(std::move(process));
    }
}

} // namespace

std::map<int, std::string> targetsOfProcesses(const std::vector<ProcessEntry>& processes, const std::vector<proto::Target>& targets)
{
    std::map<int, std::string> owners;
    std::map<int, std::string> groups; // one that was launched leads a group: children that left their parent stay in it
    for (const proto::Target& target : targets) {
        for (const proto::TargetProcess& process : target.processes)
            owners.emplace(process.pid, target.id);
        if (hasEnded(target) || target.pid <= 1)
            continue;
        owners.emplace(target.pid, target.id);
        if (!target.adopted)
            groups.emplace(target.pid, target.id);
    }
    std::map<int, const ProcessEntry*> byPid;
    for (const ProcessEntry& entry : processes)
        byPid[entry.pid] = &entry;
    std::map<int, std::string> result;
    for (const ProcessEntry& entry : processes) {
        const ProcessEntry* at = &entry;
        for (int depth = 0; at && depth < kDeepest && !owners.contains(at->pid); ++depth) {
            const auto parent = byPid.find(at->parent);
            at = parent == byPid.end() ? nullptr : parent->second;
        }
        if (const auto owner = at ? owners.find(at->pid) : owners.end(); owner != owners.end())
            result[entry.pid] = owner->second;
        else if (const auto group = groups.find(entry.group); group != groups.end())
            result[entry.pid] = group->second;
    }
    return result;
}

/// What the driver says. One thread at a time.
class ProcessLister::GpuReader
{
public:
    explicit GpuReader(const Options& options) : m_proc(options.proc), m_library(options.nvmlLibrary) {}

    [[nodiscard]] GpuUses read()
    {
        if (!isInFirstPidNamespace(m_proc))
            return {{},
                    "the driver numbers processes as the host does, and this gantryd runs in a container, where they have other numbers"};
        if (!m_nvml) {
            auto opened = NvmlLibrary::open(m_library);
            if (!opened)
                return {{}, opened.error().message};
            m_nvml = std::move(*opened);
        }
        GpuUses uses;
        for (const NvmlLibrary::Device& gpu : m_nvml->devices()) {
            if (!gpu.handle)
                continue;
            for (const auto& [pid, use] : processesOf(*m_nvml, gpu))
                uses.byPid[pid].push_back(use);
        }
        return uses;
    }

private:
    std::filesystem::path m_proc;
    std::string m_library;
    std::unique_ptr<NvmlLibrary> m_nvml;
};

/// How far the reading of /proc is. Any thread.
struct ProcessLister::Progress
{
    std::mutex mutex; ///< everything below
    std::vector<proto::NodeProcess> processes;
    int pid = 0; ///< that is read just now; 0: none in particular
};

/// What the kernel says. One thread at a time.
class ProcessLister::ProcReader
{
public:
    explicit ProcReader(const Options& options) : m_proc(options.proc), m_commandLine(options.commandLine) {}

    /// Those of targets and those that use a GPU, one after the other into `progress`.
    void read(const std::vector<proto::Target>& targets, const GpuUses& uses, Progress& progress)
    {
        const auto entries = readProcesses(m_proc);
        const auto owners = targetsOfProcesses(entries, targets);
        std::map<int, CpuTime> times;
        for (const ProcessEntry& entry : entries) {
            const auto owner = owners.find(entry.pid);
            const auto use = uses.byPid.find(entry.pid);
            if (owner == owners.end() && use == uses.byPid.end())
                continue;
            {
                const std::lock_guard lock(progress.mutex);
                progress.pid = entry.pid;
            }
            proto::NodeProcess process = describe(entry, times);
            if (owner != owners.end())
                process.targetId = owner->second;
            const std::lock_guard lock(progress.mutex);
            progress.processes.push_back(std::move(process));
        }
        m_cpuTimes = std::move(times);
    }

private:
    struct CpuTime
    {
        std::uint64_t startTicks = 0, cpuTicks = 0;
        std::int64_t monotonicNs = 0;
        std::optional<double> cores; ///< up to then
    };

    [[nodiscard]] proto::NodeProcess describe(const ProcessEntry& entry, std::map<int, CpuTime>& times);
    [[nodiscard]] std::optional<double> cpuCores(const ProcessEntry& entry, std::map<int, CpuTime>& times);

    std::filesystem::path m_proc;
    decltype(Options::commandLine) m_commandLine;
    std::map<int, CpuTime> m_cpuTimes; ///< of the last list
    std::map<uid_t, std::string> m_users;
};

std::optional<double> ProcessLister::ProcReader::cpuCores(const ProcessEntry& entry, std::map<int, CpuTime>& times)
{
    CpuTime now{entry.startTicks, entry.cpuTicks, monotonicNow(), std::nullopt};
    if (const auto last = m_cpuTimes.find(entry.pid); last != m_cpuTimes.end() && last->second.startTicks == entry.startTicks) {
        const std::int64_t elapsed = now.monotonicNs - last->second.monotonicNs;
        if (elapsed < kShortestCpuTimeNs)
            now = last->second;
        else if (entry.cpuTicks >= last->second.cpuTicks)
            now.cores = static_cast<double>(entry.cpuTicks - last->second.cpuTicks) / static_cast<double>(ticksPerSecond()) * 1e9 /
                        static_cast<double>(elapsed);
    }
    times[entry.pid] = now;
    return now.cores;
}

proto::NodeProcess ProcessLister::ProcReader::describe(const ProcessEntry& entry, std::map<int, CpuTime>& times)
{
    proto::NodeProcess process;
    process.pid = entry.pid;
    auto user = m_users.find(entry.owner);
    if (user == m_users.end())
        user = m_users.emplace(entry.owner, userName(entry.owner)).first;
    process.user = user->second;
    process.argv = m_commandLine(m_proc, entry.pid, kMostCommandBytes);
    std::error_code hidden; // of another user
    process.executable = std::filesystem::read_symlink(m_proc / std::to_string(entry.pid) / "exe", hidden).string();
    if (process.executable.empty())
        process.executable = process.argv.empty() ? entry.name : process.argv.front();
    process.startedUtcNs =
        bootUtcNs() + static_cast<std::int64_t>(static_cast<double>(entry.startTicks) * 1e9 / static_cast<double>(ticksPerSecond()));
    process.residentBytes = entry.residentBytes;
    process.cpuCores = cpuCores(entry, times);
    return process;
}

ProcessLister::ProcessLister(Options options)
    : m_options(std::move(options)),
      m_gpuReader(std::make_shared<GpuReader>(m_options)),
      m_procReader(std::make_shared<ProcReader>(m_options))
{
}

ProcessLister::GpuUses ProcessLister::gpuUses(std::chrono::milliseconds patience)
{
    auto uses = m_gpuCall.ask([reader = m_gpuReader] { return reader->read(); }, patience);
    return uses ? std::move(*uses)
                : GpuUses{{}, "the driver does not answer: see `gantryctl node check`, and the kernel log for its Xid errors"};
}

/// Fills `processes`; says why some are missing, or nothing.
std::string ProcessLister::readProc(const std::vector<proto::Target>& targets, const GpuUses& uses, std::chrono::milliseconds patience,
                                    std::vector<proto::NodeProcess>& processes)
{
    DetachedCall<bool>::Pending pending;
    std::shared_ptr<Progress> progress;
    {
        const std::lock_guard lock(m_mutex);
        auto next = std::make_shared<Progress>();
        pending = m_procCall.begin([reader = m_procReader, targets, uses, next] {
            reader->read(targets, uses, *next);
            return true;
        });
        if (std::exchange(m_progressBegun, pending.begun) != pending.begun) // else it still hangs, or another client waits for it
            m_progress = std::move(next);
        progress = m_progress;
    }
    const bool isComplete = pending.answer.wait_until(pending.begun + patience) == std::future_status::ready;
    if (isComplete)
        (void)pending.answer.get(); // or what it threw
    const std::lock_guard lock(progress->mutex);
    processes = progress->processes;
    if (isComplete)
        return {};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - pending.begun).count();
    return "reading " + (progress->pid > 0 ? "process " + std::to_string(progress->pid) : std::string("the table of processes")) +
           " hangs in the kernel, for " + std::to_string(seconds) + " s now: those behind it are missing, and others are as they were then";
}

proto::ProcessList ProcessLister::list(const std::vector<proto::Target>& targets)
{
    const auto begun = std::chrono::steady_clock::now();
    proto::ProcessList list;
    const GpuUses uses = gpuUses(m_options.patience / 2);
    list.noGpuUseReason = uses.whyNone;
    const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
    list.incompleteReason = readProc(targets, uses, m_options.patience - taken, list.processes);
    if (!list.incompleteReason.empty())
        addKnown(targets, list.processes);
    std::set<int> seen;
    for (proto::NodeProcess& process : list.processes) {
        seen.insert(process.pid);
        if (const auto use = uses.byPid.find(process.pid); use != uses.byPid.end())
            process.gpus = use->second;
    }
    for (const auto& [pid, gpus] : uses.byPid)
        if (seen.insert(pid).second) {
            proto::NodeProcess process;
            process.pid = pid;
            process.gpus = gpus;
            list.processes.push_back(std::move(process));
        }
    std::sort(list.processes.begin(), list.processes.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
    return list;
}

} // namespace gantry::node
