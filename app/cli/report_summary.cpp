#include "app/cli/report_summary.h"

#include "app/cli/printable.h"
#include "trace_model/analysis/window_cost_text.h"
#include "trace_model/base/counted.h"
#include "trace_model/import/chrome_tracks.h"
#include "trace_model/trace/trace_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <initializer_list>
#include <set>
#include <string_view>

namespace gantry::cli {

namespace {

std::string line(std::string_view name, std::string_view value)
{
    return fmt::format("{:<18}{}\n", name, value);
}

std::string percentiles(const analysis::Distribution& distribution)
{
    return fmt::format("p50 {:>11}   p95 {:>11}   p99 {:>11}", formatDuration(distribution.p50), formatDuration(distribution.p95),
                       formatDuration(distribution.p99));
}

std::string costText(const ReportSummary& summary)
{
    std::string result = printable(analysis::costSentence(summary.cost));
    if (summary.openCost && summary.closeCost)
        result += fmt::format(" (opened in {}, closed in {})", formatDuration(*summary.openCost), formatDuration(*summary.closeCost));
    return result;
}

std::string dropText(const ReportSummary& summary)
{
    if (!summary.dropped())
        return "not recorded";
    std::string result = std::to_string(*summary.dropped());
    for (const Loss& loss : summary.losses)
        if (loss.count > 0 && loss.severity != LossSeverity::Info)
            result += fmt::format("; {} {}: {}", loss.count, printable(loss.name), printable(loss.help));
    return result;
}

std::string requestText(const analysis::RequestBreakdown& requests)
{
    if (requests.requests + requests.cutByWindow + requests.failed == 0)
        return requests.executions == 0 ? "none in this report"
                                        : counted(requests.executions, "execution") + " of model instances, which name no requests";
    std::string result = fmt::format("{} complete ({:.1f}/s), {} cut by the window, {} failed", requests.requests,
                                     requests.requestsPerSecond, requests.cutByWindow, requests.failed);
    if (requests.executions > 0)
        result += "; " + counted(requests.executions, "execution");
    if (requests.averageBatch)
        result += fmt::format(", {:.2f} requests each", *requests.averageBatch);
    return result;
}

std::string gpuText(const ReportSummary& summary)
{
    if (summary.kernels + summary.memcpys + summary.memsets + summary.graphLaunches + summary.apiCalls == 0)
        return "none in this report";
    std::string result = fmt::format("{} ({} in all), {}, {}", counted(summary.kernels, "kernel"), formatDuration(summary.kernelTime),
                                     counted(summary.memcpys, "memcpy"), counted(summary.memsets, "memset"));
    if (summary.graphLaunches > 0)
        result += fmt::format(", {}", counted(summary.graphLaunches, "graph launch"));
    return result + fmt::format(" on {}; {}", counted(summary.streams, "stream"), counted(summary.apiCalls, "API call"));
}

std::string rangeText(const ReportSummary& summary)
{
    if (summary.nvtxRanges == 0)
        return "none in this report";
    const std::string ranges = counted(summary.nvtxRanges, "range");
    return summary.rangeProcesses == 0 ? ranges : fmt::format("{} in {}", ranges, counted(summary.rangeProcesses, "process"));
}

/// The processes that are known among those of threads and of GPU work.
class Processes
{
public:
    explicit Processes(const trace::Trace& trace) : m_trace(trace) {}

