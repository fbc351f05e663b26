#include "remote_server/load/model_requests.h"

#include "remote_server/load/tensor_data.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <grpcpp/grpcpp.h>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <random>

namespace gantry::load {
namespace {

using Stub = inference::GRPCInferenceService::Stub;
using Tensor = inference::ModelMetadataResponse::TensorMetadata;

constexpr std::chrono::seconds kAnswerTimeout{5};
constexpr std::int64_t kMadeUpTokens = 1000;                     // as without a vocabulary
constexpr std::uint64_t kLargestTensor = std::uint64_t{1} << 31; // protobuf, "Proto Limits": a message is below 2 GiB

Error badInput(std::string sentence)
{
    return {ErrorCode::BadInput, std::move(sentence), {}};
}

void prepare(grpc::ClientContext& context)
{
    context.set_wait_for_ready(true);
    context.set_deadline(std::chrono::system_clock::now() + kAnswerTimeout);
}

/// Whether an input says how many tokens shall be made, by what models of Triton, TensorRT-LLM and Hugging Face call it.
bool isOutputLength(std::string name)
{
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name == "max_tokens" || name == "max_new_tokens" || name == "request_output_len";
}

/// What a server says of a model.
struct ModelAbout
{
    inference::ModelMetadataResponse metadata;
    std::optional<inference::ModelConfig> config; ///< absent: the server has no such extension

    [[nodiscard]] bool isOptional(const std::string& input) const
    {
        return config && std::any_of(config->input().begin(), config->input().end(),
                                     [&](const inference::ModelInput& each) { return each.name() == input && each.optional(); });
    }
    [[nodiscard]] bool isDecoupled() const { return config && config->model_transaction_policy().decoupled(); }
    /// How many token ids there are: a parameter of gantry-serve's models, and by its other name of many in Python.
    [[nodiscard]] std::optional<std::int64_t> vocabulary() const
    {
        if (!config)
            return {};
        for (const char* name : {"vocabulary", "vocab_size"}) {
            const auto found = config->parameters().find(name);
            if (found == config->parameters().end())
                continue;
            std::int64_t size = 0;
            const std::string& text = found->second.string_value();
            if (std::from_chars(text.data(), text.data() + text.size(), size).ec == std::errc() && size > 0)
                return size;
        }
        return {};
    }
    /// Whether the first dimension of its inputs is the batch. Without a config an open first dimension is taken for it.
    [[nodiscard]] bool isBatched(const Tensor& input) const
    {
        if (config)
            return config->max_batch_size() > 0;
        return input.shape_size() > 0 && input.shape(0) < 0;
    }
};

Result<ModelAbout> about(Stub& stub, const std::string& model, const LoadOptions& options, const std::stop_token& stop)
{
    ModelAbout result;
    grpc::ClientContext context;
    prepare(context);
    const std::stop_callback cancel(stop, [&] { context.TryCancel(); });
    inference::ModelMetadataRequest request;
    request.set_name(model);
    const grpc::Status status = stub.ModelMetadata(&context, request, &result.metadata);
    if (stop.stop_requested())
        return Error{ErrorCode::Cancelled, "interrupted before the load began", {}};
    if (status.error_code() == grpc::StatusCode::NOT_FOUND)
        return Error{ErrorCode::NotFound, status.error_message(), {}};
    if (!status.ok())
        return Error{ErrorCode::Unreachable, "no inference server answers at " + options.address + ": " + status.error_message(), {}};
    grpc::ClientContext configContext;
    prepare(configContext);
    inference::ModelConfigRequest configRequest;
    configRequest.set_name(model);
    inference::ModelConfigResponse config;
    if (stub.ModelConfig(&configContext, configRequest, &config).ok())
        result.config = std::move(*config.mutable_config());
    return result;
}

Result<void> checkBatch(const ModelAbout& model, const std::string& name, std::int64_t batch)
{
    if (!model.config || batch == 1)
        return {};
    if (model.config->max_batch_size() == 0)
        return badInput(fmt::format("model '{}' takes no batches (max_batch_size 0): send requests of one inference", name));
    if (batch > model.config->max_batch_size())
        return badInput(fmt::format("a batch of {} is more than model '{}' takes: its max_batch_size is {}", batch, name,
                                    model.config->max_batch_size()));
    return {};
}

/// Makes the inputs of requests of one model.
class RequestMaker
{
public:
    RequestMaker(const ModelAbout& model, const LoadOptions& options) : m_model(model), m_options(options), m_random(options.seed) {}

