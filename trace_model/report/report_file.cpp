#include "trace_model/report/report_file.h"

#include <fmt/format.h>
#include <zstd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::report {

namespace {

constexpr std::string_view kSqliteMagic("SQLite format 3\0", 16); // sqlite.org/fileformat2.html, 1.3
constexpr std::size_t kSqliteHeaderSize = 100;
constexpr std::string_view kZstdMagic("\x28\xB5\x2F\xFD", 4); // RFC 8878, 3.1.1
constexpr std::string_view kGzipMagic("\x1F\x8B", 2);

class FileDescriptor
{
public:
    explicit FileDescriptor(int descriptor) : m_descriptor(descriptor) {}
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor()
    {
        if (m_descriptor >= 0)
            ::close(m_descriptor);
    }
    [[nodiscard]] int get() const { return m_descriptor; }

private:
    int m_descriptor;
};

/// Reads until `size` bytes, the end of the file or an error; -1 for the latter.
ssize_t readFully(int descriptor, void* data, std::size_t size)
{
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got = ::read(descriptor, static_cast<char*>(data) + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += static_cast<std::size_t>(got);
    }
    return static_cast<ssize_t>(done);
}

bool writeFully(int descriptor, const void* data, std::size_t size)
{
    std::size_t done = 0;
    while (done < size) {
        const ssize_t wrote = ::write(descriptor, static_cast<const char*>(data) + done, size - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        done += static_cast<std::size_t>(wrote);
    }
    return true;
}

std::uint32_t bigEndian(std::string_view bytes, std::size_t offset, std::size_t length)
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < length; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
    return value;
}

Error notAReport(const std::filesystem::path& path, std::string_view reason)
{
    return {ErrorCode::NotAReport, fmt::format("{} {}", path.string(), reason), {}};
}

/// What a file that is neither SQLite nor zstd probably is.
Error describeForeign(const std::filesystem::path& path, std::string_view head)
{
    if (head.starts_with("NVIDIA Tegra Profiler Report"))
        return notAReport(path, fmt::format("is an Nsight Systems report, whose format is not public: run `nsys export --type sqlite \"{}\"` and open the result",
                                            path.filename().string()));
    if (head.starts_with("version https://git-lfs"))
        return notAReport(path, "is a Git LFS pointer, not the report itself: run `git lfs pull` and open it again");
    if (head.starts_with(kGzipMagic))
        return notAReport(path, "is a gzip file, most likely a Chrome or PyTorch trace, which is not supported yet: open a Gantry report or an Nsight Systems SQLite export");
    const std::size_t first = head.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    if (first != std::string_view::npos && (head[first] == '{' || head[first] == '['))
        return notAReport(path, "is a JSON file, most likely a Chrome or PyTorch trace, which is not supported yet: open a Gantry report or an Nsight Systems SQLite export");
    return notAReport(path, "is not a report: it is neither an SQLite file nor one compressed with zstd");
}

Error truncated(const std::filesystem::path& path, std::string_view what)
{
    return {ErrorCode::Truncated, fmt::format("{} is truncated: {}; copy or fetch it again", path.string(), what), {}};
}

struct DStreamDeleter
{
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

/// Unpacks `input` (at its begin) into `output`.
Result<void> unpack(int input, int output, const std::filesystem::path& path, std::uint64_t maxBytes, const std::stop_token& stop)
{
    const std::unique_ptr<ZSTD_DStream, DStreamDeleter> stream(ZSTD_createDStream());
    if (!stream)
        return Error{ErrorCode::Internal, "no memory for unpacking", {}};
    std::vector<char> in(ZSTD_DStreamInSize()), out(ZSTD_DStreamOutSize());
    std::uint64_t total = 0;
    std::size_t pending = 1; // bytes of the current frame still expected; 0 at a frame's end
    for (;;) {
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "cancelled", {}};
        const ssize_t got = readFully(input, in.data(), in.size());
        if (got < 0)
            return errnoError(errno, "read " + path.string());
        if (got == 0)
            break;
        ZSTD_inBuffer source{in.data(), static_cast<std::size_t>(got), 0};
        bool outputFull = false;
        while (source.pos < source.size || outputFull) {
            ZSTD_outBuffer target{out.data(), out.size(), 0};
            pending = ZSTD_decompressStream(stream.get(), &target, &source);
            if (ZSTD_isError(pending))
                return Error{ErrorCode::BadInput, fmt::format("{} is damaged: its zstd data does not unpack ({}); copy or fetch it again",
                                                              path.string(), ZSTD_getErrorName(pending)), {}};
            total += target.pos;
            if (total > maxBytes)
                return Error{ErrorCode::BadInput, fmt::format("{} unpacks to more than {} MiB: unpack it with `unzstd` and open the result",
                                                              path.string(), maxBytes >> 20), {}};
            if (!writeFully(output, out.data(), target.pos))
                return Error{ErrorCode::CannotWrite, fmt::format("cannot unpack {} into {}: {}", path.string(),
                                                                 std::filesystem::temp_directory_path().string(),
                                                                 std::generic_category().message(errno)), {}};
            outputFull = target.pos == target.size && pending != 0;
        }
    }
    if (pending != 0)
        return truncated(path, "its zstd data ends early");
    return {};
}

} // namespace

