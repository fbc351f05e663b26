#include "trace_model/base/new_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <random>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace gantry {
namespace {

/// What a link leads to, whether it is there or not. Other names stay.
std::filesystem::path withoutLinks(std::filesystem::path path)
{
    constexpr int kMostLinks = 40; // path_resolution(7)
    std::error_code error;
    for (int i = 0; i < kMostLinks && std::filesystem::is_symlink(path, error); ++i) {
        const std::filesystem::path target = std::filesystem::read_symlink(path, error);
        if (error)
            break;
        path = path.parent_path() / target; // which is the target alone where that is absolute
    }
    return path;
}

std::string randomSuffix()
{
    constexpr std::string_view kCharacters = "abcdefghijklmnopqrstuvwxyz0123456789";
    constexpr std::size_t kLength = 8;
    std::random_device random;
    std::string suffix;
    for (std::size_t i = 0; i < kLength; ++i)
        suffix += kCharacters[random() % kCharacters.size()];
    return suffix;
}

/// Beside a file, hidden.
std::filesystem::path temporaryBeside(const std::filesystem::path& path)
{
    return path.parent_path() / fmt::format(".{}.{}", path.filename().string(), randomSuffix());
}

constexpr int kTries = 100; // of random names

/// mkostemp() and the mode 0600 would not ask the umask.
mode_t modeOf(FileAccess access)
{
    return access == FileAccess::ByUmask ? 0666 : 0600;
}

/// How a file without a name is linked into a folder: open(2), O_TMPFILE.
std::string descriptorPath(int fd)
{
    return fmt::format("/proc/self/fd/{}", fd);
}

/// What the name leads to, if a file can be written there.
Result<std::filesystem::path> targetOf(const std::filesystem::path& path)
{
    std::filesystem::path target = withoutLinks(std::filesystem::absolute(path));
    std::error_code ignored;
    if (std::filesystem::is_symlink(target, ignored))
        return NewFile::writeError(ELOOP, target, "create");
    if (const auto status = std::filesystem::status(target, ignored); exists(status) && !is_regular_file(status))
        return Error{ErrorCode::CannotWrite, fmt::format("{} is no file that could be written anew: name another", target.string()), {}};
    return target;
}

} // namespace

Error NewFile::writeError(int errnoValue, const std::filesystem::path& path, std::string_view doing)
{
    if (errnoValue == ENOSPC || errnoValue == EDQUOT)
        return {ErrorCode::CannotWrite, fmt::format("no space left on {}: free some and try again", path.parent_path().string()), {}};
    std::string_view nextStep = "name another";
    switch (errnoValue) {
    case ENOENT:
    case ENOTDIR:
        return {
            ErrorCode::CannotWrite,
            fmt::format("cannot {} {}: there is no folder {}; make it or name another", doing, path.string(), path.parent_path().string()),
            {}};
    case EFBIG:
        nextStep = "raise the limit on the size of files (ulimit -f) or write less";
        break;
    case EACCES:
    case EPERM:
    case EROFS:
        nextStep = "name a folder that you may write to";
        break;
    case EIO:
        nextStep = "see whether the disk is well, or name a folder of another";
        break;
    default:
        break;
    }
    return {ErrorCode::CannotWrite,
            fmt::format("cannot {} {}: {}; {}", doing, path.string(), std::generic_category().message(errnoValue), nextStep),
            {}};
}

Result<NewFile> NewFile::create(const std::filesystem::path& path, FileAccess access)
{
    GANTRY_TRY(std::filesystem::path target, targetOf(path));
    const int fd = ::open(target.parent_path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, modeOf(access));
    if (fd >= 0 && ::access(descriptorPath(fd).c_str(), F_OK) == 0)
        return NewFile(fd, std::move(target), {});
    if (fd >= 0)
        ::close(fd); // no /proc here: it would never get a name
    return createNamed(target, access);
}

Result<NewFile> NewFile::createNamed(const std::filesystem::path& path, FileAccess access)
{
    GANTRY_TRY(std::filesystem::path target, targetOf(path));
    for (int i = 0; i < kTries; ++i) {
        std::filesystem::path temporary = temporaryBeside(target); // in the same folder, so that the rename is atomic
        const int fd = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, modeOf(access));
        if (fd >= 0)
            return NewFile(fd, std::move(target), std::move(temporary));
        if (errno != EEXIST)
            break;
    }
    return writeError(errno, target, "create");
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

Result<void> NewFile::overwrite(std::uint64_t offset, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t written = ::pwrite(m_fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return writeError(errno, m_path, "write");
        bytes.remove_prefix(static_cast<std::size_t>(written));
        offset += static_cast<std::uint64_t>(written);
    }
    return {};
}

/// Sets errno where it fails.
bool NewFile::takeName()
{
    const auto linkTo = [this](const std::filesystem::path& name) {
        return ::linkat(AT_FDCWD, descriptorPath(m_fd).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
    };
    if (m_temporary.empty()) {
        if (linkTo(m_path))
            return true;
        // A link takes no other file's name: only a rename does.
        for (int i = 0; i < kTries && errno == EEXIST && m_temporary.empty(); ++i)
            if (std::filesystem::path name = temporaryBeside(m_path); linkTo(name))
                m_temporary = std::move(name);
        if (m_temporary.empty())
            return false;
    }
    return ::rename(m_temporary.c_str(), m_path.c_str()) == 0;
}

Result<void> NewFile::publish(Durability durability)
{
    const bool isSynced = durability == Durability::Synced;
    if ((isSynced && ::fsync(m_fd) != 0) || !takeName()) {
        const int error = errno;
        discard();
        return writeError(error, m_path, "write");
    }
    m_temporary.clear();
    if (!isSynced)
        return {};
    // The name itself must survive a power cut; a file system that cannot sync a folder loses at most the name.
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
