#include "remote_server/inference/json_tensor.h"

#include "remote_server/inference/bytes_elements.h"

#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace gantry::inference_server {
namespace {

using nlohmann::json;

// Far more than any tensor has dimensions: a deeper nest would only use up the stack.
constexpr int kDeepest = 64;

Error badData(std::string_view problem)
{
    return {ErrorCode::BadInput, fmt::format("Unable to parse 'data': {}", problem), {}};
}

template <typename Element>
bool fits(const json& value)
{
    if (const auto number = value.get<std::int64_t>(); !value.is_number_unsigned() && number < 0)
        return std::is_signed_v<Element> && number >= static_cast<std::int64_t>(std::numeric_limits<Element>::lowest());
    return value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<Element>::max());
}

template <typename Element>
Result<void> appendElement(std::string& bytes, const json& value, std::string_view type)
{
    Element element{};
    if constexpr (std::is_floating_point_v<Element>) {
        if (!value.is_number())
            return badData("its elements must be numbers");
        element = static_cast<Element>(value.get<double>());
    } else {
        if (!value.is_number_integer())
            return badData("its elements must be integers");
        if (!fits<Element>(value))
            return badData(fmt::format("{} does not fit {}", value.dump(), type));
        element = value.get<Element>();
    }
    bytes.append(reinterpret_cast<const char*>(&element), sizeof element);
    return {};
}

Result<void> appendBool(std::string& bytes, const json& value)
{
    const bool isNumber = value.is_number_integer() && value.get<std::uint64_t>() <= 1;
    if (!value.is_boolean() && !isNumber)
        return badData("its elements must be true or false");
    bytes += value.is_boolean() ? (value.get<bool>() ? '\1' : '\0') : static_cast<char>(value.get<std::uint64_t>());
    return {};
}

Result<void> appendOne(std::string& bytes, const json& value, inference::DataType type)
{
    switch (type) {
    case inference::TYPE_BOOL:
        return appendBool(bytes, value);
    case inference::TYPE_UINT8:
        return appendElement<std::uint8_t>(bytes, value, "UINT8");
    case inference::TYPE_UINT16:
        return appendElement<std::uint16_t>(bytes, value, "UINT16");
    case inference::TYPE_UINT32:
        return appendElement<std::uint32_t>(bytes, value, "UINT32");
    case inference::TYPE_UINT64:
        return appendElement<std::uint64_t>(bytes, value, "UINT64");
    case inference::TYPE_INT8:
        return appendElement<std::int8_t>(bytes, value, "INT8");
    case inference::TYPE_INT16:
        return appendElement<std::int16_t>(bytes, value, "INT16");
    case inference::TYPE_INT32:
        return appendElement<std::int32_t>(bytes, value, "INT32");
    case inference::TYPE_INT64:
        return appendElement<std::int64_t>(bytes, value, "INT64");
    case inference::TYPE_FP32:
        return appendElement<float>(bytes, value, "FP32");
    case inference::TYPE_FP64:
        return appendElement<double>(bytes, value, "FP64");
    case inference::TYPE_STRING:
        if (!value.is_string())
            return badData("the elements of a BYTES tensor must be strings");
        appendBytesElement(bytes, value.get_ref<const std::string&>());
        return {};
    default:
        return badData(fmt::format("{} has no form in JSON: send it as binary data", datatypeName(type)));
    }
}

Result<void> appendAll(std::string& bytes, const json& array, inference::DataType type, std::uint64_t& elements, int depth)
{
    if (depth > kDeepest)
        return badData(fmt::format("its arrays are nested more than {} deep", kDeepest));
    for (const json& value : array) {
        if (value.is_array()) {
            GANTRY_CHECK(appendAll(bytes, value, type, elements, depth + 1));
        } else {
            GANTRY_CHECK(appendOne(bytes, value, type));
            ++elements;
        }
    }
    return {};
}

template <typename Element>
void appendNumbers(std::string& text, std::string_view data)
{
    for (std::size_t at = 0; at + sizeof(Element) <= data.size(); at += sizeof(Element)) {
        Element element{};
        std::memcpy(&element, data.data() + at, sizeof element);
        if (at > 0)
            text += ',';
        if constexpr (std::is_floating_point_v<Element>) {
            if (std::isfinite(element))
                fmt::format_to(std::back_inserter(text), "{}", element);
            else
                text += std::isnan(element) ? "NaN" : element > 0 ? "Infinity" : "-Infinity";
        } else {
            fmt::format_to(std::back_inserter(text), "{}", +element);
        }
    }
}

void appendBools(std::string& text, std::string_view data)
{
    for (std::size_t at = 0; at < data.size(); ++at)
        text += fmt::format("{}{}", at > 0 ? "," : "", data[at] != '\0');
}

Result<void> appendStrings(std::string& text, std::string_view data)
{
    for (bool isFirst = true; !data.empty(); isFirst = false) {
        GANTRY_TRY(const std::string_view element, takeBytesElement(data, "output"));
        try {
            text += (isFirst ? "" : ",") + json(element).dump();
        } catch (const json::exception&) {
            return Error{ErrorCode::BadInput, "its bytes are no UTF-8 text, which JSON needs: ask for it as binary data", {}};
        }
    }
    return {};
}

} // namespace

Result<std::string> bytesFromJson(const json& data, inference::DataType type, const std::vector<std::int64_t>& shape)
{
    if (!data.is_array())
        return badData("it must be an array");
    std::string bytes;
    std::uint64_t elements = 0;
    GANTRY_CHECK(appendAll(bytes, data, type, elements, 1));
    std::uint64_t needed = 1;
    for (const std::int64_t dimension : shape)
        if (__builtin_mul_overflow(needed, static_cast<std::uint64_t>(dimension), &needed))
            needed = std::numeric_limits<std::uint64_t>::max(); // more than any body has
    if (elements != needed)
        return badData(fmt::format("Shape does not match true shape of 'data' field: [{}] needs {} elements, there are {}",
                                   fmt::join(shape, ","), needed, elements));
    return bytes;
}

Result<void> appendJsonElements(std::string& text, std::string_view data, inference::DataType type)
{
    switch (type) {
    case inference::TYPE_BOOL:
        appendBools(text, data);
        return {};
    case inference::TYPE_UINT8:
        appendNumbers<std::uint8_t>(text, data);
        return {};
    case inference::TYPE_UINT16:
        appendNumbers<std::uint16_t>(text, data);
        return {};
    case inference::TYPE_UINT32:
        appendNumbers<std::uint32_t>(text, data);
        return {};
    case inference::TYPE_UINT64:
        appendNumbers<std::uint64_t>(text, data);
        return {};
    case inference::TYPE_INT8:
        appendNumbers<std::int8_t>(text, data);
        return {};
    case inference::TYPE_INT16:
        appendNumbers<std::int16_t>(text, data);
        return {};
    case inference::TYPE_INT32:
        appendNumbers<std::int32_t>(text, data);
        return {};
    case inference::TYPE_INT64:
        appendNumbers<std::int64_t>(text, data);
        return {};
    case inference::TYPE_FP32:
        appendNumbers<float>(text, data);
        return {};
    case inference::TYPE_FP64:
        appendNumbers<double>(text, data);
        return {};
    case inference::TYPE_STRING:
        return appendStrings(text, data);
    default:
        return Error{ErrorCode::BadInput, fmt::format("{} has no form in JSON: ask for it as binary data", datatypeName(type)), {}};
    }
}

} // namespace gantry::inference_server
