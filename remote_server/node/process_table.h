#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gantry::node {

/// What /proc says of one process: proc(5), "stat".
struct ProcessEntry
{
    int pid = 0, parent = 0, group = 0;
    uid_t owner = 0;
    std::string name;             ///< cut at 15 bytes by the kernel
    std::uint64_t startTicks = 0; ///< since the machine booted
    std::uint64_t cpuTicks = 0;   ///< user and system, of all its threads
    std::uint64_t residentBytes = 0;
};

/// All that can be seen in `proc` ("/proc"), by number. A process that ends meanwhile is left out. Any thread.
[[nodiscard]] std::vector<ProcessEntry> readProcesses(const std::filesystem::path& proc);
/// Nothing: it has ended, or never was.
[[nodiscard]] std::optional<ProcessEntry> readProcess(const std::filesystem::path& proc, int pid);

/// Words of its command line, of `maxBytes` in all; empty: it has none, as threads of the kernel, or it must not be read.
[[nodiscard]] std::vector<std::string> commandLineOf(const std::filesystem::path& proc, int pid, std::size_t maxBytes);

} // namespace gantry::node
