#include "remote_server/inference/model_config.h"

#include "remote_server/inference/backends/backend.h"
#include "remote_server/inference/config_reader.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace gantry::inference_server {
namespace {

std::string placed(const std::string& file, TextPlace place)
{
    return fmt::format("{}:{}:{}", file, place.line + 1, place.column + 1);
}

Error badConfig(const std::string& file, const PlacedProblem& problem)
{
    return {ErrorCode::BadInput, fmt::format("{}: {}", placed(file, problem.place), problem.text), {}};
}

std::optional<ConfigProblem> nameProblem(const inference::ModelConfig& config, const std::string& model)
{
    if (config.name().empty() || config.name() == model)
        return {};
    return ConfigProblem{{{"name"}}, fmt::format("\"{}\" is not the name of its folder, \"{}\"", config.name(), model)};
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

/// What is written is judged first: what a backend adds must not hide it.
std::optional<ConfigProblem> completed(inference::ModelConfig& config, const std::string& model, AutoComplete complete,
                                       bool saysMaxBatchSize)
{
    if (auto problem = nameProblem(config, model))
        return problem;
    if (auto problem = problemOf(config, ConfigRules::GantryServe, ConfigExtent::AsWritten))
        return problem;
    config.set_name(model);
    if (complete == AutoComplete::On)
        autoComplete(config, saysMaxBatchSize);
    addDefaults(config);
    return problemOf(config, ConfigRules::GantryServe, ConfigExtent::Complete);
}

} // namespace

Result<ParsedConfig> parseModelConfig(std::string_view text, const std::string& model, const std::string& file, AutoComplete complete)
{
    const ConfigReader reader{std::string(text)};
    if (reader.problem())
        return badConfig(file, *reader.problem());
    ParsedConfig parsed{reader.config(), {}, placed(file, reader.placeOf({{"version_policy"}}))};
    for (const PlacedProblem& warning : reader.warnings())
        parsed.warnings.push_back(fmt::format("{}: {}", placed(file, warning.place), warning.text));
    if (const auto problem = completed(parsed.config, model, complete, reader.says("max_batch_size")))
        return badConfig(file, {reader.placeOf(problem->path), problem->text()});
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