ReportFile::ReportFile(ReportFile&& other) noexcept
    : m_path(std::move(other.m_path)), m_isTemporary(std::exchange(other.m_isTemporary, false)), m_usesWal(other.m_usesWal),
      m_size(other.m_size)
{
}

ReportFile& ReportFile::operator=(ReportFile&& other) noexcept
{
    std::swap(m_path, other.m_path);
    std::swap(m_isTemporary, other.m_isTemporary);
    std::swap(m_usesWal, other.m_usesWal);
    std::swap(m_size, other.m_size);
    return *this;
}

ReportFile::~ReportFile()
{
    if (m_isTemporary)
        ::unlink(m_path.c_str());
}

Result<ReportFile> ReportFile::open(const std::filesystem::path& path, std::stop_token stop, std::uint64_t maxUnpackedBytes)
{
    // O_NONBLOCK: a named pipe without a writer must not block the open.
    const FileDescriptor input(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (input.get() < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return Error{ErrorCode::NotFound, fmt::format("{} does not exist: check the path", path.string()), {}};
        return Error{errno == EACCES || errno == EPERM ? ErrorCode::NotPermitted : ErrorCode::BadInput,
                     fmt::format("cannot open {}: {}", path.string(), std::generic_category().message(errno)), {}};
    }
    struct stat status{};
    if (::fstat(input.get(), &status) != 0)
        return errnoError(errno, "read " + path.string());
    if (S_ISDIR(status.st_mode))
        return notAReport(path, "is a folder: choose a report in it");
    if (!S_ISREG(status.st_mode))
        return notAReport(path, "is not a file");
    if (status.st_size == 0)
        return notAReport(path, "is empty: copy or fetch it again");

    std::array<char, 512> buffer{};
    const ssize_t got = readFully(input.get(), buffer.data(), buffer.size());
    if (got < 0)
        return errnoError(errno, "read " + path.string());
    std::string_view head(buffer.data(), static_cast<std::size_t>(got));

    ReportFile file;
    file.m_path = path;
    file.m_size = static_cast<std::uint64_t>(status.st_size);
    if (head.starts_with(kZstdMagic)) {
        std::error_code ignored;
        const std::filesystem::path folder = std::filesystem::temp_directory_path(ignored);
        std::string name = ((ignored ? "/tmp" : folder) / "gantry-report-XXXXXX").string();
        const FileDescriptor output(::mkostemp(name.data(), O_CLOEXEC));
        if (output.get() < 0)
            return Error{ErrorCode::CannotWrite, fmt::format("cannot unpack {}: {}", path.string(), std::generic_category().message(errno)), {}};
        file.m_path = name;
        file.m_isTemporary = true;
        if (::lseek(input.get(), 0, SEEK_SET) != 0)
            return errnoError(errno, "read " + path.string());
        GANTRY_CHECK(unpack(input.get(), output.get(), path, maxUnpackedBytes, stop));
        const off_t size = ::lseek(output.get(), 0, SEEK_END);
        file.m_size = static_cast<std::uint64_t>(size);
        const ssize_t unpacked = ::pread(output.get(), buffer.data(), buffer.size(), 0);
        head = std::string_view(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(unpacked, 0)));
    }

    if (!head.starts_with(kSqliteMagic.substr(0, std::min(head.size(), kSqliteMagic.size()))) || head.size() < 4)
        return describeForeign(path, head);
    if (head.size() < kSqliteHeaderSize)
        return truncated(path, fmt::format("it has {} bytes", file.m_size));

    // sqlite.org/fileformat2.html, 1.3: page size at 16 (1 = 65536), write version at 18 (2 = WAL), change counter at 24,
    // size in pages at 28, valid when the number at 92 equals the change counter.
    const std::uint32_t storedPageSize = bigEndian(head, 16, 2);
    const std::uint64_t pageSize = storedPageSize == 1 ? 65536 : storedPageSize;
    const std::uint64_t pages = bigEndian(head, 28, 4);
    file.m_usesWal = head[18] == 2;
    if (pages != 0 && bigEndian(head, 24, 4) == bigEndian(head, 92, 4) && pages * pageSize > file.m_size)
        return truncated(path, fmt::format("{} of {} bytes are there", file.m_size, pages * pageSize));
    return file;
}

} // namespace gantry::report
