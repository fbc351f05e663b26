#include "remote_server/load/input_data.h"

#include "remote_server/load/tensor_data.h"

#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace gantry::load {
namespace {

Error badInput(std::string sentence)
{
    return {ErrorCode::BadInput, std::move(sentence), {}};
}

Result<InputValue> valueOf(const nlohmann::json& value)
{
    InputValue result;
    const nlohmann::json* content = &value;
    if (value.is_object()) {
        if (const auto shape = value.find("shape"); shape != value.end()) {
            result.shape.emplace();
            if (!shape->is_array())
                return badInput("\"shape\" is no array of numbers");
            for (const nlohmann::json& dimension : *shape) {
                if (!dimension.is_number_unsigned() || dimension.get<std::uint64_t>() > INT32_MAX)
                    return badInput("\"shape\" has a dimension that is no number of elements");
                result.shape->push_back(dimension.get<std::int64_t>());
            }
        }
        // perf_analyzer has the bytes beside the shape, or inside "content".
        const auto inner = value.find("content");
        const nlohmann::json& holder = inner != value.end() && inner->is_object() ? *inner : value;
        if (const auto bytes = holder.find("b64"); bytes != holder.end()) {
            if (!bytes->is_string())
                return badInput("\"b64\" is no text");
            GANTRY_TRY(result.raw, decodeBase64(bytes->get_ref<const std::string&>()));
            return result;
        }
        if (inner == value.end())
            return badInput("has neither \"content\" nor \"b64\"");
        content = &*inner;
    }
    if (content->is_object() || content->is_null())
        return badInput("has no values");
    result.json = content->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return result;
}

Result<void> addEntry(std::vector<InputEntry>& entries, const nlohmann::json& step, const std::string& place)
{
    if (!step.is_object() || step.empty())
        return badInput(fmt::format("{} is no object of inputs", place));
    InputEntry entry;
    for (const auto& [name, value] : step.items()) {
        const auto parsed = valueOf(value);
        if (!parsed)
            return badInput(fmt::format("{}: input '{}': {}", place, name, parsed.error().message));
        entry.emplace(name, *parsed);
    }
    entries.push_back(std::move(entry));
    return {};
}

} // namespace

Result<std::vector<InputEntry>> parseInputData(const std::string& text)
{
    nlohmann::json document;
    try {
        document = nlohmann::json::parse(text);
    } catch (const nlohmann::json::parse_error& error) {
        return badInput(fmt::format("the input data is no JSON: {}", error.what()));
    }
    const auto data = document.is_object() ? document.find("data") : document.end();
    if (!document.is_object() || data == document.end() || !data->is_array() || data->empty())
        return badInput("the input data has no list \"data\": {\"data\": [{\"INPUT\": [1, 2, 3]}, …]}");
    std::vector<InputEntry> entries;
    for (std::size_t i = 0; i < data->size(); ++i) {
        const nlohmann::json& item = (*data)[i];
        if (!item.is_array()) {
            GANTRY_CHECK(addEntry(entries, item, fmt::format("data[{}]", i)));
            continue;
        }
        for (std::size_t step = 0; step < item.size(); ++step)
            GANTRY_CHECK(addEntry(entries, item[step], fmt::format("data[{}][{}]", i, step)));
    }
    if (entries.empty())
        return badInput("the list \"data\" of the input data has no entries");
    return entries;
}

Result<std::vector<InputEntry>> readInputData(const InputOptions& options)
{
    if (!options.dataText.empty())
        return parseInputData(options.dataText);
    if (options.dataFile.empty())
        return std::vector<InputEntry>();
    std::ifstream file(options.dataFile, std::ios::binary);
    if (!file)
        return Error{
            ErrorCode::NotFound, fmt::format("the file of input data {} cannot be read: is the path right?", options.dataFile), {}};
    const std::string text(std::istreambuf_iterator<char>(file), {});
    return parseInputData(text).context(options.dataFile);
}

} // namespace gantry::load
