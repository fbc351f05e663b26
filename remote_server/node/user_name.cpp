#include "remote_server/node/user_name.h"

#include <pwd.h>
#include <vector>

namespace gantry::node {

std::string userName(uid_t user)
{
    std::vector<char> buffer(16 * 1024); // getpwnam(3)
    passwd entry{};
    passwd* found = nullptr;
    if (getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found)
        return found->pw_name;
    return std::to_string(user);
}

} // namespace gantry::node
