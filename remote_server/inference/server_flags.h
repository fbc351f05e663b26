#pragma once

#include "remote_server/inference/server.h"
#include "trace_model/base/result.h"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace gantry::inference_server {

/// What the command line says about models and how they are served; tritonserver's flags where it has them.
struct ServerFlags
{
    std::string repository, outputMemory = "pageable", control = "none", rateLimit = "off", groundTruth, iterationLog, profileIterations;
    std::vector<std::string> loadModels, cacheConfigs, resources;
    int pollSeconds = 15, exitTimeoutSeconds = 30;
    bool cpuOnly = false, noAutoComplete = false, exitOnError = true, strictReadiness = true;
};

void addServerFlags(CLI::App& app, ServerFlags& flags);

/// Errors: BadInput (a value that says nothing).
[[nodiscard]] Result<ServerOptions> serverOptions(const ServerFlags& flags);

} // namespace gantry::inference_server
