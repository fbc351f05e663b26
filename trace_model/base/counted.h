#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry {

/// "1 stream", "2 streams", "3 processes", "4 entries".
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun);

} // namespace gantry
