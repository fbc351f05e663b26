#include "remote_server/node/report_retention.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/small_file.h"
#include "trace_model/base/new_file.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace gantry::node {
namespace {

constexpr std::int64_t kYoungNs = 60'000'000'000;
constexpr std::chrono::hours kApplyEvery{1};
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
    load();
    m_isAsked = true; // what became too old while no daemon ran
    m_thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

ReportRetention::~ReportRetention() = default;

void ReportRetention::load()
{
    const auto path = m_reports.folder() / kFileName;
    const auto text = readSmallFile(path, kMostFileBytes);
    if (!text) {
        if (text.error().code != ErrorCode::NotFound)
            spdlog::error("{}: no report is deleted before the policy is set again", text.error().message);
        return;
    }
    const auto document = nlohmann::json::parse(*text, nullptr, false);
    try {
        m_policy.maxTotalBytes = document.at("max_total_bytes").get<std::uint64_t>();
        m_policy.maxAgeNs = document.at("max_age_ns").get<std::int64_t>();
        m_policy.minFreeDiskBytes = document.at("min_free_disk_bytes").get<std::uint64_t>();
        m_kept = document.at("kept").get<std::set<std::string>>();
    } catch (const nlohmann::json::exception&) {
        m_policy = {};
        spdlog::error("{} is damaged: no report is deleted before the policy is set again", path.string());
    }
}

Result<void> ReportRetention::save(const proto::ReportPolicy& policy, const std::set<std::string>& kept)
{
    const nlohmann::json document{{"max_total_bytes", policy.maxTotalBytes},
                                  {"max_age_ns", policy.maxAgeNs},
                                  {"min_free_disk_bytes", policy.minFreeDiskBytes},
                                  {"kept", kept}};
    GANTRY_TRY(NewFile file, NewFile::create(m_reports.folder() / kFileName, FileAccess::OwnerOnly));
    GANTRY_CHECK(file.write(document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
    GANTRY_CHECK(file.publish());
    m_policy = policy;
    m_kept = kept;
    return {};
}

proto::ReportShelf ReportRetention::readShelf()
{
    proto::ReportShelf shelf;
    shelf.reports = m_reports.list();
    shelf.policy = m_policy;
    for (proto::ReportInfo& report : shelf.reports) {
        report.isKept = m_kept.contains(report.name);
        shelf.totalBytes += m_reports.bytesOf(report.name);
    }
    if (const auto room = m_options.diskRoom(m_reports.folder()))
        shelf.diskFreeBytes = room->freeBytes;
    return shelf;
}

proto::ReportShelf ReportRetention::shelf()
{
    const std::lock_guard lock(m_mutex);
    return readShelf();
}

Result<void> ReportRetention::setPolicy(const proto::ReportPolicy& policy)
{
    if (policy.maxAgeNs < 0)
        return Error{ErrorCode::BadInput, "the age of reports cannot be negative: leave it out to keep them however old they are", {}};
    const std::lock_guard lock(m_mutex);
    GANTRY_CHECK(save(policy, m_kept));
    spdlog::info("report policy: at most {} in all, at most {} h old, {} of the disk stay free (0: no bound)",
                 mebibytes(policy.maxTotalBytes), policy.maxAgeNs / 3'600'000'000'000, mebibytes(policy.minFreeDiskBytes));
    applyNow();
    return {};
}

Result<proto::ReportInfo> ReportRetention::keep(const std::string& name, bool isKept)
{
    GANTRY_TRY([[maybe_unused]] const auto path, m_reports.pathOf(name));
    const std::lock_guard lock(m_mutex);
    const auto reports = m_reports.list();
    const auto isThere = [&](const std::string& kept) {
        return std::any_of(reports.begin(), reports.end(), [&](const proto::ReportInfo& report) { return report.name == kept; });
    };
    std::set<std::string> kept = m_kept;
    std::erase_if(kept, [&](const std::string& old) { return !isThere(old); });
    if (isKept)
        kept.insert(name);
    else
        kept.erase(name);
    GANTRY_CHECK(save(m_policy, kept));
    for (proto::ReportInfo report : reports)
        if (report.name == name) {
            report.isKept = isKept;
            return report;
        }
    return Error{ErrorCode::NotFound, "the report " + name + " was deleted just now", {}};
}

std::string ReportRetention::whyToDelete(const proto::ReportInfo& report, const proto::ReportShelf& shelf) const
{
    const std::int64_t age = m_options.utcNow() - report.createdUtcNs; // negative where the clock was set back: it stays
    if (report.isKept || age < kYoungNs)
        return {};
    if (shelf.policy.maxAgeNs > 0 && age > shelf.policy.maxAgeNs)
        return "it is " + std::to_string(age / 3'600'000'000'000) + " h old";
    if (shelf.policy.maxTotalBytes > 0 && shelf.totalBytes > shelf.policy.maxTotalBytes)
        return "reports take " + mebibytes(shelf.totalBytes) + ", more than " + mebibytes(shelf.policy.maxTotalBytes);
    if (shelf.policy.minFreeDiskBytes > 0 && shelf.diskFreeBytes < shelf.policy.minFreeDiskBytes)
        return mebibytes(shelf.diskFreeBytes) + " of the disk are free, fewer than " + mebibytes(shelf.policy.minFreeDiskBytes);
    return {};
}

void ReportRetention::applyNow()
{
    if (m_policy == proto::ReportPolicy{})
        return;
    proto::ReportShelf shelf = readShelf();
    // Where the room is not known, nothing is deleted for it.
    if (const auto room = m_options.diskRoom(m_reports.folder()); !room)
        shelf.policy.minFreeDiskBytes = 0;
    for (auto report = shelf.reports.rbegin(); report != shelf.reports.rend(); ++report) { // the oldest is the last
        const std::string why = whyToDelete(*report, shelf);
        if (why.empty())
            continue;
        const std::uint64_t bytes = m_reports.bytesOf(report->name);
        if (const auto removed = m_reports.removeUnlessFetched(report->name); !removed) {
            if (removed.error().code != ErrorCode::Busy)
                spdlog::error("the report policy cannot delete {}: {}", report->name, removed.error().text());
            continue;
        }
        spdlog::info("report {} ({}) is deleted by the report policy: {}", report->name, mebibytes(bytes), why);
        if (m_options.onDeleted)
            m_options.onDeleted(report->name, why);
        shelf.totalBytes -= std::min(shelf.totalBytes, bytes);
        if (const auto room = m_options.diskRoom(m_reports.folder()))
            shelf.diskFreeBytes = room->freeBytes;
    }
}

void ReportRetention::apply()
{
    const std::lock_guard lock(m_mutex);
    applyNow();
}

void ReportRetention::applySoon()
{
    const std::lock_guard lock(m_mutex);
    m_isAsked = true;
    m_wake.notify_all();
}

void ReportRetention::run(const std::stop_token& stop)
{
    std::unique_lock lock(m_mutex);
    while (!stop.stop_requested()) {
        m_wake.wait_for(lock, stop, kApplyEvery, [this] { return m_isAsked; });
        if (stop.stop_requested())
            return;
        m_isAsked = false;
        try {
            applyNow();
        } catch (const std::exception& exception) { // no memory, or a library's
            spdlog::error("the report policy could not be applied: {}", exception.what());
        }
    }
}

Result<std::string> ReportRetention::roomForCapture()
{
    const auto room = m_options.diskRoom(m_reports.folder());
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
    const std::lock_guard lock(m_mutex);
    if (m_policy.minFreeDiskBytes == 0 || room->freeBytes >= m_policy.minFreeDiskBytes)
        return std::string();
    return mebibytes(room->freeBytes) + " are free in " + folder + ", fewer than the " + mebibytes(m_policy.minFreeDiskBytes) +
           " of the report policy: a long window may not fit";
}

} // namespace gantry::node
