#include "app/cli/open_report.h"

#include "app/cli/duration.h"
#include "app/remote/nsys_on_node.h"
#include "trace_model/trace/trace_cache.h"
#include "trace_model/trace/trace_loader.h"

#include <fmt/format.h>
#include <optional>
#include <stop_token>

namespace gantry::cli {
void addReportFiles(CLI::App& command, ReportFiles& files)
{
    command.add_option("FILE", files.paths, "a report of any format that Gantry opens; several are read as one on one clock")->required();
    command
        .add_option("--offset", files.offsets, "added to the times of the second file, again for each file after it: 1.5ms, -20us, auto")
        ->allow_extra_args(false);
}

Result<std::vector<trace::LoadFile>> loadFilesOf(const ReportFiles& files)
{
    if (files.offsets.size() >= files.paths.size())
        return Error{ErrorCode::BadInput,
                     fmt::format("--offset shifts the second file and those after it: {} given for {} {}", files.offsets.size(),
                                 files.paths.size(), files.paths.size() == 1 ? "file" : "files"),
                     {}};
    std::vector<trace::LoadFile> sources;
    for (std::size_t i = 0; i < files.paths.size(); ++i) {
        sources.push_back({files.paths[i], {}});
        if (i > 0 && i <= files.offsets.size()) {
            GANTRY_TRY(sources.back().offset, parseOffset(files.offsets[i - 1]));
        }
    }
    return sources;
}

Result<std::shared_ptr<const trace::Trace>> openReport(std::span<const trace::LoadFile> files, const CommonOptions& common)
{
    std::stop_source giveUp;
    const InterruptScope interrupts(common.interrupts, [&](int) { giveUp.request_stop(); });
    ProgressLine progress(true);
    const auto folder = trace::TraceCache::userFolder();
    const auto cache = folder ? std::make_unique<trace::TraceCache>(*folder) : nullptr;
    trace::LoadOptions options;
    options.progress = [&](double fraction, std::string_view stage) { progress.show(fmt::format("{:>3.0f} % {}", fraction * 100, stage)); };
    options.stop = giveUp.get_token();
    options.cache = cache.get();
    options.checkCached = true;
    trace::Keep keep = trace::Keep::SlowToRead;
    if (!common.node.empty())
        options.nsys = [&](const auto&... parameters) -> Result<std::string> {
            GANTRY_TRY(auto node, connect(common));
            keep = trace::Keep::All; // or the next time it would have to go there again
            return app::nsysOn(std::move(node))(parameters...);
        };
    GANTRY_TRY(auto trace, trace::loadTrace(files, options));
    // Without room for it, or the right to write there, the next time takes as long as this one: nothing to tell of.
    if (cache)
        static_cast<void>(trace::keepInCache(*trace, *cache, keep));
    return trace;
}

Result<std::shared_ptr<const trace::Trace>> openReport(const std::string& file, const CommonOptions& common)
{
    const trace::LoadFile source{file, {}};
    return openReport(std::span(&source, 1), common);
}

int withReport(const ReportFiles& files, const CommonOptions& common, const std::function<int(const trace::Trace&)>& work)
{
    const auto sources = loadFilesOf(files);
    if (!sources)
        return reportUsage(sources.error().message, common);
    const auto trace = openReport(*sources, common);
    if (!trace)
        return report(trace.error(), common);
    return work(**trace);
}

} // namespace gantry::cli
