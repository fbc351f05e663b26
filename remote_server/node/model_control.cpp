#include "remote_server/node/model_control.h"

#include "remote_server/inference/config_reader.h"
#include "remote_server/proto/convert.h"

#include "inference/grpc_service.grpc.pb.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <filesystem>

namespace gantry::node {
namespace {

using Service = inference::GRPCInferenceService;

constexpr std::chrono::seconds kAnswerPatience{8}; // less than a client waits for gantryd
constexpr std::chrono::seconds kLoadPatience{600}; // a large model is read, compiled and warmed up
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
    namespace serving = inference_server;
    if (const auto problem = serving::problemOfText(text, serving::ConfigRules::Triton))
        return Error{ErrorCode::BadInput,
                     "config.pbtxt:" + std::to_string(problem->place.line + 1) + ":" + std::to_string(problem->place.column + 1) + ": " +
                         problem->text,
                     {}};
    const serving::ConfigReader reader(text);
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    std::string json;
    if (const auto status = google::protobuf::util::MessageToJsonString(reader.config(), &json, options); !status.ok())
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

std::vector<proto::ConfigProblem> configProblems(const std::string& text, const std::vector<proto::Target>& servers)
{
    const auto isServer = [](const proto::Target& target) {
        return target.state == proto::TargetState::Running && !target.grpcAddress.empty();
    };
    const auto isForeign = [&](const proto::Target& target) {
        return isServer(target) && (target.argv.empty() || std::filesystem::path(target.argv.front()).filename() != "gantry-serve");
    };
    const bool isOurs = std::any_of(servers.begin(), servers.end(), isServer) && std::none_of(servers.begin(), servers.end(), isForeign);
    using inference_server::ConfigRules;
    const auto problem = inference_server::problemOfText(text, isOurs ? ConfigRules::GantryServe : ConfigRules::Triton);
    if (!problem)
        return {};
    return {{static_cast<std::uint32_t>(problem->place.line + 1), static_cast<std::uint32_t>(problem->place.column + 1), problem->text}};
}

} // namespace gantry::node
