#include "trace_model/base/memory.h"

#include <fstream>
#include <string>

namespace gantry {

std::uint64_t availableMemory()
{
    // proc_meminfo(5), MemAvailable
    std::ifstream meminfo("/proc/meminfo");
    std::string word;
    std::uint64_t kibibytes = 0;
    while (meminfo >> word)
        if (word == "MemAvailable:" && meminfo >> kibibytes)
            return kibibytes * 1024;
    return std::uint64_t{4} << 30;
}

} // namespace gantry
