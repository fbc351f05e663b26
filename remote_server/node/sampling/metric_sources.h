#pragma once

#include "remote_server/node/sampling/sampler.h"
#include "remote_server/proto/live_types.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace gantry::node {

/// Where a node's metrics come from: the machine, its targets, and endpoints that were added by hand, which are kept in a file (mode 0600)
/// and survive the daemon. Any thread.
class MetricSources
{
public:
    static constexpr const char* kFileName = ".metric_sources.json"; ///< in the report folder; no name of a report begins with a dot
    static constexpr std::size_t kMostAdded = 32;

    /// `path` empty: none can be added. `sampler` outlives it.
    MetricSources(Sampler& sampler, std::filesystem::path path);

    [[nodiscard]] std::vector<proto::MetricSource> list() const;
    /// Of one address there is one source: it is given the new period. Errors: BadInput (no http(s) address; the period), Busy (too
    /// many, or a target has this endpoint),
    /// Unsupported (none can be added here), CannotWrite.
    [[nodiscard]] Result<proto::MetricSource> add(const std::string& url, DurationNs periodNs);
    /// Errors: NotFound (also of one that was not added), CannotWrite.
    [[nodiscard]] Result<void> remove(const std::string& id);

private:
    struct Added
    {
        std::string url;
        DurationNs periodNs = 0;
    };
    [[nodiscard]] std::map<std::string, Added> readFile();
    [[nodiscard]] Result<void> writeFile(const std::map<std::string, Added>& added) const;
    void start(const std::string& id, const Added& added);

    Sampler& m_sampler;
    std::filesystem::path m_path;
    mutable std::mutex m_mutex;           ///< everything below
    std::map<std::string, Added> m_added; ///< by id
    std::string m_fileProblem;
};

} // namespace gantry::node
