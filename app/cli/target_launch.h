#pragma once

#include "app/cli/output.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

namespace gantry::cli {

/// How to start a target, as options of a command.
struct LaunchOptions
{
    proto::LaunchRequest request;
    std::vector<std::string> environment; ///< KEY=VALUE
    bool noInject = false;

    /// Adds --name, --grpc-address, --metrics-url, --env, --directory, --python-functions, --profile, --iterations-range, --no-inject.
    /// `this` must outlive the parsing.
    void addTo(CLI::App& command);
    /// The request with environment and injection filled in.
    [[nodiscard]] proto::LaunchRequest launchRequest() const;
};

/// Asks the node until the target serves: its endpoint answers, or it has none and runs. Errors: TargetGone (it ended; or not ready in
/// time, with the next step), NotFound, Cancelled, Unreachable.
[[nodiscard]] Result<proto::Target> waitForTarget(app::NodeClient& client, const std::string& id, std::chrono::nanoseconds timeout,
                                                  const std::stop_token& stop);

[[nodiscard]] nlohmann::json toJson(const proto::Target& target);
void printTarget(const proto::Target& target);

} // namespace gantry::cli
