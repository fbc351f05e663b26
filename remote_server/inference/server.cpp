#include "remote_server/inference/server.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <spdlog/spdlog.h>
#include <utility>

namespace gantry::inference_server {

namespace {

constexpr char kNotExplicit[] = "explicit model load / unload is not allowed if polling is enabled"; // Triton says so in mode none too
constexpr char kReady[] = "READY", kLoading[] = "LOADING", kUnloading[] = "UNLOADING", kUnavailable[] = "UNAVAILABLE";
constexpr char kUnloaded[] = "unloaded"; // the reason of what somebody took out of service, or replaced

/// By number: version 10 comes after version 9.
bool versionBefore(const std::string& left, const std::string& right)
{
    return left.size() != right.size() ? left.size() < right.size() : left < right;
}

} // namespace

InferenceServer::InferenceServer(std::filesystem::path repository, ServerOptions options, std::shared_ptr<ServingParts> parts)
    : m_repository(std::move(repository)),
      m_options(std::move(options)),
      m_parts(std::move(parts)),
      m_drainer([this](const std::stop_token& stop) { drainRetired(stop); })
{
}

InferenceServer::~InferenceServer()
{
    m_poller.request_stop();
    if (m_poller.joinable())
        m_poller.join();
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
    GANTRY_TRY(const auto models, readModelRepository(repository, options.autoComplete));
    auto parts = std::make_shared<ServingParts>();
    if (options.cacheBytes > 0)
        parts->cache = std::make_unique<ResponseCache>(options.cacheBytes);
    if (options.rateLimits)
        parts->rateLimiter = std::make_unique<RateLimiter>(*options.rateLimits);
    if (!options.groundTruth.empty()) {
        GANTRY_TRY(parts->groundTruth, GroundTruthLog::create(options.groundTruth));
    }
    if (!options.iterationLog.empty()) {
        GANTRY_TRY(parts->iterationLog, IterationLog::create(options.iterationLog));
    }
    if (!options.profiledIterations.empty())
        parts->iterationProfiler = std::make_unique<IterationProfiler>(options.profiledIterations, cudaProfilerSwitch());
    std::unique_ptr<InferenceServer> server(new InferenceServer(repository, options, std::move(parts)));
    GANTRY_CHECK(server->loadAtStart(models));
    if (options.control == ModelControl::Poll)
        server->m_poller = std::jthread([raw = server.get()](const std::stop_token& stop) { raw->pollUntil(stop); });
    return server;
}

Result<void> InferenceServer::loadAtStart(const std::vector<RepositoryModel>& models)
{
    const std::set<std::string> startup(m_options.startupModels.begin(), m_options.startupModels.end());
    const bool isExplicit = m_options.control == ModelControl::Explicit;
    std::set<std::string> missing = startup;
    missing.erase("*");
    const std::lock_guard loading(m_loading);
    for (const RepositoryModel& model : models) {
        const bool isNamed = missing.erase(model.name) > 0;
        if (isExplicit && !isNamed && !startup.contains("*"))
            continue;
        auto loaded = loadFrom(model); // it says so in the log and in the index
        m_fingerprints[model.name] = model.fingerprint;
        if (!loaded && isExplicit && m_options.exitOnError)
            return std::move(loaded).error();
    }
    for (const std::string& name : missing) {
        const std::string sentence =
            fmt::format("failed to load '{}': the model repository {} has no such folder", name, m_repository.string());
        if (isExplicit && m_options.exitOnError)
            return Error{ErrorCode::NotFound, sentence, {}};
        spdlog::error("{}", sentence);
        const std::lock_guard lock(m_mutex);
        m_models[name][""] = {kUnavailable, "the model repository has no such folder", nullptr};
    }
    return {};
}

bool InferenceServer::isReady() const
{
    if (!m_options.strictReadiness)
        return true;
    const std::lock_guard lock(m_mutex);
    return std::all_of(m_models.begin(), m_models.end(), [](const auto& model) {
        return std::all_of(model.second.begin(), model.second.end(), [](const auto& version) {
            const Version& entry = version.second;
            return entry.state == kReady || entry.state == kUnloading || entry.reason == kUnloaded;
        });
    });
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
    std::set<std::string> known;
    {
        const std::lock_guard lock(m_mutex);
        for (const auto& [name, versions] : m_models) {
            known.insert(name);
            for (const auto& [version, entry] : versions)
                if (!readyOnly || entry.state == kReady)
                    entries.push_back({name, version, entry.state, entry.reason});
        }
    }
    std::error_code error;
    if (!readyOnly && m_options.control == ModelControl::Explicit)
        for (const auto& entry : std::filesystem::directory_iterator(m_repository, error))
            if (std::string name = entry.path().filename().string(); entry.is_directory(error) && !known.contains(name))
                entries.push_back({std::move(name), {}, {}, {}});
    std::sort(entries.begin(), entries.end(), [](const IndexEntry& a, const IndexEntry& b) {
        return a.name != b.name ? a.name < b.name : versionBefore(a.version, b.version);
    });
    return entries;
}

void InferenceServer::stopWaiting()
{
    for (const auto& model : serving())
        model->stopWaiting();
}

std::optional<ResponseCache::Counts> InferenceServer::cacheCounts() const
{
    return m_parts->cache ? std::optional(m_parts->cache->counts()) : std::nullopt;
}

Result<void> InferenceServer::loadModel(const std::string& name, const std::optional<inference::ModelConfig>& config,
                                        const std::map<std::string, std::string>& files)
{
    if (m_options.control != ModelControl::Explicit)
        return Error{ErrorCode::Unreachable, kNotExplicit, {}};
    if (!files.empty() && !config)
        return Error{ErrorCode::BadInput, fmt::format("failed to load '{}': override of its files needs a config too", name), {}};
    const std::lock_guard loading(m_loading);
    const auto read = [&] {
        if (!files.empty())
            return modelOfFiles(name, *config, files, m_options.autoComplete);
        return config ? readModel(m_repository, name, *config, m_options.autoComplete)
                      : readModel(m_repository, name, m_options.autoComplete);
    };
    GANTRY_TRY(const auto model, read());
    return loadFrom(model);
}

Result<void> InferenceServer::loadFrom(const RepositoryModel& model)
{
    for (const std::string& warning : model.warnings)
        spdlog::warn("{}", warning);
    if (!find(model.name, {})) {
        const std::lock_guard lock(m_mutex);
        for (const ModelDescription& version : model.versions)
            m_models[model.name][version.version] = {kLoading, {}, nullptr};
    }
    auto started = startVersions(model);
    if (!started) {
        if (const auto serving = find(model.name, {}))
            spdlog::error("model {} is not loaded again, and version {} goes on as it is: {}", model.name, serving->description().version,
                          started.error().message);
        else
            spdlog::error("model {} is unavailable: {}", model.name, started.error().message);
        setUnavailable(model, started.error().message);
        return Error{ErrorCode::BadInput, started.error().text(), {}};
    }
    replaceVersions(model.name, std::move(*started));
    return {};
}

/// All versions of a model, or the error of the first that does not start.
Result<std::vector<std::shared_ptr<ModelServer>>> InferenceServer::startVersions(const RepositoryModel& model)
{
    const std::string failed = fmt::format("load failed for model '{}'", model.name);
    if (!model.problem.empty())
        return Error{ErrorCode::BadInput, model.problem, {failed}};
    std::vector<std::shared_ptr<ModelServer>> servers;
    for (const ModelDescription& version : model.versions) {
        auto server = ModelServer::start(version, categoryOf(version.name + ":" + version.version), m_options.backend, m_parts);
        if (!server)
            return Error{ErrorCode::BadInput,
                         model.configPlace.empty() ? server.error().text() : model.configPlace + ": " + server.error().text(),
                         {fmt::format("{}: version {} is at UNAVAILABLE state", failed, version.version)}};
        servers.push_back(std::move(*server));
    }
    return servers;
}

/// In one step for who asks: there is no moment without a version that serves.
void InferenceServer::replaceVersions(const std::string& name, std::vector<std::shared_ptr<ModelServer>> servers)
{
    std::vector<std::shared_ptr<ModelServer>> previous;
    {
        const std::lock_guard lock(m_mutex);
        Versions& versions = m_models[name];
        for (auto& [version, entry] : versions) {
            if (entry.server)
                previous.push_back(std::move(entry.server));
            entry = {kUnavailable, kUnloaded, nullptr};
        }
        versions.erase("");
        for (auto& server : servers) {
            spdlog::info("model {} version {} is ready ({})", name, server->description().version, server->platform());
            const std::string version = server->description().version;
            versions[version] = {kReady, {}, std::move(server)};
        }
    }
    for (auto& server : previous)
        retire({}, {}, std::move(server));
}

/// What serves goes on.
void InferenceServer::setUnavailable(const RepositoryModel& model, const std::string& reason)
{
    const std::lock_guard lock(m_mutex);
    Versions& versions = m_models[model.name];
    if (std::any_of(versions.begin(), versions.end(), [](const auto& entry) { return entry.second.server != nullptr; }))
        return;
    if (model.versions.empty())
        versions[""] = {kUnavailable, reason, nullptr};
    for (const ModelDescription& version : model.versions)
        versions[version.version] = {kUnavailable, reason, nullptr};
}

Result<void> InferenceServer::unloadModel(const std::string& name)
{
    if (m_options.control != ModelControl::Explicit)
        return Error{ErrorCode::Unreachable, kNotExplicit, {}};
    const std::lock_guard loading(m_loading);
    if (!unload(name))
        return Error{ErrorCode::NotFound, fmt::format("failed to unload '{}': it was never loaded", name), {}};
    return {};
}

/// False: it was never loaded.
bool InferenceServer::unload(const std::string& name)
{
    std::vector<Retired> taken;
    {
        const std::lock_guard lock(m_mutex);
        const auto found = m_models.find(name);
        if (found == m_models.end())
            return false;
        for (auto& [version, entry] : found->second)
            if (entry.server) {
                entry.state = kUnloading;
                taken.push_back({name, version, std::move(entry.server)});
            }
    }
    for (Retired& model : taken)
        retire(std::move(model.name), std::move(model.version), std::move(model.server));
    return true;
}

void InferenceServer::poll()
{
    const std::lock_guard loading(m_loading);
    const auto models = readModelRepository(m_repository, m_options.autoComplete);
    if (!models) {
        spdlog::warn("what is loaded stays: {}", models.error().text());
        return;
    }
    std::set<std::string> gone;
    for (const auto& [name, print] : m_fingerprints)
        gone.insert(name);
    for (const RepositoryModel& model : *models) {
        gone.erase(model.name);
        const auto known = m_fingerprints.find(model.name);
        if (known != m_fingerprints.end() && known->second == model.fingerprint)
            continue;
        m_fingerprints[model.name] = model.fingerprint;
        static_cast<void>(loadFrom(model));
    }
    for (const std::string& name : gone) {
        spdlog::info("model {} is gone from the repository", name);
        m_fingerprints.erase(name);
        static_cast<void>(unload(name));
    }
}

void InferenceServer::pollUntil(const std::stop_token& stop)
{
    std::mutex mutex;
    while (!stop.stop_requested()) {
        std::unique_lock lock(mutex);
        m_pollChanged.wait_for(lock, stop, m_options.pollInterval, [] { return false; });
        if (!stop.stop_requested())
            poll();
    }
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
            entry.reason = kUnloaded;
        }
    }
}

} // namespace gantry::inference_server
