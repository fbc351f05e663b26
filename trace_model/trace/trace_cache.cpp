#include "trace_model/trace/trace_cache.h"

#include "trace_model/base/digest.h"
#include "trace_model/trace/trace_archive.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace gantry::trace {
namespace {

constexpr std::string_view kSuffix = ".trace";

class File
{
public:
    explicit File(const std::filesystem::path& path) : m_fd(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File()
    {
        if (m_fd >= 0)
            close(m_fd);
    }
    [[nodiscard]] int fd() const { return m_fd; }

private:
    int m_fd;
};

template <typename T>
void updateWith(Sha256& digest, const T& value)
{
    digest.update(std::as_bytes(std::span(&value, 1)));
}

/// The first and last 64 KiB, and 64 blocks in between: a file that changes there keeps its length and even its time of change only on purpose.
bool updateWithFile(Sha256& digest, const std::filesystem::path& path)
{
    const File file(path);
    struct stat info = {};
    if (file.fd() < 0 || fstat(file.fd(), &info) != 0)
        return false;
    updateWith(digest, info.st_size);
    updateWith(digest, info.st_mtim.tv_sec);
    updateWith(digest, info.st_mtim.tv_nsec);
    updateWith(digest, info.st_ino);
    constexpr off_t kEdge = 65536, kBlock = 4096, kBlocks = 64;
    std::vector<std::byte> bytes(kEdge);
    const auto take = [&](off_t offset, std::size_t count) {
        const ssize_t got = pread(file.fd(), bytes.data(), count, offset);
        if (got > 0)
            digest.update(std::span(bytes).first(static_cast<std::size_t>(got)));
        return got >= 0;
    };
    bool isRead = take(0, kEdge) && take(std::max<off_t>(0, info.st_size - kEdge), kEdge);
    for (off_t i = 1; i <= kBlocks && isRead && info.st_size > 2 * kEdge; ++i)
        isRead = take(info.st_size / (kBlocks + 1) * i, kBlock);
    return isRead;
}

} // namespace

TraceCache::TraceCache(std::filesystem::path folder, std::uint64_t limit) : m_folder(std::move(folder)), m_limit(limit) {}

std::optional<std::filesystem::path> TraceCache::userFolder()
{
    if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache == '/') // NOLINT(concurrency-mt-unsafe): nothing sets variables
        return std::filesystem::path(cache) / "gantry" / "traces";
    if (const char* home = std::getenv("HOME"); home && *home == '/') // NOLINT(concurrency-mt-unsafe)
        return std::filesystem::path(home) / ".cache" / "gantry" / "traces";
    return std::nullopt;
}

std::optional<std::string> TraceCache::keyOf(std::span<const std::filesystem::path> files, std::string_view salt)
{
    Sha256 digest;
    digest.update(std::as_bytes(std::span(salt)));
    updateWith(digest, kArchiveVersion);
    for (const std::filesystem::path& path : files) {
        if (!updateWithFile(digest, path))
            return std::nullopt;
        std::filesystem::path journal = path;
        journal += "-wal"; // rows of a SQLite file that are not in the file itself
        updateWithFile(digest, journal);
    }
    return digest.finishHex();
}

std::filesystem::path TraceCache::pathOf(std::string_view key) const
{
    return m_folder / (std::string(key) + std::string(kSuffix));
}

std::shared_ptr<const Trace> TraceCache::find(std::string_view key, bool checkColumns) const
{
    const std::filesystem::path path = pathOf(key);
    std::shared_ptr<const Trace> trace = readArchive(path, key, checkColumns);
    if (trace)
        utimensat(AT_FDCWD, path.c_str(), nullptr, 0); // opened now; without the right to say so it goes earlier, no more
    return trace;
}

void TraceCache::drop(std::string_view key) const
{
    std::error_code gone;
    std::filesystem::remove(pathOf(key), gone);
}

Result<void> TraceCache::store(const Trace& trace, std::string_view key) const
{
    std::error_code error;
    std::filesystem::create_directories(m_folder, error);
    if (error)
        return Error{ErrorCode::CannotWrite, "cannot make the folder of caches " + m_folder.string() + ": " + error.message(), {}};
    std::filesystem::permissions(m_folder, std::filesystem::perms::owner_all, error);
    const std::uint64_t expected = trace.eventCount() * 40;
    if (expected > m_limit)
        return {};
    makeRoom(expected);
    return writeArchive(trace, pathOf(key), key);
}

void TraceCache::makeRoom(std::uint64_t bytes) const
{
    struct Entry
    {
        std::filesystem::file_time_type opened;
        std::uint64_t bytes;
        std::filesystem::path path;
    };
    std::vector<Entry> entries;
    std::uint64_t total = bytes;
    std::error_code error; // another process may remove files at the same time
    for (const auto& entry : std::filesystem::directory_iterator(m_folder, error)) {
        std::error_code gone;
        const std::filesystem::file_time_type opened = entry.last_write_time(gone);
        const std::uintmax_t size = gone ? 0 : entry.file_size(gone);
        if (gone)
            continue;
        // What a process that was killed left behind is never published: after an hour nobody writes it any more.
        if (!entry.path().filename().string().ends_with(kSuffix)) {
            if (std::filesystem::file_time_type::clock::now() - opened > std::chrono::hours(1))
                std::filesystem::remove(entry.path(), gone);
            continue;
        }
        entries.push_back({opened, size, entry.path()});
        total += size;
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.opened < b.opened; });
    for (const Entry& entry : entries) {
        if (total <= m_limit)
            break;
        std::filesystem::remove(entry.path, error);
        total -= std::min<std::uint64_t>(total, entry.bytes);
    }
}

} // namespace gantry::trace
