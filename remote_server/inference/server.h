#pragma once

#include "remote_server/inference/model_repository.h"
#include "remote_server/inference/scheduler.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace gantry::inference_server {

/// Who decides which models are served (tritonserver's --model-control-mode).
enum class ModelControl
{
    None,     ///< all of the repository, from the start
    Poll,     ///< all of the repository, which is looked at again and again
    Explicit, ///< those that are asked for
};

struct ServerOptions
{
    BackendOptions backend = {};
    ModelControl control = ModelControl::None;
    std::vector<std::string> startupModels = {}; ///< Explicit: loaded at the start; "*" is all of them
    bool exitOnError = true;                     ///< Explicit: a startup model that does not load is an error of load()
    bool strictReadiness = true;                 ///< isReady() only while every model that was to be loaded serves
    std::chrono::seconds pollInterval{15};       ///< Poll: between two looks at the repository
    AutoComplete autoComplete = AutoComplete::On;
    std::uint64_t cacheBytes = 0;                       ///< of the response cache; 0: there is none
    std::optional<RateLimiter::Limits> rateLimits = {}; ///< nothing: executions are not limited
    std::filesystem::path groundTruth = {};             ///< where to write what happened; empty: nowhere
    std::filesystem::path iterationLog = {};            ///< where to write a line for each iteration; empty: nowhere
    IterationProfiler::Windows profiledIterations = {};
};

/// What a client may know of one version of a model.
struct IndexEntry
{
    std::string name;
    std::string version; ///< empty: the model was never loaded, or its version cannot be told
    std::string state;   ///< "READY", "LOADING", "UNLOADING", "UNAVAILABLE"; empty: never loaded
    std::string reason;  ///< of UNAVAILABLE; "unloaded" where somebody asked for it
};

/// The models of a repository, those that serve and those that cannot. Any thread.
class InferenceServer
{
public:
    /// Starts what the control mode says. Errors: NotFound (no repository, or no such startup model), CannotWrite (the ground truth), and
    /// of a startup model that does not load what keeps it from doing so. Any other model that fails to load does not fail the others.
    [[nodiscard]] static Result<std::unique_ptr<InferenceServer>> load(const std::filesystem::path& repository,
                                                                       const ServerOptions& options);
    ~InferenceServer(); ///< every request is answered first

    /// The version of the model that was asked for, or its highest that serves when `version` is empty. Null: unknown, or it does not
    /// serve. A model that is unloaded while somebody holds it answers what it took and refuses the rest.
    [[nodiscard]] std::shared_ptr<ModelServer> find(const std::string& name, const std::string& version) const;
    /// All versions that serve, by name and version.
    [[nodiscard]] std::vector<std::shared_ptr<ModelServer>> serving() const;
    /// All models of the repository and all that were ever loaded, by name and version.
    [[nodiscard]] std::vector<IndexEntry> index(bool readyOnly) const;

    /// Whether it has loaded what it was to load: strictReadiness. A model that somebody unloaded is not missed.
    [[nodiscard]] bool isReady() const;

    /// Loads a model or loads it again, and returns when it serves. With `config` that configuration is taken instead of the
    /// repository's; `files` are the contents of the model's folder by path ("1/weights.bin") and replace it, then `config` is needed.
    /// What served before goes on until the new one does, and stays when that fails. Errors: Unreachable (not in this control mode),
    /// NotFound, BadInput, and what the backend says.
    [[nodiscard]] Result<void> loadModel(const std::string& name, const std::optional<inference::ModelConfig>& config,
                                         const std::map<std::string, std::string>& files);
    /// Takes a model out of service; what it has taken is still answered, after this returns. Errors: Unreachable (not in this control
    /// mode), NotFound.
    [[nodiscard]] Result<void> unloadModel(const std::string& name);
    /// Looks at the repository once: loads what is new, loads again what has changed, unloads what is gone. In control mode Poll a thread
    /// does so all the time.
    void poll();

    /// The response cache's; nothing where there is none.
    [[nodiscard]] std::optional<ResponseCache::Counts> cacheCounts() const;

    /// From now on no request waits for others to execute with: the server is about to end.
    void stopWaiting();

    /// Told of every request that ends, before its `done`, on the thread that ends it. To be set before the first request.
    void setOnFinished(std::function<void(const InferJob&)> onFinished) { m_parts->onFinished = std::move(onFinished); }

private:
    struct Version
    {
        std::string state, reason;
        std::shared_ptr<ModelServer> server; ///< null unless it serves
    };
    using Versions = std::map<std::string, Version>; ///< by version; "" where a model cannot be read

    InferenceServer(std::filesystem::path repository, ServerOptions options, std::shared_ptr<ServingParts> parts);
    [[nodiscard]] Result<void> loadAtStart(const std::vector<RepositoryModel>& models);
    [[nodiscard]] Result<void> loadFrom(const RepositoryModel& model);
    [[nodiscard]] Result<std::vector<std::shared_ptr<ModelServer>>> startVersions(const RepositoryModel& model);
    void replaceVersions(const std::string& name, std::vector<std::shared_ptr<ModelServer>> servers);
    void setUnavailable(const RepositoryModel& model, const std::string& reason);
    [[nodiscard]] bool unload(const std::string& name);
    void pollUntil(const std::stop_token& stop);
    [[nodiscard]] std::uint32_t categoryOf(const std::string& modelAndVersion);
    void retire(std::string name, std::string version, std::shared_ptr<ModelServer> server);
    void drainRetired(const std::stop_token& stop);

    const std::filesystem::path m_repository;
    const ServerOptions m_options;
    const std::shared_ptr<ServingParts> m_parts;

    std::mutex m_loading;                                ///< one load or unload at a time; taken before m_mutex
    std::map<std::string, std::uint32_t> m_categories;   ///< under m_loading
    std::map<std::string, std::uint64_t> m_fingerprints; ///< under m_loading, of what was loaded by poll()

    mutable std::mutex m_mutex; ///< everything below
    std::map<std::string, Versions> m_models;
    struct Retired
    {
        std::string name, version;
        std::shared_ptr<ModelServer> server;
    };
    std::deque<Retired> m_retired;
    std::condition_variable_any m_retiredChanged;
    std::condition_variable_any m_pollChanged;
    std::jthread m_drainer; ///< last, with the next: they use the others
    std::jthread m_poller;
};

} // namespace gantry::inference_server
