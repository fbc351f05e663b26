#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::inference_server {

/// Elements of a BYTES tensor as on the wire: each with its length in front, 4 bytes little-endian.

/// Appends one. Precondition: shorter than 4 GiB.
void appendBytesElement(std::string& data, std::string_view element);

/// Takes the first one off `data`, which is not empty. Errors: BadInput, with Triton's sentence about `tensor`.
[[nodiscard]] Result<std::string_view> takeBytesElement(std::string_view& data, std::string_view tensor);

/// How many there are. Errors: as above.
[[nodiscard]] Result<std::uint64_t> countBytesElements(std::string_view data, std::string_view tensor);

} // namespace gantry::inference_server
