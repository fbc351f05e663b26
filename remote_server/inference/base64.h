#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gantry::inference_server {

/// The bytes of base64 text (RFC 4648, with or without padding at its end); nothing when it is none.
[[nodiscard]] std::optional<std::string> fromBase64(std::string_view text);

} // namespace gantry::inference_server
