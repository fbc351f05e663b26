#include "remote_server/inference/grpc_codec.h"

#include "remote_server/inference/bytes_elements.h"

#include <fmt/format.h>
#include <limits>

namespace gantry::inference_server {
namespace {

using WireParameters = google::protobuf::Map<std::string, inference::InferParameter>;

Error bad(std::string text)
{
    return {ErrorCode::BadInput, std::move(text), {}};
}

template <typename Element, typename Wire>
Result<std::string> bytesOf(const Wire& values, const inference::ModelInferRequest::InferInputTensor& input)
{
    std::string data;
    data.reserve(static_cast<std::size_t>(values.size()) * sizeof(Element));
    for (const auto value : values) {
        const auto element = static_cast<Element>(value);
        if (element != value && value == value) // the wire's integers have 32 bits also for narrower elements
            return bad(fmt::format("input '{}': the value {} does not fit its datatype {}", input.name(), value, input.datatype()));
        data.append(reinterpret_cast<const char*>(&element), sizeof element);
    }
    return data;
}

/// A field of the typed contents that holds something, by the datatypes that it carries.
const char* filledField(const inference::InferTensorContents& contents)
{
    return !contents.bool_contents().empty()     ? "BOOL"
           : !contents.int_contents().empty()    ? "INT32"
           : !contents.int64_contents().empty()  ? "INT64"
           : !contents.uint_contents().empty()   ? "UINT32"
           : !contents.uint64_contents().empty() ? "UINT64"
           : !contents.fp32_contents().empty()   ? "FP32"
           : !contents.fp64_contents().empty()   ? "FP64"
           : !contents.bytes_contents().empty()  ? "BYTES"
                                                 : nullptr;
}

Result<std::string> bytesElements(const inference::ModelInferRequest::InferInputTensor& input)
{
    std::string data;
    for (const std::string& element : input.contents().bytes_contents()) {
        if (element.size() > std::numeric_limits<std::uint32_t>::max())
            return bad(fmt::format("input '{}': an element has more than 4 GiB", input.name()));
        appendBytesElement(data, element);
    }
    return data;
}

Result<std::string> typedData(const inference::ModelInferRequest::InferInputTensor& input)
{
    const inference::InferTensorContents& contents = input.contents();
    switch (datatypeFromName(input.datatype())) {
    case inference::TYPE_BOOL:
        return bytesOf<std::uint8_t>(contents.bool_contents(), input);
    case inference::TYPE_INT8:
        return bytesOf<std::int8_t>(contents.int_contents(), input);
    case inference::TYPE_INT16:
        return bytesOf<std::int16_t>(contents.int_contents(), input);
    case inference::TYPE_INT32:
        return bytesOf<std::int32_t>(contents.int_contents(), input);
    case inference::TYPE_INT64:
        return bytesOf<std::int64_t>(contents.int64_contents(), input);
    case inference::TYPE_UINT8:
        return bytesOf<std::uint8_t>(contents.uint_contents(), input);
    case inference::TYPE_UINT16:
        return bytesOf<std::uint16_t>(contents.uint_contents(), input);
    case inference::TYPE_UINT32:
        return bytesOf<std::uint32_t>(contents.uint_contents(), input);
    case inference::TYPE_UINT64:
        return bytesOf<std::uint64_t>(contents.uint64_contents(), input);
    case inference::TYPE_FP32:
        return bytesOf<float>(contents.fp32_contents(), input);
    case inference::TYPE_FP64:
        return bytesOf<double>(contents.fp64_contents(), input);
    case inference::TYPE_STRING:
        return bytesElements(input);
    default:
        return std::string(); // no field carries FP16 and BF16, and of others the datatype is refused
    }
}

/// The tensor's contents, of the kind that its datatype asks for.
Result<std::string> explicitData(const inference::ModelInferRequest::InferInputTensor& input, const std::string& model)
{
    const char* filled = filledField(input.contents());
    if (!filled)
        return bad(fmt::format("unable to find data for input tensor '{}' for model '{}' in request.", input.name(), model));
    GANTRY_TRY(std::string data, typedData(input));
    if (data.empty())
        return bad(fmt::format("unexpected explicit tensor data for input tensor '{}' for model '{}' of type '{}', expected datatype '{}'",
                               input.name(), model, filled, input.datatype()));
    return data;
}

Result<std::uint64_t> sharedNumber(const WireParameters& parameters, const std::string& key, const std::string& tensor)
{
    const auto found = parameters.find(key);
    if (found == parameters.end())
        return std::uint64_t{0};
    const inference::InferParameter& value = found->second;
    if (value.has_uint64_param())
        return value.uint64_param();
    if (value.has_int64_param())
        return static_cast<std::uint64_t>(value.int64_param()); // a negative one becomes a place that no region has
    return bad(fmt::format("invalid value type for '{}' parameter for tensor '{}', expected int64_param.", key, tensor));
}

/// The place that a tensor's parameters name, if they do.
Result<std::optional<SharedPlace>> sharedPlace(const WireParameters& parameters, const std::string& tensor)
{
    const auto region = parameters.find("shared_memory_region");
    if (region == parameters.end())
        return std::optional<SharedPlace>();
    if (!region->second.has_string_param())
        return bad(fmt::format("invalid value type for 'shared_memory_region' parameter for tensor '{}', expected string_param.", tensor));
    if (!parameters.contains("shared_memory_byte_size"))
        return bad(
            fmt::format("'shared_memory_byte_size' must be specified along with 'shared_memory_region' parameter for tensor '{}'", tensor));
    GANTRY_TRY(const std::uint64_t bytes, sharedNumber(parameters, "shared_memory_byte_size", tensor));
    GANTRY_TRY(const std::uint64_t offset, sharedNumber(parameters, "shared_memory_offset", tensor));
    return std::optional(SharedPlace{region->second.string_param(), offset, bytes});
}

std::optional<Parameter> parameterFromProto(const inference::InferParameter& wire)
{
    switch (wire.parameter_choice_case()) {
    case inference::InferParameter::kBoolParam:
        return wire.bool_param();
    case inference::InferParameter::kInt64Param:
        return wire.int64_param();
    case inference::InferParameter::kUint64Param:
        return wire.uint64_param();
    case inference::InferParameter::kDoubleParam:
        return wire.double_param();
    case inference::InferParameter::kStringParam:
        return wire.string_param();
    default:
        return std::nullopt;
    }
}

Result<WantedOutput> wantedFromProto(const inference::ModelInferRequest::InferRequestedOutputTensor& wire)
{
    WantedOutput wanted{wire.name(), {}, 0, {}};
    GANTRY_TRY(wanted.shared, sharedPlace(wire.parameters(), wire.name()));
    if (const auto classes = wire.parameters().find("classification"); classes != wire.parameters().end()) {
        const auto value = parameterFromProto(classes->second);
        const auto number = value ? unsignedOf(*value) : std::nullopt;
        if (!number)
            return bad(
                fmt::format("invalid value type for 'classification' parameter for tensor '{}', expected int64_param.", wire.name()));
        wanted.classes = *number;
    }
    return wanted;
}

/// `nextRaw`: the first of the raw contents that no input has taken; those in shared memory take none.
Result<GivenInput> inputFromProto(const inference::ModelInferRequest& wire, const inference::ModelInferRequest::InferInputTensor& input,
                                  int& nextRaw)
{
    GivenInput given{input.name(), input.datatype(), {input.shape().begin(), input.shape().end()}, {}, {}};
    GANTRY_TRY(given.shared, sharedPlace(input.parameters(), input.name()));
    if (given.shared)
        return given;
    if (wire.raw_input_contents().empty()) {
        GANTRY_TRY(given.data, explicitData(input, wire.model_name()));
        return given;
    }
    if (input.has_contents())
        return bad(fmt::format("contents field must not be specified when using raw_input_contents for '{}' for model '{}'", input.name(),
                               wire.model_name()));
    if (nextRaw >= wire.raw_input_contents_size())
        return bad(fmt::format("unable to find data for input tensor '{}' for model '{}' in request.", input.name(), wire.model_name()));
    given.data = wire.raw_input_contents(nextRaw++);
    return given;
}

} // namespace

Result<InferRequest> requestFromProto(const inference::ModelInferRequest& wire)
{
    InferRequest request;
    request.model = wire.model_name();
    request.version = wire.model_version();
    request.id = wire.id();
    for (const auto& [name, value] : wire.parameters())
        if (const auto parameter = parameterFromProto(value))
            request.parameters.emplace(name, *parameter);
    int nextRaw = 0;
    for (const auto& input : wire.inputs()) {
        GANTRY_TRY(GivenInput given, inputFromProto(wire, input, nextRaw));
        request.inputs.push_back(std::move(given));
    }
    if (nextRaw < wire.raw_input_contents_size())
        return bad(fmt::format("expected {} raw_input_contents, got {}", nextRaw, wire.raw_input_contents_size()));
    for (const auto& output : wire.outputs()) {
        GANTRY_TRY(WantedOutput wanted, wantedFromProto(output));
        request.outputs.push_back(std::move(wanted));
    }
    return request;
}

void answerToProto(InferAnswer answer, inference::ModelInferResponse& response)
{
    response.set_model_name(std::move(answer.model));
    response.set_model_version(std::move(answer.version));
    response.set_id(std::move(answer.id));
    for (AnsweredOutput& tensor : answer.outputs) {
        auto* output = response.add_outputs();
        output->set_name(std::move(tensor.name));
        output->set_datatype(std::move(tensor.datatype));
        output->mutable_shape()->Add(tensor.shape.begin(), tensor.shape.end());
        response.add_raw_output_contents(std::move(tensor.data));
    }
}

void markFinal(inference::ModelInferResponse& response, bool isFinal)
{
    (*response.mutable_parameters())["triton_final_response"].set_bool_param(isFinal);
}

} // namespace gantry::inference_server
