#include "app/cli/report_json.h"

#include "app/cli/output.h"
#include "trace_model/analysis/window_cost_text.h"
#include "trace_model/report/meta_keys.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <set>
#include <tuple>

namespace gantry::cli {
namespace {

constexpr int kDeepest = 32; // of what a recipe's load says

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

nlohmann::json toJson(const std::vector<importing::SkippedRows>& reasons)
{
    nlohmann::json result = nlohmann::json::array();
    for (const importing::SkippedRows& rows : reasons)
        result.push_back({{"reason", rows.reason}, {"count", rows.count}});
    return result;
}

nlohmann::json toJson(const std::optional<report::CostSpan>& span)
{
    if (!span)
        return {};
    return {{"length_ns", span->length},     {"requests", span->requests},  {"requests_per_second", span->requestsPerSecond()},
            {"mean_ns", orNull(span->mean)}, {"p50_ns", orNull(span->p50)}, {"p99_ns", orNull(span->p99)}};
}

nlohmann::json toJson(const std::optional<report::CostDifference>& difference)
{
    return difference ? nlohmann::json{{"value_ns", difference->value}, {"error_ns", difference->error}} : nlohmann::json();
}

nlohmann::json toJson(const report::WindowCost& cost)
{
    return {{"sentence", analysis::costSentence(cost)},
            {"requests_per_second_ratio", orNull(cost.ratio)},
            {"requests_per_second_error_ratio", orNull(cost.error)},
            {"p50_difference", toJson(cost.p50)},
            {"p99_difference", toJson(cost.p99)},
            {"before", toJson(cost.before)},
            {"during", toJson(cost.during)},
            {"after", toJson(cost.after)},
            {"why_no_rate", cli::orNull(cost.whyNoRate)},
            {"why_no_latency", cli::orNull(cost.whyNoLatency)},
            {"why_no_after", cli::orNull(cost.whyNoAfter)},
            {"target_cpu_ns", orNull(cost.targetCpu)},
            {"daemon_cpu_ns", orNull(cost.daemonCpu)},
            {"record_bytes", orNull(cost.recordBytes)}};
}

/// `origin`: the time that counts as 0.
nlohmann::json toJson(const importing::ImportReport& file, TimestampNs origin)
{
    nlohmann::json tables = nlohmann::json::array();
    for (const importing::TableTally& table : file.tables) {
        tables.push_back({{"name", table.name},
                          {"rows", table.rows},
                          {"used", table.kept},
                          {"skipped", toJson(table.skipped)},
                          {"used_in_part", toJson(table.reduced)}});
    }
    return {{"file", file.file},
            {"format", file.format},
            {"producer", file.producer.empty() ? nlohmann::json() : nlohmann::json(file.producer)},
            {"file_bytes", file.fileBytes},
            {"clock", importing::clockText(file)},
            {"time_range_ns", {file.time.start - origin, file.time.end - origin}},
            {"tables", tables}};
}

nlohmann::json importsJson(const trace::Trace& trace)
{
    nlohmann::json files = nlohmann::json::array();
    for (const importing::ImportReport& file : trace.imports)
        files.push_back(toJson(file, trace.time.start));
    return files;
}

std::string_view alignmentName(importing::Alignment alignment)
{
    switch (alignment) {
    case importing::Alignment::First:
        return "first file";
    case importing::Alignment::ByHand:
        return "by hand";
    case importing::Alignment::WallClock:
        return "wall clock";
    case importing::Alignment::MonotonicClock:
        return "monotonic clock";
    case importing::Alignment::LocalTime:
        return "local time";
    case importing::Alignment::SharedClock:
        return "shared clock";
    case importing::Alignment::Starts:
        break;
    }
    return "not aligned";
}

/// How each file lies on the clock of the first.
nlohmann::json filesJson(const trace::Trace& trace)
{
    nlohmann::json files = nlohmann::json::array();
    for (const importing::ImportReport& file : trace.imports)
        files.push_back({{"file", file.file},
                         {"offset_ns", file.offset},
                         {"alignment", alignmentName(file.alignment)},
                         {"alignment_error_ns", orNull(file.alignmentErrorNs)}});
    return files;
}

/// "p99 latency (µs)" → "p99_latency_us", "Throughput (infer/sec)" → "throughput_infer_per_sec".
std::string keyOf(std::string_view column)
{
    std::string key;
    const auto add = [&](std::string_view part) {
        if (!key.empty() && key.back() != '_' && part.size() > 1)
            key += '_';
        key += part;
    };
    for (std::size_t i = 0; i < column.size(); ++i) {
        const char c = column[i];
        if (column.substr(i).starts_with("µ")) {
            key += 'u';
            ++i; // of two bytes
        } else if (std::isalnum(static_cast<unsigned char>(c))) {
            key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        } else if (c == '/') {
            add("per_");
        } else if (c == '%') {
            add("percent");
        } else if (!key.empty() && key.back() != '_') {
            key += '_';
        }
    }
    while (key.ends_with('_'))
        key.pop_back();
    return key.empty() ? "column" : key;
}

/// A number where it is one, null where it is absent.
nlohmann::json valueOf(const std::string& cell)
{
    if (cell.empty())
        return {};
    double number = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
    if (error != std::errc{} || end != cell.data() + cell.size() || !std::isfinite(number))
        return cell;
    return number == std::floor(number) && std::abs(number) < 9e15 ? nlohmann::json(static_cast<std::int64_t>(number))
                                                                   : nlohmann::json(number);
}

nlohmann::json summariesJson(const trace::Trace& trace)
{
    nlohmann::json tables = nlohmann::json::array();
    for (const importing::SummaryTable& table : trace.summaries) {
        std::vector<std::string> keys;
        for (const std::string& column : table.columns) {
            std::string key = keyOf(column);
            for (int number = 2; std::find(keys.begin(), keys.end(), key) != keys.end(); ++number)
                key = keyOf(column) + '_' + std::to_string(number);
            keys.push_back(std::move(key));
        }
        nlohmann::json rows = nlohmann::json::array();
        for (const auto& cells : table.rows) {
            nlohmann::json row = nlohmann::json::object();
            for (std::size_t i = 0; i < keys.size(); ++i)
                row[keys[i]] = i < cells.size() ? valueOf(cells[i]) : nlohmann::json();
            rows.push_back(std::move(row));
        }
        tables.push_back({{"name", table.name}, {"columns", table.columns}, {"rows", rows}});
    }
    return tables;
}

} // namespace

nlohmann::json recipeLoad(const trace::Trace& trace)
{
    const auto load = trace.meta.settings.find(report::meta::kRecipeLoad);
    if (load == trace.meta.settings.end())
        return {};
    // Somebody else's, perhaps: what nests without end is written by recursion.
    const auto isShallow = [](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) { return depth <= kDeepest; };
    nlohmann::json document = nlohmann::json::parse(load->second, isShallow, false);
    return document.is_discarded() ? nlohmann::json() : document;
}

nlohmann::json infoJson(const trace::Trace& trace)
{
    const auto recipe = trace.meta.settings.find(report::meta::kRecipeName);
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
    collect(trace.graphLaunches);
    return {{"format", trace.meta.format},
            {"producer", trace.meta.producer},
            {"time_range_ns", {0, trace.time.duration()}},
            {"start_utc_ns", trace.meta.sessionUtcNs == 0 ? nlohmann::json() : nlohmann::json(trace.meta.sessionUtcNs + trace.time.start)},
            {"counts",
             {{"kernels", trace.kernels.size()},
              {"memcpys", trace.memcpys.size()},
              {"memsets", trace.memsets.size()},
              {"api_calls", trace.apiCalls.size()},
              {"syncs", trace.synchronizations.size()},
              {"nvtx_ranges", trace.nvtxRanges.size()},
              {"requests", trace.requests.size()},
              {"graph_launches", trace.graphLaunches.size()},
              {"counters", counterSummaries(trace).size()},
              {"gpus", std::max(gpus.size(), trace.meta.gpus.size())},
              {"streams", streams.size()},
              {"processes", processCount(trace)}}},
            {"losses", toJson(trace.losses)},
            {"warnings", trace.meta.warnings},
            {"files", filesJson(trace)},
            {"imports", importsJson(trace)},
            {"summaries", summariesJson(trace)},
            {"window_cost_ratio", orNull(trace.meta.windowCostRatio)},
            {"window_cost_error_ratio", orNull(trace.meta.windowCostError)},
            {"window_cost_clear", trace.meta.windowCostRatio ? nlohmann::json(trace.meta.isWindowCostClear()) : nlohmann::json()},
            {"window_cost", toJson(analysis::windowCostOf(trace.meta))},
            {"recipe", recipe == trace.meta.settings.end() ? nlohmann::json()
                                                           : nlohmann::json({{"name", recipe->second}, {"load", recipeLoad(trace)}})},
            {"clock_error_ns", orNull(trace.meta.clockErrorNs)},
            {"target_exited", trace.meta.targetExited},
            {"complete", trace.meta.complete},
            {"incomplete_reasons", trace.meta.whyIncomplete}};
}

nlohmann::json toJson(const std::vector<CounterSummary>& counters)
{
    nlohmann::json document = nlohmann::json::array();
    for (const CounterSummary& counter : counters)
        document.push_back({{"name", counter.name},
                            {"unit", counter.unit.empty() ? nlohmann::json() : nlohmann::json(counter.unit)},
                            {"samples", counter.samples},
                            {"min", counter.min},
                            {"mean", counter.mean},
                            {"max", counter.max},
                            {"last", counter.last}});
    return document;
}

nlohmann::json toJson(const ReportSummary& summary)
{
    nlohmann::json phases = nlohmann::json::object();
    for (int phase = 0; phase < records::kRequestPhaseCount; ++phase)
        phases[std::string(records::name(static_cast<records::RequestPhase>(phase)))] =
            toJson(summary.ofModel.phases[static_cast<std::size_t>(phase)]);
    phases[std::string(records::name(records::RequestPhase::Outside))] = toJson(summary.ofModel.outside);
    const bool hasRequests = summary.requests.requests > 0;
    return {{"requests", summary.requests.requests},
            {"requests_cut_by_window", summary.requests.cutByWindow},
            {"requests_failed", summary.requests.failed},
            {"requests_per_second", hasRequests ? nlohmann::json(summary.requests.requestsPerSecond) : nlohmann::json()},
            {"executions", summary.requests.executions},
            {"average_batch", summary.requests.averageBatch ? nlohmann::json(*summary.requests.averageBatch) : nlohmann::json()},
            {"model", summary.model.empty() ? nlohmann::json() : nlohmann::json(summary.model)},
            {"latency", toJson(summary.ofModel.latency)},
            {"phases", phases},
            {"kernels", summary.kernels},
            {"kernel_time_ns", summary.kernelTime},
            {"memcpys", summary.memcpys},
            {"memsets", summary.memsets},
            {"api_calls", summary.apiCalls},
            {"nvtx_ranges", summary.nvtxRanges},
            {"dropped", orNull(summary.dropped())},
            {"window_cost_ratio", orNull(summary.cost.ratio)},
            {"window_cost_error_ratio", orNull(summary.cost.error)},
            {"window_cost_clear", orNull(summary.isWindowCostClear)},
            {"window_cost", toJson(summary.cost)}};
}

nlohmann::json toJson(const analysis::ActivityRow& row, bool hasBytes)
{
    const analysis::Distribution& d = row.duration;
    return {{"name", row.name},         {"model", row.model.empty() ? nlohmann::json() : nlohmann::json(row.model)},
            {"count", d.count},         {"total_ns", d.total},
            {"min_ns", d.min},          {"mean_ns", d.mean()},
            {"p50_ns", d.p50},          {"p95_ns", d.p95},
            {"p99_ns", d.p99},          {"max_ns", d.max},
            {"share_ratio", row.share}, {"bytes", hasBytes ? nlohmann::json(row.bytes) : nlohmann::json()}};
}

} // namespace gantry::cli
