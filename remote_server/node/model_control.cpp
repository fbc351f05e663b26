#include "remote_server/node/model_control.h"

#include "remote_server/proto/convert.h"

#include "inference/grpc_service.grpc.pb.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>

namespace gantry::node {
namespace {

using Service = inference::GRPCInferenceService;

constexpr std::chrono::seconds kAnswerPatience{8}; // less than a client waits for gantryd
constexpr std::chrono::seconds kLoadPatience{600}; // a large model is read, compiled and warmed up
// No field of a configuration is deeper; the parser calls itself for each step.
constexpr int kMostNesting = 32;
constexpr std::size_t kMostProblems = 20, kMostBytes = 1 << 20;

class Problems final : public google::protobuf::io::ErrorCollector
{
public:
    void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override
    {
        if (m_found.size() < kMostProblems) // protobuf says -1 where it means the whole text
            m_found.push_back(
                {static_cast<std::uint32_t>(std::max(line, 0) + 1), static_cast<std::uint32_t>(std::max(column, 0) + 1), message});
    }

    [[nodiscard]] std::vector<proto::ConfigProblem> take() { return std::move(m_found); }

private:
    std::vector<proto::ConfigProblem> m_found;
};

std::vector<proto::ConfigProblem> parse(const std::string& text, inference::ModelConfig& config)
{
    if (text.size() > kMostBytes)
        return {{1, 1, std::to_string(text.size()) + " bytes are no configuration"}};
    Problems problems;
    google::protobuf::TextFormat::Parser parser;
    parser.RecordErrorsTo(&problems);
    parser.SetRecursionLimit(kMostNesting);
    const bool isParsed = parser.ParseFromString(text, &config);
    auto found = problems.take();
    if (!isParsed && found.empty())
        found.push_back({1, 1, "the text is no configuration"});
    return isParsed ? std::vector<proto::ConfigProblem>{} : found;
}

/// Whether there are fields, at any depth, that this build has no names for.
bool hasUnknownFields(const google::protobuf::Message& message)
{
    const auto& reflection = *message.GetReflection();
    if (!reflection.GetUnknownFields(message).empty())
        return true;
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const auto* field : fields) {
        if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE)
            continue;
        if (!field->is_repeated() && hasUnknownFields(reflection.GetMessage(message, field)))
            return true;
        for (int i = 0; field->is_repeated() && i < reflection.FieldSize(message, field); ++i)
            if (hasUnknownFields(reflection.GetRepeatedMessage(message, field, i)))
                return true;
    }
    return false;
}

/// The parameter `config` of a request to load, as Triton's model repository extension defines it.
Result<std::string> configJson(const std::string& text)
{
    inference::ModelConfig config;
    if (const auto problems = parse(text, config); !problems.empty())
        return Error{ErrorCode::BadInput,
                     "config.pbtxt:" + std::to_string(problems.front().line) + ":" + std::to_string(problems.front().column) + ": " +
                         problems.front().message,
                     {}};
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    std::string json;
    if (const auto status = google::protobuf::util::MessageToJsonString(config, &json, options); !status.ok())
        return Error{ErrorCode::BadInput, "config.pbtxt cannot be sent: " + std::string(status.message()), {}};
    return json;
}

} // namespace

template <typename Method, typename Request, typename Reply>
Result<void> ModelControl::ask(Method method, const Request& request, Reply& reply, std::chrono::seconds patience) const
{
    const auto stub = Service::NewStub(grpc::CreateChannel(m_address, grpc::InsecureChannelCredentials()));
    const auto context = grpc::ClientContext::FromServerContext(m_caller);
    context->set_deadline(std::min(m_caller.deadline(), std::chrono::system_clock::now() + patience));
    const grpc::Status status = ((*stub).*method)(context.get(), request, &reply);
    if (status.ok())
        return {};
    Error error = proto::toError(status, *context);
    switch (status.error_code()) {
    case grpc::StatusCode::UNIMPLEMENTED:
        error.code = ErrorCode::Unsupported;
        error.message = "the server at " + m_address + " has no model repository extension: " + error.message;
        break;
    case grpc::StatusCode::UNAVAILABLE:
        // Of the connection, or what Triton says of a model that is not loaded.
        error.message = "the server at " + m_address + " did not serve the call: " + error.message;
        break;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
        error.message = "the server at " + m_address + " did not answer in time: look at its log; what was asked for may still happen";
        break;
    default:
        break;
    }
    return error;
}

Result<std::vector<proto::ModelInfo>> ModelControl::list() const
{
    inference::RepositoryIndexResponse index;
    GANTRY_CHECK(ask(&Service::Stub::RepositoryIndex, inference::RepositoryIndexRequest(), index, kAnswerPatience));
    std::vector<proto::ModelInfo> models;
    for (const auto& model : index.models())
        models.push_back({model.name(), model.version(), model.state(), {}, model.reason()});
    return models;
}

Result<proto::ModelConfigText> ModelControl::config(const std::string& model, const std::string& version) const
{
    inference::ModelConfigRequest request;
    request.set_name(model);
    request.set_version(version);
    inference::ModelConfigResponse response;
    GANTRY_CHECK(ask(&Service::Stub::ModelConfig, request, response, kAnswerPatience));
    proto::ModelConfigText config;
    config.isIncomplete = hasUnknownFields(response.config());
    google::protobuf::TextFormat::Printer printer;
    printer.SetHideUnknownFields(true);
    if (!printer.PrintToString(response.config(), &config.text))
        return Error{ErrorCode::Internal, "the configuration of " + model + " cannot be written as text", {}};
    return config;
}

Result<void> ModelControl::load(const std::string& model, const std::string& configText) const
{
    inference::RepositoryModelLoadRequest request;
    request.set_model_name(model);
    if (!configText.empty()) {
        GANTRY_TRY(const std::string json, configJson(configText));
        (*request.mutable_parameters())["config"].set_string_param(json);
    }
    inference::RepositoryModelLoadResponse response;
    return ask(&Service::Stub::RepositoryModelLoad, request, response, kLoadPatience);
}

Result<void> ModelControl::unload(const std::string& model) const
{
    inference::RepositoryModelUnloadRequest request;
    request.set_model_name(model);
    inference::RepositoryModelUnloadResponse response;
    return ask(&Service::Stub::RepositoryModelUnload, request, response, kLoadPatience);
}

std::vector<proto::ConfigProblem> configProblems(const std::string& text)
{
    inference::ModelConfig config;
    return parse(text, config);
}

} // namespace gantry::node
