#pragma once

#include "trace_model/base/result.h"

#include "inference/model_config.pb.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::inference_server {

/// A configuration that can be served, complete, and what in its text had no effect.
struct ParsedConfig
{
    inference::ModelConfig config;
    std::vector<std::string> warnings; ///< "FILE:LINE:COLUMN: …", of the parser
    std::string policyPlace = {};      ///< "FILE:LINE:COLUMN" of version_policy; line 1 where it is not there
};

enum class AutoComplete
{
    Off,
    On
};

/// Reads a config.pbtxt (protobuf text format, Triton's fields), takes what is missing from the backend where AutoComplete is on, fills
/// in Triton's defaults and checks the whole. `model` is the name of the model's folder and `file` is what errors call the text.
/// Errors: BadInput "FILE:LINE:COLUMN: FIELD: …"; those about what is missing have the place where it is missed.
[[nodiscard]] Result<ParsedConfig> parseModelConfig(std::string_view text, const std::string& model, const std::string& file,
                                                    AutoComplete complete);

/// The same for a configuration that is no text, as a client sends it with a request to load. Errors: BadInput "FIELD: …".
[[nodiscard]] Result<inference::ModelConfig> completeModelConfig(inference::ModelConfig config, const std::string& model,
                                                                 AutoComplete complete);

/// Versions of those that there are which the policy wants, in order of their numbers.
[[nodiscard]] std::vector<std::int64_t> wantedVersions(const inference::ModelVersionPolicy& policy, std::vector<std::int64_t> available);

} // namespace gantry::inference_server
