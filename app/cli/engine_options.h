#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <CLI/CLI.hpp>

#include <string>

namespace gantry::cli {

/// What records the windows, as options of commands that launch a target or capture one.
struct EngineOptions
{
    std::string engine = "gantry";
    std::string trace, graphTrace;                            ///< of nsys, for a launch
    std::string sample, contextSwitches, gpuDevices, gpuRate; ///< of nsys, for a window
    bool tracesMemory = false, tracesForks = false;
    bool serverTrace = false;
    bool isDryRun = false;

    /// Adds --engine, --dry-run and those for a launch, for a window, or for both. `this` must outlive the parsing.
    void addTo(CLI::App& command, bool launches, bool captures);

    /// Errors: BadInput, with what to write instead.
    [[nodiscard]] Result<void> apply(proto::LaunchRequest& request) const;
    [[nodiscard]] Result<void> apply(proto::CaptureRequest& request) const;
};

} // namespace gantry::cli
