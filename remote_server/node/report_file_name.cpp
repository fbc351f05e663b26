#include "remote_server/node/report_file_name.h"

#include <cctype>
#include <ctime>

namespace gantry::node {

std::string reportFileName(std::string_view target, std::string_view distinction)
{
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &utc);
    std::string safe;
    for (const char c : target)
        safe += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ? c : '-';
    return std::string(stamp) + "-" + (safe.empty() ? "capture" : safe) + "-" + std::string(distinction) + ".gantry";
}

} // namespace gantry::node
