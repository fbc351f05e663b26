#pragma once

#include "remote_server/node/process_table.h"
#include "remote_server/node/sampling/sample_source.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace gantry::node {

/// Processor time and memory of a target with all its processes: its children, theirs, and whoever is in its process group. Once a second;
/// processes that are new are found within five. `proc` is "/proc" but for tests.
class ProcessSampler : public SampleSource
{
public:
    ProcessSampler(int pid, std::string targetId, std::string targetName, std::filesystem::path proc = "/proc");
    void sample(SampleRound& round) override;
    [[nodiscard]] SourceState state() const override;

private:
    static constexpr DurationNs kPeriod = 1'000'000'000;

    void findProcesses();
    void readProcessTimes();

    int m_pid;
    std::string m_targetId, m_targetName;
    std::filesystem::path m_proc;
    std::map<int, ProcessEntry> m_processes; ///< as they were last
    std::uint64_t m_cpuTicks = 0;            ///< of those, and of those that have ended
    TimestampNs m_next = 0, m_nextSearch = 0;
    std::optional<DurationNs> m_took; ///< the last reading
};

} // namespace gantry::node
