#include "app/cli/open_report.h"

#include "app/cli/duration.h"
#include "trace_model/trace/trace_cache.h"
#include "trace_model/trace/trace_loader.h"

#include <fmt/format.h>
#include <optional>
#include <stop_token>

namespace gantry::cli {
namespace {

Result<std::optional<DurationNs>> offsetFrom(const std::string& text)
{
    if (text == "auto")
        return std::optional<DurationNs>();
    if (text == "0")
        return std::optional<DurationNs>(0);
    const bool isNegative = text.starts_with('-');
    GANTRY_TRY(const DurationNs length, parseDuration(std::string_view(text).substr(isNegative ? 1 : 0)));
    return std::optional<DurationNs>(isNegative ? -length : length);
}

} // namespace

Result<std::shared_ptr<const trace::Trace>> openReport(const ReportFiles& files, const CommonOptions& common)
{
    std::vector<trace::LoadFile> sources;
    for (std::size_t i = 0; i < files.paths.size(); ++i) {
        sources.push_back({files.paths[i], {}});
        if (i > 0 && i <= files.offsets.size()) {
            GANTRY_TRY(sources.back().offset, offsetFrom(files.offsets[i - 1]));
        }
    }
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
    GANTRY_TRY(auto trace, trace::loadTrace(sources, options));
    // Without room for it, or the right to write there, the next time takes as long as this one: nothing to tell of.
    if (cache)
        static_cast<void>(trace::keepInCache(*trace, *cache));
    return trace;
}

Result<std::shared_ptr<const trace::Trace>> openReport(const std::string& file, const CommonOptions& common)
{
    return openReport(ReportFiles{{file}, {}}, common);
}

} // namespace gantry::cli
