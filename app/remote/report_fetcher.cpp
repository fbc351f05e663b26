#include "app/remote/report_fetcher.h"

#include "app/remote/following_hash.h"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <span>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace gantry::app {

namespace {

/// How long one reconnection may take: a daemon under a supervisor is back within seconds.
constexpr std::chrono::seconds kReconnectTimeout{10};

/// Everything that goes wrong with the local file is CannotWrite, whatever errno: the next step is the same.
Error localError(int errnoValue, const std::string& doing)
{
    Error error = errnoError(errnoValue, doing);
    error.code = ErrorCode::CannotWrite;
    return error;
}

/// destination.part: locked while it is written, kept when the fetch is cut.
class PartFile
{
public:
    static Result<PartFile> open(std::filesystem::path path)
    {
        PartFile file;
        file.m_path = std::move(path);
        file.m_descriptor = ::open(file.m_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file.m_descriptor < 0)
            return localError(errno, fmt::format("cannot write {}", file.m_path.string()));
        if (::flock(file.m_descriptor, LOCK_EX | LOCK_NB) != 0)
            return Error{
                ErrorCode::Busy, fmt::format("another fetch is writing {}; wait for it or choose another file", file.m_path.string()), {}};
        struct stat status
        {
        };
        if (::fstat(file.m_descriptor, &status) != 0)
            return localError(errno, fmt::format("cannot read {}", file.m_path.string()));
        file.m_size = static_cast<std::uint64_t>(status.st_size);
        return file;
    }

    PartFile(PartFile&& other) noexcept
        : m_path(std::move(other.m_path)), m_descriptor(std::exchange(other.m_descriptor, -1)), m_size(other.m_size)
    {
    }
    PartFile& operator=(PartFile&&) = delete;
    ~PartFile()
    {
        if (m_descriptor >= 0)
            ::close(m_descriptor);
    }

    [[nodiscard]] std::uint64_t size() const { return m_size; }

    Result<void> append(std::string_view data)
    {
        while (!data.empty()) {
            const ssize_t written = ::pwrite(m_descriptor, data.data(), data.size(), static_cast<off_t>(m_size));
            if (written < 0 && errno == EINTR)
                continue;
            if (written < 0)
                return localError(errno, fmt::format("cannot write {} ({} bytes are kept; free space and fetch again to go on from there)",
                                                     m_path.string(), m_size));
            m_size += static_cast<std::uint64_t>(written);
            data.remove_prefix(static_cast<std::size_t>(written));
        }
        return {};
    }

    Result<void> truncate()
    {
        if (::ftruncate(m_descriptor, 0) != 0)
            return localError(errno, fmt::format("cannot write {}", m_path.string()));
        m_size = 0;
        return {};
    }

    Result<void> renameTo(const std::filesystem::path& destination)
    {
        if (::fsync(m_descriptor) != 0)
            return localError(errno, fmt::format("cannot write {}", m_path.string()));
        if (::rename(m_path.c_str(), destination.c_str()) != 0)
            return localError(errno, fmt::format("cannot write {}", destination.string()));
        return {};
    }

    void remove() { ::unlink(m_path.c_str()); }

private:
    PartFile() = default;

    std::filesystem::path m_path;
    int m_descriptor = -1;
    std::uint64_t m_size = 0;
};

Result<proto::ReportInfo> findReport(NodeClient& client, const std::string& reportName)
{
    GANTRY_TRY(const std::vector<proto::ReportInfo> reports, client.reports());
    for (const proto::ReportInfo& report : reports)
        if (report.name == reportName)
            return report;
    return Error{ErrorCode::NotFound,
                 fmt::format("there is no report '{}' on {}; `gantryctl report list` shows those there are", reportName, client.address()),
                 {}};
}

/// Streams into the part file until it is complete, reconnecting as often as allowed. Returns the SHA-256 the node announced.
Result<std::string> fillPart(NodeClient& client, const proto::ReportInfo& report, PartFile& part, FollowingHash& hash,
                             const std::function<void(std::uint64_t, std::uint64_t)>& progress, const std::stop_token& stop, int retries)
{
    std::string announced = report.sha256;
    const auto onChunk = [&](const NodeClient::Chunk& chunk) -> Result<void> {
        GANTRY_CHECK(part.append(chunk.data));
        hash.grownTo(part.size());
        if (!chunk.sha256.empty())
            announced = chunk.sha256;
        if (progress)
            progress(part.size(), chunk.totalBytes);
        return {};
    };
    for (int attempt = 0;; ++attempt) {
        const std::uint64_t before = part.size();
        Result<void> fetched = client.fetch(report.name, before, before > 0 ? announced : std::string(), onChunk, stop);
        if (fetched)
            return announced;
        const ErrorCode code = fetched.error().code;
        const bool isCut = code == ErrorCode::Unreachable || code == ErrorCode::Truncated;
        if (part.size() > before)
            attempt = 0; // a connection that moved data is not the same failure again
        if (!isCut || attempt >= retries)
            return std::move(fetched).error();
        GANTRY_CHECK(client.reconnect(kReconnectTimeout, stop));
    }
}

} // namespace

Result<std::filesystem::path> localFileName(const std::string& reportName)
{
    const bool isPlain =
        !reportName.empty() && !reportName.starts_with('.') && reportName.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
    if (!isPlain)
        return Error{ErrorCode::BadInput,
                     fmt::format("the node calls its report '{}', which is no file name to keep it under; name one with -o", reportName),
                     {}};
    return std::filesystem::path(reportName);
}

Result<FetchedReport> fetchReport(NodeClient& client, const std::string& reportName, const std::filesystem::path& destination,
                                  const std::function<void(std::uint64_t, std::uint64_t)>& progress, std::stop_token stop, int retries)
{
    const std::string frame = fmt::format("fetching {}", reportName);
    GANTRY_TRY(const proto::ReportInfo report, findReport(client, reportName));
    std::filesystem::path partPath = destination;
    partPath += ".part";
    GANTRY_TRY(PartFile part, PartFile::open(partPath));
    if (report.sizeBytes != 0 && part.size() > report.sizeBytes)
        GANTRY_CHECK(part.truncate());

    // What a cut fetch left may belong to another report of the same name. Only the checksum can tell, so a mismatch after
    // a resume is answered by one fetch from the start.
    FetchedReport result{destination, 0, part.size(), {}};
    for (;;) {
        if (progress)
            progress(part.size(), report.sizeBytes);
        FollowingHash hash(partPath);
        hash.grownTo(part.size());
        Result<std::string> announced = fillPart(client, report, part, hash, progress, stop, retries);
        if (!announced && announced.error().code == ErrorCode::BadInput && result.resumedFrom > 0) {
            GANTRY_CHECK(part.truncate());
            result.resumedFrom = 0;
            continue;
        }
        if (!announced)
            return std::move(announced).context(frame).error();
        GANTRY_TRY(result.sha256, hash.finish(part.size()));
        if (result.sha256 == *announced)
            break;
        GANTRY_CHECK(part.truncate());
        if (result.resumedFrom == 0) {
            part.remove();
            return Error{ErrorCode::BadInput,
                         fmt::format("{} arrived damaged: SHA-256 {} instead of {}; what was fetched is removed, fetch it again",
                                     reportName, result.sha256, *announced),
                         {}};
        }
        result.resumedFrom = 0;
    }
    GANTRY_CHECK(part.renameTo(destination));
    result.bytes = part.size();
    return result;
}

} // namespace gantry::app
