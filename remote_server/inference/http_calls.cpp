#include "remote_server/inference/http_calls.h"

#include "remote_server/inference/base64.h"
#include "remote_server/inference/client_json.h"
#include "remote_server/inference/proto_json.h"

#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace gantry::inference_server {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

Error bad(std::string text)
{
    return {ErrorCode::BadInput, std::move(text), {}};
}

/// The object that a body is; an empty one of an empty body.
Result<json> objectOf(const std::string& body)
{
    if (body.empty())
        return json::object();
    GANTRY_TRY(json object, parseClientJson(body));
    if (!object.is_object())
        return bad("failed to parse the request JSON buffer: it must be a JSON object");
    return object;
}

/// The object `parameters` of a body.
Result<json> parametersOf(const std::string& body)
{
    GANTRY_TRY(const json object, objectOf(body));
    if (!object.contains("parameters"))
        return json::object();
    if (!object["parameters"].is_object())
        return bad("Unable to parse 'parameters': it must be an object");
    return object["parameters"];
}

Result<std::uint64_t> number(const json& object, const char* key, bool isNeeded)
{
    if (!object.contains(key) && !isNeeded)
        return std::uint64_t{0};
    if (!object.contains(key))
        return bad(fmt::format("Shared memory register request has no '{}' field", key));
    if (!object[key].is_number_unsigned())
        return bad(fmt::format("Unable to parse '{}': it must be an integer that is not negative", key));
    return object[key].get<std::uint64_t>();
}

/// A file's bytes, which JSON carries as base64.
Result<std::string> fileOf(const std::string& name, const std::string& text)
{
    auto bytes = fromBase64(text);
    if (!bytes)
        return bad(fmt::format("load parameter '{}' must be base64", name));
    return std::move(*bytes);
}

Result<std::vector<std::string>> settingOf(const std::string& name, const json& value)
{
    const auto text = [&](const json& one) -> Result<std::string> {
        if (one.is_string())
            return one.get<std::string>();
        if (one.is_number_integer())
            return one.dump();
        return bad(fmt::format("Unable to parse '{}': it must be a string, an array of them, or null", name));
    };
    std::vector<std::string> values;
    for (const json& one : value.is_array() ? value : value.is_null() ? json::array() : json::array({value})) {
        GANTRY_TRY(std::string part, text(one));
        values.push_back(std::move(part));
    }
    return values;
}

} // namespace

Result<ordered_json> httpIndex(const ProtocolCalls& calls, const std::string& body)
{
    GANTRY_TRY(const json object, objectOf(body));
    inference::RepositoryIndexRequest request;
    if (object.contains("ready") && !object["ready"].is_boolean())
        return bad("Unable to parse 'ready': it must be true or false");
    request.set_ready(object.value("ready", false));
    GANTRY_TRY(const auto response, calls.index(request));
    ordered_json models = ordered_json::array();
    for (const auto& entry : response.models()) {
        ordered_json model = {{"name", entry.name()}};
        for (const auto& [key, value] :
             {std::pair("version", &entry.version()), std::pair("state", &entry.state()), std::pair("reason", &entry.reason())})
            if (!value->empty())
                model[key] = *value;
        models.push_back(std::move(model));
    }
    return models;
}

Result<void> httpLoad(ProtocolCalls& calls, const std::string& model, const std::string& body)
{
    GANTRY_TRY(const json parameters, parametersOf(body));
    inference::RepositoryModelLoadRequest request;
    request.set_model_name(model);
    for (const auto& [name, value] : parameters.items()) {
        if (!value.is_string())
            return bad(fmt::format("invalid value type for load parameter '{}', expected a string.", name));
        auto& parameter = (*request.mutable_parameters())[name];
        if (name.starts_with("file:")) {
            GANTRY_TRY(*parameter.mutable_bytes_param(), fileOf(name, value.get<std::string>()));
        } else {
            parameter.set_string_param(value.get<std::string>());
        }
    }
    return calls.load(request);
}

Result<void> httpUnload(ProtocolCalls& calls, const std::string& model, const std::string& body)
{
    GANTRY_TRY(const json parameters, parametersOf(body));
    inference::RepositoryModelUnloadRequest request;
    request.set_model_name(model);
    for (const auto& [name, value] : parameters.items()) {
        auto& parameter = (*request.mutable_parameters())[name];
        if (value.is_boolean())
            parameter.set_bool_param(value.get<bool>());
    }
    return calls.unload(request);
}

