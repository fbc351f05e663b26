#include "app/cli/load_text.h"

#include "app/cli/printable.h"
#include "app/cli/text_table.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace gantry::cli {
namespace {

constexpr double kNsPerUs = 1000;

std::string latency(const load::LoadFigures& figures, DurationNs value)
{
    return figures.ok > 0 ? formatDuration(value) : std::string("none");
}

nlohmann::json time(const load::LoadFigures& figures, const std::optional<DurationNs>& value)
{
    return figures.ok > 0 && value ? nlohmann::json(*value) : nlohmann::json();
}

std::string levelText(const load::LoadLevel& level)
{
    return level.isRate ? fmt::format("{:g} requests/s", level.value) : fmt::format("concurrency {:g}", level.value);
}

nlohmann::json toJson(const load::ServerPhases& phases)
{
    const auto orNull = [](const std::optional<DurationNs>& value) { return value ? nlohmann::json(*value) : nlohmann::json(); };
    return {{"requests", phases.requests},
            {"executions", phases.executions},
            {"total_ns", phases.total},
            {"queue_ns", phases.queue},
            {"compute_input_ns", phases.computeInput},
            {"compute_infer_ns", phases.computeInfer},
            {"compute_output_ns", phases.computeOutput},
            {"cache_hit_ns", orNull(phases.cacheHit)},
            {"cache_miss_ns", orNull(phases.cacheMiss)}};
}

nlohmann::json toJson(const std::optional<load::Spread>& spread)
{
    if (!spread)
        return {};
    return {{"count", spread->count}, {"mean_ns", spread->mean}, {"deviation_ns", spread->deviation},
            {"p50_ns", spread->p50},  {"p90_ns", spread->p90},   {"p95_ns", spread->p95},
            {"p99_ns", spread->p99},  {"max_ns", spread->max}};
}

nlohmann::json toJson(const load::StreamFigures& stream)
{
    return {{"responses", stream.responses},
            {"responses_per_second", stream.responsesPerSecond},
            {"first_response", toJson(stream.first)},
            {"between_responses", toJson(stream.between)}};
}

nlohmann::json figuresJson(const load::LoadFigures& figures)
{
    const auto orNull = [](const std::string& text) { return text.empty() ? nlohmann::json() : nlohmann::json(text); };
    return {{"sent", figures.sent},
            {"ok", figures.ok},
            {"errors", figures.errors},
            {"late", figures.late},
            {"elapsed_s", figures.seconds},
            {"requests_per_second", figures.requestsPerSecond},
            {"inferences_per_second", figures.inferencesPerSecond},
            {"latency_mean_ns", time(figures, figures.mean)},
            {"latency_deviation_ns", time(figures, figures.deviation)},
            {"latency_p50_ns", time(figures, figures.p50)},
            {"latency_p90_ns", time(figures, figures.p90)},
            {"latency_p95_ns", time(figures, figures.p95)},
            {"latency_p99_ns", time(figures, figures.p99)},
            {"latency_max_ns", time(figures, figures.max)},
            {"client_late_ns", time(figures, figures.lateMean)},
            {"client_send_ns", time(figures, figures.sendMean)},
            {"client_receive_ns", time(figures, figures.receiveMean)},
            {"stream", figures.stream ? toJson(*figures.stream) : nlohmann::json()},
            {"server", figures.server ? toJson(*figures.server) : nlohmann::json()},
            {"why_no_server", orNull(figures.whyNoServer)},
            {"network_and_client_ns", time(figures, figures.remainder)},
            {"why_no_network_and_client", orNull(figures.whyNoRemainder)}};
}

std::string part(const char* name, DurationNs value)
{
    return fmt::format("{} {} · ", name, formatDuration(value));
}

std::string spreadText(const std::optional<load::Spread>& spread)
{
    if (!spread)
        return "none";
    return fmt::format("mean {} · p50 {} · p90 {} · p99 {} · max {}", formatDuration(spread->mean), formatDuration(spread->p50),
                       formatDuration(spread->p90), formatDuration(spread->p99), formatDuration(spread->max));
}

/// Lines of the responses of decoupled models.
std::string streamText(const load::StreamFigures& stream)
{
    return fmt::format("\n  {} responses, {:.1f} a second\n  first response (TTFT): {}\n  between responses (ITL): {}", stream.responses,
                       stream.responsesPerSecond, spreadText(stream.first), spreadText(stream.between));
}

/// Columns of decoupled models in a table, where one of the levels has them.
void addStreamCells(std::vector<std::string>& row, const std::optional<load::StreamFigures>& stream)
{
    const auto micros = [](const std::optional<load::Spread>& spread, DurationNs load::Spread::*member) {
        return spread ? fmt::format("{:.0f}", static_cast<double>((*spread).*member) / kNsPerUs) : std::string();
    };
    row.push_back(stream ? fmt::format("{:.1f}", stream->responsesPerSecond) : std::string());
    for (const auto which : {&load::StreamFigures::first, &load::StreamFigures::between})
        for (const auto member : {&load::Spread::mean, &load::Spread::p50, &load::Spread::p99})
            row.push_back(stream ? micros((*stream).*which, member) : std::string());
}

} // namespace

std::string progressText(const load::LoadProgress& progress)
{
    const std::string window = progress.window == 0 ? "warming up" : progress.window == 1 ? "" : fmt::format("window {}", progress.window);
    return fmt::format("{:6.0f} s  {}{}{}  {} ok, {:.1f} req/s, p50 {}, p99 {}", progress.seconds, levelText(progress.level),
                       window.empty() ? "" : " · ", window, progress.ok, progress.requestsPerSecond, latency(progress, progress.p50),
                       latency(progress, progress.p99)) +
           (progress.stream ? fmt::format(", {:.1f} responses/s", progress.stream->responsesPerSecond) : "");
}

