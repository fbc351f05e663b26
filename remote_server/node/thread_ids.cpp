#include "remote_server/node/thread_ids.h"

#include <fstream>
#include <sstream>
#include <string>

namespace gantry::node {

std::uint32_t ownThreadId(int pid, std::uint32_t tid)
{
    std::ifstream status("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (!line.starts_with("NSpid:"))
            continue;
        std::istringstream numbers(line.substr(6)); // from this namespace inwards
        for (std::uint32_t number = 0; numbers >> number;)
            tid = number;
        break;
    }
    return tid;
}

} // namespace gantry::node
