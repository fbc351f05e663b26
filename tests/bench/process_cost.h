#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>

namespace gantry::bench {

/// kB of a line of /proc/PID/smaps_rollup, proc(5).
[[nodiscard]] inline double kilobytesOf(pid_t pid, const std::string& name)
{
    std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(name + ":"))
            return std::stod(line.substr(name.size() + 1));
    return 0;
}

/// CPU time that a stat file tells, s: fields 14 and 15, proc(5). "/proc/PID/stat", or that of a thread.
[[nodiscard]] inline double cpuSecondsIn(const std::string& statFile)
{
    std::ifstream file(statFile);
    std::string text;
    std::getline(file, text);
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i)
        fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

[[nodiscard]] inline double cpuSecondsOf(pid_t pid)
{
    return cpuSecondsIn("/proc/" + std::to_string(pid) + "/stat");
}

} // namespace gantry::bench
