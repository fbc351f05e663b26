#pragma once

#include "remote_server/inference/front_ends.h"
#include "remote_server/inference/log_settings.h"
#include "remote_server/inference/metrics_text.h"
#include "remote_server/inference/trace_settings.h"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace gantry::inference_server {

/// What the flags about ports, traces and the log say; tritonserver's, where it has one.
struct FrontFlags
{
    std::string address = "127.0.0.1";
    FrontOptions options{
        .grpc = {.address = {}, .port = 8001}, .http = {.address = {}, .port = 8000}, .metrics = {.address = {}, .port = 8002}};
    std::vector<std::string> traceConfig;
    std::vector<std::string> metricsConfig;
    MetricsOptions metrics; ///< but for what metricsConfig says
    int metricsIntervalMs = 2000;
    std::string metricsNames = "current"; ///< or "22.07"
    LogSettings::Choice log;
};

/// Adds them; `flags` outlives the parsing.
void addFrontFlags(CLI::App& app, FrontFlags& flags);

/// The addresses that were not given are the general one.
[[nodiscard]] FrontOptions frontOptions(const FrontFlags& flags);

/// Errors: BadInput, Unsupported.
[[nodiscard]] Result<MetricsOptions> metricsOptions(const FrontFlags& flags);
[[nodiscard]] Result<TraceConfig> traceConfig(const FrontFlags& flags);

} // namespace gantry::inference_server
