#include "remote_server/node/process_environment.h"

#include <cstring>

extern char** environ;

namespace gantry::node {

std::map<std::string, std::string> currentEnvironment()
{
    std::map<std::string, std::string> result;
    for (char** entry = environ; *entry; ++entry)
        if (const char* equals = std::strchr(*entry, '='))
            result.emplace(std::string(static_cast<const char*>(*entry), equals), equals + 1);
    return result;
}

} // namespace gantry::node
