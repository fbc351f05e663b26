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

std::string rowOf(const LoadResult& level, bool withCache)
{
    const auto phase = [&](DurationNs ServerPhases::*member) {
        return micros(level, level.server ? std::optional((*level.server).*member) : std::nullopt);
    };
    std::string row = fmt::format("{:g}", level.level.value);
    addCell(row, fmt::format("{:.6g}", level.inferencesPerSecond));
    addCell(row, micros(level, level.lateMean + level.sendMean));
    addCell(row, micros(level, level.remainder));
    addCell(row, phase(&ServerPhases::queue));
    addCell(row, phase(&ServerPhases::computeInput));
    addCell(row, phase(&ServerPhases::computeInfer));
    addCell(row, phase(&ServerPhases::computeOutput));
    if (withCache) {
        addCell(row, micros(level, level.server ? level.server->cacheHit : std::nullopt));
        addCell(row, micros(level, level.server ? level.server->cacheMiss : std::nullopt));
    }
    addCell(row, micros(level, level.receiveMean));
    for (const DurationNs latency : {level.p50, level.p90, level.p95, level.p99, level.mean})
        addCell(row, micros(level, latency));
    return row + "\n";
}

} // namespace

std::string csvText(const std::vector<LoadResult>& levels)
{
    const bool withCache = std::any_of(levels.begin(), levels.end(), hasCache);
    const bool isRate = !levels.empty() && levels.front().level.isRate;
    std::string text = isRate ? "Request Rate" : "Concurrency";
    for (const char* column : {"Inferences/Second", "Client Send", "Network+Server Send/Recv", "Server Queue", "Server Compute Input",
                               "Server Compute Infer", "Server Compute Output"})
        addCell(text, column);
    if (withCache)
        text += ",Server Cache Hit,Server Cache Miss";
    text += ",Client Recv,p50 latency,p90 latency,p95 latency,p99 latency,Avg latency\n";
    for (const LoadResult& level : levels)
        text += rowOf(level, withCache);
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
            text += request.ok ? fmt::format("{}]}}", request.doneUtcNs) : "]}";
            isFirst = false;
        }
        text += "],\"window_boundaries\":" + nlohmann::json(level.boundariesUtcNs).dump() + "}";
    }
    text +=
        "],\"version\":" + nlohmann::json(version).dump() + ",\"service_kind\":\"triton\",\"endpoint\":" + nlohmann::json(address).dump();
    return text + "}\n";
}

} // namespace gantry::load
