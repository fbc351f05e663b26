#include "app/cli/report_summary.h"

#include "app/cli/printable.h"

#include <fmt/format.h>
#include <string_view>

namespace gantry::cli {

namespace {

std::string line(std::string_view name, std::string_view value)
{
    return fmt::format("{:<18}{}\n", name, value);
}

std::string percentiles(const analysis::Distribution& distribution)
{
    return fmt::format("p50 {:>11}   p95 {:>11}   p99 {:>11}", formatDuration(distribution.p50), formatDuration(distribution.p95), formatDuration(distribution.p99));
}

std::string costText(const ReportSummary& summary)
{
    std::string result;
    if (!summary.windowCostRatio)
        result = "not measured";
    else if (!summary.isWindowCostClear)
        result = fmt::format("not clear: req/s vary by ± {:.1f} % in any window of this length", summary.windowCostError.value_or(0) * 100);
    else
        result = fmt::format("{:+.1f} % ± {:.1f} % req/s", *summary.windowCostRatio * 100, summary.windowCostError.value_or(0) * 100);
    if (summary.openCost && summary.closeCost)
        result += fmt::format(" (opened in {}, closed in {})", formatDuration(*summary.openCost), formatDuration(*summary.closeCost));
    return result;
}

std::string dropText(const ReportSummary& summary)
{
    if (summary.dropped() == 0)
        return "0";
    std::string result = std::to_string(summary.dropped());
    for (const Loss& loss : summary.losses)
        if (loss.count > 0 && loss.severity != LossSeverity::Info)
            result += fmt::format("; {} {}: {}", loss.count, printable(loss.name), printable(loss.help));
    return result;
}

} // namespace

ReportSummary summarise(const trace::Trace& trace)
{
    ReportSummary summary;
    summary.title = trace.meta.title;
    summary.producer = trace.meta.producer;
    summary.hostName = trace.meta.hostName;
    summary.duration = trace.time.duration();
    summary.requests = analysis::requestBreakdown(trace);
    summary.ofModel = summary.requests;
    if (const auto models = analysis::modelsByTime(trace); models.size() > 1) {
        summary.model = models.front();
        summary.ofModel = analysis::requestBreakdown(trace, {}, summary.model);
    }
    summary.kernels = trace.kernels.size();
    summary.memcpys = trace.memcpys.size();
    summary.memsets = trace.memsets.size();
    summary.synchronizations = trace.synchronizations.size();
    summary.apiCalls = trace.apiCalls.size();
    summary.nvtxRanges = trace.nvtxRanges.size();
    summary.gpus = trace.meta.gpus.size();
    summary.processes = trace.processNames.size();
    for (const trace::Track& track : trace.tracks)
        summary.streams += track.kind == trace::TrackKind::GpuStream ? 1 : 0;
    for (std::size_t row = 0; row < trace.kernels.size(); ++row)
        summary.kernelTime += trace.kernels.duration(row);
    summary.windowCostRatio = trace.meta.windowCostRatio;
    summary.windowCostError = trace.meta.windowCostError;
    summary.isWindowCostClear = trace.meta.isWindowCostClear();
    summary.openCost = trace.meta.openCost;
    summary.closeCost = trace.meta.closeCost;
    summary.losses = trace.losses;
    summary.targetExited = trace.meta.targetExited;
    summary.complete = trace.meta.complete;
    return summary;
}

std::string text(const ReportSummary& summary)
{
    const analysis::RequestBreakdown& requests = summary.requests;
    std::string result =
        line("report", fmt::format("{} ({}{}{}), {}", printable(summary.title), printable(summary.producer),
                                   summary.hostName.empty() ? "" : " on ", printable(summary.hostName), formatDuration(summary.duration)));
    if (requests.requests + requests.cutByWindow + requests.failed > 0)
        result += line("requests", fmt::format("{} complete ({:.1f}/s), {} cut by the window, {} failed; {} executions, {:.2f} requests each", requests.requests,
                                               requests.requestsPerSecond, requests.cutByWindow, requests.failed, requests.executions, requests.averageBatch));
    else
        result += line("requests", "none in this report");
    if (summary.ofModel.latency.count > 0)
        result += line("latency", percentiles(summary.ofModel.latency) +
                                      (summary.model.empty() ? "" : fmt::format("   of {}", printable(summary.model))));
    for (int phase = 0; phase < records::kRequestPhaseCount; ++phase)
        if (const analysis::Distribution& distribution = summary.ofModel.phases[static_cast<std::size_t>(phase)]; distribution.count > 0)
            result += line(fmt::format("  {}", records::name(static_cast<records::RequestPhase>(phase))), percentiles(distribution));
    if (summary.ofModel.outside.count > 0)
        result += line(fmt::format("  {}", records::name(records::RequestPhase::Outside)), percentiles(summary.ofModel.outside));
    if (summary.kernels + summary.memcpys + summary.memsets + summary.apiCalls > 0)
        result += line("gpu work", fmt::format("{} kernels ({} in all), {} memcpys, {} memsets on {} streams; {} API calls", summary.kernels,
                                               formatDuration(summary.kernelTime), summary.memcpys, summary.memsets, summary.streams, summary.apiCalls));
    else
        result += line("gpu work", "none in this report");
    result += line("nvtx", fmt::format("{} ranges in {} {}", summary.nvtxRanges, summary.processes, summary.processes == 1 ? "process" : "processes"));
    result += line("dropped", dropText(summary));
    result += line("window cost", costText(summary));
    if (summary.targetExited)
        result += line("note", "the target process ended inside the window; everything up to then is in the report");
    if (!summary.complete)
        result += line("note", "the report is not complete: gantryd could not use all that was captured");
    return result;
}

} // namespace gantry::cli
