#include "app/cli/report_json.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace gantry::cli {
namespace {

template <typename T>
nlohmann::json orNull(const std::optional<T>& value)
{
    return value ? nlohmann::json(*value) : nlohmann::json();
}

nlohmann::json toJson(const analysis::Distribution& d)
{
    if (d.count == 0)
        return {};
    return {{"count", d.count}, {"p50_ns", d.p50}, {"p95_ns", d.p95}, {"p99_ns", d.p99}, {"max_ns", d.max}};
}

nlohmann::json toJson(const Losses& losses)
{
    nlohmann::json result = nlohmann::json::array();
    for (const Loss& loss : losses)
        result.push_back({{"name", loss.name}, {"severity", name(loss.severity)}, {"count", loss.count}, {"help", loss.help}});
    return result;
}

nlohmann::json toJson(const importing::ImportReport& file)
{
    nlohmann::json tables = nlohmann::json::array();
    for (const importing::TableTally& table : file.tables) {
        nlohmann::json skipped = nlohmann::json::array();
        for (const importing::SkippedRows& rows : table.skipped)
            skipped.push_back({{"reason", rows.reason}, {"count", rows.count}});
        tables.push_back({{"name", table.name}, {"rows", table.rows}, {"used", table.kept}, {"skipped", skipped}});
    }
    return {{"file", file.file},           {"format", file.format}, {"producer", file.producer.empty() ? nlohmann::json() : nlohmann::json(file.producer)},
            {"file_bytes", file.fileBytes}, {"clock", importing::clockText(file)},   {"time_range_ns", {file.time.start, file.time.end}},
            {"tables", tables}};
}

nlohmann::json importsJson(const trace::Trace& trace)
{
    nlohmann::json files = nlohmann::json::array();
    for (const importing::ImportReport& file : trace.imports)
        files.push_back(toJson(file));
    return files;
}

} // namespace

nlohmann::json infoJson(const trace::Trace& trace)
{
    std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::uint32_t>> streams;
    std::set<std::uint32_t> gpus;
    const auto collect = [&](const auto& c) {
        for (std::size_t i = 0; i < c.size(); ++i) {
            streams.insert({c.device(i), c.context(i), c.globalPid(i), c.stream(i)});
            gpus.insert(c.device(i));
        }
    };
    collect(trace.kernels);
    collect(trace.memcpys);
    collect(trace.memsets);
    return {{"format", trace.meta.format},
            {"producer", trace.meta.producer},
            {"time_range_ns", {trace.time.start, trace.time.end}},
            {"counts",
             {{"kernels", trace.kernels.size()},
              {"memcpys", trace.memcpys.size()},
              {"memsets", trace.memsets.size()},
              {"api_calls", trace.apiCalls.size()},
              {"syncs", trace.synchronizations.size()},
              {"nvtx_ranges", trace.nvtxRanges.size()},
              {"requests", trace.requests.size()},
              {"gpus", std::max(gpus.size(), trace.meta.gpus.size())},
              {"streams", streams.size()},
              {"processes", trace.processNames.size()}}},
            {"losses", toJson(trace.losses)},
            {"warnings", trace.meta.warnings},
            {"imports", importsJson(trace)},
            {"window_cost_ratio", orNull(trace.meta.windowCostRatio)},
            {"window_cost_error_ratio", orNull(trace.meta.windowCostError)},
            {"window_cost_clear", trace.meta.isWindowCostClear()},
            {"clock_error_ns", orNull(trace.meta.clockErrorNs)},
            {"target_exited", trace.meta.targetExited},
            {"complete", trace.meta.complete}};
}

nlohmann::json toJson(const ReportSummary& summary)
{
    nlohmann::json phases = nlohmann::json::object();
    for (int phase = 0; phase < records::kRequestPhaseCount; ++phase)
        phases[std::string(records::name(static_cast<records::RequestPhase>(phase)))] = toJson(summary.ofModel.phases[static_cast<std::size_t>(phase)]);
    phases[std::string(records::name(records::RequestPhase::Outside))] = toJson(summary.ofModel.outside);
    const bool hasRequests = summary.requests.requests > 0;
    return {{"requests", summary.requests.requests},
            {"requests_cut_by_window", summary.requests.cutByWindow},
            {"requests_failed", summary.requests.failed},
            {"requests_per_second", hasRequests ? nlohmann::json(summary.requests.requestsPerSecond) : nlohmann::json()},
            {"executions", summary.requests.executions},
            {"average_batch", summary.requests.executions > 0 ? nlohmann::json(summary.requests.averageBatch) : nlohmann::json()},
            {"model", summary.model.empty() ? nlohmann::json() : nlohmann::json(summary.model)},
            {"latency", toJson(summary.ofModel.latency)},
            {"phases", phases},
            {"kernels", summary.kernels},
            {"kernel_time_ns", summary.kernelTime},
            {"memcpys", summary.memcpys},
            {"memsets", summary.memsets},
            {"api_calls", summary.apiCalls},
            {"nvtx_ranges", summary.nvtxRanges},
            {"dropped", summary.dropped()},
            {"window_cost_ratio", orNull(summary.windowCostRatio)},
            {"window_cost_error_ratio", orNull(summary.windowCostError)},
            {"window_cost_clear", summary.isWindowCostClear}};
}

nlohmann::json toJson(const analysis::ActivityRow& row, bool hasBytes)
{
    const analysis::Distribution& d = row.duration;
    return {{"name", row.name},
            {"model", row.model.empty() ? nlohmann::json() : nlohmann::json(row.model)},
            {"count", d.count},
            {"total_ns", d.total},
            {"min_ns", d.min},
            {"mean_ns", d.mean()},
            {"p50_ns", d.p50},
            {"p95_ns", d.p95},
            {"p99_ns", d.p99},
            {"max_ns", d.max},
            {"share_ratio", row.share},
            {"bytes", hasBytes ? nlohmann::json(row.bytes) : nlohmann::json()}};
}

nlohmann::json toJson(const std::vector<analysis::ComparisonRow>& rows)
{
    nlohmann::json document = nlohmann::json::array();
    for (const analysis::ComparisonRow& row : rows)
        document.push_back({{"name", row.name},
                            {"unit", row.unit},
                            {"a", orNull(row.a)},
                            {"b", orNull(row.b)},
                            {"count_a", orNull(row.countA)},
                            {"count_b", orNull(row.countB)},
                            {"difference", orNull(row.difference())},
                            {"ratio", orNull(row.ratio())}});
    return document;
}

} // namespace gantry::cli
