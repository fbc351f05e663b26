#pragma once

#include "remote_server/node/history/metric_history.h"
#include "remote_server/node/listen_options.h"
#include "remote_server/node/sampling/metric_sources.h"
#include "remote_server/node/sampling/metrics_sink.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>

namespace gantry::node {

/// Shows what the node measures, and gantryd's own cost, to an existing Prometheus: GET /metrics with the bearer token, in the text format
/// 0.0.4. What was not measured in the last seconds is absent. Any thread; owns those of its HTTP server.
class MetricsEndpoint : public MetricsSink
{
public:
    struct Parts
    {
        MetricsSource& metrics;
        const MetricSources& sources;
        const MetricHistory& history;
    };

    /// What it is asked of outlives it. Errors: Unreachable (the port is taken), BadInput (the certificate).
    [[nodiscard]] static Result<std::unique_ptr<MetricsEndpoint>> listen(const MetricsListen& listen, Parts parts);
    ~MetricsEndpoint() override;

    [[nodiscard]] int port() const;

    void onDefinitions(std::span<const metrics::SeriesDefinition> definitions) override;
    void onSamples(std::span<const metrics::Sample> samples) override;
    void onDropped(std::uint64_t samples) override;
    void onRemoved(std::span<const std::uint32_t> seriesIds) override;

    [[nodiscard]] std::string text() const;

private:
    struct Server;
    struct Latest
    {
        metrics::SeriesDefinition definition;
        double value = 0;
        TimestampNs time = 0; ///< 0: none yet
    };
    explicit MetricsEndpoint(Parts parts);

    Parts m_parts;
    mutable std::mutex m_mutex; ///< the next two
    std::map<std::uint32_t, Latest> m_latest;
    std::uint64_t m_dropped = 0;
    std::unique_ptr<Server> m_server;
};

} // namespace gantry::node
