#include "remote_server/inference/server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace gantry::inference_server {

Result<std::unique_ptr<InferenceServer>> InferenceServer::load(const std::filesystem::path& repository, const BackendOptions& options)
{
    auto server = std::make_unique<InferenceServer>();
    GANTRY_TRY(server->m_descriptions, readModelRepository(repository));
    std::uint32_t category = 0;
    for (ModelDescription& model : server->m_descriptions) {
        ++category;
        if (model.problem.empty()) {
            auto started = ModelServer::start(model, category, options, *server->m_ranges);
            if (started) {
                spdlog::info("model {} version {} is ready ({})", model.name, model.version, (*started)->platform());
                server->m_servers[model.name] = std::move(*started);
                continue;
            }
            model.problem = started.error().text();
        }
        spdlog::error("model {} is unavailable: {}", model.name, model.problem);
    }
    return server;
}

ModelServer* InferenceServer::find(const std::string& name, const std::string& version) const
{
    const auto found = m_servers.find(name);
    if (found == m_servers.end() || (!version.empty() && version != found->second->description().version))
        return nullptr;
    return found->second.get();
}

namespace {

/// Triton's histogram of first responses, which it has for models of several; one that answers a request once has sent all with the first.
std::string latencyHistograms(const InferenceServer& server)
{
    constexpr char kName[] = "nv_inference_first_response_histogram_ms";
    std::string text =
        fmt::format("# HELP {} Duration from request to first response in milliseconds\n# TYPE {} histogram\n", kName, kName);
    for (const ModelDescription& model : server.models()) {
        const ModelServer* running = server.find(model.name, {});
        if (!running)
            continue;
        const ModelStatistics::Values values = running->statistics().values();
        const std::string labels = fmt::format("model=\"{}\",version=\"{}\"", model.name, model.version);
        text += fmt::format("{}_count{{{}}} {}\n{}_sum{{{}}} {}\n", kName, labels, values.success, kName, labels,
                            static_cast<double>(values.requestNs) / 1e6);
        std::uint64_t upTo = 0;
        for (std::size_t bucket = 0; bucket < values.latencies.size(); ++bucket) {
            upTo += values.latencies[bucket];
            const std::string bound =
                bucket < ModelStatistics::kLatencyBounds ? fmt::format("{:.4g}", ModelStatistics::latencyBoundMs(bucket)) : "+Inf";
            text += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", kName, labels, bound, upTo);
        }
    }
    return text;
}

} // namespace

std::string metricsText(const InferenceServer& server)
{
    using Values = ModelStatistics::Values;
    struct Metric
    {
        const char* name;
        const char* type;
        const char* help;
        std::uint64_t (*value)(const Values&);
    };
    // Names and meanings of Triton's metrics; durations are cumulative microseconds.
    static constexpr Metric kMetrics[] = {
        {"nv_inference_request_success", "counter", "Number of successful inference requests", [](const Values& v) { return v.success; }},
        {"nv_inference_request_failure", "counter", "Number of failed inference requests", [](const Values& v) { return v.failed; }},
        {"nv_inference_count", "counter", "Number of inferences performed", [](const Values& v) { return v.inferences; }},
        {"nv_inference_exec_count", "counter", "Number of model executions performed", [](const Values& v) { return v.executions; }},
        {"nv_inference_request_duration_us", "counter", "Cumulative request duration in microseconds",
         [](const Values& v) { return v.requestNs / 1000; }},
        {"nv_inference_queue_duration_us", "counter", "Cumulative queuing duration in microseconds",
         [](const Values& v) { return v.queueNs / 1000; }},
        {"nv_inference_compute_input_duration_us", "counter", "Cumulative compute input duration in microseconds",
         [](const Values& v) { return v.inputNs / 1000; }},
        {"nv_inference_compute_infer_duration_us", "counter", "Cumulative compute inference duration in microseconds",
         [](const Values& v) { return v.inferNs / 1000; }},
        {"nv_inference_compute_output_duration_us", "counter", "Cumulative compute output duration in microseconds",
         [](const Values& v) { return v.outputNs / 1000; }},
        {"nv_inference_pending_request_count", "gauge", "Requests awaiting execution", [](const Values& v) { return v.pending; }},
    };
    std::string text;
    for (const Metric& metric : kMetrics) {
        text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", metric.name, metric.help, metric.name, metric.type);
        for (const ModelDescription& model : server.models())
            if (const ModelServer* running = server.find(model.name, {}))
                text += fmt::format("{}{{model=\"{}\",version=\"{}\"}} {}\n", metric.name, model.name, model.version,
                                    metric.value(running->statistics().values()));
    }
    return text + latencyHistograms(server);
}

} // namespace gantry::inference_server
