#pragma once

#include "inference/model_config.pb.h"

#include <optional>
#include <string>
#include <vector>

namespace gantry::inference_server {

/// A field of a message, and which one where there are several.
struct FieldStep
{
    const char* name;
    int index = 0;
};

using FieldPath = std::vector<FieldStep>;

/// What keeps a configuration from being served.
struct ConfigProblem
{
    FieldPath path; ///< empty: the whole of it
    std::string sentence;

    /// "instance_group[1].count: …"
    [[nodiscard]] std::string text() const;
};

/// The first problem of a configuration that is complete and has its defaults.
[[nodiscard]] std::optional<ConfigProblem> problemOf(const inference::ModelConfig& config);

} // namespace gantry::inference_server