    void add(std::uint64_t globalTid)
    {
        const std::uint64_t process = trace::Trace::processOf(globalTid);
        if (!trace::Trace::knownPidOf(process))
            return;
        const auto name = m_trace.processNames.find(process);
        if (name == m_trace.processNames.end() || !importing::deviceInName(name->second))
            m_processes.insert(process);
    }
    void addThreadsOf(const trace::ThreadEventColumns& columns)
    {
        for (const std::uint64_t thread : columns.threads.values())
            add(thread);
    }
    [[nodiscard]] std::size_t count() const { return m_processes.size(); }

private:
    const trace::Trace& m_trace;
    std::set<std::uint64_t> m_processes;
};

} // namespace

std::size_t processCount(const trace::Trace& trace)
{
    Processes processes(trace);
    for (const auto& [process, name] : trace.processNames)
        processes.add(process);
    for (const trace::ThreadEventColumns* columns : std::initializer_list<const trace::ThreadEventColumns*>{
             &trace.apiCalls, &trace.libraryCalls, &trace.osCalls, &trace.nvtxRanges, &trace.nvtxMarks, &trace.overheads})
        processes.addThreadsOf(*columns);
    for (const trace::GpuEventColumns* columns :
         std::initializer_list<const trace::GpuEventColumns*>{&trace.kernels, &trace.memcpys, &trace.memsets})
        for (const trace::GpuPlace& place : columns->places.values())
            processes.add(place.globalPid);
    return processes.count();
}

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
    summary.graphLaunches = trace.graphLaunches.size();
    summary.isCapture = trace.meta.format == "gantry";
    summary.hasTimes = trace.eventCount() > 0 || !trace.requests.empty();
    summary.tables = trace.summaries.size();
    summary.gpus = trace.meta.gpus.size();
    Processes processes(trace);
    processes.addThreadsOf(trace.nvtxRanges);
    summary.rangeProcesses = processes.count();
    summary.areRangesNvtx = trace::rangesName(trace) == "NVTX ranges";
    for (const trace::Track& track : trace.tracks) {
        summary.streams += track.kind == trace::TrackKind::GpuStream ? 1 : 0;
        summary.counters += track.kind == trace::TrackKind::Counter && !track.counter.isDerived ? 1 : 0;
    }
    summary.hasTimes = summary.hasTimes || summary.counters > 0;
    for (std::size_t row = 0; row < trace.kernels.size(); ++row)
        summary.kernelTime += trace.kernels.duration(row);
    summary.cost = analysis::windowCostOf(trace.meta);
    if (trace.meta.windowCostRatio)
        summary.isWindowCostClear = trace.meta.isWindowCostClear();
    summary.openCost = trace.meta.openCost;
    summary.closeCost = trace.meta.closeCost;
    summary.losses = trace.losses;
    summary.targetExited = trace.meta.targetExited;
    summary.complete = trace.meta.complete;
    summary.whyIncomplete = trace.meta.whyIncomplete;
    return summary;
}

std::string text(const ReportSummary& summary)
{
    std::string about = printable(summary.producer);
    if (!summary.hostName.empty())
        about += std::string(about.empty() ? "on " : " on ") + printable(summary.hostName);
    std::string result = line("report", printable(summary.title) + (about.empty() ? "" : " (" + about + ")") +
                                            (summary.hasTimes ? ", " + formatDuration(summary.duration) : ""));
    std::string notes;
    if (summary.targetExited)
        notes += line("note", "the target process ended inside the window; everything up to then is in the report");
    if (!summary.complete)
        notes += line("note", fmt::format("the report is not complete: {}", fmt::join(summary.whyIncomplete, "; ")));
    if (!summary.hasTimes)
        return result + line("holds", summary.tables > 0 ? counted(summary.tables, "table") + " without times" : "nothing") + notes;
    result += line("requests", requestText(summary.requests));
    if (summary.ofModel.latency.count > 0)
        result += line("latency", percentiles(summary.ofModel.latency) +
                                      (summary.model.empty() ? "" : fmt::format("   of {}", printable(summary.model))));
    for (int phase = 0; phase < records::kRequestPhaseCount; ++phase)
        if (const analysis::Distribution& distribution = summary.ofModel.phases[static_cast<std::size_t>(phase)]; distribution.count > 0)
            result += line(fmt::format("  {}", records::name(static_cast<records::RequestPhase>(phase))), percentiles(distribution));
    if (summary.ofModel.outside.count > 0)
        result += line(fmt::format("  {}", records::name(records::RequestPhase::Outside)), percentiles(summary.ofModel.outside));
    result += line("gpu work", gpuText(summary));
    result += line(summary.areRangesNvtx ? "nvtx" : "ranges", rangeText(summary));
    if (summary.counters > 0)
        result += line("counters", fmt::format("{}", summary.counters));
    result += line("dropped", dropText(summary));
    if (summary.isCapture)
        result += line("window cost", costText(summary));
    return result + notes;
}

} // namespace gantry::cli
