#include "remote_server/inference/model.h"

#include <algorithm>
#include <fstream>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <set>

namespace gantry::inference_server {
namespace {

constexpr std::string_view kNames[] = {"", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES", "BF16"};

/// Keeps the first message of the text-format parser.
class FirstError : public google::protobuf::io::ErrorCollector
{
public:
    void AddError(int line, google::protobuf::io::ColumnNumber, const std::string& message) override
    {
        if (text.empty())
            text = "line " + std::to_string(line + 1) + ": " + message;
    }
    std::string text;
};

std::string problemOf(const inference::ModelConfig& config)
{
    if (config.max_batch_size() < 0)
        return "max_batch_size is negative";
    if (config.input().empty() || config.output().empty())
        return "it needs at least one input and one output";
    std::set<std::string> names;
    const auto tensorProblem = [&](const std::string& kind, const auto& tensor) -> std::string {
        if (tensor.name().empty())
            return "an " + kind + " lacks its name";
        const std::string who = kind + " \"" + tensor.name() + "\"";
        if (!names.insert(who).second)
            return who + " is declared twice";
        if (tensor.data_type() == inference::TYPE_INVALID)
            return who + " lacks its data_type";
        if (std::any_of(tensor.dims().begin(), tensor.dims().end(), [](std::int64_t dim) { return dim < -1 || dim == 0; }))
            return who + ": a dimension must be positive, or -1 for any";
        return {};
    };
    for (const auto& input : config.input())
        if (std::string problem = tensorProblem("input", input); !problem.empty())
            return problem;
    for (const auto& output : config.output())
        if (std::string problem = tensorProblem("output", output); !problem.empty())
            return problem;
    for (const auto& group : config.instance_group())
        if (group.count() < 0 || group.count() > 64)
            return "instance_group.count must lie between 1 and 64";
    if (config.backend().empty())
        return "the field backend is missing";
    return {};
}

ModelDescription describe(const std::filesystem::path& folder)
{
    ModelDescription model;
    model.name = folder.filename().string();
    const auto file = folder / "config.pbtxt";
    std::ifstream stream(file);
    if (!stream) {
        model.problem = file.string() + " cannot be read";
        return model;
    }
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    FirstError errors;
    google::protobuf::TextFormat::Parser parser;
    parser.AllowUnknownField(true);
    parser.RecordErrorsTo(&errors);
    if (!parser.ParseFromString(text, &model.config))
        model.problem = file.string() + ": " + errors.text;
    else if (!model.config.name().empty() && model.config.name() != model.name)
        model.problem = file.string() + ": its name \"" + model.config.name() + "\" is not that of its folder";
    else if (const std::string problem = problemOf(model.config); !problem.empty())
        model.problem = file.string() + ": " + problem;
    model.config.set_name(model.name);
    int newest = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
        if (entry.is_directory())
            newest = std::max(newest, std::atoi(entry.path().filename().c_str()));
    if (newest > 0)
        model.version = std::to_string(newest);
    else if (model.problem.empty())
        model.problem = folder.string() + " has no version folder such as 1/";
    return model;
}

} // namespace

std::size_t elementBytes(inference::DataType type)
{
    switch (type) {
    case inference::TYPE_BOOL:
    case inference::TYPE_UINT8:
    case inference::TYPE_INT8: return 1;
    case inference::TYPE_UINT16:
    case inference::TYPE_INT16:
    case inference::TYPE_FP16:
    case inference::TYPE_BF16: return 2;
    case inference::TYPE_UINT32:
    case inference::TYPE_INT32:
    case inference::TYPE_FP32: return 4;
    case inference::TYPE_UINT64:
    case inference::TYPE_INT64:
    case inference::TYPE_FP64: return 8;
    default: return 0;
    }
}

std::string datatypeName(inference::DataType type)
{
    return std::string(kNames[type]);
}

inference::DataType datatypeFromName(std::string_view name)
{
    for (std::size_t i = 1; i < std::size(kNames); ++i)
        if (kNames[i] == name)
            return static_cast<inference::DataType>(i);
    return inference::TYPE_INVALID;
}

Result<std::vector<ModelDescription>> readModelRepository(const std::filesystem::path& folder)
{
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error))
        return Error{ErrorCode::NotFound, "there is no model repository " + folder.string(), {}};
    std::vector<ModelDescription> models;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
        if (entry.is_directory())
            models.push_back(describe(entry.path()));
    std::sort(models.begin(), models.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return models;
}

std::int64_t parameterOf(const inference::ModelConfig& config, const std::string& name, std::int64_t otherwise)
{
    const auto found = config.parameters().find(name);
    return found == config.parameters().end() ? otherwise : std::strtoll(found->second.string_value().c_str(), nullptr, 10);
}

} // namespace gantry::inference_server
