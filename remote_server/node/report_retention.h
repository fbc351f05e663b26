#pragma once

#include "remote_server/node/readiness/readiness_inputs.h"
#include "remote_server/node/report_store.h"
#include "remote_server/proto/management_types.h"
#include "trace_model/base/result.h"

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace gantry::node {

/// How many reports stay on a node: a policy, and reports that are kept whatever it says. Both are in a file of the report folder
/// (kFileName, mode 0600) and survive the daemon. Applied when it is set, after each report and every hour: the oldest go first, and what
/// is deleted is logged with the reason. A report that is kept, that is being fetched, or that is younger than a minute stays. Any thread.
class ReportRetention
{
public:
    static constexpr const char* kFileName = ".retention.json"; ///< no name of a report begins with a dot

    struct Options
    {
        std::function<Result<DiskRoom>(const std::filesystem::path&)> diskRoom = &diskRoomOf;
        std::function<std::int64_t()> utcNow;                                           ///< empty: the node's clock
        std::function<void(const std::string& name, const std::string& why)> onDeleted; ///< beside the log; may be empty
    };

    explicit ReportRetention(ReportStore& reports) : ReportRetention(reports, Options{}) {}
    ReportRetention(ReportStore& reports, Options options);
    ~ReportRetention(); ///< ends the thread

    /// All reports, and which of them stay.
    [[nodiscard]] proto::ReportShelf shelf();
    /// Errors: CannotWrite; then the policy stays as it was.
    [[nodiscard]] Result<void> setPolicy(const proto::ReportPolicy& policy);
    /// Errors: NotFound, BadInput (no name of a report), CannotWrite.
    [[nodiscard]] Result<proto::ReportInfo> keep(const std::string& name, bool isKept);

    /// Deletes what the policy does not keep, and returns when that is done.
    void apply();
    /// The same soon, on a thread of its own.
    void applySoon();

    /// Before a capture: a sentence when there is less room than the policy keeps free, though what may go has gone; else empty. Error:
    /// CannotWrite when there is so little that no report can be written.
    [[nodiscard]] Result<std::string> roomForCapture();

private:
    [[nodiscard]] proto::ReportShelf readShelf(); ///< m_mutex, as the next four
    void load();
    [[nodiscard]] Result<void> save(const proto::ReportPolicy& policy, const std::set<std::string>& kept);
    void applyNow();
    [[nodiscard]] std::string whyToDelete(const proto::ReportInfo& report, const proto::ReportShelf& shelf) const;
    void run(const std::stop_token& stop);

    ReportStore& m_reports;
    Options m_options;
    std::mutex m_mutex; ///< everything below but the thread
    proto::ReportPolicy m_policy;
    std::set<std::string> m_kept;
    std::condition_variable_any m_wake;
    bool m_isAsked = false;
    std::jthread m_thread;
};

} // namespace gantry::node
