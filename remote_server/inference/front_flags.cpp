#include "remote_server/inference/front_flags.h"

#include <CLI/CLI.hpp>
#include <limits>

namespace gantry::inference_server {
namespace {

void addEndpoint(CLI::App& app, const std::string& name, const std::string& what, Endpoint& endpoint)
{
    app.add_option("--allow-" + name, endpoint.isAllowed, "serve " + what);
    app.add_option("--" + name + "-address", endpoint.address, "address of " + what + "; that of --address without it");
    app.add_option("--" + name + "-port", endpoint.port, "port of " + what + "; 0 takes a free one")->check(CLI::Range(0, 65535));
}

} // namespace

void addFrontFlags(CLI::App& app, FrontFlags& flags)
{
    app.add_option("--address", flags.address, "address to listen on");
    addEndpoint(app, "grpc", "the KServe v2 gRPC service", flags.options.grpc);
    addEndpoint(app, "http", "the KServe v2 HTTP endpoints", flags.options.http);
    addEndpoint(app, "metrics", "/metrics and /v2/health", flags.options.metrics);
    app.add_option("--http-thread-count", flags.options.httpConnections,
                   "HTTP connections that are served at a time, each by a thread; more wait to be accepted")
        ->check(CLI::Range(1, 4096));
    app.add_option("--http-max-input-size", flags.options.mostHttpBodyBytes, "bytes that the body of an HTTP request may have")
        ->check(CLI::PositiveNumber);
    app.add_option("--grpc-max-input-size", flags.options.mostGrpcMessageBytes,
                   "bytes that a message of a gRPC client may have; larger ones are RESOURCE_EXHAUSTED")
        ->check(CLI::Range(1, std::numeric_limits<int>::max()));
    app.add_option(
           "--trace-config", flags.traceConfig,
           "request traces in Triton's JSON: triton,file=PATH, level=OFF|TIMESTAMPS|TENSORS, rate=N, count=N, triton,log-frequency=N; "
           "may be given several times")
        ->take_all();
    app.add_option("--metrics-config", flags.metricsConfig,
                   "counter_latencies=true|false (default true), histogram_latencies (default true, and of all models: tritonserver has "
                   "it for decoupled ones when asked), summary_latencies (default false), summary_quantiles=Q:ERROR,… (default "
                   "0.5,0.9,0.95,0.99,0.999, each 2 % exact); may be given several times")
        ->take_all();
    app.add_option("--metrics-interval-ms", flags.metricsIntervalMs, "how often the machine's metrics are measured")
        ->check(CLI::Range(1, 3'600'000));
    app.add_option("--metrics-names", flags.metricsNames, "whose metric families: those of today's Triton or of Triton 22.07")
        ->check(CLI::IsMember({"current", "22.07"}));
    app.add_option("--allow-gpu-metrics", flags.metrics.machine.gpu, "metrics of the GPUs");
    app.add_option("--allow-cpu-metrics", flags.metrics.machine.cpu, "metrics of the processors and the memory");
    app.add_option("--log-info", flags.log.info, "log what happens");
    app.add_option("--log-warning", flags.log.warning, "log warnings");
    app.add_option("--log-error", flags.log.error, "log errors");
    app.add_option("--log-verbose", flags.log.verboseLevel, "from 1 on: log what is only of use to who looks for a mistake");
    app.add_option("--log-format", flags.log.format, "how lines begin")->check(CLI::IsMember({"default", "ISO8601"}));
    app.add_option("--log-file", flags.log.file, "log to this file instead of standard error");
}

FrontOptions frontOptions(const FrontFlags& flags)
{
    FrontOptions options = flags.options;
    for (Endpoint* endpoint : {&options.grpc, &options.http, &options.metrics})
        if (endpoint->address.empty())
            endpoint->address = flags.address;
    return options;
}

Result<MetricsOptions> metricsOptions(const FrontFlags& flags)
{
    MetricsOptions options = flags.metrics;
    options.machine.interval = std::chrono::milliseconds(flags.metricsIntervalMs);
    options.oldNames = flags.metricsNames == "22.07";
    for (const std::string& flag : flags.metricsConfig)
        GANTRY_CHECK(applyMetricsFlag(flag, options));
    return options;
}

Result<TraceConfig> traceConfig(const FrontFlags& flags)
{
    TraceConfig config;
    for (const std::string& flag : flags.traceConfig)
        GANTRY_CHECK(applyTraceFlag(flag, config));
    if (config.settings.isOn() && config.file.empty())
        return Error{ErrorCode::BadInput, "--trace-config level is given without a file: add --trace-config triton,file=PATH", {}};
    return config;
}

} // namespace gantry::inference_server
