#include "remote_server/inference/bytes_elements.h"

#include <cstring>
#include <fmt/format.h>

namespace gantry::inference_server {

void appendBytesElement(std::string& data, std::string_view element)
{
    const auto length = static_cast<std::uint32_t>(element.size());
    data.append(reinterpret_cast<const char*>(&length), sizeof length);
    data.append(element);
}

Result<std::string_view> takeBytesElement(std::string_view& data, std::string_view tensor)
{
    std::uint32_t length = 0;
    if (data.size() < sizeof length)
        return Error{
            ErrorCode::BadInput,
            fmt::format("incomplete string length indicator for inference input '{}', expecting 4 bytes but only {} bytes available",
                        tensor, data.size()),
            {}};
    std::memcpy(&length, data.data(), sizeof length);
    data.remove_prefix(sizeof length);
    if (data.size() < length)
        return Error{
            ErrorCode::BadInput,
            fmt::format("incomplete string data for inference input '{}', expecting string of length {} but only {} bytes available",
                        tensor, length, data.size()),
            {}};
    const std::string_view element = data.substr(0, length);
    data.remove_prefix(length);
    return element;
}

Result<std::uint64_t> countBytesElements(std::string_view data, std::string_view tensor)
{
    std::uint64_t count = 0;
    for (; !data.empty(); ++count)
        GANTRY_CHECK(takeBytesElement(data, tensor));
    return count;
}

} // namespace gantry::inference_server
