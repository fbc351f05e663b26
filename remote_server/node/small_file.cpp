#include "remote_server/node/small_file.h"

#include "trace_model/base/unique_fd.h"

#include <cerrno>
#include <fcntl.h>

namespace gantry::node {

Result<std::string> readSmallFile(const std::filesystem::path& path, std::size_t maxBytes)
{
    const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file)
        return errnoError(errno, "cannot read " + path.string());
    std::string text(maxBytes, '\0');
    std::size_t size = 0;
    while (size < maxBytes) {
        const ssize_t got = read(file.get(), text.data() + size, maxBytes - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errnoError(errno, "cannot read " + path.string());
        if (got == 0)
            break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

} // namespace gantry::node
