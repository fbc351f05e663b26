#include "remote_server/node/report_store.h"

#include "trace_model/base/digest.h"
#include "trace_model/report/window_times.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace gantry::node {
namespace {

constexpr const char* kOriginals[] = {".nsys-rep", ".qdrep", ".json"}; // as the engine wrote it, kept beside the report
constexpr std::chrono::seconds kResumePatience{60};

bool isReportName(const std::filesystem::path& name)
{
    return name.extension() == ".gantry" && !name.native().starts_with('.');
}

/// Not what a link leads to, which may be anywhere.
bool isReport(const std::filesystem::path& path)
{
    std::error_code error;
    return isReportName(path.filename()) && std::filesystem::is_regular_file(std::filesystem::symlink_status(path, error));
}

constexpr int kOpenFlags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

/// As one of those that fetch it, or none.
UniqueFd lockShared(const std::filesystem::path& path)
{
    UniqueFd file(open(path.c_str(), O_RDONLY | kOpenFlags));
    if (file && flock(file.get(), LOCK_SH | LOCK_NB) != 0)
        file.reset();
    return file;
}

/// While nobody fetches it. Errors: Busy; Internal where the file system has no locks.
Result<UniqueFd> lockAlone(const std::filesystem::path& path)
{
    // Open for writing, without which NFS gives no exclusive lock: flock(2).
    UniqueFd file(open(path.c_str(), O_RDWR | kOpenFlags));
    if (!file)
        file.reset(open(path.c_str(), O_RDONLY | kOpenFlags));
    if (!file)
        return errnoError(errno, "cannot open " + path.string());
    if (flock(file.get(), LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? Error{ErrorCode::Busy, path.filename().string() + " is being fetched from another gantryd", {}}
                                    : errnoError(errno, "cannot lock " + path.string());
    struct stat locked
    {
    };
    struct stat named
    {
    };
    if (fstat(file.get(), &locked) != 0 || lstat(path.c_str(), &named) != 0 || locked.st_dev != named.st_dev ||
        locked.st_ino != named.st_ino)
        return Error{ErrorCode::Busy, path.filename().string() + " is another file since just now", {}};
    return file;
}

/// Fills in what the report says of itself; a file that does not open keeps its name and size.
void readMeta(proto::ReportInfo& info, const std::filesystem::path& path)
{
    if (const auto times = report::readWindowTimes(path)) {
        info.targetName = times->targetName;
        info.label = times->label;
        info.session = times->session;
        info.durationNs = times->durationNs;
        info.beginUtcNs = times->beginUtcNs;
    }
}

} // namespace

proto::ReportInfo ReportStore::describe(const std::filesystem::path& path)
{
    std::error_code error;
    const std::uint64_t size = std::filesystem::file_size(path, error);
    const auto changed = std::filesystem::last_write_time(path, error);
    Known& known = m_known[path.filename().string()];
    if (known.info.name.empty() || known.size != size || known.changed != changed) {
        known = {size, changed, {}};
        known.info.name = path.filename().string();
        known.info.sizeBytes = size;
        struct stat status
        {
        };
        if (stat(path.c_str(), &status) == 0)
            known.info.createdUtcNs = status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec;
        readMeta(known.info, path);
    }
    return known.info;
}

std::vector<proto::ReportInfo> ReportStore::list()
{
    const std::lock_guard lock(m_mutex);
    forgetEndedFetches();
    std::vector<proto::ReportInfo> reports;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(m_folder, error), end; !error && entry != end; entry.increment(error))
        if (isReport(entry->path()))
            reports.push_back(describe(entry->path()));
    std::sort(reports.begin(), reports.end(), [](const auto& a, const auto& b) { return a.createdUtcNs > b.createdUtcNs; });
    return reports;
}

Result<std::filesystem::path> ReportStore::pathOf(const std::string& name) const
{
    if (name.find('/') != std::string::npos || !isReportName(name)) // the folder may hold other things
        return Error{ErrorCode::BadInput, "\"" + name + "\" is not the name of a report: `gantryctl report list` shows them", {}};
    const auto path = m_folder / name;
    if (!isReport(path))
        return Error{ErrorCode::NotFound, "there is no report " + name + " on this node: `gantryctl report list` shows them", {}};
    return path;
}

Result<proto::ReportInfo> ReportStore::listed(const std::string& name)
{
    GANTRY_TRY(const auto path, pathOf(name));
    const std::lock_guard lock(m_mutex);
    return describe(path);
}

Result<proto::ReportInfo> ReportStore::info(const std::string& name)
{
    GANTRY_TRY(const auto path, pathOf(name));
    proto::ReportInfo info;
    {
        const std::lock_guard lock(m_mutex);
        info = describe(path);
    }
    if (!info.sha256.empty())
        return info;
    GANTRY_TRY(info.sha256, sha256OfFile(path)); // seconds for a large one: other clients list meanwhile
    const std::lock_guard lock(m_mutex);
    if (const proto::ReportInfo now = describe(path); now.sizeBytes == info.sizeBytes && now.createdUtcNs == info.createdUtcNs)
        m_known[name].info.sha256 = info.sha256;
    return info;
}

Result<void> ReportStore::removeFiles(const std::string& name)
{
    GANTRY_TRY(const auto path, pathOf(name));
    std::error_code error;
    if (!std::filesystem::remove(path, error))
        return errnoError(error.value(), "cannot delete " + name);
    for (const char* extension : kOriginals)
        std::filesystem::remove(std::filesystem::path(path).replace_extension(extension), error);
    m_known.erase(name);
    m_fetched.erase(name);
    return {};
}

void ReportStore::setOnRemoved(OnRemoved onRemoved)
{
    const std::lock_guard lock(m_mutex);
    m_onRemoved = std::move(onRemoved);
}

Result<void> ReportStore::remove(const std::string& name)
{
    OnRemoved onRemoved;
    {
        const std::lock_guard lock(m_mutex);
        GANTRY_CHECK(removeFiles(name));
        onRemoved = m_onRemoved;
    }
    if (onRemoved)
        onRemoved(name);
    return {};
}

void ReportStore::forgetEndedFetches()
{
    const auto now = m_steadyNow();
    std::erase_if(m_fetched, [&](const auto& entry) { return entry.second.running == 0 && now >= entry.second.mayGoOnUntil; });
}

Result<void> ReportStore::removeUnlessFetched(const std::string& name)
{
    const std::lock_guard lock(m_mutex);
    forgetEndedFetches();
    if (m_fetched.contains(name))
        return Error{ErrorCode::Busy, name + " is being fetched", {}};
    GANTRY_TRY(const auto path, pathOf(name));
    GANTRY_TRY(const UniqueFd held, lockAlone(path)); // to the end of the removal
    return removeFiles(name);
}

std::uint64_t ReportStore::bytesOf(const std::string& name) const
{
    const auto sizeOf = [](const std::filesystem::path& path) {
        std::error_code absent;
        const auto size = std::filesystem::file_size(path, absent);
        return absent ? 0 : std::uint64_t{size};
    };
    std::uint64_t bytes = sizeOf(m_folder / name);
    for (const char* extension : kOriginals)
        bytes += sizeOf((m_folder / name).replace_extension(extension));
    return bytes;
}

ReportStore::Fetch::Fetch(ReportStore& store, std::string name) : m_store(store), m_name(std::move(name))
{
    const std::lock_guard lock(m_store.m_mutex);
    Fetched& fetched = m_store.m_fetched[m_name];
    ++fetched.running;
    // Anew each time, for a report is replaced when its cost is known. Who has it alone deletes it: then the fetch finds none.
    if (const auto path = m_store.pathOf(m_name))
        if (UniqueFd file = lockShared(*path))
            fetched.sharedLock = std::move(file);
}

ReportStore::Fetch::~Fetch()
{
    const std::lock_guard lock(m_store.m_mutex);
    const auto fetched = m_store.m_fetched.find(m_name);
    if (fetched == m_store.m_fetched.end()) // deleted meanwhile by somebody
        return;
    --fetched->second.running;
    if (!m_isComplete)
        fetched->second.mayGoOnUntil = m_store.m_steadyNow() + kResumePatience;
    m_store.forgetEndedFetches(); // not while another's fetch, which was cut before, may go on
}

} // namespace gantry::node