    /// The inferences of a request are `entries`, or made up where it is empty.
    Result<inference::ModelInferRequest> make(const std::string& name, const std::vector<const InputEntry*>& entries)
    {
        inference::ModelInferRequest request;
        request.set_model_name(name);
        if (m_model.isDecoupled()) // else nothing would say that a model without a further response is done
            (*request.mutable_parameters())["triton_enable_empty_final_response"].set_bool_param(true);
        for (const Tensor& input : m_model.metadata.inputs()) {
            const bool isGiven = !entries.empty() && entries.front()->contains(input.name());
            if (!isGiven && m_model.isOptional(input.name()))
                continue;
            if (!isGiven && !entries.empty())
                return badInput(fmt::format("the input data has no '{}', which model '{}' takes", input.name(), name));
            auto* tensor = request.add_inputs();
            tensor->set_name(input.name());
            tensor->set_datatype(input.datatype());
            const auto done = isGiven ? fill(input, *tensor, *request.add_raw_input_contents(), entries)
                                      : makeUp(input, *tensor, *request.add_raw_input_contents());
            if (!done)
                return Error{done.error().code, fmt::format("input '{}' of model '{}': {}", input.name(), name, done.error().message), {}};
        }
        return request;
    }

private:
    using Shape = std::vector<std::int64_t>;

    /// Of one inference, without the batch dimension.
    Result<Shape> shapeOf(const Tensor& input, const std::optional<Shape>& given) const
    {
        const Shape declared(input.shape().begin() + (m_model.isBatched(input) ? 1 : 0), input.shape().end());
        const auto option = m_options.input.shape.find(input.name());
        const Shape* wanted = given ? &*given : option != m_options.input.shape.end() ? &option->second : nullptr;
        if (wanted) {
            const bool fits = std::equal(declared.begin(), declared.end(), wanted->begin(), wanted->end(),
                                         [](std::int64_t theirs, std::int64_t ours) { return theirs < 0 || theirs == ours; });
            if (!fits)
                return badInput(
                    fmt::format("the shape [{}] does not fit the model's [{}]", fmt::join(*wanted, ","), fmt::join(declared, ",")));
            return *wanted;
        }
        Shape shape = declared;
        std::replace_if(
            shape.begin(), shape.end(), [](std::int64_t dimension) { return dimension < 0; }, m_options.input.sequenceLength);
        return shape;
    }

    static Result<std::size_t> elementsOf(const Shape& shape)
    {
        std::uint64_t elements = 1;
        for (const std::int64_t dimension : shape) {
            elements *= static_cast<std::uint64_t>(dimension);
            if (elements >= kLargestTensor)
                return badInput(fmt::format("the shape [{}] is larger than a request can be", fmt::join(shape, ",")));
        }
        return static_cast<std::size_t>(elements);
    }

    Result<void> describe(const Tensor& input, inference::ModelInferRequest::InferInputTensor& tensor, const Shape& shape) const
    {
        if (m_model.isBatched(input))
            tensor.add_shape(m_options.input.batch);
        else if (m_options.input.batch > 1)
            return badInput("it has no batch dimension");
        for (const std::int64_t dimension : shape)
            tensor.add_shape(dimension);
        return {};
    }

    Result<void> makeUp(const Tensor& input, inference::ModelInferRequest::InferInputTensor& tensor, std::string& raw)
    {
        GANTRY_TRY(const Shape shape, shapeOf(input, {}));
        GANTRY_TRY(const std::size_t elements, elementsOf(shape));
        GANTRY_CHECK(describe(input, tensor, shape));
        const std::size_t all = elements * static_cast<std::size_t>(m_options.input.batch);
        if (all >= kLargestTensor)
            return badInput(fmt::format("a batch of {} is larger than a request can be", m_options.input.batch));
        const MadeUp how{m_options.input.isZero, m_options.input.stringLength, rangeOf(input.name())};
        GANTRY_TRY(raw, makeUpTensor(input.datatype(), all, how, m_random));
        return {};
    }

    /// Of an input's whole numbers; absent: as the type goes.
    [[nodiscard]] std::optional<IntegerRange> rangeOf(const std::string& name) const
    {
        const InputOptions& input = m_options.input;
        if (const auto own = input.ranges.find(name); own != input.ranges.end())
            return own->second;
        if (isOutputLength(name))
            return IntegerRange{input.outputTokens, input.outputTokens};
        if (const auto all = input.ranges.find(""); all != input.ranges.end())
            return all->second;
        const std::optional<std::int64_t> vocabulary = input.isZero ? std::nullopt : m_model.vocabulary();
        return vocabulary ? std::optional(IntegerRange{0, std::min(*vocabulary, kMadeUpTokens) - 1}) : std::nullopt;
    }

