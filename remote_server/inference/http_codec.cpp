#include "remote_server/inference/http_codec.h"

#include "remote_server/inference/bytes_elements.h"
#include "remote_server/inference/client_json.h"
#include "remote_server/inference/json_tensor.h"

#include <charconv>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace gantry::inference_server {
namespace {

using nlohmann::json;

Error bad(std::string text)
{
    return {ErrorCode::BadInput, std::move(text), {}};
}

Error cannotParse(std::string_view field, std::string_view problem)
{
    return bad(fmt::format("Unable to parse '{}': {}", field, problem));
}

/// A member of an object; null when it is absent.
const json* member(const json& object, const char* key)
{
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found == object.end() ? nullptr : &*found;
}

Result<std::string> stringMember(const json& object, const char* key)
{
    const json* value = member(object, key);
    if (!value)
        return cannotParse(key, "it is missing");
    if (!value->is_string())
        return cannotParse(key, "it must be a string");
    return value->get<std::string>();
}

/// A number that is not negative, `otherwise` where it is absent.
Result<std::uint64_t> numberMember(const json& object, const char* key, std::uint64_t otherwise)
{
    const json* value = member(object, key);
    if (!value)
        return otherwise;
    if (!value->is_number_unsigned())
        return cannotParse(key, "it must be an integer that is not negative");
    return value->get<std::uint64_t>();
}

Result<std::optional<bool>> flagMember(const json& object, const char* key)
{
    const json* value = member(object, key);
    if (!value)
        return std::optional<bool>();
    if (!value->is_boolean())
        return cannotParse(key, "it must be true or false");
    return std::optional(value->get<bool>());
}

/// The object of parameters of a request or tensor; an empty one where it is absent.
Result<json> parametersOf(const json& object)
{
    const json* value = member(object, "parameters");
    if (!value)
        return json::object();
    if (!value->is_object())
        return cannotParse("parameters", "it must be an object");
    return *value;
}

Result<Parameters> requestParameters(const json& object)
{
    Parameters parameters;
    for (const auto& [key, value] : object.items()) {
        if (value.is_boolean())
            parameters[key] = value.get<bool>();
        else if (value.is_string())
            parameters[key] = value.get<std::string>();
        else if (value.is_number_unsigned())
            parameters[key] = value.get<std::uint64_t>();
        else if (value.is_number_integer())
            parameters[key] = value.get<std::int64_t>();
        else if (value.is_number_float())
            parameters[key] = value.get<double>();
        else
            return bad(fmt::format("parameter '{}' has invalid type. It should be either 'int', 'bool', or 'string'.", key));
    }
    return parameters;
}

Result<std::optional<SharedPlace>> sharedPlace(const json& parameters)
{
    if (!parameters.contains("shared_memory_region"))
        return std::optional<SharedPlace>();
    SharedPlace place;
    GANTRY_TRY(place.region, stringMember(parameters, "shared_memory_region"));
    GANTRY_TRY(place.offset, numberMember(parameters, "shared_memory_offset", 0));
    GANTRY_TRY(place.bytes, numberMember(parameters, "shared_memory_byte_size", 0));
    return std::optional(place);
}

Result<std::vector<std::int64_t>> shapeOf(const json& input)
{
    const json* shape = member(input, "shape");
    if (!shape)
        return cannotParse("shape", "it is missing");
    if (!shape->is_array())
        return cannotParse("shape", "it must be an array");
    std::vector<std::int64_t> dimensions;
    for (const json& dimension : *shape) {
        if (!dimension.is_number_unsigned() || dimension.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
            return cannotParse("shape", "its elements must be integers that are not negative");
        dimensions.push_back(dimension.get<std::int64_t>());
    }
    return dimensions;
}

/// Exactly one of the three says where the tensor is.
Result<void> checkOneSource(const json& input, const json& parameters)
{
    std::string set;
    int count = 0;
    for (const auto& [isSet, name] :
         {std::pair(input.contains("data"), " 'data'"), std::pair(parameters.contains("binary_data_size"), " 'binary_data_size'"),
          std::pair(parameters.contains("shared_memory_region"), " 'shared_memory_region'")})
        if (isSet) {
            set += name;
            ++count;
        }
    if (count == 1)
        return {};
    return bad("Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in "
               "'parameters'. But " +
               (count == 0 ? "no field is set" : "set" + set));
}

/// Takes the input's bytes off the front of `binary`.
Result<std::string> takeBinary(std::string_view& binary, std::uint64_t bytes, const std::string& input, std::string_view model)
{
    if (bytes > binary.size())
        return bad(fmt::format("unexpected size for input '{}', expecting {} additional bytes for model '{}'", input, bytes - binary.size(),
                               model));
    std::string data(binary.substr(0, bytes));
    binary.remove_prefix(bytes);
    return data;
}

Result<GivenInput> inputFromJson(const json& object, std::string_view& binary, std::string_view model)
{
    if (!object.is_object())
        return cannotParse("inputs", "its elements must be objects");
    GivenInput given;
    GANTRY_TRY(given.name, stringMember(object, "name"));
    const std::string where = "input '" + given.name + "'";
    const auto named = [&](auto result) { return std::move(result).context(where); };
    GANTRY_TRY(given.datatype, named(stringMember(object, "datatype")));
    if (datatypeFromName(given.datatype) == inference::TYPE_INVALID)
        return bad("invalid datatype for input " + given.name);
    GANTRY_TRY(given.shape, named(shapeOf(object)));
    GANTRY_TRY(const json parameters, named(parametersOf(object)));
    GANTRY_CHECK(named(checkOneSource(object, parameters)));
    GANTRY_TRY(given.shared, named(sharedPlace(parameters)));
    if (const json* data = member(object, "data")) {
        GANTRY_TRY(given.data, named(bytesFromJson(*data, datatypeFromName(given.datatype), given.shape)));
    } else if (!given.shared) {
        GANTRY_TRY(const std::uint64_t bytes, named(numberMember(parameters, "binary_data_size", 0)));
        GANTRY_TRY(given.data, takeBinary(binary, bytes, given.name, model));
    }
    return given;
}

Result<WantedOutput> outputFromJson(const json& object)
{
    if (!object.is_object())
        return cannotParse("outputs", "its elements must be objects");
    WantedOutput wanted;
    GANTRY_TRY(wanted.name, stringMember(object, "name"));
    const std::string where = "output '" + wanted.name + "'";
    const auto named = [&](auto result) { return std::move(result).context(where); };
    GANTRY_TRY(const json parameters, named(parametersOf(object)));
    GANTRY_TRY(wanted.classes, named(numberMember(parameters, "classification", 0)));
    GANTRY_TRY(wanted.shared, named(sharedPlace(parameters)));
    GANTRY_TRY(wanted.binary, named(flagMember(parameters, "binary_data")));
    return wanted;
}

/// An array; null where it is absent and need not be there.
Result<const json*> arrayMember(const json& object, const char* key, bool isNeeded)
{
    const json* value = member(object, key);
    if (!value && isNeeded)
        return cannotParse(key, "it is missing");
    if (value && !value->is_array())
        return cannotParse(key, "it must be an array");
    return value;
}

Result<InferRequest> requestFromJson(const json& object, std::string_view binary, std::string_view model)
{
    InferRequest request;
    if (object.contains("id")) {
        GANTRY_TRY(request.id, stringMember(object, "id"));
    }
    GANTRY_TRY(const json parameters, parametersOf(object));
    GANTRY_TRY(const auto binaryOutputs, flagMember(parameters, "binary_data_output"));
    request.binaryOutputs = binaryOutputs.value_or(false);
    GANTRY_TRY(request.parameters, requestParameters(parameters));
    request.parameters.erase("binary_data_output");
    GANTRY_TRY(const json* inputs, arrayMember(object, "inputs", true));
    for (const json& input : *inputs) {
        GANTRY_TRY(GivenInput given, inputFromJson(input, binary, model));
        request.inputs.push_back(std::move(given));
    }
    if (!binary.empty())
        return bad(fmt::format("unexpected additional input data for model '{}'", model));
    GANTRY_TRY(const json* outputs, arrayMember(object, "outputs", false));
    for (const json& output : outputs ? *outputs : json::array()) {
        GANTRY_TRY(WantedOutput wanted, outputFromJson(output));
        request.outputs.push_back(std::move(wanted));
    }
    return request;
}

Result<std::string> outputToJson(const AnsweredOutput& output, bool isBinary)
{
    std::string text =
        fmt::format(R"({{"name":{},"datatype":"{}","shape":[{}])", json(output.name).dump(), output.datatype, fmt::join(output.shape, ","));
    if (isBinary) {
        text += fmt::format(R"(,"parameters":{{"binary_data_size":{}}})", output.data.size());
    } else if (!output.isShared) {
        text += ",\"data\":[";
        GANTRY_CHECK(appendJsonElements(text, output.data, datatypeFromName(output.datatype)).context("output '" + output.name + "'"));
        text += "]";
    }
    return text + "}";
}

} // namespace

Result<std::uint64_t> headerLengthOf(std::string_view value, std::size_t bodyBytes)
{
    std::uint64_t length = 0;
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (problem != std::errc() || end != value.data() + value.size() || length > bodyBytes)
        return bad(fmt::format("inference header size should be in range (0, {}), got: {}", bodyBytes, value));
    return length;
}

Result<InferRequest> requestFromHttp(std::string_view body, std::optional<std::uint64_t> headerLength, std::string_view model)
{
    const std::uint64_t length = std::min<std::uint64_t>(headerLength.value_or(body.size()), body.size());
    GANTRY_TRY(const json object, parseClientJson(body.substr(0, length)));
    if (!object.is_object())
        return bad("failed to parse the request JSON buffer: it must be an object");
    return requestFromJson(object, body.substr(length), model);
}

Result<InferRequest> requestFromRawBody(std::string_view body, const ModelDescription& model)
{
    if (model.config.input_size() != 1)
        return bad(fmt::format("Raw request must only have 1 input (found 1) to be deduced but got {} inputs in '{}' model configuration",
                               model.config.input_size(), model.name));
    const inference::ModelInput& input = model.config.input(0);
    GivenInput given{input.name(), datatypeName(input.data_type()), {input.dims().begin(), input.dims().end()}, {}, {}};
    const auto variable = std::count_if(given.shape.begin(), given.shape.end(), [](std::int64_t dimension) { return dimension < 0; });
    if (variable > 1)
        return bad(fmt::format("The shape of Raw request must be deducible, but input '{}' of model '{}' has {} variable dimensions",
                               given.name, model.name, variable));
    std::uint64_t elements = 1;
    if (input.data_type() == inference::TYPE_STRING) {
        appendBytesElement(given.data, body.substr(0, UINT32_MAX));
    } else {
        given.data = body;
        elements = body.size() / std::max<std::size_t>(1, elementBytes(input.data_type()));
    }
    std::uint64_t fixed = 1;
    for (const std::int64_t dimension : given.shape)
        fixed *= dimension > 0 ? static_cast<std::uint64_t>(dimension) : 1;
    for (std::int64_t& dimension : given.shape)
        if (dimension < 0)
            dimension = static_cast<std::int64_t>(elements / std::max<std::uint64_t>(1, fixed));
    if (model.config.max_batch_size() > 0)
        given.shape.insert(given.shape.begin(), 1);
    InferRequest request;
    request.inputs.push_back(std::move(given));
    request.binaryOutputs = true;
    return request;
}

Result<HttpAnswer> answerToHttp(const InferAnswer& answer, const InferRequest& request)
{
    std::string text = "{";
    if (!answer.id.empty())
        text += R"("id":)" + json(answer.id).dump(-1, ' ', false, json::error_handler_t::replace) + ",";
    text += fmt::format(R"("model_name":{},"model_version":"{}","outputs":[)", json(answer.model).dump(), answer.version);
    std::string binary;
    bool hasBinary = false;
    for (const AnsweredOutput& output : answer.outputs) {
        const WantedOutput* wanted = request.wanted(output.name);
        const bool isBinary = !output.isShared && (wanted && wanted->binary ? *wanted->binary : request.binaryOutputs);
        GANTRY_TRY(const std::string described, outputToJson(output, isBinary));
        text += (text.back() == '[' ? "" : ",") + described;
        if (isBinary)
            binary += output.data;
        hasBinary = hasBinary || isBinary;
    }
    text += "]}";
    HttpAnswer result{std::move(text), {}};
    if (hasBinary) {
        result.headerLength = result.body.size();
        result.body += binary;
    }
    return result;
}

} // namespace gantry::inference_server
