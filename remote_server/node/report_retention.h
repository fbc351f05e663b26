#pragma once

#include "remote_server/node/patient_disk_room.h"
#include "remote_server/node/readiness/readiness_inputs.h"
#include "remote_server/node/report_store.h"
#include "remote_server/proto/management_types.h"
#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace gantry::node {

/// How many reports stay on a node: a policy, and reports that are kept whatever it says. Both are in a file of the report folder
/// (kFileName, mode 0600), survive the daemon and are shared by all daemons of that folder: the file is read anew for each decision, and
/// one daemon decides at a time (kLockName). While it cannot be read nothing is deleted. Applied when it is set, after each report and
/// every hour: the oldest go first, and what is deleted is logged with the reason. A report stays that is kept, that is being fetched,
/// whose capture runs or ended less than a minute ago, or that is younger than a minute by the wall clock or by what this daemon has seen.
/// Any thread.
class ReportRetention
{
public:
    static constexpr const char* kFileName = ".retention.json"; ///< no name of a report begins with a dot
    static constexpr const char* kLockName = ".retention.lock";

    struct Options
    {
        std::function<Result<DiskRoom>(const std::filesystem::path&)> diskRoom = PatientDiskRoom();
        std::function<std::int64_t()> utcNow; ///< empty: the node's clock
        std::function<std::chrono::steady_clock::time_point()> steadyNow = &std::chrono::steady_clock::now;
        std::function<void(const std::string& name, const std::string& why)> onDeleted; ///< beside the log; may be empty
        /// Whether a report is of a capture that has not ended. Any thread; must not call the retention. Empty: none is.
        std::function<bool(const std::string& name)> isOfRunningCapture;
        std::chrono::milliseconds lockPatience{5'000}; ///< for another daemon that decides
        std::chrono::milliseconds lookAgain{60'000};   ///< after something stayed only for now
    };

    explicit ReportRetention(ReportStore& reports) : ReportRetention(reports, Options{}) {}
    ReportRetention(ReportStore& reports, Options options);
    ReportRetention(const ReportRetention&) = delete;
    ReportRetention& operator=(const ReportRetention&) = delete;
    ~ReportRetention(); ///< ends the thread

    /// All reports, and which of them are kept; without a policy where it cannot be read.
    [[nodiscard]] proto::ReportShelf shelf();
    /// Errors: CannotWrite, BadInput (also when the file is damaged), Busy; then the policy stays as it was.
    [[nodiscard]] Result<void> setPolicy(const proto::ReportPolicy& policy);
    /// Errors: NotFound, BadInput (no name of a report, or the file is damaged), CannotWrite, Busy.
    [[nodiscard]] Result<proto::ReportInfo> keep(const std::string& name, bool isKept);

    /// Deletes what the policy does not keep, and returns when that is done.
    void apply();
    /// The same soon, on a thread of its own.
    void applySoon();

    /// Before a capture: a sentence when there is less room than the policy keeps free, though what may go has gone; else empty. Error:
    /// CannotWrite when there is so little that no report can be written.
    [[nodiscard]] Result<std::string> roomForCapture();
    /// Of the report folder's file system.
    [[nodiscard]] Result<DiskRoom> diskRoom() const { return m_options.diskRoom(m_reports.folder()); }

private:
    using SteadyTime = std::chrono::steady_clock::time_point;
    /// What is in the file.
    struct Rules
    {
        proto::ReportPolicy policy;
        std::set<std::string> kept;
    };

    /// Needs no lock: the file is replaced as a whole. Nothing was set: no bound. Error: BadInput.
    [[nodiscard]] Result<Rules> readRules() const;
    [[nodiscard]] Result<void> write(const Rules& rules) const; ///< under lockRules(), as readRules() before it
    [[nodiscard]] Result<UniqueFd> lockRules() const;           ///< against other daemons. Errors: Busy, CannotWrite, Internal
    [[nodiscard]] proto::ReportShelf readShelf(const Rules& rules);
    void applyNow(); ///< m_mutex, as the next three
    void applyRules(const Rules& rules, SteadyTime now);
    void see(const std::vector<proto::ReportInfo>& reports, SteadyTime now);
    [[nodiscard]] bool staysForNow(const proto::ReportInfo& report, SteadyTime now);
    [[nodiscard]] std::string whyToDelete(const proto::ReportInfo& report, const proto::ReportShelf& shelf) const;
    void forget(const std::string& name); ///< it was deleted, as somebody asked
    void applyAfter(std::chrono::nanoseconds pause);
    void run(const std::stop_token& stop);

    ReportStore& m_reports;
    Options m_options;
    std::mutex m_mutex;                         ///< of decisions; before m_wakeMutex
    std::map<std::string, SteadyTime> m_spared; ///< m_mutex: a minute from then on
    std::mutex m_wakeMutex;                     ///< apart, for an engine that has written a report waits for no decision
    std::condition_variable_any m_wake;
    SteadyTime m_next = std::chrono::steady_clock::now(); ///< m_wakeMutex. At first: what became too old while no daemon ran
    std::jthread m_thread;
};

} // namespace gantry::node
