#pragma once

#include "remote_server/inference/scheduler.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gantry::inference_server {

/// All models of a repository; those that cannot be served are kept with the reason. Immutable after load(), any thread.
class InferenceServer
{
public:
    /// Errors: NotFound (no repository). A model that fails to load does not fail the others.
    [[nodiscard]] static Result<std::unique_ptr<InferenceServer>> load(const std::filesystem::path& repository, const BackendOptions& options);

    [[nodiscard]] const std::vector<ModelDescription>& models() const { return m_descriptions; }
    /// The model, if it serves; `version` empty or its own. Null: unknown or unavailable.
    [[nodiscard]] ModelServer* find(const std::string& name, const std::string& version) const;

private:
    std::unique_ptr<RequestRanges> m_ranges = std::make_unique<RequestRanges>();
    std::vector<ModelDescription> m_descriptions;
    std::map<std::string, std::unique_ptr<ModelServer>> m_servers;
};

/// The Prometheus text of all models, with Triton's metric names. Any thread.
[[nodiscard]] std::string metricsText(const InferenceServer& server);

} // namespace gantry::inference_server
