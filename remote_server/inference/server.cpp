#include "remote_server/inference/server.h"

#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

namespace gantry::inference_server {

namespace {

constexpr char kReady[] = "READY", kLoading[] = "LOADING", kUnloading[] = "UNLOADING", kUnavailable[] = "UNAVAILABLE";

/// By number: version 10 comes after version 9.
bool versionBefore(const std::string& left, const std::string& right)
{
    return left.size() != right.size() ? left.size() < right.size() : left < right;
}

} // namespace

InferenceServer::InferenceServer(std::filesystem::path repository, ServerOptions options)
    : m_repository(std::move(repository)),
      m_options(std::move(options)),
      m_drainer([this](const std::stop_token& stop) { drainRetired(stop); })
{
}

InferenceServer::~InferenceServer()
{
    std::map<std::string, Versions> models;
    {
        const std::lock_guard lock(m_mutex);
        models.swap(m_models);
    }
    for (auto& [name, versions] : models)
        for (auto& [version, entry] : versions)
            if (entry.server)
                entry.server->drain();
    m_drainer.request_stop();
    m_drainer.join();
}

Result<std::unique_ptr<InferenceServer>> InferenceServer::load(const std::filesystem::path& repository, const ServerOptions& options)
{
    std::unique_ptr<InferenceServer> server(new InferenceServer(repository, options));
    GANTRY_TRY(const auto models, readModelRepository(repository));
    const auto& startup = options.startupModels;
    const bool all = options.control != ModelControl::Explicit || std::find(startup.begin(), startup.end(), "*") != startup.end();
    const std::lock_guard loading(server->m_loading);
    for (const ModelDescription& model : models)
        if (all || std::find(startup.begin(), startup.end(), model.name) != startup.end())
            static_cast<void>(server->loadFrom(model)); // it says so in the log and in the index
    return server;
}

std::shared_ptr<ModelServer> InferenceServer::find(const std::string& name, const std::string& version) const
{
    const std::lock_guard lock(m_mutex);
    const auto model = m_models.find(name);
    if (model == m_models.end())
        return nullptr;
    if (!version.empty()) {
        const auto found = model->second.find(version);
        return found == model->second.end() ? nullptr : found->second.server;
    }
    const std::pair<const std::string, Version>* highest = nullptr;
    for (const auto& entry : model->second)
        if (entry.second.server && (!highest || versionBefore(highest->first, entry.first)))
            highest = &entry;
    return highest ? highest->second.server : nullptr;
}

std::vector<std::shared_ptr<ModelServer>> InferenceServer::serving() const
{
    std::vector<std::shared_ptr<ModelServer>> servers;
    const std::lock_guard lock(m_mutex);
    for (const auto& [name, versions] : m_models)
        for (const auto& [version, entry] : versions)
            if (entry.server)
                servers.push_back(entry.server);
    return servers;
}

std::vector<IndexEntry> InferenceServer::index(bool readyOnly) const
{
    std::vector<IndexEntry> entries;
    const std::lock_guard lock(m_mutex);
    for (const auto& [name, versions] : m_models)
        for (const auto& [version, entry] : versions)
            if (!readyOnly || entry.state == kReady)
                entries.push_back({name, version, entry.state, entry.reason});
    return entries;
}

Result<void> InferenceServer::loadModel(const std::string& name, const std::optional<inference::ModelConfig>& config,
                                        const std::map<std::string, std::string>& files)
{
    if (m_options.control != ModelControl::Explicit)
        return Error{ErrorCode::Unreachable, "explicit model load / unload is not allowed if polling is enabled", {}};
    const std::lock_guard loading(m_loading);
    if (config || !files.empty())
        return Error{ErrorCode::Unsupported, "a model is loaded with the configuration of its folder only", {}};
    GANTRY_TRY(const auto models, readModelRepository(m_repository));
    const auto found = std::find_if(models.begin(), models.end(), [&](const ModelDescription& model) { return model.name == name; });
    if (found == models.end())
        return Error{ErrorCode::NotFound, fmt::format("failed to load '{}', failed to poll from model repository", name), {}};
    return loadFrom(*found);
}

Result<void> InferenceServer::loadFrom(const ModelDescription& description)
{
    const auto set = [&](const char* state, std::string reason, std::shared_ptr<ModelServer> server) {
        const std::lock_guard lock(m_mutex);
        Version& entry = m_models[description.name][description.version];
        std::shared_ptr<ModelServer> previous = std::exchange(entry.server, std::move(server));
        entry.state = state;
        entry.reason = std::move(reason);
        return previous;
    };
    const bool serves = find(description.name, description.version) != nullptr;
    if (!serves)
        set(kLoading, {}, nullptr);
    const auto start = [&]() -> Result<std::shared_ptr<ModelServer>> {
        if (!description.problem.empty())
            return Error{ErrorCode::BadInput, description.problem, {}};
        return ModelServer::start(description, categoryOf(description.name + ":" + description.version), m_options.backend, m_parts);
    };
    auto started = start();
    if (!started) {
        spdlog::error("model {} is unavailable: {}", description.name, started.error().text());
        if (!serves)
            set(kUnavailable, started.error().text(), nullptr);
        return std::move(started).error();
    }
    spdlog::info("model {} version {} is ready ({})", description.name, description.version, (*started)->platform());
    if (auto previous = set(kReady, {}, std::move(*started)))
        retire({}, {}, std::move(previous));
    return {};
}

Result<void> InferenceServer::unloadModel(const std::string& name)
{
    if (m_options.control != ModelControl::Explicit)
        return Error{ErrorCode::Unreachable, "explicit model load / unload is not allowed if polling is enabled", {}};
    const std::lock_guard loading(m_loading);
    std::vector<Retired> taken;
    {
        const std::lock_guard lock(m_mutex);
        const auto found = m_models.find(name);
        if (found == m_models.end())
            return Error{ErrorCode::NotFound, fmt::format("failed to unload '{}': it is not loaded", name), {}};
        for (auto& [version, entry] : found->second)
            if (entry.server) {
                entry.state = kUnloading;
                taken.push_back({name, version, std::move(entry.server)});
            }
    }
    for (Retired& model : taken)
        retire(std::move(model.name), std::move(model.version), std::move(model.server));
    return {};
}

std::uint32_t InferenceServer::categoryOf(const std::string& modelAndVersion)
{
    return m_categories.emplace(modelAndVersion, static_cast<std::uint32_t>(m_categories.size() + 1)).first->second;
}

/// Hands a model to the thread that waits for its last answer. With a name, the index says then that it is unloaded.
void InferenceServer::retire(std::string name, std::string version, std::shared_ptr<ModelServer> server)
{
    {
        const std::lock_guard lock(m_mutex);
        m_retired.push_back({std::move(name), std::move(version), std::move(server)});
    }
    m_retiredChanged.notify_one();
}

void InferenceServer::drainRetired(const std::stop_token& stop)
{
    std::unique_lock lock(m_mutex);
    for (;;) {
        m_retiredChanged.wait(lock, stop, [this] { return !m_retired.empty(); });
        if (m_retired.empty())
            return;
        const Retired model = std::move(m_retired.front());
        m_retired.pop_front();
        lock.unlock();
        model.server->drain();
        lock.lock();
        const auto found = m_models.find(model.name);
        if (found == m_models.end())
            continue;
        Version& entry = found->second[model.version];
        if (entry.state == kUnloading) {
            entry.state = kUnavailable;
            entry.reason = "unloaded";
        }
    }
}

namespace {

/// Triton's histogram of first responses, which it has for models of several; one that answers a request once has sent all with the first.
std::string latencyHistograms(const InferenceServer& server)
{
    constexpr char kName[] = "nv_inference_first_response_histogram_ms";
    std::string text =
        fmt::format("# HELP {} Duration from request to first response in milliseconds\n# TYPE {} histogram\n", kName, kName);
    for (const auto& model : server.serving()) {
        const ModelStatistics::Values values = model->statistics().values();
        const std::string labels = fmt::format("model=\"{}\",version=\"{}\"", model->description().name, model->description().version);
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
        for (const auto& model : server.serving())
            text += fmt::format("{}{{model=\"{}\",version=\"{}\"}} {}\n", metric.name, model->description().name,
                                model->description().version, metric.value(model->statistics().values()));
    }
    return text + latencyHistograms(server);
}

} // namespace gantry::inference_server
