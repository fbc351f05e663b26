#pragma once

#include "remote_server/load/load_options.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gantry::load {

/// One input of one inference as a data file gives it.
struct InputValue
{
    std::string json;                               ///< of the array of values; empty where `raw` is given
    std::optional<std::string> raw;                 ///< as it goes over the wire
    std::optional<std::vector<std::int64_t>> shape; ///< without the batch dimension
};

/// The inputs of one inference, by name.
using InputEntry = std::map<std::string, InputValue>;

/// Reads perf_analyzer's JSON of inputs: {"data": [{"IN": [1, 2], "TEXT": {"content": ["a"], "shape": [1]}, "RAW": {"b64": "AAA="}}]}; the
/// steps of a list in the list follow each other. What a file says of expected outputs is not looked at.
/// Errors: BadInput, with the place in the file.
[[nodiscard]] Result<std::vector<InputEntry>> parseInputData(const std::string& text);

/// The same of what the options name: nothing where they name neither file nor text. Errors: NotFound, BadInput.
[[nodiscard]] Result<std::vector<InputEntry>> readInputData(const InputOptions& options);

} // namespace gantry::load
