#pragma once

#include "trace_model/trace/trace.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace gantry::test {

using Lines = std::vector<std::string>;

/// The events of a kind with all that a trace knows of them, one a line, in order: those that the file holds.
[[nodiscard]] Lines eventLines(const trace::Trace& trace, trace::EventKind kind);
/// Everything else of a trace: requests, executions, tracks, metrics, names, losses, meta data, tables. Not what it was read from.
[[nodiscard]] Lines otherLines(const trace::Trace& trace);

/// Fails with the first lines that differ: reports have thousands.
[[nodiscard]] testing::AssertionResult isSame(const Lines& actual, const Lines& expected);

/// A trace with something of every kind, made through the sink that readers use.
[[nodiscard]] std::shared_ptr<const trace::Trace> traceWithEverything();

/// The traces of all event scripts of tests/golden, by their names.
[[nodiscard]] std::vector<std::pair<std::string, std::shared_ptr<const trace::Trace>>> goldenTraces();
/// Real exports of Nsight Systems, and real traces of Kineto; empty where they are not.
[[nodiscard]] std::vector<std::string> nsysExports();
[[nodiscard]] std::vector<std::string> realTraces(); ///< the exports, and PyTorch's traces

} // namespace gantry::test