std::string text(const load::LoadResult& result)
{
    std::string state = result.isPartial ? " · interrupted" : "";
    if (result.isStable)
        state += *result.isStable ? fmt::format(" · stable after {} windows", result.windows)
                                  : fmt::format(" · not stable after {} windows: longer ones may be", result.windows);
    return fmt::format("{} sent, {} ok in {:.1f} s: {:.1f} req/s · p50 {} · p90 {} · p99 {} · max {}{}", result.sent, result.ok,
                       result.seconds, result.requestsPerSecond, latency(result, result.p50), latency(result, result.p90),
                       latency(result, result.p99), latency(result, result.max), state);
}

std::string breakdownText(const load::LoadResult& result)
{
    if (result.ok == 0)
        return {};
    std::string text = fmt::format("  mean {}: {}", formatDuration(result.mean), result.level.isRate ? part("late", result.lateMean) : "");
    text += part("send", result.sendMean) + part("receive", result.receiveMean);
    if (result.server) {
        const load::ServerPhases& server = *result.server;
        text += part("queue", server.queue) + part("input", server.computeInput) + part("infer", server.computeInfer) +
                part("output", server.computeOutput);
        if (server.cacheHit)
            text += part("cache hit", *server.cacheHit) + part("miss", server.cacheMiss.value_or(0));
    }
    text += result.remainder ? "network and client " + formatDuration(*result.remainder)
                             : fmt::format("network and client cannot be told: {}", printable(result.whyNoRemainder));
    if (result.stream)
        text += streamText(*result.stream);
    if (result.late > 0)
        text += fmt::format("\n  {} of {} requests left more than a millisecond after their time", result.late, result.sent);
    for (const load::ModelFigures& model : result.models)
        text += fmt::format("\n  {}: {} ok, {:.1f} req/s · p50 {} · p99 {}", printable(model.model), model.ok, model.requestsPerSecond,
                            latency(model, model.p50), latency(model, model.p99)) +
                (model.stream && result.models.size() > 1 ? streamText(*model.stream) : "");
    return text + "\n";
}

std::string levelTable(const std::vector<load::LoadResult>& levels)
{
    std::vector<std::vector<std::string>> rows;
    const bool hasStream =
        std::any_of(levels.begin(), levels.end(), [](const load::LoadResult& level) { return level.stream.has_value(); });
    for (const load::LoadResult& level : levels) {
        const auto micros = [&](const std::optional<DurationNs>& value) {
            return level.ok > 0 && value ? fmt::format("{:.0f}", static_cast<double>(*value) / kNsPerUs) : std::string();
        };
        const auto phase = [&](DurationNs load::ServerPhases::*member) {
            return micros(level.server ? std::optional((*level.server).*member) : std::nullopt);
        };
        const std::string state = level.isPartial ? "interrupted" : level.isStable ? *level.isStable ? "stable" : "not stable" : "";
        rows.push_back({fmt::format("{:g}", level.level.value), fmt::format("{:.1f}", level.inferencesPerSecond), micros(level.p50),
                        micros(level.p90), micros(level.p95), micros(level.p99), micros(level.lateMean + level.sendMean),
                        phase(&load::ServerPhases::queue), phase(&load::ServerPhases::computeInput),
                        phase(&load::ServerPhases::computeInfer), phase(&load::ServerPhases::computeOutput), micros(level.remainder),
                        micros(level.receiveMean), std::to_string(level.sent - level.ok), state});
        if (hasStream)
            addStreamCells(rows.back(), level.stream);
    }
    const bool isRate = !levels.empty() && levels.front().level.isRate;
    std::vector<std::string> columns{isRate ? "req/s" : "in flight",
                                     "infer/s",
                                     "p50 µs",
                                     "p90 µs",
                                     "p95 µs",
                                     "p99 µs",
                                     "send µs",
                                     "queue µs",
                                     "input µs",
                                     "infer µs",
                                     "output µs",
                                     "network+client µs",
                                     "receive µs",
                                     "failed",
                                     ""};
    if (hasStream)
        columns.insert(columns.end(), {"responses/s", "first mean µs", "first p50 µs", "first p99 µs", "between mean µs", "between p50 µs",
                                       "between p99 µs"});
    return alignedTable(columns, rows);
}

nlohmann::json toJson(const load::LoadResult& result)
{
    nlohmann::json document = figuresJson(result);
    document[result.level.isRate ? "request_rate" : "concurrency"] = result.level.value;
    document["windows"] = result.windows;
    document["stable"] = result.isStable ? nlohmann::json(*result.isStable) : nlohmann::json();
    document["partial"] = result.isPartial;
    document["models"] = nlohmann::json::array();
    for (const load::ModelFigures& model : result.models) {
        document["models"].push_back(figuresJson(model));
        document["models"].back()["model"] = model.model;
    }
    return document;
}

nlohmann::json toJson(const std::vector<load::LoadResult>& levels)
{
    nlohmann::json document = levels.size() == 1 ? toJson(levels.front()) : nlohmann::json::object();
    document["partial"] = std::any_of(levels.begin(), levels.end(), [](const load::LoadResult& level) { return level.isPartial; });
    document["levels"] = nlohmann::json::array();
    for (const load::LoadResult& level : levels)
        document["levels"].push_back(toJson(level));
    return document;
}

} // namespace gantry::cli
