#pragma once

#include "remote_server/inference/config_check.h"
#include "remote_server/inference/config_text.h"

#include "inference/model_config.pb.h"

#include <google/protobuf/text_format.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::inference_server {

/// What is wrong with the text of a configuration, and where.
struct PlacedProblem
{
    TextPlace place;
    std::string text; ///< "FIELD: sentence"
};

/// A config.pbtxt (protobuf text format, Triton's fields) as it stands: nothing is completed. A field that Triton does not have is a
/// problem, as there. Any thread.
class ConfigReader
{
public:
    explicit ConfigReader(std::string text);

    /// Why it cannot be read; the first problem in it.
    [[nodiscard]] const std::optional<PlacedProblem>& problem() const { return m_problem; }
    /// Of a text that can be read.
    [[nodiscard]] const inference::ModelConfig& config() const { return m_config; }
    [[nodiscard]] const std::vector<PlacedProblem>& warnings() const { return m_warnings; }
    [[nodiscard]] bool says(const char* field) const;
    /// Where the text has the last step of a path, or as much of the path as it has.
    [[nodiscard]] TextPlace placeOf(const FieldPath& path) const;

private:
    [[nodiscard]] int indexOf(const google::protobuf::FieldDescriptor& field, const FieldStep& step) const;

    const std::string m_text;
    inference::ModelConfig m_config;
    google::protobuf::TextFormat::ParseInfoTree m_locations;
    std::optional<PlacedProblem> m_problem;
    std::vector<PlacedProblem> m_warnings;
};

/// The first problem of a config.pbtxt, of its text or of what it says; what a backend may add is not missed.
[[nodiscard]] std::optional<PlacedProblem> problemOfText(std::string text, ConfigRules rules);

} // namespace gantry::inference_server
