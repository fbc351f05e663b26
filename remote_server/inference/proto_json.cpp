#include "remote_server/inference/proto_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>
#include <map>
#include <nlohmann/json.hpp>

namespace gantry::inference_server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using nlohmann::ordered_json;

/// The value of a field that is set once, or of one element of a repeated one.
ordered_json valueJson(const Message& message, const FieldDescriptor& field, int element)
{
    const Reflection& reflection = *message.GetReflection();
    const bool isRepeated = field.is_repeated();
    switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
        return isRepeated ? reflection.GetRepeatedInt32(message, &field, element) : reflection.GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
        return isRepeated ? reflection.GetRepeatedInt64(message, &field, element) : reflection.GetInt64(message, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
        return isRepeated ? reflection.GetRepeatedUInt32(message, &field, element) : reflection.GetUInt32(message, &field);
    case FieldDescriptor::CPPTYPE_UINT64:
        return isRepeated ? reflection.GetRepeatedUInt64(message, &field, element) : reflection.GetUInt64(message, &field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
        return isRepeated ? reflection.GetRepeatedDouble(message, &field, element) : reflection.GetDouble(message, &field);
    case FieldDescriptor::CPPTYPE_FLOAT:
        return isRepeated ? reflection.GetRepeatedFloat(message, &field, element) : reflection.GetFloat(message, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
        return isRepeated ? reflection.GetRepeatedBool(message, &field, element) : reflection.GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_ENUM: {
        const int number =
            isRepeated ? reflection.GetRepeatedEnumValue(message, &field, element) : reflection.GetEnumValue(message, &field);
        const auto* value = field.enum_type()->FindValueByNumber(number);
        return value ? ordered_json(value->name()) : ordered_json(number);
    }
    case FieldDescriptor::CPPTYPE_STRING:
        return isRepeated ? reflection.GetRepeatedString(message, &field, element) : reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
        return jsonOf(isRepeated ? reflection.GetRepeatedMessage(message, &field, element) : reflection.GetMessage(message, &field));
    }
    return nullptr;
}

/// An object by the map's keys, in their order: that of the map itself is arbitrary.
ordered_json mapJson(const Message& message, const FieldDescriptor& field)
{
    const FieldDescriptor& keyField = *field.message_type()->map_key();
    const FieldDescriptor& valueField = *field.message_type()->map_value();
    std::map<std::string, ordered_json> entries;
    for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
        const Message& entry = message.GetReflection()->GetRepeatedMessage(message, &field, i);
        const ordered_json key = valueJson(entry, keyField, 0);
        entries[key.is_string() ? key.get<std::string>() : key.dump()] = valueJson(entry, valueField, 0);
    }
    ordered_json object = ordered_json::object();
    for (auto& [key, value] : entries)
        object[key] = std::move(value);
    return object;
}

} // namespace

ordered_json jsonOf(const Message& message)
{
    ordered_json object = ordered_json::object();
    const Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
        const FieldDescriptor& field = *message.GetDescriptor()->field(i);
        if (field.is_map()) {
            object[field.name()] = mapJson(message, field);
        } else if (field.is_repeated()) {
            ordered_json array = ordered_json::array();
            for (int element = 0; element < reflection.FieldSize(message, &field); ++element)
                array.push_back(valueJson(message, field, element));
            object[field.name()] = std::move(array);
        } else if (!field.has_presence() || reflection.HasField(message, &field)) {
            object[field.name()] = valueJson(message, field, 0);
        }
    }
    return object;
}

Result<void> fromJson(const std::string& json, Message& message)
{
    const auto status = google::protobuf::util::JsonStringToMessage(json, &message);
    if (!status.ok())
        return Error{ErrorCode::BadInput, std::string(status.message()), {}};
    return {};
}

} // namespace gantry::inference_server
