#include "remote_server/inference/infer_codec.h"

#include "remote_server/inference/bytes_elements.h"
#include "remote_server/inference/classification.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace gantry::inference_server {
namespace {

constexpr std::int64_t kLongestDimension = 1 << 24;
constexpr std::uint64_t kMostElements = 1ull << 32;

Error bad(std::string text)
{
    return {ErrorCode::BadInput, std::move(text), {}};
}

template <typename Range>
std::string quotedList(const Range& names)
{
    std::vector<std::string> quoted;
    for (const std::string& name : names)
        quoted.push_back("'" + name + "'");
    return fmt::format("[{}]", fmt::join(quoted, ","));
}

/// Triton's sentence about a request that has not the inputs that the model needs.
Error wrongInputs(const InferRequest& request, const ModelDescription& model, const std::vector<std::string>& missing)
{
    std::vector<std::string> got;
    for (const GivenInput& input : request.inputs)
        got.push_back(input.name);
    return bad(fmt::format("expected {} inputs but got {} inputs for model '{}'. Got input(s) {}, but missing required input(s) {}. Please "
                           "provide all required input(s).",
                           model.config.input_size(), got.size(), model.name, quotedList(got), quotedList(missing)));
}

Result<void> checkShape(const GivenInput& given, const inference::ModelInput& input, const ModelDescription& model)
{
    std::vector<std::int64_t> dims(input.dims().begin(), input.dims().end());
    const bool batches = model.config.max_batch_size() > 0;
    if (batches)
        dims.insert(dims.begin(), -1);
    bool fits = dims.size() == given.shape.size();
    std::uint64_t elements = 1;
    const auto wrong = [&](const std::string& why) {
        return bad(fmt::format("unexpected shape for input '{}' for model '{}': [{}] {}", given.name, model.name,
                               fmt::join(given.shape, ","), why));
    };
    for (const std::int64_t dimension : given.shape)
        if (dimension < 1 || dimension >= kLongestDimension)
            return wrong(fmt::format("has the dimension {}; each must lie between 1 and {}", dimension, kLongestDimension - 1));
    for (std::size_t i = 0; fits && i < dims.size(); ++i) {
        fits = dims[i] < 0 || dims[i] == given.shape[i];
        elements *= static_cast<std::uint64_t>(given.shape[i]);
        if (elements >= kMostElements)
            return wrong(fmt::format("has more than {} elements", kMostElements - 1));
    }
    if (!fits)
        return bad(fmt::format("unexpected shape for input '{}' for model '{}'. Expected [{}], got [{}]{}", given.name, model.name,
                               fmt::join(dims, ","), fmt::join(given.shape, ","),
                               batches ? ". The first dimension is the batch's, since the model has a max_batch_size" : ""));
    return {};
}

std::uint64_t elementsOf(const Tensor& tensor)
{
    std::uint64_t elements = 1;
    for (const std::int64_t dimension : tensor.shape)
        elements *= static_cast<std::uint64_t>(dimension);
    return elements;
}

/// Of a tensor whose elements all have one size. `bytes`: that it has, or will have once it is read from where they lie.
Result<void> checkSize(const Tensor& tensor, std::uint64_t bytes, const ModelDescription& model)
{
    const std::uint64_t elements = elementsOf(tensor);
    if (tensor.type != inference::TYPE_STRING && bytes != elements * elementBytes(tensor.type))
        return bad(fmt::format("input byte size mismatch for input '{}' for model '{}'. Expected {}, got {}", tensor.name, model.name,
                               elements * elementBytes(tensor.type), bytes));
    return {};
}

/// A region may be larger than all memory, which would be taken for what is read from it.
Result<void> checkSharedSize(const Tensor& tensor, const SharedPlace& place, const ModelDescription& model)
{
    constexpr std::uint64_t kLength = sizeof(std::uint32_t), kMostBytes = kLength + std::numeric_limits<std::uint32_t>::max();
    const std::uint64_t elements = elementsOf(tensor);
    if (tensor.type == inference::TYPE_STRING && (place.bytes < elements * kLength || place.bytes / kMostBytes > elements))
        return bad(
            fmt::format("expected {} string elements for inference input '{}' for model '{}', which do not take the {} bytes of shared "
                        "memory that the request names",
                        elements, tensor.name, model.name, place.bytes));
    return checkSize(tensor, place.bytes, model);
}

Result<void> checkElements(const Tensor& tensor, const ModelDescription& model)
{
    if (tensor.type != inference::TYPE_STRING)
        return {};
    GANTRY_TRY(const std::uint64_t count, countBytesElements(tensor.data, tensor.name));
    if (count != elementsOf(tensor))
        return bad(fmt::format("expected {} string elements for inference input '{}' for model '{}', got {}", elementsOf(tensor),
                               tensor.name, model.name, count));
    return {};
}

Result<Tensor> takeInput(GivenInput& given, const inference::ModelInput& input, const ModelDescription& model, const SharedMemory& memory)
{
    const inference::DataType type = datatypeFromName(given.datatype);
    if (type != input.data_type())
        return bad(fmt::format("inference input '{}' data-type is '{}', but model '{}' expects '{}'", given.name,
                               type == inference::TYPE_INVALID ? "<invalid>" : given.datatype, model.name,
                               datatypeName(input.data_type())));
    GANTRY_CHECK(checkShape(given, input, model));
    Tensor tensor{given.name, type, std::move(given.shape), {}};
    if (given.shared) {
        GANTRY_TRY(const auto bytes, memory.find(*given.shared));
        GANTRY_CHECK(checkSharedSize(tensor, *given.shared, model));
        GANTRY_TRY(tensor.data, bytes->read());
    } else {
        GANTRY_CHECK(checkSize(tensor, given.data.size(), model));
        tensor.data = std::move(given.data);
    }
    GANTRY_CHECK(checkElements(tensor, model));
    return tensor;
}

/// In the order of the configuration, which the backends rely on.
Result<void> takeInputs(InferRequest& request, const ModelDescription& model, const SharedMemory& memory, InferJob& job)
{
    const auto& inputs = model.config.input();
    std::vector<std::string> missing;
    for (const inference::ModelInput& input : inputs) {
        const auto isIt = [&](const GivenInput& given) { return given.name == input.name(); };
        const auto found = std::find_if(request.inputs.begin(), request.inputs.end(), isIt);
        if (found == request.inputs.end()) {
            if (!input.optional())
                missing.push_back(input.name());
        } else if (std::any_of(found + 1, request.inputs.end(), isIt)) {
            return bad(fmt::format("input '{}' already exists in request", input.name()));
        }
    }
    for (const GivenInput& given : request.inputs)
        if (std::none_of(inputs.begin(), inputs.end(), [&](const auto& input) { return input.name() == given.name; }))
            return bad(fmt::format("unexpected inference input '{}' for model '{}'", given.name, model.name));
    if (!missing.empty())
        return wrongInputs(request, model, missing);
    for (const inference::ModelInput& input : inputs)
        for (GivenInput& given : request.inputs)
            if (given.name == input.name()) {
                GANTRY_TRY(Tensor tensor, takeInput(given, input, model, memory));
                job.inputs.push_back(std::move(tensor));
            }
    return {};
}

/// The rows that all inputs bring.
Result<void> takeRows(InferJob& job, const ModelDescription& model)
{
    if (model.config.max_batch_size() == 0)
        return {};
    for (const Tensor& input : job.inputs) {
        const auto rows = static_cast<std::uint64_t>(input.shape.front());
        if (&input != &job.inputs.front() && rows != job.rows)
            return bad(fmt::format("input '{}' batch size does not match other inputs for '{}'", input.name, model.name));
        job.rows = rows;
    }
    if (job.rows > static_cast<std::uint64_t>(model.config.max_batch_size()))
        return bad(fmt::format("inference request batch-size must be <= {} for '{}'", model.config.max_batch_size(), model.name));
    return {};
}

Error wrongParameter(std::string_view name, std::string_view expected)
{
    return bad(fmt::format("invalid value type for '{}' parameter, expected {}.", name, expected));
}

/// A number that may be absent.
Result<void> takeNumber(const Parameters& parameters, std::string_view name, std::uint64_t& value)
{
    const auto found = parameters.find(name);
    if (found == parameters.end())
        return {};
    const auto number = unsignedOf(found->second);
    if (!number)
        return wrongParameter(name, "int64_param or uint64_param that is not negative");
    value = *number;
    return {};
}

Result<void> takeFlag(const Parameters& parameters, std::string_view name, bool& value)
{
    const auto found = parameters.find(name);
    if (found == parameters.end())
        return {};
    const bool* flag = std::get_if<bool>(&found->second);
    if (!flag)
        return wrongParameter(name, "bool_param");
    value = *flag;
    return {};
}

Result<void> takeSequence(const Parameters& parameters, SequencePlace& sequence)
{
    GANTRY_CHECK(takeFlag(parameters, "sequence_start", sequence.start));
    GANTRY_CHECK(takeFlag(parameters, "sequence_end", sequence.end));
    const auto id = parameters.find("sequence_id");
    if (id == parameters.end())
        return {};
    if (const auto* text = std::get_if<std::string>(&id->second))
        sequence.id = *text;
    else if (const auto number = unsignedOf(id->second))
        sequence.id = *number == 0 ? "" : std::to_string(*number); // 0: of no sequence
    else
        return wrongParameter("sequence_id", "int64_param or string_param");
    return {};
}

Result<void> takeParameters(const Parameters& parameters, InferJob& job)
{
    GANTRY_CHECK(takeNumber(parameters, "priority", job.priority));
    GANTRY_CHECK(takeNumber(parameters, "timeout", job.timeoutUs));
    GANTRY_CHECK(takeSequence(parameters, job.sequence));
    bool ignored = false;
    GANTRY_CHECK(takeFlag(parameters, "triton_enable_empty_final_response", ignored));
    for (const auto& [name, value] : parameters)
        if (name.starts_with("triton_") && name != "triton_enable_empty_final_response")
            return bad(
                "parameter keys starting with 'triton_' are reserved for Triton usage. Only the following keys starting with 'triton_' "
                "are allowed: triton_enable_empty_final_response");
    return {};
}

Result<void> checkOutputs(const InferRequest& request, const ModelDescription& model, const SharedMemory& memory)
{
    const auto& outputs = model.config.output();
    for (const WantedOutput& wanted : request.outputs) {
        if (std::none_of(outputs.begin(), outputs.end(), [&](const auto& output) { return output.name() == wanted.name; }))
            return bad(fmt::format("unexpected inference output '{}' for model '{}'", wanted.name, model.name));
        if (wanted.shared && wanted.classes > 0)
            return bad(fmt::format("output '{}' cannot both be written to shared memory and be classified", wanted.name));
        if (wanted.shared)
            GANTRY_CHECK(memory.find(*wanted.shared));
    }
    return {};
}

Result<void> fillJob(InferRequest& request, const ModelDescription& model, const SharedMemory& memory, InferJob& job)
{
    job.clientId = request.id;
    GANTRY_CHECK(takeParameters(request.parameters, job));
    GANTRY_CHECK(checkOutputs(request, model, memory));
    GANTRY_CHECK(takeInputs(request, model, memory, job));
    return takeRows(job, model);
}

Result<void> writeShared(const Tensor& tensor, const SharedPlace& place, const SharedMemory& memory)
{
    if (tensor.data.size() > place.bytes)
        return bad(
            fmt::format("shared memory size specified with the request for output '{}' ({} bytes) should be at least {} bytes to hold "
                        "the results",
                        tensor.name, place.bytes, tensor.data.size()));
    GANTRY_TRY(const auto bytes, memory.find(place)); // it may have been unregistered since
    return bytes->write(tensor.data);
}

} // namespace

