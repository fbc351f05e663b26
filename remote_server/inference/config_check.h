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
    std::string key = {}; ///< of a map, instead
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

/// Whose rules a configuration is judged by.
enum class ConfigRules
{
    Triton,     ///< those that any server with Triton's configurations has
    GantryServe ///< and what gantry-serve cannot do
};

enum class ConfigExtent
{
    AsWritten, ///< a backend may still add what it knows: what is missing is no problem
    Complete   ///< with its defaults
};

/// The first problem of a configuration.
[[nodiscard]] std::optional<ConfigProblem> problemOf(const inference::ModelConfig& config, ConfigRules rules, ConfigExtent extent);

} // namespace gantry::inference_server
