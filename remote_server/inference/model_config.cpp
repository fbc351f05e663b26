#include "remote_server/inference/model_config.h"

#include "remote_server/inference/backends/backend.h"
#include "remote_server/inference/config_check.h"
#include "remote_server/inference/config_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

namespace gantry::inference_server {
namespace {

using Locations = google::protobuf::TextFormat::ParseInfoTree;

// A configuration is some hundred lines; what is larger or deeper is none, and the parser's stack has an end.
constexpr std::size_t kMostBytes = 1 << 20;
constexpr int kMostNesting = 32;

std::string placed(const std::string& file, int line, int column, const std::string& text)
{
    return fmt::format("{}:{}:{}: {}", file, line + 1, column + 1, text);
}

/// Keeps the first error of the text-format parser, and its warnings.
class ParserMessages : public google::protobuf::io::ErrorCollector
{
public:
    ParserMessages(std::string_view text, const std::string& file) : m_text(text), m_file(file) {}

    void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override
    {
        if (!m_error.empty())
            return;
        const std::string field = fieldAt(m_text, line, column);
        m_error = placed(m_file, line, column, field.empty() ? message : field + ": " + message);
    }
    void AddWarning(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override
    {
        m_warnings.push_back(placed(m_file, line, column, message));
    }

    [[nodiscard]] const std::string& error() const { return m_error; }
    [[nodiscard]] std::vector<std::string>& warnings() { return m_warnings; }

private:
    std::string_view m_text;
    const std::string& m_file;
    std::string m_error;
    std::vector<std::string> m_warnings;
};

/// Where the text has the last step of a path, or as much of the path as it has.
std::pair<int, int> locationOf(const FieldPath& path, const Locations& locations)
{
    std::pair<int, int> found{0, 0};
    const Locations* tree = &locations;
    const google::protobuf::Descriptor* message = inference::ModelConfig::descriptor();
    for (const FieldStep& step : path) {
        const auto* field = message ? message->FindFieldByName(step.name) : nullptr;
        if (!field || !tree)
            break;
        const auto location = tree->GetLocation(field, field->is_repeated() ? step.index : -1);
        if (location.line < 0)
            break;
        found = {location.line, location.column};
        tree = field->message_type() ? tree->GetTreeForNested(field, field->is_repeated() ? step.index : -1) : nullptr;
        message = field->message_type();
    }
    return found;
}

/// Fills in what Triton does when a field is left out.
void addDefaults(inference::ModelConfig& config)
{
    if (config.version_policy().policy_choice_case() == inference::ModelVersionPolicy::POLICY_CHOICE_NOT_SET)
        config.mutable_version_policy()->mutable_latest()->set_num_versions(1);
    if (config.instance_group().empty())
        config.add_instance_group();
    for (int i = 0; i < config.instance_group_size(); ++i) {
        auto& group = *config.mutable_instance_group(i);
        if (group.name().empty())
            group.set_name(fmt::format("{}_{}", config.name(), i));
        if (group.count() == 0)
            group.set_count(1);
    }
    if (config.has_dynamic_batching() && config.dynamic_batching().preferred_batch_size().empty() && config.max_batch_size() > 0)
        config.mutable_dynamic_batching()->add_preferred_batch_size(config.max_batch_size());
}

std::optional<ConfigProblem> completed(inference::ModelConfig& config, const std::string& model, AutoComplete complete,
                                       bool saysMaxBatchSize)
{
    if (!config.name().empty() && config.name() != model)
        return ConfigProblem{{{"name", 0}}, fmt::format("\"{}\" is not the name of its folder, \"{}\"", config.name(), model)};
    config.set_name(model);
    if (complete == AutoComplete::On)
        autoComplete(config, saysMaxBatchSize);
    addDefaults(config);
    return problemOf(config);
}

} // namespace

Result<ParsedConfig> parseModelConfig(std::string_view text, const std::string& model, const std::string& file, AutoComplete complete)
{
    const auto bad = [](std::string sentence) { return Error{ErrorCode::BadInput, std::move(sentence), {}}; };
    if (text.size() > kMostBytes)
        return bad(fmt::format("{}: {} bytes are no configuration", file, text.size()));
    if (const auto [line, column, depth] = deepestNesting(text); depth > kMostNesting)
        return bad(placed(file, line, column, fmt::format("messages are nested {} deep; no field is deeper than {}", depth, kMostNesting)));

    ParsedConfig parsed;
    ParserMessages messages(text, file);
    Locations locations;
    google::protobuf::TextFormat::Parser parser;
    parser.AllowUnknownField(true);
    parser.RecordErrorsTo(&messages);
    parser.WriteLocationsTo(&locations);
    if (!parser.ParseFromString(std::string(text), &parsed.config))
        return bad(messages.error());
    parsed.warnings = std::move(messages.warnings());

    const auto* maxBatchSize = inference::ModelConfig::descriptor()->FindFieldByName("max_batch_size");
    const bool saysMaxBatchSize = locations.GetLocation(maxBatchSize, -1).line >= 0;
    if (const auto problem = completed(parsed.config, model, complete, saysMaxBatchSize)) {
        const auto [line, column] = locationOf(problem->path, locations);
        return bad(placed(file, line, column, problem->text()));
    }
    return parsed;
}

Result<inference::ModelConfig> completeModelConfig(inference::ModelConfig config, const std::string& model, AutoComplete complete)
{
    // Bytes that are no text came no way that text comes; here max_batch_size 0 may as well be left out.
    if (const auto problem = completed(config, model, complete, config.max_batch_size() != 0))
        return Error{ErrorCode::BadInput, problem->text(), {}};
    return config;
}

std::vector<std::int64_t> wantedVersions(const inference::ModelVersionPolicy& policy, std::vector<std::int64_t> available)
{
    std::sort(available.begin(), available.end());
    available.erase(std::unique(available.begin(), available.end()), available.end());
    if (policy.has_specific()) {
        const auto& wanted = policy.specific().versions();
        std::erase_if(available, [&](std::int64_t version) { return std::find(wanted.begin(), wanted.end(), version) == wanted.end(); });
    } else if (!policy.has_all()) {
        const std::size_t most = policy.has_latest() ? policy.latest().num_versions() : 1;
        if (available.size() > most)
            available.erase(available.begin(), available.end() - static_cast<std::ptrdiff_t>(most));
    }
    return available;
}

} // namespace gantry::inference_server
