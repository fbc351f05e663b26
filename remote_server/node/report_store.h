#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace gantry::node {

/// The folder of finished reports (*.gantry). Any thread.
class ReportStore
{
public:
    explicit ReportStore(std::filesystem::path folder) : m_folder(std::move(folder)) {}

    [[nodiscard]] const std::filesystem::path& folder() const { return m_folder; }
    [[nodiscard]] std::vector<proto::ReportInfo> list();
    /// With its SHA-256, computed once for a size and time of change. Errors: NotFound; BadInput for a name that is a path.
    [[nodiscard]] Result<proto::ReportInfo> info(const std::string& name);
    [[nodiscard]] Result<std::filesystem::path> pathOf(const std::string& name) const;
    [[nodiscard]] Result<void> remove(const std::string& name);

private:
    struct Known
    {
        std::uint64_t size = 0;
        std::filesystem::file_time_type changed;
        proto::ReportInfo info;
    };
    [[nodiscard]] proto::ReportInfo describe(const std::filesystem::path& path);

    std::filesystem::path m_folder;
    std::mutex m_mutex;
    std::map<std::string, Known> m_known;
};

} // namespace gantry::node
