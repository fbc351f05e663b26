#include "trace_model/base/new_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace gantry {

Error NewFile::writeError(int errnoValue, const std::filesystem::path& path, std::string_view doing)
{
    if (errnoValue == ENOSPC || errnoValue == EDQUOT)
        return {ErrorCode::CannotWrite, fmt::format("no space left on {}: free some and try again", path.parent_path().string()), {}};
    return {ErrorCode::CannotWrite, fmt::format("cannot {} {}: {}", doing, path.string(), std::generic_category().message(errnoValue)), {}};
}

Result<NewFile> NewFile::create(const std::filesystem::path& path)
{
    std::filesystem::path target = std::filesystem::absolute(path);
    std::error_code ignored;
    if (const auto status = std::filesystem::status(target, ignored); exists(status) && !is_regular_file(status))
        return Error{ErrorCode::CannotWrite, fmt::format("{} is no file that could be written anew: name another", target.string()), {}};
    // In the same folder, so that the rename is atomic; mkostemp makes it with mode 0600.
    std::string name = (target.parent_path() / ("." + target.filename().string() + ".XXXXXX")).string();
    const int fd = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd < 0)
        return writeError(errno, target, "create");
    return NewFile(fd, std::move(target), std::move(name));
}

NewFile::NewFile(int fd, std::filesystem::path path, std::filesystem::path temporary)
    : m_fd(fd), m_path(std::move(path)), m_temporary(std::move(temporary))
{
}

NewFile::NewFile(NewFile&& other) noexcept
    : m_fd(std::exchange(other.m_fd, -1)), m_path(std::move(other.m_path)), m_temporary(std::exchange(other.m_temporary, {}))
{
}

NewFile::~NewFile()
{
    discard();
}

Result<void> NewFile::write(std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t written = ::write(m_fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return writeError(errno, m_path, "write");
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> NewFile::publish()
{
    if (::fsync(m_fd) != 0 || ::rename(m_temporary.c_str(), m_path.c_str()) != 0) {
        const int error = errno;
        discard();
        return writeError(error, m_path, "write");
    }
    m_temporary.clear();
    // The rename itself must survive a power cut; a file system that cannot sync a folder loses at most the name.
    if (const int folder = ::open(m_path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); folder >= 0) {
        ::fsync(folder);
        ::close(folder);
    }
    return {};
}

void NewFile::discard()
{
    if (m_fd >= 0)
        ::close(std::exchange(m_fd, -1));
    if (!m_temporary.empty())
        ::unlink(m_temporary.c_str());
    m_temporary.clear();
}

} // namespace gantry
