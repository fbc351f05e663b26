#include "remote_server/inference/infer_codec.h"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::inference_server {
namespace {

template <typename Wire, typename Element = typename Wire::value_type>
std::string bytesOf(const Wire& values)
{
    std::string data;
    data.reserve(static_cast<std::size_t>(values.size()) * sizeof(Element));
    for (const auto value : values) {
        const auto element = static_cast<Element>(value);
        data.append(reinterpret_cast<const char*>(&element), sizeof element);
    }
    return data;
}

std::string typedData(const inference::InferTensorContents& contents, inference::DataType type)
{
    switch (type) {
    case inference::TYPE_INT32: return bytesOf(contents.int_contents());
    case inference::TYPE_INT64: return bytesOf(contents.int64_contents());
    case inference::TYPE_UINT32: return bytesOf(contents.uint_contents());
    case inference::TYPE_UINT64: return bytesOf(contents.uint64_contents());
    case inference::TYPE_FP32: return bytesOf(contents.fp32_contents());
    case inference::TYPE_FP64: return bytesOf(contents.fp64_contents());
    default: return {};
    }
}

Error bad(std::string text)
{
    return {ErrorCode::BadInput, std::move(text), {}};
}

Result<void> checkShape(const Tensor& tensor, const inference::ModelInput& input, const ModelDescription& model)
{
    std::vector<std::int64_t> dims(input.dims().begin(), input.dims().end());
    if (model.config.max_batch_size() > 0)
        dims.insert(dims.begin(), -1); // rows; the batcher puts those of several requests together
    bool fits = dims.size() == tensor.shape.size();
    std::uint64_t elements = 1;
    for (std::size_t i = 0; fits && i < dims.size(); ++i) {
        fits = tensor.shape[i] > 0 && tensor.shape[i] < (1 << 24) && (dims[i] < 0 || dims[i] == tensor.shape[i]);
        elements *= static_cast<std::uint64_t>(std::max<std::int64_t>(tensor.shape[i], 0));
        fits = fits && elements < (1ull << 32);
    }
    if (!fits)
        return bad(fmt::format("unexpected shape for input '{}' for model '{}'. Expected [{}], got [{}]", tensor.name, model.name, fmt::join(dims, ","), fmt::join(tensor.shape, ",")));
    if (tensor.data.size() != elements * elementBytes(tensor.type))
        return bad(fmt::format("input byte size mismatch for input '{}' for model '{}'. Expected {}, got {}", tensor.name, model.name,
                               elements * elementBytes(tensor.type), tensor.data.size()));
    return {};
}

/// The rows that all inputs bring.
Result<void> takeRows(InferJob& job, const ModelDescription& model)
{
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

} // namespace

Result<std::unique_ptr<InferJob>> jobFromRequest(const inference::ModelInferRequest& request, const ModelDescription& model)
{
    const bool raw = request.raw_input_contents_size() > 0;
    if (raw && request.raw_input_contents_size() != request.inputs_size())
        return bad(fmt::format("expected {} raw_input_contents, got {}", request.inputs_size(), request.raw_input_contents_size()));
    auto job = std::make_unique<InferJob>();
    job->clientId = request.id();
    for (const inference::ModelInput& input : model.config.input()) {
        int place = -1;
        for (int i = 0; i < request.inputs_size(); ++i)
            if (request.inputs(i).name() == input.name()) {
                if (place >= 0)
                    return bad(fmt::format("input '{}' already exists in request for model '{}'", input.name(), model.name));
                place = i;
            }
        if (place < 0) {
            if (input.optional())
                continue;
            return bad(fmt::format("expected {} inputs but got {} inputs for model '{}': input '{}' is missing", model.config.input_size(), request.inputs_size(), model.name, input.name()));
        }
        const auto& wire = request.inputs(place);
        Tensor tensor{wire.name(), datatypeFromName(wire.datatype()), {wire.shape().begin(), wire.shape().end()}, {}};
        if (tensor.type != input.data_type())
            return bad(fmt::format("inference input '{}' data-type is '{}', but model '{}' expects '{}'", tensor.name, wire.datatype(), model.name, datatypeName(input.data_type())));
        if (raw && wire.has_contents())
            return bad(fmt::format("contents field must not be specified when using raw_input_contents for '{}' for model '{}'", tensor.name, model.name));
        tensor.data = raw ? request.raw_input_contents(place) : typedData(wire.contents(), tensor.type);
        GANTRY_CHECK(checkShape(tensor, input, model));
        job->inputs.push_back(std::move(tensor));
    }
    if (model.config.max_batch_size() > 0)
        GANTRY_CHECK(takeRows(*job, model));
    for (const auto& wire : request.inputs())
        if (std::none_of(model.config.input().begin(), model.config.input().end(), [&](const auto& input) { return input.name() == wire.name(); }))
            return bad(fmt::format("unexpected inference input '{}' for model '{}'", wire.name(), model.name));
    for (const auto& wanted : request.outputs())
        if (std::none_of(model.config.output().begin(), model.config.output().end(), [&](const auto& output) { return output.name() == wanted.name(); }))
            return bad(fmt::format("unexpected inference output '{}' for model '{}'", wanted.name(), model.name));
    return job;
}

void fillResponse(const inference::ModelInferRequest& request, const ModelDescription& model, InferJob& job, inference::ModelInferResponse& response)
{
    response.set_model_name(model.name);
    response.set_model_version(model.version);
    response.set_id(request.id());
    for (Tensor& tensor : job.outputs) {
        const auto& wanted = request.outputs();
        if (!wanted.empty() && std::none_of(wanted.begin(), wanted.end(), [&](const auto& output) { return output.name() == tensor.name; }))
            continue;
        auto* output = response.add_outputs();
        output->set_name(tensor.name);
        output->set_datatype(datatypeName(tensor.type));
        output->mutable_shape()->Add(tensor.shape.begin(), tensor.shape.end());
        response.add_raw_output_contents(std::move(tensor.data));
    }
}

} // namespace gantry::inference_server
