#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace gantry::node {

/// The folder of finished reports (*.gantry), which other daemons may use too. Any thread.
class ReportStore
{
public:
    using SteadyNow = std::function<std::chrono::steady_clock::time_point()>;
    using OnRemoved = std::function<void(const std::string& name)>;

    explicit ReportStore(std::filesystem::path folder, SteadyNow steadyNow = &std::chrono::steady_clock::now)
        : m_folder(std::move(folder)), m_steadyNow(std::move(steadyNow))
    {
    }
    /// Called after remove(), on its thread. No remove() may run when what it calls ends; empty: nothing is called.
    void setOnRemoved(OnRemoved onRemoved);

    [[nodiscard]] const std::filesystem::path& folder() const { return m_folder; }
    [[nodiscard]] std::vector<proto::ReportInfo> list();
    /// As in the list. Errors: NotFound; BadInput for a name that is a path.
    [[nodiscard]] Result<proto::ReportInfo> listed(const std::string& name);
    /// With its SHA-256, computed once for a size and time of change. Errors: NotFound; BadInput for a name that is a path.
    [[nodiscard]] Result<proto::ReportInfo> info(const std::string& name);
    [[nodiscard]] Result<std::filesystem::path> pathOf(const std::string& name) const;
    [[nodiscard]] Result<void> remove(const std::string& name);
    /// The same, unless it is being fetched, or its fetch was cut less than a minute ago and may go on, of any daemon. Error: Busy.
    [[nodiscard]] Result<void> removeUnlessFetched(const std::string& name);
    /// Bytes on the disk of a report, with what an engine wrote beside it.
    [[nodiscard]] std::uint64_t bytesOf(const std::string& name) const;

    /// A report that is being fetched for as long as this lives. Outlived by the store. Other daemons see it by a lock on the file.
    class Fetch
    {
    public:
        Fetch(ReportStore& store, std::string name);
        Fetch(const Fetch&) = delete;
        Fetch& operator=(const Fetch&) = delete;
        ~Fetch();
        void setComplete() { m_isComplete = true; } ///< all of it was sent: nobody comes for the rest

    private:
        ReportStore& m_store;
        std::string m_name;
        bool m_isComplete = false;
    };

private:
    struct Fetched
    {
        int running = 0;
        std::chrono::steady_clock::time_point mayGoOnUntil;
        UniqueFd sharedLock; ///< on the report, for as long as it is not deleted; none where the file system has no locks
    };
    [[nodiscard]] Result<void> removeFiles(const std::string& name); ///< m_mutex, as the next
    void forgetEndedFetches();
    struct Known
    {
        std::uint64_t size = 0;
        std::filesystem::file_time_type changed;
        proto::ReportInfo info;
    };
    [[nodiscard]] proto::ReportInfo describe(const std::filesystem::path& path);

    std::filesystem::path m_folder;
    SteadyNow m_steadyNow;
    std::mutex m_mutex;
    OnRemoved m_onRemoved; ///< m_mutex
    std::map<std::string, Known> m_known;
    std::map<std::string, Fetched> m_fetched; ///< m_mutex
};

} // namespace gantry::node