std::optional<std::uint64_t> unsignedOf(const Parameter& parameter)
{
    if (const auto* number = std::get_if<std::uint64_t>(&parameter))
        return *number;
    if (const auto* number = std::get_if<std::int64_t>(&parameter); number && *number >= 0)
        return static_cast<std::uint64_t>(*number);
    return std::nullopt;
}

const WantedOutput* InferRequest::wanted(std::string_view output) const
{
    const auto found = std::find_if(outputs.begin(), outputs.end(), [&](const WantedOutput& one) { return one.name == output; });
    return found == outputs.end() ? nullptr : &*found;
}

bool InferRequest::wantsEmptyFinal() const
{
    const auto found = parameters.find("triton_enable_empty_final_response");
    const bool* value = found == parameters.end() ? nullptr : std::get_if<bool>(&found->second);
    return value && *value;
}

Result<std::unique_ptr<InferJob>> jobFromRequest(InferRequest& request, const ModelDescription& model, const SharedMemory& memory)
{
    auto job = std::make_unique<InferJob>();
    if (auto filled = fillJob(request, model, memory, *job); !filled) {
        Error error = std::move(filled).error();
        error.message = fmt::format("[request id: {}] {}", request.id.empty() ? "<id_unknown>" : request.id, error.message);
        return error;
    }
    return job;
}

Result<InferAnswer> answerOf(const InferRequest& request, const ModelDescription& model, std::vector<Tensor> outputs,
                             const SharedMemory& memory)
{
    InferAnswer answer{model.name, model.version, request.id, {}};
    for (Tensor& tensor : outputs) {
        const WantedOutput* wanted = request.wanted(tensor.name);
        if (!wanted && !request.outputs.empty())
            continue;
        if (wanted && wanted->classes > 0) {
            GANTRY_TRY(tensor, classified(tensor, wanted->classes, model.config.max_batch_size() > 0));
        }
        AnsweredOutput output{tensor.name, datatypeName(tensor.type), std::move(tensor.shape), {}, false};
        if (wanted && wanted->shared) {
            GANTRY_CHECK(writeShared(tensor, *wanted->shared, memory));
            output.isShared = true;
        } else {
            output.data = std::move(tensor.data);
        }
        answer.outputs.push_back(std::move(output));
    }
    return answer;
}

} // namespace gantry::inference_server
