#include "remote_server/node/sampling/host_sampler.h"

#include <fstream>
#include <sstream>
#include <string>

namespace gantry::node {

void HostSampler::sample(SampleRound& round)
{
    std::ifstream stat(m_root / "proc/stat");
    std::string word;
    if (stat >> word && word == "cpu") {
        std::uint64_t total = 0, idle = 0, value = 0;
        // user nice system idle iowait irq softirq steal; guest times are contained in user (proc(5))
        for (int column = 0; column < 8 && stat >> value; ++column) {
            total += value;
            if (column == 3 || column == 4)
                idle += value;
        }
        const std::uint64_t busy = total - idle;
        // A counter may fall by some ticks (proc(5) of iowait; stolen time on a virtual machine): no share then, rather than a wrong one.
        if (m_lastTotal != 0 && total > m_lastTotal && busy >= m_lastBusy && busy - m_lastBusy <= total - m_lastTotal)
            round.report("host_cpu_ratio", {}, "ratio", metrics::SeriesKind::Gauge, "Share of the host's CPU time that was not idle",
                         static_cast<double>(busy - m_lastBusy) / static_cast<double>(total - m_lastTotal));
        m_lastBusy = busy;
        m_lastTotal = total;
    }
    std::ifstream meminfo(m_root / "proc/meminfo");
    double totalKiB = -1, availableKiB = -1, value = 0;
    for (std::string line; std::getline(meminfo, line);) {
        std::istringstream text(line);
        if (text >> word >> value) {
            if (word == "MemTotal:")
                totalKiB = value;
            else if (word == "MemAvailable:")
                availableKiB = value;
        }
    }
    if (totalKiB >= 0 && availableKiB >= 0)
        round.report("host_memory_used_bytes", {}, "bytes", metrics::SeriesKind::Gauge, "Host memory that is not available",
                     (totalKiB - availableKiB) * 1024);
}

} // namespace gantry::node
