#include "remote_server/load/perf_analyzer_files.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

namespace gantry::load {
namespace {

constexpr double kNsPerUs = 1000;

std::string micros(DurationNs value)
{
    return fmt::format("{:.0f}", static_cast<double>(value) / kNsPerUs);
}

std::string micros(const LoadFigures& figures, const std::optional<DurationNs>& value)
{
    return figures.ok > 0 && value ? micros(*value) : std::string();
}

/// One cell after the other; the first has no comma.
void addCell(std::string& row, const std::string& cell)
{
    if (!row.empty())
        row += ',';
    row += cell;
}

bool hasCache(const LoadResult& level)
{
    return level.server && level.server->cacheHit;
}

bool hasStream(const LoadResult& level)
{
    return level.stream.has_value();
}

/// Which columns there are beside those of every table.
struct Columns
{
    bool cache = false, stream = false;
};

/// One cell for the mean and for each percentile.
void addSpread(std::string& row, const std::optional<Spread>& spread)
{
    for (const auto member : {&Spread::mean, &Spread::p50, &Spread::p90, &Spread::p95, &Spread::p99})
        addCell(row, spread ? micros((*spread).*member) : std::string());
}

std::string rowOf(const LoadResult& level, const Columns& columns)
{
    const auto phase = [&](DurationNs ServerPhases::*member) {
        return micros(level, level.server ? std::optional((*level.server).*member) : std::nullopt);
    };
    std::string row = fmt::format("{:g}", level.level.value);
    addCell(row, fmt::format("{:.6g}", level.inferencesPerSecond));
    if (columns.stream)
        addCell(row, level.stream ? fmt::format("{:.6g}", level.stream->responsesPerSecond) : std::string());
    addCell(row, micros(level, level.lateMean + level.sendMean));
    addCell(row, micros(level, level.remainder));
    addCell(row, phase(&ServerPhases::queue));
    addCell(row, phase(&ServerPhases::computeInput));
    addCell(row, phase(&ServerPhases::computeInfer));
    addCell(row, phase(&ServerPhases::computeOutput));
    if (columns.cache) {
        addCell(row, micros(level, level.server ? level.server->cacheHit : std::nullopt));
        addCell(row, micros(level, level.server ? level.server->cacheMiss : std::nullopt));
    }
    addCell(row, micros(level, level.receiveMean));
    for (const DurationNs latency : {level.p50, level.p90, level.p95, level.p99, level.mean})
        addCell(row, micros(level, latency));
    if (columns.stream) {
        addSpread(row, level.stream ? level.stream->first : std::nullopt);
        addSpread(row, level.stream ? level.stream->between : std::nullopt);
    }
    return row + "\n";
}

} // namespace

std::string csvText(const std::vector<LoadResult>& levels)
{
    const Columns columns{std::any_of(levels.begin(), levels.end(), hasCache), std::any_of(levels.begin(), levels.end(), hasStream)};
    const bool isRate = !levels.empty() && levels.front().level.isRate;
    std::string text = isRate ? "Request Rate" : "Concurrency";
    addCell(text, "Inferences/Second");
    if (columns.stream)
        addCell(text, "Response Throughput");
    for (const char* column : {"Client Send", "Network+Server Send/Recv", "Server Queue", "Server Compute Input", "Server Compute Infer",
                               "Server Compute Output"})
        addCell(text, column);
    if (columns.cache)
        text += ",Server Cache Hit,Server Cache Miss";
    text += ",Client Recv,p50 latency,p90 latency,p95 latency,p99 latency,Avg latency";
    if (columns.stream)
        for (const char* what : {"first response", "inter response"})
            for (const char* statistic : {"Avg", "p50", "p90", "p95", "p99"})
                addCell(text, fmt::format("{} {} latency", statistic, what));
    text += '\n';
    for (const LoadResult& level : levels)
        text += rowOf(level, columns);
    return text;
}

std::string profileText(const std::vector<LoadResult>& levels, const std::vector<ModelShare>& models, const std::string& address,
                        const std::string& version)
{
    std::string text = "{\"experiments\":[";
    for (const LoadResult& level : levels) {
        text += &level == &levels.front() ? "" : ",";
        text += fmt::format("{{\"experiment\":{{\"mode\":\"{}\",\"value\":{:g}}},", level.level.isRate ? "request_rate" : "concurrency",
                            level.level.value);
        text += fmt::format("\"partial\":{},\"requests_dropped\":{},\"requests\":[", level.isPartial, level.requestsDropped);
        bool isFirst = true;
        for (const RequestTimes& request : level.requests) {
            const std::string model = request.model < models.size() ? nlohmann::json(models[request.model].name).dump() : "\"\"";
            text += fmt::format("{}{{\"timestamp\":{},\"request_inputs\":{{\"model\":{}}},\"response_timestamps\":[", isFirst ? "" : ",",
                                request.scheduledUtcNs, model);
            if (request.ok) {
                for (const std::int64_t time : request.earlierUtcNs)
                    text += fmt::format("{},", time);
                text += std::to_string(request.doneUtcNs);
            }
            text += "]}";
            isFirst = false;
        }
        text += "],\"window_boundaries\":" + nlohmann::json(level.boundariesUtcNs).dump() + "}";
    }
    text +=
        "],\"version\":" + nlohmann::json(version).dump() + ",\"service_kind\":\"triton\",\"endpoint\":" + nlohmann::json(address).dump();
    return text + "}\n";
}

} // namespace gantry::load
