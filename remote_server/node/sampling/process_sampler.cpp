#include "remote_server/node/sampling/process_sampler.h"

#include "remote_server/node/clock.h"

#include <set>
#include <unistd.h>

namespace gantry::node {
namespace {

constexpr DurationNs kSearchEvery = 5'000'000'000; // reading all of /proc takes some milliseconds

} // namespace

ProcessSampler::ProcessSampler(int pid, std::string targetId, std::string targetName, std::filesystem::path proc)
    : m_pid(pid), m_targetId(std::move(targetId)), m_targetName(std::move(targetName)), m_proc(std::move(proc))
{
}

SourceState ProcessSampler::state() const
{
    return {m_targetName + " (its processes)", {}, kPeriod, m_took, {}};
}

void ProcessSampler::sample(SampleRound& round)
{
    const TimestampNs now = monotonicNow();
    if (now < m_next)
        return;
    m_next = now + kPeriod;
    readProcessTimes();
    if (now >= m_nextSearch) {
        m_nextSearch = now + kSearchEvery;
        findProcesses();
    }
    m_took = monotonicNow() - now;
    if (m_processes.empty())
        return;
    std::uint64_t bytes = 0;
    for (const auto& [pid, process] : m_processes)
        bytes += process.residentBytes;
    const std::map<std::string, std::string> labels{{"target", m_targetId}};
    round.report("target_cpu_seconds_total", labels, "s", metrics::SeriesKind::Counter, "Processor time of a server's processes",
                 static_cast<double>(m_cpuTicks) / static_cast<double>(sysconf(_SC_CLK_TCK)));
    round.report("target_memory_bytes", labels, "bytes", metrics::SeriesKind::Gauge,
                 "Host memory of a server's processes; what several of them share counts for each", static_cast<double>(bytes));
    round.report("target_processes", labels, "count", metrics::SeriesKind::Gauge, "Processes of a server",
                 static_cast<double>(m_processes.size()));
}

void ProcessSampler::readProcessTimes()
{
    for (auto known = m_processes.begin(); known != m_processes.end();) {
        auto now = readProcess(m_proc, known->first);
        if (!now || now->startTicks != known->second.startTicks) { // it has ended; another one may have its number
            known = m_processes.erase(known);
            continue;
        }
        if (now->cpuTicks > known->second.cpuTicks)
            m_cpuTicks += now->cpuTicks - known->second.cpuTicks;
        known->second = std::move(*now);
        ++known;
    }
}

void ProcessSampler::findProcesses()
{
    std::set<int> ours{m_pid};
    const std::vector<ProcessEntry> all = readProcesses(m_proc);
    for (std::size_t before = 0; before != ours.size();) { // a child may have a lower number than its parent
        before = ours.size();
        for (const ProcessEntry& process : all)
            if (process.group == m_pid || ours.contains(process.parent))
                ours.insert(process.pid);
    }
    for (const ProcessEntry& process : all)
        if (ours.contains(process.pid) && m_processes.try_emplace(process.pid, process).second)
            m_cpuTicks += process.cpuTicks;
}

} // namespace gantry::node