Result<ordered_json> httpSystemStatus(ProtocolCalls& calls, const std::string& region)
{
    GANTRY_TRY(const auto regions, calls.sharedMemory().systemRegions(region));
    ordered_json list = ordered_json::array();
    for (const SharedMemory::SystemRegion& one : regions)
        list.push_back({{"name", one.name}, {"key", one.key}, {"offset", one.offset}, {"byte_size", one.bytes}});
    return list;
}

Result<void> httpSystemRegister(ProtocolCalls& calls, const std::string& region, const std::string& body)
{
    GANTRY_TRY(const json object, objectOf(body));
    SharedMemory::SystemRegion wanted{region, {}, 0, 0};
    if (!object.contains("key"))
        return bad("Shared memory register request has no 'key' field");
    if (!object["key"].is_string())
        return bad("Unable to parse 'key': it must be a string");
    wanted.key = object["key"].get<std::string>();
    GANTRY_TRY(wanted.offset, number(object, "offset", false));
    GANTRY_TRY(wanted.bytes, number(object, "byte_size", true));
    return calls.sharedMemory().registerSystem(wanted);
}

Result<ordered_json> httpCudaStatus(ProtocolCalls& calls, const std::string& region)
{
    GANTRY_TRY(const auto regions, calls.sharedMemory().cudaRegions(region));
    ordered_json list = ordered_json::array();
    for (const SharedMemory::CudaRegion& one : regions)
        list.push_back({{"name", one.name}, {"device_id", one.device}, {"byte_size", one.bytes}});
    return list;
}

Result<void> httpCudaRegister(ProtocolCalls& calls, const std::string& region, const std::string& body)
{
    GANTRY_TRY(const json object, objectOf(body));
    const json handle =
        object.contains("raw_handle") && object["raw_handle"].is_object() ? object["raw_handle"].value("b64", json()) : json();
    if (!handle.is_string())
        return bad("Shared memory register request has no 'raw_handle' field with a 'b64' string in it");
    const auto bytes = fromBase64(handle.get<std::string>());
    if (!bytes || bytes->size() != 64)
        return bad("'raw_handle' must be a valid base64 encoded cudaIpcMemHandle_t");
    SharedMemory::CudaRegion wanted{region, 0, 0};
    GANTRY_TRY(wanted.device, number(object, "device_id", true));
    GANTRY_TRY(wanted.bytes, number(object, "byte_size", true));
    return calls.sharedMemory().registerCuda(wanted, *bytes);
}

Result<ordered_json> httpTraceSetting(ProtocolCalls& calls, const std::string& model, const std::string& body)
{
    GANTRY_TRY(const json object, objectOf(body));
    inference::TraceSettingRequest request;
    request.set_model_name(model);
    for (const auto& [name, value] : object.items()) {
        GANTRY_TRY(const auto values, settingOf(name, value));
        (*request.mutable_settings())[name].mutable_value()->Add(values.begin(), values.end());
    }
    GANTRY_TRY(const auto response, calls.traceSetting(request));
    ordered_json settings;
    for (const char* name : {"trace_level", "trace_rate", "trace_count", "log_frequency", "trace_file", "trace_mode"}) {
        const auto found = response.settings().find(name);
        if (found == response.settings().end())
            continue;
        const auto& values = found->second.value();
        if (name == std::string_view("trace_level"))
            settings[name] = std::vector<std::string>(values.begin(), values.end());
        else
            settings[name] = values.empty() ? "" : values[0];
    }
    return settings;
}

Result<ordered_json> httpLogSettings(ProtocolCalls& calls, const std::string& body)
{
    GANTRY_TRY(const json object, objectOf(body));
    inference::LogSettingsRequest request;
    for (const auto& [name, value] : object.items()) {
        auto& setting = (*request.mutable_settings())[name];
        if (value.is_boolean())
            setting.set_bool_param(value.get<bool>());
        else if (value.is_number_unsigned() && value.get<std::uint64_t>() <= std::numeric_limits<std::uint32_t>::max())
            setting.set_uint32_param(value.get<std::uint32_t>());
        else if (value.is_string())
            setting.set_string_param(value.get<std::string>());
        else
            return bad(fmt::format("Unable to parse '{}': it must be true, false, an integer that is not negative, or a string", name));
    }
    GANTRY_TRY(const auto response, calls.logSettings(request));
    ordered_json settings;
    for (const char* name : {"log_file", "log_info", "log_warning", "log_error", "log_verbose_level", "log_format"})
        if (const auto found = response.settings().find(name); found != response.settings().end())
            settings[name] = jsonOf(found->second).front();
    return settings;
}

} // namespace gantry::inference_server
