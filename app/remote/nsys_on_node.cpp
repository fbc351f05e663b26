#include "app/remote/nsys_on_node.h"

#include "trace_model/base/new_file.h"

#include <cstdint>
#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <utility>

namespace gantry::app {
namespace {

constexpr double kSentAt = 0.3, kExportedAt = 0.7; // of the progress

/// "12 of 45 MiB".
std::string amount(std::uint64_t bytes, std::uint64_t total)
{
    constexpr double kMebibyte = 1 << 20;
    return fmt::format("{:.1f} of {:.1f} MiB", static_cast<double>(bytes) / kMebibyte, static_cast<double>(total) / kMebibyte);
}

double ratio(std::uint64_t bytes, std::uint64_t total)
{
    return total > 0 ? static_cast<double>(bytes) / static_cast<double>(total) : 1;
}

std::string hostOf(const NodeClient& node)
{
    return node.hello().hostName.empty() ? node.address() : node.hello().hostName;
}

Result<std::string> exportOn(NodeClient& node, const std::filesystem::path& report, const std::filesystem::path& target,
                             const importing::ReadControl& control)
{
    const std::string host = hostOf(node);
    const auto tell = [&](double fraction, const std::string& stage) {
        if (control.progress)
            control.progress(fraction, stage);
    };
    std::error_code error;
    const std::uint64_t bytes = std::filesystem::file_size(report, error);
    if (error)
        return errnoError(error.value(), "cannot read " + report.string());
    GANTRY_TRY(NewFile file, NewFile::create(target));
    NodeClient::ExportWatch watch;
    watch.onSent = [&](std::uint64_t sent) {
        tell(kSentAt * ratio(sent, bytes), fmt::format("sending {} to {}", amount(sent, bytes), host));
    };
    watch.onProgress = [&](double done) { tell(kSentAt + (kExportedAt - kSentAt) * done, fmt::format("nsys export on {}", host)); };
    watch.onChunk = [&](const NodeClient::Chunk& chunk) -> Result<void> {
        GANTRY_CHECK(file.write(chunk.data));
        const std::uint64_t fetched = chunk.offset + chunk.data.size();
        tell(kExportedAt + (1 - kExportedAt) * ratio(fetched, chunk.totalBytes),
             fmt::format("fetching {} from {}", amount(fetched, chunk.totalBytes), host));
        return {};
    };
    tell(0, fmt::format("sending to {}", host));
    GANTRY_CHECK(node.exportNsysReport(report, bytes, watch, control.stop));
    GANTRY_CHECK(file.publish(Durability::Volatile)); // opened, then removed
    return "nsys on " + host;
}

} // namespace

importing::NsysExporter nsysOn(std::shared_ptr<NodeClient> node)
{
    return [node = std::move(node)](const std::filesystem::path& report, const importing::NsysReportInfo&,
                                    const std::filesystem::path& target, const importing::ReadControl& control) {
        return exportOn(*node, report, target, control).context("exporting on " + hostOf(*node));
    };
}

} // namespace gantry::app
