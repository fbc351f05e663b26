#include "remote_server/inference/config_check.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <map>
#include <set>

namespace gantry::inference_server {
namespace {

using Problem = std::optional<ConfigProblem>;

/// Backends of gantry-serve, and the parameters of each that are whole numbers.
const std::map<std::string, std::vector<const char*>>& backends()
{
    static const std::map<std::string, std::vector<const char*>> kBackends = {
        {"add_sub", {}},
        {"bert", {"layers", "hidden", "heads", "ffn", "vocabulary", "positions", "seed", "cpu_layers"}},
        {"decoder",
         {"layers", "hidden", "heads", "ffn", "vocabulary", "positions", "seed", "kv_blocks", "tokens_per_block", "max_requests"}},
        {"identity", {"execute_delay_ms", "execute_delay_us", "responses"}},
    };
    return kBackends;
}

/// Of gantry-serve.
Problem backendProblem(const inference::ModelConfig& config)
{
    if (config.backend().empty())
        return ConfigProblem{{}, "the field backend is missing"};
    const auto found = backends().find(config.backend());
    if (found == backends().end()) {
        std::vector<std::string> names;
        for (const auto& [name, parameters] : backends())
            names.push_back(name);
        return ConfigProblem{{{"backend"}},
                             fmt::format("there is no backend \"{}\": gantry-serve has {}", config.backend(), fmt::join(names, ", "))};
    }
    for (const char* name : found->second) {
        const auto parameter = config.parameters().find(name);
        if (parameter == config.parameters().end())
            continue;
        const std::string& value = parameter->second.string_value();
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (error != std::errc() || end != value.data() + value.size() || number < 0)
            return ConfigProblem{{{"parameters", 0, name}}, fmt::format("\"{}\" is no whole number from 0 on", value)};
    }
    const auto cold = config.parameters().find("cold_start");
    if (cold != config.parameters().end() && cold->second.string_value() != "true" && cold->second.string_value() != "false")
        return ConfigProblem{{{"parameters", 0, "cold_start"}},
                             fmt::format("\"{}\" is neither true nor false", cold->second.string_value())};
    return {};
}

/// Elements of a shape; nothing where a dimension is open or the number has no bound.
template <typename Dims>
std::optional<std::int64_t> elementsOf(const Dims& dims)
{
    std::int64_t elements = 1;
    for (const std::int64_t dim : dims)
        if (dim < 0 || __builtin_mul_overflow(elements, dim, &elements))
            return std::nullopt;
    return elements;
}

template <typename Tensor>
Problem tensorProblem(const char* kind, int index, const Tensor& tensor, ConfigExtent extent, std::set<std::string>& names)
{
    const FieldPath path{{kind, index}};
    const auto at = [&](const char* field) { return FieldPath{{kind, index}, {field, 0}}; };
    const bool isComplete = extent == ConfigExtent::Complete;
    if (isComplete && tensor.name().empty())
        return ConfigProblem{path, fmt::format("an {} lacks its name", kind)};
    const std::string who = fmt::format("{} \"{}\"", kind, tensor.name());
    if (!names.insert(tensor.name()).second && !tensor.name().empty())
        return ConfigProblem{at("name"), who + " is declared twice"};
    if (isComplete && tensor.data_type() == inference::TYPE_INVALID)
        return ConfigProblem{path, who + " lacks its data_type"};
    for (int i = 0; i < tensor.dims_size(); ++i)
        if (tensor.dims(i) < -1 || tensor.dims(i) == 0)
            return ConfigProblem{{{kind, index}, {"dims", i}}, who + ": a dimension must be positive, or -1 for any"};
    if (!tensor.has_reshape())
        return {};
    for (const std::int64_t dim : tensor.reshape().shape())
        if (dim < -1 || dim == 0)
            return ConfigProblem{at("reshape"), who + ": a dimension must be positive, or -1 for any"};
    const auto outside = elementsOf(tensor.dims()), inside = elementsOf(tensor.reshape().shape());
    const auto isOpen = [](std::int64_t dim) { return dim < 0; };
    if (outside != inside || std::count_if(tensor.dims().begin(), tensor.dims().end(), isOpen) !=
                                 std::count_if(tensor.reshape().shape().begin(), tensor.reshape().shape().end(), isOpen))
        return ConfigProblem{at("reshape"), who + ": the shape must have as many elements as dims, and as many open dimensions"};
    return {};
}

Problem tensorsProblem(const inference::ModelConfig& config, ConfigExtent extent)
{
    if (extent == ConfigExtent::Complete && (config.input().empty() || config.output().empty()))
        return ConfigProblem{{}, "it needs at least one input and one output"};
    std::set<std::string> inputs, outputs;
    for (int i = 0; i < config.input_size(); ++i)
        if (Problem problem = tensorProblem("input", i, config.input(i), extent, inputs))
            return problem;
    for (int i = 0; i < config.output_size(); ++i)
        if (Problem problem = tensorProblem("output", i, config.output(i), extent, outputs))
            return problem;
    return {};
}

Problem instancesProblem(const inference::ModelConfig& config, ConfigRules rules, ConfigExtent extent)
{
    constexpr int kMostInstances = 64; // of gantry-serve
    const int least = extent == ConfigExtent::Complete ? 1 : 0;
    const int most = rules == ConfigRules::GantryServe ? kMostInstances : std::numeric_limits<int>::max();
    for (int i = 0; i < config.instance_group_size(); ++i) {
        const auto& group = config.instance_group(i);
        const auto at = [&](const char* field, int index = 0) { return FieldPath{{"instance_group", i}, {field, index}}; };
        if (group.count() < least || group.count() > most)
            return ConfigProblem{at("count"), rules == ConfigRules::GantryServe ? fmt::format("it must lie between 1 and {}", most)
                                                                                : std::string("it must be at least 1")};
        if (rules == ConfigRules::GantryServe && group.kind() == inference::ModelInstanceGroup::KIND_MODEL)
            return ConfigProblem{at("kind"), "KIND_MODEL is left to backends that place themselves; none here does"};
        if (group.kind() == inference::ModelInstanceGroup::KIND_CPU && !group.gpus().empty())
            return ConfigProblem{at("gpus"), "a group of KIND_CPU has no GPUs"};
        for (int gpu = 0; gpu < group.gpus_size(); ++gpu)
            if (group.gpus(gpu) < 0)
                return ConfigProblem{at("gpus", gpu), fmt::format("there is no GPU {}", group.gpus(gpu))};
        for (int r = 0; r < group.rate_limiter().resources_size(); ++r)
            if (group.rate_limiter().resources(r).name().empty() || group.rate_limiter().resources(r).count() == 0)
                return ConfigProblem{{{"instance_group", i}, {"rate_limiter", 0}, {"resources", r}}, "a resource needs a name and a count"};
    }
    return {};
}

/// What gantry-serve cannot do.
Problem schedulingProblem(const inference::ModelConfig& config)
{
    if (config.has_sequence_batching())
        return ConfigProblem{{{"sequence_batching"}},
                             "gantry-serve has no sequence batcher: remove this field, and send requests without sequence_id"};
    if (config.has_ensemble_scheduling())
        return ConfigProblem{{{"ensemble_scheduling"}}, "gantry-serve has no ensembles: load the models of its steps and ask each"};
    return {};
}

Problem batchingProblem(const inference::ModelConfig& config, ConfigExtent extent)
{
    const int largest =
        extent == ConfigExtent::Complete || config.max_batch_size() > 0 ? config.max_batch_size() : std::numeric_limits<int>::max();
    const auto& batching = config.dynamic_batching();
    const auto at = [](const char* field, int index = 0) { return FieldPath{{"dynamic_batching", 0}, {field, index}}; };
    for (int i = 0; i < batching.preferred_batch_size_size(); ++i)
        if (batching.preferred_batch_size(i) < 1 || batching.preferred_batch_size(i) > largest)
            return ConfigProblem{at("preferred_batch_size", i), largest == config.max_batch_size()
                                                                    ? fmt::format("it must lie between 1 and max_batch_size, {}", largest)
                                                                    : std::string("it must be at least 1")};
    if (batching.preserve_ordering() && config.model_transaction_policy().decoupled())
        return ConfigProblem{at("preserve_ordering"), "responses of a model with a decoupled transaction policy have no order to preserve"};
    const std::uint64_t levels = batching.priority_levels();
    if (levels > 0 && (batching.default_priority_level() < 1 || batching.default_priority_level() > levels))
        return ConfigProblem{at(batching.default_priority_level() > 0 ? "default_priority_level" : "priority_levels"),
                             fmt::format("default_priority_level must lie between 1 and priority_levels, {}", levels)};
    for (const auto& [level, policy] : batching.priority_queue_policy())
        if (level < 1 || level > levels)
            return ConfigProblem{at("priority_queue_policy"), fmt::format("there is no priority level {}", level)};
    return {};
}

Problem versionProblem(const inference::ModelVersionPolicy& policy)
{
    if (policy.has_latest() && policy.latest().num_versions() == 0)
        return ConfigProblem{{{"version_policy", 0}, {"latest", 0}}, "num_versions must be at least 1"};
    if (policy.has_specific() && policy.specific().versions().empty())
        return ConfigProblem{{{"version_policy", 0}, {"specific", 0}}, "it names no versions"};
    return {};
}

Problem warmUpProblem(const inference::ModelConfig& config, int index)
{
    const inference::ModelWarmup& sample = config.model_warmup(index);
    const FieldPath path{{"model_warmup", index}};
    if (sample.batch_size() > static_cast<std::uint32_t>(config.max_batch_size()))
        return ConfigProblem{{{"model_warmup", index}, {"batch_size", 0}},
                             fmt::format("it is larger than max_batch_size, {}", config.max_batch_size())};
    for (const auto& input : config.input()) {
        const auto found = sample.inputs().find(input.name());
        if (found == sample.inputs().end()) {
            if (!input.optional())
                return ConfigProblem{path, fmt::format("input \"{}\" is missing", input.name())};
            continue;
        }
        const auto& given = found->second;
        if (given.data_type() != input.data_type())
            return ConfigProblem{path, fmt::format("input \"{}\" has another data_type than the model's", input.name())};
        if (!elementsOf(given.dims()) || *elementsOf(given.dims()) > (1 << 28))
            return ConfigProblem{path, fmt::format("input \"{}\": each of its dims must be a number", input.name())};
        if (given.input_data_type_case() == inference::ModelWarmup::Input::INPUT_DATA_TYPE_NOT_SET)
            return ConfigProblem{path, fmt::format("input \"{}\" needs zero_data, random_data or input_data_file", input.name())};
    }
    for (const auto& [name, given] : sample.inputs())
        if (std::none_of(config.input().begin(), config.input().end(),
                         [&, name = name](const auto& input) { return input.name() == name; }))
            return ConfigProblem{path, fmt::format("the model has no input \"{}\"", name)};
    return {};
}

} // namespace

std::string ConfigProblem::text() const
{
    std::string where;
    const google::protobuf::Descriptor* message = inference::ModelConfig::descriptor();
    for (const FieldStep& step : path) {
        const auto* field = message ? message->FindFieldByName(step.name) : nullptr;
        where += (where.empty() ? "" : ".") + std::string(step.name);
        if (!step.key.empty())
            where += fmt::format("[\"{}\"]", step.key);
        else if (field && field->is_repeated() && !field->is_map())
            where += fmt::format("[{}]", step.index);
        message = field ? field->message_type() : nullptr;
    }
    return where.empty() ? sentence : where + ": " + sentence;
}

std::optional<ConfigProblem> problemOf(const inference::ModelConfig& config, ConfigRules rules, ConfigExtent extent)
{
    if (config.max_batch_size() < 0)
        return ConfigProblem{{{"max_batch_size"}}, "it is negative"};
    const bool isOurs = rules == ConfigRules::GantryServe;
    if (Problem problem = isOurs ? backendProblem(config) : Problem())
        return problem;
    if (Problem problem = tensorsProblem(config, extent))
        return problem;
    if (Problem problem = instancesProblem(config, rules, extent))
        return problem;
    if (Problem problem = isOurs ? schedulingProblem(config) : Problem())
        return problem;
    if (Problem problem = batchingProblem(config, extent))
        return problem;
    if (Problem problem = versionProblem(config.version_policy()))
        return problem;
    if (config.response_cache().enable() && config.model_transaction_policy().decoupled())
        return ConfigProblem{{{"response_cache"}}, "answers of a model with a decoupled transaction policy are not cached"};
    for (int i = 0; extent == ConfigExtent::Complete && i < config.model_warmup_size(); ++i)
        if (Problem problem = warmUpProblem(config, i))
            return problem;
    return {};
}

} // namespace gantry::inference_server