    Result<void> fill(const Tensor& input, inference::ModelInferRequest::InferInputTensor& tensor, std::string& raw,
                      const std::vector<const InputEntry*>& entries) const
    {
        std::optional<Shape> first;
        for (const InputEntry* entry : entries) {
            const auto found = entry->find(input.name());
            if (found == entry->end())
                return badInput("not every entry of the input data has it");
            const InputValue& value = found->second;
            GANTRY_TRY(const Shape shape, shapeOf(input, value.shape));
            if (first && *first != shape)
                return badInput("the entries of a batch are of different shapes");
            first = shape;
            Result<std::string> bytes =
                value.raw ? Result<std::string>(*value.raw) : tensorOfJson(input.datatype(), nlohmann::json::parse(value.json));
            if (!bytes)
                return bytes.error();
            GANTRY_TRY(const std::size_t has, elementCount(input.datatype(), *bytes));
            GANTRY_TRY(const std::size_t needs, elementsOf(shape));
            if (has != needs)
                return badInput(fmt::format("{} values, and the shape [{}] takes {}{}", has, fmt::join(shape, ","), needs,
                                            value.shape ? "" : "; give a \"shape\" with the values, or --shape"));
            raw += *bytes;
        }
        return describe(input, tensor, *first);
    }

    const ModelAbout& m_model;
    const LoadOptions& m_options;
    std::mt19937_64 m_random;
};

/// Each entry is the first of one request; the others of its batch follow it, from the start again after the last.
Result<ModelRequests> requestsOf(const std::string& name, const ModelAbout& model, const LoadOptions& options,
                                 const std::vector<InputEntry>& data)
{
    GANTRY_CHECK(checkBatch(model, name, options.input.batch));
    RequestMaker maker(model, options);
    ModelRequests result{name, model.isDecoupled(), {}};
    const auto batch = static_cast<std::size_t>(options.input.batch);
    const std::size_t count = std::max<std::size_t>(1, data.size() / std::gcd(data.size(), batch));
    for (std::size_t i = 0; i < count; ++i) {
        std::vector<const InputEntry*> entries;
        for (std::size_t row = 0; !data.empty() && row < batch; ++row)
            entries.push_back(&data[(i * batch + row) % data.size()]);
        GANTRY_TRY(const inference::ModelInferRequest request, maker.make(name, entries));
        std::string wire;
        if (!request.SerializeToString(&wire))
            return badInput(fmt::format("a request of model '{}' is larger than the 2 GiB that a message may have", name));
        result.variants.emplace_back(wire);
    }
    return result;
}

/// A name that no model takes is a slip of the pen.
Result<void> checkNames(const std::vector<ModelAbout>& models, const LoadOptions& options, const std::vector<InputEntry>& data)
{
    std::vector<std::string> known;
    for (const ModelAbout& model : models)
        for (const Tensor& input : model.metadata.inputs())
            known.push_back(input.name());
    const auto check = [&](const std::string& name, std::string_view where) -> Result<void> {
        if (std::find(known.begin(), known.end(), name) != known.end())
            return {};
        return badInput(fmt::format("{} names an input '{}', and there is none; there are: {}", where, name, fmt::join(known, ", ")));
    };
    for (const auto& [name, shape] : options.input.shape)
        GANTRY_CHECK(check(name, "a shape"));
    for (const auto& [name, range] : options.input.ranges)
        if (!name.empty())
            GANTRY_CHECK(check(name, "a range"));
    for (const InputEntry& entry : data)
        for (const auto& [name, value] : entry)
            GANTRY_CHECK(check(name, "the input data"));
    return {};
}

} // namespace

Result<std::vector<ModelRequests>> makeRequests(Stub& stub, const LoadOptions& options, const std::stop_token& stop)
{
    GANTRY_TRY(const std::vector<InputEntry> data, readInputData(options.input));
    std::vector<ModelAbout> models;
    for (const ModelShare& share : options.models) {
        GANTRY_TRY(ModelAbout model, about(stub, share.name, options, stop));
        models.push_back(std::move(model));
    }
    GANTRY_CHECK(checkNames(models, options, data));
    std::vector<ModelRequests> result;
    for (std::size_t i = 0; i < models.size(); ++i) {
        GANTRY_TRY(ModelRequests requests, requestsOf(options.models[i].name, models[i], options, data));
        result.push_back(std::move(requests));
    }
    return result;
}

} // namespace gantry::load
