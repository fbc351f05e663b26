#include "remote_server/node/report_retention.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/small_file.h"
#include "trace_model/base/new_file.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <sys/file.h>

namespace gantry::node {
namespace {

constexpr std::int64_t kYoungNs = 60'000'000'000;
constexpr std::chrono::nanoseconds kYoung{kYoungNs};
constexpr std::chrono::hours kApplyEvery{1};
constexpr std::chrono::milliseconds kLockPoll{20};
constexpr const char* kNotKnown = ": which reports are kept is not known; move it away to begin anew";
constexpr std::size_t kMostFileBytes = 16u << 20;
constexpr std::uint64_t kLeastRoom = 32u << 20; // a window without events takes 0.2 MiB; one of a busy server some 10 MiB a second

std::string mebibytes(std::uint64_t bytes)
{
    return std::to_string(bytes >> 20) + " MiB";
}

} // namespace

ReportRetention::ReportRetention(ReportStore& reports, Options options) : m_reports(reports), m_options(std::move(options))
{
    if (!m_options.utcNow)
        m_options.utcNow = [] { return utcNow(); };
    m_reports.setOnRemoved([this](const std::string& name) { forget(name); });
    m_thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

ReportRetention::~ReportRetention()
{
    m_reports.setOnRemoved({});
}

Result<ReportRetention::Rules> ReportRetention::readRules() const
{
    const auto path = m_reports.folder() / kFileName;
    const auto text = readSmallFile(path, kMostFileBytes);
    if (!text && text.error().code == ErrorCode::NotFound)
        return Rules{};
    if (!text)
        return Error{ErrorCode::BadInput, text.error().message + kNotKnown, {}};
    const auto document = nlohmann::json::parse(*text, nullptr, false);
    try {
        Rules rules;
        rules.policy.maxTotalBytes = document.at("max_total_bytes").get<std::uint64_t>();
        rules.policy.maxAgeNs = document.at("max_age_ns").get<std::int64_t>();
        rules.policy.minFreeDiskBytes = document.at("min_free_disk_bytes").get<std::uint64_t>();
        rules.kept = document.at("kept").get<std::set<std::string>>();
        return rules;
    } catch (const nlohmann::json::exception&) {
        return Error{ErrorCode::BadInput, path.string() + " is damaged" + kNotKnown, {}};
    }
}

Result<void> ReportRetention::write(const Rules& rules) const
{
    const nlohmann::json document{{"max_total_bytes", rules.policy.maxTotalBytes},
                                  {"max_age_ns", rules.policy.maxAgeNs},
                                  {"min_free_disk_bytes", rules.policy.minFreeDiskBytes},
                                  {"kept", rules.kept}};
    GANTRY_TRY(NewFile file, NewFile::create(m_reports.folder() / kFileName, FileAccess::OwnerOnly));
    GANTRY_CHECK(file.write(document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
    return file.publish();
}

Result<UniqueFd> ReportRetention::lockRules() const
{
    const auto path = m_reports.folder() / kLockName;
    UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!file)
        return NewFile::writeError(errno, path, "create");
    // Not waited for without end: a daemon that was stopped while it decides would stop all others.
    const auto end = std::chrono::steady_clock::now() + m_options.lockPatience;
    while (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return errnoError(errno, "cannot lock " + path.string());
        if (std::chrono::steady_clock::now() >= end)
            return Error{ErrorCode::Busy, "another gantryd holds " + path.string() + ": try again", {}};
        std::this_thread::sleep_for(kLockPoll);
    }
    return file;
}

proto::ReportShelf ReportRetention::readShelf(const Rules& rules)
{
    proto::ReportShelf shelf;
    shelf.reports = m_reports.list();
    shelf.policy = rules.policy;
    for (proto::ReportInfo& report : shelf.reports) {
        report.isKept = rules.kept.contains(report.name);
        shelf.totalBytes += m_reports.bytesOf(report.name);
    }
    return shelf;
}

proto::ReportShelf ReportRetention::shelf()
{
    const auto rules = readRules();
    proto::ReportShelf shelf = readShelf(rules ? *rules : Rules{});
    if (const auto room = diskRoom())
        shelf.diskFreeBytes = room->freeBytes;
    const std::lock_guard lock(m_mutex);
    see(shelf.reports, m_options.steadyNow());
    return shelf;
}

Result<void> ReportRetention::setPolicy(const proto::ReportPolicy& policy)
{
    if (policy.maxAgeNs < 0)
        return Error{ErrorCode::BadInput, "the age of reports cannot be negative: leave it out to keep them however old they are", {}};
    const std::lock_guard lock(m_mutex);
    {
        GANTRY_TRY(const UniqueFd alone, lockRules());
        GANTRY_TRY(Rules rules, readRules());
        rules.policy = policy;
        GANTRY_CHECK(write(rules));
    }
    spdlog::info("report policy: at most {} in all, at most {} h old, {} of the disk stay free (0: no bound)",
                 mebibytes(policy.maxTotalBytes), policy.maxAgeNs / 3'600'000'000'000, mebibytes(policy.minFreeDiskBytes));
    applyNow();
    return {};
}

Result<proto::ReportInfo> ReportRetention::keep(const std::string& name, bool isKept)
{
    GANTRY_TRY([[maybe_unused]] const auto path, m_reports.pathOf(name));
    const std::lock_guard lock(m_mutex);
    GANTRY_TRY(const UniqueFd alone, lockRules());
    GANTRY_TRY(Rules rules, readRules());
    GANTRY_TRY(proto::ReportInfo report, m_reports.listed(name)); // that of another daemon was deleted meanwhile
    // Others that are not there stay in it: their folder may be away for a while.
    if (isKept)
        rules.kept.insert(name);
    else
        rules.kept.erase(name);
    GANTRY_CHECK(write(rules));
    report.isKept = isKept;
    return report;
}

void ReportRetention::forget(const std::string& name)
{
    const auto known = readRules();
    if (!known || !known->kept.contains(name))
        return;
    const auto dropName = [&]() -> Result<void> {
        const std::lock_guard lock(m_mutex);
        GANTRY_TRY(const UniqueFd alone, lockRules());
        GANTRY_TRY(Rules rules, readRules());
        if (m_reports.pathOf(name) || rules.kept.erase(name) == 0) // there is a new one of that name
            return {};
        return write(rules);
    };
    if (const auto dropped = dropName(); !dropped)
        spdlog::warn("{} is deleted, but stays in the list of kept reports: {}", name, dropped.error().text());
}

std::string ReportRetention::whyToDelete(const proto::ReportInfo& report, const proto::ReportShelf& shelf) const
{
    const std::int64_t age = m_options.utcNow() - report.createdUtcNs;
    if (report.isKept || age < 0) // where the clock was set back it stays
        return {};
    if (shelf.policy.maxAgeNs > 0 && age > shelf.policy.maxAgeNs)
        return "it is " + std::to_string(age / 3'600'000'000'000) + " h old";
    if (shelf.policy.maxTotalBytes > 0 && shelf.totalBytes > shelf.policy.maxTotalBytes)
        return "reports take " + mebibytes(shelf.totalBytes) + ", more than " + mebibytes(shelf.policy.maxTotalBytes);
    if (shelf.policy.minFreeDiskBytes > 0 && shelf.diskFreeBytes && *shelf.diskFreeBytes < shelf.policy.minFreeDiskBytes)
        return mebibytes(*shelf.diskFreeBytes) + " of the disk are free, fewer than " + mebibytes(shelf.policy.minFreeDiskBytes);
    return {};
}

void ReportRetention::see(const std::vector<proto::ReportInfo>& reports, SteadyTime now)
{
    std::map<std::string, SteadyTime> spared;
    for (const proto::ReportInfo& report : reports) {
        const auto known = m_spared.find(report.name);
        spared.emplace(report.name, known == m_spared.end() ? now : known->second);
    }
    m_spared = std::move(spared);
}

bool ReportRetention::staysForNow(const proto::ReportInfo& report, SteadyTime now)
{
    const auto spared = m_spared.find(report.name);
    return spared == m_spared.end() || now - spared->second < kYoung || m_options.utcNow() - report.createdUtcNs < kYoungNs;
}

void ReportRetention::applyNow()
{
    const SteadyTime now = m_options.steadyNow();
    if (const auto known = readRules(); known && known->policy == proto::ReportPolicy{})
        return see(m_reports.list(), now);
    const auto alone = lockRules();
    const auto rules = alone ? readRules() : Result<Rules>(alone.error()); // another daemon may have changed them
    if (!rules) {
        spdlog::error("no report is deleted: {}", rules.error().text());
        return see(m_reports.list(), now);
    }
    applyRules(*rules, now);
}

void ReportRetention::applyRules(const Rules& rules, SteadyTime now)
{
    proto::ReportShelf shelf = readShelf(rules);
    see(shelf.reports, now);
    // Where the room is not known, nothing is deleted for it.
    if (shelf.policy.minFreeDiskBytes > 0)
        if (const auto room = diskRoom())
            shelf.diskFreeBytes = room->freeBytes;
    bool looksAgain = false;
    // Its client fetches them when it has ended: they stay until a minute after the next look, which finds that out.
    if (m_options.isOfRunningCapture && shelf.policy != proto::ReportPolicy{})
        for (const proto::ReportInfo& report : shelf.reports)
            if (m_options.isOfRunningCapture(report.name)) {
                m_spared[report.name] = now + m_options.lookAgain;
                looksAgain = true;
            }
    for (auto report = shelf.reports.rbegin(); report != shelf.reports.rend(); ++report) { // the oldest is the last
        const std::string why = whyToDelete(*report, shelf);
        if (why.empty())
            continue;
        if (staysForNow(*report, now)) {
            looksAgain = true;
            continue;
        }
        const std::uint64_t bytes = m_reports.bytesOf(report->name);
        if (const auto removed = m_reports.removeUnlessFetched(report->name); !removed) {
            looksAgain = true;
            if (removed.error().code == ErrorCode::NotFound)
                break; // somebody deletes too: what is there now is another sum
            if (removed.error().code != ErrorCode::Busy)
                spdlog::error("the report policy cannot delete {}: {}", report->name, removed.error().text());
            continue;
        }
        spdlog::info("report {} ({}) is deleted by the report policy: {}", report->name, mebibytes(bytes), why);
        if (m_options.onDeleted)
            m_options.onDeleted(report->name, why);
        shelf.totalBytes -= std::min(shelf.totalBytes, bytes);
        if (!shelf.diskFreeBytes)
            continue;
        // Computed, for a file system may free it later, or not answer this time.
        *shelf.diskFreeBytes += std::min(bytes, std::numeric_limits<std::uint64_t>::max() - *shelf.diskFreeBytes);
        if (const auto room = diskRoom())
            shelf.diskFreeBytes = std::max(*shelf.diskFreeBytes, room->freeBytes);
    }
    if (looksAgain)
        applyAfter(m_options.lookAgain);
}

void ReportRetention::apply()
{
    const std::lock_guard lock(m_mutex);
    applyNow();
}

void ReportRetention::applySoon()
{
    applyAfter({});
}

void ReportRetention::applyAfter(std::chrono::nanoseconds pause)
{
    const std::lock_guard lock(m_wakeMutex);
    m_next = std::min(m_next, std::chrono::steady_clock::now() + pause);
    m_wake.notify_all();
}

void ReportRetention::run(const std::stop_token& stop)
{
    std::unique_lock lock(m_wakeMutex);
    while (!stop.stop_requested()) {
        const auto next = m_next;
        m_wake.wait_until(lock, stop, next, [&] { return m_next != next; });
        if (stop.stop_requested())
            return;
        const auto now = std::chrono::steady_clock::now();
        if (now < m_next)
            continue;
        m_next = now + kApplyEvery;
        lock.unlock();
        try {
            apply();
        } catch (const std::exception& exception) { // no memory, or a library's
            spdlog::error("the report policy could not be applied: {}", exception.what());
        }
        lock.lock();
    }
}

Result<std::string> ReportRetention::roomForCapture()
{
    const auto room = diskRoom();
    if (!room)
        return std::string(); // what cannot be asked may well be written
    const std::string folder = m_reports.folder().string();
    if (room->isReadOnly || room->freeBytes < kLeastRoom)
        return Error{ErrorCode::CannotWrite,
                     room->isReadOnly
                         ? "the file system of the report folder " + folder + " is read-only: start gantryd with another --report-folder"
                         : "only " + mebibytes(room->freeBytes) + " are free in " + folder +
                               ", too few for a report: " + "delete some with `gantryctl report delete NAME`",
                     {}};
    const auto rules = readRules();
    if (!rules || rules->policy.minFreeDiskBytes == 0 || room->freeBytes >= rules->policy.minFreeDiskBytes)
        return std::string();
    return mebibytes(room->freeBytes) + " are free in " + folder + ", fewer than the " + mebibytes(rules->policy.minFreeDiskBytes) +
           " of the report policy: a long window may not fit";
}

} // namespace gantry::node
