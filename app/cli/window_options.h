#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::cli {

/// When the windows of a capture begin and end, as options of a command.
struct WindowOptions
{
    std::string length, after, at, every, some, size, gpuMetrics;
    std::string trace;             ///< --trace: names of parts of proto::CaptureContent; empty: the usual ones
    std::string range;             ///< --capture-range, in Nsight Systems' words
    std::string rangeEnd = "stop"; ///< --capture-range-end, likewise
    std::string iterationRange;
    std::uint64_t requests = 0, iterations = 0;
    std::uint32_t repeat = 1, rangeEvery = 1;
    bool untilExit = false, mayQueue = false, apiQueries = false, memoryAllocations = false, modules = false, contextSwitches = false;
    std::string graphTrace = "node";   ///< --cuda-graph-trace, in Nsight Systems' words
    bool drivesProfiler = false;       ///< --profiler
    bool isOpenedByIterations = false; ///< the launched program opens its window by itself

    /// `this` must outlive the parsing.
    void addTo(CLI::App& command);

    /// What was typed as what to ask the node for. Errors: BadInput, with what to write instead.
    [[nodiscard]] Result<proto::CaptureRequest> request() const;
};

/// A size as people type it: "64MiB", "1.5GB", "4096" (bytes). Errors: BadInput for anything else, and for zero.
[[nodiscard]] Result<std::uint64_t> parseSize(std::string_view text);

/// A rate as people type it: "10kHz", "100Hz". Errors: BadInput for anything else, and beyond 10 Hz to 200 kHz.
[[nodiscard]] Result<std::uint32_t> parseSampleRate(std::string_view text);

/// The next time a clock of this machine shows "14:03", "14:03:20" or "14:03:20.5", or the instant "2026-11-21T14:03:20" of its time
/// zone, ns since 1970. Errors: BadInput, also for an instant that has gone by.
[[nodiscard]] Result<std::int64_t> parseInstant(std::string_view text, std::int64_t nowUtcNs);

} // namespace gantry::cli
