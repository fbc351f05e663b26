#include "remote_server/node/shown_name.h"

#include <algorithm>

namespace gantry::node {

std::string shownName(std::string_view name)
{
    constexpr std::size_t kMostBytes = 200;
    std::string shown(name.substr(0, kMostBytes));
    if (name.size() > kMostBytes) {
        // Not within a character of UTF-8, whose further bytes begin with the bits 10.
        for (std::size_t next = kMostBytes; !shown.empty() && (static_cast<unsigned char>(name[next]) & 0xC0) == 0x80; --next)
            shown.pop_back();
        shown += "…";
    }
    std::replace_if(
        shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
    return shown;
}

} // namespace gantry::node
